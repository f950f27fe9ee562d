/* SPDX-License-Identifier: MIT
 *
 * The JSON gate (reliability.md S3 and fact 5), the typed look-ups and the writer.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <math.h>

#include "base/json.h"
#include "tests/unit/base/corpus.h"

static bool accepts(const char *text, size_t len)
{
    struct err e = {0};
    cJSON *v = json_parse(text, len, 0, &e);
    bool ok = v != NULL;

    if (!ok && (e.code != ERR_INVALID_PARAMETERS || e.line < 1 || e.column < 1))
        (void)printf("refused without a place: %s\n", e.text);
    cJSON_Delete(v);
    return ok;
}

static void corpus_is_judged_right(void **state)
{
    (void)state;
    assert_true(corpus_walk("json", accepts) >= 140);
}

static void places_are_exact(void **state)
{
    static const struct {
        const char *text;
        int line, column;
        const char *what;
    } rows[] = {
        {"", 1, 1, "unexpected end"},          {"{\n  \"a\": 1,\n  \"a\": 2\n}", 3, 3, "duplicate key"},
        {"[1,\n\n 02]", 3, 2, "leading zero"}, {"[\"\xc3\xa4\xc3\xa4\", x]", 1, 8, "expected a value"},
        {"\"abc", 1, 1, "without an end"},     {"\"ab\\ud800\"", 1, 4, "surrogate"},
        {"\"ab\\u0000\"", 1, 4, "NUL"},        {"{} x", 1, 4, "after the value"},
        {"1e999", 1, 1, "out of range"},       {"[1 2]", 1, 4, "expected ','"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct err e = {0};

        assert_null(json_parse(rows[i].text, strlen(rows[i].text), 0, &e));
        assert_int_equal(e.line, rows[i].line);
        assert_int_equal(e.column, rows[i].column);
        assert_non_null(strstr(e.text, rows[i].what));
    }
}

static void size_is_capped(void **state)
{
    struct err e = {0};
    cJSON *v;

    (void)state;
    assert_null(json_parse("[1, 2]", 6, 5, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    v = json_parse("[1, 2]", 6, 6, &e);
    assert_non_null(v);
    cJSON_Delete(v);
}

/* Repeats `unit` up to 1 MiB and parses that; the time must be that of a linear pass. */
static void check_flood(const char *start, const char *unit, const char *end, bool valid)
{
    struct buf b;
    double before;

    buf_init(&b, 0);
    buf_adds(&b, start);
    while (b.len + strlen(unit) + strlen(end) <= JSON_MAX_BYTES)
        buf_adds(&b, unit);
    buf_adds(&b, end);
    before = corpus_cpu_ms();
    assert_int_equal(accepts(b.data, b.len), valid);
    /* CPU time: milliseconds in a release build, seconds if it were quadratic. */
    assert_true(corpus_cpu_ms() - before < 1000 * TEST_TIME_SCALE);
    buf_fini(&b);
}

static void floods_are_linear(void **state)
{
    struct buf b;
    double before;
    int i;

    (void)state;
    check_flood("", "[", "", false);
    check_flood("", "{\"a\":", "", false);
    check_flood("[", "0,", "0]", false); /* 500,000 values would cost 40 MB */
    check_flood("[", "[],", "0]", false);
    check_flood("[", "1.2345678901234567e+10,", "0]", true);
    check_flood("\"", "\\u00e4", "\"", true);
    check_flood("\"", "\\ud83d\\ude00", "\"", true);
    check_flood("", " ", "1", true);
    check_flood("", "9", "", false);
    check_flood("{\"", "\\u0061", "\":1}", true);
    check_flood("[", "{\"name\":\"ada\",\"count\":22,\"c\":333333},", "0]", true);
    buf_init(&b, 0);
    buf_addc(&b, '{');
    for (i = 0; b.len < JSON_MAX_BYTES - 40; i++)
        buf_addf(&b, "\"key\\u0030%d\":1,", i);
    buf_adds(&b, "\"z\":1}");
    before = corpus_cpu_ms();
    assert_true(accepts(b.data, b.len));
    assert_true(corpus_cpu_ms() - before < 1000 * TEST_TIME_SCALE);
    buf_fini(&b);
}

static void every_prefix_is_refused(void **state)
{
    static const char text[] = "{\"a\":[1,-2.5e+3,true,false,null,\"x\\n\\ud83d\\ude00\xc3\xa4\"],\"b\":{}}";
    size_t n;

    (void)state;
    assert_true(accepts(text, sizeof(text) - 1));
    for (n = 0; n < sizeof(text) - 1; n++)
        assert_false(accepts(text, n));
}

