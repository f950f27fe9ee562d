/* SPDX-License-Identifier: MIT
 *
 * Who must leave where CPUs or memory are what is short, and what is reserved then. Machines of 16 CPUs and 16 GB: "g0"
 * and "g1" with four GPUs, "c0" and "c1" without. Virtual clusters "a" and "b" own a machine with GPUs each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "scheduler/cluster.h"
#include "scheduler/grid.h"

enum { G0, G1, C0, C1, MACHINES, GPUS = 4, CPUS = 16, GB = 1024, OPPO = -1, LOW = 10, PROD = 100 };

static const char *const names[MACHINES] = {"g0", "g1", "c0", "c1"};

struct world {
    struct topology topology;
    struct topology_chain chain;
    struct topology_root roots[2];
    char machine[2][1][TOPOLOGY_NAME_MAX];
    struct vcluster vcs[2];
    struct vcluster_quota quotas[2];
    struct cluster *account;
    struct grid *grid;
    int64_t seq;
};

/* What a gang asks: `pods` pods, each on one of the machines `on` (bits; 0: any). */
struct ask {
    int pods, gpus, cpus, memory_gb, priority;
    unsigned on;
    const char *vc; /* NULL: "a" */
    bool never, lazy;
};

static void put(struct world *w, int n, int cpus)
{
    struct node info = {.cpus = cpus, .memory_mb = 16 * GB, .gpu_count = n <= G1 ? GPUS : 0, .up = true};
    snprintf(info.name, sizeof info.name, "%s", names[n]);
    for (int i = 0; i < info.gpu_count; i++)
        snprintf(info.gpus[i].model, sizeof info.gpus[i].model, "gpu");
    assert_int_equal(cluster_put_node(w->account, &info), n);
}

static int setup(void **state)
{
    static struct world w;
    struct err e = {0};
    w = (struct world){.account = cluster_create(), .chain = {.levels = 2, .node_level = 1}};
    snprintf(w.chain.level[0].name, TOPOLOGY_NAME_MAX, "gpu");
    snprintf(w.chain.level[1].name, TOPOLOGY_NAME_MAX, "node");
    w.chain.level[0].fanout = 1;
    w.chain.level[1].fanout = GPUS;
    topology_chain_size(&w.chain);
    for (int n = 0; n < MACHINES; n++)
        put(&w, n, CPUS);
    for (int i = 0; i < 2; i++) {
        snprintf(w.machine[i][0], TOPOLOGY_NAME_MAX, "%s", names[i]);
        w.roots[i] = (struct topology_root){.nodes = w.machine[i], .node_count = 1};
        w.quotas[i] = (struct vcluster_quota){.level = 1, .count = 1};
        w.vcs[i] = (struct vcluster){.quotas = &w.quotas[i], .quota_count = 1};
        snprintf(w.vcs[i].name, TOPOLOGY_NAME_MAX, "%s", i ? "b" : "a");
    }
    w.topology = (struct topology){.chains = &w.chain, .chain_count = 1, .roots = w.roots, .root_count = 2};
    w.grid = grid_create(&w.topology, w.vcs, 2, &e);
    assert_non_null(w.grid);
    assert_int_equal(grid_account(w.grid, w.account), 0);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    assert_true(grid_check(w->grid));
    grid_destroy(w->grid);
    cluster_destroy(w->account);
    return 0;
}

/* A gang that is submitted and tried; in the order of submission. */
static int add(struct world *w, const struct ask *a)
{
    const struct grid_pods pods = {.count = a->pods ? a->pods : 1, .gpus = a->gpus};
    const struct grid_need need = {.cpus = a->cpus, .memory_mb = (int64_t)a->memory_gb * GB};
    const struct grid_request r = {.vc = a->vc ? a->vc : "a",
                                   .pods = &pods,
                                   .needs = &need,
                                   .pod_kinds = 1,
                                   .priority = a->priority,
                                   .lazy = a->lazy,
                                   .no_stop = a->never,
                                   .seq = ++w->seq};
    const char *only[MACHINES];
    struct err e = {0};
    size_t n = 0;
    int gang = grid_submit(w->grid, &r, &e);
    assert_true(gang >= 0);
    for (int i = 0; i < MACHINES; i++)
        if (a->on >> i & 1)
            only[n++] = names[i];
    assert_int_equal(a->on ? grid_only(w->grid, gang, only, n) : 0, 0);
    grid_try(w->grid, gang);
    assert_true(grid_check(w->grid));
    return gang;
}

static enum grid_state try(struct world *w, int gang)
{
    enum grid_state s = grid_try(w->grid, gang);
    assert_true(grid_check(w->grid));
    return s;
}

