/* SPDX-License-Identifier: MIT
 *
 * Debug reservations under virtual time: which failures make one, what it holds, how it ends.
 */
#include "tests/unit/core/harness.h"

#include "inventory/vc.h"
#include "jobs/exits.h"

enum { MINUTE = 60 * 1000, USER_FAILURE = 1, PLATFORM_FAILURE = 250 };

static const struct spec_debug with_gpus = {.on = SPEC_DEBUG_USER_FAILURE, .hold = SPEC_HOLD_GPUS, .minutes = 10};
static const struct spec_debug sandbox_only = {.on = SPEC_DEBUG_USER_FAILURE, .hold = SPEC_HOLD_SANDBOX, .minutes = 10};

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    add_node(&harness, "n1", 64, 4);
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

static void put_vc(struct harness *h, const struct vc_debug *debug)
{
    struct vc vc = {.name = VC_DEFAULT, .debug = *debug};
    step(h, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = vc.name, .vc = &vc}});
}

/* A job of that name has run and failed with its sandbox held. Its launch. */
static size_t fail_one(struct harness *h, const struct ask *a, int code)
{
    size_t n = h->launches;
    assert_int_equal(submit(h, a), ERR_NONE);
    run(h, n);
    hold_failed(h, n, code);
    return n;
}

static struct resources used(struct harness *h)
{
    return cluster_at(core_cluster(h->core), 0)->used;
}

static enum err_code change(struct harness *h, const struct command_actor *who, bool release, int minutes)
{
    static const struct command_target target = {
        .exists = true, .id = "00000000-0000-7000-8000-000000000001", .user = "ana", .vc = VC_DEFAULT};
    int cookie = 0;
    step(h,
         &(struct command){.kind = COMMAND_LEASE,
                           .actor = *who,
                           .reply_to = &cookie,
                           .lease = {.full_name = "ana~a", .release = release, .minutes = minutes, .target = target}});
    return h->reply.code;
}

/* The job has failed as ever; what it held of the node is the lease's, until its time is over and the engine says that
 * nothing is left. */
static void a_failed_job_leaves_its_place_to_a_lease(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "x", .cpus = 3, .gpus = 2, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(state_of(h, "ana~x"), 0);
    assert_non_null(strstr(h->trace, "job.failed ana~x"));
    assert_non_null(strstr(h->trace, "lease.held main[0]"));
    assert_int_equal(core_live_leases(h->core), 1);
    assert_int_equal(h->lease.state, LEASE_HELD);
    assert_int_equal(h->lease.expires_ms - h->lease.created_ms, 10 * MINUTE);
    assert_int_equal(h->forgets, 0);
    assert_int_equal(used(h).gpus, 2);
    assert_int_equal(used(h).cpus, 3);
    tick(h, 10 * MINUTE - 1);
    assert_int_equal(h->stops, 0);
    tick(h, 1);
    assert_int_equal(h->stops, 1);
    assert_int_equal(h->lease.state, LEASE_ENDING);
    assert_string_equal(h->lease.ended_by, "expiry");
    assert_int_equal(used(h).gpus, 2); /* not before it is gone */
    engine(h, 0, ENGINE_EXITED, USER_FAILURE);
    assert_int_equal(h->lease.state, LEASE_ENDED);
    assert_int_equal(core_live_leases(h->core), 0);
    assert_int_equal(used(h).gpus, 0);
    assert_int_equal(used(h).cpus, 0);
    assert_int_equal(h->forgets, 1);
}

static void a_sandbox_holds_nothing_of_the_node(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "x", .gpus = 4, .debug = sandbox_only}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 1);
    assert_int_equal(used(h).gpus, 0);
    assert_int_equal(submit(h, &(struct ask){.name = "y", .gpus = 4}), ERR_NONE);
    assert_int_equal(h->launches, 2);
}

