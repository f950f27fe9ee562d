/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows and the history of nodes, under virtual time.
 */
#include "tests/unit/core/harness.h"

#include <stdlib.h>

#include "core/explain.h"
#include "core/internal.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

/* What was written of windows and nodes. */
struct seen {
    struct maintenance row; /* the newest; what it points to is gone */
    int rows;
    enum node_event_kind kinds[64];
    char text[64][160]; /* "n1 ana reason" */
    int events;
    int told, begun; /* events of jobs */
};

static void watch(void *ctx, const struct effect *f)
{
    struct seen *x = ctx;
    if (f->kind == EFFECT_MAINTENANCE_ROW) {
        x->row = *f->maintenance;
        x->rows++;
    } else if (f->kind == EFFECT_NODE_EVENT_ROW && x->events < 64) {
        x->kinds[x->events] = f->node_event->kind;
        snprintf(x->text[x->events++], sizeof x->text[0], "%s %s %s", f->node_event->node, f->node_event->user,
                 f->node_event->reason);
    } else if (f->kind == EFFECT_EVENT_ROW) {
        x->told += !strcmp(f->event->reason, "MaintenancePlanned") || !strcmp(f->event->reason, "LeaseMaintenance");
        x->begun += !strcmp(f->event->reason, "MaintenanceBegun");
    }
}

struct fixture {
    struct harness h;
    struct seen seen;
    int64_t id; /* of the last window made */
};

static int setup(void **state)
{
    static struct fixture f;
    memset(&f, 0, sizeof f);
    setup_core(&f.h);
    f.h.watch = watch;
    f.h.watch_ctx = &f.seen;
    add_node(&f.h, "n1", 8, 4);
    add_node(&f.h, "n2", 8, 4);
    f.seen.events = 0;
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    teardown_core(&f->h);
    return 0;
}

static const char *const n1[] = {"n1"};

static enum err_code command(struct fixture *f, enum command_maintenance_op op, const struct maintenance *m)
{
    int cookie = 0;
    f->h.reply.code = ERR_INTERNAL;
    step(&f->h, &(struct command){.kind = COMMAND_MAINTENANCE,
                                  .actor = {.user = "root", .admin = true},
                                  .reply_to = &cookie,
                                  .maintenance = {.op = op, .id = f->id, .window = m, .made = &f->id}});
    return f->h.reply.code;
}

/* On n1, from so long after now on, for an hour. */
static struct maintenance window(const struct fixture *f, int64_t in_ms)
{
    return (struct maintenance){.nodes = n1,
                                .node_count = 1,
                                .start_ms = f->h.now.wall + in_ms,
                                .end_ms = f->h.now.wall + in_ms + HOUR,
                                .reason = "new disks",
                                .user = ""};
}

static void plan(struct fixture *f, int64_t in_ms, bool stop)
{
    struct maintenance m = window(f, in_ms);
    m.stop = stop;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_NONE);
}

static const char *place(struct fixture *f, const char *name)
{
    const struct job *j = core_find(f->h.core, name);
    return j && (j->tasks[0].state & STATE_PLACED) ? j->tasks[0].node : "";
}

static const struct node *node(struct fixture *f, const char *name)
{
    const struct cluster *c = core_cluster(f->h.core);
    return &cluster_at(c, cluster_find(c, name))->info;
}

static struct ask whole(const char *name, int64_t limit_ms)
{
    return (struct ask){.name = name, .gpus = 4, .time_limit_ms = limit_ms};
}

/* ---- what may start ---- */

static void what_would_overrun_it_starts_elsewhere_or_not(void **state)
{
    struct fixture *f = *state;
    plan(f, HOUR, false);
    const struct ask fits = whole("fits", HOUR), over = whole("over", HOUR + 1), ever = whole("ever", 0);
    submit(&f->h, &over);
    assert_string_equal(place(f, "ana~over"), "n2");
    submit(&f->h, &ever);
    assert_string_equal(place(f, "ana~ever"), ""); /* it has no limit: it would still be there */
    submit(&f->h, &fits);
    assert_string_equal(place(f, "ana~fits"), "n1");
}

