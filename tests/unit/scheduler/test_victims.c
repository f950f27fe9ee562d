/* SPDX-License-Identifier: MIT
 *
 * Who must leave for whom, and when one starts, on a machine of eight GPUs that one virtual cluster owns.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "scheduler/grid.h"

enum { GPUS = 8 };

static struct topology_chain chain = {
    .level = {{.name = "gpu", .fanout = 1}, {.name = "node", .fanout = GPUS}}, .levels = 2, .node_level = 1};
static char node_name[1][TOPOLOGY_NAME_MAX] = {"n"};
static struct topology_root root = {.nodes = node_name, .node_count = 1};
static const struct topology topology = {.chains = &chain, .chain_count = 1, .roots = &root, .root_count = 1};
static struct vcluster_quota quota = {.level = 1, .count = 1};
static const struct vcluster vc = {.name = "v", .quotas = &quota, .quota_count = 1};

static int set_up(void **state)
{
    struct err e = {0};
    topology_chain_size(&chain);
    *state = grid_create(&topology, &vc, 1, &e);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    grid_destroy(*state);
    return 0;
}

/* A gang of one pod that waits; `seq` says when it came, and finds it again as its owner. */
static int submit(struct grid *g, int gpus, int priority, const int64_t *seq)
{
    struct grid_pods pods = {1, gpus};
    struct grid_request ask = {
        .vc = "v", .pods = &pods, .pod_kinds = 1, .priority = priority, .seq = *seq, .owner = (void *)seq};
    struct err e = {0};
    int gang = grid_submit(g, &ask, &e);
    assert_true(gang >= 0);
    return gang;
}

/* Where one has reserved GPUs that others still run on, whoever takes them over stops the youngest of these, and not
 * those on the lowest GPUs: that would depend on how they came to lie. */
static void of_those_under_a_reservation_the_youngest_leave(void **state)
{
    static const int64_t seqs[GPUS] = {1, 2, 3, 4, 5, 6, 7, 8}, waits = 9, higher = 10;
    struct grid *g = *state;
    int victims[GPUS];
    for (size_t i = 0; i < GPUS; i++)
        assert_int_equal(grid_try(g, submit(g, 1, 1, &seqs[i])), GRID_ALLOCATED);
    int aged = submit(g, 4, 1, &waits);
    assert_int_equal(grid_try(g, aged), GRID_WAITING);
    assert_int_equal(grid_reserve(g, aged), GRID_PREEMPTING);
    assert_int_equal(grid_victims(g, aged, victims, GPUS), 0); /* it only waits for them to end */
    int first = submit(g, 2, 2, &higher);
    assert_int_equal(grid_try(g, first), GRID_PREEMPTING);
    assert_int_equal(grid_state_of(g, aged), GRID_WAITING);
    assert_int_equal(grid_victims(g, first, victims, GPUS), 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(*(const int64_t *)grid_owner(g, victims[i]) >= 7);
    assert_true(grid_check(g));
}

/* One that is delayed has its place and does not start there; a higher one may still take it over. */
static void who_is_delayed_only_reserves(void **state)
{
    static const int64_t one = 1, two = 2;
    struct grid *g = *state;
    int gang = submit(g, 4, 1, &one);
    grid_delay(g, gang, true);
    assert_int_equal(grid_try(g, gang), GRID_PREEMPTING);
    assert_int_equal(grid_try(g, gang), GRID_PREEMPTING);
    grid_delay(g, gang, false);
    assert_int_equal(grid_try(g, gang), GRID_ALLOCATED);
    int late = submit(g, 4, 1, &two);
    grid_delay(g, late, true);
    assert_int_equal(grid_try(g, late), GRID_PREEMPTING);
    assert_int_equal(grid_try(g, submit(g, 4, 2, &two)), GRID_ALLOCATED);
    assert_int_equal(grid_state_of(g, late), GRID_WAITING);
    assert_true(grid_check(g));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(of_those_under_a_reservation_the_youngest_leave, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_delayed_only_reserves, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
