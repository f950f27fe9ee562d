/* SPDX-License-Identifier: MIT
 *
 * logs: every byte to standard output. On a terminal it is made harmless on the way (foreign.h), piece by piece as it
 * comes. A broken connection is taken up again at the byte where it broke.
 */
#include "tui/verbs/logs.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/foreign.h"
#include "tui/model.h"
#include "tui/verbs/follow.h"
#include "tui/verbs/verbs.h"
#include "tui/watch.h"

#define LOGS_TRIES 10      /* looks for another attempt, 0.3 s apart */
#define LOGS_AWAY_MS 60000 /* how long a server may be away while following */

/* Where the bytes go. */
struct logs_sink {
    struct cli *cli;
    struct foreign foreign;
    struct buf safe;
    bool raw;
    bool broken;    /* standard output is gone */
    int64_t offset; /* bytes of the log that were printed */
};

static size_t logs_take(void *ctx, const char *bytes, size_t len)
{
    struct logs_sink *s = ctx;

    s->offset += (int64_t)len;
    buf_reset(&s->safe);
    if (!s->raw && foreign_add(&s->foreign, bytes, len, &s->safe))
        return 0;
    if (!s->raw) {
        bytes = buf_str(&s->safe);
        s->broken = fwrite(bytes, 1, s->safe.len, s->cli->out) != s->safe.len;
    } else {
        s->broken = fwrite(bytes, 1, len, s->cli->out) != len;
    }
    s->broken = fflush(s->cli->out) || s->broken;
    return s->broken ? 0 : len;
}

static void logs_sink_init(struct logs_sink *s, struct cli *cli, bool raw)
{
    *s = (struct logs_sink){.cli = cli, .raw = raw || !cli->term.tty};
    buf_init(&s->safe, 1 << 20);
}

static void logs_sink_fini(struct logs_sink *s)
{
    buf_reset(&s->safe);
    if (!s->raw && !foreign_end(&s->foreign, &s->safe))
        (void)fwrite(buf_str(&s->safe), 1, s->safe.len, s->cli->out);
    buf_fini(&s->safe);
}

const char *logs_attempt_path(struct cli *cli, const struct logs_choice *c, const struct model_detail *d,
                              const struct model_task *t)
{
    char attempt[16];
    char index[16];
    char task_attempt[16];

    snprintf(attempt, sizeof attempt, "%d", c->attempt >= 0 ? c->attempt : d->attempt);
    snprintf(index, sizeof index, "%d", t->index);
    snprintf(task_attempt, sizeof task_attempt, "%d", c->task_attempt >= 0 ? c->task_attempt : t->attempt);
    return cli_path(cli, "/api/v2/jobs/%s/attempts/%s/taskRoles/%s/taskIndex/%s/attempts/%s", c->full, attempt, t->role,
                    index, task_attempt);
}

/* The path of a task attempt's log. */
static const char *logs_path(struct cli *cli, const struct logs_choice *c, const struct model_detail *d,
                             const struct model_task *t)
{
    const char *path = logs_attempt_path(cli, c, d, t);

    return path ? arena_printf(cli->arena, "%s/logs/%s", path, c->stream) : NULL;
}

static int logs_stream(struct cli *cli, const char *path, const char *query, struct logs_sink *s, struct err *e)
{
    struct transfer_request r = {.method = "GET", .sink = logs_take, .ctx = s};

    r.path = path ? arena_printf(cli->arena, "%s%s", path, query) : NULL;
    if (!r.path)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (client_call(&cli->server, &r, NULL, e))
        return s->broken ? err_set(e, ERR_INTERNAL, "Cannot write the output.") : -1;
    return 0;
}

bool logs_fits(const struct logs_choice *c, const struct model_task *t)
{
    return (!c->role || !strcasecmp(c->role, t->role)) && (c->index < 0 || c->index == t->index);
}

/* The first task that fits, or NULL with a sentence that names what there is. */
static const struct model_task *logs_first(struct cli *cli, const struct logs_choice *c, const struct model_detail *d,
                                           struct err *e)
{
    const char *roles = "";

    for (size_t i = 0; i < d->task_count; i++) {
        if (logs_fits(c, &d->tasks[i]))
            return &d->tasks[i];
        if (i < 20)
            roles =
                arena_printf(cli->arena, "%s%s%s-%d", roles, *roles ? ", " : "", d->tasks[i].role, d->tasks[i].index);
    }
    (void)err_set(e, ERR_NO_TASK_LOG, "%s has no such task; it has %s.", c->full, *roles ? roles : "none");
    return NULL;
}

