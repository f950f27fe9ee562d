/* SPDX-License-Identifier: MIT
 *
 * Each allocation of a short history fails once: the batch is marked as failed, nothing leaks, is freed twice or is
 * used after it was freed (the sanitizers watch), and who owns the submitted job is always clear.
 *
 * The linker sends the calls of our libraries here (--wrap, see CMakeLists.txt).
 */
#include "tests/unit/core/harness.h"

#include "core/explain.h"

void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__real_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);

static long left; /* allocations until one fails; 0 = none does */
static bool failed;

static bool fails(void)
{
    if (!left || --left)
        return false;
    failed = true;
    return true;
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

/* One batch that may fail. False: it did, and the core is to be given up. */
static bool batch(struct harness *h, struct command *cmd)
{
    core_step(h->core, cmd, h->now, &h->fx);
    core_schedule(h->core, h->now, &h->fx);
    if (h->fx.failed)
        return false;
    for (size_t i = 0; i < h->fx.count; i++) {
        const struct effect *f = &h->fx.list[i];
        if (f->kind != EFFECT_LAUNCH)
            continue;
        memcpy(h->nonces[h->launches], f->task->nonce, 33);
        memcpy(h->launched[h->launches++], f->task->id, ID_SIZE);
    }
    core_batch_end(h->core, &h->fx);
    effects_reset(&h->fx);
    return true;
}

static bool node(struct harness *h, const char *name)
{
    struct engine_event ev = {.kind = ENGINE_NODE};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    ev.node = (struct node){.cpus = 8, .memory_mb = 1 << 20, .port_first = 20000, .port_last = 20999, .up = true};
    snprintf(ev.node.name, sizeof ev.node.name, "%s", name);
    return batch(h, &cmd);
}

static bool add(struct harness *h, struct job *j)
{
    int cookie;
    struct command cmd = {.kind = COMMAND_SUBMIT, .reply_to = &cookie, .submit = {.job = j, .config = "x"}};
    bool ok = batch(h, &cmd);
    if (core_find(h->core, j->full_name) != j)
        job_destroy(j); /* as the loop's sender does */
    return ok;
}

static bool say(struct harness *h, size_t n, enum engine_event_kind kind, int code)
{
    struct engine_event ev = {.kind = kind, .exit_code = code};
    struct command cmd = {.kind = COMMAND_ENGINE, .engine = &ev};
    memcpy(ev.attempt_id, h->launched[n], ID_SIZE);
    memcpy(ev.nonce, h->nonces[n], 33);
    return batch(h, &cmd);
}

/* Commands that are only rows and a reply. */
static bool rows(struct harness *h, void *cookie)
{
    struct command tag = {.kind = COMMAND_TAG, .reply_to = cookie, .tag = {.full_name = "ana~c", .tag = "x"}};
    struct command write = {.kind = COMMAND_WRITE, .reply_to = cookie};
    return batch(h, &tag) && batch(h, &write);
}

/* As far as it goes. */
static bool history(struct harness *h, struct job *const jobs[3])
{
    int cookie;
    struct command halt = {.kind = COMMAND_EXECUTION, .execution = {.full_name = "ana~c", .stop = true}};
    bool ok = true;
    for (int i = 0; i < 3; i++) /* each is either the core's or destroyed */
        ok = ok ? add(h, jobs[i]) : (job_destroy(jobs[i]), false);
    if (!ok || !node(h, "n1") || !node(h, "n2") || !rows(h, &cookie))
        return false;
    for (size_t i = 0; i < 4; i++)
        if (!say(h, i, ENGINE_CONFIRMED, 0) || !say(h, i, ENGINE_STARTED, 0))
            return false;
    core_adopt(h->core, &h->fx);
    if (h->fx.failed)
        return false;
    effects_reset(&h->fx);
    return say(h, 0, ENGINE_EXITED, 1) && batch(h, &halt) && say(h, 1, ENGINE_EXITED, 143) &&
           say(h, 2, ENGINE_EXITED, 143) && batch(h, &(struct command){.kind = COMMAND_TICK});
}

static void each_allocation_may_fail(void **state)
{
    static struct harness harness; /* large */
    struct harness *h = &harness;
    long n = 0;
    bool whole = false;
    (void)state;
    for (; !whole; n++) {
        setup_core(h);
        struct job *jobs[3] = {
            make_job(h, &(struct ask){.name = "a", .instances = 2, .role2_instances = 1, .retries = 1}),
            make_job(h, &(struct ask){.name = "b", .time_limit_ms = 1000}), make_job(h, &(struct ask){.name = "c"})};
        failed = false;
        left = n + 1;
        bool ok = history(h, jobs);
        left = 0;
        assert_int_equal(ok, !failed); /* no failure goes unnoticed */
        assert_int_equal(ok, !h->fx.failed);
        if (ok)
            assert_true(core_check(h->core));
        teardown_core(h);
        whole = ok;
    }
    assert_true(n > 20);
}

/* A lease from its beginning to its end, as far as it goes. */
static bool lease_history(struct harness *h, struct job *j)
{
    struct engine_event held = {.kind = ENGINE_EXITED, .exit_code = 1, .held = true};
    struct command fail = {.kind = COMMAND_ENGINE, .engine = &held};
    struct command more = {.kind = COMMAND_LEASE, .lease = {.full_name = "ana~a", .minutes = 5}};
    more.lease.target = (struct command_target){.exists = true, .user = "ana", .vc = VC_DEFAULT};
    memcpy(more.lease.target.id, j->id, ID_SIZE);
    if (!add(h, j) || !node(h, "n1") || !say(h, 0, ENGINE_CONFIRMED, 0) || !say(h, 0, ENGINE_STARTED, 0))
        return false;
    memcpy(held.attempt_id, h->launched[0], ID_SIZE);
    memcpy(held.nonce, h->nonces[0], 33);
    if (!batch(h, &fail) || !batch(h, &more) || !node(h, "n2")) /* a node more: another plan */
        return false;
    core_adopt(h->core, &h->fx);
    if (h->fx.failed)
        return false;
    effects_reset(&h->fx);
    h->now.wall += 100 * 60 * 1000;
    h->now.mono += 100 * 60 * 1000;
    return batch(h, &(struct command){.kind = COMMAND_TICK}) && say(h, 0, ENGINE_EXITED, 1);
}

static void each_allocation_of_a_lease_may_fail(void **state)
{
    static struct harness harness;
    struct harness *h = &harness;
    bool whole = false;
    (void)state;
    for (long n = 0; !whole; n++) {
        setup_core(h);
        struct job *j = make_job(
            h, &(struct ask){.name = "a", .debug = {.on = SPEC_DEBUG_ALWAYS, .hold = SPEC_HOLD_GPUS, .minutes = 5}});
        failed = false;
        left = n + 1;
        bool ok = lease_history(h, j);
        left = 0;
        assert_int_equal(ok, !failed);
        assert_int_equal(ok, !h->fx.failed);
        if (ok)
            assert_true(core_check(h->core) && !core_live_leases(h->core));
        teardown_core(h);
        whole = ok;
    }
}

/* Loading and copying fail cleanly, too. */
static void each_allocation_of_a_load_may_fail(void **state)
{
    static struct harness harness;
    struct harness *h = &harness;
    (void)state;
    for (long n = 0, whole = 0; !whole; n++) {
        setup_core(h);
        struct job *j = make_job(h, &(struct ask){.name = "a", .time_limit_ms = 1000});
        struct core_config config = {.epoch = 1};
        static const char nonce[33] = "0";
        j->state = STATE_RUNNING;
        j->launched_ms = h->now.wall;
        j->tasks[0].state = STATE_RUNNING;
        j->tasks[0].claim = CLAIM_PROPOSED;
        j->tasks[0].node = "gone";
        failed = false;
        left = n + 1;
        struct core *c = core_create(&config);
        bool ok = c && !core_load_orphan(c, j->id, nonce);
        if (ok)
            ok = !core_load_job(c, j, h->now);
        else
            job_destroy(j);
        struct cluster *copy = ok ? cluster_clone(core_cluster(c)) : NULL;
        ok = copy != NULL;
        left = 0;
        assert_int_equal(ok, !failed);
        cluster_destroy(copy);
        core_destroy(c);
        teardown_core(h);
        whole = ok;
    }
}

/* A view and an answer out of it: either whole or none. */
static void each_allocation_of_an_answer_may_fail(void **state)
{
    static struct harness harness;
    struct harness *h = &harness;
    long n = 0;
    bool whole = false;
    (void)state;
    setup_core(h);
    add_node(h, "n1", 8, 4);
    add_node(h, "n2", 8, 4);
    submit(h, &(struct ask){.name = "a", .gpus = 3, .instances = 2, .priority = 10});
    submit(h, &(struct ask){.name = "b", .gpus = 2, .priority = 10});
    const struct job *b = core_find(h->core, "ana~b");
    const struct core_question q = {.spec = b->spec, .user = b->user, .full_name = b->full_name};
    for (; !whole; n++) {
        struct explanation x;
        failed = false;
        left = n + 1;
        struct core_view *v = core_view_create(h->core, h->now.mono);
        struct core_explainer *one = v ? core_explainer_create(v) : NULL;
        bool ok = one && !core_explain_whole(one, &q, &x) && !core_explain_brief(one, &q, &x);
        left = 0;
        assert_true(ok || failed);
        whole = ok && !failed;
        core_explainer_destroy(one);
        core_view_destroy(v);
    }
    assert_true(n > 50);
    teardown_core(h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_of_a_lease_may_fail),
        cmocka_unit_test(each_allocation_may_fail),
        cmocka_unit_test(each_allocation_of_a_load_may_fail),
        cmocka_unit_test(each_allocation_of_an_answer_may_fail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