static void a_minute_later_the_same_is_too_long(void **state)
{
    struct fixture *f = *state;
    const struct ask a = whole("a", HOUR), b = whole("b", HOUR);
    plan(f, HOUR, false);
    tick(&f->h, MINUTE);
    submit(&f->h, &a);
    submit(&f->h, &b);
    assert_string_equal(place(f, "ana~a"), "n2");
    assert_string_equal(place(f, "ana~b"), "");
    assert_int_equal(command(f, COMMAND_MAINTENANCE_REMOVE, NULL), ERR_NONE);
    assert_string_equal(place(f, "ana~b"), "n1");
    assert_int_equal(command(f, COMMAND_MAINTENANCE_REMOVE, NULL), ERR_NO_MAINTENANCE);
}

static void who_asks_for_no_gpu_keeps_to_it_too(void **state)
{
    struct fixture *f = *state;
    const struct ask a = {.name = "a", .cpus = 8}, b = {.name = "b", .cpus = 8},
                     c = {.name = "c", .cpus = 8, .time_limit_ms = HOUR};
    plan(f, HOUR, false);
    submit(&f->h, &a);
    submit(&f->h, &b);
    assert_string_equal(place(f, "ana~a"), "n2");
    assert_string_equal(place(f, "ana~b"), "");
    submit(&f->h, &c);
    assert_string_equal(place(f, "ana~c"), "n1");
}

/* Its place is kept until others have left: too late when they have. */
static void a_reservation_that_comes_too_late_is_given_up(void **state)
{
    struct fixture *f = *state;
    static const char *const there[] = {"n1", NULL};
    const struct ask low = {
        .name = "low", .gpus = 4, .priority = -1, .nodes = there, .preemption = SPEC_PREEMPTION_STOP};
    const struct ask high = {.name = "high", .gpus = 4, .priority = 5, .nodes = there, .time_limit_ms = HOUR};
    submit(&f->h, &low);
    plan(f, HOUR + MINUTE, false);
    run(&f->h, 0);
    submit(&f->h, &high);
    assert_int_equal(f->h.stops, 1); /* it has reserved */
    tick(&f->h, 2 * MINUTE);         /* an hour does not fit before the window any more */
    engine(&f->h, 0, ENGINE_EXITED, 137);
    assert_string_equal(place(f, "ana~high"), "");
    tick(&f->h, 2 * HOUR);
    assert_string_equal(place(f, "ana~high"), "n1");
}

/* ---- its course ---- */

static void the_node_closes_and_returns_by_itself(void **state)
{
    struct fixture *f = *state;
    const struct ask a = whole("a", 10 * MINUTE), b = whole("b", 10 * MINUTE);
    plan(f, HOUR, false);
    tick(&f->h, HOUR - 1);
    assert_string_equal(node_word(node(f, "n1")), "up");
    assert_true(core_deadline(f->h.core) == f->h.now.mono + 1);
    tick(&f->h, 1);
    assert_string_equal(node_word(node(f, "n1")), "maintenance");
    assert_true(f->seen.row.begun_ms == f->h.now.wall && !f->seen.row.over_ms);
    submit(&f->h, &a);
    submit(&f->h, &b);
    assert_string_equal(place(f, "ana~a"), "n2");
    assert_string_equal(place(f, "ana~b"), "");
    tick(&f->h, HOUR);
    assert_string_equal(node_word(node(f, "n1")), "up");
    assert_string_equal(place(f, "ana~b"), "n1");
    assert_true(f->seen.row.over_ms == f->h.now.wall && !f->seen.row.removed);
    assert_int_equal(f->seen.events, 2);
    assert_int_equal(f->seen.kinds[0], NODE_MAINTENANCE_BEGUN);
    assert_int_equal(f->seen.kinds[1], NODE_MAINTENANCE_OVER);
    assert_string_equal(f->seen.text[0], "n1  new disks");
}

