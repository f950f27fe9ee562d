/* SPDX-License-Identifier: MIT
 *
 * The score: which of two places a gang takes, by weights, and what is noted of it. Two racks of two nodes of eight
 * GPUs (sockets of two pairs); everybody is opportunistic, so that no guarantee decides.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "scheduler/grid.h"
#include "scheduler/score.h"

enum { RACKS = 2, RACK_NODES = 2, NODE_GPUS = 8 };

struct world {
    struct topology topology;
    struct topology_chain chain;
    struct topology_root roots[RACKS];
    char names[RACKS][RACK_NODES][TOPOLOGY_NAME_MAX];
    struct vcluster vc;
    struct grid *grid;
    int64_t seq;
};

static int setup(void **state)
{
    static struct world w;
    static const int fanouts[] = {1, 2, 2, 2, RACK_NODES};
    struct err e = {0};
    w = (struct world){.vc = {.name = "a"}, .chain = {.levels = 5, .node_level = 3}};
    for (int l = 0; l < 5; l++)
        w.chain.level[l].fanout = fanouts[l];
    topology_chain_size(&w.chain);
    for (int r = 0; r < RACKS; r++) {
        for (int n = 0; n < RACK_NODES; n++)
            snprintf(w.names[r][n], TOPOLOGY_NAME_MAX, "n%d", r * RACK_NODES + n);
        w.roots[r] = (struct topology_root){.nodes = w.names[r], .node_count = RACK_NODES};
    }
    w.topology = (struct topology){.chains = &w.chain, .chain_count = 1, .roots = w.roots, .root_count = RACKS};
    w.grid = grid_create(&w.topology, &w.vc, 1, &e);
    assert_non_null(w.grid);
    *state = &w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;
    grid_destroy(w->grid);
    return 0;
}

/* Somebody is on these GPUs of a node. */
static void occupy(struct world *w, int node, const int *gpus, int count)
{
    struct grid_pods pods = {1, count};
    struct grid_place at[NODE_GPUS];
    struct err e = {0};
    for (int i = 0; i < count; i++)
        at[i] = (struct grid_place){.node = node, .gpu = gpus[i], .level = -1};
    struct grid_past past = {.at = at, .count = (size_t)count, .oppo = true};
    struct grid_request r = {.vc = "a", .pods = &pods, .pod_kinds = 1, .priority = -1, .seq = ++w->seq};
    assert_true(grid_adopt(w->grid, &r, &past, &e) >= 0);
}

static void occupy_all_but(struct world *w, int node, unsigned idle)
{
    int gpus[NODE_GPUS], n = 0;
    for (int i = 0; i < NODE_GPUS; i++)
        if (!(idle >> i & 1))
            gpus[n++] = i;
    occupy(w, node, gpus, n);
}

/* Places a gang; where each of its GPUs is. Its number. */
static int place(struct world *w, int pods, int gpus, struct grid_place *at)
{
    struct grid_pods kind = {pods, gpus};
    struct err e = {0};
    struct grid_request r = {.vc = "a", .pods = &kind, .pod_kinds = 1, .priority = -1, .seq = ++w->seq};
    int gang = grid_submit(w->grid, &r, &e);
    assert_true(gang >= 0);
    assert_int_equal(grid_try(w->grid, gang), GRID_ALLOCATED);
    grid_places(w->grid, gang, at, (size_t)pods * (size_t)gpus);
    return gang;
}

/* These weights, and no others. */
static void weigh(struct world *w, enum score_term a, int wa, enum score_term b, int wb)
{
    struct score_weights weights = {.of = {0}};
    weights.of[a] = wa;
    weights.of[b] += wb;
    score_use(w->grid, &weights);
}

static void the_tightest_then_the_nearest_by_default(void **state)
{
    struct world *w = *state;
    struct grid_place at[8];
    int terms[SCORE_TERMS];
    occupy_all_but(w, 1, 0x0f);
    int gang = place(w, 1, 2, at);
    assert_int_equal(at[0].node, 1);
    score_of(w->grid, gang, terms);
    assert_int_equal(terms[SCORE_LEFT], 2);
    assert_int_equal(terms[SCORE_LINKS], 0);
    assert_int_equal(terms[SCORE_FRESH], 0);
    assert_int_equal(score_sum(&score_defaults, terms), 2000);
    gang = place(w, 2, 8, (struct grid_place[16]){{0}});
    score_of(w->grid, gang, terms);
    assert_int_equal(terms[SCORE_FRESH], 2);
    assert_int_equal(terms[SCORE_APART], 4); /* one rack */
}

static void a_spread_gang_takes_another_rack(void **state)
{
    struct world *w = *state;
    struct grid_place at[8];
    place(w, 2, 4, at);
    assert_int_equal(at[0].node, at[4].node);
    weigh(w, SCORE_SPREAD, 1000, SCORE_LEFT, 1);
    place(w, 2, 4, at);
    assert_int_not_equal(at[0].node / RACK_NODES, at[4].node / RACK_NODES);
}

static void a_pair_can_be_worth_more_than_tightness(void **state)
{
    struct world *w = *state;
    struct grid_place at[2];
    occupy_all_but(w, 0, 0x05); /* idle: one of each of two pairs */
    occupy_all_but(w, 1, 0x07); /* a pair and one more */
    int terms[SCORE_TERMS], gang = place(w, 1, 2, at);
    assert_int_equal(at[0].node, 0);
    score_of(w->grid, gang, terms);
    assert_int_equal(terms[SCORE_LINKS], 1);
    grid_remove(w->grid, gang);
    weigh(w, SCORE_LINKS, 10000, SCORE_LEFT, 1000);
    place(w, 1, 2, at);
    assert_int_equal(at[0].node, 1);
}

static void fragments_can_be_worth_more_than_tightness(void **state)
{
    struct world *w = *state;
    struct grid_place at[1];
    occupy_all_but(w, 0, 0x07);
    occupy_all_but(w, 1, 0x03); /* two that many pods want */
    int gang = place(w, 1, 1, at);
    assert_int_equal(at[0].node, 1);
    grid_remove(w->grid, gang);
    weigh(w, SCORE_FRAGMENTS, 100, SCORE_LEFT, 1);
    place(w, 1, 1, at);
    assert_int_equal(at[0].node, 0);
}

static void no_weight_at_all_still_places(void **state)
{
    struct world *w = *state;
    struct grid_place at[32];
    weigh(w, SCORE_LEFT, 0, SCORE_LEFT, 0);
    place(w, 4, 8, at);
    assert_true(grid_check(w->grid));
    assert_int_equal(grid_idle(w->grid), 0);
}

static void terms_are_found_by_their_names(void **state)
{
    (void)state;
    for (int t = 0; t < SCORE_TERMS; t++)
        assert_int_equal(score_find(score_name((enum score_term)t)), t);
    assert_int_equal(score_find("tight"), SCORE_TERMS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_tightest_then_the_nearest_by_default, setup, teardown),
        cmocka_unit_test_setup_teardown(a_spread_gang_takes_another_rack, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pair_can_be_worth_more_than_tightness, setup, teardown),
        cmocka_unit_test_setup_teardown(fragments_can_be_worth_more_than_tightness, setup, teardown),
        cmocka_unit_test_setup_teardown(no_weight_at_all_still_places, setup, teardown),
        cmocka_unit_test(terms_are_found_by_their_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
