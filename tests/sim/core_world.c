/* SPDX-License-Identifier: MIT
 *
 * Batches as the loop runs them, and the way back from rows.
 */
#include "tests/sim/core_windows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

static const char *const vc_names[VCS] = {VC_DEFAULT, "a", "b", "below-b"};
static const char *const user_names[USERS] = {"ana", "ben", "cem"};
static const char *const skus[] = {"gpu", "other"};

const char *world_vc_name(int vc)
{
    return vc_names[vc];
}

const char *world_sku(int sku)
{
    return skus[sku];
}

int world_vc(const char *name)
{
    for (int v = 0; v < VCS; v++)
        if (!strcmp(vc_names[v], name))
            return v;
    return -1;
}

int world_node(const char *name)
{
    return name ? (int)strtol(name + 1, NULL, 10) : -1;
}

int world_user(const char *name)
{
    int u = 0;
    while (u < USERS && strcmp(user_names[u], name) != 0)
        u++;
    return u;
}

struct row_lease *world_lease(struct world *w, const char *id)
{
    for (int i = 0; i < LEASES; i++)
        if (w->leases[i].there && !strcmp(w->leases[i].l.id, id))
            return &w->leases[i];
    return NULL;
}

struct row_job *world_find(struct world *w, const char *id)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && !strcmp(w->jobs[i].row.id, id))
            return &w->jobs[i];
    return NULL;
}

struct row_job *world_named(struct world *w, const char *full_name)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && !strcmp(w->jobs[i].row.full_name, full_name))
            return &w->jobs[i];
    return NULL;
}

int wish_tasks(const struct wish *wish)
{
    return wish->instances[0] + (wish->roles == 2 ? wish->instances[1] : 0);
}

int wish_role(const struct wish *wish, int task)
{
    return task >= wish->instances[0];
}

int wish_gpus(const struct wish *wish)
{
    return wish->instances[0] * wish->gpus[0] + (wish->roles == 2 ? wish->instances[1] * wish->gpus[1] : 0);
}

struct job *world_job(const struct world *w, const struct row_job *r)
{
    static const char *const role_names[] = {"main", "side"};
    const struct wish *wish = &r->wish;
    struct spec_role roles[2];
    char only[8], never[8], id[ID_SIZE];
    const char *only_list[] = {only, NULL}, *never_list[] = {never, NULL};
    const char *sku_list[] = {wish->sku < 0 ? NULL : skus[wish->sku], NULL};
    for (int i = 0; i < wish->roles; i++)
        roles[i] = (struct spec_role){
            .name = role_names[i],
            .wire_name = role_names[i],
            .instances = wish->instances[i],
            .min_failed = wish->min_failed,
            .min_succeeded = wish->min_succeeded,
            .task_retry_count = wish->task_retries,
            .per_task = {.cpus = wish->cpus[i], .memory_mb = 10, .gpus = wish->gpus[i]},
            .port_total = PORTS,
            .command = "true",
            .image_uri = "x",
        };
    snprintf(only, sizeof only, "n%d", wish->only);
    snprintf(never, sizeof never, "n%d", wish->never);
    struct spec spec = {.name = r->name,
                        .vc = vc_names[wish->vc],
                        .priority = wish->priority,
                        .job_retry_count = wish->retries,
                        .gang = wish->gang,
                        .roles = roles,
                        .role_count = (size_t)wish->roles,
                        .total_tasks = wish_tasks(wish),
                        .total_gpus = wish_gpus(wish),
                        .time_limit_ms = wish->limit_ms,
                        .preemption = wish->preemption,
                        .debug = wish->debug,
                        .lazy = wish->lazy,
                        .nodes = wish->only < 0 ? NULL : only_list,
                        .not_nodes = wish->never < 0 ? NULL : never_list,
                        .skus = wish->sku < 0 ? NULL : sku_list,
                        .checkpoint_grace_s = 30,
                        .stop_grace_s = 10};
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012d", w->names);
    return job_create(&spec, user_names[wish->user], r->there ? r->row.id : id);
}

/* ---- from rows ---- */

static void load_tasks(struct job *j, const struct row_job *r)
{
    for (int i = 0; i < j->spec->total_tasks; i++) {
        struct task *t = &j->tasks[i], own = *t;
        const struct row_task *row = &r->tasks[i];
        if (!row->there || row->job_attempt != j->attempt)
            continue;
        *t = row->t;
        t->role = own.role;
        t->job = own.job;
        t->gpus = own.gpus;
        t->gpu_uuids = NULL; /* engines here tell none */
        t->gpu_wishes = NULL;
        t->ports = own.ports;
        t->stop_sent = false; /* no column */
        memcpy(t->ports, row->ports, sizeof row->ports);
        memcpy(t->gpus, row->gpus, (size_t)t->role->per_task.gpus * sizeof *t->gpus);
        char name[8];
        snprintf(name, sizeof name, "n%d", row->node);
        t->node = arena_strdup(j->arena, name);
    }
}

