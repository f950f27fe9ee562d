/* SPDX-License-Identifier: MIT */
/* Texts of alerts go in and out as the JSON that alert_text.c makes of them. */
#include "server/alerts/alert_store.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/alerts/alert_book.h"
#include "server/alerts/alert_silence.h"
#include "store/query.h"
#include "store/store.h"

/* ---- changes ---- */

#define CHANGE_COLUMNS                                                                                                 \
    "id, time_ms, fingerprint, state, rule, severity, starts_ms, ends_ms, labels, annotations, user, silenced"

static void read_change(struct stmt *st, struct alert_change *c)
{
    *c = (struct alert_change){.id = stmt_col_int(st, 0),
                               .time_ms = stmt_col_int(st, 1),
                               .fingerprint = stmt_col_string(st, 2),
                               .state = stmt_col_string(st, 3),
                               .rule = stmt_col_string(st, 4),
                               .severity = stmt_col_string(st, 5),
                               .starts_ms = stmt_col_int(st, 6),
                               .ends_ms = stmt_col_int(st, 7),
                               .labels = stmt_col_string(st, 8),
                               .annotations = stmt_col_string(st, 9),
                               .user = stmt_col_text(st, 10),
                               .silenced = stmt_col_int(st, 11) != 0};
}

int alert_store_next_change(struct store *reader, int64_t after_id, struct arena *a, struct alert_change *out,
                            struct err *e)
{
    static const struct store_sql sql = {"SELECT " CHANGE_COLUMNS
                                         " FROM alert_change WHERE id > ? ORDER BY id LIMIT 1"};
    struct stmt *st = store_stmt(reader, &sql, e);
    stmt_int(st, 1, after_id);
    int rc = stmt_step(st, e);
    if (rc != STMT_ROW)
        return rc == STMT_DONE ? 0 : -1;
    read_change(st, out);
    const char **const texts[] = {&out->fingerprint, &out->state,  &out->rule,
                                  &out->severity,    &out->labels, &out->annotations};
    bool all = true;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        all = (*texts[i] = arena_strdup(a, *texts[i])) && all;
    if (out->user)
        all = (out->user = arena_strdup(a, out->user)) && all;
    stmt_reset(st);
    return all ? 1 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

int alert_store_changes(struct store *reader, const struct alert_change_filter *f, alert_change_fn *fn, void *ctx,
                        struct err *e)
{
    struct query q;
    struct alert_change c;
    int rc = 0, stop = 0;
    query_init(&q, "SELECT " CHANGE_COLUMNS " FROM alert_change");
    if (f->user)
        query_where(&q, "user = ?"), query_text(&q, f->user);
    if (f->rule)
        query_where(&q, "rule = ?"), query_text(&q, f->rule);
    if (f->before_id)
        query_where(&q, "id < ?"), query_int(&q, f->before_id);
    if (f->since_ms)
        query_where(&q, "time_ms >= ?"), query_int(&q, f->since_ms);
    if (f->until_ms)
        query_where(&q, "time_ms < ?"), query_int(&q, f->until_ms);
    query_sql(&q, " ORDER BY id DESC LIMIT ?");
    query_int(&q, f->limit);
    struct stmt *st = query_stmt(&q, reader, e);
    while (!stop && (rc = stmt_step(st, e)) == STMT_ROW) {
        read_change(st, &c);
        stop = fn(ctx, &c);
    }
    query_fini(&q);
    return rc < 0 ? -1 : 0;
}

static int add_change(struct store *s, const struct alert_record *r, struct err *e)
{
    static const struct store_sql sql = {"INSERT INTO alert_change(time_ms, fingerprint, state, rule, severity, "
                                         "starts_ms, ends_ms, labels, annotations, "
                                         "user, silenced) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_int(st, 1, r->time_ms);
    stmt_text(st, 2, r->text->print);
    stmt_text(st, 3, alert_state_word(r->state));
    stmt_text(st, 4, r->rule);
    stmt_text(st, 5, r->severity);
    stmt_int(st, 6, r->starts_ms);
    stmt_int_or_null(st, 7, r->ends_ms, 0);
    stmt_text(st, 8, r->text->labels_json);
    stmt_text(st, 9, r->text->notes_json);
    stmt_text(st, 10, r->user[0] ? r->user : NULL);
    stmt_int(st, 11, r->silenced);
    return stmt_exec(st, e);
}

/* ---- alerts ---- */

static int put_row(struct store *s, const struct alert_record *r, struct err *e)
{
    static const struct store_sql put = {
        "INSERT INTO alert(fingerprint, foreign_one, rule, severity, state, since_ms, starts_ms, told, labels, "
        "annotations, user) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT(fingerprint) DO UPDATE SET "
        "severity = excluded.severity, state = excluded.state, since_ms = excluded.since_ms, "
        "starts_ms = excluded.starts_ms, told = excluded.told, annotations = excluded.annotations, "
        "user = excluded.user"};
    struct stmt *st = store_stmt(s, &put, e);
    stmt_text(st, 1, r->text->print);
    stmt_int(st, 2, r->foreign);
    stmt_text(st, 3, r->rule);
    stmt_text(st, 4, r->severity);
    stmt_text(st, 5, alert_state_word(r->state));
    stmt_int(st, 6, r->since_ms);
    stmt_int_or_null(st, 7, r->starts_ms, 0);
    stmt_int(st, 8, r->told);
    stmt_text(st, 9, r->text->labels_json);
    stmt_text(st, 10, r->text->notes_json);
    stmt_text(st, 11, r->user);
    return stmt_exec(st, e);
}

static int drop_row(struct store *s, const struct alert_record *r, struct err *e)
{
    static const struct store_sql sql = {"DELETE FROM alert WHERE fingerprint = ?"};
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, r->text->print);
    return stmt_exec(st, e);
}

/* Few at once, so that a batch stays short. */
static int forget_changes(struct store *s, int64_t before_ms, struct err *e)
{
    static const struct store_sql old = {"DELETE FROM alert_change WHERE id IN (SELECT id FROM alert_change "
                                         "WHERE time_ms < ? ORDER BY time_ms LIMIT 1000)"};
    static const struct store_sql many = {
        "DELETE FROM alert_change WHERE id <= (SELECT max(id) FROM alert_change) - ?"};
    struct stmt *st = store_stmt(s, &old, e);
    stmt_int(st, 1, before_ms);
    if (stmt_exec(st, e))
        return -1;
    st = store_stmt(s, &many, e);
    stmt_int(st, 1, ALERT_CHANGES_MAX);
    return stmt_exec(st, e);
}

int alert_store_put(struct store *s, void *batch, struct clock_now now, struct err *e)
{
    const struct alert_batch *b = batch;
    for (const struct alert_record *r = b->records; r; r = r->next)
        if ((r->gone ? drop_row(s, r, e) : put_row(s, r, e)) || (r->tell && add_change(s, r, e)))
            return -1;
    return forget_changes(s, now.wall - b->keep_ms, e);
}

/* A row as a record, whose text is the caller's. NULL on error. */
static struct alert_text *read_row(struct stmt *st, struct alert_record *r, struct err *e)
{
    const char *labels = stmt_col_string(st, 7), *notes = stmt_col_string(st, 8);
    *r = (struct alert_record){.foreign = stmt_col_int(st, 0) != 0,
                               .state = strcmp(stmt_col_string(st, 3), "firing") ? ALERT_PENDING : ALERT_FIRING,
                               .since_ms = stmt_col_int(st, 4),
                               .starts_ms = stmt_col_int(st, 5),
                               .told = stmt_col_int(st, 6) != 0};
    snprintf(r->rule, sizeof r->rule, "%s", stmt_col_string(st, 1));
    snprintf(r->severity, sizeof r->severity, "%s", stmt_col_string(st, 2));
    snprintf(r->user, sizeof r->user, "%s", stmt_col_string(st, 9));
    cJSON *l = json_parse(labels, strlen(labels), 0, e);
    cJSON *n = l ? json_parse(notes, strlen(notes), 0, e) : NULL;
    r->text = n ? alert_text_read(l, n, e) : NULL;
    cJSON_Delete(l);
    cJSON_Delete(n);
    return r->text;
}

int alert_store_each(struct store *reader, alert_record_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {
        "SELECT foreign_one, rule, severity, state, since_ms, starts_ms, told, labels, "
        "annotations, user FROM alert ORDER BY since_ms, fingerprint"};
    struct stmt *st = store_stmt(reader, &sql, e);
    struct alert_record r;
    int rc;
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct alert_text *t = read_row(st, &r, e);
        const int stop = t ? fn(ctx, &r) : -1;
        alert_text_put(t);
        if (stop) {
            stmt_reset(st);
            return -1;
        }
    }
    return rc;
}