static void mark(struct fixture *f, enum command_node_op op)
{
    step(&f->h, &(struct command){.kind = COMMAND_NODE,
                                  .actor = {.user = "root"},
                                  .node = {.op = op, .name = "n1", .reason = "a fan"}});
}

static void an_admins_mark_outlives_it(void **state)
{
    struct fixture *f = *state;
    plan(f, HOUR, false);
    tick(&f->h, HOUR);
    mark(f, COMMAND_NODE_CORDON);
    assert_string_equal(node_word(node(f, "n1")), "maintenance");
    tick(&f->h, HOUR);
    assert_string_equal(node_word(node(f, "n1")), "cordoned");
    mark(f, COMMAND_NODE_UNCORDON);
    assert_string_equal(node_word(node(f, "n1")), "up");
}

static void two_that_overlap_are_one_to_the_node(void **state)
{
    struct fixture *f = *state;
    plan(f, HOUR, false);
    plan(f, HOUR + 30 * MINUTE, false);
    tick(&f->h, HOUR);
    tick(&f->h, 30 * MINUTE);
    tick(&f->h, 30 * MINUTE); /* the first is over */
    assert_string_equal(node_word(node(f, "n1")), "maintenance");
    tick(&f->h, 30 * MINUTE);
    assert_string_equal(node_word(node(f, "n1")), "up");
    assert_int_equal(f->seen.events, 2);
}

static void one_of_all_nodes_has_those_that_come_later(void **state)
{
    struct fixture *f = *state;
    struct maintenance m = window(f, 0);
    m.node_count = 0;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_NONE); /* at once */
    add_node(&f->h, "n3", 8, 4);
    assert_string_equal(node_word(node(f, "n2")), "maintenance");
    assert_string_equal(node_word(node(f, "n3")), "maintenance");
    tick(&f->h, HOUR);
    assert_string_equal(node_word(node(f, "n3")), "up");
}

/* ---- who runs ---- */

static void who_started_before_is_told_and_may_stay(void **state)
{
    struct fixture *f = *state;
    const struct ask a = whole("a", 0), b = whole("b", 30 * MINUTE);
    submit(&f->h, &a);
    submit(&f->h, &b);
    run(&f->h, 0);
    run(&f->h, 1);
    struct maintenance m = window(f, HOUR);
    m.node_count = 0;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_NONE);
    assert_int_equal(f->seen.told, 1); /* b will have ended */
    tick(&f->h, HOUR);
    assert_int_equal(state_of(&f->h, "ana~a"), STATE_RUNNING);
    assert_int_equal(f->seen.begun, 1);
}

static void who_runs_is_stopped_where_the_window_says_so(void **state)
{
    struct fixture *f = *state;
    const struct ask again = {.name = "again", .gpus = 4, .preemption = SPEC_PREEMPTION_REQUEUE};
    const struct ask gone = {.name = "gone", .gpus = 4, .preemption = SPEC_PREEMPTION_STOP};
    submit(&f->h, &again);
    submit(&f->h, &gone);
    run(&f->h, 0);
    run(&f->h, 1);
    struct maintenance m = window(f, HOUR);
    m.node_count = 0;
    m.stop = true;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_NONE);
    assert_int_equal(f->seen.told, 2);
    tick(&f->h, HOUR);
    assert_int_equal(f->h.stops, 2);
    engine(&f->h, 0, ENGINE_EXITED, 143);
    engine(&f->h, 1, ENGINE_EXITED, 143);
    assert_int_equal(state_of(&f->h, "ana~again"), STATE_WAITING);
    assert_int_equal(state_of(&f->h, "ana~gone"), 0);
    tick(&f->h, HOUR);
    assert_string_not_equal(place(f, "ana~again"), "");
}

