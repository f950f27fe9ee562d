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

enum { DEFAULT_CLAIM_TIMEOUT_MS = 60 * 1000, DEFAULT_MAX_LIVE = 200000 };

struct core *core_create(const struct core_config *config)
{
    struct core *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->config = *config;
    if (!c->config.claim_timeout_ms)
        c->config.claim_timeout_ms = DEFAULT_CLAIM_TIMEOUT_MS;
    if (!c->config.max_live_jobs)
        c->config.max_live_jobs = DEFAULT_MAX_LIVE;
    c->next_event_id = config->next_event_id;
    c->next_seq = config->next_seq;
    c->by_name = hash_create();
    c->by_id = hash_create();
    c->by_attempt = hash_create();
    c->cluster = cluster_create();
    c->queue = queue_create();
    if (!c->by_name || !c->by_id || !c->by_attempt || !c->cluster || !c->queue) {
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
    hash_destroy(c->by_name);
    hash_destroy(c->by_id);
    hash_destroy(c->by_attempt);
    cluster_destroy(c->cluster);
    queue_destroy(c->queue);
    timers_fini(&c->timers);
    free(c->orphans);
    free(c);
}

int core_load_node(struct core *c, const struct node *n)
{
    struct node kept = *n;
    int index = cluster_find(c->cluster, n->name);
    if (index >= 0) /* an admin's mark is not the engine's to take away */
        kept.cordoned = cluster_at(c->cluster, index)->info.cordoned;
    return cluster_put_node(c->cluster, &kept) < 0 ? -1 : 0;
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
    if (!j->spec->time_limit_ms || !j->launched_ms)
        return 0;
    struct timer limit = {.at_mono = now.mono + j->launched_ms + j->spec->time_limit_ms - now.wall,
                          .kind = TIMER_TIME_LIMIT,
                          .number = j->attempt};
    memcpy(limit.id, j->id, ID_SIZE);
    return timers_add(&c->timers, &limit);
}

int core_load_job(struct core *c, struct job *j, struct clock_now now)
{
    if (hash_put(c->by_id, j->id, j)) {
        job_destroy(j);
        return -1;
    }
    if (hash_put(c->by_name, j->full_name, j))
        return -1;
    for (int i = 0; i < j->spec->total_tasks; i++)
        if (load_task(c, &j->tasks[i], now))
            return -1;
    /* A back-off is not kept over a restart: the job is simply due. */
    if (j->state == STATE_WAITING)
        return core_enqueue(c, j);
    return load_time_limit(c, j, now);
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

static void adopt_job(struct job *j, struct effects *fx)
{
    for (int i = 0; i < j->spec->total_tasks; i++) {
        struct task *t = &j->tasks[i];
        if (!(t->state & STATE_PLACED))
            continue;
        effects_add(fx, &(struct effect){.kind = EFFECT_ADOPT, .task = t});
        /* A claim that expired is called back, too, but its end still fails the attempt: nobody asked for it. */
        t->stop_sent = j->outcome || j->stop_requested;
        if (t->stop_sent || t->claim == CLAIM_EXPIRED)
            effects_stop(fx, t, t->stop_sent ? j->spec->stop_grace_s * 1000 : 0);
    }
}

void core_adopt(struct core *c, struct effects *fx)
{
    size_t pos = 0;
    struct job *j;
    while ((j = hash_next(c->by_id, &pos)))
        adopt_job(j, fx);
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
    case COMMAND_TAG:
        core_tag(&s, cmd);
        break;
    case COMMAND_USER:
        core_user(&s, cmd);
        break;
    case COMMAND_TOKEN:
        effects_add(fx, &(struct effect){.kind = EFFECT_TOKEN_ROW, .token = &cmd->token});
        effects_reply(fx, cmd->reply_to, NULL, NULL);
        break;
    case COMMAND_ENGINE:
        core_engine(&s, &cmd->engine);
        break;
    case COMMAND_TICK:
        core_tick(&s);
        break;
    }
}

static void claimed(void *ctx, const struct sched_claim *claim)
{
    core_start_claim(ctx, claim);
}

void core_schedule(struct core *c, struct clock_now now, struct effects *fx)
{
    struct step s = {.core = c, .now = now, .fx = fx};
    if (pass_run(c->cluster, c->queue, claimed, &s) < 0)
        fx->failed = true;
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
    return timers_next(&c->timers);
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

size_t core_waiting_jobs(const struct core *c)
{
    return queue_count(c->queue);
}
