/* SPDX-License-Identifier: MIT
 *
 * Following many logs: one stream a task on the worker of fetch.h, and a look at the job every second, which tells
 * which tasks have started, which are tried again, and when all is over. A lost stream is taken up at its byte.
 */
#include "tui/verbs/follow.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/fetch.h"
#include "tui/foreign.h"
#include "tui/model.h"
#include "tui/verbs/logs.h"

#define FOLLOW_LOOK_MS 1000
#define FOLLOW_RETRY_MS 300
#define FOLLOW_AWAY_MS 60000
#define FOLLOW_LINE_MAX 65536 /* a longer line is printed in pieces */

/* One task and where its log is. */
struct follow_task {
    char role[128];
    int index;
    int job_attempt;
    int attempt;
    int64_t offset;   /* bytes printed or in `line` */
    int64_t retry_at; /* mono ms */
    uint64_t ask;     /* the stream, 0 = none */
    bool started;
    bool over;  /* the task ended */
    bool ended; /* its log was read to the end */
    struct foreign foreign;
    struct buf line;
};

struct follow {
    struct cli *cli;
    const struct logs_choice *choice;
    struct source *source;
    struct follow_task tasks[FOLLOW_MAX];
    size_t count;
    uint64_t ask; /* the look at the job */
    int64_t look_at;
    int64_t away; /* since when the server is, 0 = it is there */
    bool job_over;
    bool known; /* the job was seen */
    struct err *e;
};

static int follow_print(struct follow *f, struct follow_task *t, const char *text, size_t len)
{
    FILE *out = f->cli->out;

    cli_say(f->cli, out, "%s-%d | ", t->role, t->index);
    if (fwrite(text, 1, len, out) != len || fputc('\n', out) == EOF)
        return err_set(f->e, ERR_INTERNAL, "Cannot write the output.");
    return 0;
}

/* Prints the whole lines that have come; with `all` also one that has not ended. */
static int follow_lines(struct follow *f, struct follow_task *t, bool all)
{
    const char *at = buf_str(&t->line);
    const char *end = at + t->line.len;
    const char *stop;
    struct buf rest;
    int rc = 0;

    while (!rc && (stop = memchr(at, '\n', (size_t)(end - at)))) {
        rc = follow_print(f, t, at, (size_t)(stop - at));
        at = stop + 1;
    }
    if (!rc && at < end && (all || end - at > FOLLOW_LINE_MAX)) {
        rc = follow_print(f, t, at, (size_t)(end - at));
        at = end;
    }
    buf_init(&rest, 0);
    if (at < end && buf_add(&rest, at, (size_t)(end - at)))
        rc = err_set(f->e, ERR_INTERNAL, "Out of memory.");
    buf_fini(&t->line);
    t->line = rest;
    if (fflush(f->cli->out))
        rc = err_set(f->e, ERR_INTERNAL, "Cannot write the output.");
    return rc;
}

static int follow_data(struct follow *f, struct follow_task *t, const struct source_result *r)
{
    bool raw = f->choice->raw || !f->cli->term.tty;

    t->offset += (int64_t)r->len;
    f->away = 0;
    if (raw ? buf_add(&t->line, r->data, r->len) : foreign_add(&t->foreign, r->data, r->len, &t->line))
        return err_set(f->e, ERR_INTERNAL, "Out of memory.");
    return follow_lines(f, t, false);
}

/* A failed exchange: 0 when it is worth another try. */
static int follow_failed(struct follow *f, const struct source_result *r)
{
    int64_t now = clock_read().mono;

    *f->e = r->err;
    if (r->err.code != ERR_BUSY && r->err.code != ERR_TIMEOUT)
        return -1;
    if (!f->away) {
        f->away = now;
        cli_say(f->cli, f->cli->err, "drover: %s Trying again for a minute.\n", r->err.text);
    }
    if (now - f->away > FOLLOW_AWAY_MS)
        return -1;
    *f->e = (struct err){0};
    return 0;
}

static int follow_ended(struct follow *f, struct follow_task *t, const struct source_result *r)
{
    t->ask = 0;
    t->retry_at = clock_read().mono + FOLLOW_RETRY_MS;
    if (!r->failed || (r->err.code == ERR_NO_TASK_LOG && t->over)) {
        t->ended = true;
        if (!f->job_over)
            f->look_at = 0;
        (void)foreign_end(&t->foreign, &t->line);
        return follow_lines(f, t, true);
    }
    /* It is made a little after the start was ordered. */
    if (r->err.code == ERR_NO_TASK_LOG)
        return 0;
    return follow_failed(f, r);
}

