/* SPDX-License-Identifier: MIT
 *
 * Which tasks there are is read from the rows at each look, so that the core knows nothing of samples. A write that
 * fails is not tried again: of what goes on the next one says more, and of what is over the row of half a minute
 * before stays.
 */
#include "server/task_watch.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "base/ticker.h"
#include "core/effect.h"
#include "engines/local/task_procs.h"
#include "jobs/jobs_store.h"
#include "jobs/spec.h"
#include "metrics/tally.h"
#include "metrics/task_use_store.h"
#include "server/mailbox.h"
#include "server/readers.h"

/* A task that is looked at. */
struct tracked {
    struct task_use use;
    struct curve curves[TASK_USE_CURVES];
    int64_t looked_mono; /* the last look that found it; 0: none in this life */
    bool there;          /* in this look */
};

struct pending {
    struct task_use use;
    struct buf curves[TASK_USE_CURVES]; /* sealed */
    bool over;
    struct pending *next;
};

/* Uses on their way into the database. */
struct writing {
    struct mail mail; /* the first member: freed as one */
    struct pending *first;
};

struct task_watch {
    struct task_watch_config config;
    struct task_procs *procs;
    struct arena *arena;  /* of one look */
    struct hash *tracked; /* by attempt */
    bool resumed;         /* the rows of the life before were read */
    int64_t written_mono; /* when what goes on was written */
    int machine_cores;
    char (*ids)[ID_SIZE]; /* of one look */
    struct task_procs_look *looks;
    int count;
    struct writing *writing; /* what this look writes; NULL: nothing yet */
    struct ticker *ticker;   /* NULL: it does not run */
};

/* ---- writing ---- */

static void discard(struct writing *w)
{
    while (w->first) {
        struct pending *p = w->first;

        w->first = p->next;
        for (int i = 0; i < TASK_USE_CURVES; i++)
            buf_fini(&p->curves[i]);
        free(p);
    }
    free(w);
}

static int write_all(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct writing *w = what;

    (void)now;
    for (const struct pending *p = w->first; p; p = p->next) {
        const struct task_use_sealed sealed = {&p->use, p->curves};

        if (task_use_store_put(s, &sealed, p->over, e))
            return -1;
    }
    return 0;
}

static void written(struct mail *m, const struct effect_reply *reply)
{
    if (reply->err.code)
        log_warn("task_use_not_written", "%s", reply->err.text);
    discard((struct writing *)m);
}

static struct pending *queue(struct task_watch *w, const struct task_use *u, bool over)
{
    if (!u->sampled_ms)
        return NULL;
    if (!w->writing)
        w->writing = calloc(1, sizeof *w->writing);
    struct pending *p = w->writing ? calloc(1, sizeof *p) : NULL;
    if (!p)
        return NULL;
    *p = (struct pending){.use = *u, .over = over, .next = w->writing->first};
    for (int i = 0; i < TASK_USE_CURVES; i++)
        buf_init(&p->curves[i], 0);
    w->writing->first = p;
    return p;
}

static void queue_tracked(struct task_watch *w, const struct tracked *t, bool over)
{
    struct pending *p = queue(w, &t->use, over);

    for (int i = 0; p && i < TASK_USE_CURVES; i++)
        if (curve_seal(&t->curves[i], &p->curves[i]))
            buf_reset(&p->curves[i]); /* the sums are worth more */
}

static void queue_all(struct task_watch *w)
{
    const struct tracked *t;

    for (size_t pos = 0; (t = hash_next(w->tracked, &pos));)
        queue_tracked(w, t, false);
}

static void post(struct task_watch *w)
{
    struct writing *writing = w->writing;
    struct err e = {0};

    if (!writing)
        return;
    w->writing = NULL;
    writing->mail.cmd.kind = COMMAND_WRITE;
    writing->mail.cmd.write = (struct command_write){write_all, writing};
    writing->mail.cmd.reply_to = &writing->mail; /* how it went is to be told */
    writing->mail.done = written;
    if (!mailbox_post(w->config.mailbox, &writing->mail, &e))
        return;
    log_warn("task_use_not_written", "%s", e.text);
    discard(writing);
}

