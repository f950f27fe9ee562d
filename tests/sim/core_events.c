/* SPDX-License-Identifier: MIT
 *
 * Random histories through the core: submissions, stops, ends, failures, engine refusals, nodes lost, found and
 * cordoned, promises changed, preemption, time, and restarts from what was stored: also after a commit that failed, or
 * one whose orders were never carried out. core_world.h says what is where; planted bugs (plant.py) prove that it
 * would notice. usage: seeds.h
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/core_windows.h"

enum { RECOUNT = 1000 };

/* ---- nodes ---- */

static void tell_node(struct world *w, int i, bool up)
{
    struct node n = {.up = up, .port_first = 20000};
    const struct row_node *row = &w->nodes[i];
    snprintf(n.name, sizeof n.name, "n%d", i);
    n.cpus = w->plain ? 10000 : 4 + random_below(&w->seed, 12);
    n.memory_mb = 100000;
    n.port_last = n.port_first + (w->plain ? 999 : 63);
    n.gpu_count = w->plain ? NODE_GPUS : 2 + random_below(&w->seed, NODE_GPUS - 1);
    if (!w->plain && row->there && random_below(&w->seed, 4)) /* mostly as it was */
        n.gpu_count = row->n.gpu_count;
    for (int g = 0; g < n.gpu_count; g++)
        snprintf(n.gpus[g].model, sizeof n.gpus[g].model, "%s", world_sku(w->plain ? 0 : i % 2));
    world_tell_node(w, &n);
}

/* Mostly one comes back, as the guarantee is looked at only where all are there. */
static void some_node(struct world *w)
{
    int n = random_below(&w->seed, w->node_count);
    for (int i = 0; i < w->node_count; i++)
        n = w->nodes[i].n.up ? n : i;
    if (w->node_count < NODES && random_below(&w->seed, 40) == 0)
        tell_node(w, w->node_count, true);
    else
        tell_node(w, n, !w->nodes[n].n.up);
}

static void cordon(struct world *w)
{
    static const enum command_node_op ops[] = {COMMAND_NODE_CORDON, COMMAND_NODE_DRAIN};
    int n = random_below(&w->seed, w->node_count);
    for (int i = 0; i < w->node_count; i++)
        n = w->nodes[i].n.cordoned ? i : n;
    enum command_node_op op = w->nodes[n].n.cordoned ? COMMAND_NODE_UNCORDON : ops[random_below(&w->seed, 2)];
    core_step(w->core, &(struct command){.kind = COMMAND_NODE, .node = {.op = op, .name = w->nodes[n].n.name}}, w->now,
              &w->fx);
}

/* How GPUs and nodes lie is told anew; what does not fit is refused. */
static void label(struct world *w)
{
    static const char *const labels[] = {"{}", "{\"pairs\":\"yes\"}", "{\"sockets\":\"2\"}", "{\"rack\":\"r1\"}",
                                         "{\"rack\":\"r1\",\"sockets\":\"2\",\"pairs\":\"yes\"}"};
    const struct command_node what = {.op = COMMAND_NODE_LABELS,
                                      .name = w->nodes[random_below(&w->seed, w->node_count)].n.name,
                                      .labels = labels[random_below(&w->seed, 5)]};
    w->replan = true;
    core_step(w->core, &(struct command){.kind = COMMAND_NODE, .node = what}, w->now, &w->fx);
}

/* ---- promises ---- */

static void put_vc(struct world *w)
{
    int v = 1 + random_below(&w->seed, VCS - 1), size = w->node_count;
    struct vc vc = {.borrow = random_below(&w->seed, 2) * random_below(&w->seed, 16),
                    .user_cap = random_below(&w->seed, 3) ? 0 : 8 + random_below(&w->seed, 24),
                    .lazy = random_below(&w->seed, 2),
                    .debug = {.allow = (enum vc_debug_switch)(random_below(&w->seed, 4) % 3),
                              .max_minutes = LEASE_MINUTES,
                              .per_user = 1 + random_below(&w->seed, 2),
                              .total = 1 + random_below(&w->seed, 5),
                              .kept = random_below(&w->seed, 2)},
                    .guarantee_count = 1};
    snprintf(vc.name, sizeof vc.name, "%s", world_vc_name(v));
    if (v == 3)
        snprintf(vc.parent, sizeof vc.parent, "%s", world_vc_name(2));
    vc.guarantee[0] =
        (struct vc_guarantee){.gpus = random_below(&w->seed, 12), .nodes = random_below(&w->seed, size / 2 + 1)};
    snprintf(vc.guarantee[0].sku, sizeof vc.guarantee[0].sku, "%s",
             world_sku(w->plain ? 0 : random_below(&w->seed, 2)));
    core_step(w->core, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = vc.name, .vc = &vc}},
              w->now, &w->fx);
}

