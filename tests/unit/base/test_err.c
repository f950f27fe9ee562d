/* SPDX-License-Identifier: MIT
 *
 * Errors: the table is whole, texts are cut at UTF-8 boundaries, wrapping keeps code and place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "base/err.h"
#include "base/utf8.h"

static void table_is_whole(void **state)
{
    enum err_code code;

    (void)state;
    for (code = ERR_NONE + 1; code < ERR_COUNT; code++) {
        assert_true(strlen(err_name(code)) > 5);
        assert_string_equal(err_name(code) + strlen(err_name(code)) - 5, "Error");
        assert_in_range(err_status(code), 400, 599);
        assert_true(err_title(code)[0] != '\0');
        if (code != ERR_INTERNAL)
            assert_string_not_equal(err_name(code), "UnknownError");
    }
    assert_int_equal(err_status(ERR_NONE), 200);
    assert_string_equal(err_name((enum err_code)999), "UnknownError");
    assert_int_equal(err_status((enum err_code) - 1), 500);
}

static void wire_names(void **state)
{
    (void)state;
    assert_string_equal(err_name(ERR_NO_JOB), "NoJobError");
    assert_int_equal(err_status(ERR_NO_JOB), 404);
    assert_string_equal(err_name(ERR_NO_VC_BAD), err_name(ERR_NO_VC));
    assert_int_equal(err_status(ERR_NO_VC_BAD), 400);
    assert_int_equal(err_status(ERR_INCORRECT_PASSWORD), 400);
    assert_int_equal(err_status(ERR_NO_SPACE), 507);
    assert_int_equal(err_status(ERR_BUSY), 503);
}

static void set_clears_the_place(void **state)
{
    struct err e = {0};

    (void)state;
    assert_int_equal(err_set(&e, ERR_NO_JOB, "no job %s~%d", "ada", 7), -1);
    assert_int_equal(err_at(&e, 3, 9), -1);
    assert_int_equal(err_pointer(&e, "/a/b"), -1);
    assert_string_equal(e.text, "no job ada~7");
    assert_int_equal(e.line, 3);
    assert_int_equal(e.column, 9);
    assert_string_equal(e.pointer, "/a/b");
    err_set(&e, ERR_NO_USER, "other");
    assert_int_equal(e.line, 0);
    assert_string_equal(e.pointer, "");
    err_pointer(&e, NULL);
    assert_string_equal(e.pointer, "");
}

static void null_is_accepted(void **state)
{
    (void)state;
    assert_int_equal(err_set(NULL, ERR_NO_JOB, "x"), -1);
    assert_int_equal(err_at(NULL, 1, 1), -1);
    assert_int_equal(err_pointer(NULL, "/"), -1);
    assert_int_equal(err_wrap(NULL, "x"), -1);
    assert_int_equal(err_errno(NULL, ENOENT, "x"), -1);
}

static void long_texts_are_cut_whole(void **state)
{
    struct err e = {0};
    char text[2048];
    size_t shift;

    (void)state;
    for (shift = 0; shift < 4; shift++) {
        size_t i;

        memset(text, 'a', shift);
        for (i = shift; i + 4 < sizeof(text); i += 4)
            memcpy(text + i, "\xf0\x9f\x98\x80", 4);
        text[i] = '\0';
        err_set(&e, ERR_INTERNAL, "%s", text);
        assert_true(utf8_valid(e.text, strlen(e.text)));
        assert_in_range(strlen(e.text), sizeof(e.text) - 4, sizeof(e.text) - 1);
        err_wrap(&e, "prefix");
        assert_true(utf8_valid(e.text, strlen(e.text)));
        assert_memory_equal(e.text, "prefix: ", 8);
    }
}

static void wrap_keeps_code_and_place(void **state)
{
    struct err e = {0};

    (void)state;
    err_set(&e, ERR_INVALID_PROTOCOL, "bad value");
    err_at(&e, 4, 2);
    err_wrap(&e, "task role %s", "ps");
    assert_string_equal(e.text, "task role ps: bad value");
    assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
    assert_int_equal(e.line, 4);
    /* The text may be its own argument. */
    err_set(&e, ERR_BUSY, "again: %s", e.text);
    assert_string_equal(e.text, "again: task role ps: bad value");
}

static void errno_codes(void **state)
{
    struct err e = {0};

    (void)state;
    err_errno(&e, ENOENT, "cannot open %s", "x");
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_string_equal(e.text, "cannot open x: No such file or directory");
    err_errno(&e, ENOSPC, "cannot write");
    assert_int_equal(e.code, ERR_NO_SPACE);
    err_errno(&e, EDQUOT, "cannot write");
    assert_int_equal(e.code, ERR_NO_SPACE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_whole),
        cmocka_unit_test(wire_names),
        cmocka_unit_test(set_clears_the_place),
        cmocka_unit_test(null_is_accepted),
        cmocka_unit_test(long_texts_are_cut_whole),
        cmocka_unit_test(wrap_keeps_code_and_place),
        cmocka_unit_test(errno_codes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