static void lookups_are_typed(void **state)
{
    static const char text[] =
        "{\"s\":\"x\",\"i\":42,\"f\":1.5,\"b\":true,\"n\":null,\"big\":9007199254740994,\"neg\":-9007199254740992}";
    struct err e = {0};
    cJSON *o = json_parse(text, sizeof(text) - 1, 0, &e);
    const char *s = "fallback";
    int64_t i = 7;
    bool b = false;

    (void)state;
    assert_non_null(o);
    assert_int_equal(json_get_string(o, "S", &s, &e), 0);
    assert_string_equal(s, "fallback");
    assert_int_equal(json_get_string(o, "s", &s, &e), 0);
    assert_string_equal(s, "x");
    assert_int_equal(json_get_string(o, "i", &s, &e), -1);
    assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    assert_string_equal(e.pointer, "/i");
    assert_int_equal(json_get_string(o, "n", &s, &e), -1);
    assert_int_equal(json_get_int(o, "absent", &i, &e), 0);
    assert_int_equal(i, 7);
    assert_int_equal(json_get_int(o, "i", &i, &e), 0);
    assert_int_equal(i, 42);
    assert_int_equal(json_get_int(o, "neg", &i, &e), 0);
    assert_true(i == -INT64_C(9007199254740992));
    assert_int_equal(json_get_int(o, "f", &i, &e), -1);
    assert_int_equal(json_get_int(o, "big", &i, &e), -1);
    assert_int_equal(json_get_int(o, "s", &i, &e), -1);
    assert_int_equal(json_get_bool(o, "b", &b, &e), 0);
    assert_true(b);
    assert_int_equal(json_get_bool(o, "i", &b, &e), -1);
    assert_int_equal(json_get_bool(o, "absent", &b, &e), 0);
    cJSON_Delete(o);
}

static void unknown_members_are_refused(void **state)
{
    static const char *const keys[] = {"a", "b~/c", NULL};
    struct err e = {0};
    cJSON *o = json_parse("{\"a\":1,\"b~/c\":2}", 16, 0, &e);
    cJSON *bad = json_parse("{\"a\":1,\"x~/y\":2}", 16, 0, &e);
    cJSON *list = json_parse("[]", 2, 0, &e);

    (void)state;
    assert_int_equal(json_only_keys(o, keys, &e), 0);
    assert_int_equal(json_only_keys(bad, keys, &e), -1);
    assert_string_equal(e.pointer, "/x~0~1y");
    assert_int_equal(json_only_keys(list, keys, &e), -1);
    assert_int_equal(json_only_keys(NULL, keys, NULL), -1);
    cJSON_Delete(o);
    cJSON_Delete(bad);
    cJSON_Delete(list);
}

static void writer_writes(void **state)
{
    struct json_out j;
    struct buf b;

    (void)state;
    buf_init(&b, 0);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_kstring(&j, "s", "a\"\\\b\f\n\r\t\x01\x7f\xc3\xa4\xff\xed\xa0\x80");
    json_out_kstring(&j, "none", NULL);
    json_out_kint(&j, "i", INT64_MIN);
    json_out_kbool(&j, "t", true);
    json_out_ktime(&j, "at", 5);
    json_out_ktime(&j, "never", 0);
    json_out_key(&j, "list");
    json_out_array(&j);
    json_out_double(&j, 0.1);
    json_out_double(&j, NAN);
    json_out_double(&j, INFINITY);
    json_out_array(&j);
    json_out_array_end(&j);
    json_out_object(&j);
    json_out_object_end(&j);
    json_out_raw(&j, "{\"r\":1}");
    json_out_string_n(&j, "abc", 2);
    json_out_bool(&j, false);
    json_out_null(&j);
    json_out_array_end(&j);
    json_out_key(&j, "k\n");
    json_out_int(&j, 1);
    json_out_object_end(&j);
    assert_false(b.bad);
    assert_string_equal(
        buf_str(&b),
        "{\"s\":\"a\\\"\\\\\\b\\f\\n\\r\\t\\u0001\x7f\xc3\xa4\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\","
        "\"none\":null,\"i\":-9223372036854775808,\"t\":true,\"at\":5,\"never\":null,"
        "\"list\":[0.1,null,null,[],{},{\"r\":1},\"ab\",false,null],\"k\\n\":1}");
    buf_fini(&b);
}

static void writer_keeps_the_depth(void **state)
{
    struct json_out j;
    struct buf b;
    int i;

    (void)state;
    buf_init(&b, 0);
    json_out_init(&j, &b);
    for (i = 0; i < 32; i++)
        json_out_array(&j);
    for (i = 0; i < 32; i++)
        json_out_array_end(&j);
    assert_false(b.bad);
    assert_true(accepts(b.data, b.len));
    json_out_array_end(&j);
    assert_true(b.bad);
    buf_reset(&b);
    json_out_init(&j, &b);
    for (i = 0; i < 33; i++)
        json_out_object(&j);
    assert_true(b.bad);
    buf_fini(&b);
}

/* Any bytes written as a string are read back as the same text, or its repaired form. */
static void any_string_passes_the_gate(void **state)
{
    uint32_t seed = 99;
    int round;

    (void)state;
    for (round = 0; round < 3000; round++) {
        char in[40];
        struct json_out j;
        struct buf b;
        size_t i;

        for (i = 0; i < sizeof(in); i++) {
            seed = seed * 1664525u + 1013904223u;
            in[i] = (char)(seed >> 24);
            if (!in[i])
                in[i] = 'x'; /* the gate refuses NUL, and the writer is given C strings */
        }
        buf_init(&b, 0);
        json_out_init(&j, &b);
        json_out_string_n(&j, in, sizeof(in));
        assert_true(accepts(b.data, b.len));
        buf_fini(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_is_judged_right),
        cmocka_unit_test(places_are_exact),
        cmocka_unit_test(size_is_capped),
        cmocka_unit_test(floods_are_linear),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(lookups_are_typed),
        cmocka_unit_test(unknown_members_are_refused),
        cmocka_unit_test(writer_writes),
        cmocka_unit_test(writer_keeps_the_depth),
        cmocka_unit_test(any_string_passes_the_gate),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
