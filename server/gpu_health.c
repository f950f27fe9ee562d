/* SPDX-License-Identifier: MIT
 *
 * A process is judged when two looks have shown it on the same GPU: a task may begin before its row is stored, and its
 * last process leaves after it.
 */
#include "server/gpu_health.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "engines/engine.h"
#include "engines/local/owner.h"
#include "engines/local/procs.h"
#include "inventory/node_store.h"
#include "jobs/lease.h"
#include "jobs/lease_store.h"
#include "metrics/health.h"
#include "server/gpu_account.h"
#include "server/readers.h"

/* Processes of one GPU that had no right to it in the last look. */
struct suspects {
    int count;
    int pids[SOURCE_PROCESSES_MAX];
};

struct gpu_health {
    struct gpu_health_config config;
    struct engine *engine;
    atomic_bool forgive;
    int count;
    struct health gpus[NODE_GPU_MAX];
    struct gpu_mark told[NODE_GPU_MAX];
    struct suspects suspects[NODE_GPU_MAX];
};

/* ---- processes ---- */

static bool has(const struct suspects *s, int pid)
{
    for (int i = 0; i < s->count; i++)
        if (s->pids[i] == pid)
            return true;
    return false;
}

/* Whether the attempt has any GPU: then it lives. */
static bool lives(const struct gpu_health *h, const char *attempt)
{
    for (int i = 0; i < h->count; i++) {
        const char *holder = gpu_account_holder(h->config.account, i);
        if (holder && !strcmp(holder, attempt))
            return true;
    }
    return false;
}

static int is_it(void *ctx, const struct lease *l)
{
    const char *attempt = ctx;
    return !strcmp(l->id, attempt);
}

/* Whether what the attempt left is kept for its user. Where that cannot be read, nobody is accused. */
static bool leased(const struct gpu_health *h, char attempt[ID_SIZE])
{
    struct err e = {0};
    const struct lease_store_which live = {.job_id = NULL};
    struct store *s = readers_get(h->config.readers, &e);
    int rc = s ? lease_store_each(s, &live, is_it, attempt, &e) : -1;
    readers_put(h->config.readers, s);
    return rc != 0;
}

static void look_processes(struct gpu_health *h, int gpu, const struct source_reading *r, struct health_seen *seen)
{
    const char *holder = gpu_account_holder(h->config.account, gpu);
    const struct suspects before = h->suspects[gpu];
    struct suspects *now = &h->suspects[gpu];
    now->count = 0;
    for (int i = 0; holder && i < r->process_count; i++) {
        char attempt[ID_SIZE];
        const int pid = r->processes[i].pid;
        const enum owner owner = owner_of(pid, attempt);
        if (owner == OWNER_UNKNOWN || (owner == OWNER_TASK && (!strcmp(attempt, holder) || leased(h, attempt))))
            continue;
        now->pids[now->count++] = pid;
        if (!has(&before, pid))
            continue;
        if (owner == OWNER_TASK && !lives(h, attempt))
            seen->zombies++;
        else
            seen->foreign++;
    }
}

/* ---- a look ---- */

static void tell(struct gpu_health *h, const struct gpu_mark *marks)
{
    bool other = false;
    for (int i = 0; i < h->count; i++) {
        char text[128];
        if (gpu_mark_same(&h->told[i], &marks[i]))
            continue;
        other = true;
        gpu_mark_text(&marks[i], text, sizeof text);
        if (marks[i].cause)
            log_warn("gpu_health", "GPU %d: %s (%s)", i, text, gpu_action_word(marks[i].action));
        else
            log_info("gpu_health", "GPU %d: nothing is wrong any more", i);
    }
    struct engine_order *o = other ? engine_order_mark(marks, h->count) : NULL;
    if (!o)
        return; /* without memory the next look tells */
    memcpy(h->told, marks, (size_t)h->count * sizeof *marks);
    h->engine->ops->order(h->engine, o);
}

void gpu_health_take(struct gpu_health *h, const struct source_reading *readings, enum sampler_state state)
{
    struct gpu_mark marks[NODE_GPU_MAX] = {{0}};
    const bool forgive = atomic_exchange(&h->forgive, false);
    for (int i = 0; i < h->count; i++) {
        struct health_seen seen = {.answer = state == SAMPLER_HANGS ? HEALTH_HANGS : HEALTH_FAILS};
        if (readings) {
            seen = (struct health_seen){.answer = HEALTH_READ, .reading = &readings[i]};
            look_processes(h, i, &readings[i], &seen);
        }
        if (forgive)
            health_forgive(&h->gpus[i]);
        health_look(&h->gpus[i], h->config.rules, &seen);
        marks[i] = health_mark(&h->gpus[i], h->config.rules);
    }
    tell(h, marks);
}

void gpu_health_forgive(struct gpu_health *h)
{
    atomic_store(&h->forgive, true);
}

/* ---- life ---- */

struct resuming {
    struct gpu_health *health;
    struct gpu *gpus;
    char boot[PROCS_BOOT_SIZE];
};

/* A row of the node store: what it says of ours. */
static int resume(void *ctx, const struct node *n)
{
    struct resuming *r = ctx;
    struct gpu_health *h = r->health;
    for (int i = 0; i < h->count; i++)
        for (int k = 0; k < n->gpu_count; k++)
            if (r->gpus[i].uuid[0] && !strcmp(r->gpus[i].uuid, n->gpus[k].uuid)) {
                health_resume(&h->gpus[i], h->config.rules, &n->gpus[k].health, strcmp(r->boot, n->boot_id) != 0);
                h->told[i] = r->gpus[i].health = health_mark(&h->gpus[i], h->config.rules);
            }
    return 0;
}

struct gpu_health *gpu_health_create(const struct gpu_health_config *c, struct gpu *gpus, int count, struct err *e)
{
    struct gpu_health *h = calloc(1, sizeof *h);
    struct resuming r = {.health = h, .gpus = gpus};
    if (!h) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    h->config = *c;
    h->count = count;
    struct store *s = procs_boot_id(r.boot, e) ? NULL : readers_get(c->readers, e);
    int rc = s ? node_store_each(s, resume, &r, e) : -1;
    if (s)
        readers_put(c->readers, s);
    if (!rc)
        return h;
    free(h);
    return NULL;
}

void gpu_health_use(struct gpu_health *h, struct engine *engine)
{
    h->engine = engine;
}

void gpu_health_destroy(struct gpu_health *h)
{
    free(h);
}
