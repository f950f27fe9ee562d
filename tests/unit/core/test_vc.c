/* SPDX-License-Identifier: MIT
 *
 * Virtual clusters in the core: what may be promised, who may hold how much, and an admin's marks on nodes.
 */
#include "tests/unit/core/harness.h"

#include "inventory/vc.h"

static int cookie;

/* Makes or changes a virtual cluster with so many GPUs of the one SKU there is. The reply's code. */
static enum err_code put(struct harness *h, const char *name, const char *parent, int gpus, int borrow)
{
    struct vc vc = {.guarantee = {{.sku = "gpu", .gpus = gpus}}, .guarantee_count = gpus > 0, .borrow = borrow};
    struct command cmd = {
        .kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = COMMAND_VC_PUT, .name = name, .vc = &vc}};
    snprintf(vc.name, sizeof vc.name, "%s", name);
    snprintf(vc.parent, sizeof vc.parent, "%s", parent);
    step(h, &cmd);
    return h->reply.code;
}

static enum err_code change(struct harness *h, enum command_vc_op op, const char *name)
{
    struct command cmd = {.kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = op, .name = name}};
    step(h, &cmd);
    return h->reply.code;
}

static enum err_code mark(struct harness *h, enum command_node_op op, const char *name)
{
    struct command cmd = {
        .kind = COMMAND_NODE, .reply_to = &cookie, .node = {.op = op, .name = name, .labels = "{\"rack\":\"r1\"}"}};
    step(h, &cmd);
    return h->reply.code;
}

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    add_node(&harness, "n1", 64, 8);
    add_node(&harness, "n2", 64, 8);
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

static int guaranteed(struct harness *h, const char *vc)
{
    struct core_view *v = core_view_create(h->core, h->now.mono);
    int n = core_view_vc(v, vc)->guaranteed;
    core_view_destroy(v);
    return n;
}

static void default_owns_what_is_promised_to_nobody(void **state)
{
    struct harness *h = *state;
    assert_int_equal(guaranteed(h, "default"), 16);
    assert_int_equal(put(h, "a", "", 10, 0), ERR_NONE);
    assert_int_equal(guaranteed(h, "default"), 6);
    assert_int_equal(put(h, "b", "a", 4, 0), ERR_NONE);
    assert_int_equal(guaranteed(h, "a"), 6);
    assert_int_equal(guaranteed(h, "default"), 6);
    add_node(h, "n3", 64, 8);
    assert_int_equal(guaranteed(h, "default"), 14);
}

static void a_promise_that_cannot_be_kept_is_refused_with_the_numbers(void **state)
{
    struct harness *h = *state;
    assert_int_equal(put(h, "a", "", 10, 0), ERR_NONE);
    assert_int_equal(put(h, "b", "", 7, 0), ERR_INVALID_PARAMETERS);
    assert_non_null(strstr(h->reply.text, "7 GPUs"));
    assert_non_null(strstr(h->reply.text, "has 16, of which 10"));
    assert_int_equal(put(h, "c", "a", 11, 0), ERR_INVALID_PARAMETERS);
    assert_int_equal(put(h, "c", "a", 8, 0), ERR_NONE);
    assert_int_equal(put(h, "a", "", 7, 0), ERR_INVALID_PARAMETERS); /* it has given 8 of them away */
    assert_int_equal(put(h, "d", "nobody", 1, 0), ERR_NO_VC_BAD);
    assert_int_equal(put(h, "a", "c", 10, 0), ERR_INVALID_PARAMETERS); /* its own ancestor */
    assert_int_equal(put(h, "default", "", 4, 0), ERR_FORBIDDEN);
    assert_int_equal(put(h, "default", "", 0, 0), ERR_NONE);
}