static void a_debug_reservation_ends_before_it(void **state)
{
    struct fixture *f = *state;
    static const struct spec_debug debug = {.on = SPEC_DEBUG_ALWAYS, .hold = SPEC_HOLD_GPUS, .minutes = 200};
    const struct ask a = {.name = "a", .gpus = 4, .time_limit_ms = HOUR, .debug = debug};
    plan(f, HOUR, true);
    struct maintenance m = window(f, HOUR);
    static const char *const both[] = {"n1", "n2"};
    m.nodes = both;
    m.node_count = 2;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_CHANGE, &m), ERR_NONE);
    submit(&f->h, &a);
    run(&f->h, 0);
    hold_failed(&f->h, 0, 1);
    assert_int_equal(f->h.lease.state, LEASE_HELD);
    assert_true(f->h.lease.expires_ms == m.start_ms);
    int cookie = 0;
    step(&f->h, &(struct command){.kind = COMMAND_LEASE,
                                  .actor = {.user = "root", .admin = true},
                                  .reply_to = &cookie,
                                  .lease = {.full_name = "ana~a", .minutes = 1, .target = {.exists = true}}});
    assert_int_not_equal(f->h.reply.code, ERR_NONE);
}

/* ---- commands ---- */

static void what_is_refused(void **state)
{
    struct fixture *f = *state;
    static const char *const nobody[] = {"n9"};
    struct maintenance m = window(f, HOUR);
    m.nodes = nobody;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_NO_NODE);
    m = window(f, -2 * HOUR);
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_INVALID_PARAMETERS); /* it is over */
    m = window(f, HOUR);
    m.end_ms = m.start_ms;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_INVALID_PARAMETERS);
    m = window(f, HOUR);
    f->id = 4711;
    assert_int_equal(command(f, COMMAND_MAINTENANCE_CHANGE, &m), ERR_NO_MAINTENANCE);
    plan(f, 0, false);
    m = window(f, MINUTE);
    assert_int_equal(command(f, COMMAND_MAINTENANCE_CHANGE, &m), ERR_CONFLICT_WINDOW); /* it has begun */
    m = window(f, 0);
    m.end_ms += HOUR; /* it may last longer */
    assert_int_equal(command(f, COMMAND_MAINTENANCE_CHANGE, &m), ERR_NONE);
    tick(&f->h, HOUR);
    assert_string_equal(node_word(node(f, "n1")), "maintenance");
    tick(&f->h, HOUR);
    assert_string_equal(node_word(node(f, "n1")), "up");
}

static void no_more_than_can_be_kept_are_taken(void **state)
{
    struct fixture *f = *state;
    struct maintenance m = window(f, HOUR);
    for (int i = 0; i < MAINTENANCE_WINDOWS_MAX; i++)
        assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_NONE);
    assert_int_equal(command(f, COMMAND_MAINTENANCE_ADD, &m), ERR_CONFLICT_WINDOW);
}

/* ---- a restart ---- */

static void a_restart_goes_on_where_it_was(void **state)
{
    struct fixture *f = *state;
    struct core_config config = {.epoch = 2, .next_event_id = 1000, .next_seq = 1000};
    plan(f, HOUR, false);
    tick(&f->h, HOUR);
    struct maintenance row = f->seen.row;
    row.nodes = n1;
    row.reason = row.user = "";
    core_destroy(f->h.core);
    f->h.core = core_create(&config);
    for (int i = 1; i <= 2; i++) {
        struct node n = {.cpus = 8, .memory_mb = 1 << 20, .gpu_count = 4, .port_first = 20000, .port_last = 20999};
        snprintf(n.name, sizeof n.name, "n%d", i);
        n.was_up = true;
        assert_int_equal(core_load_node(f->h.core, &n), 0);
    }
    assert_int_equal(core_load_maintenance(f->h.core, &row), 0);
    f->seen.events = 0;
    add_node(&f->h, "n1", 8, 4);
    add_node(&f->h, "n2", 8, 4);
    assert_string_equal(node_word(node(f, "n1")), "maintenance");
    assert_string_equal(node_word(node(f, "n2")), "up");
    assert_int_equal(f->seen.events, 0); /* nothing has happened to them */
    tick(&f->h, HOUR);
    assert_string_equal(node_word(node(f, "n1")), "up");
}

/* ---- why it waits ---- */

