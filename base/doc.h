/* SPDX-License-Identifier: MIT
 *
 * A parsed document with places: the common tree of the YAML gate (and of JSON text read through it). Every node knows
 * its line and column, so that a validator can name the place. All memory belongs to the arena given to the parser.
 */
#ifndef DROVER_BASE_DOC_H
#define DROVER_BASE_DOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct buf;
struct err;

enum doc_type { DOC_NULL, DOC_BOOL, DOC_INT, DOC_FLOAT, DOC_STRING, DOC_LIST, DOC_MAP };

/* One node. Children of a list or map form a singly linked chain in source order. Pure data. */
struct doc {
    enum doc_type type;
    int line;        /* 1-based */
    int column;      /* 1-based, in code points */
    const char *key; /* name within the parent map, NUL-terminated; NULL otherwise */
    int key_line;    /* place of the key */
    int key_column;
    const char *text;  /* scalar as written (after unquoting), NUL-terminated UTF-8; NULL for list and map */
    size_t text_len;   /* bytes; text holds no NUL before it */
    int64_t integer;   /* DOC_INT, DOC_BOOL (0 or 1) */
    double number;     /* DOC_INT and DOC_FLOAT */
    struct doc *first; /* first child */
    struct doc *next;  /* next sibling */
    size_t count;      /* number of children */
    bool quoted;       /* scalar was quoted or a block scalar: always DOC_STRING */
};

/* Limits of a parse; zero fields take the gate's defaults (reliability.md S4). */
struct doc_limits {
    size_t bytes;   /* 256 KiB */
    int depth;      /* 32 */
    size_t nodes;   /* 10,000, expanded aliases counted */
    size_t aliases; /* 100 */
};

/* The YAML gate. Parses one YAML 1.2 (core schema) document over libyaml's event API into a tree in `a`.
 * Refuses: over the limits, invalid UTF-8, NUL, BOM other than a leading UTF-8 one, other encodings, tags (but the core
 * ones spelled `!!str` and so on are refused too), duplicate keys, merge keys, non-string keys that are collections,
 * more than one document, an empty document, recursive aliases. Errors are `code` with line and column. Time and memory
 * are bounded by the limits. Any thread. NULL on error. */
struct doc *doc_parse_yaml(struct arena *a, const char *text, size_t len, const struct doc_limits *limits,
                           struct err *e);

/* The child of map `m` named `key`, or NULL (also when `m` is NULL or no map). Borrowed. */
const struct doc *doc_get(const struct doc *m, const char *key);

/* "string", "integer", ... for messages. */
const char *doc_type_name(enum doc_type type);

/* Writes the tree as YAML (block style, keys in source order, strings quoted where the core schema would read them as
 * something else, multi-line strings as literal blocks) such that doc_parse_yaml gives an equal tree. 0 or -1. */
int doc_write_yaml(struct buf *out, const struct doc *d);

#endif