static void change_vc(struct world *w)
{
    static const enum command_vc_op ops[] = {COMMAND_VC_STOP, COMMAND_VC_START, COMMAND_VC_START, COMMAND_VC_REMOVE};
    const char *name = world_vc_name(1 + random_below(&w->seed, VCS - 1));
    core_step(w->core,
              &(struct command){.kind = COMMAND_VC, .vc = {.op = ops[random_below(&w->seed, 4)], .name = name}}, w->now,
              &w->fx);
}

static void some_vc(struct world *w)
{
    if (random_below(&w->seed, 3))
        put_vc(w);
    else
        change_vc(w);
}

/* ---- jobs ---- */

/* Sizes are powers of two where the guarantee is looked at, so that whatever fits greedily, largest first, fits. */
static int draw_gpus(struct world *w)
{
    static const int sizes[] = {0, 1, 1, 1, 2, 2, 4, 8};
    return w->plain ? sizes[random_below(&w->seed, 8)] : random_below(&w->seed, 5);
}

static struct wish draw_wish(struct world *w)
{
    static const int priorities[] = {-1, -1, 10, 10, 100, 120};
    struct wish wish = {.vc = random_below(&w->seed, VCS),
                        .user = random_below(&w->seed, USERS),
                        .roles = 1 + (random_below(&w->seed, 4) == 0),
                        .priority = priorities[random_below(&w->seed, 6)],
                        .retries = random_below(&w->seed, 3),
                        .task_retries = random_below(&w->seed, 2),
                        .min_failed = random_below(&w->seed, 3) ? 1 : -1,
                        .min_succeeded = random_below(&w->seed, 3) ? 1 : -1,
                        .gang = random_below(&w->seed, 3) != 0,
                        .lazy = random_below(&w->seed, 2),
                        .preemption = (enum spec_preemption)random_below(&w->seed, 3),
                        .debug = {.on = (enum spec_debug_on)random_below(&w->seed, 3),
                                  .hold = (enum spec_hold)(SPEC_HOLD_GPUS + random_below(&w->seed, 2)),
                                  .minutes = random_below(&w->seed, 2)},
                        .limit_ms = random_below(&w->seed, 3) ? 0 : 5000 + random_below(&w->seed, 200000),
                        .only = random_below(&w->seed, 20) ? -1 : random_below(&w->seed, w->node_count),
                        .never = random_below(&w->seed, 20) ? -1 : random_below(&w->seed, w->node_count),
                        .sku = random_below(&w->seed, 6) ? -1
                               : w->plain                ? 0
                                                         : random_below(&w->seed, 2)};
    if (wish.debug.on != SPEC_DEBUG_NEVER && random_below(&w->seed, 4))
        wish.retries = wish.task_retries = 0;
    for (int i = 0; i < wish.roles; i++) {
        wish.instances[i] = 1 + random_below(&w->seed, 4);
        wish.gpus[i] = draw_gpus(w);
        wish.cpus[i] = 1 + random_below(&w->seed, 3);
    }
    return wish;
}

/* Whether its virtual cluster could ever hold it. */
static bool over_quota(const struct world *w, const struct wish *wish)
{
    struct own own = holds_own(w, wish->vc);
    return wish->vc && wish->priority >= 0 &&
           wish_gpus(wish) > own.nodes * NODE_GPUS + own.gpus + w->vcs[wish->vc].borrow;
}

static bool submit(struct world *w)
{
    int i = 0;
    while (i < JOBS && w->jobs[i].used)
        i++;
    if (i == JOBS)
        return true;
    struct row_job *r = &w->jobs[i];
    *r = (struct row_job){.wish = draw_wish(w), .wait_ms = w->now.wall};
    snprintf(r->name, sizeof r->name, "j%d", ++w->names);
    bool never = w->plain && !w->fx.count && over_quota(w, &r->wish);
    struct job *j = world_job(w, r);
    if (!j)
        return wrong("out of memory");
    memcpy(r->row.id, j->id, ID_SIZE);
    memcpy(r->row.full_name, j->full_name, sizeof j->full_name);
    core_step(w->core, &(struct command){.kind = COMMAND_SUBMIT, .submit = {.job = j, .config = "x", .config_len = 1}},
              w->now, &w->fx);
    r->used = core_find(w->core, j->full_name) == j;
    if (w->tell)
        printf("  submit %s: vc %d, priority %d, %dx%d + %dx%d: %d\n", r->row.full_name, r->wish.vc, r->wish.priority,
               r->wish.instances[0], r->wish.gpus[0], r->wish.instances[1], r->wish.gpus[1], r->used);
    if (r->used && never)
        return wrong("a job that its virtual cluster can never hold was accepted");
    if (!r->used)
        job_destroy(j);
    return true;
}

static void stop(struct world *w)
{
    const struct row_job *r = &w->jobs[random_below(&w->seed, JOBS)];
    if (r->used)
        core_step(
            w->core,
            &(struct command){.kind = COMMAND_EXECUTION, .execution = {.full_name = r->row.full_name, .stop = true}},
            w->now, &w->fx);
}

