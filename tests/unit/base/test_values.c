/* SPDX-License-Identifier: MIT
 *
 * Clock, ids and numbers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <float.h>
#include <locale.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock_steady.h"
#include "base/id.h"
#include "base/num.h"

static void iso_known_moments(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } moments[] = {
        {0, "1970-01-01T00:00:00.000Z"},
        {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
        {INT64_C(1709251199999), "2024-02-29T23:59:59.999Z"},
        {INT64_C(4102444800000), "2100-01-01T00:00:00.000Z"},
        {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {INT64_C(-62135596800000), "0001-01-01T00:00:00.000Z"},
        {INT64_MIN, "0000-01-01T00:00:00.000Z"},
        {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(moments) / sizeof(moments[0]); i++) {
        char out[CLOCK_ISO_SIZE];

        clock_iso(moments[i].ms, out);
        assert_string_equal(out, moments[i].text);
    }
}

static void iso_agrees_with_the_library(void **state)
{
    int64_t ms;

    (void)state;
    for (ms = INT64_C(-2208988800000); ms < INT64_C(7258118400000); ms += INT64_C(86399000) * 3 + 137) {
        char out[CLOCK_ISO_SIZE], want[64];
        time_t t = (time_t)((ms - (ms % 1000 + 1000) % 1000) / 1000);
        struct tm tm;

        clock_iso(ms, out);
        assert_non_null(gmtime_r(&t, &tm));
        assert_true(strftime(want, sizeof(want), "%Y-%m-%dT%H:%M:%S", &tm) == 19);
        assert_memory_equal(out, want, 19);
    }
}

static void a_steady_clock_never_goes_back(void **state)
{
    struct clock_steady c = {.wall = 5000};
    int64_t before = 0;

    (void)state;
    assert_int_equal(clock_steady_next(&c, (struct clock_now){.wall = 1000, .mono = 10}).wall, 5000);
    assert_int_equal(clock_steady_next(&c, (struct clock_now){.wall = 6000, .mono = 20}).wall, 6000);
    /* An hour back: half speed, read every millisecond, until the machine's clock has caught up. */
    for (int64_t ms = 1; ms <= 3000; ms++) {
        struct clock_now now = {.wall = 5000 + ms, .mono = 20 + ms};
        int64_t wall = clock_steady_next(&c, now).wall;

        assert_true(wall >= before && wall >= now.wall);
        before = wall;
        if (ms == 1000)
            assert_int_equal(wall, 6500);
    }
    assert_int_equal(before, 8000);
    assert_int_equal(clock_steady_next(&c, (struct clock_now){.wall = 90000, .mono = 3021}).wall, 90000);
}

static void clocks_go_on(void **state)
{
    struct clock_now a = clock_read(), b = clock_read();

    (void)state;
    assert_true(a.wall > INT64_C(1600000000000));
    assert_true(a.mono > 0);
    assert_true(b.mono >= a.mono);
}

static void ids_are_version_7(void **state)
{
    char a[ID_SIZE], b[ID_SIZE];
    int i;

    (void)state;
    for (i = 0; i < 1000; i++) {
        id_make(INT64_C(1700000000000) + i, a);
        id_make(INT64_C(1700000000001) + i, b);
        assert_true(id_valid(a));
        assert_int_equal(a[14], '7');
        assert_non_null(strchr("89ab", a[19]));
        assert_true(strcmp(a, b) < 0);
    }
    id_make(INT64_C(0x0123456789ab), a);
    assert_memory_equal(a, "01234567-89ab-7", 15);
}

static void ids_are_checked(void **state)
{
    static const char *const bad[] = {
        "",
        "0",
        "01234567-89ab-7def-8123-456789abcde",
        "01234567-89ab-7def-8123-456789abcdef0",
        "01234567-89AB-7def-8123-456789abcdef",
        "01234567089ab-7def-8123-456789abcdef",
        "01234567-89ab-7def-8123-456789abcdeg",
        "01234567-89ab-7def-8123/456789abcdef",
        "../../../../../../../../../../etc/x",
    };
    size_t i;

    (void)state;
    assert_true(id_valid("01234567-89ab-7def-8123-456789abcdef"));
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(id_valid(bad[i]));
}

static void random_hex(void **state)
{
    char a[33], b[33];

    (void)state;
    memset(a, 'x', sizeof(a));
    id_random_hex(a, 16);
    id_random_hex(b, 16);
    assert_int_equal(strlen(a), 32);
    assert_int_equal(strspn(a, "0123456789abcdef"), 32);
    assert_string_not_equal(a, b);
}

static void numbers_survive(void **state)
{
    static const double values[] = {0.0,    -0.0, 1.0,         -1.5, 0.1,     1.0 / 3.0, 1e300,
                                    5e-324, 1e21, 123456789.0, 2.5,  DBL_MAX, DBL_MIN,   9007199254740993.0};
    char out[NUM_SIZE];
    double back;
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
        num_format(values[i], out);
        assert_int_equal(num_parse(out, strlen(out), &back), 0);
        assert_memory_equal(&back, &values[i], sizeof(back));
    }
    num_format(0.1, out);
    assert_string_equal(out, "0.1");
    assert_int_equal(num_parse("1e400", 5, &back), -1);
    assert_int_equal(num_parse("1.5xyz", 3, &back), 0);
    assert_true(back > 1.4 && back < 1.6);
}

/* Runs the tests above again where the decimal point is a comma, if such a locale is installed. */
static void numbers_ignore_the_locale(void **state)
{
    static const char *const names[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "C"};
    size_t i = 0;

    while (!setlocale(LC_NUMERIC, names[i]))
        i++;
    numbers_survive(state);
    assert_non_null(setlocale(LC_NUMERIC, "C"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(iso_known_moments),
        cmocka_unit_test(iso_agrees_with_the_library),
        cmocka_unit_test(a_steady_clock_never_goes_back),
        cmocka_unit_test(clocks_go_on),
        cmocka_unit_test(ids_are_version_7),
        cmocka_unit_test(ids_are_checked),
        cmocka_unit_test(random_hex),
        cmocka_unit_test(numbers_survive),
        cmocka_unit_test(numbers_ignore_the_locale),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
