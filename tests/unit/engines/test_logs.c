/* SPDX-License-Identifier: MIT
 *
 * Reading logs: sizes and ends, and what a task may put in the place of its log.
 */
#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

#include "engines/local/logs.h"

static void test_reads_a_growing_log(void **state)
{
    struct rig *r = *state;
    struct log_shelf *shelf = log_shelf_create(r->data, NULL);
    struct logs f;
    struct err e = {0};
    char id[ID_SIZE], text[64];
    int64_t size;
    bool complete;

    rig_launch(r, id, "echo one; while [ ! -e go ]; do sleep 0.01; done; echo two >&2");
    rig_wait_file(r, id, "all", 4);
    assert_int_equal(logs_open(&f, shelf, id, "all", &e), 0);
    assert_int_equal(logs_size(&f, &size, &complete, &e), 0);
    assert_int_equal(size, 4);
    assert_false(complete);
    assert_int_equal(logs_read(&f, 4, text, sizeof(text), &e), 0);
    (void)snprintf(text, sizeof(text), "%s", "");
    {
        char path[200];

        (void)snprintf(path, sizeof(path), "%s/run/%s/work/go", r->data, id);
        assert_int_equal(fs_write_atomic(path, "", 0, 0600, NULL), 0);
    }
    (void)rig_wait(r, ENGINE_EXITED, id);
    assert_int_equal(logs_size(&f, &size, &complete, &e), 0);
    assert_int_equal(size, 8);
    assert_true(complete);
    assert_int_equal(logs_read(&f, 2, text, sizeof(text), &e), 6);
    assert_memory_equal(text, "e\ntwo\n", 6);
    assert_int_equal(logs_read(&f, -1, text, sizeof(text), &e), -1);
    logs_close(&f);
    log_shelf_destroy(shelf);
}

static void test_there_is_no_such_log(void **state)
{
    static const char *const streams[] = {"exit", "../all", "", "ALL", "work"};
    static const char *const ids[] = {"..", "", "01a20088-41c3-7f81-af99-25cbc40d5f19",
                                      "01a20088-41c3-7f81-af99-25cbc40d5f19/../x"};
    struct rig *r = *state;
    struct log_shelf *shelf = log_shelf_create(r->data, NULL);
    struct logs f;
    char id[ID_SIZE];

    rig_launch(r, id, "exit 0");
    (void)rig_wait(r, ENGINE_EXITED, id);
    for (size_t i = 0; i < sizeof(streams) / sizeof(streams[0]); i++) {
        struct err e = {0};

        assert_int_equal(logs_open(&f, shelf, id, streams[i], &e), -1);
        assert_int_equal(e.code, ERR_NO_TASK_LOG);
    }
    for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        struct err e = {0};

        assert_int_equal(logs_open(&f, shelf, ids[i], "all", &e), -1);
        assert_int_equal(e.code, ERR_NO_TASK_LOG);
    }
    log_shelf_destroy(shelf);
}

static void test_nothing_from_outside(void **state)
{
    static const char *const tricks[] = {
        "rm ../stdout; ln -s /etc/passwd ../stdout",
        "rm ../stdout; ln /etc/hostname ../stdout || ln $HOME/x ../stdout",
        "rm ../stdout; mkfifo ../stdout",
        "rm ../stdout; mknod ../stdout c 1 5 || mkdir ../stdout",
        "rm ../stdout; mkdir ../stdout",
        "touch x; rm ../stdout; ln x ../stdout",
    };
    struct rig *r = *state;
    struct log_shelf *shelf = log_shelf_create(r->data, NULL);

    /* Where nothing stands between a task and its logs but their owner. */
    rig_stop(r);
    r->isolation = "rlimits";
    rig_engine(r);
    rig_start(r);
    for (size_t i = 0; i < sizeof(tricks) / sizeof(tricks[0]); i++) {
        struct err e = {0};
        struct logs f;
        char id[ID_SIZE];

        rig_launch(r, id, tricks[i]);
        (void)rig_wait(r, ENGINE_EXITED, id);
        assert_int_equal(logs_open(&f, shelf, id, "stdout", &e), -1);
        assert_int_equal(e.code, ERR_NO_TASK_LOG);
        /* The others are as they were. */
        assert_int_equal(logs_open(&f, shelf, id, "stderr", &e), 0);
        logs_close(&f);
    }
    log_shelf_destroy(shelf);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_reads_a_growing_log, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_there_is_no_such_log, rig_setup, rig_teardown),
        cmocka_unit_test_setup_teardown(test_nothing_from_outside, rig_setup, rig_teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