/* Mostly one is released, so that not all are held in the end. */
static void hold(struct world *w)
{
    const struct row_job *r = &w->jobs[random_below(&w->seed, JOBS)];
    bool release = random_below(&w->seed, 3) != 0;
    for (int i = 0; i < JOBS && release; i++)
        if (w->jobs[i].used && w->jobs[i].row.held_by[0])
            r = &w->jobs[i];
    if (r->used)
        core_step(w->core,
                  &(struct command){.kind = COMMAND_HOLD, .hold = {.full_name = r->row.full_name, .release = release}},
                  w->now, &w->fx);
}

/* ---- leases ---- */

static void lease(struct world *w)
{
    const struct row_lease *r = &w->leases[random_below(&w->seed, LEASES)];
    struct command_lease what = {.release = random_below(&w->seed, 2), .minutes = 1 + random_below(&w->seed, 3)};
    char name[JOB_FULL_NAME_SIZE];
    snprintf(name, sizeof name, "%s~%s", r->owner, r->job);
    what.full_name = name;
    what.target.exists = true;
    memcpy(what.target.id, r->l.job_id, ID_SIZE);
    snprintf(what.target.user, sizeof what.target.user, "%s", r->owner);
    snprintf(what.target.vc, sizeof what.target.vc, "%s", world_vc_name(r->vc));
    if (r->there)
        core_step(w->core,
                  &(struct command){.kind = COMMAND_LEASE,
                                    .actor = {.user = random_below(&w->seed, 3) ? r->owner : "eve"},
                                    .lease = what},
                  w->now, &w->fx);
}

/* ---- events ---- */

static void pass_time(struct world *w)
{
    int ms = random_below(&w->seed, 20000);
    w->now.wall += ms;
    w->now.mono += ms;
}

/* One thing that happens. False: something is violated. */
static bool happen(struct world *w)
{
    static const struct {
        int per_mille;
        void (*run)(struct world *w);
    } kinds[] = {{614, engine_event}, {40, stop},  {20, hold}, {60, pass_time}, {6, lease},
                 {20, some_node},     {6, cordon}, {4, label}, {14, some_vc}};
    if (w->maintains && random_below(&w->seed, 60) == 0)
        window_event(w);
    int dice = random_below(&w->seed, 1000);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        if (dice < kinds[k].per_mille) {
            kinds[k].run(w);
            return true;
        }
        dice -= kinds[k].per_mille;
    }
    return submit(w);
}

static bool event(struct world *w)
{
    int dice = random_below(&w->seed, 400), more = random_below(&w->seed, 4) ? 0 : random_below(&w->seed, 3);
    w->now.wall += 10;
    w->now.mono += 10;
    if (dice == 0)
        return world_restart(w);
    for (; more >= 0; more--)
        if (!happen(w))
            return false;
    return world_settle(w, dice == 1 ? BATCH_NOT_COMMITTED : dice == 2 ? BATCH_NOT_PERFORMED : BATCH_DONE);
}

/* In the end everybody is told to stop, and nothing is left. */
static bool drain(struct world *w)
{
    for (int i = 0; i < JOBS; i++)
        if (w->jobs[i].used)
            core_step(w->core,
                      &(struct command){.kind = COMMAND_EXECUTION,
                                        .execution = {.full_name = w->jobs[i].row.full_name, .stop = true}},
                      w->now, &w->fx);
    if (!world_settle(w, BATCH_DONE))
        return false;
    engine_end_all(w);
    if (!world_settle(w, BATCH_DONE))
        return false;
    return (core_live_jobs(w->core) == 0 && core_live_leases(w->core) == 0 && w->attempt_count == 0) ||
           wrong("I3: something is left when all have ended");
}

static bool run_seed(struct seeds_run *run)
{
    struct world *w = calloc(1, sizeof *w);
    bool ok = w && world_make(w);
    if (w) {
        w->seed = run->seed;
        w->tell = run->tell;
        w->maintains = run->seed % 3 == 1;
        w->plain = random_below(&w->seed, 3) != 0;
    }
    for (int i = 0, n = ok ? 2 + random_below(&w->seed, NODES - 2) : 0; i < n; i++)
        tell_node(w, i, true);
    ok = ok && world_settle(w, BATCH_DONE);
    for (run->done = 0; ok && run->done < run->events; run->done++) {
        if (run->tell)
            printf("%d\n", run->done);
        ok = event(w) && (run->done % RECOUNT != RECOUNT - 1 || holds_recount(w));
        if (!ok)
            break;
    }
    ok = ok && drain(w);
    if (w)
        world_fini(w);
    free(w);
    return ok;
}

int main(int argc, char **argv)
{
    return seeds_main(argc, argv, run_seed);
}