static void it_is_told_why_and_what_would_help(void **state)
{
    struct fixture *f = *state;
    const struct ask a = whole("a", 2 * HOUR), b = whole("b", 2 * HOUR);
    plan(f, HOUR, false);
    submit(&f->h, &a);
    submit(&f->h, &b);
    tick(&f->h, 1000);
    struct core_view *v = core_view_create(f->h.core, f->h.now.mono);
    struct core_explainer *one = core_explainer_create(v);
    struct explanation x;
    const struct job *j = core_find(f->h.core, "ana~b");
    const struct core_question q = {
        .spec = j->spec, .user = "ana", .full_name = "ana~b", .now_ms = f->h.now.wall + MINUTE};
    assert_int_equal(core_explain_whole(one, &q, &x), 0);
    assert_string_equal(explain_name(x.reason), "maintenance");
    assert_int_equal(x.closed, 2 - 1);
    assert_true(x.closes_ms == f->h.now.wall - 1000 + HOUR && x.opens_ms == x.closes_ms + HOUR);
    assert_true(x.help.shorter_ms == 58 * MINUTE);
    core_explainer_destroy(one);
    core_view_destroy(v);
}

/* ---- history ---- */

static void what_becomes_of_a_node_is_told_once(void **state)
{
    struct fixture *f = *state;
    struct engine_event ev = {.kind = ENGINE_NODE};
    const struct command told = {.kind = COMMAND_ENGINE, .engine = &ev};
    ev.node = *node(f, "n1");
    mark(f, COMMAND_NODE_CORDON);
    mark(f, COMMAND_NODE_CORDON);
    mark(f, COMMAND_NODE_DRAIN);
    mark(f, COMMAND_NODE_UNCORDON);
    ev.node.up = false;
    step(&f->h, (struct command *)&told);
    step(&f->h, (struct command *)&told);
    ev.node.up = true;
    ev.node.gpus[2].index = 2;
    ev.node.gpus[2].quarantined = true;
    ev.node.gpus[3].health = (struct gpu_mark){.cause = 1, .action = GPU_ACTION_CORDON};
    step(&f->h, (struct command *)&told);
    ev.node.gpus[2].quarantined = false;
    ev.node.gpus[3].health = (struct gpu_mark){0};
    step(&f->h, (struct command *)&told);
    static const enum node_event_kind want[] = {
        NODE_CORDONED,   NODE_DRAINED,           NODE_UNCORDONED,      NODE_DOWN,
        NODE_UP,         NODE_CORDONED,          NODE_GPU_QUARANTINED, NODE_GPU_HEALTH,
        NODE_UNCORDONED, NODE_GPU_UNQUARANTINED, NODE_GPU_HEALTHY,
    };
    assert_int_equal(f->seen.events, (int)(sizeof want / sizeof *want));
    for (int i = 0; i < f->seen.events; i++)
        assert_int_equal(f->seen.kinds[i], want[i]);
    assert_string_equal(f->seen.text[0], "n1 root a fan");
    assert_string_equal(f->seen.text[6], "n1  GPU 2");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    static const struct CMUnitTest tests[] = {
        TEST(what_would_overrun_it_starts_elsewhere_or_not),
        TEST(a_minute_later_the_same_is_too_long),
        TEST(who_asks_for_no_gpu_keeps_to_it_too),
        TEST(a_reservation_that_comes_too_late_is_given_up),
        TEST(the_node_closes_and_returns_by_itself),
        TEST(an_admins_mark_outlives_it),
        TEST(two_that_overlap_are_one_to_the_node),
        TEST(one_of_all_nodes_has_those_that_come_later),
        TEST(who_started_before_is_told_and_may_stay),
        TEST(who_runs_is_stopped_where_the_window_says_so),
        TEST(a_debug_reservation_ends_before_it),
        TEST(what_is_refused),
        TEST(no_more_than_can_be_kept_are_taken),
        TEST(a_restart_goes_on_where_it_was),
        TEST(it_is_told_why_and_what_would_help),
        TEST(what_becomes_of_a_node_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
