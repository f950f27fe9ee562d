/* SPDX-License-Identifier: MIT
 *
 * The local engine runs tasks: exit codes, signals, environment, output, GPUs, ports, images, many at once.
 */
#include "rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

static void test_node_is_told_first(void **state)
{
    struct rig *r = *state;

    (void)rig_wait(r, ENGINE_READY, NULL);
    assert_int_equal(r->events[0].kind, ENGINE_NODE);
    assert_string_equal(r->node.name, "test");
    assert_true(r->node.cpus >= 1);
    assert_true(r->node.memory_mb > 100);
    assert_int_equal(r->node.gpu_count, 4);
    assert_true(r->node.gpus[3].simulated);
    assert_true(r->node.up);
    assert_true(id_valid(r->node.boot_id));
}

static void test_runs_and_ends(void **state)
{
    struct rig *r = *state;
    struct rig_event confirmed, started, exited;
    char id[ID_SIZE];

    rig_launch(r, id, "echo \"$GREETING $PAI_USER_NAME $DROVER_JOB\"; echo oops >&2; exit 7");
    exited = rig_wait(r, ENGINE_EXITED, id);
    confirmed = rig_wait(r, ENGINE_CONFIRMED, id);
    started = rig_wait(r, ENGINE_STARTED, id);
    assert_int_equal(exited.code, 7);
    assert_int_equal(exited.signal, 0);
    assert_true(confirmed.on_host);
    assert_int_equal(confirmed.gpu_count, 0);
    assert_true(confirmed.seq < started.seq && started.seq < exited.seq);
    assert_true(started.wall_ms > 0 && exited.wall_ms >= started.wall_ms);
    rig_expect_file(r, id, "stdout", "hello eve eve~job\n");
    rig_expect_file(r, id, "stderr", "oops\n");
    rig_expect_file(r, id, "all", "hello eve eve~job\noops\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_node_is_told_first, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_runs_and_ends, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
