/* SPDX-License-Identifier: MIT
 *
 * The packer: which logs it takes, that no reader is disturbed, and that a crash at any point leaves a whole log.
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
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "base/pattern.h"
#include "engines/local/log_packer.h"
#include "engines/local/log_search.h"
#include "engines/local/logs.h"
#include "tests/unit/base/temp_dir.h"

#define ID "01a20088-41c3-7f81-af99-25cbc40d5f01"
#define NOW_MS INT64_C(1700000000000)
#define AFTER_MS 60000
#define SIZE 600000 /* three frames */

/* A data folder with one attempt, whose three logs are alike. */
struct house {
    char data[TEMP_PATH], points[TEMP_PATH];
    int dir;
    char *text;
    struct log_shelf *shelf;
    struct log_packer *packer;
};

static void put(const struct house *h, const char *name, const char *text, size_t len)
{
    int fd = openat(h->dir, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd >= 0);
    assert_int_equal(fs_write_all(fd, text, len), 0);
    (void)close(fd);
}

static void end(const struct house *h, const char *how, int64_t ago_ms)
{
    const int64_t at = (NOW_MS - ago_ms) / 1000;
    const struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};

    put(h, how, "", 0);
    assert_int_equal(utimensat(h->dir, how, times, 0), 0);
}

