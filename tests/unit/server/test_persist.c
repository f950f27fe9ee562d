/* SPDX-License-Identifier: MIT
 *
 * Effects to rows and back: after each batch of a random history, a core loaded from the rows equals the one that wrote
 * them, job by job and task by task. Now and then the server "restarts" and goes on with the loaded one; in the end
 * everything drains, so no state is stuck. DROVER_SEED=S runs one history.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/err.h"
#include "core/core.h"
#include "jobs/exits.h"
#include "jobs/spec.h"
#include "scheduler/cluster.h"
#include "server/persist.h"
#include "store/store.h"
#include "tests/unit/base/temp_dir.h"

enum { NAMES = 12, ORDERS = 1024, STEPS = 80 };

static const char yaml[] = "protocolVersion: 2\n"
                           "name: %s\n"
                           "type: job\n"
                           "jobRetryCount: 1\n"
                           "prerequisites:\n"
                           "  - {type: dockerimage, name: image, uri: none}\n"
                           "taskRoles:\n"
                           "  main:\n"
                           "    instances: 2\n"
                           "    taskRetryCount: 1\n"
                           "    dockerImage: image\n"
                           "    resourcePerInstance: {cpu: 1, memoryMB: 10, gpu: 1, ports: {web: 2, db: 1}}\n"
                           "    commands: [\"true\"]\n"
                           "  side:\n"
                           "    dockerImage: image\n"
                           "    resourcePerInstance: {cpu: 1, memoryMB: 10, gpu: 0}\n"
                           "    commands: [\"true\"]\n"
                           "extras: {gangAllocation: %s}\n";

struct fixture {
    char dir[TEMP_PATH], db[TEMP_PATH + 16];
    struct store *store;
    int64_t epoch;
    struct core *core;
    struct effects fx;
    struct clock_now now;
    unsigned char seed[32];
    char names[NAMES][96];
    size_t name_count;
    char ids[ORDERS][ID_SIZE], nonces[ORDERS][33];
    size_t launches;
    unsigned seen; /* mask of job states that were compared */
    uint64_t random;
    bool draining; /* without comparing after each batch */
};

static int below(struct fixture *x, int n) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (x->random += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return (int)((z ^ (z >> 31)) % (uint64_t)n);
}

/* ---- comparing ---- */

static void same_task(const struct task *a, const struct task *b)
{
    assert_string_equal(a->role->name, b->role->name);
    assert_int_equal(a->state, b->state);
    if (a->state == STATE_WAITING)
        return;
    assert_int_equal(a->index, b->index);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->retries, b->retries);
    assert_int_equal(a->accountable_retries, b->accountable_retries);
    assert_int_equal(a->claim, b->claim);
    assert_string_equal(a->id, b->id);
    assert_string_equal(a->nonce, b->nonce);
    assert_int_equal(a->epoch, b->epoch);
    assert_string_equal(a->node, b->node);
    assert_int_equal(a->on_host, b->on_host);
    for (int i = 0; i < a->role->per_task.gpus; i++)
        assert_int_equal(a->gpus[i], b->gpus[i]);
    for (int i = 0; i < a->role->port_total; i++)
        assert_int_equal(a->ports[i], b->ports[i]);
    assert_int_equal(a->created_ms, b->created_ms);
    assert_int_equal(a->launched_ms, b->launched_ms);
    assert_int_equal(a->completed_ms, b->completed_ms);
    if (a->state & STATE_FINAL) {
        assert_int_equal(a->exit.code, b->exit.code);
        assert_int_equal(a->exit.signal, b->exit.signal);
        assert_string_equal(a->exit.message, b->exit.message);
    }
}

static void same_job(const struct job *a, const struct job *b)
{
    if (!b) {
        fail_msg("%s is not there", a->id);
        return;
    }
    assert_string_equal(a->id, b->id);
    assert_int_equal(a->seq, b->seq);
    assert_int_equal(a->state, b->state);
    assert_int_equal(a->attempt, b->attempt);
    assert_int_equal(a->stop_requested, b->stop_requested);
    assert_string_equal(a->stopped_by, b->stopped_by);
    assert_int_equal(a->retries_user, b->retries_user);
    assert_int_equal(a->retries_platform, b->retries_platform);
    assert_int_equal(a->retries_resource, b->retries_resource);
    assert_int_equal(a->submitted_ms, b->submitted_ms);
    assert_int_equal(a->launched_ms, b->launched_ms);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->tasks_live, b->tasks_live);
    if (a->outcome) {
        assert_int_equal(a->exit_code, b->exit_code);
        assert_ptr_equal(a->exit, b->exit);
    }
    assert_string_equal(a->trigger.message, b->trigger.message);
    assert_int_equal(a->trigger.role != NULL, b->trigger.role != NULL);
    if (a->trigger.role) {
        assert_string_equal(a->trigger.role, b->trigger.role);
        assert_int_equal(a->trigger.task_index, b->trigger.task_index);
    }
    for (int i = 0; i < a->spec->total_tasks; i++)
        same_task(&a->tasks[i], &b->tasks[i]);
}

