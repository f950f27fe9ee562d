/* SPDX-License-Identifier: MIT
 *
 * Ends and logs, and what the shipped catalogue makes of them; how places in a log weigh; what is stored of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "jobs/diagnosis.h"

struct fixture {
    struct exit_catalogue *catalogue;
    struct pattern_scratch *scratch;
};

static int set_up(void **state)
{
    static struct fixture f;
    struct err e = {0};

    f.catalogue = exit_catalogue_shipped(&e);
    f.scratch = pattern_scratch_create();
    *state = &f;
    return f.catalogue && f.scratch ? 0 : -1;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    exit_catalogue_destroy(f->catalogue);
    pattern_scratch_destroy(f->scratch);
    return 0;
}

/* The diagnosis of an end with such logs. */
static struct diagnosis of(void **state, int code, const char *out, const char *err)
{
    struct fixture *f = *state;
    struct log_text logs[EXIT_STREAM_STDERR + 1] = {{0}};
    struct diagnosis d;

    assert_int_equal(log_text_init(&logs[EXIT_STREAM_STDOUT], out, strlen(out), 0), 0);
    assert_int_equal(log_text_init(&logs[EXIT_STREAM_STDERR], err, strlen(err), 0), 0);
    const struct diagnosis_end end = {.code = code, .logs = logs};
    assert_int_equal(diagnosis_make(f->catalogue, f->scratch, &end, &d), 0);
    log_text_fini(&logs[EXIT_STREAM_STDOUT]);
    log_text_fini(&logs[EXIT_STREAM_STDERR]);
    return d;
}

static void expect(void **state, int code, const char *log, const char *phrase, const char *proof)
{
    struct diagnosis d = of(state, code, "", log);

    if (strcmp(d.best.entry->phrase, phrase) != 0)
        fail_msg("%s instead of %s for: %s", d.best.entry->phrase, phrase, log);
    if (proof)
        assert_non_null(strstr(d.best.proof.text, proof));
    else
        assert_int_equal(d.best.proof.stream, EXIT_STREAM_ANY);
}

static void statuses_and_signals(void **state)
{
    expect(state, 139, "", "ContainerSigSegvReceived", NULL);
    expect(state, 137, "", "ContainerSigKillReceived", NULL);
    expect(state, 3, "", "UserCommandFailed", NULL);
    expect(state, 226, "", "UserCommandFailed", NULL); /* a command's own status, whatever the catalogue calls 226 */
    expect(state, -1200, "", "UserContainerDockerOOMKilled", NULL);
    expect(state, 127, "./run: 3: trainn: not found\n", "UserCommandNotFound", "trainn");
}

#define TRACE "Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    f()\n"

static void the_last_traceback_counts(void **state)
{
    expect(state, 1, TRACE "RuntimeError: CUDA out of memory. Tried to allocate 2.00 GiB\n", "ContainerCudaOOMKilled",
           "CUDA out of memory");
    expect(state, 1, TRACE "RuntimeError: CUDA out of memory.\nsmaller now\n" TRACE "KeyError: 'lr'\n", "KeyMissing",
           "KeyError: 'lr'");
    expect(state, 1,
           TRACE "ModuleNotFoundError: No module named 'numpy'\n\nDuring handling of the above exception, another "
                 "exception occurred:\n\n" TRACE "RuntimeError: no backend\n",
           "ContainerImportError", "numpy");
}

static void who_went_on_has_got_over_it(void **state)
{
    char log[8192] = "";
    size_t n = 0;

    for (int i = 0; i < 40; i++) {
        n += (size_t)snprintf(log + n, sizeof log - n, "step %d loss %d.5\n", i, 100 - i);
        if (i == 20)
            n += (size_t)snprintf(log + n, sizeof log - n, "RuntimeError: CUDA out of memory, batch halved\n");
    }
    struct diagnosis d = of(state, 3, "", log);
    struct diagnosis retried = of(state, 3, "", "CUDA out of memory: caught, retrying with a smaller batch\nend\n");
    assert_int_not_equal(d.best.entry->code, 226);
    assert_int_not_equal(retried.best.entry->code, 226);
    assert_int_equal(d.next[0].entry->code, 226); /* it is told all the same */
}

static void lines_are_found_through_colours_and_progress(void **state)
{
    struct diagnosis d =
        of(state, 1, "", " 10%\r 20%\r\x1b[31mRuntimeError\x1b[0m: mat1 and mat2 shapes cannot be multiplied (4x5)\n");

    assert_string_equal(d.best.entry->phrase, "ContainerIncorrectDataModelError");
    assert_int_equal(d.best.proof.offset, 10);
    assert_string_equal(d.best.proof.text, "RuntimeError: mat1 and mat2 shapes cannot be multiplied (4x5)");
}

static void a_match_does_not_leave_its_line(void **state)
{
    expect(state, 1, "the GPU gave Xid\n79 lines follow\n", "UserCommandFailed", NULL);
    expect(state, 1, "\n\n   KeyError: 'a'\n", "KeyMissing", "KeyError: 'a'");
}

static void likely_words_do_not_decide_on_retries(void **state)
{
    struct fixture *f = *state;
    struct exit_verdict v;
    struct diagnosis sure = of(state, 1, "", TRACE "ModuleNotFoundError: No module named 'numpy'\n");
    struct diagnosis likely = of(state, 1, "", "ValueError: too many values\n");

    diagnosis_verdict(f->catalogue, 1, &sure, &v);
    assert_int_equal(v.reaction, EXIT_NEVER_RETRY);
    assert_true(v.from_log);
    diagnosis_verdict(f->catalogue, 1, &likely, &v);
    assert_string_equal(v.phrase, "ValueInvalid");
    assert_int_equal(v.reaction, EXIT_RETRY_TO_MAX);
}

static void it_is_stored_whole_and_small(void **state)
{
    char line[8000];
    struct buf out;

    memset(line, '\xff', sizeof line - 1); /* no UTF-8 */
    memcpy(line, "KeyError: ", 10);
    line[sizeof line - 1] = '\0';
    struct diagnosis d = of(state, 1, "No space left on device", line);
    buf_init(&out, DIAGNOSIS_BYTES);
    diagnosis_write(&d, &out);
    assert_false(out.bad);
    cJSON *o = json_parse(out.data, out.len, 0, NULL);
    assert_non_null(o);
    const cJSON *spec = cJSON_GetObjectItemCaseSensitive(o, "spec");
    assert_string_equal(cJSON_GetObjectItemCaseSensitive(spec, "phrase")->valuestring, "DiskFull");
    assert_true(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(o, "next")) >= 1);
    cJSON_Delete(o);
    buf_fini(&out);
}

static void hostile_logs_take_no_time(void **state)
{
    static char log[LOG_TEXT_MAX];

    /* a bytes that nearly fit many expressions, without an end of line */
    for (size_t i = 0; i + 8 < sizeof log; i += 8)
        memcpy(log + i, "Error: a", 8);
    (void)of(state, 1, "", log);
    memset(log, '(', sizeof log - 1);
    (void)of(state, 1, log, log);
    memset(log, '\n', sizeof log - 1);
    (void)of(state, 1, log, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(statuses_and_signals),
        cmocka_unit_test(the_last_traceback_counts),
        cmocka_unit_test(who_went_on_has_got_over_it),
        cmocka_unit_test(lines_are_found_through_colours_and_progress),
        cmocka_unit_test(a_match_does_not_leave_its_line),
        cmocka_unit_test(likely_words_do_not_decide_on_retries),
        cmocka_unit_test(it_is_stored_whole_and_small),
        cmocka_unit_test(hostile_logs_take_no_time),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
