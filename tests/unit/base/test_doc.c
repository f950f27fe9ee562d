/* SPDX-License-Identifier: MIT
 *
 * The YAML gate (reliability.md S4 and fact 6): what it accepts and means, what it refuses and where, and how long
 * hostile documents take.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/doc.h"
#include "tests/unit/base/corpus.h"

#define MAX_BYTES ((size_t)256 * 1024)

static bool accepts(const char *text, size_t len)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    bool ok = doc_parse_yaml(a, text, len, NULL, &e) != NULL;

    if (!ok && (e.code != ERR_INVALID_PROTOCOL || e.line < 1 || e.column < 1))
        (void)printf("refused without a place: %s\n", e.text);
    arena_destroy(a);
    return ok;
}

static const struct doc *parse(struct arena *a, const char *text)
{
    struct err e = {0};
    const struct doc *d = doc_parse_yaml(a, text, strlen(text), NULL, &e);

    if (!d)
        (void)printf("refused: %s\n", e.text);
    return d;
}

static void corpus_is_judged_right(void **state)
{
    (void)state;
    assert_true(corpus_walk("yaml", accepts) >= 105);
}

static void core_schema(void **state)
{
    static const struct {
        const char *text;
        enum doc_type type;
        int64_t integer;
        double number;
    } rows[] = {
        {"~", DOC_NULL, 0, 0},
        {"null", DOC_NULL, 0, 0},
        {"nULL", DOC_STRING, 0, 0},
        {"true", DOC_BOOL, 1, 0},
        {"FALSE", DOC_BOOL, 0, 0},
        {"yes", DOC_STRING, 0, 0},
        {"0", DOC_INT, 0, 0},
        {"-0", DOC_INT, 0, 0},
        {"+12", DOC_INT, 12, 12},
        {"0123", DOC_INT, 123, 123},
        {"0x1f", DOC_INT, 31, 31},
        {"0o17", DOC_INT, 15, 15},
        {"-0x1f", DOC_STRING, 0, 0},
        {"0x", DOC_STRING, 0, 0},
        {"0o8", DOC_STRING, 0, 0},
        {"0b1", DOC_STRING, 0, 0},
        {"9223372036854775807", DOC_INT, INT64_MAX, 9223372036854775807.0},
        {"-9223372036854775808", DOC_INT, INT64_MIN, -9223372036854775808.0},
        {"9223372036854775808", DOC_FLOAT, 0, 9223372036854775808.0},
        {"1.5", DOC_FLOAT, 0, 1.5},
        {".5", DOC_FLOAT, 0, .5},
        {"5.", DOC_FLOAT, 0, 5},
        {"-1e3", DOC_FLOAT, 0, -1000},
        {"1e", DOC_STRING, 0, 0},
        {"1e+", DOC_STRING, 0, 0},
        {".", DOC_STRING, 0, 0},
        {"1.2.3", DOC_STRING, 0, 0},
        {"1_000", DOC_STRING, 0, 0},
        {"12:30", DOC_STRING, 0, 0},
        {"\"1\"", DOC_STRING, 0, 0},
        {"'true'", DOC_STRING, 0, 0},
        {"|\n  1", DOC_STRING, 0, 0},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *a = arena_create(0);
        const struct doc *d = parse(a, rows[i].text);

        assert_non_null(d);
        assert_string_equal(doc_type_name(d->type), doc_type_name(rows[i].type));
        assert_true(d->integer == rows[i].integer);
        assert_true(d->number <= rows[i].number && d->number >= rows[i].number);
        arena_destroy(a);
    }
}

static void tree_has_places(void **state)
{
    struct arena *a = arena_create(0);
    const struct doc *root = parse(a, "name: x\nroles:\n  w\xc3\xa4: {n: 1, l: [a,\n    b]}\n");
    const struct doc *role, *list;

    (void)state;
    assert_int_equal(root->type, DOC_MAP);
    assert_int_equal(root->count, 2);
    assert_string_equal(doc_get(root, "name")->text, "x");
    assert_int_equal(doc_get(root, "name")->column, 7);
    role = doc_get(doc_get(root, "roles"), "w\xc3\xa4");
    assert_int_equal(role->key_line, 3);
    assert_int_equal(role->key_column, 3);
    assert_int_equal(role->line, 3);
    assert_int_equal(role->column, 7); /* code points, not bytes */
    list = doc_get(role, "l");
    assert_int_equal(list->count, 2);
    assert_string_equal(list->first->text, "a");
    assert_int_equal(list->first->next->line, 4);
    assert_int_equal(list->first->next->column, 5);
    assert_null(list->first->next->next);
    assert_null(list->first->key);
    assert_null(doc_get(root, "Name"));
    assert_null(doc_get(list, "a"));
    assert_null(doc_get(NULL, "a"));
    assert_string_equal(doc_type_name((enum doc_type)99), "unknown");
    arena_destroy(a);
}