/* What the loader reads, and no more. */
static struct job *job_of_row(const struct world *w, const struct row_job *r)
{
    struct job *j = world_job(w, r);
    const struct job *row = &r->row;
    if (!j)
        return NULL;
    j->seq = row->seq;
    j->state = row->state;
    j->stop_requested = row->stop_requested;
    j->attempt = row->attempt;
    j->retries_user = row->retries_user;
    j->retries_platform = row->retries_platform;
    j->retries_resource = row->retries_resource;
    j->submitted_ms = row->submitted_ms;
    j->launched_ms = row->launched_ms;
    j->due_ms = row->due_ms;
    memcpy(j->wait_reason, row->wait_reason, sizeof j->wait_reason);
    memcpy(j->held_by, row->held_by, sizeof j->held_by);
    if (r->avoid.count && (j->avoid = arena_alloc(j->arena, sizeof *j->avoid)))
        *j->avoid = r->avoid;
    j->outcome = row->outcome;
    j->exit_code = row->outcome ? row->exit_code : 0;
    if (row->outcome)
        j->exit = row->exit;
    memcpy(j->trigger.message, row->trigger.message, sizeof j->trigger.message);
    if (j->state != STATE_WAITING)
        load_tasks(j, r);
    j->created_ms = j->tasks[0].created_ms;
    return j;
}

static int by_seq(const void *a, const void *b)
{
    const struct row_job *x = *(struct row_job *const *)a, *y = *(struct row_job *const *)b;
    return x->row.seq < y->row.seq ? -1 : x->row.seq > y->row.seq;
}

static bool load(struct world *w)
{
    struct row_job *all[JOBS];
    size_t n = 0;
    for (int i = 0; i < w->node_count; i++) {
        struct node down = w->nodes[i].n;
        down.up = false;
        if (w->nodes[i].there && core_load_node(w->core, &down))
            return false;
    }
    if (!windows_load(w))
        return false;
    for (int v = 0; v < VCS; v++)
        if (w->vc_there[v] && core_load_vc(w->core, &w->vcs[v]))
            return false;
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used)
            all[n++] = &w->jobs[i];
    if (n)
        qsort(all, n, sizeof all[0], by_seq);
    for (size_t i = 0; i < n; i++) {
        struct job *j = job_of_row(w, all[i]);
        all[i]->wait_ms = all[i]->row.due_ms ? all[i]->row.due_ms : all[i]->row.submitted_ms;
        if (!j || core_load_job(w->core, j, w->now))
            return false;
    }
    return leases_load(w);
}

void world_tell_node(struct world *w, const struct node *n)
{
    struct engine_event ev = {.kind = ENGINE_NODE, .node = *n, .seq = ++w->engine_seq};
    core_step(w->core, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev}, w->now, &w->fx);
}

static struct core *create(struct world *w)
{
    struct core_config config = {.epoch = ++w->epoch,
                                 .next_event_id = w->last_id + 1,
                                 .next_seq = w->last_seq + 1,
                                 .claim_timeout_ms = CLAIM_MS,
                                 .age_ms = AGE_MS};
    return core_create(&config);
}

/* Whoever was accepted without a row was never answered. */
static void forget_unwritten(struct world *w)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && !w->jobs[i].there)
            w->jobs[i] = (struct row_job){.used = false};
}

bool world_restart(struct world *w)
{
    core_destroy(w->core);
    effects_reset(&w->fx);
    forget_unwritten(w);
    w->core = create(w);
    w->loaded_ms = w->now.wall;
    if (!w->core || !load(w))
        return wrong("the core cannot be made from the rows");
    core_adopt(w->core, &w->fx);
    for (int i = 0; i < w->node_count; i++)
        if (w->nodes[i].there)
            world_tell_node(w, &w->nodes[i].n);
    w->replan = true;
    return world_settle(w, BATCH_DONE);
}

/* ---- batches ---- */

static void drop_ended(struct world *w)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used && (w->jobs[i].row.state & STATE_FINAL))
            w->jobs[i] = (struct row_job){.used = false};
    for (int i = 0; i < LEASES; i++)
        if (w->leases[i].there && !(w->leases[i].l.state & LEASE_LIVE))
            w->leases[i] = (struct row_lease){.there = false};
}

bool world_settle(struct world *w, enum batch_end how)
{
    if (core_deadline(w->core) <= w->now.mono)
        core_step(w->core, &(struct command){.kind = COMMAND_TICK}, w->now, &w->fx);
    core_schedule(w->core, w->now, &w->fx);
    if (w->fx.failed)
        return wrong("a batch has failed");
    if (how == BATCH_NOT_COMMITTED)
        return world_restart(w);
    bool ok = fold_batch(w);
    if (ok && how == BATCH_NOT_PERFORMED) {
        drop_ended(w);
        return world_restart(w);
    }
    ok = ok && engine_perform(w);
    core_batch_end(w->core, &w->fx);
    effects_reset(&w->fx);
    ok = ok && holds(w);
    drop_ended(w);
    w->replan = false;
    return ok;
}

/* ---- life ---- */

bool world_make(struct world *w)
{
    w->now = (struct clock_now){.wall = 1000000, .mono = 5000};
    w->vcs[0] = (struct vc){.name = VC_DEFAULT, .debug = {.max_minutes = LEASE_MINUTES, .per_user = 1, .total = 5}};
    w->vc_there[0] = true;
    return !effects_init(&w->fx) && (w->core = create(w)) && !core_load_vc(w->core, &w->vcs[0]);
}

void world_fini(struct world *w)
{
    core_destroy(w->core);
    effects_fini(&w->fx);
}
