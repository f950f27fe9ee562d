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
                           "jobRetryCount: %d\n"
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
                           "extras: {gangAllocation: %s, drover: {debugReservation: {maxMinutes: 10}}}\n";

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
    size_t leases; /* that were compared, again and again */
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
    assert_int_equal(a->gpu_uuids != NULL, b->gpu_uuids != NULL);
    for (int i = 0; a->gpu_uuids && i < a->role->per_task.gpus; i++)
        assert_string_equal(a->gpu_uuids[i], b->gpu_uuids[i]);
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
    assert_int_equal(a->due_ms, b->due_ms);
    assert_string_equal(a->held_by, b->held_by);
    assert_string_equal(a->wait_reason, b->wait_reason);
    assert_int_equal(a->avoid ? a->avoid->count : 0, b->avoid ? b->avoid->count : 0);
    for (int i = 0; a->avoid && i < a->avoid->count; i++)
        assert_string_equal(a->avoid->node[i], b->avoid->node[i]);
    assert_int_equal(a->launched_ms, b->launched_ms);
    assert_int_equal(a->outcome, b->outcome);
    assert_int_equal(a->tasks_live, b->tasks_live);
    if (a->outcome) {
        assert_int_equal(a->exit_code, b->exit_code);
        assert_string_equal(a->exit.phrase, b->exit.phrase);
        assert_int_equal(a->exit.reaction, b->exit.reaction);
        assert_int_equal(a->exit.category, b->exit.category);
        assert_int_equal(a->exit.from_log, b->exit.from_log);
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
    assert_int_equal(core_live_leases(other), core_live_leases(x->core));
    x->leases += core_live_leases(other);
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
    if (persist_needed(&x->fx) && persist_commit(x->store, &x->fx, NULL, x->epoch, &e))
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

/* Another node that is never up: jobs avoid the one where they failed as long as their back-off goes on. */
static void other_node(struct fixture *x)
{
    struct engine_event ev = {.kind = ENGINE_NODE,
                              .node = {.name = "n2", .cpus = 7, .memory_mb = 1000, .gpu_count = 5}};
    batch(x, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
}

static void node_is(struct fixture *x, bool up)
{
    struct engine_event ev = {.kind = ENGINE_NODE};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    ev.node = (struct node){
        .name = "n1", .cpus = 7, .memory_mb = 1000, .port_first = 20000, .port_last = 20099, .gpu_count = 5, .up = up};
    for (int i = 0; i < 5; i++) {
        ev.node.gpus[i].index = i;
        snprintf(ev.node.gpus[i].uuid, GPU_UUID_SIZE, "GPU-%d", i);
    }
    batch(x, &cmd);
    other_node(x);
}

static void submit(struct fixture *x)
{
    char text[2048], id[ID_SIZE];
    struct err e = {0};
    if (x->name_count == NAMES)
        return;
    char *name = x->names[x->name_count];
    snprintf(name, sizeof x->names[0], "ana~job%zu", x->name_count);
    int n =
        snprintf(text, sizeof text, yaml, name + 4, x->name_count % 2 ? 0 : 1, x->name_count % 2 ? "true" : "false");
    struct arena *arena = arena_create(0);
    struct spec *spec = spec_parse(arena, text, (size_t)n, &e);
    if (!spec)
        fail_msg("%s", e.text);
    snprintf(id, sizeof id, "00000000-0000-7000-8000-%012zu", ++x->name_count);
    struct command cmd = {.kind = COMMAND_SUBMIT,
                          .actor = {.user = "ana"},
                          .submit = {.job = job_create(spec, "ana", id), .config = text}};
    arena_destroy(arena);
    cmd.submit.config_len = (size_t)n;
    batch(x, &cmd);
}

static void say_of(struct fixture *x, size_t n, enum engine_event_kind kind, int code)
{
    struct engine_event ev = {.kind = kind,
                              .held = !x->draining && kind == ENGINE_EXITED && code == 1 && below(x, 2),
                              .exit_code = code,
                              .signal = code > 128 ? code - 128 : 0,
                              .wall_ms = x->now.wall,
                              .on_host = kind == ENGINE_CONFIRMED,
                              .never_started = code == 0,
                              .gpu_count = 1,
                              .gpus = {below(x, 5)}};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    memcpy(ev.attempt_id, x->ids[n], ID_SIZE);
    memcpy(ev.nonce, x->nonces[n], 33);
    if (code)
        snprintf(ev.message, sizeof ev.message, "ended with \"%d\"\n", code);
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

static void hold(struct fixture *x)
{
    if (!x->name_count)
        return;
    const char *name = x->names[below(x, (int)x->name_count)];
    struct command cmd = {.kind = COMMAND_HOLD, .hold = {.full_name = name}};
    struct command why = {.kind = COMMAND_REASON, .reason = {.full_name = name, .text = "x"}};
    /* One after the other, so that every compiler draws the same history. */
    cmd.hold.release = below(x, 3) != 0;
    why.reason.attempt = below(x, 2);
    why.reason.reason = below(x, 2) ? "busy" : "quota";
    batch(x, &cmd);
    batch(x, &why);
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
    for (size_t i = 0; i < x->name_count; i++)
        batch(x, &(struct command){.kind = COMMAND_HOLD, .hold = {.full_name = x->names[i], .release = true}});
    for (int round = 0; round < 8 && core_live_jobs(x->core); round++) {
        for (size_t n = 0; n < x->launches; n++)
            say_of(x, n, ENGINE_EXITED, 0);
        x->now.wall += 1000000;
        x->now.mono += 1000000;
        batch(x, &(struct command){.kind = COMMAND_TICK});
    }
    assert_int_equal(core_live_jobs(x->core), 0);
    assert_int_equal(core_waiting_jobs(x->core), 0);
    assert_int_equal(core_live_leases(x->core), 0);
    assert_int_equal(cluster_at(core_cluster(x->core), 0)->used.cpus, 0);
    compare(x);
}

/* One of the newest attempts runs, and fails. */
static void fail_one(struct fixture *x)
{
    int back = x->launches < 8 ? (int)x->launches : 8;
    size_t n = back ? x->launches - 1 - (size_t)below(x, back) : 0;
    static const enum engine_event_kind kinds[] = {ENGINE_CONFIRMED, ENGINE_STARTED, ENGINE_EXITED};
    for (size_t i = 0; back && i < sizeof kinds / sizeof kinds[0]; i++)
        say_of(x, n, kinds[i], kinds[i] == ENGINE_EXITED);
}

static void say_any(struct fixture *x)
{
    static const int codes[] = {0, 0, 1, 137, 250, 251};
    static const enum engine_event_kind kinds[] = {ENGINE_CONFIRMED, ENGINE_CONFIRMED, ENGINE_STARTED, ENGINE_STARTED,
                                                   ENGINE_EXITED,    ENGINE_EXITED,    ENGINE_LOST,    ENGINE_REFUSED};
    enum engine_event_kind kind = kinds[below(x, 8)];
    say(x, kind, codes[below(x, 6)]);
}

static void one_step(struct fixture *x)
{
    int what = below(x, 20);
    x->now.wall += 1000;
    x->now.mono += 1000;
    if (below(x, 15) == 0)
        restart(x);
    if (what < 4)
        submit(x);
    else if (what < 14)
        say_any(x);
    else if (what < 15)
        fail_one(x);
    else if (what < 16)
        stop(x);
    else if (what < 17)
        hold(x);
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
    size_t leases = 0;
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
        leases += x->leases;
        close_all(x);
        free(x);
    }
    if (!one)
        assert_true(leases);
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
    assert_int_equal(persist_commit(x->store, &x->fx, NULL, x->epoch, &e), -1);
    assert_false(store_in_transaction(x->store));
    assert_int_equal(persist_commit(x->store, &x->fx, NULL, x->epoch + 1, &e), 0);
    close_all(x);
    free(x);
}

/* ---- rows of the senders' own (COMMAND_WRITE) ---- */

static int put_meta(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {"INSERT INTO meta(key, value) VALUES (?, 'x')"};
    struct stmt *st = store_stmt(s, &sql, e);
    (void)now;
    stmt_text(st, 1, what);
    return stmt_exec(st, e);
}

/* Writes something and then finds a reason against it. */
static int put_and_refuse(struct store *s, void *what, struct clock_now now, struct err *e)
{
    if (put_meta(s, what, now, e))
        return -1;
    return err_set(e, ERR_CONFLICT_USER, "There is one.");
}

static int lose_transaction(struct store *s, void *what, struct clock_now now, struct err *e)
{
    (void)what;
    (void)now;
    store_rollback(s);
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

static int64_t metas(struct store *s, const char *key)
{
    static const struct store_sql sql = {"SELECT count(*) FROM meta WHERE key = ?"};
    struct err e = {0};
    struct stmt *st = store_stmt(s, &sql, &e);
    stmt_text(st, 1, key);
    assert_int_equal(stmt_step(st, &e), STMT_ROW);
    int64_t n = stmt_col_int(st, 0);
    stmt_reset(st);
    return n;
}

struct write_case {
    command_write_fn *run;
    char key[8];
    enum err_code want;
};

/* One batch of such commands; their replies are what the cases want. The result of the commit. */
static int write_batch(struct fixture *x, struct write_case *cases, size_t n, struct err *e)
{
    struct command cmds[8] = {0};
    assert_true(n <= 8);
    for (size_t i = 0; i < n; i++) {
        cmds[i] = (struct command){
            .kind = COMMAND_WRITE, .reply_to = &cases[i], .write = {.run = cases[i].run, .what = cases[i].key}};
        core_step(x->core, &cmds[i], x->now, &x->fx);
    }
    assert_true(persist_needed(&x->fx));
    int rc = persist_commit(x->store, &x->fx, NULL, x->epoch, e);
    size_t replies = 0;
    for (size_t i = 0; i < x->fx.count; i++)
        if (x->fx.list[i].kind == EFFECT_REPLY && !rc) {
            const struct write_case *c = x->fx.list[i].reply->to;
            assert_int_equal(x->fx.list[i].reply->err.code, c->want);
            replies++;
        }
    assert_int_equal(replies, rc ? 0 : n);
    effects_reset(&x->fx);
    return rc;
}

/* Bad luck of one command is not its neighbours': a refusal, and a constraint that nobody translated. */
static void a_refused_write_takes_back_its_own_rows_only(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct err e = {0};
    struct write_case cases[] = {{put_meta, "a", ERR_NONE},
                                 {put_and_refuse, "b", ERR_CONFLICT_USER},
                                 {put_meta, "a", ERR_INTERNAL},
                                 {put_meta, "c", ERR_NONE}};
    (void)state;
    open_all(x);
    assert_int_equal(write_batch(x, cases, 4, &e), 0);
    assert_int_equal(metas(x->store, "a"), 1);
    assert_int_equal(metas(x->store, "b"), 0);
    assert_int_equal(metas(x->store, "c"), 1);
    close_all(x);
    free(x);
}

/* SQLite ends the transaction by itself when memory or disk fail: then nothing of the batch may be confirmed. */
static void a_write_that_ends_the_transaction_fails_the_batch(void **state)
{
    struct fixture *x = calloc(1, sizeof *x);
    struct err e = {0};
    struct write_case cases[] = {
        {put_meta, "a", ERR_NONE}, {lose_transaction, "b", ERR_INTERNAL}, {put_meta, "c", ERR_NONE}};
    (void)state;
    open_all(x);
    assert_int_equal(write_batch(x, cases, 3, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_int_equal(metas(x->store, "a"), 0);
    assert_int_equal(metas(x->store, "c"), 0);
    assert_int_equal(write_batch(x, &cases[2], 1, &e), 0); /* the connection goes on */
    close_all(x);
    free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_core_from_rows_equals_the_one_that_wrote_them),
        cmocka_unit_test(epochs_grow_and_fence),
        cmocka_unit_test(a_refused_write_takes_back_its_own_rows_only),
        cmocka_unit_test(a_write_that_ends_the_transaction_fails_the_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
