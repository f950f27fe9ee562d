/* SPDX-License-Identifier: MIT
 *
 * Why a job waits: one story for each reason, and whether what is said to help does.
 */
#include "tests/unit/core/harness.h"

#include "core/explain.h"
#include "inventory/vc.h"

enum { TEST = 10, PROD = 100, OPPO = -1 };

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    add_node(&harness, "n1", 64, 4);
    add_node(&harness, "n2", 64, 4);
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

static void put_vc(struct harness *h, const struct vc *vc)
{
    step(h, &(struct command){.kind = COMMAND_VC, .vc = {.op = COMMAND_VC_PUT, .name = vc->name, .vc = vc}});
}

static void add(struct harness *h, const struct ask *a)
{
    assert_int_equal(submit(h, a), ERR_NONE);
    for (size_t i = 0; i < h->launches; i++)
        run(h, i); /* what runs already does not care */
}

/* The answer for a live job; the name of its first blocker into `blocker`. */
static struct explanation why(struct harness *h, const char *full_name, char blocker[64])
{
    struct explanation x, brief;
    const struct job *j = core_find(h->core, full_name);
    h->now.mono += 1000; /* the shown plan may be a moment old */
    struct core_view *v = core_view_create(h->core, h->now.mono);
    int64_t left = j->due_ms - h->now.wall;
    const struct core_question q = {
        .spec = j->spec, .user = j->user, .full_name = j->full_name, .backoff_ms = left > 0 ? left : 0};
    struct core_explainer *one = core_explainer_create(v);
    assert_int_equal(core_explain_whole(one, &q, &x), 0);
    assert_int_equal(core_explain_brief(one, &q, &brief), 0);
    assert_int_equal(core_explain_brief(one, &q, &brief), 0); /* the copy is as before */
    assert_int_equal(x.reason, brief.reason);
    if (blocker)
        snprintf(blocker, 64, "%.63s", x.help.blocker_count ? core_explain_job(v, x.help.blockers[0]) : "");
    core_explainer_destroy(one);
    core_view_destroy(v);
    return x;
}

/* It used to be told that it starts at once. */
static void a_job_in_its_back_off(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "x", .gpus = 4, .priority = TEST});
    engine(h, 0, ENGINE_EXITED, 251);
    struct explanation x = why(h, "ana~x", NULL);
    assert_int_equal(x.reason, EXPLAIN_BACKOFF);
    assert_int_equal(x.then, EXPLAIN_STARTS);
    add(h, &(struct ask){.name = "y", .gpus = 4, .instances = 2, .priority = TEST});
    x = why(h, "ana~x", NULL);
    assert_int_equal(x.reason, EXPLAIN_BACKOFF);
    assert_int_equal(x.then, EXPLAIN_QUOTA);
    tick(h, 60000);
    x = why(h, "ana~x", NULL);
    assert_int_equal(x.reason, EXPLAIN_QUOTA);
    assert_int_equal(x.then, x.reason);
}

static void a_quota_that_is_used_up(void **state)
{
    struct harness *h = *state;
    char who[64];
    put_vc(h, &(struct vc){.name = "a", .guarantee = {{.sku = "gpu", .gpus = 2}}, .guarantee_count = 1});
    add(h, &(struct ask){.name = "x", .vc = "a", .gpus = 2, .priority = TEST});
    add(h, &(struct ask){.name = "y", .vc = "a", .gpus = 1, .instances = 2, .priority = TEST});
    struct explanation x = why(h, "ana~y", who);
    assert_int_equal(x.reason, EXPLAIN_QUOTA);
    assert_string_equal(explain_name(x.reason), "quota");
    assert_int_equal(x.use.guaranteed, 2);
    assert_int_equal(x.use.held, 2);
    assert_string_equal(who, "ana~x");
    assert_int_equal(x.help.blockers_in_all, 1);
    assert_int_equal(x.help.quota_more, 2);
    assert_int_equal(x.help.fewer_pods, 0);
    assert_string_equal(x.help.vc, "default");
    assert_true(x.help.opportunistic);
    put_vc(h, &(struct vc){.name = "a", .guarantee = {{.sku = "gpu", .gpus = 3}}, .guarantee_count = 1});
    assert_int_equal(state_of(h, "ana~y"), STATE_WAITING);
    assert_int_equal(why(h, "ana~y", NULL).help.fewer_pods, 1);
    put_vc(h, &(struct vc){.name = "a", .guarantee = {{.sku = "gpu", .gpus = 4}}, .guarantee_count = 1});
    assert_int_equal(state_of(h, "ana~y"), STATE_STARTING);
}

static void a_quota_that_more_important_jobs_hold(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc){.name = "a", .guarantee = {{.sku = "gpu", .gpus = 2}}, .guarantee_count = 1});
    add(h, &(struct ask){.name = "x", .vc = "a", .gpus = 2, .priority = PROD});
    add(h, &(struct ask){.name = "y", .vc = "a", .gpus = 1, .priority = TEST});
    assert_int_equal(why(h, "ana~y", NULL).reason, EXPLAIN_PRIORITY);
}

