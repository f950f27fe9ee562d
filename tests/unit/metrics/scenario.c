/* SPDX-License-Identifier: MIT
 *
 * A scenario is replaced as a whole: the library may read it at any moment.
 */
#include "scenario.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

void scenario_set(const char *text)
{
    const char *path = getenv("DROVER_FAKE_NVML");
    char next[512];
    FILE *f;

    assert_non_null(path);
    (void)snprintf(next, sizeof next, "%s.next", path);
    f = fopen(next, "we");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
    assert_int_equal(rename(next, path), 0);
}

bool scenario_is_old(void)
{
    const char *path = getenv("LD_LIBRARY_PATH");

    return path && strstr(path, "nvml-old") != NULL;
}

static int again(const char *program, const char *library)
{
    char folder[] = "/tmp/drover-nvml-XXXXXX", path[64];
    char *args[] = {(char *)(uintptr_t)program, (char *)(uintptr_t) "again", NULL};
    int status = 1;

    if (!mkdtemp(folder))
        return 1;
    (void)snprintf(path, sizeof path, "%s/scenario", folder);
    pid_t pid = fork();
    if (pid == 0) {
        if (setenv("LD_LIBRARY_PATH", library, 1) == 0 && setenv("DROVER_FAKE_NVML", path, 1) == 0)
            (void)execv("/proc/self/exe", args);
        _exit(127);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        status = 1;
    (void)unlink(path);
    (void)rmdir(folder);
    return status != 0;
}

int scenario_main(int argc, char **argv, int (*run)(void))
{
    if (argc > 1)
        return run();
    int new = again(argv[0], FAKE_NVML), old = again(argv[0], FAKE_NVML "-old");
    return new || old;
}