static void block_scalars(void **state)
{
    struct arena *a = arena_create(0);
    const struct doc *root = parse(a, "a: |\n  x\n   y\n\nb: >-\n  one\n  two\n\n  three\nc: |+\n  z\n\n");

    (void)state;
    assert_string_equal(doc_get(root, "a")->text, "x\n y\n");
    assert_true(doc_get(root, "a")->quoted);
    assert_string_equal(doc_get(root, "b")->text, "one two\nthree");
    assert_string_equal(doc_get(root, "c")->text, "z\n\n");
    arena_destroy(a);
}

static void aliases_are_copies(void **state)
{
    struct arena *a = arena_create(0);
    const struct doc *root = parse(a, "a: &x\n  k: [1, 2]\nb: *x\nc: [*x]\n&key d: *key\n");
    const struct doc *x = doc_get(root, "a"), *b = doc_get(root, "b"), *c = doc_get(root, "c")->first;

    (void)state;
    assert_string_equal(b->key, "b");
    assert_int_equal(b->line, 3);
    assert_ptr_not_equal(x->first, b->first);
    assert_int_equal(doc_get(b, "k")->count, 2);
    assert_int_equal(doc_get(b, "k")->first->next->integer, 2);
    assert_null(c->key);
    assert_int_equal(doc_get(doc_get(root, "c")->first, "k")->count, 2);
    assert_string_equal(doc_get(root, "d")->text, "d");
    arena_destroy(a);
}

