/* SPDX-License-Identifier: MIT
 *
 * The chain: hash = BLAKE2b-256(key; hash before, then each column with its length in front), so that no two different
 * rows give the same bytes.
 */
#include "server/audit_store.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/query.h"
#include "store/store.h"

#define COLUMNS "id, time_ms, actor, ip, method, route, object, status, code, request_id, count"

static const struct store_sql sql_head = {"SELECT id, hash FROM audit ORDER BY id DESC LIMIT 1"};
static const struct store_sql sql_add = {"INSERT INTO audit(" COLUMNS
                                         ", hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
static const struct store_sql sql_walk = {"SELECT " COLUMNS ", hash FROM audit ORDER BY id"};

static void hash_int(crypto_generichash_state *h, int64_t v)
{
    unsigned char bytes[8];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)((uint64_t)v >> (8 * i));
    crypto_generichash_update(h, bytes, sizeof bytes);
}

static void hash_text(crypto_generichash_state *h, const char *s)
{
    size_t n = strlen(s);
    hash_int(h, (int64_t)n);
    crypto_generichash_update(h, (const unsigned char *)s, n);
}

/* The hash of `r` behind one whose hash is `before`. */
static void hash_record(const unsigned char *key, const unsigned char *before, const struct audit_record *r,
                        unsigned char out[AUDIT_HASH_SIZE])
{
    crypto_generichash_state h;
    crypto_generichash_init(&h, key, crypto_generichash_KEYBYTES, AUDIT_HASH_SIZE);
    crypto_generichash_update(&h, before, AUDIT_HASH_SIZE);
    hash_int(&h, r->id);
    hash_int(&h, r->time_ms);
    hash_text(&h, r->actor);
    hash_text(&h, r->ip);
    hash_text(&h, r->method);
    hash_text(&h, r->route);
    hash_text(&h, r->object);
    hash_int(&h, r->status);
    hash_text(&h, r->code);
    hash_text(&h, r->request_id);
    hash_int(&h, r->count);
    crypto_generichash_final(&h, out, AUDIT_HASH_SIZE);
}

int audit_store_head(struct store *s, struct audit_head *out, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_head, e);
    int rc = stmt_step(st, e);
    *out = (struct audit_head){0};
    if (rc == STMT_ROW) {
        size_t n = 0;
        const void *hash = stmt_col_blob(st, 1, &n);
        out->id = stmt_col_int(st, 0);
        if (n == AUDIT_HASH_SIZE)
            memcpy(out->hash, hash, n);
        stmt_reset(st);
    }
    return rc < 0 ? -1 : 0;
}

int audit_store_add(struct store *s, const unsigned char *key, const struct audit_record *r, struct audit_head *head,
                    struct err *e)
{
    struct audit_record row = *r;
    struct audit_head next = {.id = head->id + 1};
    struct stmt *st = store_stmt(s, &sql_add, e);
    row.id = next.id;
    hash_record(key, head->hash, &row, next.hash);
    stmt_int(st, 1, row.id);
    stmt_int(st, 2, row.time_ms);
    stmt_text(st, 3, row.actor);
    stmt_text(st, 4, row.ip);
    stmt_text(st, 5, row.method);
    stmt_text(st, 6, row.route);
    stmt_text(st, 7, row.object);
    stmt_int(st, 8, row.status);
    stmt_text(st, 9, row.code);
    stmt_text(st, 10, row.request_id);
    stmt_int(st, 11, row.count);
    stmt_blob(st, 12, next.hash, sizeof next.hash);
    if (stmt_exec(st, e))
        return -1;
    *head = next;
    return 0;
}

static struct audit_record read_row(struct stmt *st)
{
    return (struct audit_record){.id = stmt_col_int(st, 0),
                                 .time_ms = stmt_col_int(st, 1),
                                 .actor = stmt_col_string(st, 2),
                                 .ip = stmt_col_string(st, 3),
                                 .method = stmt_col_string(st, 4),
                                 .route = stmt_col_string(st, 5),
                                 .object = stmt_col_string(st, 6),
                                 .status = (int)stmt_col_int(st, 7),
                                 .code = stmt_col_string(st, 8),
                                 .request_id = stmt_col_string(st, 9),
                                 .count = stmt_col_int(st, 10)};
}

