/* SPDX-License-Identifier: MIT
 *
 * UTF-8: validity, widths, fitting, and making foreign text harmless (reliability.md S24).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

static void every_code_point_round_trips(void **state)
{
    uint32_t cp;

    (void)state;
    for (cp = 0; cp <= 0x110010; cp++) {
        char out[4];
        uint32_t back = 0;
        size_t n = utf8_encode(cp, out);
        bool real = cp <= 0x10ffff && (cp < 0xd800 || cp > 0xdfff);

        assert_int_equal(n > 0, real);
        if (!real)
            continue;
        assert_int_equal(utf8_decode(out, n, &back), n);
        assert_int_equal(back, cp);
        if (n > 1)
            assert_int_equal(utf8_decode(out, n - 1, &back), 0);
    }
}

static void invalid_forms(void **state)
{
    static const char *const bad[] = {
        "\x80",
        "\xbf",
        "\xc0\x80",
        "\xc1\xbf",
        "\xc2",
        "\xc2\x20",
        "\xe0\x80\x80",
        "\xe0\x9f\xbf",
        "\xed\xa0\x80",
        "\xed\xbf\xbf",
        "\xef\xbf",
        "\xf0\x80\x80\x80",
        "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80",
        "\xf5\x80\x80\x80",
        "\xf8\x88\x80\x80\x80",
        "\xfe",
        "\xff",
        "\xc3\xc3\xa4",
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        uint32_t cp;

        assert_false(utf8_valid(bad[i], strlen(bad[i])));
        assert_int_equal(utf8_decode(bad[i], strlen(bad[i]), &cp), 0);
    }
    assert_true(utf8_valid("", 0));
    assert_true(utf8_valid("a\0b", 3));
}

static void widths(void **state)
{
    static const struct {
        const char *text;
        int width;
    } rows[] = {
        {"", 0},
        {"hello", 5},
        {"\xc3\xa4", 1},                                     /* a with dots */
        {"a\xcc\x88", 1},                                    /* a and combining dots */
        {"\xe4\xbd\xa0\xe5\xa5\xbd", 4},                     /* two wide characters */
        {"\xf0\x9f\x98\x80", 2},                             /* emoji */
        {"\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb", 2}, /* woman technologist, one cluster */
        {"\xe2\x9d\xa4\xef\xb8\x8f", 2},                     /* heart in emoji form */
        {"\x1b[0m", 3},                                      /* the control character counts 0 */
        {"\xff", 1},                                         /* shown as U+FFFD */
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        assert_int_equal(utf8_width(rows[i].text, strlen(rows[i].text)), rows[i].width);
}

static void fitting_never_tears(void **state)
{
    static const char text[] = "a\xe4\xbd\xa0"
                               "b\xf0\x9f\x91\xa9\xe2\x80\x8d\xf0\x9f\x92\xbb"
                               "ca\xcc\x88";
    static const struct {
        int columns;
        size_t bytes;
        int used;
    } rows[] = {{0, 0, 0}, {1, 1, 1},  {2, 1, 1},  {3, 4, 3},  {4, 5, 4},
                {5, 5, 4}, {6, 16, 6}, {7, 17, 7}, {8, 20, 8}, {99, 20, 8}};
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        int used = -1;

        assert_int_equal(utf8_fit(text, strlen(text), rows[i].columns, &used), rows[i].bytes);
        assert_int_equal(used, rows[i].used);
    }
    assert_int_equal(utf8_fit("abc", 3, 2, NULL), 2);
}

static void check_safe(const char *in, size_t len, bool newlines, bool tabs, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    assert_int_equal(utf8_safe(&b, in, len, newlines, tabs), 0);
    assert_string_equal(buf_str(&b), want);
    buf_fini(&b);
}

static void foreign_text_is_harmless(void **state)
{
    (void)state;
    check_safe("plain \xc3\xa4", 8, false, false, "plain \xc3\xa4");
    check_safe("\x1b]52;c;x\x07", 9, false, false, "\\x1b]52;c;x\\x07");
    check_safe("a\tb\nc\r", 6, false, false, "a b\\x0ac\\x0d");
    check_safe("a\tb\nc\r", 6, true, true, "a\tb\nc\\x0d");
    check_safe("\x7f\xc2\x9b", 3, false, false, "\\x7f\\x9b");
    check_safe("\xe2\x80\xae"
               "evil",
               7, false, false, "<U+202E>evil");
    check_safe("\xe2\x81\xa6\xd8\x9c\xef\xbb\xbf", 8, false, false, "<U+2066><U+061C><U+FEFF>");
    check_safe("\xff\xc0\x80", 3, false, false, "\\xff\\xc0\\x80");
    check_safe("a\0b", 3, false, false, "a\\x00b");
}

/* Whatever goes in, nothing that moves a cursor comes out. */
static void no_input_gets_through(void **state)
{
    uint32_t seed = 7;
    int round;

    (void)state;
    for (round = 0; round < 2000; round++) {
        char in[64];
        struct buf b;
        size_t i;

        for (i = 0; i < sizeof(in); i++) {
            seed = seed * 1664525u + 1013904223u;
            in[i] = (char)(seed >> 24);
        }
        buf_init(&b, 0);
        assert_int_equal(utf8_safe(&b, in, sizeof(in), false, false), 0);
        assert_true(utf8_valid(b.data, b.len));
        for (i = 0; i < b.len; i++)
            assert_true((unsigned char)b.data[i] >= 0x20 && b.data[i] != 0x7f);
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_code_point_round_trips),
        cmocka_unit_test(invalid_forms),
        cmocka_unit_test(widths),
        cmocka_unit_test(fitting_never_tears),
        cmocka_unit_test(foreign_text_is_harmless),
        cmocka_unit_test(no_input_gets_through),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