static void only_what_is_empty_is_removed(void **state)
{
    struct harness *h = *state;
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "a"), ERR_NO_VC);
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "default"), ERR_FORBIDDEN);
    put(h, "a", "", 10, 0);
    put(h, "b", "a", 4, 0);
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "a"), ERR_CONFLICT_VC);
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "b", .gpus = 1}), ERR_NONE);
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "b"), ERR_CONFLICT_VC);
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "b"), ERR_NONE);
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "a"), ERR_NONE);
    assert_int_equal(guaranteed(h, "default"), 16);
}

static void a_stopped_one_accepts_no_jobs(void **state)
{
    struct harness *h = *state;
    put(h, "a", "", 10, 0);
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "nobody"}), ERR_NO_VC_BAD);
    assert_int_equal(change(h, COMMAND_VC_STOP, "default"), ERR_FORBIDDEN);
    assert_int_equal(change(h, COMMAND_VC_STOP, "a"), ERR_NONE);
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 1}), ERR_INVALID_PARAMETERS);
    assert_int_equal(put(h, "a", "", 9, 0), ERR_NONE); /* a change does not start it */
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 1}), ERR_INVALID_PARAMETERS);
    assert_int_equal(change(h, COMMAND_VC_START, "a"), ERR_NONE);
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 1}), ERR_NONE);
}

/* Sets the maxima of virtual cluster "a": GPUs of a job, seconds, unfinished jobs. */
static void set_maxima(struct harness *h, int gpus, int seconds, int jobs)
{
    struct vc vc = {.name = "a",
                    .guarantee = {{.sku = "gpu", .gpus = 10}},
                    .guarantee_count = 1,
                    .max_gpus = gpus,
                    .max_time = seconds,
                    .max_jobs = jobs};
    struct command cmd = {
        .kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = COMMAND_VC_PUT, .name = "a", .vc = &vc}};
    step(h, &cmd);
    assert_int_equal(h->reply.code, ERR_NONE);
}

static void a_job_beyond_the_maxima_is_refused_with_the_numbers(void **state)
{
    struct harness *h = *state;
    set_maxima(h, 2, 60, 2);
    assert_int_equal(submit(h, &(struct ask){.name = "g", .vc = "a", .gpus = 3}), ERR_INVALID_PARAMETERS);
    assert_non_null(strstr(h->reply.text, "3 GPUs; virtual cluster a allows a job 2"));
    assert_int_equal(submit(h, &(struct ask){.name = "t", .vc = "a", .gpus = 1, .time_limit_ms = 61000}),
                     ERR_INVALID_PARAMETERS);
    assert_non_null(strstr(h->reply.text, "is 61 s; virtual cluster a allows 60 s"));
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 2, .time_limit_ms = 60000}), ERR_NONE);
    assert_int_equal(submit(h, &(struct ask){.name = "y", .vc = "a", .gpus = 1}), ERR_NONE);
    assert_int_equal(submit(h, &(struct ask){.name = "z", .vc = "a", .gpus = 1}), ERR_TOO_MANY);
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(submit(h, &(struct ask){.name = "z", .vc = "a", .gpus = 1}), ERR_NONE);
    assert_int_equal(submit(h, &(struct ask){.name = "free", .gpus = 5, .time_limit_ms = 90000}), ERR_NONE);
}

static void a_job_without_a_limit_has_that_of_its_virtual_cluster(void **state)
{
    struct harness *h = *state;
    set_maxima(h, 0, 5, 0);
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 1}), ERR_NONE);
    run(h, 0);
    tick(h, 4900);
    assert_int_equal(h->stops, 0);
    tick(h, 200);
    assert_int_equal(h->stops, 1);
}

static size_t running(struct harness *h, const char *vc)
{
    struct core_view *v = core_view_create(h->core, h->now.mono);
    size_t n = (size_t)core_view_vc(v, vc)->used.gpus;
    core_view_destroy(v);
    return n;
}

