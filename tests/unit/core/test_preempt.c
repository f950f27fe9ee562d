/* SPDX-License-Identifier: MIT
 *
 * Who must leave for whom, and what becomes of them.
 */
#include "tests/unit/core/harness.h"

#include <signal.h>

#include "inventory/vc.h"
#include "jobs/exits.h"

enum { TEST = 10, PROD = 100, OPPO = -1 };

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    add_node(&harness, "n1", 64, 4);
    add_node(&harness, "n2", 64, 4);
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

static void put_vc(struct harness *h, const char *name, int gpus, int borrow)
{
    struct vc vc = {.guarantee = {{.sku = "gpu", .gpus = gpus}}, .guarantee_count = gpus > 0, .borrow = borrow};
    struct command cmd = {.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = name, .vc = &vc}};
    snprintf(vc.name, sizeof vc.name, "%s", name);
    step(h, &cmd);
}

static void add(struct harness *h, const struct ask *a)
{
    assert_int_equal(submit(h, a), ERR_NONE);
}

/* Confirms and starts everything that was launched since. */
static void run_from(struct harness *h, size_t first)
{
    for (size_t i = first; i < h->launches; i++)
        run(h, i);
}

static void a_victim_waits_again_and_no_retry_is_counted(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "low", .gpus = 4, .instances = 2, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 4, .priority = PROD});
    assert_int_equal(h->stops, 2); /* the whole gang */
    assert_int_equal(state_of(h, "ana~low"), STATE_COMPLETING);
    assert_int_equal(state_of(h, "ana~high"), STATE_WAITING);
    assert_int_equal(core_waiting_jobs(h->core), 1);
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 1, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~high"), STATE_STARTING);
    const struct job *low = core_find(h->core, "ana~low");
    assert_int_equal(low->state, STATE_WAITING);
    assert_int_equal(low->attempt, 1);
    assert_int_equal(low->retries_user + low->retries_platform + low->retries_resource, 0);
    run_from(h, 2);
    engine(h, 2, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~low"), STATE_STARTING);
}

static void a_victim_stops_if_it_says_so(void **state)
{
    struct harness *h = *state;
    add(h,
        &(struct ask){.name = "low", .gpus = 4, .instances = 2, .priority = TEST, .preemption = SPEC_PREEMPTION_STOP});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 1, .priority = PROD});
    assert_int_equal(state_of(h, "ana~low"), STATE_STOPPING);
    assert_non_null(strstr(core_find(h->core, "ana~low")->trigger.message, "Preempted by ana~high"));
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~low"), 0);
    assert_non_null(strstr(h->trace, "job.stopped ana~low"));
    assert_int_equal(state_of(h, "ana~high"), STATE_STARTING);
}

/* Whoever leaves for others, to come back or for good, has the grace and the signal for a checkpoint; whom its owner
 * stops has the other. */
static void who_makes_room_is_told_by_its_signal(void **state)
{
    static const enum spec_preemption ways[] = {SPEC_PREEMPTION_REQUEUE, SPEC_PREEMPTION_STOP};
    struct harness *h = *state;
    for (size_t i = 0; i < 2; i++) {
        const char *const low[] = {"a", "b"}, *const high[] = {"c", "d"};
        add(h, &(struct ask){.name = low[i],
                             .gpus = 4,
                             .instances = 2,
                             .priority = TEST,
                             .preemption = ways[i],
                             .checkpoint_signal = SIGUSR2});
        run_from(h, i * 4);
        add(h, &(struct ask){.name = high[i], .gpus = 4, .instances = 2, .priority = PROD});
        assert_int_equal(h->signal, SIGUSR2);
        assert_int_equal(h->grace_ms, 30000);
        engine(h, i * 4, ENGINE_EXITED, 0);
        engine(h, i * 4 + 1, ENGINE_EXITED, 0);
        run_from(h, i * 4 + 2);
        stop(h, i ? "ana~d" : "ana~c", "ana", false);
        assert_int_equal(h->signal, 0);
        assert_int_equal(h->grace_ms, 10000);
        if (!i)
            stop(h, "ana~a", "ana", false);
        engine(h, i * 4 + 2, ENGINE_EXITED, 143);
        engine(h, i * 4 + 3, ENGINE_EXITED, 143);
    }
    assert_int_equal(h->signalled, 2); /* told once each, and who was stopped by its owner is not */
}

static void never_holds_within_the_guarantee_only(void **state)
{
    struct harness *h = *state;
    put_vc(h, "a", 4, 2);
    add(h, &(struct ask){.name = "own", .vc = "a", .gpus = 4, .priority = TEST, .preemption = SPEC_PREEMPTION_NEVER});
    add(h, &(struct ask){.name = "lent", .vc = "a", .gpus = 2, .priority = TEST, .preemption = SPEC_PREEMPTION_NEVER});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .vc = "a", .gpus = 4, .priority = PROD});
    assert_int_equal(h->stops, 0);
    assert_int_equal(state_of(h, "ana~high"), STATE_WAITING);
    add(h, &(struct ask){.name = "owner", .gpus = 4, .priority = TEST}); /* default wants back what it lent */
    assert_int_equal(h->stops, 1);
    assert_int_equal(state_of(h, "ana~own"), STATE_RUNNING);
    assert_int_equal(state_of(h, "ana~lent"), STATE_STOPPING);
}

