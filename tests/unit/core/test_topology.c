/* SPDX-License-Identifier: MIT
 *
 * Pairs, sockets and racks: told by labels, used by placement and by promises.
 */
#include "tests/unit/core/harness.h"

#include "inventory/node_topology.h"
#include "inventory/vc.h"

enum { TEST = 10 };

static int setup(void **state)
{
    static struct harness harness;
    setup_core(&harness);
    *state = &harness;
    return 0;
}

static int teardown(void **state)
{
    teardown_core(*state);
    return 0;
}

static enum err_code label(struct harness *h, const char *node, const char *labels)
{
    int cookie = 0;
    struct command cmd = {
        .kind = COMMAND_NODE, .reply_to = &cookie, .node = {.op = COMMAND_NODE_LABELS, .name = node, .labels = labels}};
    step(h, &cmd);
    return h->reply.code;
}

/* A node whose GPUs know their numbers. */
static void node(struct harness *h, const char *name, int gpus, const char *labels)
{
    struct engine_event ev = {.kind = ENGINE_NODE};
    struct node *n = &ev.node;
    *n = (struct node){.cpus = 64, .memory_mb = 1 << 20, .port_first = 20000, .port_last = 20999, .up = true};
    snprintf(n->name, sizeof n->name, "%s", name);
    n->gpu_count = gpus;
    for (int i = 0; i < gpus; i++)
        n->gpus[i].index = i;
    step(h, &(struct command){.kind = COMMAND_ENGINE, .engine = &ev});
    if (labels)
        assert_int_equal(label(h, name, labels), ERR_NONE);
}

static enum err_code put_named(struct harness *h, const char *name, const char *parent, const struct vc_guarantee *g)
{
    int cookie = 0;
    struct vc vc = {.guarantee_count = 1};
    vc.guarantee[0] = *g;
    snprintf(vc.name, sizeof vc.name, "%s", name);
    snprintf(vc.parent, sizeof vc.parent, "%s", parent);
    snprintf(vc.guarantee[0].sku, sizeof vc.guarantee[0].sku, "gpu");
    step(h, &(struct command){
                .kind = COMMAND_VC, .reply_to = &cookie, .vc = {.op = COMMAND_VC_PUT, .name = vc.name, .vc = &vc}});
    return h->reply.code;
}

static enum err_code put_vc(struct harness *h, const struct vc_guarantee *g)
{
    return put_named(h, "a", "", g);
}

static const struct task *first_task(const struct harness *h, const char *name)
{
    return &core_find(h->core, name)->tasks[0];
}

static void two_gpus_are_a_pair(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 4, "{\"pairs\":\"yes\"}");
    submit(h, &(struct ask){.name = "one", .gpus = 1, .priority = TEST});
    submit(h, &(struct ask){.name = "two", .gpus = 2, .priority = TEST});
    submit(h, &(struct ask){.name = "rest", .gpus = 1, .priority = TEST});
    int one = first_task(h, "ana~one")->gpu_wishes[0], rest = first_task(h, "ana~rest")->gpu_wishes[0];
    const int *two = first_task(h, "ana~two")->gpu_wishes;
    assert_int_equal(two[0] / 2, two[1] / 2);
    assert_int_equal(one / 2, rest / 2);
    assert_int_not_equal(one / 2, two[0] / 2);
}

static void nothing_is_wished_where_gpus_lie_alike(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 4, NULL);
    submit(h, &(struct ask){.name = "x", .gpus = 2, .priority = TEST});
    assert_null(first_task(h, "ana~x")->gpu_wishes);
}

static void a_job_stays_in_a_rack(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 4, "{\"rack\":\"east\"}");
    node(h, "n2", 4, "{\"rack\":\"west\"}");
    node(h, "n3", 4, "{\"rack\":\"east\"}");
    node(h, "n4", 4, "{\"rack\":\"west\"}");
    submit(h, &(struct ask){.name = "x", .gpus = 4, .instances = 2, .priority = TEST});
    const struct task *t = first_task(h, "ana~x");
    int a = t[0].node[1] - '0', b = t[1].node[1] - '0'; /* "n3" */
    assert_int_not_equal(a, b);
    assert_int_equal(a % 2, b % 2);
}

