/* SPDX-License-Identifier: MIT
 *
 * The simulated engine: events in order of time, GPUs, stop, refusal, loss.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/id.h"
#include "engines/simulated/simulated.h"

struct world {
    struct simulated *engine;
    struct simulated_plan plan;
    struct engine_event last;
    enum engine_hold hold; /* of the next launch */
    char story[1024];      /* one letter an event: N R C S E L F(refused) */
};

static void sink(void *ctx, const struct engine_event *ev)
{
    static const char letters[] = {
        [ENGINE_NODE] = 'N',   [ENGINE_CONFIRMED] = 'C', [ENGINE_REFUSED] = 'F', [ENGINE_STARTED] = 'S',
        [ENGINE_EXITED] = 'E', [ENGINE_LOST] = 'L',      [ENGINE_READY] = 'R'};
    struct world *w = ctx;
    size_t len = strlen(w->story);

    assert_true(len + 1 < sizeof(w->story));
    assert_true(ev->seq == w->last.seq + 1);
    assert_true(ev->wall_ms >= w->last.wall_ms);
    w->story[len] = letters[ev->kind];
    w->last = *ev;
}

static struct simulated_plan plan(void *ctx, const struct engine_order *launch)
{
    (void)launch;
    return ((struct world *)ctx)->plan;
}

static int setup(void **state)
{
    struct world *w = calloc(1, sizeof(*w));
    struct node n = {.name = "n0", .gpu_count = 2, .cpus = 4};

    w->engine = simulated_create(&n, 1, plan, w);
    simulated_advance(w->engine, 0, sink, w);
    assert_string_equal(w->story, "NR");
    memset(w->story, 0, sizeof(w->story));
    *state = w;
    return 0;
}

static int teardown(void **state)
{
    struct world *w = *state;

    simulated_destroy(w->engine);
    free(w);
    return 0;
}

static void order(struct world *w, enum engine_order_kind kind, int id, int gpus, int64_t now)
{
    struct engine_order *o = engine_order_create(kind, kind == ENGINE_LAUNCH);

    (void)snprintf(o->attempt_id, sizeof(o->attempt_id), "00000000-0000-4000-8000-%012d", id);
    o->grace_ms = 50;
    if (o->launch) {
        o->launch->node = "n0";
        o->launch->gpu_count = gpus;
        o->launch->hold = w->hold;
    }
    simulated_order(w->engine, o, now);
}

static void test_life_of_a_task(void **state)
{
    struct world *w = *state;

    w->plan = (struct simulated_plan){.start_ms = 10, .run_ms = 100, .exit_code = 3};
    order(w, ENGINE_LAUNCH, 1, 1, 1000);
    order(w, ENGINE_LAUNCH, 1, 1, 1000); /* repeated: once */
    assert_int_equal(simulated_next(w->engine), 1010);
    simulated_advance(w->engine, 1009, sink, w);
    assert_string_equal(w->story, "");
    simulated_advance(w->engine, 1010, sink, w);
    assert_string_equal(w->story, "CS");
    simulated_advance(w->engine, 5000, sink, w);
    assert_string_equal(w->story, "CSE");
    assert_int_equal(w->last.exit_code, 3);
    assert_int_equal(w->last.wall_ms, 1110);
    assert_true(simulated_next(w->engine) == INT64_MAX);
    order(w, ENGINE_FORGET, 1, 0, 5000);
}