static void a_quota_is_kept_and_a_raised_one_starts_who_waits(void **state)
{
    struct harness *h = *state;
    char name[16];
    put(h, "a", "", 3, 0);
    for (int i = 0; i < 6; i++) {
        snprintf(name, sizeof name, "j%d", i);
        assert_int_equal(submit(h, &(struct ask){.name = name, .vc = "a", .gpus = 1}), ERR_NONE);
    }
    assert_int_equal(running(h, "a"), 3);
    put(h, "a", "", 4, 0);
    assert_int_equal(running(h, "a"), 4);
    put(h, "a", "", 1, 0); /* a smaller one kills nobody */
    assert_int_equal(running(h, "a"), 4);
    assert_int_equal(h->stops, 0);
    run(h, 0);
    engine(h, 0, ENGINE_EXITED, 0);
    assert_int_equal(running(h, "a"), 4); /* one more within the guarantee; three go on without one */
    put(h, "a", "", 1, 4);                /* what it may borrow counts */
    assert_int_equal(running(h, "a"), 5);
}

static void who_is_above_bounds_what_is_borrowed(void **state)
{
    struct harness *h = *state;
    char name[16];
    put(h, "up", "", 4, 2); /* 2 of them are low's */
    put(h, "low", "up", 2, 9);
    for (int i = 0; i < 8; i++) {
        snprintf(name, sizeof name, "j%d", i);
        assert_int_equal(submit(h, &(struct ask){.name = name, .vc = "low", .gpus = 1}), ERR_NONE);
    }
    assert_int_equal(running(h, "low"), 6); /* all that both own, and 2 borrowed for both */
    assert_int_equal(submit(h, &(struct ask){.name = "own", .vc = "up", .gpus = 2}), ERR_NONE);
    assert_int_equal(running(h, "up"), 2); /* a guarantee is no loan */
    assert_int_equal(submit(h, &(struct ask){.name = "more", .vc = "up", .gpus = 1}), ERR_NONE);
    assert_int_equal(running(h, "up"), 2);
    put(h, "up", "", 4, 5);
    assert_int_equal(running(h, "low"), 7);
    assert_int_equal(running(h, "up"), 2); /* the one below was first */
    put(h, "up", "", 4, 7);
    assert_int_equal(running(h, "low"), 8);
    assert_int_equal(running(h, "up"), 3);
}

static void what_can_never_run_is_told_at_once(void **state)
{
    struct harness *h = *state;
    put(h, "a", "", 3, 1);
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 5}), ERR_INVALID_PROTOCOL);
    assert_non_null(strstr(h->reply.text, "guaranteed 3 and may borrow 1"));
    assert_int_equal(submit(h, &(struct ask){.name = "x", .vc = "a", .gpus = 4, .priority = 10}), ERR_NONE);
    assert_string_equal(h->warning, "");
    assert_int_equal(submit(h, &(struct ask){.name = "o", .vc = "a", .gpus = 5, .priority = -1}), ERR_NONE);
    assert_int_equal(submit(h, &(struct ask){.name = "y", .gpus = 9}), ERR_NONE);
    assert_non_null(strstr(h->warning, "the most that a node has is 8"));
    assert_int_equal(submit(h, &(struct ask){.name = "z", .gpus = 8, .instances = 2}), ERR_NONE);
    assert_non_null(strstr(h->warning, "default has 13"));
}

static void marks_of_an_admin_stay(void **state)
{
    struct harness *h = *state;
    const struct cluster *c = core_cluster(h->core);
    int n1 = cluster_find(c, "n1");
    assert_int_equal(mark(h, COMMAND_NODE_CORDON, "nobody"), ERR_NO_NODE);
    assert_int_equal(mark(h, COMMAND_NODE_DRAIN, "n1"), ERR_NONE);
    assert_int_equal(mark(h, COMMAND_NODE_LABELS, "n1"), ERR_NONE);
    add_node(h, "n1", 32, 8); /* the engine tells of it again */
    assert_true(cluster_at(c, n1)->info.cordoned && cluster_at(c, n1)->info.draining);
    assert_string_equal(cluster_at(c, n1)->info.labels, "{\"rack\":\"r1\"}");
    assert_int_equal(submit(h, &(struct ask){.name = "x", .gpus = 8, .instances = 2}), ERR_NONE);
    assert_int_equal(state_of(h, "ana~x"), STATE_WAITING);
    assert_int_equal(mark(h, COMMAND_NODE_UNCORDON, "n1"), ERR_NONE);
    assert_false(cluster_at(c, n1)->info.cordoned || cluster_at(c, n1)->info.draining);
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
}