static int logs_detail(struct cli *cli, const struct logs_choice *c, struct model_detail *d, struct err *e)
{
    char attempt[16];
    cJSON *reply;
    int rc;

    if (c->attempt < 0)
        return watch_fetch(cli, c->full, d, e);
    snprintf(attempt, sizeof attempt, "%d", c->attempt);
    reply = cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/attempts/%s", c->full, attempt), NULL, e);
    rc = reply ? model_read_detail(cli->arena, reply, d, e) : -1;
    cJSON_Delete(reply);
    return rc;
}

const struct model_task *logs_pick(struct cli *cli, const struct logs_choice *c, struct model_detail *d, struct err *e)
{
    return logs_detail(cli, c, d, e) ? NULL : logs_first(cli, c, d, e);
}

static void logs_pause(void)
{
    struct timespec t = {0, 300000000};

    (void)nanosleep(&t, NULL);
}

/* Streams one attempt to its end, over lost connections: what there is (no `follow`: only where something more had
 * come, as when the server has put out somebody who reads in a pager), or also what comes. */
static int logs_attempt(struct cli *cli, const char *path, bool follow, bool raw, struct err *e)
{
    struct logs_sink s;
    int64_t away = 0;
    int rc;

    logs_sink_init(&s, cli, raw);
    for (;;) {
        int64_t before = s.offset;
        char query[64];

        *e = (struct err){0};
        snprintf(query, sizeof query, "?follow=%s&offset=%lld", follow ? "true" : "false", (long long)s.offset);
        rc = logs_stream(cli, path, query, &s, e);
        if (!rc || s.broken || (e->code != ERR_BUSY && e->code != ERR_TIMEOUT))
            break;
        if (!follow && s.offset == before)
            break;
        if (follow && (!away || s.offset > before)) {
            away = clock_read().mono;
            cli_say(cli, cli->err, "drover: %s Trying again for a minute.\n", e->text);
        }
        if (follow && clock_read().mono - away > LOGS_AWAY_MS)
            break;
        logs_pause();
    }
    logs_sink_fini(&s);
    return rc;
}

/* The end of what there is. */
static int logs_tail(struct cli *cli, const char *path, bool raw, struct err *e)
{
    struct logs_sink s;
    int rc;

    logs_sink_init(&s, cli, raw);
    rc = logs_stream(cli, path, "?tailMode=true", &s, e);
    logs_sink_fini(&s);
    return rc;
}

/* Waits until the job is no longer waiting; a job that ended without a start has no log. */
static int logs_await_start(struct cli *cli, const struct logs_choice *c, struct model_detail *d, struct err *e)
{
    struct watch w = {.full = c->full, .until_started = true};

    if (d->job.state != WORD_WAITING)
        return 0;
    return watch_job(cli, &w, d, e);
}

/* Whether nothing more can follow a task whose log has ended: it is done for good, and its job goes on without it. */
static bool logs_is_over(const struct model_detail *d, const struct model_task *t)
{
    if (words_get(d->job.state)->final)
        return true;
    return words_get(t->state)->final && t->state != WORD_FAILED && d->job.state == WORD_RUNNING;
}

/* After an attempt's log ended: whether another attempt follows. Gives the server a moment to decide. */
static int logs_next(struct cli *cli, const struct logs_choice *c, struct model_detail *d, bool *more, struct err *e)
{
    const struct model_task *t = logs_first(cli, c, d, e);
    int attempt = d->attempt;
    int task_attempt = t ? t->attempt : 0;

    *more = false;
    if (!t || c->attempt >= 0 || c->task_attempt >= 0)
        return t ? 0 : -1;
    for (int tries = 0; tries < LOGS_TRIES; tries++) {
        if (tries)
            logs_pause();
        if (watch_fetch(cli, c->full, d, e))
            return -1;
        t = logs_first(cli, c, d, e);
        if (!t)
            return -1;
        *more = d->attempt != attempt || t->attempt != task_attempt;
        if (*more || logs_is_over(d, t))
            return 0;
    }
    return 0;
}

/* The log is not there: 1 = it may come, since a task counts as running from the moment its start is ordered, and its
 * log is made a little later; `d` is read anew. 0 = a task that ended before it began has written nothing. */
static int logs_may_come(struct cli *cli, const struct logs_choice *c, struct model_detail *d, struct err *e)
{
    const struct model_task *t = logs_first(cli, c, d, e);

    if (!t || (c->task_attempt >= 0 && c->task_attempt != t->attempt))
        return -1;
    *e = (struct err){0};
    if (words_get(t->state)->final || words_get(d->job.state)->final)
        return 0;
    logs_pause();
    return logs_detail(cli, c, d, e) ? -1 : 1;
}

