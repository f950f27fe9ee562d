/* SPDX-License-Identifier: MIT
 *
 * The line's order within a shape.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/err.h"
#include "scheduler/line.h"

enum { ENTRIES = 8 };

struct story {
    int64_t served[ENTRIES];
    size_t count;
    int gang; /* that was served last */
};

static void served(void *ctx, struct line_entry *en, enum grid_state state)
{
    struct story *s = ctx;
    assert_int_equal(state, GRID_ALLOCATED);
    s->served[s->count++] = en->seq;
    s->gang = en->gang;
}

/* Whoever was sent back to wait stands among those of its shape where its submission puts it, wherever that is. */
static void who_waits_again_keeps_its_place(void **state)
{
    static const int64_t arrivals[ENTRIES] = {30, 50, 70, 10, 60, 40, 80, 20};
    char node[1][TOPOLOGY_NAME_MAX] = {"n"};
    struct topology_chain chain = {.levels = 2, .node_level = 1};
    struct topology_root root = {.nodes = node, .node_count = 1};
    struct topology topology = {.chains = &chain, .chain_count = 1, .roots = &root, .root_count = 1};
    struct vcluster_quota quota = {.level = 1, .count = 1};
    struct vcluster vc = {.name = "v", .quotas = &quota, .quota_count = 1};
    struct grid_pods pods = {1, 1};
    struct line_entry entries[ENTRIES];
    struct story s = {.count = 0};
    struct err e = {0};
    (void)state;
    snprintf(chain.level[0].name, TOPOLOGY_NAME_MAX, "gpu");
    snprintf(chain.level[1].name, TOPOLOGY_NAME_MAX, "node");
    chain.level[0].fanout = chain.level[1].fanout = 1;
    topology_chain_size(&chain);
    struct grid *g = grid_create(&topology, &vc, 1, &e);
    struct line *l = g ? line_create(g, 0) : NULL;
    assert_non_null(l);
    for (size_t i = 0; i < ENTRIES; i++) {
        struct grid_request ask = {.vc = "v", .pods = &pods, .pod_kinds = 1, .seq = arrivals[i]};
        entries[i] = (struct line_entry){.gang = grid_submit(g, &ask, &e), .seq = arrivals[i]};
        assert_int_equal(line_add(l, &entries[i], &ask), 0);
    }
    for (size_t i = 0; i < ENTRIES; i++) { /* there is one GPU: one is served in each pass */
        assert_int_equal(line_pass(l, 0, served, &s), 1);
        assert_int_equal(s.served[i], 10 * (int64_t)(i + 1));
        grid_remove(g, s.gang);
    }
    line_destroy(l);
    grid_destroy(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(who_waits_again_keeps_its_place)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