/* ---- silences ---- */

static int put_silence(struct store *s, const struct alert_silence *one, struct err *e)
{
    static const struct store_sql sql = {
        "INSERT INTO alert_silence(id, matchers, starts_ms, ends_ms, updated_ms, created_by, comment) "
        "VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT(id) DO UPDATE SET starts_ms = excluded.starts_ms, "
        "ends_ms = excluded.ends_ms, updated_ms = excluded.updated_ms, created_by = excluded.created_by, "
        "comment = excluded.comment"};
    struct buf matchers;
    struct json_out j;
    buf_init(&matchers, 0);
    json_out_init(&j, &matchers);
    silence_write_matchers(&j, one);
    struct stmt *st = store_stmt(s, &sql, e);
    stmt_text(st, 1, one->id);
    stmt_text(st, 2, buf_str(&matchers));
    stmt_int(st, 3, one->starts_ms);
    stmt_int(st, 4, one->ends_ms);
    stmt_int(st, 5, one->updated_ms);
    stmt_text(st, 6, one->by);
    stmt_text(st, 7, one->comment);
    int rc = matchers.bad ? err_set(e, ERR_INTERNAL, "Out of memory.") : stmt_exec(st, e);
    buf_fini(&matchers);
    return rc;
}

int alert_store_put_silences(struct store *s, void *silences, struct clock_now now, struct err *e)
{
    static const struct store_sql old = {"DELETE FROM alert_silence WHERE ends_ms < ?"};
    struct alert_silence *const *list = silences;
    for (; *list; list++)
        if (put_silence(s, *list, e))
            return -1;
    struct stmt *st = store_stmt(s, &old, e);
    stmt_int(st, 1, now.wall - SILENCE_KEPT_MS);
    return stmt_exec(st, e);
}

