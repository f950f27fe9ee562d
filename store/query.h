/* SPDX-License-Identifier: MIT
 *
 * Statements whose filters vary (lists). SQL is put together from compile-time fragments only; every value is bound.
 * The macros paste "" before and after the fragment, so that anything but a string literal does not compile.
 *
 *     struct query q;
 *     query_init(&q, "SELECT id, name FROM job");
 *     if (user)
 *         query_where(&q, "user = ?"), query_text(&q, user);
 *     if (keyword)
 *         query_where(&q, "name LIKE ? ESCAPE '\\'"), query_contains(&q, keyword);
 *     if (vcs)
 *         query_where(&q, "vc IN "), query_in_text(&q, vcs, n);
 *     query_pick(&q, order_table, order);             // static const char *const order_table[] = {" ORDER BY ...",
 * ...} query_sql(&q, " LIMIT ? OFFSET ?"), query_int(&q, limit), query_int(&q, offset); st = query_stmt(&q, store, e);
 * // then stmt_step(st, e) as usual query_fini(&q);                                 // after the last step
 */
#ifndef DROVER_STORE_QUERY_H
#define DROVER_STORE_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct err;
struct stmt;
struct store;

#define QUERY_MAX_VALUES 512

struct query_value {
    const char *text; /* NULL: the integer */
    char *owned;      /* text that the query made and frees */
    int64_t integer;
    bool null;
};

/* Fields are the query's own. */
struct query {
    struct buf sql;
    struct query_value *values;
    size_t count;
    bool has_where;
    bool bad;
    struct stmt *stmt;
};

/* Starts a query with its first fragment; ends with query_fini, whatever comes between. */
#define query_init(q, fragment) query_init_fragment(q, "" fragment "")
/* Adds a fragment. */
#define query_sql(q, fragment) query_sql_fragment(q, "" fragment "")
/* Adds " WHERE " the first time and " AND " later. */
#define query_where(q, fragment) query_where_fragment(q, "" fragment "")
/* Adds entry `index` of a constant array of fragments; an index outside makes the query fail. */
#define query_pick(q, table, index) query_pick_fragment(q, table, sizeof(table) / sizeof((table)[0]), (size_t)(index))

/* Behind the macros; call those. Failures (memory, caps, a bad index) are kept and reported by query_stmt. */
void query_init_fragment(struct query *q, const char *fragment);
void query_sql_fragment(struct query *q, const char *fragment);
void query_where_fragment(struct query *q, const char *fragment);
void query_pick_fragment(struct query *q, const char *const *table, size_t n, size_t index);

/* The value of the next `?`. Text is borrowed until query_fini. NULL text binds NULL. */
void query_int(struct query *q, int64_t v);
void query_text(struct query *q, const char *s);
/* The value for `LIKE ? ESCAPE '\'`: %s% with the wildcards in `s` escaped. */
void query_contains(struct query *q, const char *s);
/* Adds "(?,?,...)" and its values; an empty list adds "(NULL)", which matches nothing. */
void query_in_text(struct query *q, const char *const *list, size_t n);
void query_in_int(struct query *q, const int64_t *list, size_t n);

/* Prepares (or takes from the connection's cache) and binds. The statement is the query's: step it, do not keep it.
 * NULL on error. */
struct stmt *query_stmt(struct query *q, struct store *s, struct err *e);
/* Ends the statement and frees. */
void query_fini(struct query *q);

#endif