static void a_rack_is_promised_whole(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 2, "{\"rack\":\"east\"}");
    node(h, "n2", 2, "{\"rack\":\"east\"}");
    node(h, "n3", 2, "{\"rack\":\"west\"}");
    node(h, "n4", 2, "{\"rack\":\"west\"}");
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.racks = 3}), ERR_INVALID_PARAMETERS);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.racks = 1}), ERR_NONE);
    /* Of the other four GPUs "default" gives two of one node and two of another, but none of the rack. */
    submit(h, &(struct ask){.name = "x", .gpus = 1, .instances = 3, .priority = TEST});
    submit(h, &(struct ask){.name = "big", .vc = "a", .gpus = 2, .instances = 2, .priority = TEST});
    assert_int_equal(state_of(h, "ana~big"), STATE_STARTING);
    const struct task *t = first_task(h, "ana~big");
    assert_int_equal((t[0].node[1] - '1') / 2, (t[1].node[1] - '1') / 2);
    submit(h, &(struct ask){.name = "over", .gpus = 2, .priority = TEST});
    assert_int_equal(state_of(h, "ana~over"), STATE_WAITING);
}

/* The machine that a promise was reckoned by is replaced by a smaller one: what is missing above is taken from larger
 * shapes, where racks are known and pods are not. */
static void more_is_promised_below_than_there_is(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 2, "{\"rack\":\"east\"}");
    node(h, "n2", 2, "{\"rack\":\"east\"}");
    node(h, "n3", 4, NULL);
    assert_int_equal(put_named(h, "a", "", &(struct vc_guarantee){.nodes = 1}), ERR_NONE);
    assert_int_equal(put_named(h, "b", "a", &(struct vc_guarantee){.gpus = 4}), ERR_NONE);
    node(h, "n3", 2, NULL);
    submit(h, &(struct ask){.name = "x", .vc = "b", .gpus = 2, .priority = TEST});
    assert_int_equal(state_of(h, "ana~x"), STATE_STARTING);
}

/* Two pods of two racks of two nodes, and in one of them a rack of one node beside. */
static void add_pods(struct harness *h)
{
    node(h, "n1", 2, "{\"rack\":\"r1\",\"pod\":\"p1\"}");
    node(h, "n2", 2, "{\"rack\":\"r3\",\"pod\":\"p2\"}");
    node(h, "n3", 2, "{\"rack\":\"r1\",\"pod\":\"p1\"}");
    node(h, "n4", 2, "{\"rack\":\"r3\",\"pod\":\"p2\"}");
    node(h, "n5", 2, "{\"rack\":\"r2\",\"pod\":\"p1\"}");
    node(h, "n6", 2, "{\"rack\":\"r4\",\"pod\":\"p2\"}");
    node(h, "n7", 2, "{\"rack\":\"r2\",\"pod\":\"p1\"}");
    node(h, "n8", 2, "{\"rack\":\"r4\",\"pod\":\"p2\"}");
    node(h, "n9", 2, "{\"rack\":\"r5\",\"pod\":\"p1\"}");
}

static void a_job_stays_in_a_pod(void **state)
{
    struct harness *h = *state;
    add_pods(h);
    submit(h, &(struct ask){.name = "x", .gpus = 2, .instances = 3, .priority = TEST});
    const struct task *t = first_task(h, "ana~x");
    for (int i = 1; i < 3; i++)
        assert_int_equal((t[i].node[1] - '0') % 2, (t[0].node[1] - '0') % 2);
}

static void a_pod_is_promised_whole(void **state)
{
    struct harness *h = *state;
    add_pods(h);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.pods = 3}), ERR_INVALID_PARAMETERS);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.pods = 1, .racks = 3}), ERR_INVALID_PARAMETERS);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.pods = 1, .racks = 2}), ERR_NONE);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.pods = 1}), ERR_NONE);
    /* Of the five other nodes "default" gives three, but none of the pod. */
    submit(h, &(struct ask){.name = "x", .gpus = 2, .instances = 3, .priority = TEST});
    submit(h, &(struct ask){.name = "big", .vc = "a", .gpus = 2, .instances = 4, .priority = TEST});
    assert_int_equal(state_of(h, "ana~big"), STATE_STARTING);
    const struct task *t = first_task(h, "ana~big");
    for (int i = 1; i < 4; i++)
        assert_int_equal((t[i].node[1] - '0') % 2, (t[0].node[1] - '0') % 2);
}

static void nodes_without_racks_stand_in_a_pod(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 4, "{\"pod\":\"p1\"}");
    node(h, "n2", 4, "{\"pod\":\"p2\"}");
    node(h, "n3", 4, "{\"pod\":\"p1\"}");
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.racks = 1}), ERR_INVALID_PARAMETERS);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.pods = 2}), ERR_INVALID_PARAMETERS); /* p2 is a node */
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.pods = 1}), ERR_NONE);
    assert_int_equal(label(h, "n3", "{\"pod\":\"\"}"), ERR_INVALID_PARAMETERS);
}