/* What is not to be kept must be gone before its GPUs are anybody else's. */
static void without_a_lease_the_sandbox_ends_first(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc_debug){.allow = VC_DEBUG_OFF});
    fail_one(h, &(struct ask){.name = "x", .gpus = 2, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    assert_int_equal(h->stops, 1);
    engine(h, 0, ENGINE_EXITED, USER_FAILURE);
    assert_int_equal(state_of(h, "ana~x"), 0);
    assert_non_null(strstr(h->trace, "job.failed ana~x"));
    assert_int_equal(used(h).gpus, 0);
}

static void a_platform_failure_makes_none(void **state)
{
    struct harness *h = *state;
    static const struct spec_debug always = {.on = SPEC_DEBUG_ALWAYS, .hold = SPEC_HOLD_GPUS};
    struct exit_verdict verdict;
    exits_verdict(PLATFORM_FAILURE, NULL, &verdict);
    assert_int_equal(verdict.category, EXIT_CATEGORY_PLATFORM);
    fail_one(h, &(struct ask){.name = "x", .debug = always}, PLATFORM_FAILURE);
    assert_int_equal(core_live_leases(h->core), 0);
    assert_int_equal(h->stops, 1);
}

/* Only the attempt that is not tried again. */
static void a_retry_makes_none(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "x", .retries = 1, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 0);
    engine(h, 0, ENGINE_EXITED, USER_FAILURE);
    tick(h, 1000);
    assert_int_equal(h->launches, 2);
    run(h, 1);
    hold_failed(h, 1, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 1);
    assert_int_equal(h->lease.job_attempt, 1);
}

/* The task that decides, and no other; a task that is being stopped fails nothing. */
static void the_deciding_task_has_the_lease(void **state)
{
    struct harness *h = *state;
    assert_int_equal(submit(h, &(struct ask){.name = "x", .instances = 3, .min_failed = 2, .debug = with_gpus}),
                     ERR_NONE);
    for (size_t i = 0; i < 3; i++)
        run(h, i);
    hold_failed(h, 0, USER_FAILURE); /* one alone fails nothing */
    assert_int_equal(core_live_leases(h->core), 0);
    engine(h, 0, ENGINE_EXITED, USER_FAILURE);
    hold_failed(h, 2, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 1);
    assert_int_equal(h->lease.task_index, 2);
    hold_failed(h, 1, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 1);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~x"), 0);
    assert_non_null(strstr(h->trace, "job.failed"));
}

static void caps_count_those_that_live(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc_debug){.per_user = 2, .total = 8});
    fail_one(h, &(struct ask){.name = "a", .debug = with_gpus}, USER_FAILURE);
    fail_one(h, &(struct ask){.name = "b", .debug = with_gpus}, USER_FAILURE);
    fail_one(h, &(struct ask){.name = "c", .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 2);
    engine(h, 0, ENGINE_EXITED, 1);
    fail_one(h, &(struct ask){.name = "d", .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 2);
    put_vc(h, &(struct vc_debug){.per_user = 8, .total = 2});
    fail_one(h, &(struct ask){.name = "e", .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 2);
}

/* Who asks for more than there is to give has what there is. */
static void the_cap_bounds_what_is_wished(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc_debug){.max_minutes = 5});
    fail_one(h, &(struct ask){.name = "a", .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(h->lease.expires_ms - h->lease.created_ms, 5 * MINUTE);
}

static void a_virtual_cluster_gives_the_sandbox_unasked(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc_debug){.allow = VC_DEBUG_USER_FAILURE, .max_minutes = 5});
    fail_one(h, &(struct ask){.name = "a", .gpus = 1}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 1);
    assert_int_equal(h->lease.hold, SPEC_HOLD_SANDBOX);
}

