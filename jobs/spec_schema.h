/* SPDX-License-Identifier: MIT
 *
 * A small schema language for documents: an object is a table of fields, a field has a kind, bounds and maybe a rule.
 * spec_tables.c, spec_extras.c and protocol_extras.c hold the tables.
 *
 * A null counts as "not given" everywhere: optional fields may be null, required ones may not.
 */
#ifndef DROVER_JOBS_SPEC_SCHEMA_H
#define DROVER_JOBS_SPEC_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct doc;
struct err;
struct spec_place;

enum spec_kind {
    SPEC_STRING, /* min, max: bytes */
    SPEC_TEXT,   /* a string or a number */
    SPEC_INT,    /* min, max: value; a number such as 2.0 counts */
    SPEC_BOOL,
    SPEC_LIST,   /* of `of`; min, max: entries */
    SPEC_DICT,   /* a map of freely named `of`; `rule` is for the names */
    SPEC_OBJECT, /* a map with the fields of `object` */
    SPEC_MAP,    /* any map */
    SPEC_KIND_COUNT
};

/* A further rule: NULL when `text` is fine, else what it must be ("must ..."). Pure. */
typedef const char *spec_rule_fn(const char *text);

/* A table of fields, ended by a field without key. */
struct spec_object {
    const char *what; /* for messages: "task role" */
    bool open;        /* other keys may stand there, too */
    const struct spec_field *fields;
};

struct spec_field {
    const char *key; /* for an entry of a list or dict: how messages call it */
    enum spec_kind kind;
    bool required;
    bool minus_one;           /* SPEC_INT: -1 is taken besides min..max */
    int64_t min, max;         /* max 0 = no bound */
    const char *const *words; /* SPEC_STRING: one of these, NULL-terminated; NULL = any */
    spec_rule_fn *rule;
    const struct spec_field *of;
    const struct spec_object *object;
};

/* Checks a map against its table, with all below it. `place` is the map's own. ERR_INVALID_PROTOCOL with the place.
 * 0 or -1. Any thread. */
int spec_schema_check(const struct spec_object *object, const struct doc *map, const struct spec_place *place,
                      struct err *e);

/* The value under `key`, NULL also when it is null or `map` is NULL. */
const struct doc *spec_schema_get(const struct doc *map, const char *key);
/* The string, integer or boolean under `key` of a checked map, or the fallback. */
const char *spec_schema_string(const struct doc *map, const char *key, const char *fallback);
int64_t spec_schema_int(const struct doc *map, const char *key, int64_t fallback);
bool spec_schema_bool(const struct doc *map, const char *key, bool fallback);

/* Rules. Names of jobs, prerequisites and deployments: letters, digits, "-" and "_". */
spec_rule_fn spec_schema_name;
/* Names that become part of an environment variable: letters, digits and "_", not a digit first. */
spec_rule_fn spec_schema_identifier;

#endif
