/* SPDX-License-Identifier: MIT
 *
 * What the core makes of GPUs that are not well: how many there are, whom it tells, which nodes it closes and opens
 * again, and who is tried again.
 */
#include "tests/unit/core/harness.h"

static const struct gpu_mark fine = {0};
static const struct gpu_mark dead = {.cause = GPU_XID_RESET, .xid = 95, .action = GPU_ACTION_QUARANTINE};
static const struct gpu_mark restart = {.cause = GPU_XID_RESTART, .xid = 79, .action = GPU_ACTION_CORDON};
static const struct gpu_mark noted = {.cause = GPU_ECC, .action = GPU_ACTION_TELL};

struct seen {
    struct harness harness; /* the first */
    int told, well;         /* events */
    char message[128];      /* of the last */
};

static void watch(void *ctx, const struct effect *fx)
{
    struct seen *x = ctx;
    if (fx->kind != EFFECT_EVENT_ROW)
        return;
    if (!strcmp(fx->event->reason, "GpuHealth")) {
        x->told++;
        snprintf(x->message, sizeof x->message, "%s", fx->event->message);
    }
    x->well += !strcmp(fx->event->reason, "GpuHealthy");
}

static int setup(void **state)
{
    static struct seen seen;
    seen = (struct seen){.told = 0};
    setup_core(&seen.harness);
    seen.harness.watch = watch;
    seen.harness.watch_ctx = &seen;
    add_node(&seen.harness, "n1", 64, 2);
    *state = &seen;
    return 0;
}

static int teardown(void **state)
{
    struct seen *x = *state;
    teardown_core(&x->harness);
    return 0;
}

static const struct cluster_node *node(struct harness *h)
{
    const struct cluster *c = core_cluster(h->core);
    return cluster_at(c, cluster_find(c, "n1"));
}

/* The engine tells of the node, with its two GPUs so. */
static void tell(struct harness *h, const struct gpu_mark *first, const struct gpu_mark *second)
{
    struct engine_event ev = {.kind = ENGINE_NODE, .node = node(h)->info};
    ev.node.cordoned = ev.node.draining = false; /* it knows of no marks */
    ev.node.cordon_reason[0] = '\0';
    for (int i = 0; i < 2; i++) {
        ev.node.gpus[i].index = i;
        ev.node.gpus[i].health = i ? *second : *first;
    }
    step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
}

static void mark(struct harness *h, enum command_node_op op)
{
    step(h, &(struct command){.kind = COMMAND_NODE, .node = {.op = op, .name = "n1"}});
}

/* A job on GPU `gpu`, as the engine tells. */
static void run_on(struct harness *h, int gpu)
{
    struct engine_event ev = {.gpu_count = 1, .gpus = {gpu}};
    assert_int_equal(submit(h, &(struct ask){.name = "x", .gpus = 1}), ERR_NONE);
    size_t n = h->launches - 1;
    for (int k = 0; k < 2; k++) {
        ev.kind = k ? ENGINE_STARTED : ENGINE_CONFIRMED;
        ev.seq = ++h->next_seq;
        ev.wall_ms = h->now.wall;
        memcpy(ev.attempt_id, h->launched[n], sizeof ev.attempt_id);
        memcpy(ev.nonce, h->nonces[n], sizeof ev.nonce);
        step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
    }
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
}

static void it_is_given_to_nobody(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    tell(h, &fine, &dead);
    assert_int_equal(node(h)->total.gpus, 1);
    assert_false(node(h)->info.cordoned);
    assert_int_equal(submit(h, &(struct ask){.name = "two", .gpus = 2}), ERR_NONE);
    assert_int_equal(state_of(h, "ana~two"), STATE_WAITING);
    tell(h, &fine, &noted); /* the site only wants to know */
    assert_int_equal(node(h)->total.gpus, 2);
    assert_int_equal(state_of(h, "ana~two"), STATE_STARTING);
}

static void who_holds_it_is_told_once(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    tell(h, &fine, &fine);
    run_on(h, 1);
    tell(h, &dead, &fine); /* the other one */
    assert_int_equal(x->told, 0);
    tell(h, &dead, &dead);
    tell(h, &dead, &dead);
    assert_int_equal(x->told, 1);
    assert_string_equal(x->message, "GPU 1: It has to be reset. (Xid 95)");
    tell(h, &dead, &fine);
    tell(h, &fine, &fine);
    assert_int_equal(x->told, 1);
    assert_int_equal(x->well, 1);
}

static void its_node_is_closed_and_opened(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    tell(h, &fine, &restart);
    assert_true(node(h)->info.cordoned);
    assert_string_equal(node(h)->info.cordon_reason, "GPU 1: The machine has to be started anew. (Xid 79)");
    tell(h, &dead, &restart);
    assert_true(node(h)->info.cordoned);
    tell(h, &dead, &fine);
    assert_false(node(h)->info.cordoned);
    assert_string_equal(node(h)->info.cordon_reason, "");
}

static void an_admin_has_the_last_word(void **state)
{
    struct seen *x = *state;
    struct harness *h = &x->harness;
    tell(h, &fine, &restart);
    mark(h, COMMAND_NODE_UNCORDON);
    tell(h, &dead, &restart); /* not closed anew for what it was opened in spite of */
    assert_false(node(h)->info.cordoned);
    tell(h, &fine, &fine);
    tell(h, &fine, &restart);
    mark(h, COMMAND_NODE_CORDON);
    tell(h, &fine, &fine); /* closed by an admin now */
    assert_true(node(h)->info.cordoned);
    tell(h, &fine, &restart);
    assert_string_equal(node(h)->info.cordon_reason, "");
}

static void who_fails_on_it_is_tried_again(void **state)
{
    static const struct {
        const struct gpu_mark *mark;
        int gpu, code;
        enum run_state then; /* 0: the core holds it no more */
    } rows[] = {
        {&dead, 1, 1, STATE_WAITING}, {&dead, 1, 0, 0}, {&dead, 1, -1200, 0}, {&dead, 0, 1, 0}, {&noted, 1, 1, 0}};
    struct seen *x = *state;
    struct harness *h = &x->harness;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        tell(h, &fine, &fine);
        run_on(h, rows[i].gpu);
        tell(h, &fine, rows[i].mark);
        engine(h, h->launches - 1, ENGINE_EXITED, rows[i].code);
        assert_int_equal(state_of(h, "ana~x"), rows[i].then);
        teardown(state);
        setup(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(it_is_given_to_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(who_holds_it_is_told_once, setup, teardown),
        cmocka_unit_test_setup_teardown(its_node_is_closed_and_opened, setup, teardown),
        cmocka_unit_test_setup_teardown(an_admin_has_the_last_word, setup, teardown),
        cmocka_unit_test_setup_teardown(who_fails_on_it_is_tried_again, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