/* Loads another core from the rows. */
static void compare(struct fixture *x)
{
    struct err e = {0};
    struct core *other = persist_load_core(x->store, x->epoch, x->seed, x->now, &e);
    if (!other)
        fail_msg("%s", e.text);
    assert_true(core_check(other));
    assert_int_equal(core_live_jobs(other), core_live_jobs(x->core));
    for (size_t i = 0; i < x->name_count; i++) {
        const struct job *a = core_find(x->core, x->names[i]), *b = core_find(other, x->names[i]);
        assert_int_equal(a != NULL, b != NULL);
        if (!a || !b)
            continue;
        same_job(a, b);
        x->seen |= (unsigned)a->state;
    }
    core_destroy(other);
}

/* ---- a history ---- */

/* One batch with one command: rows, orders noted, comparison. */
static void batch(struct fixture *x, struct command *cmd)
{
    struct err e = {0};
    core_step(x->core, cmd, x->now, &x->fx);
    core_schedule(x->core, x->now, &x->fx);
    assert_false(x->fx.failed);
    if (persist_needed(&x->fx) && persist_commit(x->store, &x->fx, x->epoch, &e))
        fail_msg("%s", e.text);
    for (size_t i = 0; i < x->fx.count; i++) {
        const struct effect *f = &x->fx.list[i];
        if (f->kind == EFFECT_LAUNCH && x->launches < ORDERS) {
            memcpy(x->ids[x->launches], f->task->id, ID_SIZE);
            memcpy(x->nonces[x->launches++], f->task->nonce, 33);
        }
    }
    core_batch_end(x->core, &x->fx);
    effects_reset(&x->fx);
    assert_true(core_check(x->core));
    if (!x->draining)
        compare(x);
}

static void node_is(struct fixture *x, bool up)
{
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = {.kind = ENGINE_NODE}};
    cmd.engine.node = (struct node){
        .name = "n1", .cpus = 7, .memory_mb = 1000, .port_first = 20000, .port_last = 20099, .gpu_count = 5, .up = up};
    batch(x, &cmd);
}

static void submit(struct fixture *x)
{
    char text[2048], id[ID_SIZE];
    struct err e = {0};
    if (x->name_count == NAMES)
        return;
    char *name = x->names[x->name_count];
    snprintf(name, sizeof x->names[0], "ana~job%zu", x->name_count);
    int n = snprintf(text, sizeof text, yaml, name + 4, x->name_count % 2 ? "true" : "false");
    struct arena *arena = arena_create(0);
    struct spec *spec = spec_parse(arena, text, (size_t)n, &e);
    if (!spec)
        fail_msg("%s", e.text);
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012zu", ++x->name_count);
    struct command cmd = {.kind = COMMAND_SUBMIT,
                          .actor = {.user = "ana"},
                          .submit = {.job = job_create(arena, spec, "ana", id), .config = text}};
    cmd.submit.config_len = (size_t)n;
    batch(x, &cmd);
}

static void say_of(struct fixture *x, size_t n, enum engine_event_kind kind, int code)
{
    struct command cmd = {.kind = COMMAND_ENGINE,
                          .engine = {.kind = kind,
                                     .exit_code = code,
                                     .signal = code > 128 ? code - 128 : 0,
                                     .wall_ms = x->now.wall,
                                     .on_host = kind == ENGINE_CONFIRMED,
                                     .never_started = code == 0,
                                     .gpu_count = 1,
                                     .gpus = {below(x, 5)}}};
    memcpy(cmd.engine.attempt_id, x->ids[n], ID_SIZE);
    memcpy(cmd.engine.nonce, x->nonces[n], 33);
    if (code)
        snprintf(cmd.engine.message, sizeof cmd.engine.message, "ended with \"%d\"\n", code);
    batch(x, &cmd);
}

/* About one of the newest attempts. */
static void say(struct fixture *x, enum engine_event_kind kind, int code)
{
    int back = x->launches < 8 ? (int)x->launches : 8;
    if (back)
        say_of(x, x->launches - 1 - (size_t)below(x, back), kind, code);
}

static void stop(struct fixture *x)
{
    if (!x->name_count)
        return;
    struct command cmd = {.kind = COMMAND_EXECUTION,
                          .actor = {.user = "root", .admin = true},
                          .execution = {.full_name = x->names[below(x, (int)x->name_count)], .stop = true}};
    batch(x, &cmd);
}