static void it_is_extended_up_to_the_cap(void **state)
{
    struct harness *h = *state;
    const struct command_actor owner = {.user = "ana"}, other = {.user = "ben"},
                               admin = {.user = "root", .admin = true};
    put_vc(h, &(struct vc_debug){.max_minutes = 15});
    fail_one(h, &(struct ask){.name = "a", .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(change(h, &other, false, 1), ERR_FORBIDDEN);
    assert_int_equal(change(h, &owner, false, 6), ERR_FORBIDDEN);
    assert_int_equal(change(h, &owner, false, 5), ERR_NONE);
    tick(h, 10 * MINUTE); /* the first timer means nothing any more */
    assert_int_equal(h->lease.state, LEASE_HELD);
    assert_int_equal(change(h, &owner, false, 1), ERR_FORBIDDEN);
    assert_int_equal(change(h, &admin, false, 60), ERR_NONE);
    tick(h, 64 * MINUTE);
    assert_int_equal(h->lease.state, LEASE_HELD);
    tick(h, MINUTE);
    assert_int_equal(h->lease.state, LEASE_ENDING);
    assert_int_equal(change(h, &admin, false, 60), ERR_CONFLICT_LEASE);
}

static void it_is_released_by_its_owner(void **state)
{
    struct harness *h = *state;
    const struct command_actor owner = {.user = "ana"}, other = {.user = "ben"};
    fail_one(h, &(struct ask){.name = "a", .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(change(h, &other, true, 0), ERR_FORBIDDEN);
    assert_int_equal(change(h, &owner, true, 0), ERR_NONE);
    assert_int_equal(h->lease.state, LEASE_ENDING);
    assert_string_equal(h->lease.ended_by, "ana");
    assert_int_equal(change(h, &owner, true, 0), ERR_NONE); /* once more is no harm */
    engine(h, 0, ENGINE_EXITED, 1);
    assert_int_equal(change(h, &owner, true, 0), ERR_CONFLICT_LEASE);
    assert_int_equal(submit(h, &(struct ask){.name = "a2"}), ERR_NONE);
}

static void guaranteed_work_takes_the_gpus_back(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "a", .gpus = 3, .priority = 10, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(submit(h, &(struct ask){.name = "small", .gpus = 1, .priority = 10}), ERR_NONE);
    assert_int_equal(h->launches, 2); /* there is room beside it */
    assert_int_equal(h->lease.state, LEASE_HELD);
    assert_int_equal(submit(h, &(struct ask){.name = "big", .gpus = 3, .priority = 10}), ERR_NONE);
    assert_int_equal(h->lease.state, LEASE_ENDING);
    assert_string_equal(h->lease.ended_by, "need");
    assert_int_equal(h->launches, 2);
    engine(h, 0, ENGINE_EXITED, 1);
    assert_int_equal(h->launches, 3);
}

static void opportunistic_work_does_not(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "a", .gpus = 4, .priority = 10, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(submit(h, &(struct ask){.name = "oppo", .gpus = 1, .priority = -1}), ERR_NONE);
    assert_int_equal(h->lease.state, LEASE_HELD);
    assert_int_equal(h->launches, 1);
}

static void where_the_policy_keeps_it_nobody_does(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc_debug){.kept = true});
    fail_one(h, &(struct ask){.name = "a", .gpus = 4, .priority = 10, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(submit(h, &(struct ask){.name = "big", .gpus = 4, .priority = 120}), ERR_NONE);
    assert_int_equal(h->lease.state, LEASE_HELD);
    assert_int_equal(h->launches, 1);
    tick(h, 10 * MINUTE);
    engine(h, 0, ENGINE_EXITED, 1);
    assert_int_equal(h->launches, 2);
}

static void a_lost_node_loses_it(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "a", .gpus = 2, .debug = with_gpus}, USER_FAILURE);
    engine(h, 0, ENGINE_LOST, 0);
    assert_int_equal(h->lease.state, LEASE_LOST);
    assert_string_equal(h->lease.ended_by, "node");
    assert_int_equal(used(h).gpus, 0);
    assert_non_null(strstr(h->trace, "lease.lost"));
}

/* A plan that is made anew, with a node more, has it where it was. */
static void another_plan_keeps_it_in_its_place(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "a", .gpus = 3, .debug = with_gpus}, USER_FAILURE);
    add_node(h, "n2", 64, 4);
    assert_int_equal(used(h).gpus, 3);
    assert_int_equal(submit(h, &(struct ask){.name = "b", .gpus = 4, .priority = 10}), ERR_NONE);
    assert_int_equal(h->launches, 2);
    assert_int_equal(h->lease.state, LEASE_HELD);
}

