/* SPDX-License-Identifier: MIT
 *
 * The list of nodes that a job avoids: short, the newest last, and the same after a way through JSON.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "jobs/avoid.h"

static void expect(const struct avoid *a, const char *text)
{
    struct buf b;
    buf_init(&b, 1024);
    avoid_text(a, " ", &b);
    assert_string_equal(buf_str(&b), text);
    buf_fini(&b);
}

static void the_oldest_goes_when_there_are_too_many(void **state)
{
    struct avoid a = {.count = 0};
    (void)state;
    avoid_add(&a, "n1");
    avoid_add(&a, "n2");
    avoid_add(&a, "n3");
    expect(&a, "n1 n2 n3");
    avoid_add(&a, "n4");
    expect(&a, "n2 n3 n4");
    assert_false(avoid_has(&a, "n1"));
    assert_true(avoid_has(&a, "n2"));
    assert_false(avoid_has(NULL, "n2"));
}

static void one_that_fails_again_is_the_newest(void **state)
{
    struct avoid a = {.count = 0};
    (void)state;
    avoid_add(&a, "n1");
    avoid_add(&a, "n2");
    avoid_add(&a, "n1");
    expect(&a, "n2 n1");
}

static void the_oldest_are_dropped_first(void **state)
{
    struct avoid a = {.count = 0};
    (void)state;
    avoid_add(&a, "n1");
    avoid_add(&a, "n2");
    avoid_drop(&a, 1);
    expect(&a, "n2");
    avoid_drop(&a, 5);
    expect(&a, "");
}

static void json_and_back(void **state)
{
    struct avoid a = {.count = 0}, b;
    struct buf json;
    (void)state;
    avoid_add(&a, "n 1");
    avoid_add(&a, "\"2\"");
    buf_init(&json, 1024);
    avoid_write(&a, &json);
    avoid_read(&b, buf_str(&json));
    assert_int_equal(b.count, 2);
    assert_string_equal(b.node[0], "n 1");
    assert_string_equal(b.node[1], "\"2\"");
    buf_fini(&json);
}

static void what_is_no_list_of_names_is_none(void **state)
{
    static const char too_long[] = "[\"nnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnnn\"]";
    static const char *const bad[] = {NULL, "", "[", "{}", "[1,null]", too_long};
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct avoid a = {.count = 3};
        avoid_read(&a, bad[i]);
        assert_int_equal(a.count, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_goes_when_there_are_too_many),
        cmocka_unit_test(one_that_fails_again_is_the_newest),
        cmocka_unit_test(the_oldest_are_dropped_first),
        cmocka_unit_test(json_and_back),
        cmocka_unit_test(what_is_no_list_of_names_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