/* ---- which tasks ---- */

/* What a task asked for, of its job's config. */
struct asking {
    struct arena *arena;
    const char *role;
    struct task_use *use;
};

static int take_asked(void *ctx, const struct job_row *row)
{
    const struct asking *a = ctx;
    const struct spec *spec = row->config ? spec_load(a->arena, row->config, strlen(row->config), NULL) : NULL;

    for (size_t i = 0; spec && i < spec->role_count; i++)
        if (!strcmp(spec->roles[i].name, a->role)) {
            a->use->cores = (int)spec->roles[i].per_task.cpus;
            a->use->memory_limit = spec->roles[i].per_task.memory_mb << 20;
        }
    return 0;
}

static struct tracked *track(struct task_watch *w, const char *id)
{
    struct tracked *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->use = (struct task_use){.read_bytes = -1, .written_bytes = -1, .received_bytes = -1, .sent_bytes = -1};
    task_use_skip(&t->use);
    (void)snprintf(t->use.attempt_id, sizeof t->use.attempt_id, "%s", id);
    if (!hash_put(w->tracked, t->use.attempt_id, t))
        return t;
    free(t);
    return NULL;
}

/* A row of the life before. */
static int resume(void *ctx, const struct task_use_row *row)
{
    struct task_watch *w = ctx;
    struct tracked *t = hash_count(w->tracked) < TASK_PROCS_TASKS_MAX ? track(w, row->use.attempt_id) : NULL;

    if (!t)
        return 0;
    t->use = row->use;
    for (int i = 0; i < TASK_USE_CURVES; i++)
        if (curve_open(&t->curves[i], row->curves[i].data, row->curves[i].len))
            log_error("task_curve_damaged", "a curve of task attempt %s begins anew", t->use.attempt_id);
    return 0;
}

struct placed {
    struct task_watch *watch;
    struct store *store;
};

static int take_placed(void *ctx, const struct jobs_store_placed *task)
{
    const struct placed *p = ctx;
    struct task_watch *w = p->watch;
    struct tracked *t = hash_get(w->tracked, task->attempt_id);

    if (!task->launched_ms || w->count == TASK_PROCS_TASKS_MAX || (!t && !(t = track(w, task->attempt_id))))
        return 0;
    t->there = true;
    (void)snprintf(w->ids[w->count++], ID_SIZE, "%s", task->attempt_id);
    if (t->use.cores)
        return 0;
    struct asking a = {w->arena, arena_strdup(w->arena, task->role), &t->use};
    struct err e = {0};
    if (a.role && jobs_store_read_job(p->store, task->job_id, take_asked, &a, &e))
        log_warn("task_use_unknown", "what task attempt %s asked for is not known: %s", task->attempt_id, e.text);
    if (!t->use.cores)
        t->use.cores = 1;
    return 0;
}

/* Ends what is there no more. */
static void let_go(struct task_watch *w)
{
    struct tracked *t;

    for (size_t pos = 0; (t = hash_next(w->tracked, &pos));) {
        if (t->there)
            continue;
        queue_tracked(w, t, true);
        (void)hash_remove(w->tracked, t->use.attempt_id);
        free(t);
    }
}

static int find_tasks(struct task_watch *w, struct err *e)
{
    struct placed p = {w, readers_get(w->config.readers, e)};
    const struct jobs_store_on_node where = {.node = NULL};
    struct tracked *t;

    if (!p.store)
        return -1;
    w->count = 0;
    for (size_t pos = 0; (t = hash_next(w->tracked, &pos));)
        t->there = false;
    int rc = w->resumed ? 0 : task_use_store_each_live(p.store, resume, w, e);
    w->resumed |= !rc;
    if (!rc)
        rc = jobs_store_each_placed(p.store, &where, take_placed, &p, e);
    readers_put(w->config.readers, p.store);
    if (!rc)
        let_go(w);
    return rc;
}

