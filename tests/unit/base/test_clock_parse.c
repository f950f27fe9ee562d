/* SPDX-License-Identifier: MIT
 *
 * Times of RFC 3339: what passes, to the millisecond, and what does not.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock_parse.h"

static void times_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } of[] = {
        {"1970-01-01T00:00:00Z", 0},
        {"2026-11-28T18:12:00Z", INT64_C(1795889520000)},
        {"2026-11-28T18:12:00.123456789Z", INT64_C(1795889520123)},
        {"2026-11-28t18:12:00.5z", INT64_C(1795889520500)},
        {"2026-11-28T19:42:00+01:30", INT64_C(1795889520000)},
        {"2026-11-28T10:12:00-08:00", INT64_C(1795889520000)},
        {"2024-02-29T00:00:00Z", INT64_C(1709164800000)},
        {"2016-12-31T23:59:60Z", INT64_C(1483228800000)},
    };
    (void)state;
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        int64_t ms = -1;
        if (clock_parse(of[i].text, &ms))
            fail_msg("%s", of[i].text);
        assert_int_equal(ms, of[i].ms);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    static const char *const bad[] = {"",
                                      "2026",
                                      "2026-11-28",
                                      "2026-11-28T18:12Z",
                                      "2026-11-28T18:12:00",
                                      "2026-13-28T18:12:00Z",
                                      "2026-02-30T18:12:00Z",
                                      "2026-11-28T24:00:00Z",
                                      "2026-11-28T18:60:00Z",
                                      "2026-11-28T18:12:00.Z",
                                      "2026-11-28T18:12:00+1:00",
                                      "2026-11-28T18:12:00+0100",
                                      "2026-11-28T18:12:00Z ",
                                      "1969-12-31T23:59:59Z",
                                      "1970-01-01T00:00:00+01:00",
                                      "+026-11-28T18:12:00Z"};
    int64_t ms;
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!clock_parse(bad[i], &ms))
            fail_msg("%s", bad[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