/* The command has failed; what is left of it, and its GPUs, stay until the stop. */
static void test_a_failed_task_is_held_until_it_is_stopped(void **state)
{
    struct world *w = *state;

    w->plan = (struct simulated_plan){.run_ms = 100, .exit_code = 3};
    w->hold = ENGINE_HOLD_GPUS;
    order(w, ENGINE_LAUNCH, 1, 2, 1000);
    simulated_advance(w->engine, 2000, sink, w);
    assert_string_equal(w->story, "CSE");
    assert_true(w->last.held);
    order(w, ENGINE_LAUNCH, 2, 1, 2000);
    simulated_advance(w->engine, 2000, sink, w);
    assert_string_equal(w->story, "CSEF"); /* no GPU is left */
    order(w, ENGINE_ADOPT, 1, 0, 3000);
    simulated_advance(w->engine, 3000, sink, w);
    assert_string_equal(w->story, "CSEFE");
    assert_true(w->last.held);
    order(w, ENGINE_STOP, 1, 0, 4000);
    simulated_advance(w->engine, 4000, sink, w);
    assert_string_equal(w->story, "CSEFEE");
    assert_false(w->last.held);
    assert_int_equal(w->last.exit_code, 3);
    w->hold = ENGINE_HOLD_SANDBOX;
    order(w, ENGINE_LAUNCH, 3, 2, 5000);
    simulated_advance(w->engine, 6000, sink, w);
    assert_true(w->last.held);
    order(w, ENGINE_LAUNCH, 4, 2, 6000);
    simulated_advance(w->engine, 6000, sink, w);
    assert_string_equal(w->story, "CSEFEECSECS"); /* its GPUs were free */
}

static void test_gpus_are_held_until_the_end(void **state)
{
    struct world *w = *state;

    w->plan = (struct simulated_plan){.run_ms = 100};
    order(w, ENGINE_LAUNCH, 1, 2, 0);
    order(w, ENGINE_LAUNCH, 2, 1, 0);
    simulated_advance(w->engine, 0, sink, w);
    assert_string_equal(w->story, "CSF");
    simulated_advance(w->engine, 100, sink, w);
    order(w, ENGINE_LAUNCH, 3, 1, 100);
    simulated_advance(w->engine, 100, sink, w);
    assert_string_equal(w->story, "CSFECS");
}

static void test_stop(void **state)
{
    struct world *w = *state;

    w->plan = (struct simulated_plan){.run_ms = -1};
    order(w, ENGINE_LAUNCH, 1, 0, 0);
    simulated_advance(w->engine, 10, sink, w);
    order(w, ENGINE_STOP, 1, 0, 20);
    simulated_advance(w->engine, 20, sink, w);
    assert_int_equal(w->last.exit_code, 143);
    w->plan.ignores_stop = true;
    order(w, ENGINE_LAUNCH, 2, 0, 20);
    simulated_advance(w->engine, 20, sink, w);
    order(w, ENGINE_STOP, 2, 0, 20);
    order(w, ENGINE_STOP, 2, 0, 40);
    simulated_advance(w->engine, 69, sink, w);
    assert_string_equal(w->story, "CSECS");
    simulated_advance(w->engine, 70, sink, w);
    assert_int_equal(w->last.signal, 9);
}

static void test_refusal_and_loss(void **state)
{
    struct world *w = *state;

    w->plan = (struct simulated_plan){.refuse_code = 254};
    order(w, ENGINE_LAUNCH, 1, 0, 0);
    w->plan = (struct simulated_plan){.run_ms = 5, .lost = true};
    order(w, ENGINE_LAUNCH, 2, 0, 0);
    order(w, ENGINE_ADOPT, 3, 0, 0);
    simulated_advance(w->engine, 10, sink, w);
    assert_string_equal(w->story, "FCSLL");
}

static void test_a_hundred_tasks_in_order(void **state)
{
    struct world *w = *state;
    unsigned seed = 7;

    for (int i = 0; i < 100; i++) {
        seed = seed * 1103515245u + 12345u;
        w->plan = (struct simulated_plan){.start_ms = seed >> 16 & 255, .run_ms = seed >> 8 & 255};
        order(w, ENGINE_LAUNCH, i, 0, 0);
    }
    for (int i = 0; i < 100; i += 3)
        order(w, ENGINE_FORGET, i, 0, 0);
    simulated_advance(w->engine, 10000, sink, w); /* the sink checks the order of times */
    assert_int_equal(strlen(w->story), 66 * 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life_of_a_task, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_failed_task_is_held_until_it_is_stopped, setup, teardown),
        cmocka_unit_test_setup_teardown(test_gpus_are_held_until_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(test_stop, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusal_and_loss, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_hundred_tasks_in_order, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