/* Another core, made of the row alone: it holds the same and ends in time, or at once where that passed meanwhile. */
static void it_is_made_again_from_its_row(void **state)
{
    struct harness *h = *state;
    fail_one(h, &(struct ask){.name = "a", .gpus = 3, .debug = with_gpus}, USER_FAILURE);
    struct lease row = h->lease;
    int gpus[3] = {-1, -1, -1};
    struct core_config config = {.epoch = 2, .next_event_id = 1000, .next_seq = 1000};
    struct node n = {.name = "n1", .cpus = 64, .memory_mb = 1 << 20, .gpu_count = 4, .port_first = 20000};
    row.job = "a";
    row.owner = "ana";
    row.vc = VC_DEFAULT;
    row.role = "main";
    row.node = "n1";
    row.gpus = gpus;
    row.ended_by = "";
    row.collected = "{}";
    n.port_last = 20999;
    for (int late = 0; late < 2; late++) {
        struct core *was = h->core;
        h->core = core_create(&config);
        h->now.wall += late * 20 * MINUTE;
        h->now.mono = 77; /* another boot */
        assert_int_equal(core_load_node(h->core, &n), 0);
        assert_int_equal(core_load_lease(h->core, &row, h->now), 0);
        core_adopt(h->core, &h->fx);
        assert_int_equal(h->fx.list[0].kind, EFFECT_ADOPT);
        assert_string_equal(h->fx.list[0].task->id, row.id);
        settle(h);
        core_destroy(was);
        add_node(h, "n1", 64, 4);
        assert_int_equal(used(h).gpus, 3);
        tick(h, 0);
        assert_int_equal(h->lease.state, late ? LEASE_ENDING : LEASE_HELD);
    }
    engine(h, 0, ENGINE_EXITED, 1);
    assert_int_equal(used(h).gpus, 0);
    assert_int_equal(core_live_leases(h->core), 0);
}

static void its_virtual_cluster_stays(void **state)
{
    struct harness *h = *state;
    struct vc vc = {.name = "lab", .guarantee = {{.sku = "gpu", .gpus = 2}}, .guarantee_count = 1};
    int cookie = 0;
    step(h, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = vc.name, .vc = &vc}});
    fail_one(h, &(struct ask){.name = "a", .vc = "lab", .gpus = 2, .priority = 10, .debug = with_gpus}, USER_FAILURE);
    assert_int_equal(core_live_leases(h->core), 1);
    step(h,
         &(struct command){.kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = COMMAND_VC_REMOVE, .name = vc.name}});
    assert_int_equal(h->reply.code, ERR_CONFLICT_VC);
    engine(h, 0, ENGINE_EXITED, 1);
    step(h,
         &(struct command){.kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = COMMAND_VC_REMOVE, .name = vc.name}});
    assert_int_equal(h->reply.code, ERR_NONE);
}

static void who_asks_in_vain_is_warned(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc_debug){.allow = VC_DEBUG_OFF});
    assert_int_equal(submit(h, &(struct ask){.name = "a", .debug = with_gpus}), ERR_NONE);
    assert_non_null(strstr(h->warning, "gives no debug reservations"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_failed_job_leaves_its_place_to_a_lease),
        TEST(a_sandbox_holds_nothing_of_the_node),
        TEST(without_a_lease_the_sandbox_ends_first),
        TEST(a_platform_failure_makes_none),
        TEST(a_retry_makes_none),
        TEST(the_deciding_task_has_the_lease),
        TEST(caps_count_those_that_live),
        TEST(the_cap_bounds_what_is_wished),
        TEST(a_virtual_cluster_gives_the_sandbox_unasked),
        TEST(it_is_extended_up_to_the_cap),
        TEST(it_is_released_by_its_owner),
        TEST(guaranteed_work_takes_the_gpus_back),
        TEST(opportunistic_work_does_not),
        TEST(where_the_policy_keeps_it_nobody_does),
        TEST(a_lost_node_loses_it),
        TEST(another_plan_keeps_it_in_its_place),
        TEST(it_is_made_again_from_its_row),
        TEST(its_virtual_cluster_stays),
        TEST(who_asks_in_vain_is_warned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
