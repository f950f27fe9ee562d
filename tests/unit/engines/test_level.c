/* SPDX-License-Identifier: MIT
 *
 * The ladder of isolation: what a site allows, what meets a requirement, what is shown.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "engines/local/level.h"

static void test_site_allows_at_most(void **state)
{
    unsigned g = 0;

    (void)state;
    assert_int_equal(level_allowed(NULL, &g), 0);
    assert_int_equal(g, LEVEL_ALL);
    assert_int_equal(level_allowed("rlimits", &g), 0);
    assert_int_equal(g & (LEVEL_CGROUP1 | LEVEL_CGROUP2 | LEVEL_NAMESPACES | LEVEL_DEVICES), 0);
    assert_true(g & LEVEL_USERS); /* a lower level never makes tasks run as somebody else */
    assert_int_equal(level_allowed("cgroups", &g), 0);
    assert_true((g & LEVEL_CGROUP1) && !(g & LEVEL_NAMESPACES));
    assert_int_equal(level_allowed("best", &g), -1);
}

static void test_requirement_is_met_or_not(void **state)
{
    static const struct {
        unsigned guards;
        const char *required;
        bool met;
    } cases[] = {
        {0, NULL, true},
        {0, "rlimits", true},
        {0, "cgroups", false},
        {LEVEL_CGROUP1, "cgroups", true},
        {LEVEL_CGROUP2, "cgroups", true},
        {LEVEL_NAMESPACES, "cgroups", false},
        {LEVEL_NAMESPACES, "namespaces", true},
        {LEVEL_NAMESPACES, "full", false},
        {LEVEL_CGROUP2, "full", false},
        {LEVEL_CGROUP1 | LEVEL_NAMESPACES, "full", true},
        {LEVEL_ALL, "something else", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
        assert_int_equal(level_meets(cases[i].guards, cases[i].required), cases[i].met);
}

static void test_text_names_what_stands_between(void **state)
{
    char text[LEVEL_TEXT_MAX];

    (void)state;
    level_text(0, text);
    assert_string_equal(text, "rlimits");
    level_text(LEVEL_USERS, text);
    assert_string_equal(text, "rlimits+users");
    level_text(LEVEL_ALL & ~(unsigned)LEVEL_CGROUP2, text);
    assert_string_equal(text, "cgroup1+namespaces+users");
    level_text(LEVEL_NAMESPACES | LEVEL_USERNS, text);
    assert_string_equal(text, "namespaces");
}

static void test_image_is_entered_by_one_program(void **state)
{
    (void)state;
    assert_int_equal(level_of_task(LEVEL_ALL, true) & (LEVEL_RUNC | LEVEL_BWRAP), LEVEL_RUNC);
    assert_int_equal(level_of_task(LEVEL_BWRAP | LEVEL_NAMESPACES, true), LEVEL_BWRAP | LEVEL_NAMESPACES);
    assert_int_equal(level_of_task(LEVEL_ALL, false) & (LEVEL_RUNC | LEVEL_BWRAP), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_site_allows_at_most),
        cmocka_unit_test(test_requirement_is_met_or_not),
        cmocka_unit_test(test_text_names_what_stands_between),
        cmocka_unit_test(test_image_is_entered_by_one_program),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