static void refusals_name_the_place(void **state)
{
    static const struct {
        const char *text;
        int line, column;
        const char *what;
    } rows[] = {
        {"", 1, 1, "empty"},
        {"# only\n", 1, 1, "empty"},
        {"---\n", 1, 1, "empty"},
        {"a: 1\nb: 2\na: 3\n", 3, 1, "duplicate key"},
        {"x: {\xc3\xa4: 1, \"\\u00e4\": 2}", 1, 11, "duplicate key"},
        {"a: !!str x", 1, 4, "tags"},
        {"a: ! x", 1, 4, "tags"},
        {"b: !t [x]", 1, 4, "tags"},
        {"b: !t {x: y}", 1, 4, "tags"},
        {"a: &a {}\nb:\n  <<: *a\n", 3, 3, "merge keys"},
        {"? [a]\n: b\n", 1, 3, "a key must be"},
        {"{[a]: b}", 1, 2, "a key must be"},
        {"a: &a x\n*a : y\n", 2, 1, "alias cannot be a key"},
        {"{? : x}", 1, 4, "key is missing"},
        {"a\n---\nb\n", 2, 1, "more than one document"},
        {"&x [1, *x]", 1, 8, "inside its own anchor"},
        {"- &x 1\n- &x [*x]", 2, 7, "inside its own anchor"},
        {"a: *no", 1, 4, "without an anchor"},
        {"a: .inf", 1, 4, "out of range"},
        {"a: 1e999", 1, 4, "out of range"},
        {"a: 0xfffffffffffffffff", 1, 4, "out of range"},
        {"a: \"x\\0\"", 1, 4, "NUL"},
        {"ab: \x01", 1, 5, "control character"},
        {"a:\n \xff", 2, 2, "invalid UTF-8"},
        {"a: \xef\xbb\xbf", 1, 4, "byte order mark"},
        {"%TAG ! x\n---\na\n", 1, 1, "tag directives"},
        {"a: [1", 2, 1, "did not find expected"},
        {"a:\n\tb: 1", 2, 1, "cannot start any token"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *a = arena_create(0);
        struct err e = {0};

        assert_null(doc_parse_yaml(a, rows[i].text, strlen(rows[i].text), NULL, &e));
        if (!strstr(e.text, rows[i].what) || e.line != rows[i].line || e.column != rows[i].column)
            (void)printf("row %zu: %s\n", i, e.text);
        assert_non_null(strstr(e.text, rows[i].what));
        assert_int_equal(e.code, ERR_INVALID_PROTOCOL);
        if (rows[i].what[0] != 'd' || strcmp(rows[i].what, "duplicate key") == 0) {
            assert_int_equal(e.line, rows[i].line);
            assert_int_equal(e.column, rows[i].column);
        }
        arena_destroy(a);
    }
}

/* A map of `count` keys, the last of which is key number `again` (or a new one). */
static bool accepts_keys(int count, int again)
{
    char text[4096];
    int n = 0;

    for (int i = 0; i < count; i++)
        n += snprintf(text + n, sizeof(text) - (size_t)n, "k%d: {k0: x, k1: y}\n", i == count - 1 ? again : i);
    return accepts(text, (size_t)n);
}

/* Few keys are compared one by one, many are hashed: twice is twice in maps of any size. */
static void duplicate_keys_in_maps_of_all_sizes(void **state)
{
    (void)state;
    for (int count = 2; count <= 40; count++) {
        assert_true(accepts_keys(count, count - 1));
        for (int again = 0; again < count - 1; again++)
            assert_false(accepts_keys(count, again));
    }
}

static void limits_of_the_caller(void **state)
{
    static const struct {
        const char *text;
        struct doc_limits limits;
        bool ok;
    } rows[] = {
        {"[a, b]", {.bytes = 6}, true},
        {"[a, b]", {.bytes = 5}, false},
        {"[[a]]", {.depth = 2}, true},
        {"[[a]]", {.depth = 1}, false},
        {"[[a]]", {.depth = 9999}, true},
        {"[a, b]", {.nodes = 3}, true},
        {"[a, b]", {.nodes = 2}, false},
        {"{a: b}", {.nodes = 3}, true}, /* keys count */
        {"{a: b}", {.nodes = 2}, false},
        {"[&a [x, y], *a]", {.nodes = 7}, true},
        {"[&a [x, y], *a]", {.nodes = 6}, false},
        {"[&a x, *a, *a]", {.aliases = 2}, true},
        {"[&a x, *a, *a]", {.aliases = 1}, false},
        {"[&a [[x]], *a]", {.depth = 3}, true},
        {"[&a [[x]], [*a]]", {.depth = 3}, false},
        {"[&a [&b [x], *b], [*a]]", {.depth = 4}, true},
        {"[&a [&b [x], [*b]], [*a]]", {.depth = 4}, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct arena *a = arena_create(0);
        struct err e = {0};
        bool ok = doc_parse_yaml(a, rows[i].text, strlen(rows[i].text), &rows[i].limits, &e) != NULL;

        if (ok != rows[i].ok)
            (void)printf("row %zu: %s\n", i, e.text);
        assert_int_equal(ok, rows[i].ok);
        arena_destroy(a);
    }
}

static void no_memory_is_an_error(void **state)
{
    static const char text[] = "a: &x [1, 2, {b: c}]\nd: *x\ne: \"a long enough scalar to need a block\"\n";
    size_t max;
    bool ok = false;

    (void)state;
    for (max = 1; !ok; max += 16) {
        struct arena *a = arena_create(max);
        struct err e = {0};

        ok = doc_parse_yaml(a, text, strlen(text), NULL, &e) != NULL;
        assert_true(ok || e.code == ERR_INTERNAL);
        arena_destroy(a);
        assert_true(max < 100000);
    }
}

/* One hostile document of 256 KiB: `start`, then `unit` (its %d counted up) as often as fits, then `end`. */
static void check_hostile(const char *start, const char *unit, const char *end)
{
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct buf b;
    double ms;
    int i;

    buf_init(&b, MAX_BYTES);
    (void)buf_adds(&b, start);
    for (i = 0; b.len + strlen(unit) + strlen(end) + 12 < MAX_BYTES; i++) {
        const char *hole = strstr(unit, "%d");

        (void)buf_add(&b, unit, hole ? (size_t)(hole - unit) : strlen(unit));
        if (hole)
            (void)buf_addf(&b, "%d%s", i, hole + 2);
    }
    (void)buf_adds(&b, end);
    assert_false(b.bad);
    ms = corpus_cpu_ms();
    (void)doc_parse_yaml(a, b.data, b.len, NULL, &e);
    ms = corpus_cpu_ms() - ms;
    /* The goal is 100 ms in a release build; sanitizers cost a factor of ten. */
    if (ms > 100)
        (void)printf("%.0f ms: %.20s %.20s\n", ms, start, unit);
    assert_true(ms < 1000);
    assert_true(arena_used(a) < (size_t)10 << 20);
    buf_fini(&b);
    arena_destroy(a);
}

/* start, unit, end */
static const char *const hostile[][3] = {
    {"", "[", ""},
    {"", "{", ""},
    {"", "{a: ", ""},
    {"", "- ", ""},
    {"", "? ", ""},
    {"", ": ", ""},
    {"", "-\n", ""},
    {"", "?\n", ""},
    {"", "[a,", ""},
    {"", "[]\n", ""},
    {"", "[[],", ""},
    {"[", "[],", "]"},
    {"[", "a: b,", "]"},
    {"[", "? a : b,", "]"},
    {"[", "{},", "]"},
    {"", "a%d: 1\n", ""},
    {"{", "a%d: 1,", "}"},
    {"", "a: &a%d 1\n", ""},
    {"[", "&a%d ,", "]"},
    {"[", "&a%d x,", "]"},
    {"[", "*a%d,", "]"},
    {"", "&a%d ", ""},
    {"", "!a ", ""},
    {"", "!a%d!b x\n", ""},
    {"", "%TAG !%d! x\n", ""},
    {"", "%YAML 1.2\n", ""},
    {"", "%X%d y\n", ""},
    {"a\n...\n", "%X%d y\n", ""},
    {"", "---\n", ""},
    {"", "...\n", ""},
    {"", "a\n---\n", ""},
    {"", "#\n", ""},
    {"", "# x", ""},
    {"", "\n", "a"},
    {"", " ", "a"},
    {"", "\r", "a"},
    {"", "a ", ""},
    {"", "a\n", ""},
    {"", "a\n\n", ""},
    {"a: ", "x\n  ", ""},
    {"", "\"", ""},
    {"\"", "\\n", "\""},
    {"\"", "\\\n", "\""},
    {"\"", "\n\n", "\""},
    {"\"", "a\n", "\""},
    {"'", "''", "'"},
    {"|\n", " x\n", ""},
    {"|\n", "\n", ""},
    {"|\n", " ", ""},
    {">\n", " x\n\n", ""},
    {">\n", "\n x\n", ""},
    {"a: |\n", "  \n", ""},
    {"", "a: |\n x\n", ""},
    {"", "a: >-\n", ""},
    {"", "\xc3\xa4", ""},
    {"", "\xf0\x9f\x98\x80", ": x"},
    {"\"", "\\U0001F600", "\""},
    {"&a [", "*a,", "]"},
    {"[&a x,", "*a,", "]"},
    {"", "a: *b\n", ""},
    {"", "<<: x\n", ""},
    {"", ",", ""},
    {"", "]", ""},
    {"[", ",", "]"},
    {"", "a:", ""},
    {"", "a: ", ""},
    {"", "'a' ", ""},
    {"", "- - - - - - - -\n", ""},
    {"", "?- ", ""},
    {"[", "\"a\" ", "]"},
    {"", "0", ""},
    {"[", "0x1%d,", "]"},
    {"[", "1e%d,", "]"},
    {"1.", "5", ""},
    {"1e", "0", ""},
    {"", "`", ""},
    {"", "@", ""},
    {"", "%", ""},
    {"", "\xe2\x80\xa8", ""},
    {"a: x", "\xc2\x85", ""},
};

static void hostile_documents_are_fast(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(hostile) / sizeof(hostile[0]); i++)
        check_hostile(hostile[i][0], hostile[i][1], hostile[i][2]);
}

/* Random mixes of the same pieces. */
static void random_documents_are_fast(void **state)
{
    static const char *const pieces[] = {"[",   "]",  "{",  "}", "- ",  "? ", ": ", "a", "\n", " ",     ",",
                                         "&a ", "*a", "\"", "'", "|\n", "#",  "\t", "!", "%",  "---\n", "  "};
    uint32_t seed = 4711;
    int round;

    (void)state;
    for (round = 0; round < 40; round++) {
        char unit[64] = "";
        char start[64] = "";
        size_t n, u = 0, s = 0;

        for (n = 0; n < 8; n++) {
            const char *p;

            seed = seed * 1664525u + 1013904223u;
            p = pieces[(seed >> 16) % (sizeof(pieces) / sizeof(pieces[0]))];
            if (n < 3)
                s += (size_t)snprintf(start + s, sizeof(start) - s, "%s", p);
            else
                u += (size_t)snprintf(unit + u, sizeof(unit) - u, "%s", p);
        }
        check_hostile(start, unit, "");
    }
}

static void whole_size_is_usable(void **state)
{
    struct arena *a = arena_create(0);
    char *text = malloc(MAX_BYTES + 1);
    struct err e = {0};

    (void)state;
    assert_non_null(text);
    memset(text, 'x', MAX_BYTES + 1);
    assert_non_null(doc_parse_yaml(a, text, MAX_BYTES, NULL, &e));
    assert_null(doc_parse_yaml(a, text, MAX_BYTES + 1, NULL, &e));
    assert_int_equal(e.code, ERR_TOO_LARGE);
    free(text);
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(corpus_is_judged_right),
        cmocka_unit_test(core_schema),
        cmocka_unit_test(tree_has_places),
        cmocka_unit_test(block_scalars),
        cmocka_unit_test(aliases_are_copies),
        cmocka_unit_test(refusals_name_the_place),
        cmocka_unit_test(duplicate_keys_in_maps_of_all_sizes),
        cmocka_unit_test(limits_of_the_caller),
        cmocka_unit_test(no_memory_is_an_error),
        cmocka_unit_test(hostile_documents_are_fast),
        cmocka_unit_test(random_documents_are_fast),
        cmocka_unit_test(whole_size_is_usable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