/* It has reserved, and exactly these must stop for it. */
static void assert_stops(struct world *w, int gang, int count, const int *of)
{
    int victims[16];
    size_t n = grid_victims(w->grid, gang, victims, 16);
    assert_int_equal(grid_state_of(w->grid, gang), count ? GRID_PREEMPTING : GRID_ALLOCATED);
    assert_int_equal(n, count);
    for (int i = 0; i < count; i++) {
        size_t k = 0;
        while (k < n && victims[k] != of[i])
            k++;
        assert_true(k < n);
    }
}

#define STOPS(gang, ...) assert_stops(w, gang, sizeof((int[]){__VA_ARGS__}) / sizeof(int), (int[]){__VA_ARGS__})
#define assert_waits(gang) assert_int_equal(grid_state_of(w->grid, gang), GRID_WAITING)
#define assert_runs(gang) assert_int_equal(grid_state_of(w->grid, gang), GRID_ALLOCATED)

/* ---- who ---- */

static void opportunistic_ones_go_first(void **state)
{
    struct world *w = *state;
    add(w, &(struct ask){.cpus = 8, .priority = LOW, .on = 1 << C0});
    int small = add(w, &(struct ask){.cpus = 4, .priority = OPPO, .vc = "b", .on = 1 << C0});
    int other = add(w, &(struct ask){.cpus = 4, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    STOPS(me, small, other);
    grid_remove(w->grid, small);
    assert_int_equal(try(w, me), GRID_PREEMPTING);
    grid_remove(w->grid, other);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
}

static void the_fewest_go(void **state)
{
    struct world *w = *state;
    int halves[2], whole = add(w, &(struct ask){.cpus = 16, .priority = OPPO, .on = 1 << C1});
    for (int i = 0; i < 2; i++)
        halves[i] = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int one = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    STOPS(one, halves[1]);
    int both = add(w, &(struct ask){.cpus = 16, .priority = PROD, .vc = "b", .on = 1 << C0 | 1 << C1});
    STOPS(both, whole);
}

/* The opportunistic one comes first, but is of no use once the other has to go. */
static void nobody_goes_who_need_not(void **state)
{
    struct world *w = *state;
    int low = add(w, &(struct ask){.cpus = 12, .priority = LOW, .on = 1 << C0});
    int lent = add(w, &(struct ask){.cpus = 4, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 12, .priority = PROD, .on = 1 << C0});
    STOPS(me, low);
    grid_remove(w->grid, low);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
    assert_runs(lent);
}

/* Who gives CPUs and memory goes rather than two of whom each gives one of them. */
static void cpus_and_memory_count_together(void **state)
{
    struct world *w = *state;
    add(w, &(struct ask){.cpus = 4, .memory_gb = 12, .priority = OPPO, .on = 1 << C0});
    int both = add(w, &(struct ask){.cpus = 6, .memory_gb = 2, .priority = OPPO, .on = 1 << C0});
    add(w, &(struct ask){.cpus = 6, .memory_gb = 1, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 5, .memory_gb = 3, .priority = PROD, .on = 1 << C0});
    STOPS(me, both);
}

/* Whoever leaves for one pod leaves the other's machine, too. */
static void whole_gangs_go_and_are_counted_once(void **state)
{
    struct world *w = *state;
    add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int wide = add(w, &(struct ask){.pods = 2, .cpus = 8, .priority = OPPO, .on = 1 << C0 | 1 << C1});
    assert_int_equal(grid_pod(w->grid, wide, 0, NULL) + grid_pod(w->grid, wide, 1, NULL), C0 + C1);
    add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C1});
    int me = add(w, &(struct ask){.pods = 2, .cpus = 8, .priority = PROD, .on = 1 << C0 | 1 << C1});
    STOPS(me, wide);
    grid_remove(w->grid, wide);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
}

static void the_youngest_goes(void **state)
{
    struct world *w = *state;
    add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    add(w, &(struct ask){.cpus = 16, .priority = OPPO, .on = 1 << C1});
    int young = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0 | 1 << C1});
    STOPS(me, young);
}

static void never_an_equal_nor_somebody_elses(void **state)
{
    struct world *w = *state;
    int equal = add(w, &(struct ask){.cpus = 16, .priority = PROD, .on = 1 << C0});
    add(w, &(struct ask){.cpus = 16, .priority = LOW, .vc = "b", .on = 1 << C1});
    int me = add(w, &(struct ask){.cpus = 1, .priority = PROD, .on = 1 << C0 | 1 << C1});
    assert_waits(me);
    int more = add(w, &(struct ask){.cpus = 1, .priority = PROD + 1, .on = 1 << C0 | 1 << C1});
    STOPS(more, equal);
}

