/* SPDX-License-Identifier: MIT
 *
 * The query builder. Built statements are kept by their text (the fragments are constants, so there are few texts), up
 * to a cap; beyond it they are prepared for one use.
 */
#include "store/query.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "store/store_internal.h"

#define QUERY_MAX_SQL 32768u
#define QUERY_CACHED 128u

void query_init_fragment(struct query *q, const char *fragment)
{
    memset(q, 0, sizeof(*q));
    buf_init(&q->sql, QUERY_MAX_SQL);
    (void)buf_adds(&q->sql, fragment);
}

void query_sql_fragment(struct query *q, const char *fragment)
{
    (void)buf_adds(&q->sql, fragment);
}

void query_where_fragment(struct query *q, const char *fragment)
{
    (void)buf_adds(&q->sql, q->has_where ? " AND " : " WHERE ");
    (void)buf_adds(&q->sql, fragment);
    q->has_where = true;
}

void query_pick_fragment(struct query *q, const char *const *table, size_t n, size_t index)
{
    if (index >= n || !table[index])
        q->bad = true;
    else
        (void)buf_adds(&q->sql, table[index]);
}

/* A new value, or NULL (and the query is bad). */
static struct query_value *query_add(struct query *q)
{
    if (!q->values)
        q->values = calloc(QUERY_MAX_VALUES, sizeof(*q->values));
    if (!q->values || q->count >= QUERY_MAX_VALUES) {
        q->bad = true;
        return NULL;
    }
    return &q->values[q->count++];
}

void query_int(struct query *q, int64_t v)
{
    struct query_value *value = query_add(q);

    if (value)
        value->integer = v;
}

void query_text(struct query *q, const char *s)
{
    struct query_value *value = query_add(q);

    if (!value)
        return;
    value->text = s;
    value->null = !s;
}

void query_contains(struct query *q, const char *s)
{
    struct query_value *value = query_add(q);
    struct buf pattern;

    if (!value)
        return;
    buf_init(&pattern, QUERY_MAX_SQL);
    (void)buf_addc(&pattern, '%');
    for (; *s; s++) {
        if (*s == '%' || *s == '_' || *s == '\\')
            (void)buf_addc(&pattern, '\\');
        (void)buf_addc(&pattern, *s);
    }
    (void)buf_addc(&pattern, '%');
    value->owned = buf_take(&pattern, NULL);
    value->text = value->owned;
    if (!value->owned)
        q->bad = true;
}

/* "(?,?,...)", or "(NULL)" for none. */
static void query_marks(struct query *q, size_t n)
{
    size_t i;

    if (n == 0) {
        (void)buf_adds(&q->sql, "(NULL)");
        return;
    }
    if (n > QUERY_MAX_VALUES) {
        q->bad = true;
        return;
    }
    for (i = 0; i < n; i++)
        (void)buf_adds(&q->sql, i ? ",?" : "(?");
    (void)buf_addc(&q->sql, ')');
}

void query_in_text(struct query *q, const char *const *list, size_t n)
{
    size_t i;

    query_marks(q, n);
    for (i = 0; i < n && !q->bad; i++)
        query_text(q, list[i]);
}

void query_in_int(struct query *q, const int64_t *list, size_t n)
{
    size_t i;

    query_marks(q, n);
    for (i = 0; i < n && !q->bad; i++)
        query_int(q, list[i]);
}

/* From the cache, or new; new ones go into the cache while it has room. */
static struct stmt *query_prepare(struct query *q, struct store *s, struct err *e)
{
    struct stmt *st = hash_get(s->queries, buf_str(&q->sql));

    /* One that is being stepped belongs to another query of this thread; it gets its own copy. */
    if (st && !sqlite3_stmt_busy(st->raw)) {
        (void)sqlite3_clear_bindings(st->raw);
        st->bind_rc = SQLITE_OK;
        return st;
    }
    st = stmt_prepare(s, buf_str(&q->sql), e);
    if (!st)
        return NULL;
    st->transient = true;
    /* The key lives as long as the statement: sqlite3_sql is its own copy of the text. */
    if (hash_count(s->queries) < QUERY_CACHED && !hash_get(s->queries, buf_str(&q->sql)) &&
        hash_put(s->queries, sqlite3_sql(st->raw), st) == 0) {
        st->transient = false;
        st->next_query = s->query_chain;
        s->query_chain = st;
    }
    return st;
}

struct stmt *query_stmt(struct query *q, struct store *s, struct err *e)
{
    struct stmt *st;
    size_t i;

    if (q->bad || q->sql.bad) {
        (void)err_set(e, ERR_INVALID_PARAMETERS, "too many or too long filters");
        return NULL;
    }
    st = query_prepare(q, s, e);
    if (!st)
        return NULL;
    q->stmt = st;
    for (i = 0; i < q->count; i++) {
        const struct query_value *v = &q->values[i];
        int pos = (int)i + 1;

        if (v->text || v->null)
            stmt_text(st, pos, v->text);
        else
            stmt_int(st, pos, v->integer);
    }
    return st;
}

void query_fini(struct query *q)
{
    size_t i;

    if (q->stmt && q->stmt->transient)
        stmt_finalize(q->stmt);
    else
        stmt_reset(q->stmt);
    for (i = 0; i < q->count; i++)
        free(q->values[i].owned);
    free(q->values);
    buf_fini(&q->sql);
    q->values = NULL;
    q->count = 0;
    q->stmt = NULL;
}
