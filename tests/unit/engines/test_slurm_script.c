/* SPDX-License-Identifier: MIT
 *
 * The batch script, run by a real shell; its latch; the mirror of its logs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "engines/engine.h"
#include "engines/local/record.h"
#include "engines/slurm/place.h"
#include "engines/slurm/script.h"

static const struct place at = {"75e2c7d0-cef0-866d-a064-f0ecc9d22ea1", "00112233445566778899aabbccddeeff"};

struct rig {
    char top[64];
    struct places places;
};

static int set_up(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    struct err e = {0};
    snprintf(r->top, sizeof r->top, "slurm-XXXXXX");
    assert_non_null(mkdtemp(r->top));
    char *path = realpath(r->top, NULL);
    assert_int_equal(places_open(&r->places, path, path, &e), 0);
    assert_int_equal(place_make(&r->places, &at, geteuid(), getegid(), &e), 0);
    *state = r;
    return 0;
}

static int tear_down(void **state)
{
    struct rig *r = *state;
    places_close(&r->places);
    assert_int_equal(fs_remove_tree(AT_FDCWD, r->top), 0);
    free((char *)(uintptr_t)r->places.folder);
    free(r);
    return 0;
}

/* Runs the script as a job of this id; its exit status. */
static int run(struct rig *r, const char *command, const char *job, const char *token)
{
    struct engine_launch launch = {.script = command};
    char folder[PATH_MAX];
    struct err e = {0};
    struct buf out;
    place_path(&r->places, &at, folder);
    const struct script_place p = {.attempt = at.attempt, .folder = folder, .token = token};
    buf_init(&out, 0);
    assert_int_equal(script_write(&out, &p, &launch, &e), 0);
    const pid_t pid = fork();
    if (pid == 0) {
        setenv("SLURM_JOB_ID", job, 1);
        execl("/bin/sh", "sh", "-c", out.data, NULL);
        _exit(99);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    buf_fini(&out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

/* Of a file that the job writes. */
static void path_of(const struct rig *r, const char *name, char out[PATH_MAX])
{
    char folder[PATH_MAX];
    place_path(&r->places, &at, folder);
    assert_in_range(snprintf(out, PATH_MAX, "%s/%s", folder, name), 1, PATH_MAX - 1);
}

static void read_mirror(const struct rig *r, const char *name, struct buf *out)
{
    char path[PATH_MAX];
    struct err e = {0};
    snprintf(path, sizeof path, "%s/run/%s/%s", r->places.folder, at.attempt, name);
    buf_reset(out);
    assert_int_equal(fs_read(path, 1 << 20, out, &e), 0);
}

static void the_first_takes_the_latch_and_the_rest_start_nothing(void **state)
{
    struct rig *r = *state;
    int64_t job = 0;
    int status = -1;
    assert_int_equal(place_look(&r->places, &at, &job), PLACE_NONE);
    assert_int_equal(run(r, "echo once >>../count; exit 3", "12", "aa"), 3);
    assert_int_equal(place_look(&r->places, &at, &job), PLACE_JOB);
    assert_int_equal(job, 12);
    assert_int_equal(place_exit(&r->places, &at, &status), 0);
    assert_int_equal(status, 3);
    /* The same id again, given out twice by a cluster that forgot; and another one. */
    assert_int_equal(run(r, "echo twice >>../count", "12", "bb"), SCRIPT_LATCHED);
    /* The very same submission, started again by a slurmctld that had not saved its first start. */
    assert_int_equal(run(r, "echo twice >>../count", "12", "aa"), SCRIPT_LATCHED);
    assert_int_equal(run(r, "echo twice >>../count", "13", "cc"), SCRIPT_LATCHED);
    assert_int_equal(place_take(&r->places, &at, &job), PLACE_JOB);
    char path[PATH_MAX];
    struct err e = {0};
    struct buf count;
    path_of(r, "count", path);
    buf_init(&count, 0);
    assert_int_equal(fs_read(path, 100, &count, &e), 0);
    assert_string_equal(count.data, "once\n");
    buf_fini(&count);
}

static void what_the_engine_latched_never_starts(void **state)
{
    struct rig *r = *state;
    int64_t job = 0;
    int status;
    assert_int_equal(place_take(&r->places, &at, &job), PLACE_ENGINE);
    assert_int_equal(run(r, "true", "12", "aa"), SCRIPT_LATCHED);
    assert_int_equal(place_exit(&r->places, &at, &status), -1);
    assert_int_equal(place_look(&r->places, &at, &job), PLACE_ENGINE);
}

static void without_the_folder_nothing_starts(void **state)
{
    struct rig *r = *state;
    char path[PATH_MAX];
    int64_t job;
    place_path(&r->places, &at, path);
    assert_int_equal(rmdir(path), 0);
    assert_int_equal(run(r, "true", "12", "aa"), SCRIPT_NO_FOLDER);
    assert_int_equal(place_take(&r->places, &at, &job), PLACE_ENGINE);
}

static void the_command_is_never_read_by_the_batch_shell(void **state)
{
    struct rig *r = *state;
    struct record rec = {.on_host = true};
    struct buf out;
    memcpy(rec.attempt, at.attempt, sizeof rec.attempt);
    assert_int_equal(run(r, "echo '$HOME' `echo \"x\"` \"a'b\"\nEOF\necho err >&2", "12", "aa"), 0);
    assert_int_equal(place_mirror(&r->places, &rec), 0);
    assert_int_equal(place_pull(&r->places, &at), 0);
    buf_init(&out, 0);
    read_mirror(r, "stdout", &out);
    assert_string_equal(buf_str(&out), "$HOME x a'b\n");
    read_mirror(r, "stderr", &out);
    assert_non_null(strstr(buf_str(&out), "err\n"));
    buf_fini(&out);
}

static void a_mirror_goes_on_where_it_stopped(void **state)
{
    struct rig *r = *state;
    struct record rec = {.on_host = true};
    char path[PATH_MAX];
    struct buf out;
    memcpy(rec.attempt, at.attempt, sizeof rec.attempt);
    assert_int_equal(place_mirror(&r->places, &rec), 0);
    assert_int_equal(run(r, "echo 12345", "12", "aa"), 0);
    assert_int_equal(place_pull(&r->places, &at), 0);
    /* As a crash leaves it that came after "all" was written. */
    snprintf(path, sizeof path, "%s/run/%s/stdout", r->places.folder, at.attempt);
    assert_int_equal(truncate(path, 3), 0);
    assert_int_equal(place_pull(&r->places, &at), 0);
    buf_init(&out, 0);
    read_mirror(r, "stdout", &out);
    assert_string_equal(buf_str(&out), "12345\n");
    read_mirror(r, "all", &out);
    assert_string_equal(buf_str(&out), "12345\n");
    buf_fini(&out);
}

static void a_log_that_is_a_link_or_another_s_is_not_read(void **state)
{
    struct rig *r = *state;
    struct record rec = {.on_host = true};
    char path[PATH_MAX];
    struct stat st;
    memcpy(rec.attempt, at.attempt, sizeof rec.attempt);
    assert_int_equal(place_mirror(&r->places, &rec), 0);
    path_of(r, "stdout", path);
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_int_equal(place_pull(&r->places, &at), 0);
    snprintf(path, sizeof path, "%s/run/%s/all", r->places.folder, at.attempt);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 0);
}

static void a_log_ends_at_its_limit(void **state)
{
    struct rig *r = *state;
    struct record rec = {.on_host = true};
    struct buf out;
    memcpy(rec.attempt, at.attempt, sizeof rec.attempt);
    r->places.log_max = 4;
    assert_int_equal(place_mirror(&r->places, &rec), 0);
    assert_int_equal(run(r, "echo 123456", "12", "aa"), 0);
    assert_int_equal(place_pull(&r->places, &at), 0);
    buf_init(&out, 0);
    read_mirror(r, "stdout", &out);
    assert_string_equal(buf_str(&out), "1234");
    buf_fini(&out);
}

static void damaged_notes_tell_nothing(void **state)
{
    static const char *const exits[] = {"", "3", "256\n", "-1\n", "3 \n", "x\n", "3\n4\n"};
    static const char *const latches[] = {"", "0.0.a", "-5.0.a", "12", "12x", "99999999999999999999.0.a", "drovers"};
    struct script_latch l;
    int status;
    (void)state;
    for (size_t i = 0; i < sizeof exits / sizeof *exits; i++)
        assert_int_equal(script_exit_read(exits[i], &status), -1);
    for (size_t i = 0; i < sizeof latches / sizeof *latches; i++)
        assert_int_equal(script_latch_read(latches[i], &l), -1);
    assert_int_equal(script_latch_read("drover", &l), 0);
    assert_int_equal(script_latch_read("12.1.ab", &l), 0);
    assert_int_equal(l.job_id, 12);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_first_takes_the_latch_and_the_rest_start_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_the_engine_latched_never_starts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_the_folder_nothing_starts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_command_is_never_read_by_the_batch_shell, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_mirror_goes_on_where_it_stopped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_that_is_a_link_or_another_s_is_not_read, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_log_ends_at_its_limit, set_up, tear_down),
        cmocka_unit_test(damaged_notes_tell_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