static bool there(const struct house *h, const char *name)
{
    return faccessat(h->dir, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

static int setup(void **state)
{
    struct house *h = calloc(1, sizeof(*h));
    char path[TEMP_PATH + 64];

    *state = h;
    if (!h || temp_create(h->data) || temp_create(h->points) || !(h->text = malloc(SIZE)))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/run", h->data);
    if (mkdir(path, 0700))
        return -1;
    (void)snprintf(path, sizeof(path), "%s/run/" ID, h->data);
    if (mkdir(path, 0700))
        return -1;
    h->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    for (int i = 0; i < SIZE; i++)
        h->text[i] = i % 40 == 39 ? '\n' : (char)('a' + (i / 40 + i * 7) % 26);
    for (int i = 0; i < LOGS_STREAMS; i++)
        put(h, logs_streams[i], h->text, SIZE);
    h->shelf = log_shelf_create(h->data, NULL);
    h->packer = log_packer_create(h->data, AFTER_MS, NULL);
    return h->shelf && h->packer ? 0 : -1;
}

static int teardown(void **state)
{
    struct house *h = *state;

    log_packer_destroy(h->packer);
    log_shelf_destroy(h->shelf);
    (void)close(h->dir);
    temp_remove(h->data);
    temp_remove(h->points);
    free(h->text);
    free(h);
    return 0;
}

static struct log_packer_result look(const struct house *h)
{
    struct log_packer_result r;
    struct err e = {0};

    assert_int_equal(log_packer_look(h->packer, NOW_MS, &r, &e), 0);
    return r;
}

/* That an open log has the text. */
static void has_text(const struct house *h, struct logs *f)
{
    struct err e = {0};
    char *out = malloc(SIZE + 1);
    int64_t size;
    bool complete;

    assert_non_null(out);
    assert_int_equal(logs_size(f, &size, &complete, &e), 0);
    assert_int_equal(size, SIZE);
    assert_int_equal(logs_read(f, 0, out, SIZE + 1, &e), SIZE);
    assert_memory_equal(out, h->text, SIZE);
    assert_int_equal(logs_read(f, 300001, out, 70001, &e), 70001);
    assert_memory_equal(out, h->text + 300001, 70001);
    assert_int_equal(logs_read(f, SIZE, out, 1, &e), 0);
    assert_int_equal(logs_read(f, -1, out, 1, &e), -1);
    free(out);
}

static void all_have_text(const struct house *h)
{
    for (int i = 0; i < LOGS_STREAMS; i++) {
        struct logs f;
        struct err e = {0};

        if (logs_open(&f, h->shelf, ID, logs_streams[i], &e))
            fail_msg("%s: %s", logs_streams[i], e.text);
        has_text(h, &f);
        logs_close(&f);
    }
}

static void an_ended_attempt_is_packed_and_reads_the_same(void **state)
{
    const struct house *h = *state;
    struct log_packer_result r;

    end(h, "exit", AFTER_MS);
    r = look(h);
    assert_int_equal(r.packed, 3);
    assert_int_equal(r.failed, 0);
    assert_int_equal(r.bytes_in, 3 * SIZE);
    assert_true(r.bytes_packed > 0 && r.bytes_packed < SIZE);
    assert_false(there(h, "stdout") || there(h, "stderr") || there(h, "all"));
    assert_true(there(h, "stdout.zst") && there(h, "stderr.zst") && there(h, "all.zst"));
    assert_false(there(h, "stdout.zst.tmp") || there(h, "all.zst.tmp"));
    all_have_text(h);
    assert_int_equal(look(h).packed, 0); /* done is done */
}

static void so_is_one_that_was_lost(void **state)
{
    const struct house *h = *state;

    end(h, "lost", AFTER_MS + 1000);
    assert_int_equal(look(h).packed, 3);
    all_have_text(h);
}

static void what_runs_is_young_or_small_stays(void **state)
{
    const struct house *h = *state;

    assert_int_equal(look(h).packed, 0); /* it runs */
    end(h, "exit", AFTER_MS - 1000);
    assert_int_equal(look(h).packed, 0);
    end(h, "exit", AFTER_MS);
    put(h, "stdout", h->text, LOG_PACKER_LEAST);
    put(h, "stderr", "", 0);
    assert_int_equal(look(h).packed, 1);
    assert_true(there(h, "stdout") && there(h, "stderr") && there(h, "all.zst"));
}

static void an_exit_that_a_task_wrote_itself_is_not_believed(void **state)
{
    const struct house *h = *state;
    int lock;

    end(h, "exit", AFTER_MS);
    lock = openat(h->dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    assert_int_equal(flock(lock, LOCK_EX), 0); /* as its shim holds it */
    assert_int_equal(look(h).packed, 0);
    (void)close(lock);
    assert_int_equal(look(h).packed, 3);
}

static void who_has_the_plain_file_open_reads_on(void **state)
{
    const struct house *h = *state;
    struct logs f;

    assert_int_equal(logs_open(&f, h->shelf, ID, "all", NULL), 0);
    end(h, "exit", AFTER_MS);
    assert_int_equal(look(h).packed, 3);
    assert_false(there(h, "all"));
    has_text(h, &f);
    logs_close(&f);
    all_have_text(h);
}

static int take(void *ctx, const struct log_hit *hit)
{
    struct log_hit *last = ctx;

    *last = *hit;
    return 0;
}

static void a_search_finds_the_same_places(void **state)
{
    struct house *h = *state;
    struct log_hit hits[2];

    memcpy(h->text + 524288 - 3, "needle", 6); /* across the end of a frame */
    put(h, "all", h->text, SIZE);
    end(h, "exit", AFTER_MS);
    for (int i = 0; i < 2; i++) {
        struct log_search s = {.line = 1, .till_mono = INT64_MAX, .fn = take, .ctx = &hits[i]};
        struct pattern *p = pattern_create("needle", 6, NULL);
        struct logs f;

        s.pattern = p;
        s.scratch = pattern_scratch_create();
        assert_int_equal(logs_open(&f, h->shelf, ID, "all", NULL), 0);
        assert_int_equal(f.packed.shelf != NULL, i);
        assert_int_equal(log_search_run(&s, &f, NULL), 1);
        assert_int_equal(s.line, SIZE / 40 + 1);
        logs_close(&f);
        pattern_scratch_destroy(s.scratch);
        pattern_destroy(p);
        assert_int_equal(look(h).packed, i ? 0 : 3);
    }
    assert_int_equal(hits[0].line, 524288 / 40 + 1);
    assert_int_equal(hits[0].line, hits[1].line);
    assert_int_equal(hits[0].offset, hits[1].offset);
    assert_string_equal(hits[0].text, hits[1].text);
}

static void a_damaged_one_says_so(void **state)
{
    const struct house *h = *state;
    struct logs f;
    struct err e = {0};

    end(h, "exit", AFTER_MS);
    assert_int_equal(look(h).packed, 3);
    put(h, "all.zst", "no such thing, and longer than any footer is, as it must be to be looked at .....", 80);
    assert_int_equal(logs_open(&f, h->shelf, ID, "all", &e), -1);
    assert_int_equal(e.code, ERR_DAMAGED_LOG);
    assert_string_equal(e.text, "The packed log is damaged: it has no index at its end.");
    assert_int_equal(logs_open(&f, h->shelf, ID, "stdout", NULL), 0);
    logs_close(&f);
}

/* What a task may have left where the packer works. */
static void strange_things_in_its_way_are_left_alone(void **state)
{
    const struct house *h = *state;
    struct log_packer_result r;
    struct logs f;

    put(h, "mine", h->text, SIZE);
    assert_int_equal(unlinkat(h->dir, "stdout", 0) || symlinkat("mine", h->dir, "stdout"), 0);
    assert_int_equal(mkdirat(h->dir, "stderr.zst", 0700), 0);
    assert_int_equal(symlinkat("mine", h->dir, "all.zst.tmp"), 0);
    end(h, "exit", AFTER_MS);
    r = look(h);
    assert_int_equal(r.packed, 1);
    assert_int_equal(r.failed, 1);
    assert_true(there(h, "stdout") && there(h, "stderr") && there(h, "all.zst") && there(h, "mine"));
    assert_int_equal(logs_open(&f, h->shelf, ID, "stdout", NULL), -1);
    assert_int_equal(logs_open(&f, h->shelf, ID, "all", NULL), 0);
    has_text(h, &f);
    logs_close(&f);
    assert_int_equal(unlinkat(h->dir, "all.zst", 0) || symlinkat("mine", h->dir, "all.zst"), 0);
    assert_int_equal(logs_open(&f, h->shelf, ID, "all", NULL), -1);
}

static void the_thread_packs_and_ends_when_asked(void **state)
{
    struct house *h = *state;

    put(h, "exit", "", 0); /* just now, by the real clock */
    log_packer_destroy(h->packer);
    h->packer = log_packer_create(h->data, 0, NULL);
    assert_int_equal(log_packer_start(h->packer, NULL), 0);
    while (there(h, "all"))
        (void)usleep(10000);
    log_packer_destroy(h->packer);
    log_packer_destroy(NULL);
    h->packer = NULL;
    all_have_text(h);
}

#ifdef DROVER_FAILPOINTS

/* A look in a process of its own, in which the point strikes. Its exit status; -1 = it was killed. */
static int look_that_is_struck(const struct house *h, const char *point, const char *action)
{
    char path[TEMP_PATH + 64];
    int status;
    pid_t pid;

    (void)snprintf(path, sizeof(path), "%s/%s", h->points, point);
    assert_int_equal(fs_write_atomic(path, action, strlen(action), 0600, NULL), 0);
    pid = fork();
    if (pid == 0) {
        struct log_packer_result r;

        _exit(setenv("DROVER_FAILPOINTS", h->points, 1) || log_packer_look(h->packer, NOW_MS, &r, NULL)
                  ? 99
                  : (int)r.failed);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(access(path, F_OK), -1); /* it was passed */
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_crash_or_failure_anywhere_leaves_whole_logs(void **state)
{
    static const struct {
        const char *point;
        bool can_fail;
    } points[] = {
        {"pack.before-sync", true},
        {"pack.before-rename", true},
        {"pack.after-rename", true},
        {"pack.after-remove", false},
    };
    static const char *const actions[] = {"abort", "error 28", "delay 1"};
    struct house *h = *state;

    end(h, "exit", AFTER_MS);
    for (size_t i = 0; i < sizeof(points) / sizeof(points[0]); i++)
        for (size_t k = 0; k < sizeof(actions) / sizeof(actions[0]); k++) {
            int failed = k == 0 ? -1 : k == 1 && points[i].can_fail ? 1 : 0;

            for (int s = 0; s < LOGS_STREAMS; s++)
                put(h, logs_streams[s], h->text, SIZE);
            assert_int_equal(look_that_is_struck(h, points[i].point, actions[k]), failed);
            all_have_text(h);
            assert_false(k == 1 && there(h, "stdout.zst.tmp")); /* who lives clears up */
            assert_int_equal(look(h).failed, 0);
            all_have_text(h);
            assert_true(there(h, "stdout.zst") && there(h, "stderr.zst") && there(h, "all.zst"));
            assert_false(there(h, "stdout") || there(h, "stderr") || there(h, "all") || there(h, "stdout.zst.tmp"));
        }
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_ended_attempt_is_packed_and_reads_the_same),
        TEST(so_is_one_that_was_lost),
        TEST(what_runs_is_young_or_small_stays),
        TEST(an_exit_that_a_task_wrote_itself_is_not_believed),
        TEST(who_has_the_plain_file_open_reads_on),
        TEST(a_search_finds_the_same_places),
        TEST(a_damaged_one_says_so),
        TEST(strange_things_in_its_way_are_left_alone),
        TEST(the_thread_packs_and_ends_when_asked),
#ifdef DROVER_FAILPOINTS
        TEST(a_crash_or_failure_anywhere_leaves_whole_logs),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
