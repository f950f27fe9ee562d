/* SPDX-License-Identifier: MIT
 *
 * Of one receiver the positions are the order, and only the first that waits is ever told: one that fails for a while
 * holds up those behind it, never others.
 */
#include "server/notice/out_store.h"

#include <string.h>

#include "base/err.h"
#include "inventory/setting_store.h"
#include "store/store.h"

#define COLUMNS                                                                                                        \
    "o.position, o.webhook, o.user, o.notice, o.kind, o.time_ms, o.data, o.due_ms, o.tries, o.state, o.ended_ms, "     \
    "o.status, o.problem"
enum { COLUMN_COUNT = 13 };

static void read_row(struct stmt *st, struct out_row *r)
{
    const int64_t kind = stmt_col_int(st, 4);
    *r = (struct out_row){.position = stmt_col_int(st, 0),
                          .webhook = stmt_col_text(st, 1),
                          .user = stmt_col_text(st, 2),
                          .notice = stmt_col_string(st, 3),
                          .kind = kind < 0 || kind >= NOTICE_KINDS ? NOTICE_TEST : (enum notice_kind)kind,
                          .time_ms = stmt_col_int(st, 5),
                          .data = stmt_col_string(st, 6),
                          .due_ms = stmt_col_int(st, 7),
                          .tries = (int)stmt_col_int(st, 8),
                          .state = stmt_col_string(st, 9),
                          .ended_ms = stmt_col_int_or(st, 10, 0),
                          .status = (int)stmt_col_int_or(st, 11, 0),
                          .problem = stmt_col_string(st, 12)};
}

/* Every row through `fn`. */
static int each(struct stmt *st, out_row_fn *fn, void *ctx, struct err *e)
{
    struct out_row r;
    int rc;
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        read_row(st, &r);
        rc = fn(ctx, &r);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

/* ---- queueing ---- */

/* How many wait for that receiver; -1 on error. */
static int64_t waiting(struct store *s, const struct out_row *r, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT count(*) FROM notice_out WHERE webhook IS ? AND user IS ? AND state = 'waiting'"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, r->webhook);
    stmt_text(st, 2, r->user);
    const int rc = stmt_step(st, e);
    const int64_t n = rc == STMT_ROW ? stmt_col_int(st, 0) : -1;
    stmt_reset(st);
    return n;
}

/* Of what has ended the last ones stay. */
static int prune(struct store *s, const char *webhook, struct err *e)
{
    static const struct store_sql sql = {
        "DELETE FROM notice_out WHERE webhook = ?1 AND state <> 'waiting' AND position NOT IN"
        " (SELECT position FROM notice_out WHERE webhook = ?1 AND state <> 'waiting' ORDER BY position DESC LIMIT ?2)"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, webhook);
    stmt_int(st, 2, OUT_LOG_MAX);
    return stmt_exec(st, e);
}

/* What belongs to a webhook or user that is gone since it was read, stays away. */
static int queue_one(struct store *s, const struct out_row *r, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO notice_out(webhook, user, notice, kind, forced, time_ms, data, due_ms, state, ended_ms, problem)"
        " SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11 WHERE"
        " EXISTS(SELECT 1 FROM webhook WHERE id = ?1) OR EXISTS(SELECT 1 FROM user WHERE name = ?2)"
        " ON CONFLICT DO NOTHING"};
    const int64_t n = waiting(s, r, e);
    const bool full = n >= OUT_WAITING_MAX;
    if (n < 0 || (full && !r->webhook))
        return n < 0 ? -1 : 0;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, r->webhook);
    stmt_text(st, 2, r->user);
    stmt_text(st, 3, r->notice);
    stmt_int(st, 4, (int64_t)r->kind);
    stmt_int(st, 5, r->forced);
    stmt_int(st, 6, r->time_ms);
    stmt_text(st, 7, r->data);
    stmt_int(st, 8, r->due_ms);
    stmt_text(st, 9, full ? "failed" : "waiting");
    stmt_int_or_null(st, 10, full ? now.wall : 0, 0);
    stmt_text(st, 11, full ? "too many wait" : "");
    return stmt_exec(st, e) || (full && prune(s, r->webhook, e)) ? -1 : 0;
}

