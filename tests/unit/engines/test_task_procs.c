/* SPDX-License-Identifier: MIT
 *
 * Trees of processes as they are in /proc: this program is the shim of an attempt, its children are the task.
 */
#include "engines/local/task_procs.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "engines/local/procs.h"
#include "engines/local/record.h"

#define ATTEMPT "a102cbda-c25a-82c2-901b-8060b876bdf7"
#define OTHER "b102cbda-c25a-82c2-901b-8060b876bdf7"

/* The folder of a server in which this process is the attempt's shim. */
static void make_data(char data[64])
{
    char path[256];
    struct record r = {.attempt = ATTEMPT, .nonce = "00000000000000000000000000000000", .pid = getpid()};
    struct err e = {0};
    struct buf text;

    (void)snprintf(data, 64, "/tmp/drover-procs-XXXXXX");
    assert_non_null(mkdtemp(data));
    (void)snprintf(path, sizeof path, "%s/run", data);
    assert_int_equal(mkdir(path, 0700), 0);
    (void)snprintf(path, sizeof path, "%s/run/" ATTEMPT, data);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(procs_boot_id(r.boot, &e), 0);
    r.ticks = procs_start_ticks(getpid(), NULL);
    r.started_ms = 1;
    buf_init(&text, RECORD_MAX);
    assert_int_equal(record_format(&text, &r), 0);
    (void)snprintf(path, sizeof path, "%s/run/" ATTEMPT "/shim", data);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_int_equal(fwrite(text.data, 1, text.len, f), text.len);
    assert_int_equal(fclose(f), 0);
    buf_fini(&text);
}

static void remove_data(const char *data)
{
    static const char shim[] = "/run/" ATTEMPT "/shim", folder[] = "/run/" ATTEMPT;
    const char *const names[] = {shim, folder, "/run", ""};
    char path[256];

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        (void)snprintf(path, sizeof path, "%s%s", data, names[i]);
        assert_int_equal(remove(path), 0);
    }
}

/* CPU time of this process's children, in ms. */
static int64_t children_ms(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_CHILDREN, &u);
    return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000 + (u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1000;
}

static void burn(int64_t ms)
{
    struct rusage u;

    do
        (void)getrusage(RUSAGE_SELF, &u);
    while (u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 + u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000 <
           ms);
}

/* A child that has computed, with a child of its own, and tells so by `ready`. */
static pid_t start_tree(int ready)
{
    pid_t pid = fork();

    if (pid)
        return pid;
    if (fork()) {
        burn(100);
    } else {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        burn(100);
        (void)!write(ready, "1", 1);
    }
    for (;;)
        (void)pause();
}

static void what_lives_and_what_has_ended_counts(void **state)
{
    char data[64], byte;
    int ready[2];
    struct err e = {0};
    const char ids[2][ID_SIZE] = {ATTEMPT, OTHER};
    struct task_procs_look looks[2];

    (void)state;
    make_data(data);
    struct task_procs *t = task_procs_create(data, &e);
    assert_non_null(t);
    assert_int_equal(pipe(ready), 0);
    pid_t ended = fork();
    if (!ended) {
        burn(150);
        _exit(0);
    }
    assert_int_equal(waitpid(ended, NULL, 0), ended);
    const pid_t tree = start_tree(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(task_procs_look(t, ids, 2, looks, &e), 0);
    assert_true(looks[0].found);
    assert_false(looks[1].found);
    assert_int_equal(looks[0].processes, 2);
    assert_true(looks[0].memory > 0);
    assert_true(looks[0].read_bytes >= 0);
    assert_true(looks[0].cpu_ms >= children_ms() + 90); /* ticks are of 10 ms; the grandchild's 100 at least */
    assert_true(children_ms() >= 150);
    /* The grandchild ends with its parent; by whomever it is waited for, it is this task's no more. */
    assert_int_equal(kill(tree, SIGKILL), 0);
    assert_int_equal(waitpid(tree, NULL, 0), tree);
    assert_int_equal(task_procs_look(t, ids, 1, looks, &e), 0);
    assert_true(looks[0].found);
    assert_int_equal(looks[0].processes, 0);
    assert_int_equal(task_procs_look(t, ids, 0, looks, &e), 0);
    task_procs_destroy(t);
    remove_data(data);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static char out[PATH_MAX];

static int group(const char *text, const char *attempt, bool v2, const char *above, const char *root)
{
    struct task_procs_tree tree = {.v2 = v2};

    (void)snprintf(tree.above, sizeof tree.above, "%s", above);
    (void)snprintf(tree.root, sizeof tree.root, "%s", root);
    return task_procs_group(text, attempt, &tree, out);
}

static void groups_are_found_by_their_attempt(void **state)
{
    static const char v1[] = "5:devices:/drover.1/" ATTEMPT "\n4:memory:/box/1/drover.1/" ATTEMPT "\n0::/\n";
    static const char v2[] = "0::/system.slice/drover.service/drover.1/" ATTEMPT "/task\n";
    (void)state;
    assert_int_equal(group(v1, ATTEMPT, false, "", "/cg/memory"), 0);
    assert_string_equal(out, "/cg/memory/box/1/drover.1/" ATTEMPT);
    assert_int_equal(group(v1, ATTEMPT, false, "/box/1", "/cg/memory"), 0);
    assert_string_equal(out, "/cg/memory/drover.1/" ATTEMPT);
    assert_int_equal(group(v1, ATTEMPT, false, "/other", "/cg/memory"), -1);
    assert_int_equal(group(v1, OTHER, false, "", "/cg/memory"), -1);
    assert_int_equal(group(v1, ATTEMPT, true, "", "/cg"), -1);
    assert_int_equal(group(v2, ATTEMPT, true, "", "/cg"), 0);
    assert_string_equal(out, "/cg/system.slice/drover.service/drover.1/" ATTEMPT);
    assert_int_equal(group(v2, ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("4:memory:/x" ATTEMPT "\n", ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("4:memory:/" ATTEMPT "x\n", ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("4:cpu,memory:/" ATTEMPT, ATTEMPT, false, "", "/cg"), 0);
    assert_int_equal(group("4:memorylike:/" ATTEMPT, ATTEMPT, false, "", "/cg"), -1);
    assert_int_equal(group("", ATTEMPT, true, "", "/cg"), -1);
    assert_int_equal(group("nonsense", ATTEMPT, true, "", "/cg"), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_lives_and_what_has_ended_counts),
                                       cmocka_unit_test(groups_are_found_by_their_attempt)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