static void who_is_never_to_stop_does_not(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .never = true, .on = 1 << C1});
    add(w, &(struct ask){.cpus = 8, .priority = LOW, .never = true, .on = 1 << C1});
    add(w, &(struct ask){.cpus = 16, .priority = LOW, .never = true, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 4, .priority = PROD, .on = 1 << C0 | 1 << C1});
    STOPS(me, lent);
    int more = add(w, &(struct ask){.cpus = 12, .priority = PROD, .on = 1 << C0 | 1 << C1});
    assert_waits(more);
}

static void opportunistic_ones_stop_nobody(void **state)
{
    struct world *w = *state;
    add(w, &(struct ask){.cpus = 16, .priority = OPPO, .on = 1 << C0});
    assert_waits(add(w, &(struct ask){.cpus = 1, .priority = OPPO, .on = 1 << C0}));
}

/* ---- with GPUs ---- */

static void a_guarantee_takes_cpus_back(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 14, .priority = OPPO, .vc = "b", .on = 1 << G0 | 1 << G1});
    int rest = add(w, &(struct ask){.cpus = 14, .priority = LOW, .on = 1 << G0 | 1 << G1});
    int own = add(w, &(struct ask){.gpus = 4, .cpus = 1, .priority = LOW});
    assert_runs(own);
    grid_remove(w->grid, own);
    int me = add(w, &(struct ask){.gpus = 4, .cpus = 4, .priority = LOW});
    STOPS(me, lent);
    grid_remove(w->grid, me);
    grid_remove(w->grid, lent);
    add(w, &(struct ask){.cpus = 16, .priority = LOW, .vc = "b", .on = 1 << G0 | 1 << G1});
    me = add(w, &(struct ask){.gpus = 4, .cpus = 4, .priority = PROD}); /* a lower one of its own, in a new lot */
    STOPS(me, rest);
}

/* Without its guarantee it would hold as many CPUs. */
static void lazy_ones_stop_for_cpus(void **state)
{
    struct world *w = *state;
    int lazy = add(w, &(struct ask){.gpus = 2, .cpus = 15, .priority = LOW, .lazy = true});
    int me = add(w, &(struct ask){.gpus = 2, .cpus = 4, .priority = PROD});
    STOPS(me, lazy);
    assert_false(grid_is_oppo(w->grid, lazy));
}

/* ---- what is reserved ---- */

static void a_reservation_holds_cpus_and_memory(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 16, .memory_gb = 16, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 12, .memory_gb = 12, .priority = PROD, .on = 1 << C0});
    int late = add(w, &(struct ask){.cpus = 5, .priority = OPPO, .on = 1 << C0});
    int large = add(w, &(struct ask){.cpus = 1, .memory_gb = 5, .priority = OPPO, .on = 1 << C0});
    int small = add(w, &(struct ask){.cpus = 4, .memory_gb = 4, .priority = OPPO, .on = 1 << C0});
    STOPS(me, lent);
    grid_remove(w->grid, lent);
    assert_int_equal(try(w, late), GRID_WAITING);
    assert_int_equal(try(w, large), GRID_WAITING);
    assert_int_equal(try(w, small), GRID_ALLOCATED);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
}

/* It has what somebody else leaves to it: that is not taken from others, who need not wait. */
static void nothing_is_counted_twice(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 12, .priority = PROD, .on = 1 << C0});
    STOPS(me, lent);
    assert_runs(add(w, &(struct ask){.cpus = 4, .priority = OPPO, .on = 1 << C0}));
    assert_waits(add(w, &(struct ask){.cpus = 1, .priority = OPPO, .on = 1 << C0}));
    grid_remove(w->grid, lent);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
}

/* What a large one leaves is there when it has left, not before; and not what another one takes of it. */
static void what_is_not_free_yet_is_nobodys(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 12, .priority = OPPO, .on = 1 << C0});
    int first = add(w, &(struct ask){.cpus = 6, .priority = PROD, .on = 1 << C0});
    STOPS(first, lent);
    int second = add(w, &(struct ask){.cpus = 6, .priority = PROD, .vc = "b", .on = 1 << C0});
    STOPS(second, lent);
    assert_runs(add(w, &(struct ask){.cpus = 4, .priority = OPPO, .on = 1 << C0}));
    grid_remove(w->grid, lent);
    assert_int_equal(try(w, second), GRID_ALLOCATED);
    assert_int_equal(try(w, first), GRID_ALLOCATED);
}

static void who_withdraws_gives_it_back(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 12, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 16, .priority = PROD, .on = 1 << C0});
    assert_waits(add(w, &(struct ask){.cpus = 4, .priority = OPPO, .on = 1 << C0}));
    STOPS(me, lent);
    grid_remove(w->grid, me);
    assert_runs(add(w, &(struct ask){.cpus = 4, .priority = OPPO, .on = 1 << C0}));
    assert_runs(lent);
}