static void an_equal_is_no_victim(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "a", .gpus = 4, .instances = 2, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "b", .gpus = 1, .priority = TEST});
    assert_int_equal(h->stops, 0);
    assert_int_equal(state_of(h, "ana~b"), STATE_WAITING);
}

static void opportunistic_ones_go_first_and_the_fewest(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "test", .gpus = 2, .priority = TEST});
    add(h, &(struct ask){.name = "oppo1", .gpus = 2, .priority = OPPO});
    add(h, &(struct ask){.name = "oppo2", .gpus = 2, .priority = OPPO});
    add(h, &(struct ask){.name = "oppo3", .gpus = 2, .priority = OPPO});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 2, .priority = PROD});
    assert_int_equal(h->stops, 1);
    assert_int_equal(state_of(h, "ana~test"), STATE_RUNNING);
}

static void a_cancelled_preemptor_gives_back_what_it_reserved(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "low", .gpus = 4, .instances = 2, .cpus = 30, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 4, .cpus = 60, .priority = PROD});
    assert_int_equal(stop(h, "ana~high", "ana", false), ERR_NONE);
    assert_int_equal(state_of(h, "ana~high"), 0);
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~low"), STATE_STARTING);
}

static void a_stop_of_a_victim_ends_it(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "low", .gpus = 4, .instances = 2, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 4, .priority = PROD});
    assert_int_equal(stop(h, "ana~low", "ana", false), ERR_NONE);
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~low"), 0);
    assert_non_null(strstr(h->trace, "job.stopped ana~low"));
    assert_int_equal(state_of(h, "ana~high"), STATE_STARTING);
}

/* Who takes the CPUs must leave, too, where the GPUs alone were free. */
static void cpus_are_taken_back_with_gpus(void **state)
{
    struct harness *h = *state;
    for (int i = 0; i < 2; i++) {
        char name[8];
        snprintf(name, sizeof name, "o%d", i);
        add(h, &(struct ask){.name = name, .gpus = 1, .cpus = 60, .priority = OPPO});
    }
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 1, .cpus = 60, .priority = PROD});
    assert_int_equal(h->stops, 1);
}

static void a_loss_of_the_node_drops_the_reservation(void **state)
{
    struct harness *h = *state;
    static const char *const only[] = {"n1", NULL};
    add(h, &(struct ask){.name = "low", .gpus = 4, .priority = TEST, .nodes = only});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 4, .priority = PROD, .nodes = only});
    assert_int_equal(h->stops, 1);
    struct engine_event ev = {.kind = ENGINE_NODE};
    ev.node = cluster_at(core_cluster(h->core), 0)->info;
    ev.node.up = false;
    step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
    assert_non_null(strstr(h->trace, "job.waiting ana~high"));
    engine(h, 0, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~high"), STATE_WAITING);
    ev.node.up = true;
    step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
    assert_int_equal(state_of(h, "ana~high"), STATE_STARTING);
}

static void wishes_for_nodes_and_models_are_kept(void **state)
{
    struct harness *h = *state;
    static const char *const not [] = {"n1", NULL}, *const only[] = {"n1", NULL};
    static const char *const none[] = {"h100", NULL}, *const some[] = {"h100", "gpu", NULL};
    add(h, &(struct ask){.name = "x", .gpus = 1, .not_nodes = not });
    assert_string_equal(core_find(h->core, "ana~x")->tasks[0].node, "n2");
    add(h, &(struct ask){.name = "y", .nodes = only});
    assert_string_equal(core_find(h->core, "ana~y")->tasks[0].node, "n1");
    add(h, &(struct ask){.name = "z", .gpus = 1, .skus = none});
    assert_int_equal(state_of(h, "ana~z"), STATE_WAITING);
    assert_int_equal(core_waiting_jobs(h->core), 1);
    add(h, &(struct ask){.name = "w", .gpus = 1, .skus = some});
    assert_int_equal(state_of(h, "ana~w"), STATE_STARTING);
    assert_int_equal(stop(h, "ana~z", "ana", false), ERR_NONE);
    assert_int_equal(core_waiting_jobs(h->core), 0);
}