/* Another life of the server: a new epoch, the core from the rows, orders to adopt. */
static void restart(struct fixture *x)
{
    struct err e = {0};
    core_destroy(x->core);
    x->now.mono = 5000; /* another boot, even */
    x->epoch = persist_new_epoch(x->store, &e);
    x->core = persist_load_core(x->store, x->epoch, x->seed, x->now, &e);
    if (!x->core)
        fail_msg("%s", e.text);
    core_adopt(x->core, &x->fx);
    for (size_t i = 0; i < x->fx.count; i++)
        assert_true(x->fx.list[i].kind == EFFECT_ADOPT || x->fx.list[i].kind == EFFECT_STOP);
    effects_reset(&x->fx);
    node_is(x, true);
}

/* All that was launched ends, back-offs pass: then no job is left, and nothing is taken. */
static void drain(struct fixture *x)
{
    x->draining = true;
    node_is(x, true);
    for (int round = 0; round < 8 && core_live_jobs(x->core); round++) {
        for (size_t n = 0; n < x->launches; n++)
            say_of(x, n, ENGINE_EXITED, 0);
        x->now.wall += 1000000;
        x->now.mono += 1000000;
        batch(x, &(struct command){.kind = COMMAND_TICK});
    }
    assert_int_equal(core_live_jobs(x->core), 0);
    assert_int_equal(core_waiting_jobs(x->core), 0);
    assert_int_equal(cluster_at(core_cluster(x->core), 0)->used.cpus, 0);
    compare(x);
}

static void one_step(struct fixture *x)
{
    static const int codes[] = {0, 0, 1, 137, 250, 251};
    static const enum engine_event_kind kinds[] = {ENGINE_CONFIRMED, ENGINE_CONFIRMED, ENGINE_STARTED, ENGINE_STARTED,
                                                   ENGINE_EXITED,    ENGINE_EXITED,    ENGINE_LOST,    ENGINE_REFUSED};
    int what = below(x, 20);
    x->now.wall += 1000;
    x->now.mono += 1000;
    if (below(x, 15) == 0)
        restart(x);
    if (what < 4)
        submit(x);
    else if (what < 16)
        say(x, kinds[below(x, 8)], codes[below(x, 6)]);
    else if (what < 17)
        stop(x);
    else if (what < 18)
        node_is(x, below(x, 3) != 0);
    else {
        x->now.mono += 30000;
        batch(x, &(struct command){.kind = COMMAND_TICK});
    }
}

static void open_all(struct fixture *x)
{
    struct err e = {0};
    if (temp_create(x->dir))
        fail();
    snprintf(x->db, sizeof x->db, "%s/drover.db", x->dir);
    x->store = store_open(x->db, STORE_WRITER, &e);
    if (!x->store)
        fail_msg("%s", e.text);
    x->epoch = persist_new_epoch(x->store, &e);
    x->core = persist_load_core(x->store, x->epoch, x->seed, x->now, &e);
    if (x->epoch < 1 || !x->core || effects_init(&x->fx))
        fail_msg("%s", e.text);
    x->now = (struct clock_now){.wall = 1700000000000, .mono = 1000};
}

static void close_all(struct fixture *x)
{
    core_destroy(x->core);
    effects_fini(&x->fx);
    store_close(x->store);
    temp_remove(x->dir);
}

static void a_core_from_rows_equals_the_one_that_wrote_them(void **state)
{
    const char *one = getenv("DROVER_SEED");
    uint64_t first = one ? strtoull(one, NULL, 10) : 1, count = one ? 1 : 8;
    unsigned seen = 0;
    (void)state;
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct fixture *x = calloc(1, sizeof *x);
        struct err e = {0};
        print_message("seed %llu\n", (unsigned long long)seed);
        x->random = seed * 7919;
        open_all(x);
        node_is(x, true);
        for (int i = 0; i < STEPS; i++)
            one_step(x);
        drain(x);
        if (store_verify(x->store, &e))
            fail_msg("%s", e.text);
        seen |= x->seen;
        close_all(x);
        free(x);
    }
    if (!one)
        assert_int_equal(seen & STATE_LIVE, STATE_LIVE); /* each live state was among them */
}

/* Each life has an epoch of its own, and only the newest may write. */
static void epochs_grow_and_fence(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct err e = {0};
    (void)state;
    open_all(x);
    assert_false(persist_needed(&x->fx));
    assert_int_equal(persist_probe(x->store, x->epoch, &e), 0);
    assert_int_equal(persist_new_epoch(x->store, &e), x->epoch + 1);
    assert_int_equal(persist_probe(x->store, x->epoch, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_int_equal(persist_commit(x->store, &x->fx, x->epoch, &e), -1);
    assert_false(store_in_transaction(x->store));
    assert_int_equal(persist_commit(x->store, &x->fx, x->epoch + 1, &e), 0);
    close_all(x);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_core_from_rows_equals_the_one_that_wrote_them),
        cmocka_unit_test(epochs_grow_and_fence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
