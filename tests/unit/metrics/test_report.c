/* SPDX-License-Identifier: MIT
 *
 * Reports: what is clipped, split by days and ranked, and what is refused.
 */
#include "metrics/report.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"

#define HOUR INT64_C(3600000)
#define DAY REPORT_DAY_MS

static struct report *make(int64_t from, int64_t to, const char *by)
{
    struct report_range range = {.from_ms = from, .to_ms = to, .now_ms = to};
    struct err e = {0};
    struct report *r;

    assert_int_equal(report_keys_parse(by, &range.by, &e), 0);
    r = report_create(&range, &e);
    assert_non_null(r);
    return r;
}

static void use(struct report *r, const char *user, int64_t begin, int64_t end, enum report_outcome outcome)
{
    const struct report_use u = {.key = {"vision", user, "job", "n1", NULL, NULL},
                                 .gpus = 2,
                                 .begin_ms = begin,
                                 .end_ms = end,
                                 .outcome = outcome};
    struct err e = {0};

    assert_int_equal(report_add_use(r, &u, &e), 0);
}

static void job(struct report *r, int64_t submitted, int64_t started, int64_t ended, bool well)
{
    const struct report_job j = {.key = {"vision", "ana", "job", NULL, NULL, NULL},
                                 .submitted_ms = submitted,
                                 .started_ms = started,
                                 .ended_ms = ended,
                                 .succeeded = well};
    struct err e = {0};

    assert_int_equal(report_add_job(r, &j, &e), 0);
}

static void test_time_is_clipped(void **state)
{
    struct report *r = make(10 * HOUR, 20 * HOUR, "vc");
    const struct report_row *const *rows;
    size_t count;

    (void)state;
    use(r, "ana", 0, 11 * HOUR, REPORT_SUCCEEDED);       /* an hour of it */
    use(r, "bo", 19 * HOUR, 0, REPORT_RUNNING);          /* up to now */
    use(r, "bo", 0, 10 * HOUR, REPORT_FAILED);           /* over before */
    use(r, "bo", 20 * HOUR, 21 * HOUR, REPORT_FAILED);   /* not yet begun */
    use(r, "bo", 5 * HOUR, 25 * HOUR, REPORT_PREEMPTED); /* all of it */
    rows = report_rows(r, &count);
    assert_int_equal(count, 1);
    assert_string_equal(rows[0]->key[REPORT_VC], "vision");
    assert_null(rows[0]->key[REPORT_USER]);
    assert_int_equal(rows[0]->gpu_ms[REPORT_SUCCEEDED], 2 * HOUR);
    assert_int_equal(rows[0]->gpu_ms[REPORT_RUNNING], 2 * HOUR);
    assert_int_equal(rows[0]->gpu_ms[REPORT_PREEMPTED], 20 * HOUR);
    assert_int_equal(rows[0]->gpu_ms[REPORT_FAILED], 0);
    assert_int_equal(rows[0]->task_ms, 12 * HOUR);
    assert_memory_equal(rows[0]->gpu_ms, report_total(r)->gpu_ms, sizeof(rows[0]->gpu_ms));
    report_destroy(r);
}

static void test_days_get_their_part(void **state)
{
    struct report *r = make(0, 10 * DAY, "day,user");
    const struct report_row *const *rows;
    size_t count;

    (void)state;
    use(r, "bo", 2 * DAY - HOUR, 4 * DAY + HOUR, REPORT_SUCCEEDED);
    use(r, "ana", 3 * DAY, 3 * DAY + HOUR, REPORT_STOPPED);
    rows = report_rows(r, &count);
    assert_int_equal(count, 5); /* by user first: that is the order of the keys */
    assert_string_equal(rows[0]->key[REPORT_USER], "ana");
    assert_string_equal(rows[0]->key[REPORT_DAY], "1970-01-04");
    assert_string_equal(rows[1]->key[REPORT_DAY], "1970-01-02");
    assert_int_equal(rows[1]->gpu_ms[REPORT_SUCCEEDED], 2 * HOUR);
    assert_int_equal(rows[2]->gpu_ms[REPORT_SUCCEEDED], 2 * DAY);
    assert_int_equal(rows[3]->gpu_ms[REPORT_SUCCEEDED], 2 * DAY);
    assert_int_equal(rows[4]->gpu_ms[REPORT_SUCCEEDED], 2 * HOUR);
    assert_int_equal(report_total(r)->task_ms, 2 * DAY + 3 * HOUR);
    report_destroy(r);
}

static void test_waits_are_by_nearest_rank(void **state)
{
    struct report *r = make(1000, 2000, "");
    const struct report_row *const *rows;
    size_t count;

    (void)state;
    for (int i = 20; i >= 1; i--)
        job(r, 1500 - i, 1500, i % 2 ? 1600 : 2000, i % 4 == 1); /* waited i ms; every other ends too late to count */
    job(r, 0, 999, 1500, true);                                  /* started before */
    job(r, 0, 0, 1500, false);                                   /* never started */
    rows = report_rows(r, &count);
    assert_int_equal(count, 1);
    assert_int_equal(rows[0]->started, 20);
    assert_int_equal(rows[0]->wait_p50, 10);
    assert_int_equal(rows[0]->wait_p95, 19);
    assert_int_equal(rows[0]->ended, 12);
    assert_int_equal(rows[0]->succeeded, 6);
    report_destroy(r);
}

static void test_what_is_no_range_or_key_is_refused(void **state)
{
    const struct report_range none[] = {
        {.from_ms = 5, .to_ms = 5}, {.from_ms = -1, .to_ms = 5}, {.to_ms = (REPORT_DAYS_MAX + 1) * DAY}};
    unsigned by = 0;
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        e = (struct err){0};
        assert_null(report_create(&none[i], &e));
        assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    }
    assert_int_equal(report_keys_parse("user,day", &by, &e), 0);
    assert_int_equal(by, 1u << REPORT_USER | 1u << REPORT_DAY);
    assert_int_equal(report_keys_parse("user,models", &by, &e), -1);
    assert_int_equal(report_keys_parse("use", &by, &e), -1);
}

static void test_rows_are_bounded(void **state)
{
    struct report *r = make(0, HOUR, "user");
    struct report_use u = {.key = {"v", NULL, "j", "n", NULL}, .gpus = 1, .end_ms = 1};
    struct err e = {0};
    char name[32];

    (void)state;
    u.key[REPORT_USER] = name;
    for (int i = 0; i < REPORT_ROWS_MAX; i++) {
        (void)snprintf(name, sizeof(name), "u%d", i);
        assert_int_equal(report_add_use(r, &u, &e), 0);
    }
    (void)snprintf(name, sizeof(name), "one more");
    assert_int_equal(report_add_use(r, &u, &e), -1);
    assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    report_destroy(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_time_is_clipped),           cmocka_unit_test(test_days_get_their_part),
        cmocka_unit_test(test_waits_are_by_nearest_rank), cmocka_unit_test(test_what_is_no_range_or_key_is_refused),
        cmocka_unit_test(test_rows_are_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
