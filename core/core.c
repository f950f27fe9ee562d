/* SPDX-License-Identifier: MIT
 *
 * The core's life: create, load from rows, batch end; and the dispatch of commands.
 */
#include "core/core.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"
#include "core/plan.h"

enum { DEFAULT_CLAIM_TIMEOUT_MS = 60 * 1000, DEFAULT_MAX_LIVE = 200000, DEFAULT_AGE_MS = 3600 * 1000 };

struct core *core_create(const struct core_config *config)
{
    struct core *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->config = *config;
    if (!c->config.claim_timeout_ms)
        c->config.claim_timeout_ms = DEFAULT_CLAIM_TIMEOUT_MS;
    if (!c->config.age_ms)
        c->config.age_ms = DEFAULT_AGE_MS;
    c->age_at_mono = c->windows.due_wall = c->windows.due_mono = INT64_MAX;
    c->stale = true;
    c->weights = score_defaults;
    if (!c->config.max_live_jobs)
        c->config.max_live_jobs = DEFAULT_MAX_LIVE;
    c->next_event_id = config->next_event_id;
    c->next_seq = config->next_seq;
    c->by_name = hash_create();
    c->by_id = hash_create();
    c->by_attempt = hash_create();
    c->cluster = cluster_create();
    if (core_vc_init(c) || !c->by_name || !c->by_id || !c->by_attempt || !c->cluster) {
        core_destroy(c);
        return NULL;
    }
    return c;
}

void core_destroy(struct core *c)
{
    if (!c)
        return;
    core_batch_end(c, NULL);
    size_t pos = 0;
    struct job *j;
    while (c->by_id && (j = hash_next(c->by_id, &pos)))
        job_destroy(j);
    core_lease_fini(c);
    core_maintenance_fini(c);
    hash_destroy(c->by_name);
    hash_destroy(c->by_id);
    hash_destroy(c->by_attempt);
    cluster_destroy(c->cluster);
    core_shown_put(c->shown);
    core_plan_fini(c);
    free(c->reserving);
    free(c->avoiding);
    core_vc_fini(c);
    timers_fini(&c->timers);
    free(c->orphans);
    free(c);
}

void core_weigh(struct core *c, const struct score_weights *w)
{
    c->weights = *w;
    if (c->grid)
        score_use(c->grid, w);
}

/* Accounts one placed task of a loaded job. */
static int load_task(struct core *c, struct task *t, struct clock_now now)
{
    if (!(t->state & STATE_PLACED))
        return 0;
    struct node gone = {0};
    snprintf(gone.name, sizeof gone.name, "%s", t->node ? t->node : "");
    int index = cluster_find(c->cluster, gone.name);
    if (index < 0) /* its row was removed by hand; the task is still to be accounted for */
        index = cluster_put_node(c->cluster, &gone);
    if (index < 0)
        return -1;
    t->node = cluster_at(c->cluster, index)->info.name;
    cluster_retake(c->cluster, index, &t->role->per_task, t->ports, t->role->port_total);
    core_vc_count(c, t, 1);
    t->job->tasks_live++;
    t->stop_sent = false; /* ordered again after the adoption */
    if (t->claim == CLAIM_PROPOSED) {
        struct timer claim = {.at_mono = now.mono + c->config.claim_timeout_ms, .kind = TIMER_CLAIM};
        memcpy(claim.id, t->id, ID_SIZE);
        if (timers_add(&c->timers, &claim))
            return -1;
    }
    return hash_put(c->by_attempt, t->id, t);
}

/* What is left of the job's time limit, from the wall clock of its launch. */
static int load_time_limit(struct core *c, struct job *j, struct clock_now now)
{
    int64_t ms = core_limit_due(c, j);
    if (!ms || !j->launched_ms)
        return 0;
    struct timer limit = {
        .at_mono = now.mono + j->launched_ms + ms - now.wall, .kind = TIMER_TIME_LIMIT, .number = j->attempt};
    memcpy(limit.id, j->id, ID_SIZE);
    return timers_add(&c->timers, &limit);
}

/* It waits since it was submitted, its last retry was due (ahead of now: it does not wait yet), or it was released. */
static int load_waiting(struct core *c, struct job *j, struct clock_now now)
{
    int64_t since = j->due_ms ? j->due_ms : j->submitted_ms;
    struct timer retry = {.at_mono = now.mono + since - now.wall, .kind = TIMER_RETRY, .number = j->attempt};
    memcpy(retry.id, j->id, ID_SIZE);
    if (since > now.wall)
        return timers_add(&c->timers, &retry);
    return j->held_by[0] ? 0 : core_enqueue(c, j, retry.at_mono);
}

int core_load_job(struct core *c, struct job *j, struct clock_now now)
{
    if (hash_put(c->by_id, j->id, j)) {
        job_destroy(j);
        return -1;
    }
    if (hash_put(c->by_name, j->full_name, j))
        return -1;
    core_vc_of(c, j)->live_jobs++;
    for (int i = 0; i < j->spec->total_tasks; i++)
        if (load_task(c, &j->tasks[i], now))
            return -1;
    return j->state == STATE_WAITING ? load_waiting(c, j, now) : load_time_limit(c, j, now);
}

