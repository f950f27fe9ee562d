/* SPDX-License-Identifier: MIT
 *
 * The account of free resources: take and give, ports, nodes that come, go and change.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "scheduler/cluster.h"

static struct node a_node(const char *name, int cpus, int gpus)
{
    struct node n = {
        .cpus = cpus, .memory_mb = 1000, .port_first = 100, .port_last = 109, .gpu_count = gpus, .up = true};
    snprintf(n.name, sizeof n.name, "%s", name);
    return n;
}

static int put(struct cluster *c, const char *name, int cpus, int gpus)
{
    struct node n = a_node(name, cpus, gpus);
    int index = cluster_put_node(c, &n);
    assert_true(index >= 0);
    assert_true(cluster_check(c));
    return index;
}

static void the_tightest_node_by_gpus_is_best(void **state)
{
    struct cluster *c = cluster_create();
    (void)state;
    int big = put(c, "big", 8, 8), small = put(c, "small", 8, 2), none = put(c, "none", 8, 0);
    assert_int_equal(cluster_best(c, &(struct resources){.cpus = 1}, 0, NULL), none);
    assert_int_equal(cluster_best(c, &(struct resources){.gpus = 1}, 0, NULL), small);
    assert_int_equal(cluster_best(c, &(struct resources){.gpus = 3}, 0, NULL), big);
    assert_int_equal(cluster_best(c, &(struct resources){.gpus = 9}, 0, NULL), -1);
    assert_int_equal(cluster_best(c, &(struct resources){.gpus = 1, .cpus = 9}, 0, NULL), -1);
    assert_int_equal(cluster_best(c, &(struct resources){.memory_mb = 1001}, 0, NULL), -1);
    assert_int_equal(cluster_best(c, &(struct resources){.cpus = 1}, 11, NULL), -1);
    assert_int_equal(cluster_count(c), 3);
    assert_int_equal(cluster_find(c, "small"), small);
    assert_int_equal(cluster_find(c, "nowhere"), -1);
    cluster_destroy(c);
    cluster_destroy(NULL);
}

static void what_is_taken_is_given_back(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 2, .memory_mb = 100, .gpus = 1};
    int ports[3];
    (void)state;
    int n = put(c, "n", 8, 4);
    uint64_t version = cluster_release_version(c);
    cluster_take(c, n, &want, ports, 3);
    assert_true(cluster_check(c));
    assert_int_equal(cluster_free(c).cpus, 6);
    assert_int_equal(cluster_free(c).gpus, 3);
    assert_int_equal(cluster_at(c, n)->port_free, 7);
    assert_int_equal(cluster_release_version(c), version); /* a take lets nothing fit that did not */
    cluster_give(c, n, &want, ports, 3);
    assert_true(cluster_check(c));
    assert_int_equal(cluster_free(c).cpus, 8);
    assert_int_equal(cluster_at(c, n)->port_free, 10);
    assert_true(cluster_release_version(c) > version);
    cluster_destroy(c);
}

static void ports_are_apart_and_not_reused_at_once(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 1};
    int first[4], second[4], all[2];
    (void)state;
    int n = put(c, "n", 8, 0);
    cluster_take(c, n, &want, first, 4);
    cluster_give(c, n, &want, first, 4);
    cluster_take(c, n, &want, second, 4);
    for (int i = 0; i < 4; i++) {
        assert_in_range(second[i], 100, 109);
        for (int k = 0; k < 4; k++)
            assert_int_not_equal(first[i], second[k]);
    }
    assert_true(cluster_block_port(c, n, 100));
    assert_false(cluster_block_port(c, n, 100));
    assert_false(cluster_block_port(c, n, 5000)); /* no port of this node */
    assert_false(cluster_block_port(c, n, second[0]));
    assert_int_equal(cluster_at(c, n)->port_free, 5);
    for (int i = 0; i < 2; i++) { /* around the end of the range, past the blocked one */
        cluster_take(c, n, &want, all, 2);
        assert_int_not_equal(all[0], 100);
        assert_int_not_equal(all[1], 100);
    }
    assert_true(cluster_check(c));
    uint64_t version = cluster_release_version(c);
    struct cluster *copy = cluster_clone(c);
    for (int i = 0; i < 2; i++) { /* it comes back once, and what is in use stays with whoever has it */
        assert_int_equal(cluster_unblock_port(c, n, 100), i == 0);
        assert_false(cluster_unblock_port(c, n, second[0]));
        assert_false(cluster_unblock_port(c, n, 5000));
        assert_int_equal(cluster_at(c, n)->port_free, 2);
    }
    assert_int_equal(cluster_release_version(c), version + 1);
    assert_true(cluster_unblock_port(copy, n, 100));
    assert_true(cluster_check(c) && cluster_check(copy));
    cluster_destroy(copy);
    cluster_destroy(c);
}

/* A restart with another portRange while tasks run: their ports must not be given to others. */
static void a_new_port_range_keeps_the_ports_in_use(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 1};
    int held[4], more[3];
    (void)state;
    struct node n = a_node("n", 8, 0);
    int index = cluster_put_node(c, &n);
    cluster_take(c, index, &want, held, 4);
    n.port_first = 102; /* 102 and 103 are held, 100 and 101 are outside */
    n.port_last = 106;
    cluster_put_node(c, &n);
    assert_true(cluster_check(c));
    assert_int_equal(cluster_at(c, index)->port_free, 3);
    cluster_take(c, index, &want, more, 3);
    for (int i = 0; i < 3; i++)
        assert_in_range(more[i], 104, 106);
    cluster_give(c, index, &want, held, 4);
    assert_int_equal(cluster_at(c, index)->port_free, 2);
    n.port_last = 101; /* no ports at all */
    cluster_put_node(c, &n);
    assert_int_equal(cluster_at(c, index)->port_free, 0);
    assert_true(cluster_check(c));
    cluster_destroy(c);
}

