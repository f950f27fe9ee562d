/* SPDX-License-Identifier: MIT
 *
 * The mask of secrets: wherever a value stands, also cut, overlapping itself, or with lines of its own.
 */
#include "jobs/secret_mask.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

static const char secrets[] =
    "word: hush\nover: abcab\nkey: \"first line\\nsecond line\\nx\\n\"\ndeep: {list: [' spaced '], "
    "none: ~, empty: ''}\n";

static void expect_of(const char *yaml, const char *text, bool cut, const char *shown)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct secret_mask *m = secret_mask_create(a, yaml, strlen(yaml), &e);
    struct buf out;

    assert_non_null(m);
    buf_init(&out, 0);
    assert_int_equal(secret_mask_add(m, text, strlen(text), cut, &out), 0);
    assert_string_equal(buf_str(&out), shown);
    buf_fini(&out);
    secret_mask_wipe(m);
    arena_destroy(a);
}

static void expect(const char *text, const char *shown)
{
    expect_of(secrets, text, false, shown);
}

static void a_value_is_taken_out_wherever_it_stands(void **state)
{
    (void)state;
    expect("hush", "******");
    expect("a hush b", "a ****** b");
    expect("--token=hush,x hushhush", "--token=******,x ******");
    expect("Hush hus ush hu sh", "Hush hus ush hu sh");
    expect("", "");
    expect("spaced", "******");
}

static void overlaps_leave_nothing(void **state)
{
    (void)state;
    expect("abcabcab", "******");
    expect("xabcabcabcabcx", "x******cx");
    expect("ababcab", "ab******");
}

static void a_value_with_lines_goes_whole_and_by_line(void **state)
{
    (void)state;
    expect("k first line\nsecond line\nx", "k ******");
    expect("k first line\nx\nsecond line", "k ******\nx\n******");
}

/* The beginning of a value at the end of a text that was cut is the value's. */
static void a_cut_value_is_taken_out(void **state)
{
    (void)state;
    expect_of(secrets, "tok=hus", true, "tok=******");
    expect_of(secrets, "tok=hus", false, "tok=hus");
    expect_of(secrets, "tok=hust", true, "tok=hust");
    expect_of(secrets, "xabcabca", true, "x******");
}

static void what_is_no_secret_of_the_job_goes_too(void **state)
{
    (void)state;
    expect("curl https://me:pw@host/a:b@c http://host:80/@x", "curl https://me:******@host/a:b@c http://host:80/@x");
    expect("Bearer eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJ1IjoiYSJ9.c2ln end", "Bearer ****** end");
    expect("eyJshort.a", "eyJshort.a");
}

static void without_secrets_text_stays(void **state)
{
    (void)state;
    expect_of("", "hush abcab\n", true, "hush abcab\n");
}

static void names_are_told(void **state)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    const struct secret_mask *m = secret_mask_create(a, secrets, strlen(secrets), &e);
    size_t count;
    const char *const *names = secret_mask_names(m, &count);

    (void)state;
    assert_int_equal(count, 4);
    assert_string_equal(names[0], "word");
    assert_string_equal(names[3], "deep");
    assert_int_equal(secret_mask_longest(m), strlen("first line\nsecond line\nx"));
    arena_destroy(a);
}

/* Deny by default: more values than are looked for, or secrets that cannot be read. */
static void too_many_hide_everything(void **state)
{
    struct arena *a = arena_create(0);
    struct buf yaml, out;

    (void)state;
    buf_init(&yaml, 0);
    buf_init(&out, 0);
    for (int i = 0; i <= SECRET_MASK_VALUES; i++)
        buf_addf(&yaml, "s%d: value-%d\n", i, i);
    expect_of(buf_str(&yaml), "anything at all", false, "******");
    assert_int_equal(secret_mask_add(secret_mask_all(a), "anything", 8, false, &out), 0);
    assert_string_equal(buf_str(&out), "******");
    buf_fini(&out);
    buf_fini(&yaml);
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_value_is_taken_out_wherever_it_stands),
        cmocka_unit_test(overlaps_leave_nothing),
        cmocka_unit_test(a_value_with_lines_goes_whole_and_by_line),
        cmocka_unit_test(a_cut_value_is_taken_out),
        cmocka_unit_test(what_is_no_secret_of_the_job_goes_too),
        cmocka_unit_test(without_secrets_text_stays),
        cmocka_unit_test(names_are_told),
        cmocka_unit_test(too_many_hide_everything),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
