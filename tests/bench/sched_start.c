/* SPDX-License-Identifier: MIT
 *
 * The start of a server with 2,000 nodes of 8 and 10,000 jobs that run, as far as the core goes. `make` writes the rows
 * as the product does: the core takes in nodes, virtual clusters and submissions, an engine that says yes starts all,
 * each batch is committed. `load` takes the times of a start over them: rows to jobs, the orders to adopt, the plan
 * (grid made, all who run put where they run), and each node's report that it is there. usage: sched_start make|load DB
 */
// link: drover_server
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "core/core.h"
#include "inventory/vc.h"
#include "jobs/spec.h"
#include "server/persist.h"
#include "store/store.h"
#include "tests/bench/sched.h"

enum { NODES = 2000, JOBS = 10000, BATCH = 256 };

static const char yaml[] = "protocolVersion: 2\n"
                           "name: job-%d\n"
                           "type: job\n"
                           "prerequisites:\n"
                           "  - {type: dockerimage, name: image, uri: pytorch:latest}\n"
                           "taskRoles:\n"
                           "  worker:\n"
                           "    instances: 1\n"
                           "    dockerImage: image\n"
                           "    resourcePerInstance: {cpu: %d, memoryMB: 1024, gpu: %d, ports: {web: 1}}\n"
                           "    commands: [\"python train.py\"]\n"
                           "defaults: {virtualCluster: v%d}\n";

struct start {
    struct store *store;
    struct core *core;
    struct effects fx;
    struct clock_now now;
    int64_t epoch;
    struct engine_event *events; /* of a batch */
    size_t event_count;
    int launched;
    struct err e;
};

static int fail(struct start *x, const char *what)
{
    fprintf(stderr, "sched_start: %s: %s\n", what, x->e.text);
    return -1;
}

/* ---- making the rows ---- */

/* The orders to launch of this batch become events: confirmed, started. */
static void say_yes(struct start *x)
{
    x->event_count = 0;
    for (size_t i = 0; i < x->fx.count; i++) {
        const struct effect *f = &x->fx.list[i];
        if (f->kind != EFFECT_LAUNCH)
            continue;
        for (int k = 0; k < 2; k++) {
            struct engine_event *ev = &x->events[x->event_count++];
            *ev = (struct engine_event){.kind = k ? ENGINE_STARTED : ENGINE_CONFIRMED, .wall_ms = x->now.wall};
            memcpy(ev->attempt_id, f->task->id, ID_SIZE);
            memcpy(ev->nonce, f->task->nonce, sizeof ev->nonce);
            ev->gpu_count = (int)f->task->role->per_task.gpus;
            for (int g = 0; g < ev->gpu_count; g++)
                ev->gpus[g] = g;
        }
        x->launched++;
    }
}

static int commit(struct start *x)
{
    core_schedule(x->core, x->now, &x->fx);
    if (x->fx.failed || persist_commit(x->store, &x->fx, NULL, x->epoch, &x->e))
        return fail(x, "commit");
    say_yes(x);
    core_batch_end(x->core, &x->fx);
    effects_reset(&x->fx);
    return 0;
}

static int engine_batch(struct start *x)
{
    struct command *cmds = calloc(x->event_count + 1, sizeof *cmds);
    for (size_t i = 0; cmds && i < x->event_count; i++) {
        cmds[i] = (struct command){.kind = COMMAND_ENGINE, .engine = &x->events[i]};
        core_step(x->core, &cmds[i], x->now, &x->fx);
    }
    int rc = cmds ? commit(x) : fail(x, "out of memory");
    free(cmds);
    return rc;
}

static void describe(struct node *n, int i)
{
    *n = (struct node){.cpus = 96, .memory_mb = 1 << 20, .port_first = 20000, .port_last = 20999, .up = true};
    snprintf(n->name, sizeof n->name, "node-%04d", i);
    n->gpu_count = MIX_NODE_GPUS;
    for (int g = 0; g < n->gpu_count; g++) {
        n->gpus[g] = (struct gpu){.index = g, .memory_mb = 81559};
        snprintf(n->gpus[g].model, sizeof n->gpus[g].model, "NVIDIA H100 80GB HBM3");
        snprintf(n->gpus[g].uuid, sizeof n->gpus[g].uuid, "GPU-00000000-0000-4000-8000-%08d%04d", i, g);
    }
}

/* Up to a batch of nodes from the i-th on report that they are there. */
static void report(struct start *x, int i)
{
    for (x->event_count = 0; i < NODES && x->event_count < BATCH; i++) {
        struct engine_event *ev = &x->events[x->event_count++];
        *ev = (struct engine_event){.kind = ENGINE_NODE};
        describe(&ev->node, i);
    }
}

static int make_nodes(struct start *x)
{
    int rc = 0;
    for (int i = 0; !rc && i < NODES; i += BATCH) {
        report(x, i);
        rc = engine_batch(x);
    }
    return rc;
}

