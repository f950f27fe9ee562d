/* SPDX-License-Identifier: MIT
 *
 * Failpoints: armed by a file, for one passer, and harmless otherwise.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "tests/unit/base/temp_dir.h"

static int setup(void **state)
{
    char *dir = calloc(1, TEMP_PATH);

    *state = dir;
    return dir && temp_create(dir) == 0 && setenv("DROVER_FAILPOINTS", dir, 1) == 0 ? 0 : -1;
}

static int teardown(void **state)
{
    (void)unsetenv("DROVER_FAILPOINTS");
    temp_remove(*state);
    free(*state);
    return 0;
}

static void arm(const char *dir, const char *point, const char *action)
{
    char path[TEMP_PATH + 64];

    (void)snprintf(path, sizeof(path), "%s/%s", dir, point);
    assert_int_equal(fs_write_atomic(path, action, strlen(action), 0600, NULL), 0);
}

/* What was hit, as the folder tells it, begins with `wanted`. */
static void assert_fired(const char *dir, const char *wanted)
{
    char path[TEMP_PATH + 64];
    struct buf b;

    (void)snprintf(path, sizeof(path), "%s/fired", dir);
    buf_init(&b, 0);
    assert_int_equal(fs_read(path, 4096, &b, NULL), 0);
    assert_memory_equal(b.data, wanted, strlen(wanted));
    buf_fini(&b);
}

static void test_nothing_happens_at_a_point_that_is_not_armed(void **state)
{
    arm(*state, "shim.before-exit", "error");
    errno = ERANGE;
    assert_int_equal(FAILPOINT(STORE_BEFORE_COMMIT), 0);
    assert_int_equal(errno, ERANGE);
}

static void test_nothing_happens_without_the_variable(void **state)
{
    arm(*state, "store.before-commit", "error");
    (void)unsetenv("DROVER_FAILPOINTS");
    assert_int_equal(FAILPOINT(STORE_BEFORE_COMMIT), 0);
    assert_null(FAILPOINT_ENVIRONMENT);
}

static void test_an_error_comes_once_with_its_number(void **state)
{
    arm(*state, "store.before-commit", "error 28\n");
    assert_int_equal(FAILPOINT(STORE_BEFORE_COMMIT), -1);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(FAILPOINT(STORE_BEFORE_COMMIT), 0);
    assert_fired(*state, "store.before-commit error 28 ");
}

static void test_an_error_is_eio_unless_told(void **state)
{
    arm(*state, "store.before-commit", "error");
    assert_int_equal(FAILPOINT(STORE_BEFORE_COMMIT), -1);
    assert_int_equal(errno, EIO);
}

static void test_what_cannot_fail_does_not(void **state)
{
    arm(*state, "spawner.after-fork", "error");
    assert_int_equal(FAILPOINT(SPAWNER_AFTER_FORK), 0);
    assert_fired(*state, "spawner.after-fork error ");
}

static void test_a_delay_takes_its_time(void **state)
{
    int64_t begin = clock_read().mono;

    arm(*state, "loop.before-orders", "delay 30");
    assert_int_equal(FAILPOINT(LOOP_BEFORE_ORDERS), 0);
    assert_true(clock_read().mono - begin >= 29);
}

static void test_an_abort_kills_as_kill_9_does(void **state)
{
    pid_t pid;
    int status = 0;

    arm(*state, "loop.before-orders", "abort");
    pid = fork();
    if (pid == 0) {
        (void)FAILPOINT(LOOP_BEFORE_ORDERS);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_fired(*state, "loop.before-orders abort ");
}

static void test_a_guard_is_off_while_its_file_is_there(void **state)
{
    arm(*state, "no-tree", "");
    assert_true(FAILPOINT_GUARD_OFF("tree"));
    assert_true(FAILPOINT_GUARD_OFF("tree"));
    assert_false(FAILPOINT_GUARD_OFF("descriptors"));
    (void)unsetenv("DROVER_FAILPOINTS");
    assert_false(FAILPOINT_GUARD_OFF("tree"));
}

static void test_the_variable_can_be_handed_on(void **state)
{
    char wanted[TEMP_PATH + 32];

    (void)snprintf(wanted, sizeof(wanted), "DROVER_FAILPOINTS=%s", (const char *)*state);
    assert_string_equal(FAILPOINT_ENVIRONMENT, wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_nothing_happens_at_a_point_that_is_not_armed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_nothing_happens_without_the_variable, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_error_comes_once_with_its_number, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_error_is_eio_unless_told, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_cannot_fail_does_not, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_delay_takes_its_time, setup, teardown),
        cmocka_unit_test_setup_teardown(test_an_abort_kills_as_kill_9_does, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_guard_is_off_while_its_file_is_there, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_variable_can_be_handed_on, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
