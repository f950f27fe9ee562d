/* SPDX-License-Identifier: MIT
 *
 * Lists of names in an arena.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/arena.h"
#include "base/names.h"

static void a_list_of_none_ends_too(void **state)
{
    struct names n = {.arena = arena_create(0)};

    (void)state;
    assert_false(names_has(&n, "a"));
    assert_non_null(names_end(&n));
    assert_null(names_end(&n)[0]);
    arena_destroy(n.arena);
}

static void keeps_copies_in_order_and_ends_with_null(void **state)
{
    struct names n = {.arena = arena_create(0)};
    char text[16];

    (void)state;
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "n%d", i);
        assert_int_equal(names_add(&n, text), 0);
        assert_int_equal(n.count, i + 1);
        assert_null(n.list[n.count]);
    }
    const char *const *list = names_end(&n);
    for (int i = 0; i < 1000; i++) {
        snprintf(text, sizeof(text), "n%d", i);
        assert_string_equal(list[i], text);
        assert_true(names_has(&n, text));
    }
    assert_null(list[1000]);
    assert_false(names_has(&n, "n1000"));
    arena_destroy(n.arena);
}

static void says_when_there_is_no_room(void **state)
{
    struct names n = {.arena = arena_create(1024)};
    int added = 0;

    (void)state;
    while (names_add(&n, "twenty bytes of name") == 0)
        added++;
    assert_in_range(added, 1, 60);
    assert_int_equal(n.count, added);
    arena_destroy(n.arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_of_none_ends_too),
        cmocka_unit_test(keeps_copies_in_order_and_ends_with_null),
        cmocka_unit_test(says_when_there_is_no_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
