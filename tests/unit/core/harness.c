/* SPDX-License-Identifier: MIT
 *
 * The harness of the core's tests.
 */
#include "tests/unit/core/harness.h"

#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 2, 3))) static void trace(struct harness *h, const char *fmt, ...)
{
    size_t n = strlen(h->trace);
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(h->trace + n, sizeof h->trace - n, fmt, ap);
    va_end(ap);
}

void settle(struct harness *h)
{
    core_schedule(h->core, h->now, &h->fx);
    assert_false(h->fx.failed);
    for (size_t i = 0; i < h->fx.count; i++) {
        const struct effect *f = &h->fx.list[i];
        if (h->watch)
            h->watch(h->watch_ctx, f);
        if (f->kind == EFFECT_REPLY) {
            h->reply = f->reply->err;
            snprintf(h->warning, sizeof h->warning, "%s", f->reply->warning ? f->reply->warning : "");
            h->replies++;
        } else if (f->kind == EFFECT_LAUNCH) {
            assert_true(h->launches < MAX_ORDERS);
            memcpy(h->nonces[h->launches], f->task->nonce, 33);
            memcpy(h->launched[h->launches++], f->task->id, ID_SIZE);
        } else if (f->kind == EFFECT_STOP) {
            memcpy(h->stopped[h->stops++], f->stop->attempt_id, ID_SIZE);
            h->grace_ms = f->stop->grace_ms;
            h->signal = f->stop->signal;
        } else if (f->kind == EFFECT_LEASE_ROW) {
            h->lease = *f->lease;
            h->lease_rows++;
        } else if (f->kind == EFFECT_FORGET) {
            h->forgets++;
        } else if (f->kind == EFFECT_EVENT_ROW) {
            h->signalled += !strcmp(f->event->reason, "CheckpointSignalled");
            if (f->event->role)
                trace(h, "%s %s[%d]\n", f->event->type, f->event->role, f->event->task_index);
            else
                trace(h, "%s %s\n", f->event->type, f->event->full_name);
        }
    }
    core_batch_end(h->core, &h->fx);
    effects_reset(&h->fx);
    assert_true(core_check(h->core));
}

void step(struct harness *h, struct command *cmd)
{
    core_step(h->core, cmd, h->now, &h->fx);
    settle(h);
}

void tick(struct harness *h, int64_t ms)
{
    h->now.wall += ms;
    h->now.mono += ms;
    step(h, &(struct command){.kind = COMMAND_TICK});
}

void add_node(struct harness *h, const char *name, int cpus, int gpus)
{
    struct engine_event ev = {.kind = ENGINE_NODE};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    struct node *n = &ev.node;
    snprintf(n->name, sizeof n->name, "%s", name);
    n->cpus = cpus;
    n->memory_mb = 1 << 20;
    n->gpu_count = gpus;
    n->port_first = 20000;
    n->port_last = 20999;
    n->up = true;
    step(h, &cmd);
}

void setup_core(struct harness *h)
{
    memset(h, 0, sizeof *h);
    struct core_config config = {.epoch = 1, .next_event_id = 1, .next_seq = 1};
    h->core = core_create(&config);
    h->now = (struct clock_now){.wall = 1000000, .mono = 5000};
    assert_int_equal(effects_init(&h->fx), 0);
}

void teardown_core(struct harness *h)
{
    core_destroy(h->core);
    effects_fini(&h->fx);
}

static void fill_role(struct spec_role *r, const char *name, int instances, const struct ask *a)
{
    *r = (struct spec_role){.name = name,
                            .wire_name = name,
                            .instances = instances,
                            .min_failed = a->min_failed ? a->min_failed : 1,
                            .min_succeeded = a->min_succeeded ? a->min_succeeded : instances,
                            .task_retry_count = a->task_retries,
                            .per_task = {.cpus = a->cpus ? a->cpus : 1, .memory_mb = 10, .gpus = a->gpus},
                            .port_total = 2,
                            .command = "true",
                            .image_uri = "x"};
}

struct job *make_job(struct harness *h, const struct ask *a)
{
    struct arena *arena = arena_create(0);
    struct spec *spec = arena_alloc(arena, sizeof *spec);
    size_t roles = a->role2_instances ? 2 : 1;
    struct spec_role *r = arena_calloc(arena, roles, sizeof *r);
    int instances = a->instances ? a->instances : 1;
    fill_role(&r[0], "main", instances, a);
    if (roles == 2)
        fill_role(&r[1], "side", a->role2_instances, a);
    if (roles == 2 && a->side_without_gpus)
        r[1].per_task.gpus = 0;
    *spec =
        (struct spec){.name = arena_strdup(arena, a->name),
                      .vc = a->vc ? a->vc : "default",
                      .priority = a->priority,
                      .job_retry_count = a->retries,
                      .gang = !a->no_gang,
                      .roles = r,
                      .role_count = roles,
                      .total_tasks = instances + a->role2_instances,
                      .total_gpus = (int64_t)a->gpus * (instances + (a->side_without_gpus ? 0 : a->role2_instances)),
                      .time_limit_ms = a->time_limit_ms,
                      .preemption = a->preemption,
                      .debug = a->debug,
                      .nodes = a->nodes,
                      .not_nodes = a->not_nodes,
                      .skus = a->skus,
                      .checkpoint_grace_s = 30,
                      .checkpoint_signal = a->checkpoint_signal,
                      .stop_grace_s = 10};
    char id[ID_SIZE];
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012d", ++h->next_id);
    struct job *j = job_create(spec, "ana", id);
    arena_destroy(arena);
    assert_non_null(j);
    return j;
}

enum err_code submit(struct harness *h, const struct ask *a)
{
    int cookie = 0;
    struct job *j = make_job(h, a);
    struct command cmd = {.kind = COMMAND_SUBMIT,
                          .actor = {.user = "ana"},
                          .reply_to = &cookie,
                          .submit = {.job = j, .config = "x", .config_len = 1}};
    core_step(h->core, &cmd, h->now, &h->fx);
    bool taken = core_find(h->core, j->full_name) == j;
    settle(h);
    if (!taken)
        job_destroy(j);
    return h->reply.code;
}

enum err_code stop(struct harness *h, const char *full_name, const char *by, bool admin)
{
    int cookie = 0;
    struct command cmd = {.kind = COMMAND_EXECUTION,
                          .actor = {.user = by, .admin = admin},
                          .reply_to = &cookie,
                          .execution = {.full_name = full_name, .stop = true}};
    step(h, &cmd);
    return h->reply.code;
}

static void tell(struct harness *h, size_t n, struct engine_event ev)
{
    ev.seq = ++h->next_seq;
    ev.wall_ms = h->now.wall;
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    memcpy(ev.attempt_id, h->launched[n], ID_SIZE);
    memcpy(ev.nonce, h->nonces[n], 33);
    step(h, &cmd);
}

void engine(struct harness *h, size_t n, enum engine_event_kind kind, int code)
{
    tell(h, n,
         (struct engine_event){.kind = kind, .exit_code = code, .never_started = kind == ENGINE_LOST && code != 0});
}

void hold_failed(struct harness *h, size_t n, int code)
{
    tell(h, n, (struct engine_event){.kind = ENGINE_EXITED, .exit_code = code, .held = true});
}

void run(struct harness *h, size_t n)
{
    engine(h, n, ENGINE_CONFIRMED, 0);
    engine(h, n, ENGINE_STARTED, 0);
}

enum run_state state_of(struct harness *h, const char *full_name)
{
    const struct job *j = core_find(h->core, full_name);
    return j ? j->state : 0;
}