int out_store_queue(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct out_queue *q = what;
    for (size_t i = 0; i < q->count; i++)
        if (queue_one(s, &q->rows[i], now, e))
            return -1;
    return q->state ? setting_store_put(s, q->state, now, e) : 0;
}

/* ---- ends ---- */

static int end_mail(struct store *s, const struct out_end *x, int64_t position, struct err *e)
{
    static const struct store_sql sql = {"DELETE FROM notice_out WHERE position = ?1 AND (?2 = 0 OR tries >= ?3)"};
    static const struct store_sql wait = {
        "UPDATE notice_out SET tries = tries + 1, due_ms = max(due_ms, ?2) WHERE position = ?1"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_int(st, 1, position);
    stmt_int(st, 2, x->kind == OUT_LATER);
    stmt_int(st, 3, OUT_MAIL_TRIES);
    if (stmt_exec(st, e) || x->kind != OUT_LATER)
        return e->code ? -1 : 0;
    st = store_stmt(s, &wait, e);
    stmt_int(st, 1, position);
    stmt_int(st, 2, x->due_ms);
    return stmt_exec(st, e);
}

static int end_post(struct store *s, const struct out_end *x, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "UPDATE notice_out SET state = ?1, ended_ms = ?2, due_ms = coalesce(?3, due_ms), tries = tries + 1,"
        " status = ?4, problem = ?5 WHERE position = ?6 AND state = 'waiting'"};
    const bool later = x->kind == OUT_LATER;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, later ? "waiting" : x->kind == OUT_SENT ? "sent" : "failed");
    stmt_int_or_null(st, 2, later ? 0 : now.wall, 0);
    stmt_int_or_null(st, 3, later ? x->due_ms : 0, 0);
    stmt_int_or_null(st, 4, x->status, 0);
    stmt_text(st, 5, x->problem ? x->problem : "");
    stmt_int(st, 6, x->positions[0]);
    return stmt_exec(st, e);
}

int out_store_end(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct out_end *x = what;
    if (x->webhook)
        return end_post(s, x, now, e) || prune(s, x->webhook, e) ? -1 : 0;
    for (size_t i = 0; i < x->count; i++)
        if (end_mail(s, x, x->positions[i], e))
            return -1;
    return 0;
}

/* ---- what is next ---- */

int out_store_mails(struct store *s, const struct out_due *due, out_row_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT " COLUMNS " FROM notice_out o WHERE o.webhook IS NULL AND o.state = 'waiting' AND o.due_ms <= ?1 AND"
        " o.user = (SELECT user FROM notice_out f WHERE webhook IS NULL AND state = 'waiting' AND due_ms <= ?1 AND"
        " NOT EXISTS(SELECT 1 FROM notice_out p WHERE p.webhook IS NULL AND p.state = 'waiting' AND p.user = f.user AND"
        " p.tries > 0 AND p.due_ms > ?1) ORDER BY due_ms, position LIMIT 1) ORDER BY o.position LIMIT ?2"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_int(st, 1, due->now_ms);
    stmt_int(st, 2, due->limit);
    return each(st, fn, ctx, e);
}

