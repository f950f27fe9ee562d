/* SPDX-License-Identifier: MIT
 *
 * A webhook is named within its user's, or the site's, which have no user.
 */
#include "server/notice/webhook_store.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "store/store.h"

#define COLUMNS "w.id, w.user, w.name, w.url, w.shape, w.kinds, w.quiet, w.enabled, w.secret, w.created_ms"
#define NAMED "user IS ?1 AND name = ?2"

bool webhook_name_ok(const char *name)
{
    const size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    return n && n <= WEBHOOK_NAME_MAX && !name[n] && name[0] != '.';
}

void webhook_context(const struct webhook *w, char out[WEBHOOK_CONTEXT_SIZE])
{
    snprintf(out, WEBHOOK_CONTEXT_SIZE, "webhook %s~%s", w->user ? w->user : "", w->name);
}

/* ---- reading ---- */

static void read_row(struct stmt *st, struct webhook *w)
{
    const enum body_shape shape = body_shape_find(stmt_col_string(st, 4));
    *w = (struct webhook){.id = stmt_col_string(st, 0),
                          .user = stmt_col_text(st, 1),
                          .name = stmt_col_string(st, 2),
                          .url = stmt_col_string(st, 3),
                          .shape = shape == BODY_SHAPES ? BODY_JSON : shape,
                          .kinds = (unsigned)stmt_col_int(st, 5),
                          .quiet = stmt_col_int(st, 6),
                          .enabled = stmt_col_int(st, 7),
                          .created_ms = stmt_col_int(st, 9)};
    w->secret = stmt_col_blob(st, 8, &w->secret_len);
}

int webhook_store_each(struct store *s, const struct webhook_which *which, webhook_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT " COLUMNS " FROM webhook w WHERE w.user IS ?1 AND"
                                         " (?2 IS NULL OR w.name = ?2) ORDER BY w.name"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct webhook w;
    bool any = false;
    int rc;
    stmt_text(st, 1, which->user);
    stmt_text(st, 2, which->name);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        any = true;
        read_row(st, &w);
        rc = fn(ctx, &w);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    if (!rc && which->name && !any)
        return err_set(e, ERR_NO_WEBHOOK, "Webhook %.64s is not found.", which->name);
    return rc;
}

int webhook_store_each_listener(struct store *s, const struct webhook_matter *m, webhook_listener_fn *fn, void *ctx,
                                struct err *e)
{
    static const struct store_sql sql = {
        "SELECT " COLUMNS ", n.value FROM webhook w LEFT JOIN user u ON u.name = w.user"
        " LEFT JOIN notice_setting n ON n.user = w.user WHERE w.enabled = 1 AND (w.user IS NULL OR"
        " (u.disabled = 0 AND (u.expires_ms IS NULL OR u.expires_ms = 0 OR u.expires_ms > ?2) AND"
        " (w.user = ?1 OR (?1 IS NULL AND u.admin = 1)))) ORDER BY w.created_ms, w.id"};
    struct stmt *st = store_stmt(s, &sql, e);
    struct webhook w;
    struct rules r;
    int rc;
    stmt_text(st, 1, m->user);
    stmt_int(st, 2, m->now_ms);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        read_row(st, &w);
        rc = rules_parse(&r, stmt_col_text(st, 10), e);
        rc = rc ? rc : fn(ctx, &w, &r);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}

/* ---- writing ---- */

static void bind_name(struct stmt *st, const struct webhook *w)
{
    stmt_text(st, 1, w->user);
    stmt_text(st, 2, w->name);
}

static int check_room(struct store *s, const struct webhook *w, struct err *e)
{
    static const struct store_sql sql = {"SELECT count(*) FROM webhook WHERE user IS ?1 AND name <> ?2"};
    const int most = w->user ? WEBHOOKS_OF_USER : WEBHOOKS_OF_SITE;
    struct stmt *st = store_stmt(s, &sql, e);
    bind_name(st, w);
    const int rc = stmt_step(st, e);
    const int64_t n = rc == STMT_ROW ? stmt_col_int(st, 0) : 0;
    stmt_reset(st);
    if (rc < 0)
        return -1;
    return n < most ? 0 : err_set(e, ERR_TOO_MANY, "There are %d webhooks already, which is the most.", most);
}

static void bind_row(struct stmt *st, const struct webhook *w)
{
    bind_name(st, w);
    stmt_text(st, 3, w->url);
    stmt_text(st, 4, body_shape_name(w->shape));
    stmt_int(st, 5, w->kinds);
    stmt_int(st, 6, w->quiet);
    stmt_int(st, 7, w->enabled);
}

static int insert(struct store *s, const struct webhook *w, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO webhook(user, name, url, shape, kinds, quiet, enabled, id, secret,"
        " created_ms) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    if (check_room(s, w, e))
        return -1;
    struct stmt *st = store_stmt(s, &sql, e);
    bind_row(st, w);
    stmt_text(st, 8, w->id);
    stmt_blob(st, 9, w->secret, w->secret_len);
    stmt_int(st, 10, now.wall);
    return stmt_exec(st, e);
}

static int renew(struct store *s, const struct webhook *w, struct err *e)
{
    static const struct store_sql sql = {"UPDATE webhook SET secret = ?3 WHERE " NAMED};
    struct stmt *st = store_stmt(s, &sql, e);
    bind_name(st, w);
    stmt_blob(st, 3, w->secret, w->secret_len);
    return stmt_exec(st, e);
}

/* None that was switched off is sent. */
static int give_up(struct store *s, const struct webhook *w, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "UPDATE notice_out SET state = 'failed', ended_ms = ?3, problem = 'switched off' WHERE state = 'waiting' AND"
        " webhook = (SELECT id FROM webhook WHERE " NAMED ") AND forced = 0 AND (?5 = 0 OR ?4 & (1 << kind) = 0)"};
    struct stmt *st = store_stmt(s, &sql, e);
    bind_name(st, w);
    stmt_int(st, 3, now.wall);
    stmt_int(st, 4, w->kinds);
    stmt_int(st, 5, w->enabled);
    return stmt_exec(st, e);
}

int webhook_store_put(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {
        "UPDATE webhook SET url = ?3, shape = ?4, kinds = ?5, quiet = ?6, enabled = ?7 WHERE " NAMED};
    struct webhook_write *x = what;
    struct stmt *st = store_stmt(s, &sql, e);
    bind_row(st, &x->row);
    if (stmt_exec(st, e))
        return -1;
    const bool there = store_changes(s) > 0;
    x->shown = !there || x->renew;
    if (!there)
        return insert(s, &x->row, now, e);
    return (x->renew && renew(s, &x->row, e)) || give_up(s, &x->row, now, e) ? -1 : 0;
}

int webhook_store_remove(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {"DELETE FROM webhook WHERE " NAMED};
    const struct webhook_write *x = what;
    struct stmt *st = store_stmt(s, &sql, e);
    (void)now;
    bind_name(st, &x->row);
    if (stmt_exec(st, e))
        return -1;
    return store_changes(s) ? 0 : err_set(e, ERR_NO_WEBHOOK, "Webhook %.64s is not found.", x->row.name);
}