/* A blocked port that leaves the range is forgotten: when it is back, it is anybody's. */
static void a_new_port_range_keeps_what_is_blocked(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 1};
    int port;
    (void)state;
    struct node n = a_node("n", 8, 0);
    int index = cluster_put_node(c, &n);
    assert_true(cluster_block_port(c, index, 101) && cluster_block_port(c, index, 103));
    n.port_first = 102;
    n.port_last = 103;
    cluster_put_node(c, &n);
    assert_int_equal(cluster_at(c, index)->port_free, 1);
    n.port_first = 101;
    cluster_put_node(c, &n);
    cluster_take(c, index, &want, &port, 1);
    assert_int_equal(port, 101);
    assert_false(cluster_unblock_port(c, index, 101));
    assert_true(cluster_unblock_port(c, index, 103));
    assert_true(cluster_check(c));
    cluster_destroy(c);
}

static void a_node_that_is_down_or_cordoned_offers_nothing(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 1};
    int port;
    (void)state;
    struct node n = a_node("n", 4, 1);
    int index = cluster_put_node(c, &n);
    cluster_take(c, index, &want, &port, 1);
    n.up = false;
    assert_int_equal(cluster_put_node(c, &n), index);
    assert_true(cluster_check(c));
    assert_int_equal(cluster_best(c, &want, 0, NULL), -1);
    assert_int_equal(cluster_total(c).cpus, 0);
    assert_int_equal(cluster_at(c, index)->used.cpus, 1); /* its task is still there */
    cluster_give(c, index, &want, &port, 1);
    n.up = true;
    n.cordoned = true;
    cluster_put_node(c, &n);
    assert_int_equal(cluster_best(c, &want, 0, NULL), -1);
    n.cordoned = false;
    uint64_t version = cluster_release_version(c);
    cluster_put_node(c, &n);
    assert_true(cluster_release_version(c) > version);
    assert_int_equal(cluster_best(c, &want, 0, NULL), index);
    assert_int_equal(cluster_free(c).cpus, 4);
    assert_true(cluster_check(c));
    cluster_destroy(c);
}

static void quarantined_gpus_are_not_offered(void **state)
{
    struct cluster *c = cluster_create();
    (void)state;
    struct node n = a_node("n", 4, 3);
    n.gpus[1].quarantined = true;
    cluster_put_node(c, &n);
    assert_int_equal(cluster_total(c).gpus, 2);
    assert_int_equal(cluster_best(c, &(struct resources){.gpus = 3}, 0, NULL), -1);
    cluster_destroy(c);
}

/* What rows say was taken counts, even when the node has become smaller. */
static void rows_may_over_commit_a_node_that_shrank(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 3, .gpus = 2};
    const int ports[2] = {100, 105}, again[2] = {105, 106};
    (void)state;
    int n = put(c, "n", 4, 2);
    assert_true(cluster_retake(c, n, &want, ports, 2));
    assert_false(cluster_retake(c, n, &want, again, 2));
    assert_true(cluster_check(c));
    assert_int_equal(cluster_at(c, n)->used.cpus, 6);
    assert_int_equal(cluster_best(c, &(struct resources){0}, 0, NULL), -1);
    cluster_give(c, n, &want, again, 2);
    assert_int_equal(cluster_best(c, &(struct resources){.cpus = 1}, 0, NULL), n);
    cluster_destroy(c);
}

static void a_clone_is_equal_and_apart(void **state)
{
    struct cluster *c = cluster_create();
    const struct resources want = {.cpus = 1, .gpus = 1};
    int ports[2];
    (void)state;
    for (int i = 0; i < 40; i++) {
        char name[8];
        snprintf(name, sizeof name, "n%d", i);
        cluster_take(c, put(c, name, 4, i % 8 + 1), &want, ports, 2);
    }
    struct cluster *copy = cluster_clone(c);
    assert_non_null(copy);
    assert_true(cluster_check(copy));
    assert_int_equal(cluster_count(copy), 40);
    for (int i = 0; i < 40; i++) {
        assert_memory_equal(&cluster_at(copy, i)->used, &cluster_at(c, i)->used, sizeof want);
        assert_int_equal(cluster_at(copy, i)->port_free, 8);
    }
    cluster_take(copy, 1, &want, ports, 0);
    assert_int_equal(cluster_at(c, 1)->used.cpus, 1);
    cluster_destroy(copy);
    cluster_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tightest_node_by_gpus_is_best),
        cmocka_unit_test(what_is_taken_is_given_back),
        cmocka_unit_test(ports_are_apart_and_not_reused_at_once),
        cmocka_unit_test(a_new_port_range_keeps_the_ports_in_use),
        cmocka_unit_test(a_new_port_range_keeps_what_is_blocked),
        cmocka_unit_test(a_node_that_is_down_or_cordoned_offers_nothing),
        cmocka_unit_test(quarantined_gpus_are_not_offered),
        cmocka_unit_test(rows_may_over_commit_a_node_that_shrank),
        cmocka_unit_test(a_clone_is_equal_and_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