int core_load_orphan(struct core *c, const char id[ID_SIZE], const char nonce[33])
{
    struct effect_stop *grown = realloc(c->orphans, (c->orphan_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    c->orphans = grown;
    struct effect_stop *o = &c->orphans[c->orphan_count++];
    *o = (struct effect_stop){0};
    memcpy(o->attempt_id, id, ID_SIZE);
    memcpy(o->nonce, nonce, sizeof o->nonce);
    return 0;
}

int64_t core_take_event_id(struct core *c)
{
    return c->next_event_id++;
}

static void adopt_job(const struct core *c, struct job *j, struct effects *fx)
{
    for (int i = 0; i < j->spec->total_tasks; i++) {
        struct task *t = &j->tasks[i];
        if (!(t->state & STATE_PLACED))
            continue;
        effects_add(fx, &(struct effect){.kind = EFFECT_ADOPT, .task = t});
        /* A claim that expired is called back, too, but its end still fails the attempt: nobody asked for it. */
        t->stop_sent = j->outcome || j->stop_requested;
        if (t->stop_sent || t->claim == CLAIM_EXPIRED)
            effects_stop(fx, t, t->stop_sent ? core_grace_ms(c, j) : 0, t->stop_sent ? core_stop_signal(j) : 0);
    }
}

static int by_seq(const void *a, const void *b)
{
    const struct job *x = *(struct job *const *)a, *y = *(struct job *const *)b;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

struct job **core_by_seq(const struct core *c, size_t *count)
{
    size_t n = 0, pos = 0;
    struct job *j, **all = calloc(hash_count(c->by_id) + 1, sizeof(struct job *));
    while (all && (j = hash_next(c->by_id, &pos)))
        all[n++] = j;
    if (n > 1)
        qsort(all, n, sizeof(struct job *), by_seq);
    *count = n;
    return all;
}

void core_adopt(struct core *c, struct effects *fx)
{
    size_t n;
    struct job **all = core_by_seq(c, &n);
    if (!all)
        fx->failed = true;
    for (size_t i = 0; all && i < n; i++)
        adopt_job(c, all[i], fx);
    free(all);
    core_lease_adopt(c, fx);
    for (size_t i = 0; i < c->orphan_count; i++)
        effects_order_stop(fx, &c->orphans[i]);
}

void core_step(struct core *c, const struct command *cmd, struct clock_now now, struct effects *fx)
{
    struct step s = {.core = c, .now = now, .fx = fx};
    switch (cmd->kind) {
    case COMMAND_SUBMIT:
        core_submit(&s, cmd);
        break;
    case COMMAND_EXECUTION:
        core_execution(&s, cmd);
        break;
    case COMMAND_HOLD:
        core_keep(&s, cmd);
        break;
    case COMMAND_REASON:
        core_reason(&s, cmd);
        break;
    case COMMAND_TAG:
        core_tag(&s, cmd);
        break;
    case COMMAND_WRITE:
        effects_write(fx, cmd);
        break;
    case COMMAND_VC:
        core_vc(&s, cmd);
        break;
    case COMMAND_LEASE:
        core_lease(&s, cmd);
        break;
    case COMMAND_IDLE:
        core_idle(&s, cmd);
        break;
    case COMMAND_NODE:
        core_node(&s, cmd);
        break;
    case COMMAND_MAINTENANCE:
        core_maintenance(&s, cmd);
        break;
    case COMMAND_ENGINE:
        core_engine(&s, cmd->engine, cmd->diagnosis);
        break;
    case COMMAND_TICK:
        core_tick(&s);
        break;
    }
}

void core_batch_end(struct core *c, struct effects *fx)
{
    for (size_t i = 0; fx && i < fx->count; i++)
        if (fx->list[i].kind == EFFECT_JOB_INSERT || fx->list[i].kind == EFFECT_JOB_UPDATE)
            fx->list[i].job.job->row_pending = false;
    while (c->graveyard) {
        struct job *j = c->graveyard;
        c->graveyard = j->queue_entry;
        job_destroy(j);
    }
}

int64_t core_deadline(const struct core *c)
{
    int64_t next = timers_next(&c->timers);
    next = c->age_at_mono < next ? c->age_at_mono : next;
    return c->windows.due_mono < next ? c->windows.due_mono : next;
}

const struct job *core_find(const struct core *c, const char *full_name)
{
    return hash_get(c->by_name, full_name);
}

const struct cluster *core_cluster(const struct core *c)
{
    return c->cluster;
}

size_t core_live_jobs(const struct core *c)
{
    return hash_count(c->by_id);
}

size_t core_live_leases(const struct core *c)
{
    return c->leases.count;
}

size_t core_waiting_jobs(const struct core *c)
{
    return c->waiting;
}