static void racks_that_are_not_told_are_not_promised(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 4, NULL);
    node(h, "n2", 4, NULL);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.racks = 1}), ERR_INVALID_PARAMETERS);
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.sockets = 1}), ERR_NONE); /* a node is one socket */
}

static void a_socket_is_promised_whole(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 8, "{\"sockets\":\"2\",\"pairs\":\"yes\"}");
    assert_int_equal(put_vc(h, &(struct vc_guarantee){.sockets = 1}), ERR_NONE);
    submit(h, &(struct ask){.name = "small", .gpus = 1, .instances = 3, .priority = TEST});
    submit(h, &(struct ask){.name = "half", .vc = "a", .gpus = 4, .priority = TEST});
    assert_int_equal(state_of(h, "ana~half"), STATE_STARTING);
    const int *got = first_task(h, "ana~half")->gpu_wishes;
    for (int i = 1; i < 4; i++)
        assert_int_equal(got[i] / 4, got[0] / 4);
}

static void labels_that_do_not_fit_are_refused(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 6, NULL);
    assert_int_equal(label(h, "n1", "{\"sockets\":\"4\"}"), ERR_INVALID_PARAMETERS);
    assert_int_equal(label(h, "n1", "{\"sockets\":\"two\"}"), ERR_INVALID_PARAMETERS);
    assert_int_equal(label(h, "n1", "{\"sockets\":\"2\",\"pairs\":\"yes\"}"), ERR_INVALID_PARAMETERS);
    assert_int_equal(label(h, "n1", "{\"pairs\":\"maybe\"}"), ERR_INVALID_PARAMETERS);
    assert_int_equal(label(h, "n1", "{\"rack\":\"\"}"), ERR_INVALID_PARAMETERS);
    assert_int_equal(label(h, "n1", "{\"sockets\":\"2\",\"pairs\":\"no\",\"owner\":\"ana\"}"), ERR_NONE);
}

/* Whoever runs goes on where it is when a label changes the plan. */
static void who_runs_stays_when_labels_change(void **state)
{
    struct harness *h = *state;
    node(h, "n1", 4, NULL);
    node(h, "n2", 4, NULL);
    submit(h, &(struct ask){.name = "x", .gpus = 2, .priority = TEST});
    run(h, 0);
    assert_int_equal(label(h, "n1", "{\"rack\":\"east\",\"pairs\":\"yes\"}"), ERR_NONE);
    assert_int_equal(label(h, "n2", "{\"rack\":\"east\",\"pairs\":\"yes\"}"), ERR_NONE);
    assert_int_equal(state_of(h, "ana~x"), STATE_RUNNING);
    submit(h, &(struct ask){.name = "y", .gpus = 4, .priority = TEST});
    assert_int_equal(state_of(h, "ana~y"), STATE_STARTING);
    submit(h, &(struct ask){.name = "z", .gpus = 4, .priority = TEST});
    assert_int_equal(state_of(h, "ana~z"), STATE_WAITING);
}

static void what_labels_tell_is_written_as_it_is_read(void **state)
{
    struct node n = {.gpu_count = 8};
    struct node_topology t = {.sockets = 2, .pairs = true, .rack = "r \"1\"", .pod = "p"}, read;
    (void)state;
    node_topology_write(&t, &n);
    node_topology_read(&n, &read);
    assert_int_equal(read.sockets, 2);
    assert_true(read.pairs);
    assert_string_equal(read.rack, t.rack);
    assert_string_equal(read.pod, t.pod);
    snprintf(n.labels, sizeof n.labels, "{\"sockets\":\"3\",\"pairs\":\"yes\"}"); /* the node has others than before */
    node_topology_read(&n, &read);
    assert_int_equal(read.sockets, 1);
    assert_true(read.pairs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(two_gpus_are_a_pair, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_wished_where_gpus_lie_alike, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_stays_in_a_rack, setup, teardown),
        cmocka_unit_test_setup_teardown(a_rack_is_promised_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(more_is_promised_below_than_there_is, setup, teardown),
        cmocka_unit_test_setup_teardown(a_job_stays_in_a_pod, setup, teardown),
        cmocka_unit_test_setup_teardown(a_pod_is_promised_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(nodes_without_racks_stand_in_a_pod, setup, teardown),
        cmocka_unit_test_setup_teardown(racks_that_are_not_told_are_not_promised, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_is_promised_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(labels_that_do_not_fit_are_refused, setup, teardown),
        cmocka_unit_test_setup_teardown(who_runs_stays_when_labels_change, setup, teardown),
        cmocka_unit_test(what_labels_tell_is_written_as_it_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