/* ---- a look ---- */

/* By how much a sum has grown that is -1 where nothing is known. */
static uint64_t more_than(int64_t now, int64_t before)
{
    return now > 0 ? (uint64_t)(now - (before > 0 ? before : 0)) : 0;
}

/* What was used while nobody looked for long counts for nothing. */
static void add_looks(struct task_watch *w, struct clock_now now)
{
    const int64_t period_ms = (int64_t)w->config.period_s * 1000;

    for (int i = 0; i < w->count; i++) {
        const struct task_procs_look *l = &w->looks[i];
        const struct task_use_look look = {.wall_ms = now.wall,
                                           .cpu_ms = l->cpu_ms,
                                           .memory = l->memory,
                                           .read_bytes = l->read_bytes,
                                           .written_bytes = l->written_bytes,
                                           .received_bytes = l->received_bytes,
                                           .sent_bytes = l->sent_bytes,
                                           .waits = l->waits,
                                           .machine_cores = w->machine_cores};
        struct tracked *t = hash_get(w->tracked, w->ids[i]);

        if (!t || !l->found)
            continue;
        const int64_t ms = now.mono - t->looked_mono;
        if (ms > 3 * period_ms)
            task_use_skip(&t->use);
        t->looked_mono = now.mono;
        const int64_t received = t->use.received_bytes, sent = t->use.sent_bytes;
        task_use_add(&t->use, &look, ms, t->curves);
        if (l->received_bytes < 0)
            continue;
        tally_network(w->config.tally, more_than(t->use.received_bytes, received), more_than(t->use.sent_bytes, sent));
    }
}

static void look(void *ctx)
{
    struct task_watch *w = ctx;
    struct err e = {0};

    arena_reset(w->arena);
    int rc = find_tasks(w, &e) || task_procs_look(w->procs, (const char(*)[ID_SIZE])w->ids, w->count, w->looks, &e);
    const struct clock_now now = clock_read();

    if (rc)
        log_warn("task_use_unknown", "what tasks use is not known: %s", e.text);
    else
        add_looks(w, now);
    if (now.mono - w->written_mono >= w->config.flush_ms) {
        queue_all(w);
        w->written_mono = now.mono;
    }
    post(w);
}

/* ---- life ---- */

struct task_watch *task_watch_create(const struct task_watch_config *c, struct err *e)
{
    struct task_watch *w = calloc(1, sizeof *w);

    if (!w) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    w->config = *c;
    w->config.data = NULL;
    w->machine_cores = (int)sysconf(_SC_NPROCESSORS_ONLN);
    w->arena = arena_create(0);
    w->tracked = hash_create();
    w->ids = calloc(TASK_PROCS_TASKS_MAX, sizeof *w->ids);
    w->looks = calloc(TASK_PROCS_TASKS_MAX, sizeof *w->looks);
    if (!w->arena || !w->tracked || !w->ids || !w->looks)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    else
        w->procs = task_procs_create(c->data, e);
    if (w->procs) {
        if (task_procs_tells_traffic(w->procs))
            tally_network(c->tally, 0, 0);
        return w;
    }
    task_watch_destroy(w);
    return NULL;
}

int task_watch_start(struct task_watch *w, struct err *e)
{
    w->ticker = ticker_start("task-watch", (int64_t)w->config.period_s * 1000, look, w, e);
    return w->ticker ? 0 : -1;
}

void task_watch_stop(struct task_watch *w)
{
    if (!w || !w->ticker)
        return;
    ticker_stop(w->ticker);
    w->ticker = NULL;
    queue_all(w);
    post(w);
}

void task_watch_destroy(struct task_watch *w)
{
    struct tracked *t;

    if (!w)
        return;
    task_watch_stop(w);
    for (size_t pos = 0; w->tracked && (t = hash_next(w->tracked, &pos));)
        free(t);
    hash_destroy(w->tracked);
    arena_destroy(w->arena);
    task_procs_destroy(w->procs);
    free(w->ids);
    free(w->looks);
    free(w);
}