/* NULL on error. */
static struct alert_silence *read_silence(struct stmt *st, struct err *e)
{
    const char *matchers = stmt_col_string(st, 1);
    struct alert_silence *s = silence_create();
    cJSON *list = json_parse(matchers, strlen(matchers), 0, e);
    if (!s || !list || silence_add_json(s, list, e)) {
        cJSON_Delete(list);
        silence_destroy(s);
        return NULL;
    }
    cJSON_Delete(list);
    snprintf(s->id, sizeof s->id, "%s", stmt_col_string(st, 0));
    s->starts_ms = stmt_col_int(st, 2);
    s->ends_ms = stmt_col_int(st, 3);
    s->updated_ms = stmt_col_int(st, 4);
    snprintf(s->by, sizeof s->by, "%s", stmt_col_string(st, 5));
    snprintf(s->comment, sizeof s->comment, "%s", stmt_col_string(st, 6));
    return s;
}

int alert_store_each_silence(struct store *reader, alert_silence_fn *fn, void *ctx, struct err *e)
{
    static const struct store_sql sql = {"SELECT id, matchers, starts_ms, ends_ms, updated_ms, created_by, comment "
                                         "FROM alert_silence ORDER BY updated_ms, id"};
    struct stmt *st = store_stmt(reader, &sql, e);
    int rc;
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct alert_silence *s = read_silence(st, e);
        if (!s || fn(ctx, s)) {
            stmt_reset(st);
            return -1;
        }
    }
    return rc;
}
