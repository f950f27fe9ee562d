/* SPDX-License-Identifier: MIT
 *
 * The audit log's rows: table audit, append-only (triggers refuse UPDATE and DELETE), each row with the keyed hash of
 * itself and of the row before it. Who changes, drops or inserts a row without the key breaks the chain there; who cuts
 * its end off is found by a head that was noted elsewhere (`droverd audit verify --head`).
 */
#ifndef DROVER_SERVER_AUDIT_STORE_H
#define DROVER_SERVER_AUDIT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct store;

#define AUDIT_HASH_SIZE 32

/* One row. Texts are never NULL; borrowed. */
struct audit_record {
    int64_t id;      /* 1, 2, 3, ... without gaps */
    int64_t time_ms; /* of a sum: of its last call */
    const char *actor;
    const char *ip;
    const char *method; /* "*": a sum of several */
    const char *route;  /* the row's pattern; "" = no such route; "*": a sum */
    const char *object; /* the path */
    int status;         /* what was answered */
    const char *code;   /* "" = accepted; else the error's name */
    const char *request_id;
    int64_t count; /* calls that this row tells of: 1, but in a sum */
};

/* Where the chain ends: the last row's id and hash, zeros when there is no row. */
struct audit_head {
    int64_t id;
    unsigned char hash[AUDIT_HASH_SIZE];
};

/* What a filter lets through; zero fields let through everything. */
struct audit_filter {
    const char *actor, *ip, *method, *route, *code;
    int64_t status;
    int64_t before_id; /* only ids below; 0 = from the newest */
    int64_t lowest_id; /* and not below this one: bounds the work */
};

/* Reads the end of the chain. 0 or -1. */
int audit_store_head(struct store *s, struct audit_head *out, struct err *e);
/* Appends `r` (whose id is ignored) behind *head, which moves on. `key` has 32 bytes. 0 or -1. The writer, inside a
 * transaction. */
int audit_store_add(struct store *s, const unsigned char *key, const struct audit_record *r, struct audit_head *head,
                    struct err *e);
/* Newest first; `row` returns 0 to go on, 1 to stop. 0, 1 when stopped, or -1. */
int audit_store_list(struct store *s, const struct audit_filter *f, int (*row)(void *ctx, const struct audit_record *r),
                     void *ctx, struct err *e);

/* Walks the whole chain. 0 when it is sound: *head is its end. -1 with `e` naming the first broken record. `expected`
 * (NULL = none): a head noted earlier, whose record must be there unchanged. */
int audit_store_verify(struct store *s, const unsigned char *key, const struct audit_head *expected,
                       struct audit_head *head, struct err *e);
#define AUDIT_HEAD_TEXT (21 + 2 * AUDIT_HASH_SIZE + 1)
/* "ID:HEX", as audit verify prints it, and back: 0, or -1 with ERR_INVALID_PARAMETERS. */
void audit_store_format_head(const struct audit_head *head, char out[AUDIT_HEAD_TEXT]);
int audit_store_parse_head(const char *text, struct audit_head *out, struct err *e);

#endif