/* A gang that has waited for an hour reserves, and starts when others have ended. */
static void who_waits_for_long_reserves(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "a", .gpus = 2, .priority = TEST});
    add(h, &(struct ask){.name = "b", .gpus = 2, .priority = TEST});
    add(h, &(struct ask){.name = "c", .gpus = 2, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "big", .gpus = 4, .instances = 2, .priority = TEST});
    assert_true(core_deadline(h->core) <= h->now.mono + 3600 * 1000);
    tick(h, 3600 * 1000 + 1);
    assert_int_equal(h->stops, 0);
    add(h, &(struct ask){.name = "small", .gpus = 1, .priority = TEST});
    assert_int_equal(state_of(h, "ana~small"), STATE_WAITING);
    for (size_t i = 0; i < 3; i++)
        engine(h, i, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~big"), STATE_STARTING);
}

/* A job of nodes with different numbers of GPUs spans them, as no single chain has enough. */
static void a_gang_may_span_kinds_of_nodes(void **state)
{
    struct harness *h = *state;
    add_node(h, "n3", 64, 2);
    add(h, &(struct ask){.name = "wide", .gpus = 2, .instances = 5, .priority = TEST});
    assert_int_equal(state_of(h, "ana~wide"), STATE_STARTING);
}

/* Number of the launch that was told to stop first. */
static size_t first_stopped(const struct harness *h)
{
    size_t i = 0;
    while (strcmp(h->launched[i], h->stopped[0]) != 0)
        i++;
    return i;
}

/* The account counts GPUs twice while one leaves for another: those beside them are nobody's. */
static void gpus_beside_a_reservation_are_free(void **state)
{
    struct harness *h = *state;
    const char *const names[] = {"o1", "o2", "o3", "o4"};
    for (size_t i = 0; i < 4; i++)
        add(h, &(struct ask){.name = names[i], .gpus = 2, .priority = OPPO});
    run_from(h, 0);
    add(h, &(struct ask){.name = "first", .gpus = 2, .priority = PROD});
    assert_int_equal(h->stops, 1);
    size_t victim = first_stopped(h);
    for (size_t i = 0; i < 4; i++)
        if (i != victim)
            engine(h, i, ENGINE_EXITED, 0);
    add(h, &(struct ask){.name = "second", .gpus = 2, .instances = 3, .priority = PROD});
    assert_int_equal(state_of(h, "ana~second"), STATE_STARTING);
    assert_int_equal(state_of(h, "ana~first"), STATE_WAITING);
}

static void a_task_without_gpus_waits_for_no_gpu(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "low", .gpus = 4, .instances = 2, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high", .gpus = 4, .instances = 2, .priority = PROD});
    assert_int_equal(h->stops, 2);
    add(h, &(struct ask){.name = "none", .priority = TEST});
    assert_int_equal(state_of(h, "ana~none"), STATE_STARTING);
}

/* Its task without GPUs was to be on a node that is lost before the victims have left. */
static void a_reservation_of_cpus_alone_is_dropped_with_the_node(void **state)
{
    struct harness *h = *state;
    struct engine_event lost = {.kind = ENGINE_NODE, .node = {.name = "n3", .cpus = 128, .memory_mb = 1 << 20}};
    add_node(h, "n3", 128, 0);
    add(h, &(struct ask){.name = "low", .gpus = 4, .instances = 2, .priority = TEST});
    run_from(h, 0);
    add(h, &(struct ask){.name = "high",
                         .gpus = 4,
                         .cpus = 40,
                         .role2_instances = 4, /* one fits beside on n2, three on n3 */
                         .side_without_gpus = true,
                         .priority = PROD});
    assert_int_equal(h->stops, 2);
    step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &lost});
    engine(h, 0, ENGINE_EXITED, 143);
    engine(h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~high"), STATE_WAITING);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_victim_waits_again_and_no_retry_is_counted, setup, teardown),
        cmocka_unit_test_setup_teardown(a_victim_stops_if_it_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(who_makes_room_is_told_by_its_signal, setup, teardown),
        cmocka_unit_test_setup_teardown(never_holds_within_the_guarantee_only, setup, teardown),
        cmocka_unit_test_setup_teardown(an_equal_is_no_victim, setup, teardown),
        cmocka_unit_test_setup_teardown(opportunistic_ones_go_first_and_the_fewest, setup, teardown),
        cmocka_unit_test_setup_teardown(a_cancelled_preemptor_gives_back_what_it_reserved, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stop_of_a_victim_ends_it, setup, teardown),
        cmocka_unit_test_setup_teardown(cpus_are_taken_back_with_gpus, setup, teardown),
        cmocka_unit_test_setup_teardown(a_loss_of_the_node_drops_the_reservation, setup, teardown),
        cmocka_unit_test_setup_teardown(wishes_for_nodes_and_models_are_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_for_long_reserves, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gang_may_span_kinds_of_nodes, setup, teardown),
        cmocka_unit_test_setup_teardown(gpus_beside_a_reservation_are_free, setup, teardown),
        cmocka_unit_test_setup_teardown(a_task_without_gpus_waits_for_no_gpu, setup, teardown),
        cmocka_unit_test_setup_teardown(a_reservation_of_cpus_alone_is_dropped_with_the_node, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