int audit_store_list(struct store *s, const struct audit_filter *f, int (*row)(void *ctx, const struct audit_record *r),
                     void *ctx, struct err *e)
{
    struct query q;
    int rc;
    query_init(&q, "SELECT " COLUMNS " FROM audit");
    query_where(&q, "id >= ?"), query_int(&q, f->lowest_id);
    if (f->before_id)
        query_where(&q, "id < ?"), query_int(&q, f->before_id);
    if (f->actor)
        query_where(&q, "actor = ?"), query_text(&q, f->actor);
    if (f->ip)
        query_where(&q, "ip = ?"), query_text(&q, f->ip);
    if (f->method)
        query_where(&q, "method = ?"), query_text(&q, f->method);
    if (f->route)
        query_where(&q, "route = ?"), query_text(&q, f->route);
    if (f->code)
        query_where(&q, "code = ?"), query_text(&q, f->code);
    if (f->status)
        query_where(&q, "status = ?"), query_int(&q, f->status);
    query_sql(&q, " ORDER BY id DESC");
    struct stmt *st = query_stmt(&q, s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct audit_record r = read_row(st);
        if (row(ctx, &r))
            break;
    }
    query_fini(&q);
    return rc;
}

/* One record against its place in the chain; *head moves on. 0 or -1. */
static int check_record(const unsigned char *key, struct stmt *st, struct audit_head *head, struct err *e)
{
    struct audit_record r = read_row(st);
    unsigned char hash[AUDIT_HASH_SIZE];
    size_t n = 0;
    const void *stored = stmt_col_blob(st, 11, &n);
    if (r.id != head->id + 1)
        return err_set(e, ERR_INTERNAL, "The audit log is broken: record %lld is missing.", (long long)head->id + 1);
    hash_record(key, head->hash, &r, hash);
    if (n != sizeof hash || sodium_memcmp(hash, stored, n) != 0)
        return err_set(e, ERR_INTERNAL, "The audit log is broken at record %lld: its hash does not fit.",
                       (long long)r.id);
    head->id = r.id;
    memcpy(head->hash, hash, sizeof hash);
    return 0;
}

int audit_store_verify(struct store *s, const unsigned char *key, const struct audit_head *expected,
                       struct audit_head *head, struct err *e)
{
    bool found = !expected;
    int rc;
    *head = (struct audit_head){0};
    struct stmt *st = store_stmt(s, &sql_walk, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        if (check_record(key, st, head, e)) {
            stmt_reset(st);
            return -1;
        }
        if (!found && head->id == expected->id) {
            if (sodium_memcmp(head->hash, expected->hash, AUDIT_HASH_SIZE) != 0) {
                stmt_reset(st);
                return err_set(e, ERR_INTERNAL, "The audit log is another one: record %lld is not the one noted.",
                               (long long)head->id);
            }
            found = true;
        }
    }
    if (rc < 0)
        return -1;
    return found ? 0
                 : err_set(e, ERR_INTERNAL, "The audit log was cut: it ends at record %lld, noted was record %lld.",
                           (long long)head->id, (long long)expected->id);
}

void audit_store_format_head(const struct audit_head *head, char out[AUDIT_HEAD_TEXT])
{
    char hex[2 * AUDIT_HASH_SIZE + 1];
    sodium_bin2hex(hex, sizeof hex, head->hash, sizeof head->hash);
    snprintf(out, AUDIT_HEAD_TEXT, "%lld:%s", (long long)head->id, hex);
}

int audit_store_parse_head(const char *text, struct audit_head *out, struct err *e)
{
    char *end = NULL;
    size_t n = 0;
    bool number = text[0] >= '0' && text[0] <= '9';
    errno = 0;
    out->id = number ? strtoll(text, &end, 10) : 0;
    if (!number || errno == ERANGE || *end != ':' ||
        sodium_hex2bin(out->hash, sizeof out->hash, end + 1, strlen(end + 1), NULL, &n, NULL) || n != sizeof out->hash)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.100s\" is no head of an audit log; it reads ID:HASH.", text);
    return 0;
}
