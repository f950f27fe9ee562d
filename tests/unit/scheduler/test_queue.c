/* SPDX-License-Identifier: MIT
 *
 * The waiting queue: groups of one shape, submission order within each.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "scheduler/queue.h"

static const struct sched_role one = {.instances = 1, .ports = 2, .per_task = {.cpus = 1}};

static struct sched_entry entry(const struct sched_request *r, int64_t seq)
{
    return (struct sched_entry){.request = r, .seq = seq};
}

static void one_shape_is_one_group_in_order(void **state)
{
    struct sched_queue *q = queue_create();
    const struct sched_request r = {.roles = &one, .role_count = 1, .priority = 10};
    /* A retry comes back with its old seq: before those that came later. */
    struct sched_entry e[] = {entry(&r, 2), entry(&r, 4), entry(&r, 1), entry(&r, 3)};
    (void)state;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(queue_add(q, &e[i]), 0);
    assert_int_equal(queue_count(q), 4);
    assert_int_equal(queue_groups(q), 1);
    const struct sched_group *g = queue_group(q, 0);
    assert_int_equal(g->count, 4);
    int64_t want = 1;
    for (const struct sched_entry *p = g->head; p; p = p->next)
        assert_int_equal(p->seq, want++);
    assert_ptr_equal(g->tail, &e[1]);
    queue_remove(q, &e[2]); /* head */
    queue_remove(q, &e[1]); /* tail */
    assert_ptr_equal(g->head, &e[0]);
    assert_ptr_equal(g->tail, &e[3]);
    assert_null(e[2].group);
    queue_remove(q, &e[0]);
    queue_remove(q, &e[3]);
    assert_int_equal(queue_groups(q), 0);
    assert_int_equal(queue_count(q), 0);
    queue_destroy(q);
    queue_destroy(NULL);
}

static void every_difference_makes_another_group(void **state)
{
    struct sched_queue *q = queue_create();
    const struct sched_role roles[][2] = {
        {one, one},
        {{.instances = 2, .ports = 2, .per_task = {.cpus = 1}}, one},
        {{.instances = 1, .ports = 3, .per_task = {.cpus = 1}}, one},
        {{.instances = 1, .ports = 2, .per_task = {.cpus = 2}}, one},
        {{.instances = 1, .ports = 2, .per_task = {.cpus = 1, .memory_mb = 1}}, one},
        {{.instances = 1, .ports = 2, .per_task = {.cpus = 1, .gpus = 1}}, one},
    };
    struct sched_request r[14];
    struct sched_entry e[14];
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        r[i] = (struct sched_request){.roles = roles[i], .role_count = 2, .priority = 10};
        r[i + 6] = (struct sched_request){.roles = roles[i], .role_count = 2, .priority = 11};
    }
    r[12] = (struct sched_request){.roles = &one, .role_count = 1, .priority = 10};
    r[13] = r[12]; /* as the one before */
    for (size_t i = 0; i < 14; i++) {
        e[i] = entry(&r[i], (int64_t)i);
        assert_int_equal(queue_add(q, &e[i]), 0);
    }
    assert_int_equal(queue_groups(q), 13);
    for (size_t i = 0; i < 14; i++)
        queue_remove(q, &e[i]);
    assert_int_equal(queue_groups(q), 0);
    queue_destroy(q);
}

/* The group has a copy of the shape: the job that made it may leave before the others. */
static void a_group_outlives_the_request_that_made_it(void **state)
{
    struct sched_queue *q = queue_create();
    struct sched_role *gone = malloc(sizeof *gone);
    (void)state;
    *gone = one;
    const struct sched_request a = {.roles = gone, .role_count = 1}, b = {.roles = &one, .role_count = 1};
    struct sched_entry first = entry(&a, 1), second = entry(&b, 2);
    assert_int_equal(queue_add(q, &first), 0);
    assert_int_equal(queue_add(q, &second), 0);
    queue_remove(q, &first);
    free(gone);
    assert_int_equal(queue_groups(q), 1);
    assert_int_equal(queue_group(q, 0)->request.roles[0].ports, 2);
    queue_destroy(q); /* with an entry in it: that is the caller's */
}

static void many_groups_come_and_go(void **state)
{
    enum { N = 10000 };
    struct sched_queue *q = queue_create();
    struct sched_role *roles = calloc(N, sizeof *roles);
    struct sched_request *r = calloc(N, sizeof *r);
    struct sched_entry *e = calloc(N, sizeof *e);
    (void)state;
    for (int i = 0; i < N; i++) {
        roles[i] = (struct sched_role){.instances = 1, .per_task = {.memory_mb = i}};
        r[i] = (struct sched_request){.roles = &roles[i], .role_count = 1};
        e[i] = entry(&r[i], i);
        assert_int_equal(queue_add(q, &e[i]), 0);
    }
    assert_int_equal(queue_groups(q), N);
    for (int i = 0; i < N; i += 2)
        queue_remove(q, &e[i]);
    assert_int_equal(queue_groups(q), N / 2);
    for (size_t i = 0; i < N / 2; i++)
        assert_int_equal(queue_group(q, i)->slot, i);
    for (int i = 1; i < N; i += 2)
        queue_remove(q, &e[i]);
    assert_int_equal(queue_count(q), 0);
    queue_destroy(q);
    free(e);
    free(r);
    free(roles);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_shape_is_one_group_in_order),
        cmocka_unit_test(every_difference_makes_another_group),
        cmocka_unit_test(a_group_outlives_the_request_that_made_it),
        cmocka_unit_test(many_groups_come_and_go),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
