/* SPDX-License-Identifier: MIT
 *
 * Random histories on grids of racks: submissions of all sizes and priorities, ends, withdrawals, machines lost and
 * found, restarts, by virtual clusters with shapes, with quantities and with a pinned cell. After each event the grid
 * is recounted (I4, I6) and the guarantee (I9) is tested: a gang that fits the healthy part of its own idle shape is
 * not left waiting. DROVER_SEEDS=N runs N seeds, DROVER_SEED=S one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "scheduler/grid.h"
#include "scheduler/score.h"

enum { RACKS = 4, RACK_NODES = 4, NODES = RACKS * RACK_NODES, VCS = 3, GANGS_MAX = 256, EVENTS = 1500 };

struct rng {
    uint64_t s;
};

static uint64_t next(struct rng *r) /* splitmix64 (Steele, Lea, Flood 2014) */
{
    uint64_t z = (r->s += UINT64_C(0x9E3779B97F4A7C15));
    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static int below(struct rng *r, int n)
{
    return (int)(next(r) % (uint64_t)n);
}

struct world {
    struct topology topology;
    struct topology_chain chain;
    struct topology_root roots[RACKS];
    struct topology_pin pin;
    char names[RACKS][RACK_NODES][TOPOLOGY_NAME_MAX];
    struct vcluster vcs[VCS];
    struct vcluster_quota quotas[VCS][4];
    int pins[1];
    struct grid *grid;
    struct {
        int gang;
        struct grid_request ask;
        struct grid_pods pods[2];
    } jobs[GANGS_MAX];
    int job_count;
    bool down[NODES];
    int64_t seq;
};

/* pair, quad, node of 8, rack of 4 nodes: 128 GPUs. `a` owns a rack and 3 nodes, `b` 10 GPUs in any shape and 4 quads,
 * `c` 2 nodes and a pinned node. */
static void describe(struct world *w)
{
    static const char *const names[] = {"gpu", "g2", "g4", "node", "rack"};
    static const int fanouts[] = {1, 2, 2, 2, RACK_NODES};
    w->chain.levels = 5;
    w->chain.node_level = 3;
    for (int l = 0; l < 5; l++) {
        snprintf(w->chain.level[l].name, TOPOLOGY_NAME_MAX, "%s", names[l]);
        w->chain.level[l].fanout = fanouts[l];
    }
    topology_chain_size(&w->chain);
    for (int r = 0; r < RACKS; r++) {
        for (int n = 0; n < RACK_NODES; n++)
            snprintf(w->names[r][n], TOPOLOGY_NAME_MAX, "n%d", r * RACK_NODES + n);
        w->roots[r] = (struct topology_root){.nodes = w->names[r], .node_count = RACK_NODES};
    }
    w->pin = (struct topology_pin){.name = "p", .first_node = "n5", .level = 3};
    w->topology = (struct topology){
        .chains = &w->chain, .chain_count = 1, .roots = w->roots, .root_count = RACKS, .pins = &w->pin, .pin_count = 1};
    w->quotas[0][0] = (struct vcluster_quota){0, 4, 1};
    w->quotas[0][1] = (struct vcluster_quota){0, 3, 3};
    w->quotas[1][0] = (struct vcluster_quota){0, 0, 10};
    w->quotas[1][1] = (struct vcluster_quota){0, 2, 4};
    w->quotas[2][0] = (struct vcluster_quota){0, 3, 2};
    w->vcs[0] = (struct vcluster){.name = "a", .quotas = w->quotas[0], .quota_count = 2};
    w->vcs[1] = (struct vcluster){.name = "b", .quotas = w->quotas[1], .quota_count = 2, .borrow = 16};
    w->vcs[2] = (struct vcluster){
        .name = "c", .quotas = w->quotas[2], .quota_count = 1, .pins = w->pins, .pin_count = 1, .user_cap = 20};
}

static int index_of(const struct world *w, int gang)
{
    for (int i = 0; i < w->job_count; i++)
        if (w->jobs[i].gang == gang)
            return i;
    return -1;
}

/* Victims are opportunistic, or lower gangs of the same virtual cluster: never an equal, and never one that must not be
 * stopped within its guarantee. */
static void check_victims(const struct world *w, int gang)
{
    int victims[64];
    size_t n = grid_victims(w->grid, gang, victims, 64);
    const struct grid_request *me = &w->jobs[index_of(w, gang)].ask;
    for (size_t i = 0; i < n; i++) {
        const struct grid_request *v = &w->jobs[index_of(w, victims[i])].ask;
        if (grid_is_oppo(w->grid, victims[i]))
            continue;
        assert_string_equal(v->vc, me->vc);
        assert_true(v->priority < me->priority);
        assert_false(v->no_stop);
    }
}

static void submit(struct world *w, struct rng *r)
{
    static const int sizes[] = {1, 1, 2, 4, 8, 3};
    static const int priorities[] = {-1, 0, 1, 5, 100};
    static const char *const names[] = {"a", "b", "c"};
    struct err e = {0};
    if (w->job_count == GANGS_MAX)
        return;
    int vc = below(r, VCS), i = w->job_count;
    w->jobs[i].pods[0] = (struct grid_pods){1 + below(r, 3), sizes[below(r, 6)]};
    w->jobs[i].pods[1] = (struct grid_pods){1, 1 + below(r, 4)};
    w->jobs[i].ask = (struct grid_request){.vc = names[vc],
                                           .pod_kinds = 1 + (size_t)(below(r, 4) == 0),
                                           .priority = priorities[below(r, 5)],
                                           .user = below(r, 4),
                                           .lazy = below(r, 3) == 0,
                                           .no_stop = below(r, 5) == 0,
                                           .seq = w->seq++};
    if (vc == 2 && w->jobs[i].ask.priority >= 0 && below(r, 3) == 0)
        w->jobs[i].ask.pin = "p";
    w->jobs[i].ask.pods = w->jobs[i].pods;
    w->jobs[i].gang = grid_submit(w->grid, &w->jobs[i].ask, &e);
    if (w->jobs[i].gang < 0)
        fail_msg("%s", e.text);
    w->job_count++;
    if (grid_try(w->grid, w->jobs[i].gang) == GRID_PREEMPTING)
        check_victims(w, w->jobs[i].gang);
}

static void drop(struct world *w, int i)
{
    grid_remove(w->grid, w->jobs[i].gang);
    w->jobs[i] = w->jobs[--w->job_count];
    w->jobs[i].ask.pods = w->jobs[i].pods;
}

static void end_some(struct world *w, struct rng *r)
{
    for (int n = below(r, 2) + 1; n > 0 && w->job_count; n--)
        drop(w, below(r, w->job_count));
}

/* The victims of a preempting gang leave; then it must start. */
static void let_victims_go(struct world *w, struct rng *r)
{
    int gangs[64];
    for (int i = 0; i < w->job_count; i++) {
        if (grid_state_of(w->grid, w->jobs[i].gang) != GRID_PREEMPTING || below(r, 2))
            continue;
        int me = w->jobs[i].gang;
        size_t n = grid_victims(w->grid, me, gangs, 64);
        for (size_t k = 0; k < n; k++)
            for (int j = 0; j < w->job_count; j++)
                if (w->jobs[j].gang == gangs[k]) {
                    drop(w, j);
                    break;
                }
        if (n)
            assert_int_not_equal(grid_try(w->grid, me), GRID_WAITING);
        return;
    }
}

static void toggle_node(struct world *w, struct rng *r)
{
    int n = below(r, NODES), down = 0;
    for (int i = 0; i < NODES; i++)
        down += w->down[i];
    if (down > 2)
        for (n = 0; !w->down[n]; n++)
            ;
    w->down[n] = !w->down[n];
    grid_health(w->grid, n, !w->down[n]);
}

static void retry_all(struct world *w)
{
    for (int i = 0; i < w->job_count; i++)
        grid_try(w->grid, w->jobs[i].gang);
}

/* One gang has waited for long. */
static void reserve(struct world *w, struct rng *r)
{
    if (w->job_count)
        grid_reserve(w->grid, w->jobs[below(r, w->job_count)].gang);
}

/* Everything that runs keeps its GPUs and its class. */
static void restart(struct world *w)
{
    struct grid *old = w->grid;
    struct grid_place at[256];
    struct err e = {0};
    w->grid = grid_create(&w->topology, w->vcs, VCS, &e);
    assert_non_null(w->grid);
    for (int i = 0; i < w->job_count; i++) {
        int was = w->jobs[i].gang;
        struct grid_past past = {.at = at, .count = grid_places(old, was, at, 256), .oppo = grid_is_oppo(old, was)};
        if (grid_state_of(old, was) == GRID_ALLOCATED) {
            w->jobs[i].gang = grid_adopt(w->grid, &w->jobs[i].ask, &past, &e);
            assert_true(w->jobs[i].gang >= 0);
            assert_int_equal(grid_is_oppo(w->grid, w->jobs[i].gang), past.oppo);
        } else {
            w->jobs[i].gang = grid_submit(w->grid, &w->jobs[i].ask, &e);
        }
    }
    for (int n = 0; n < NODES; n++)
        if (w->down[n])
            grid_health(w->grid, n, false);
    grid_destroy(old);
}

static void event(struct world *w, struct rng *r)
{
    int dice = below(r, 100);
    if (dice < 45)
        submit(w, r);
    else if (dice < 70)
        end_some(w, r);
    else if (dice < 82)
        let_victims_go(w, r);
    else if (dice < 88)
        toggle_node(w, r);
    else if (dice < 94)
        retry_all(w);
    else if (dice < 98)
        reserve(w, r);
    else
        restart(w);
}

/* I9, as far as it can be seen from outside: with all machines up, a VC that holds nothing gets a whole node at once
 * (allocated, or reserved with its victims told). */
static void probe_guarantee(struct world *w)
{
    static const char *const names[] = {"a", NULL, "c"};
    struct grid_pods node = {1, 8};
    struct err e = {0};
    for (int n = 0; n < NODES; n++)
        if (w->down[n])
            return;
    for (int vc = 0; vc < VCS; vc++) {
        if (!names[vc] || grid_held(w->grid, (size_t)vc))
            continue;
        struct grid_request ask = {.vc = names[vc], .pods = &node, .pod_kinds = 1, .user = 9, .seq = w->seq++};
        int gang = grid_submit(w->grid, &ask, &e);
        assert_true(gang >= 0);
        assert_int_not_equal(grid_try(w->grid, gang), GRID_WAITING);
        grid_remove(w->grid, gang);
    }
}

static void draw_weights(struct world *w, struct rng *r)
{
    struct score_weights weights = {.of = {0}};
    for (int t = 0; t < SCORE_TERMS; t++)
        weights.of[t] = below(r, 2) * below(r, 10000);
    score_use(w->grid, &weights);
}

static void run_seed(uint64_t seed)
{
    struct world *w = calloc(1, sizeof *w);
    struct rng r = {seed};
    struct err e = {0};
    assert_non_null(w);
    describe(w);
    w->grid = grid_create(&w->topology, w->vcs, VCS, &e);
    if (!w->grid)
        fail_msg("%s", e.text);
    if (seed % 2) /* whatever places are chosen by, the invariants hold */
        draw_weights(w, &r);
    for (int i = 0; i < EVENTS; i++) {
        event(w, &r);
        if (!grid_check(w->grid))
            fail_msg("seed %llu: the recount differs after event %d", (unsigned long long)seed, i);
        probe_guarantee(w);
    }
    while (w->job_count)
        drop(w, w->job_count - 1);
    assert_true(grid_check(w->grid));
    assert_int_equal(grid_idle(w->grid), grid_total(w->grid));
    grid_destroy(w->grid);
    free(w);
}

static void random_histories(void **state)
{
    const char *one = getenv("DROVER_SEED"), *many = getenv("DROVER_SEEDS");
    unsigned long long first = one ? strtoull(one, NULL, 10) : 1;
    unsigned long long last = one ? first : many ? strtoull(many, NULL, 10) : 20;
    (void)state;
    for (unsigned long long seed = first; seed <= last; seed++) {
        if (one || many)
            print_message("seed %llu\n", seed);
        run_seed(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_histories)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
