/* SPDX-License-Identifier: MIT
 *
 * A fault of the platform keeps its node away from the job's next attempts, as long as there is another place for it.
 */
#include "tests/unit/core/harness.h"

#include "core/explain.h"

enum { TEST = 10, PROD = 100, FAULT = 250, SOON = 120 * 1000 };

struct seen {
    struct harness harness;
    int avoided, lifted;
    char node[64];
};

static void watch(void *ctx, const struct effect *f)
{
    struct seen *x = ctx;
    if (f->kind == EFFECT_EVENT_ROW) {
        x->avoided += !strcmp(f->event->reason, "NodeAvoided");
        x->lifted += !strcmp(f->event->reason, "NodeAvoidanceLifted");
    }
    if (f->kind == EFFECT_LAUNCH)
        snprintf(x->node, sizeof x->node, "%s", f->task->node);
}

static int setup(void **state)
{
    static struct seen seen;
    seen = (struct seen){.avoided = 0};
    setup_core(&seen.harness);
    seen.harness.watch = watch;
    seen.harness.watch_ctx = &seen;
    add_node(&seen.harness, "n1", 64, 4);
    *state = &seen;
    return 0;
}

static int teardown(void **state)
{
    struct seen *x = *state;
    teardown_core(&x->harness);
    return 0;
}

static void cordon(struct harness *h, const char *node)
{
    step(h, &(struct command){.kind = COMMAND_NODE, .node = {.op = COMMAND_NODE_CORDON, .name = node}});
}

/* Runs x on a whole node and has it end there by a fault; the node. */
static void fault(struct seen *x, int code, char node[64])
{
    struct harness *h = &x->harness;
    assert_int_equal(submit(h, &(struct ask){.name = "x", .gpus = 4, .priority = TEST}), ERR_NONE);
    memcpy(node, x->node, 64);
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, code);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
}

static const char *other(const char *node)
{
    return strcmp(node, "n1") != 0 ? "n1" : "n2";
}

static enum explain_reason why(struct harness *h, const char *full_name)
{
    struct explanation x;
    const struct job *j = core_find(h->core, full_name);
    h->now.mono += 1000;
    struct core_view *v = core_view_create(h->core, h->now.mono);
    struct core_question q = {.spec = j->spec, .user = j->user, .full_name = full_name};
    if (j->avoid)
        q.avoid = *j->avoid;
    struct core_explainer *one = core_explainer_create(v);
    assert_int_equal(core_explain_whole(one, &q, &x), 0);
    core_explainer_destroy(one);
    core_view_destroy(v);
    return x.reason;
}

static void the_next_attempt_is_elsewhere(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 4);
    fault(x, FAULT, node);
    assert_int_equal(x->avoided, 1);
    assert_true(avoid_has(core_find(h->core, "ana~x")->avoid, node));
    tick(h, SOON);
    assert_int_equal(h->launches, 2);
    assert_string_equal(x->node, other(node));
    assert_int_equal(x->lifted, 0);
}

static void what_the_user_did_is_not_held_against_a_node(void **state)
{
    struct seen *x = *state;
    char node[64];
    add_node(&x->harness, "n2", 64, 4);
    fault(x, 251, node); /* a resource */
    assert_int_equal(x->avoided, 0);
    assert_null(core_find(x->harness.core, "ana~x")->avoid);
}

static void it_waits_for_another_node_and_says_so(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 4);
    fault(x, FAULT, node);
    const char *const names[] = {other(node), NULL};
    assert_int_equal(submit(h, &(struct ask){.name = "y", .gpus = 4, .priority = TEST, .nodes = names}), ERR_NONE);
    assert_int_equal(h->launches, 2);
    run(h, 1);
    tick(h, SOON);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    assert_int_equal(why(h, "ana~x"), EXPLAIN_AVOIDS);
    assert_string_equal(explain_name(EXPLAIN_AVOIDS), "avoidsNodes");
    /* Others use the node meanwhile. */
    assert_int_equal(submit(h, &(struct ask){.name = "z", .gpus = 4, .priority = TEST}), ERR_NONE);
    assert_string_equal(x->node, node);
    engine(h, 1, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
    assert_string_equal(x->node, other(node));
    assert_int_equal(x->lifted, 0);
}