static void a_users_cap(void **state)
{
    struct harness *h = *state;
    put_vc(h, &(struct vc){.name = "default", .user_cap = 2});
    add(h, &(struct ask){.name = "x", .gpus = 2, .priority = TEST});
    add(h, &(struct ask){.name = "y", .gpus = 1, .priority = TEST});
    struct explanation x = why(h, "ana~y", NULL);
    assert_int_equal(x.reason, EXPLAIN_USER_CAP);
    assert_int_equal(x.user_held, 2);
    assert_int_equal(x.user_cap, 2);
}

static void what_no_node_has(void **state)
{
    struct harness *h = *state;
    static const char *const none[] = {"h100", NULL};
    add(h, &(struct ask){.name = "wide", .gpus = 5, .priority = TEST});
    struct explanation x = why(h, "ana~wide", NULL);
    assert_int_equal(x.reason, EXPLAIN_NEVER);
    assert_int_equal(x.help.fewer_gpus, 4);
    add(h, &(struct ask){.name = "other", .gpus = 1, .skus = none, .priority = TEST});
    x = why(h, "ana~other", NULL);
    assert_int_equal(x.reason, EXPLAIN_NEVER);
    assert_string_equal(x.help.sku, "gpu");
    add(h, &(struct ask){.name = "cpus", .cpus = 65, .priority = TEST});
    assert_int_equal(why(h, "ana~cpus", NULL).reason, EXPLAIN_NEVER);
}

static void nodes_that_are_down(void **state)
{
    struct harness *h = *state;
    struct engine_event ev = {.kind = ENGINE_NODE};
    ev.node = cluster_at(core_cluster(h->core), 0)->info;
    ev.node.up = false;
    step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
    add(h, &(struct ask){.name = "x", .gpus = 4, .instances = 2, .priority = TEST});
    assert_int_equal(why(h, "ana~x", NULL).reason, EXPLAIN_UNHEALTHY);
}

static void enough_but_not_together(void **state)
{
    struct harness *h = *state;
    static const char *const one[] = {"n1", NULL}, *const two[] = {"n2", NULL};
    char who[64];
    add(h, &(struct ask){.name = "x", .gpus = 2, .priority = TEST, .nodes = one});
    add(h, &(struct ask){.name = "y", .gpus = 2, .priority = TEST, .nodes = two});
    add(h, &(struct ask){.name = "z", .gpus = 4, .priority = TEST});
    struct explanation x = why(h, "ana~z", who);
    assert_int_equal(x.reason, EXPLAIN_FRAGMENTED);
    assert_int_equal(x.help.fewer_gpus, 2);
    assert_int_equal(x.help.blockers_in_all, 1);
    engine(h, !strcmp(who, "ana~x") ? 0 : 1, ENGINE_EXITED, 0);
    assert_int_equal(state_of(h, "ana~z"), STATE_STARTING);
}

static void all_is_in_use(void **state)
{
    struct harness *h = *state;
    char who[64];
    add(h, &(struct ask){.name = "x", .gpus = 4, .instances = 2, .priority = OPPO});
    add(h, &(struct ask){.name = "y", .gpus = 1, .priority = OPPO});
    struct explanation x = why(h, "ana~y", who);
    assert_int_equal(x.reason, EXPLAIN_BUSY);
    assert_string_equal(who, "ana~x");
    assert_false(x.help.opportunistic);
}

static void victims_have_not_left(void **state)
{
    struct harness *h = *state;
    char who[64];
    add(h, &(struct ask){.name = "low", .gpus = 4, .instances = 2, .priority = OPPO});
    add(h, &(struct ask){.name = "high", .gpus = 4, .priority = TEST});
    assert_int_equal(why(h, "ana~high", who).reason, EXPLAIN_VICTIMS);
    assert_string_equal(who, "ana~low");
    add(h, &(struct ask){.name = "high2", .gpus = 4, .priority = TEST}); /* reserves the other half */
    add(h, &(struct ask){.name = "next", .gpus = 4, .priority = TEST});
    assert_int_equal(why(h, "ana~next", who).reason, EXPLAIN_RESERVED);
    assert_string_equal(who, "ana~high2");
}

static void who_waits_for_long_waits_for_ends(void **state)
{
    struct harness *h = *state;
    add(h, &(struct ask){.name = "x", .gpus = 4, .instances = 2, .priority = TEST});
    add(h, &(struct ask){.name = "y", .gpus = 4, .priority = TEST});
    tick(h, 3600 * 1000 + 1);
    assert_int_equal(why(h, "ana~y", NULL).reason, EXPLAIN_AGED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_in_its_back_off, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quota_that_is_used_up, setup, teardown),
        cmocka_unit_test_setup_teardown(a_quota_that_more_important_jobs_hold, setup, teardown),
        cmocka_unit_test_setup_teardown(a_users_cap, setup, teardown),
        cmocka_unit_test_setup_teardown(what_no_node_has, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_that_are_down, setup, teardown),
        cmocka_unit_test_setup_teardown(enough_but_not_together, setup, teardown),
        cmocka_unit_test_setup_teardown(all_is_in_use, setup, teardown),
        cmocka_unit_test_setup_teardown(victims_have_not_left, setup, teardown),
        cmocka_unit_test_setup_teardown(who_waits_for_long_waits_for_ends, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