static void rows_bring_them_back(void **state)
{
    struct harness *h = *state;
    struct core_config config = {.epoch = 2};
    struct core *c = core_create(&config);
    struct node n = cluster_at(core_cluster(h->core), 0)->info;
    struct vc a = {.name = "a", .guarantee = {{.sku = "gpu", .gpus = 3}}, .guarantee_count = 1, .stopped = true};
    struct vc rest = {.name = "default", .user_cap = 2};
    struct job *j = make_job(h, &(struct ask){.name = "x", .vc = "removed", .gpus = 1});
    assert_int_equal(core_load_node(c, &n), 0);
    assert_int_equal(core_load_vc(c, &a), 0);
    assert_int_equal(core_load_vc(c, &rest), 0);
    assert_int_equal(core_load_job(c, j, h->now), 0); /* its virtual cluster is gone: it counts for default */
    struct core_view *v = core_view_create(c, 0);
    assert_int_equal(core_view_vc(v, "a")->guaranteed, 3);
    assert_true(core_view_vc(v, "a")->spec.stopped);
    assert_int_equal(core_view_vc(v, "default")->spec.user_cap, 2);
    assert_int_equal(core_view_vc(v, "default")->live_jobs, 1);
    assert_null(core_view_vc(v, "removed"));
    core_view_destroy(v);
    core_destroy(c);
}

static enum err_code put_on(struct harness *h, const struct vc *base, const struct vc *vc)
{
    step(h, &(struct command){.kind = COMMAND_VC,
                              .reply_to = &cookie,
                              .vc = {.op = COMMAND_VC_PUT, .name = vc->name, .vc = vc, .base = base}});
    return h->reply.code;
}

/* Both saw the same; the second used to take the first one's change back. */
static void two_admins_change_two_members(void **state)
{
    struct harness *h = *state;
    assert_int_equal(put(h, "a", "", 4, 0), ERR_NONE);
    struct core_view *v = core_view_create(h->core, h->now.mono);
    struct vc base = core_view_vc(v, "a")->spec, one = base, two = base, other = base;
    core_view_destroy(v);
    one.borrow = 3;
    two.user_cap = 2;
    two.guarantee[0].gpus = 5;
    assert_int_equal(put_on(h, &base, &one), ERR_NONE);
    assert_int_equal(put_on(h, &base, &two), ERR_NONE);
    v = core_view_create(h->core, h->now.mono);
    const struct vc *now = &core_view_vc(v, "a")->spec;
    assert_int_equal(now->borrow, 3);
    assert_int_equal(now->user_cap, 2);
    assert_int_equal(now->guarantee[0].gpus, 5);
    core_view_destroy(v);
    assert_int_equal(change(h, COMMAND_VC_REMOVE, "a"), ERR_NONE);
    other.cpus = 1;
    assert_int_equal(put_on(h, &base, &other), ERR_NO_VC); /* it does not come back with half of what it was */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_admins_change_two_members, setup, teardown),
        cmocka_unit_test_setup_teardown(default_owns_what_is_promised_to_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_promise_that_cannot_be_kept_is_refused_with_the_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_is_empty_is_removed, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_one_accepts_no_jobs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_beyond_the_maxima_is_refused_with_the_numbers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_without_a_limit_has_that_of_its_virtual_cluster, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quota_is_kept_and_a_raised_one_starts_who_waits, setup, teardown),
        cmocka_unit_test_setup_teardown(who_is_above_bounds_what_is_borrowed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_can_never_run_is_told_at_once, setup, teardown),
        cmocka_unit_test_setup_teardown(marks_of_an_admin_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(rows_bring_them_back, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
