/* SPDX-License-Identifier: MIT
 *
 * The JSON gate: the only place that includes cJSON to parse, and the only JSON writer.
 *
 * cJSON alone accepts duplicate keys, trailing bytes, bad UTF-8, NUL escapes and infinities (reliability.md fact 5);
 * the gate refuses them before cJSON sees the text.
 */
#ifndef DROVER_BASE_JSON_H
#define DROVER_BASE_JSON_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;

#define JSON_MAX_DEPTH 32
#define JSON_MAX_BYTES (1024u * 1024u)

/* Parses exactly one JSON value. Rules of reliability.md S3: at most `max` bytes (0 = 1 MiB), depth at most 32, valid
 * UTF-8, no NUL and no \u0000, no lone surrogate, no duplicate keys (exact case), no bytes after the value, numbers
 * finite, no leading zeros, no raw control characters. ERR_INVALID_PARAMETERS with line and column. The caller frees
 * with cJSON_Delete. Linear time. Any thread. */
cJSON *json_parse(const char *text, size_t len, size_t max, struct err *e);

/* Exact-case member look-ups; `fallback` or NULL when absent. A member of another type is ERR_INVALID_PARAMETERS naming
 * the member in `e` and makes the call return -1 (0 otherwise, also when absent). Strings are borrowed. */
int json_get_string(const cJSON *o, const char *key, const char **out, struct err *e);
int json_get_int(const cJSON *o, const char *key, int64_t *out, struct err *e);
int json_get_bool(const cJSON *o, const char *key, bool *out, struct err *e);
/* Refuses members whose name is not in the NULL-terminated list (mass assignment, S2). 0 or -1. */
int json_only_keys(const cJSON *o, const char *const *keys, struct err *e);
/* The text of object `into` with the members of object `from` (both texts) put in or, where they are there, in their
 * place; where both are objects, `levels` levels down. At most 64 KiB. Freed with cJSON_free; NULL on error. */
char *json_merge(const char *into, const char *from, int levels, struct err *e);

/* A streaming writer: commas, quotes and escapes are its business. Bad UTF-8 in strings becomes U+FFFD.
 * Errors are kept in the buf (`out->bad`). Depth at most 32. */
struct json_out {
    struct buf *out;
    int depth;
    uint64_t has_member; /* bit d: the container at depth d already has a member */
    bool after_key;
};

/* Starts a writer that appends to `out` (borrowed). The calls below each write one token or one value. */
void json_out_init(struct json_out *j, struct buf *out);
void json_out_object(struct json_out *j); /* { */
void json_out_object_end(struct json_out *j);
void json_out_array(struct json_out *j); /* [ */
void json_out_array_end(struct json_out *j);
void json_out_key(struct json_out *j, const char *key);
void json_out_string(struct json_out *j, const char *s); /* NULL writes null */
void json_out_string_n(struct json_out *j, const char *s, size_t n);
void json_out_int(struct json_out *j, int64_t v);
void json_out_double(struct json_out *j, double v); /* not finite writes null */
void json_out_bool(struct json_out *j, bool v);
void json_out_null(struct json_out *j);
/* A finished JSON value written as it is; for values that this writer made and the database kept. */
void json_out_raw(struct json_out *j, const char *json);
/* Key and value in one call. */
void json_out_kstring(struct json_out *j, const char *key, const char *s);
void json_out_kint(struct json_out *j, const char *key, int64_t v);
void json_out_kbool(struct json_out *j, const char *key, bool v);
/* Key and a time in ms; 0 writes null. */
void json_out_ktime(struct json_out *j, const char *key, int64_t ms);

#endif