/* Follows the log of the attempt that `d` shows, waiting for it to appear. */
static int logs_follow_one(struct cli *cli, const struct logs_choice *c, struct model_detail *d, struct err *e)
{
    const struct model_task *t;
    bool said = false;
    int rc = 1;

    while (rc > 0) {
        t = logs_first(cli, c, d, e);
        if (!t)
            return -1;
        if (d->task_count > 1 && !said)
            cli_say(cli, cli->err, "==> %s-%d <==\n", t->role, t->index);
        said = true;
        rc = logs_attempt(cli, logs_path(cli, c, d, t), true, c->raw, e);
        if (rc && e->code == ERR_NO_TASK_LOG)
            rc = logs_may_come(cli, c, d, e);
    }
    return rc;
}

int logs_follow(struct cli *cli, const struct logs_choice *c, struct err *e)
{
    struct model_detail d;
    bool more = true;
    size_t fitting = 0;

    if (logs_detail(cli, c, &d, e))
        return -1;
    for (size_t i = 0; i < d.task_count; i++)
        fitting += logs_fits(c, &d.tasks[i]);
    if (fitting > 1 && fitting <= FOLLOW_MAX && c->attempt < 0 && c->task_attempt < 0)
        return follow_tasks(cli, c, e);
    if (logs_await_start(cli, c, &d, e))
        return -1;
    while (more) {
        if (logs_follow_one(cli, c, &d, e) || logs_next(cli, c, &d, &more, e))
            return -1;
        if (more)
            cli_say(cli, cli->err, "drover: The task is tried again (attempt %d of the job).\n", d.attempt + 1);
        if (more && logs_await_start(cli, c, &d, e))
            return -1;
    }
    return 0;
}

/* Prints what there is, one task after the other. */
static int logs_print(struct cli *cli, const struct logs_choice *c, const struct model_detail *d, struct err *e)
{
    size_t fitting = 0;

    if (!logs_first(cli, c, d, e))
        return -1;
    for (size_t i = 0; i < d->task_count; i++)
        fitting += logs_fits(c, &d->tasks[i]);
    for (size_t i = 0; i < d->task_count; i++) {
        const struct model_task *t = &d->tasks[i];
        int rc;

        if (!logs_fits(c, t))
            continue;
        if (fitting > 1)
            cli_say(cli, cli->err, "==> %s-%d <==\n", t->role, t->index);
        rc = c->tail ? logs_tail(cli, logs_path(cli, c, d, t), c->raw, e)
                     : logs_attempt(cli, logs_path(cli, c, d, t), false, c->raw, e);
        if (rc && e->code == ERR_NO_TASK_LOG && fitting > 1) {
            cli_say(cli, cli->err, "drover: %s-%d: %s\n", t->role, t->index, e->text);
            *e = (struct err){0};
        } else if (rc) {
            return -1;
        }
    }
    return 0;
}

int logs_choose(struct cli *cli, struct logs_choice *c, struct err *e)
{
    struct args *args = &cli->args;
    int64_t range[2] = {0, 1000000};
    int64_t index = -1;
    int64_t attempt = -1;
    int64_t task_attempt = -1;

    if (args_int(args, "index", range, &index, e) || args_int(args, "attempt", range, &attempt, e) ||
        args_int(args, "task-attempt", range, &task_attempt, e))
        return -1;
    *c = (struct logs_choice){.role = args_get(args, "role"),
                              .stream = args_get(args, "stream"),
                              .index = (int)index,
                              .attempt = (int)attempt,
                              .task_attempt = (int)task_attempt,
                              .tail = args_has(args, "tail"),
                              .raw = args_has(args, "raw")};
    c->stream = c->stream ? c->stream : "all";
    return 0;
}

int logs_run(struct cli *cli)
{
    struct logs_choice c;
    struct model_detail d;
    struct err e = {0};
    bool follow = args_has(&cli->args, "follow");

    if (logs_choose(cli, &c, &e))
        return cli_usage(cli, "%s", e.text);
    if (!cli_connect(cli, &e))
        c.full = cli_full_name(cli, cli->args.rest[0], &e);
    if (!c.full)
        return cli_fail(cli, NULL, &e);
    if (!follow && !logs_detail(cli, &c, &d, &e) && !logs_print(cli, &c, &d, &e))
        return CLI_OK;
    if (!follow || logs_follow(cli, &c, &e) || watch_fetch(cli, c.full, &d, &e))
        return cli_fail(cli, NULL, &e);
    if (!words_get(d.job.state)->final)
        return CLI_OK;
    watch_say_end(cli, &d);
    return watch_exit(&d, false);
}