static void a_higher_one_takes_over(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 16, .priority = OPPO, .on = 1 << C0});
    int low = add(w, &(struct ask){.cpus = 12, .priority = LOW, .on = 1 << C0});
    int high = add(w, &(struct ask){.cpus = 12, .priority = PROD, .on = 1 << C0});
    STOPS(high, lent);
    assert_waits(low);
    grid_remove(w->grid, lent);
    assert_int_equal(try(w, high), GRID_ALLOCATED);
}

/* Others have left enough: who was to stop is not waited for. */
static void who_is_needed_no_more_is_not_waited_for(void **state)
{
    struct world *w = *state;
    int own = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    int lent = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    STOPS(me, lent);
    grid_remove(w->grid, own);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
    assert_runs(lent);
}

/* ... but what one has reserved is not given to another who waits longer for others to leave. */
static void who_waits_takes_nothing_from_who_waits(void **state)
{
    struct world *w = *state;
    int own = add(w, &(struct ask){.cpus = 8, .priority = LOW, .on = 1 << C0});
    int lent = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int b = add(w, &(struct ask){.cpus = 8, .priority = PROD, .vc = "b", .on = 1 << C0});
    int a = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    STOPS(b, lent);
    STOPS(a, own);
    grid_remove(w->grid, own);
    assert_int_equal(try(w, b), GRID_PREEMPTING);
    assert_int_equal(try(w, a), GRID_ALLOCATED);
    grid_remove(w->grid, lent);
    assert_int_equal(try(w, b), GRID_ALLOCATED);
}

/* There are fewer CPUs than there were, so that nobody's leaving is enough any more: it looks elsewhere. */
static void a_reservation_that_cannot_come_true_is_dropped(void **state)
{
    struct world *w = *state;
    int own = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    int lent = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    STOPS(me, lent);
    put(w, C0, 12);
    grid_remove(w->grid, lent);
    assert_int_equal(try(w, me), GRID_WAITING);
    grid_remove(w->grid, own);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
}

static void who_has_waited_for_long_reserves_cpus(void **state)
{
    struct world *w = *state;
    int own = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    int lent = add(w, &(struct ask){.cpus = 8, .priority = OPPO, .on = 1 << C0});
    int me = add(w, &(struct ask){.cpus = 16, .priority = PROD, .on = 1 << C0}), all[4];
    assert_waits(me);
    assert_int_equal(grid_reserve(w->grid, me), GRID_PREEMPTING);
    assert_true(grid_check(w->grid));
    STOPS(me, lent);
    assert_int_equal(grid_in_way(w->grid, me, all, 4), 2);
    grid_remove(w->grid, lent);
    assert_waits(add(w, &(struct ask){.cpus = 1, .priority = PROD + 1, .vc = "b", .on = 1 << C0}));
    assert_int_equal(try(w, me), GRID_PREEMPTING);
    grid_remove(w->grid, own);
    assert_int_equal(try(w, me), GRID_ALLOCATED);
}

/* A copy decides as the original, and has its own lists. */
static void a_copy_knows_who_is_to_stop(void **state)
{
    struct world *w = *state;
    int lent = add(w, &(struct ask){.cpus = 16, .priority = OPPO, .on = 1 << C0}), victim;
    int me = add(w, &(struct ask){.cpus = 8, .priority = PROD, .on = 1 << C0});
    struct grid *copy = grid_clone(w->grid, NULL, 0);
    assert_non_null(copy);
    assert_int_equal(grid_victims(copy, me, &victim, 1), 1);
    assert_int_equal(victim, lent);
    grid_remove(copy, lent);
    assert_int_equal(grid_try(copy, me), GRID_ALLOCATED);
    assert_true(grid_check(copy));
    grid_destroy(copy);
    STOPS(me, lent);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opportunistic_ones_go_first),
        TEST(the_fewest_go),
        TEST(nobody_goes_who_need_not),
        TEST(cpus_and_memory_count_together),
        TEST(whole_gangs_go_and_are_counted_once),
        TEST(the_youngest_goes),
        TEST(never_an_equal_nor_somebody_elses),
        TEST(who_is_never_to_stop_does_not),
        TEST(opportunistic_ones_stop_nobody),
        TEST(a_guarantee_takes_cpus_back),
        TEST(lazy_ones_stop_for_cpus),
        TEST(a_reservation_holds_cpus_and_memory),
        TEST(nothing_is_counted_twice),
        TEST(what_is_not_free_yet_is_nobodys),
        TEST(who_withdraws_gives_it_back),
        TEST(a_higher_one_takes_over),
        TEST(who_is_needed_no_more_is_not_waited_for),
        TEST(who_waits_takes_nothing_from_who_waits),
        TEST(a_reservation_that_cannot_come_true_is_dropped),
        TEST(who_has_waited_for_long_reserves_cpus),
        TEST(a_copy_knows_who_is_to_stop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