static int make_vcs(struct start *x)
{
    int rc = 0;
    for (int i = 0; !rc && i < MIX_VCS; i++) {
        struct vc vc = {.guarantee_count = 1, .guarantee = {{.nodes = NODES / MIX_VCS}}};
        struct command cmd = {
            .kind = COMMAND_VC, .actor = {.user = "root", .admin = true}, .vc = {.op = COMMAND_VC_PUT, .vc = &vc}};
        struct node n;
        describe(&n, 0);
        sku_of_node(&n, vc.guarantee[0].sku);
        snprintf(vc.name, sizeof vc.name, "v%d", i);
        cmd.vc.name = vc.name;
        core_step(x->core, &cmd, x->now, &x->fx);
        rc = commit(x);
    }
    return rc;
}

/* Sizes such that 10,000 fit: of a hundred, 85 of one GPU, 10 of two, 5 of four. */
static int gpus_of(int i)
{
    return i % 100 < 85 ? 1 : i % 100 < 95 ? 2 : 4;
}

static int submit(struct start *x, int i)
{
    char text[1024], id[ID_SIZE];
    struct arena *a = arena_create(0);
    int n = snprintf(text, sizeof text, yaml, i, 2 * gpus_of(i), gpus_of(i), i % MIX_VCS);
    struct spec *spec = a ? spec_parse(a, text, (size_t)n, &x->e) : NULL;
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012d", i);
    struct command cmd = {.kind = COMMAND_SUBMIT,
                          .actor = {.user = "ana"},
                          .submit = {.job = spec ? job_create(spec, "ana", id) : NULL,
                                     .config = arena_strdup(x->fx.arena, text),
                                     .config_len = (size_t)n}};
    arena_destroy(a);
    if (!cmd.submit.job || !cmd.submit.config)
        return fail(x, "job");
    core_step(x->core, &cmd, x->now, &x->fx);
    return 0;
}

static int make_jobs(struct start *x)
{
    int rc = 0;
    for (int i = 0; !rc && i < JOBS;) {
        for (int k = 0; !rc && k < BATCH && i < JOBS; k++)
            rc = submit(x, i++);
        if (!rc)
            rc = commit(x) || engine_batch(x) ? -1 : 0;
    }
    return rc;
}

static int make(struct start *x)
{
    if (make_nodes(x) || make_vcs(x) || make_jobs(x) || store_checkpoint(x->store, STORE_CHECKPOINT_TRUNCATE, &x->e))
        return -1;
    return x->launched == JOBS ? 0 : fail(x, "not every job runs");
}

/* ---- a start ---- */

struct lap {
    double cpu, wall;
};

static struct lap now(void)
{
    return (struct lap){mix_clock(CLOCK_PROCESS_CPUTIME_ID), mix_clock(CLOCK_MONOTONIC)};
}

static void tell(const char *name, struct lap begin)
{
    struct lap end = now();
    printf("%s\"%s\": {\"cpu_ms\": %.2f, \"wall_ms\": %.2f}", *name == 'r' ? "{" : ", ", name,
           (end.cpu - begin.cpu) * 1e3, (end.wall - begin.wall) * 1e3);
}

static int load(struct start *x)
{
    unsigned char seed[32] = {0};
    struct lap begin = now(), lap = begin;
    core_destroy(x->core);
    x->core = persist_load_core(x->store, x->epoch, seed, x->now, &x->e);
    if (!x->core)
        return fail(x, "load");
    tell("rows", lap);
    lap = now();
    core_adopt(x->core, &x->fx);
    size_t orders = x->fx.count;
    effects_reset(&x->fx);
    tell("adopt", lap);
    lap = now();
    core_schedule(x->core, x->now, &x->fx);
    tell("plan", lap);
    lap = now();
    for (int i = 0; i < NODES; i += BATCH) {
        report(x, i);
        struct command cmd = {.kind = COMMAND_ENGINE};
        for (size_t k = 0; k < x->event_count; k++) {
            cmd.engine = &x->events[k];
            core_step(x->core, &cmd, x->now, &x->fx);
        }
        core_schedule(x->core, x->now, &x->fx);
        core_batch_end(x->core, &x->fx);
        effects_reset(&x->fx);
    }
    tell("nodes", lap);
    tell("all", begin);
    printf("}\n");
    if (x->fx.failed || orders != JOBS || core_live_jobs(x->core) != JOBS || core_waiting_jobs(x->core) ||
        !core_check(x->core))
        return fail(x, "what was loaded is not what was written");
    return 0;
}

int main(int argc, char **argv)
{
    struct start x = {.now = {.wall = 1700000000000, .mono = 1000}};
    struct core_config config = {.epoch = 1, .next_event_id = 1, .next_seq = 1};
    bool fresh = argc == 3 && !strcmp(argv[1], "make");
    int rc = -1;
    if (argc != 3 || (!fresh && strcmp(argv[1], "load") != 0)) {
        fprintf(stderr, "usage: sched_start make|load DB\n");
        return 2;
    }
    x.store = store_open(argv[2], STORE_WRITER, &x.e);
    x.epoch = x.store ? persist_new_epoch(x.store, &x.e) : -1;
    config.epoch = x.epoch;
    x.core = core_create(&config);
    x.events = calloc(2 * BATCH, sizeof *x.events);
    if (x.epoch < 1 || !x.core || !x.events || effects_init(&x.fx))
        fail(&x, argv[2]);
    else
        rc = fresh ? make(&x) : load(&x);
    core_destroy(x.core);
    effects_fini(&x.fx);
    store_close(x.store);
    free(x.events);
    return rc ? 1 : 0;
}