int out_store_heads(struct store *s, const struct out_due *due, out_head_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT " COLUMNS ", w.user, w.name, w.url, w.shape, w.secret FROM"
        " (SELECT h.position AS first, row_number() OVER (PARTITION BY v.user ORDER BY h.due_ms, h.position) AS turn"
        " FROM (SELECT min(position) AS first FROM notice_out WHERE state = 'waiting' AND webhook IS NOT NULL"
        " GROUP BY webhook) f JOIN notice_out h ON h.position = f.first JOIN webhook v ON v.id = h.webhook"
        " LEFT JOIN user u ON u.name = v.user WHERE h.due_ms <= ?1 AND (v.user IS NULL OR (u.disabled = 0 AND"
        " (u.expires_ms IS NULL OR u.expires_ms = 0 OR u.expires_ms > ?1)))) t"
        " JOIN notice_out o ON o.position = t.first JOIN webhook w ON w.id = o.webhook"
        " WHERE w.user IS NULL OR t.turn <= ?3 ORDER BY w.user IS NOT NULL, t.turn, o.due_ms, o.position LIMIT ?2"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct out_row r;
    int rc;
    stmt_int(st, 1, due->now_ms);
    stmt_int(st, 2, due->limit);
    stmt_int(st, 3, OUT_USER_HEADS);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        read_row(st, &r);
        const enum body_shape shape = body_shape_find(stmt_col_string(st, COLUMN_COUNT + 3));
        struct webhook w = {.id = r.webhook,
                            .user = stmt_col_text(st, COLUMN_COUNT),
                            .name = stmt_col_string(st, COLUMN_COUNT + 1),
                            .url = stmt_col_string(st, COLUMN_COUNT + 2),
                            .shape = shape == BODY_SHAPES ? BODY_JSON : shape};
        w.secret = stmt_col_blob(st, COLUMN_COUNT + 4, &w.secret_len);
        rc = fn(ctx, &r, &w);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

int out_store_log(struct store *s, const char *webhook, out_row_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " COLUMNS " FROM notice_out o WHERE o.webhook = ?1"
                                         " ORDER BY o.position DESC LIMIT ?2"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, webhook);
    stmt_int(st, 2, OUT_LOG_MAX + OUT_WAITING_MAX);
    return each(st, fn, ctx, e);
}

/* ---- settings ---- */

int out_store_rules(struct store *s, const char *user, struct rules *out, struct err *e)
{
    static const struct store_sql sql = {"SELECT value FROM notice_setting WHERE user = ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, user);
    int rc = stmt_step(st, e);
    if (rc < 0)
        return -1;
    rc = rules_parse(out, rc == STMT_ROW ? stmt_col_text(st, 0) : NULL, e);
    stmt_reset(st);
    return rc;
}

static int forget_mails(struct store *s, const struct out_rules *x, struct err *e)
{
    static const struct store_sql sql = {
        "DELETE FROM notice_out WHERE webhook IS NULL AND user = ?1 AND state = 'waiting' AND forced = 0 AND"
        " ?2 & (1 << kind) = 0"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, x->user);
    stmt_int(st, 2, x->rules.mail);
    return stmt_exec(st, e);
}

int out_store_put_rules(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO notice_setting(user, value, updated_ms) VALUES (?, ?, ?) "
        "ON CONFLICT(user) DO UPDATE SET value = excluded.value, updated_ms = excluded.updated_ms"};
    const struct out_rules *x = what;
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, x->user);
    stmt_text(st, 2, x->value);
    stmt_int(st, 3, now.wall);
    return stmt_exec(st, e) || forget_mails(s, x, e) ? -1 : 0;
}

int out_store_each_reader(struct store *s, const struct webhook_matter *m, out_reader_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT u.name, u.email, n.value FROM user u LEFT JOIN notice_setting n ON n.user = u.name"
        " WHERE (u.name = ?1 OR (?1 IS NULL AND u.admin = 1)) AND u.email <> '' AND u.disabled = 0"
        " AND (u.expires_ms IS NULL OR u.expires_ms = 0 OR u.expires_ms > ?2) ORDER BY u.name"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct out_reader r;
    int rc;
    stmt_text(st, 1, m->user);
    stmt_int(st, 2, m->now_ms);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        r = (struct out_reader){.user = stmt_col_string(st, 0), .email = stmt_col_string(st, 1)};
        rc = rules_parse(&r.rules, stmt_col_text(st, 2), e);
        rc = rc ? rc : fn(ctx, &r);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
