/* SPDX-License-Identifier: MIT
 *
 * The janitor: what is old goes, what runs or is young stays, and links lead nowhere.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "engines/local/janitor.h"
#include "engines/local/proto.h"
#include "tests/unit/base/temp_dir.h"

#define DAY_MS (INT64_C(24) * 3600 * 1000)
#define NOW_MS (1000 * DAY_MS)
#define OLD "01a20088-41c3-7f81-af99-25cbc40d5f01"
#define YOUNG "01a20088-41c3-7f81-af99-25cbc40d5f02"
#define RUNS "01a20088-41c3-7f81-af99-25cbc40d5f03"
#define LOST "01a20088-41c3-7f81-af99-25cbc40d5f04"

/* What the server itself made of it; the rest is a task's. */
static const char *const servers[] = {".",
                                      "run",
                                      "run/" OLD,
                                      "run/" LOST,
                                      "run/" YOUNG,
                                      "run/" RUNS,
                                      "run/" OLD "/work",
                                      "run/" LOST "/work",
                                      "run/" OLD "/tmp",
                                      "run/" LOST "/tmp",
                                      "spawner.sock"};

struct house {
    char dir[TEMP_PATH];
    int run;
};

static void put(int dir, const char *name, int64_t at_ms)
{
    const struct timespec times[2] = {{.tv_sec = at_ms / 1000}, {.tv_sec = at_ms / 1000}};
    int fd = openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(futimens(fd, times), 0);
    (void)close(fd);
}

