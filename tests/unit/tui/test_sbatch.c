/* SPDX-License-Identifier: MIT
 *
 * Batch scripts of Slurm: each of tests/fuzz/corpus/sbatch becomes exactly the job of tests/unit/tui/sbatch/NAME.yaml,
 * or is refused with exactly the line and sentence of NAME.txt. With DROVER_UPDATE=1, writes those files anew.
 */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/fs.h"
#include "tui/command_options.h"
#include "tui/sbatch.h"
#include "tui/sbatch_values.h"

#define SCRIPTS "/tests/fuzz/corpus/sbatch"
#define EXPECTED "/tests/unit/tui/sbatch"

static const char *environment(const char *name)
{
    return !strcmp(name, "LANG") ? "it's C" : NULL;
}

/* What becomes of a script: the job, or "LINE: sentence". True: a job. */
static bool judge(struct arena *a, const struct buf *text, struct buf *out)
{
    static char one[] = "--epochs", two[] = "it's 20";
    char *const argv[] = {one, two, NULL};
    const struct sbatch_run run = {.image = "debian:12-slim", .argv = argv, .environment = environment};
    struct err e = {0};
    struct sbatch s;

    sbatch_init(&s, a);
    if (!sbatch_read(&s, buf_str(text), text->len, &e)) {
        s.name = s.name ? s.name : "script-sh";
        s.suffix = "-0a1b";
        if (!sbatch_write(&s, &run, out, &e))
            return true;
    }
    buf_reset(out);
    (void)buf_addf(out, "%d: %s\n", e.line, e.text);
    return false;
}

static void check(const char *name)
{
    struct arena *a = arena_create(0);
    struct buf text, got, want;
    struct err e = {0};
    char path[512];
    bool job;

    buf_init(&text, 1 << 20);
    buf_init(&got, 1 << 20);
    buf_init(&want, 1 << 20);
    snprintf(path, sizeof path, DROVER_SOURCE SCRIPTS "/%s", name);
    assert_int_equal(fs_read(path, 1 << 20, &text, &e), 0);
    job = judge(a, &text, &got);
    snprintf(path, sizeof path, DROVER_SOURCE EXPECTED "/%.*s.%s", (int)strlen(name) - 6, name, job ? "yaml" : "txt");
    if (getenv("DROVER_UPDATE")) {
        FILE *f = fopen(path, "we");

        assert_non_null(f);
        assert_int_equal(fwrite(buf_str(&got), 1, got.len, f), got.len);
        assert_int_equal(fclose(f), 0);
    }
    if (fs_read(path, 1 << 20, &want, &e))
        fail_msg("%s: %s, but it was: %s", name, e.text, buf_str(&got));
    assert_string_equal(buf_str(&got), buf_str(&want));
    if (job)
        assert_non_null(doc_parse_yaml(a, buf_str(&got), got.len, NULL, &e));
    buf_fini(&text);
    buf_fini(&got);
    buf_fini(&want);
    arena_destroy(a);
}

static void scripts_become_exactly_these_jobs(void **state)
{
    struct dirent *entry;
    int count = 0;
    DIR *dir;

    (void)state;
    dir = opendir(DROVER_SOURCE SCRIPTS);
    assert_non_null(dir);
    while ((entry = readdir(dir)) != NULL) {
        size_t len = strlen(entry->d_name);

        if (len < 7 || strcmp(entry->d_name + len - 6, ".slurm") != 0)
            continue;
        check(entry->d_name);
        count++;
    }
    closedir(dir);
    assert_true(count >= 20);
}

static void the_command_line_replaces_the_script(void **state)
{
    static const char text[] = "#!/bin/sh\n#SBATCH -c 1 --mem=1G -t 10\ntrue\n";
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct sbatch s;

    (void)state;
    sbatch_init(&s, a);
    assert_int_equal(sbatch_read(&s, text, strlen(text), &e), 0);
    assert_int_equal(sbatch_option(&s, "cpus-per-task", "8", 0, &e), 0);
    assert_int_equal(sbatch_option(&s, "time", "0", 0, &e), 0);
    assert_int_equal(s.cpus, 8);
    assert_int_equal(s.memory_mb, 1024);
    assert_int_equal(s.time_s, 0);
    assert_int_equal(sbatch_option(&s, "mem", "2X", 0, &e), -1);
    assert_int_equal(e.line, 0);
    arena_destroy(a);
}

static void every_option_of_the_table_is_taken_or_of_the_command_line(void **state)
{
    static const char *const own[] = {"image", "parsable", "wait", "print-job"};
    int known = 0;

    (void)state;
    for (const struct command_option *o = command_options_sbatch; o->name; o++) {
        bool mine = false;

        for (size_t i = 0; i < sizeof own / sizeof *own; i++)
            mine |= !strcmp(own[i], o->name);
        assert_int_equal(sbatch_values_known(o->name), !mine);
        known += !mine;
    }
    assert_int_equal(known, 21);
}

static void a_script_too_large_is_refused(void **state)
{
    struct arena *a = arena_create(0);
    char *text = calloc(1, SBATCH_MAX + 2);
    struct err e = {0};
    struct sbatch s;

    (void)state;
    assert_non_null(text);
    memset(text, '\n', SBATCH_MAX + 1);
    memcpy(text, "#!/bin/sh", 9);
    sbatch_init(&s, a);
    assert_int_equal(sbatch_read(&s, text, SBATCH_MAX, &e), 0);
    assert_int_equal(sbatch_read(&s, text, SBATCH_MAX + 1, &e), -1);
    assert_non_null(strstr(e.text, "192 KiB"));
    free(text);
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scripts_become_exactly_these_jobs),
        cmocka_unit_test(the_command_line_replaces_the_script),
        cmocka_unit_test(every_option_of_the_table_is_taken_or_of_the_command_line),
        cmocka_unit_test(a_script_too_large_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
