/* SPDX-License-Identifier: MIT
 *
 * Processes by their mark.
 */
// link: drover_engines
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/id.h"
#include "engines/local/procs.h"

/* Until the child runs `program`: for a moment after vfork has returned it still has its parent's memory, and with it
 * its parent's environment. (What a parent starts is its own to find until then.) */
static void wait_for_program(pid_t pid, const char *program)
{
    char path[40], exe[256];
    ssize_t n;

    (void)snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
    do {
        n = readlink(path, exe, sizeof(exe) - 1);
        assert_true(n > 0);
        exe[n] = '\0';
    } while (!strstr(exe, program));
}

/* A new program has no environment for a moment: it was taken for somebody else's. */
static void test_who_is_just_starting_is_not_overlooked(void **state)
{
    char *argv[] = {(char *)(uintptr_t) "/bin/sleep", (char *)(uintptr_t) "1000", NULL};

    (void)state;
    for (int i = 0; i < 20; i++) {
        char id[ID_SIZE], mark[96];
        char *env[] = {mark, NULL};
        int status;
        pid_t pid;

        id_make(clock_read().wall, id);
        (void)snprintf(mark, sizeof(mark), PROCS_MARK "=%s", id);
        assert_int_equal(posix_spawn(&pid, argv[0], NULL, NULL, argv, env), 0);
        wait_for_program(pid, "sleep");
        assert_true(procs_kill_marked(id, NULL) > 0);
        while (procs_kill_marked(id, NULL) > 0)
            ;
        /* Nobody carries the mark any more, so it is dead. */
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_who_is_just_starting_is_not_overlooked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
