/* SPDX-License-Identifier: MIT
 *
 * Whose a process is: by its group, by its environment, and nobody's.
 */
#include "engines/local/owner.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "engines/local/procs.h"

#define ATTEMPT "01890a5d-ac96-774b-bcce-b302099a8057"
#define OUTER "01890a5d-ac96-774b-bcce-b302099a8058"

static void a_group_names_it(void **state)
{
    char attempt[ID_SIZE];

    (void)state;
    assert_true(owner_in_group("3:cpu:/\n2:memory:/drover/" ATTEMPT "\n0::/\n", attempt));
    assert_string_equal(attempt, ATTEMPT);
    assert_true(owner_in_group("0::/drover-tasks.service/" ATTEMPT "/task\n", attempt));
    assert_true(owner_in_group("0::/" ATTEMPT, attempt));
    assert_true(owner_in_group("2:cpu:/a/" OUTER "/b/" ATTEMPT "/c\n1:name:/a/" OUTER "\n", attempt));
    assert_string_equal(attempt, ATTEMPT);
    assert_false(owner_in_group("0::/x" ATTEMPT "\n", attempt));
    assert_false(owner_in_group("0::/" ATTEMPT ".scope\n", attempt));
    assert_false(owner_in_group("0::/\n", attempt));
    assert_false(owner_in_group("", attempt));
}

static void an_environment_names_it(void **state)
{
    static const char with[] = "A=b\0" PROCS_MARK "=" ATTEMPT "\0C=d";
    static const char without[] = PROCS_MARK "=" ATTEMPT "1\0" PROCS_MARK "=\0X" PROCS_MARK "=" ATTEMPT;
    char attempt[ID_SIZE];

    (void)state;
    assert_true(owner_in_environment(with, sizeof with - 1, attempt));
    assert_string_equal(attempt, ATTEMPT);
    assert_false(owner_in_environment(without, sizeof without - 1, attempt));
    assert_false(owner_in_environment("", 0, attempt));
}

/* A child with that environment, which waits for its end. */
static pid_t child(char *const env[])
{
    char *const args[] = {(char *)(uintptr_t) "/bin/cat", NULL};
    int in[2], out[2];
    char c;
    assert_int_equal(pipe(in) | pipe(out), 0);
    assert_int_equal(write(in[1], "x", 1), 1);
    pid_t pid = fork();

    if (pid == 0) {
        (void)dup2(in[0], 0);
        (void)dup2(out[1], 1);
        (void)execve(args[0], args, env);
        _exit(127);
    }
    assert_true(pid > 0);
    assert_int_equal(read(out[0], &c, 1), 1); /* it runs */
    (void)close(in[0]);
    (void)close(out[0]);
    (void)close(out[1]);
    return pid; /* in[1] keeps it until it is killed */
}

static void processes_are_told_apart(void **state)
{
    char *const ours[] = {(char *)(uintptr_t) "A=b", (char *)(uintptr_t)PROCS_MARK "=" ATTEMPT, NULL};
    char *const none[] = {(char *)(uintptr_t) "A=b", NULL};
    char attempt[ID_SIZE];
    pid_t a = child(ours), b = child(none);

    (void)state;
    assert_int_equal(owner_of(a, attempt), OWNER_TASK);
    assert_string_equal(attempt, ATTEMPT);
    assert_int_equal(owner_of(b, attempt), OWNER_NOBODY);
    (void)kill(a, SIGKILL);
    (void)kill(b, SIGKILL);
    assert_int_equal(waitpid(a, NULL, 0), a);
    assert_int_equal(waitpid(b, NULL, 0), b);
    assert_int_equal(owner_of(a, attempt), OWNER_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_names_it),
        cmocka_unit_test(an_environment_names_it),
        cmocka_unit_test(processes_are_told_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