/* An attempt's folder; `end` NULL: it runs. */
static void attempt(struct house *h, const char *id, const char *end, int64_t age_ms)
{
    int dir;

    assert_int_equal(mkdirat(h->run, id, 0700), 0);
    dir = openat(h->run, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(mkdirat(dir, "work", 0700) || mkdirat(dir, "work/deep", 0700) || mkdirat(dir, "tmp", 0700), 0);
    put(dir, "work/deep/model", 0);
    put(dir, "all", 0);
    assert_int_equal(symlinkat("../../../kept", dir, "work/link"), 0);
    if (end)
        put(dir, end, NOW_MS - age_ms);
    (void)close(dir);
}

static int setup(void **state)
{
    struct house *h = calloc(1, sizeof(*h));
    int top;

    *state = h;
    if (!h || temp_create(h->dir))
        return -1;
    top = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (top < 0 || mkdirat(top, "run", 0700) || mkdirat(top, "kept", 0700))
        return -1;
    put(top, "kept/file", 0);
    h->run = openat(top, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    (void)close(top);
    attempt(h, OLD, "exit", 10 * DAY_MS);
    attempt(h, LOST, "lost", 40 * DAY_MS);
    attempt(h, YOUNG, "exit", 2 * DAY_MS);
    attempt(h, RUNS, NULL, 0);
    put(h->run, "stranger", 0);
    return 0;
}

static int teardown(void **state)
{
    struct house *h = *state;

    (void)close(h->run);
    temp_remove(h->dir);
    free(h);
    return 0;
}

static bool there(const struct house *h, const char *path)
{
    return faccessat(h->run, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static struct janitor_result look(const struct house *h, int64_t files_ms, int64_t logs_ms)
{
    struct janitor_result r;
    struct err e = {0};

    assert_int_equal(
        janitor_look(h->dir, &(struct janitor_policy){.files_ms = files_ms, .logs_ms = logs_ms}, NOW_MS, &r, &e), 0);
    assert_int_equal(r.failed, 0);
    return r;
}

static void test_old_files_go_and_logs_stay(void **state)
{
    const struct house *h = *state;
    struct janitor_result r = look(h, 7 * DAY_MS, 0);

    assert_int_equal(r.files, 2);
    assert_int_equal(r.logs, 0);
    assert_false(there(h, OLD "/work") || there(h, OLD "/tmp") || there(h, LOST "/work"));
    assert_true(there(h, OLD "/all") && there(h, OLD "/exit"));
    assert_true(there(h, YOUNG "/work/deep/model") && there(h, RUNS "/work/deep/model"));
    assert_true(there(h, "../kept/file") && there(h, "stranger"));
    assert_int_equal(look(h, 7 * DAY_MS, 0).files, 0); /* done is done */
}

static void test_older_logs_go_with_everything(void **state)
{
    const struct house *h = *state;
    struct janitor_result r = look(h, 7 * DAY_MS, 30 * DAY_MS);

    assert_int_equal(r.files, 1);
    assert_int_equal(r.logs, 1);
    assert_false(there(h, LOST));
    assert_true(there(h, OLD "/all") && there(h, RUNS "/all"));
    assert_true(there(h, "../kept/file"));
}

/* The virtual cluster of OLD keeps logs for 3 days, that of LOST for 50, nobody knows of YOUNG; and it is never asked
 * of what is younger than a day, or runs. */
static int64_t logs_of(void *ctx, const char *attempt)
{
    int *asked = ctx;

    (*asked)++;
    assert_string_not_equal(attempt, RUNS);
    return strcmp(attempt, OLD) == 0 ? 3 * DAY_MS : strcmp(attempt, LOST) == 0 ? 50 * DAY_MS : -1;
}

static void test_a_policy_of_its_own_counts_for_each(void **state)
{
    const struct house *h = *state;
    int asked = 0;
    const struct janitor_policy p = {.logs_ms = 1, .logs_of = logs_of, .ctx = &asked};
    struct janitor_result r;

    /* As time goes by: OLD is 10 days old now, LOST 40, YOUNG 2. */
    assert_int_equal(janitor_look(h->dir, &p, NOW_MS - 8 * DAY_MS, &r, NULL), 0);
    assert_int_equal(r.logs, 0);
    assert_int_equal(janitor_look(h->dir, &p, NOW_MS - 7 * DAY_MS, &r, NULL), 0);
    assert_int_equal(r.logs, 1);
    assert_false(there(h, OLD));
    asked = 0;
    assert_int_equal(janitor_look(h->dir, &p, NOW_MS + 10 * DAY_MS - 1000, &r, NULL), 0);
    assert_int_equal(asked, 2);
    assert_int_equal(r.logs, 0);
    assert_int_equal(janitor_look(h->dir, &p, NOW_MS + 10 * DAY_MS, &r, NULL), 0);
    assert_int_equal(r.logs, 1);
    assert_false(there(h, LOST));
    assert_int_equal(janitor_look(h->dir, &p, NOW_MS + 9999 * DAY_MS, &r, NULL), 0);
    assert_int_equal(r.logs, 0);
    assert_true(there(h, YOUNG "/all") && there(h, RUNS "/all"));
}

static void test_for_ever_is_for_ever_and_a_day_is_the_least(void **state)
{
    const struct house *h = *state;

    assert_int_equal(look(h, 0, 0).files, 0);
    put(h->run, YOUNG "/exit", NOW_MS - DAY_MS / 2);
    assert_int_equal(look(h, 1, 1).logs, 2);
    assert_true(there(h, YOUNG "/work/deep/model"));
}

static void test_a_folder_that_is_not_there_has_nothing_to_clear(void **state)
{
    const struct house *h = *state;
    struct janitor_result r;
    char path[TEMP_PATH + 8];

    (void)snprintf(path, sizeof(path), "%s/none", h->dir);
    assert_int_equal(janitor_look(path, &(struct janitor_policy){.files_ms = 1}, NOW_MS, &r, NULL), 0);
}

static void test_the_thread_ends_when_asked(void **state)
{
    const struct house *h = *state;
    struct janitor *j = janitor_create(h->dir, &(struct janitor_policy){.files_ms = DAY_MS}, NULL);

    assert_non_null(j);
    janitor_destroy(j);
    janitor_destroy(NULL);
}

/* What a task of another user made the spawner has to remove. Here the janitor is the one that is not root. */
static void test_what_is_anothers_is_left_to_the_spawner(void **state)
{
    const uid_t server = 12345;
    struct house *h = *state;
    struct janitor_policy p = {.files_ms = 7 * DAY_MS, .logs_ms = 30 * DAY_MS};
    struct janitor_result r;
    struct proto_msg m;
    int fds[PROTO_FDS], listener, conn, top, status;
    char path[TEMP_PATH + 64];
    pid_t pid;

    if (geteuid() != 0)
        return;
    top = open(h->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    listener = proto_listen(top, "spawner.sock");
    assert_true(listener >= 0);
    for (size_t i = 0; i < sizeof(servers) / sizeof(servers[0]); i++)
        assert_int_equal(fchownat(top, servers[i], server, server, AT_SYMLINK_NOFOLLOW), 0);
    pid = fork();
    if (pid == 0) {
        status = setresgid(server, server, server) || setresuid(server, server, server) ||
                 janitor_look(h->dir, &p, NOW_MS, &r, NULL);
        _exit(status || r.failed || r.logs || r.files ? 1 : 0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    for (int i = 0; i < 2; i++) { /* OLD and LOST, in whatever order */
        conn = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        assert_int_equal(proto_recv(conn, &m, fds), 1);
        assert_int_equal(m.type, PROTO_CLEAN);
        assert_true(strcmp(m.attempt, OLD) == 0 || strcmp(m.attempt, LOST) == 0);
        (void)snprintf(path, sizeof(path), "%s/work/deep/model", m.attempt);
        assert_true(there(h, path));
        (void)close(conn);
    }
    assert_true(there(h, LOST "/lost")); /* else its age would be unknown from now on */
    (void)close(listener);
    (void)close(top);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_old_files_go_and_logs_stay, setup, teardown),
        cmocka_unit_test_setup_teardown(test_older_logs_go_with_everything, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_policy_of_its_own_counts_for_each, setup, teardown),
        cmocka_unit_test_setup_teardown(test_for_ever_is_for_ever_and_a_day_is_the_least, setup, teardown),
        cmocka_unit_test_setup_teardown(test_a_folder_that_is_not_there_has_nothing_to_clear, setup, teardown),
        cmocka_unit_test_setup_teardown(test_the_thread_ends_when_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_what_is_anothers_is_left_to_the_spawner, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