static uint64_t follow_ask(struct follow *f, const struct follow_task *t)
{
    struct source_request r = {.method = "GET", .stream = t != NULL};
    struct buf path;
    uint64_t id;

    buf_init(&path, 8192);
    (void)buf_adds(&path, "/api/v2/jobs/");
    transfer_escape(&path, f->choice->full);
    if (t) {
        (void)buf_addf(&path, "/attempts/%d/taskRoles/", t->job_attempt);
        transfer_escape(&path, t->role);
        (void)buf_addf(&path, "/taskIndex/%d/attempts/%d/logs/%s?follow=true&offset=%lld", t->index, t->attempt,
                       f->choice->stream, (long long)t->offset);
    }
    r.path = buf_str(&path);
    id = source_ask(f->source, &r);
    buf_fini(&path);
    return id;
}

/* The row of a task, a new one for a new task; NULL when there are too many. */
static struct follow_task *follow_row(struct follow *f, const struct model_task *m)
{
    struct follow_task *t;

    for (size_t i = 0; i < f->count; i++) {
        if (f->tasks[i].index == m->index && !strcmp(f->tasks[i].role, m->role))
            return &f->tasks[i];
    }
    if (f->count == FOLLOW_MAX || strlen(m->role) >= sizeof t->role)
        return NULL;
    t = &f->tasks[f->count++];
    *t = (struct follow_task){.index = m->index, .job_attempt = -1};
    snprintf(t->role, sizeof t->role, "%s", m->role);
    buf_init(&t->line, 0);
    return t;
}

static void follow_see(struct follow *f, const struct model_detail *d, const struct model_task *m)
{
    struct follow_task *t = follow_row(f, m);

    if (!t)
        return;
    if (t->job_attempt != d->attempt || t->attempt != m->attempt) {
        if (t->job_attempt >= 0)
            cli_say(f->cli, f->cli->err, "drover: %s-%d is tried again.\n", t->role, t->index);
        source_cancel(f->source, t->ask);
        (void)follow_lines(f, t, true);
        t->ask = 0;
        t->offset = 0;
        t->ended = false;
        t->foreign = (struct foreign){.tail_len = 0};
        t->job_attempt = d->attempt;
        t->attempt = m->attempt;
    }
    t->over = words_get(m->state)->final || words_get(d->job.state)->final;
    t->started = m->state != WORD_WAITING && d->job.state != WORD_WAITING;
}

static int follow_job(struct follow *f, const struct source_result *r)
{
    struct arena *a = arena_create(64u << 20);
    cJSON *reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, f->e);
    struct model_detail d;
    int rc = a && reply ? model_read_detail(a, reply, &d, f->e) : -1;

    for (size_t i = 0; !rc && i < d.task_count; i++) {
        if (logs_fits(f->choice, &d.tasks[i]))
            follow_see(f, &d, &d.tasks[i]);
    }
    if (!rc) {
        f->job_over = words_get(d.job.state)->final;
        f->known = true;
        f->away = 0;
    }
    f->look_at = clock_read().mono + FOLLOW_LOOK_MS;
    cJSON_Delete(reply);
    arena_destroy(a);
    return rc;
}

static int follow_result(struct follow *f, const struct source_result *r)
{
    if (r->id == f->ask) {
        f->ask = 0;
        f->look_at = clock_read().mono + FOLLOW_LOOK_MS;
        return r->failed ? follow_failed(f, r) : follow_job(f, r);
    }
    for (size_t i = 0; i < f->count; i++) {
        struct follow_task *t = &f->tasks[i];

        if (t->ask != r->id)
            continue;
        if (r->len && follow_data(f, t, r))
            return -1;
        return r->last ? follow_ended(f, t, r) : 0;
    }
    return 0;
}

/* Asks for what is due; whether anything is still to come. */
static bool follow_due(struct follow *f)
{
    int64_t now = clock_read().mono;
    bool more = !f->known || !f->job_over;

    for (size_t i = 0; i < f->count; i++) {
        struct follow_task *t = &f->tasks[i];

        if (t->started && !t->ended && !t->ask && now >= t->retry_at)
            t->ask = follow_ask(f, t);
        more = more || (t->started && !t->ended);
    }
    if (!f->ask && more && !(f->known && f->job_over) && now >= f->look_at)
        f->ask = follow_ask(f, NULL);
    return more;
}

static int follow_loop(struct follow *f)
{
    while (follow_due(f)) {
        struct pollfd fd = {.fd = source_fd(f->source), .events = POLLIN};
        struct source_result r;

        (void)poll(&fd, 1, 100);
        while (source_take(f->source, &r)) {
            int rc = follow_result(f, &r);

            source_result_fini(&r);
            if (rc)
                return -1;
        }
    }
    return 0;
}

int follow_tasks(struct cli *cli, const struct logs_choice *choice, struct err *e)
{
    struct follow *f = calloc(1, sizeof *f);
    int rc = -1;

    if (!f)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *f = (struct follow){.cli = cli, .choice = choice, .e = e};
    f->source = fetch_create(&cli->server, e);
    if (f->source)
        rc = follow_loop(f);
    for (size_t i = 0; i < f->count; i++)
        buf_fini(&f->tasks[i].line);
    source_destroy(f->source);
    free(f);
    return rc;
}