static void it_goes_back_where_there_is_no_other_place(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 2); /* too small */
    fault(x, FAULT, node);
    assert_int_equal(x->avoided, 1);
    tick(h, SOON);
    assert_int_equal(x->lifted, 1);
    assert_int_equal(h->launches, 2);
    assert_string_equal(x->node, "n1");
    assert_int_equal(core_find(h->core, "ana~x")->avoid->count, 0);
}

static void it_goes_back_when_the_other_place_is_gone(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 4);
    fault(x, FAULT, node);
    const char *const names[] = {other(node), NULL};
    submit(h, &(struct ask){.name = "y", .gpus = 4, .priority = TEST, .nodes = names});
    run(h, 1);
    tick(h, SOON);
    assert_int_equal(x->lifted, 0);
    cordon(h, other(node));
    assert_int_equal(x->lifted, 1);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
    assert_string_equal(x->node, node);
}

/* Where it could not run anyway, what it avoids is not to blame. */
static void it_keeps_away_while_nothing_is_up(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 4);
    fault(x, FAULT, node);
    cordon(h, "n1");
    cordon(h, "n2");
    tick(h, SOON);
    assert_int_equal(x->lifted, 0);
    step(h, &(struct command){.kind = COMMAND_NODE, .node = {.op = COMMAND_NODE_UNCORDON, .name = other(node)}});
    assert_string_equal(x->node, other(node));
}

/* What is down now is not to blame for what it avoids: it would have no other place if all were up. */
static void it_goes_back_on_what_is_down(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 2); /* too small */
    fault(x, FAULT, node);
    cordon(h, "n1");
    tick(h, SOON);
    assert_int_equal(x->lifted, 1);
    assert_int_equal(core_find(h->core, "ana~x")->avoid->count, 0);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    step(h, &(struct command){.kind = COMMAND_NODE, .node = {.op = COMMAND_NODE_UNCORDON, .name = "n1"}});
    assert_string_equal(x->node, "n1");
    assert_int_equal(h->launches, 2);
}

static void of_one_node_there_is_nothing_to_avoid(void **state)
{
    struct seen *x = *state;
    char node[64];
    fault(x, FAULT, node);
    assert_int_equal(x->avoided, 0);
    tick(&x->harness, SOON);
    assert_int_equal(x->harness.launches, 2);
}

/* The plan is made anew while it waits, and it is held, released and stopped: it leaves the lists it was in. */
static void the_line_stays_whole(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    char node[64];
    add_node(h, "n2", 64, 4);
    fault(x, FAULT, node);
    const char *const names[] = {other(node), NULL};
    submit(h, &(struct ask){.name = "y", .gpus = 4, .priority = PROD, .nodes = names});
    run(h, 1);
    submit(h, &(struct ask){.name = "z", .gpus = 4, .priority = TEST, .nodes = names});
    tick(h, SOON);
    struct vc vc = {.name = "a"};
    step(h, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = "a", .vc = &vc}});
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    step(h, &(struct command){.kind = COMMAND_HOLD, .hold = {.full_name = "ana~x"}});
    add_node(h, "n2", 64, 4);
    step(h, &(struct command){.kind = COMMAND_HOLD, .hold = {.full_name = "ana~x", .release = true}});
    cordon(h, other(node));
    assert_string_equal(x->node, node);
    assert_int_equal(stop(h, "ana~z", "ana", false), ERR_NONE);
    assert_int_equal(stop(h, "ana~x", "ana", false), ERR_NONE);
    engine(h, 2, ENGINE_EXITED, 143);
    assert_int_equal(state_of(h, "ana~x"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_next_attempt_is_elsewhere, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_user_did_is_not_held_against_a_node, setup, teardown),
        cmocka_unit_test_setup_teardown(it_waits_for_another_node_and_says_so, setup, teardown),
        cmocka_unit_test_setup_teardown(it_goes_back_where_there_is_no_other_place, setup, teardown),
        cmocka_unit_test_setup_teardown(it_goes_back_when_the_other_place_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(it_keeps_away_while_nothing_is_up, setup, teardown),
        cmocka_unit_test_setup_teardown(it_goes_back_on_what_is_down, setup, teardown),
        cmocka_unit_test_setup_teardown(of_one_node_there_is_nothing_to_avoid, setup, teardown),
        cmocka_unit_test_setup_teardown(the_line_stays_whole, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
