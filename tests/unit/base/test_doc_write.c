/* SPDX-License-Identifier: MIT
 *
 * The YAML writer: whatever tree it writes, the gate reads back equal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"

#define ROUNDS 4000

static bool same(const struct doc *a, const struct doc *b)
{
    const struct doc *x, *y;

    if (a->type != b->type || a->count != b->count || (a->key == NULL) != (b->key == NULL))
        return false;
    if (a->key && strcmp(a->key, b->key) != 0)
        return false;
    if (a->type == DOC_STRING && (a->text_len != b->text_len || strcmp(a->text, b->text) != 0))
        return false;
    if (a->integer != b->integer || memcmp(&a->number, &b->number, sizeof(a->number)) != 0) /* NOLINT: bit for bit */
        return false;
    for (x = a->first, y = b->first; x && y; x = x->next, y = y->next) {
        if (!same(x, y))
            return false;
    }
    return !x && !y;
}

static void check_round_trip(struct arena *a, const struct doc *d)
{
    static const struct doc_limits wide = {.bytes = 1u << 24, .depth = 60, .nodes = 1000000};
    struct doc *back, *again;
    struct err e = {0};
    struct buf b, c;

    buf_init(&b, 0);
    buf_init(&c, 0);
    assert_int_equal(doc_write_yaml(&b, d), 0);
    back = doc_parse_yaml(a, buf_str(&b), b.len, &wide, &e);
    if (!back || !same(d, back))
        (void)printf("%s\n%s\n", e.text, buf_str(&b));
    assert_non_null(back);
    assert_true(same(d, back));
    /* Writing is a fixed point: the second text is the first. */
    assert_int_equal(doc_write_yaml(&c, back), 0);
    assert_string_equal(buf_str(&b), buf_str(&c));
    again = doc_parse_yaml(a, buf_str(&c), c.len, &wide, &e);
    assert_non_null(again);
    buf_fini(&b);
    buf_fini(&c);
}

static uint32_t pick(uint32_t *seed, uint32_t n)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed % n;
}

/* Pieces of strings that YAML could take for something else. */
static const char *const pieces[] = {
    "a",
    "word",
    " ",
    "\n",
    "\n\n",
    "\t",
    ":",
    ": ",
    " #",
    "#",
    "-",
    "- ",
    "?",
    "!",
    "&a",
    "*a",
    "%",
    "@",
    "`",
    "'",
    "\"",
    "\\",
    "|",
    ">",
    "{",
    "}",
    "[",
    "]",
    ",",
    "---",
    "...",
    "0",
    "1.5",
    "0x1f",
    "true",
    "null",
    "~",
    "<<",
    "=",
    "1e5",
    "\r",
    "\x01",
    "\x7f",
    "\xc3\xa4",
    "\xc2\x85",
    "\xe2\x80\xa8",
    "\xc2\xa0",
    "\xef\xbb\xbf",
    "\xf0\x9f\x98\x80",
    "\xef\xbf\xbe",
    "%TAG",
    "   ",
    ".inf",
    "+",
    "yes",
    "$(x)",
    "{{",
    "\n ",
    " \n",
};

static const char *random_string(struct arena *a, uint32_t *seed)
{
    struct buf b;
    const char *s;
    uint32_t n = pick(seed, 7);

    buf_init(&b, 0);
    while (n-- > 0)
        (void)buf_adds(&b, pieces[pick(seed, sizeof(pieces) / sizeof(pieces[0]))]);
    s = arena_strdup(a, buf_str(&b));
    buf_fini(&b);
    return s;
}

static struct doc *random_doc(struct arena *a, uint32_t *seed, int depth)
{
    static const struct doc scalars[] = {
        {.type = DOC_NULL, .text = "", .text_len = 0},
        {.type = DOC_BOOL, .text = "true", .text_len = 4, .integer = 1},
        {.type = DOC_INT, .text = "-12", .text_len = 3, .integer = -12, .number = -12},
        {.type = DOC_INT, .text = "0x10", .text_len = 4, .integer = 16, .number = 16},
        {.type = DOC_FLOAT, .text = "1.5e3", .text_len = 5, .number = 1500},
    };
    struct doc *d = arena_alloc(a, sizeof(*d));
    struct doc **tail = &d->first;
    uint32_t kind = pick(seed, depth > 6 ? 5 : 9);
    uint32_t n;

    if (kind < 2) {
        *d = scalars[pick(seed, sizeof(scalars) / sizeof(scalars[0]))];
        return d;
    }
    if (kind < 5) {
        d->type = DOC_STRING;
        d->text = random_string(a, seed);
        d->text_len = strlen(d->text);
        return d;
    }
    d->type = kind < 7 ? DOC_LIST : DOC_MAP;
    for (n = pick(seed, 4); n > 0; n--) {
        struct doc *c = random_doc(a, seed, depth + 1);

        /* A number in front keeps the keys apart. */
        if (d->type == DOC_MAP)
            c->key = arena_printf(a, "%u%s", (unsigned)n, random_string(a, seed));
        *tail = c;
        tail = &c->next;
        d->count++;
    }
    return d;
}

static void random_trees_round_trip(void **state)
{
    uint32_t seed = 20261121;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        struct arena *a = arena_create(0);

        check_round_trip(a, random_doc(a, &seed, 0));
        arena_destroy(a);
    }
}

static void every_code_point_round_trips(void **state)
{
    static const uint32_t steps[] = {0x1, 0x300, 0x2000, 0x2100, 0xd7f0, 0xe000, 0xfe00, 0x10000, 0x10100};
    size_t i;

    (void)state;
    for (i = 0; i + 1 < sizeof(steps) / sizeof(steps[0]); i++) {
        uint32_t cp;

        for (cp = steps[i]; cp < steps[i] + 0x300; cp++) {
            struct arena *a = arena_create(0);
            char text[16] = "\"";
            struct err e = {0};
            struct doc *from;

            (void)snprintf(text, sizeof(text), "\"x\\U%08X\"", (unsigned)cp);
            from = cp >= 0xd800 && cp < 0xe000 ? NULL : doc_parse_yaml(a, text, strlen(text), NULL, &e);
            if (from)
                check_round_trip(a, from);
            arena_destroy(a);
        }
    }
}

static void writes_what_people_expect(void **state)
{
    static const char text[] =
        "{protocolVersion: 2, name: mnist, quoted: '2', \"yes\": 'no', empty: '',"
        "commands: ['python train.py --lr=0.1 # x', \"echo one\\n  echo two\", [1, ~], {a: b, c: []}],"
        "keep: \"x\\n\\n\", last: {}}";
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct doc *d = doc_parse_yaml(a, text, strlen(text), NULL, &e);
    struct buf b;

    (void)state;
    assert_non_null(d);
    buf_init(&b, 0);
    assert_int_equal(doc_write_yaml(&b, d), 0);
    assert_non_null(strstr(buf_str(&b), "\"yes\": \"no\"\n"));
    assert_non_null(strstr(buf_str(&b), "  - \"python train.py --lr=0.1 # x\"\n"));
    assert_non_null(
        strstr(buf_str(&b), "  - |-\n    echo one\n      echo two\n  - - 1\n    - null\n  - a: b\n    c: []\n"));
    assert_non_null(strstr(buf_str(&b), "keep: |+\n  x\n\nlast: {}\n"));
    buf_fini(&b);
    arena_destroy(a);
}

static void long_keys_and_deep_trees(void **state)
{
    struct arena *a = arena_create(0);
    struct doc *root = arena_alloc(a, sizeof(*root));
    struct doc *d = root;
    struct buf b;
    int i;

    (void)state;
    for (i = 0; i < 40; i++) {
        struct doc *c = arena_alloc(a, sizeof(*c));
        char key[3000];

        memset(key, 'k', sizeof(key));
        key[(size_t)i * 70] = '\0';
        d->type = DOC_MAP;
        d->count = 1;
        d->first = c;
        c->key = arena_strdup(a, key);
        d = c;
    }
    d->type = DOC_STRING;
    d->text = "a\nb\n";
    d->text_len = 4;
    check_round_trip(a, root);
    /* A tree deeper than the writer goes (it cannot come from the gate) is refused, not written wrongly. */
    for (i = 0; i < 100; i++) {
        struct doc *c = arena_alloc(a, sizeof(*c));

        d->type = DOC_LIST;
        d->count = 1;
        d->first = c;
        d = c;
    }
    buf_init(&b, 0);
    assert_int_equal(doc_write_yaml(&b, root), -1);
    buf_fini(&b);
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_trees_round_trip),
        cmocka_unit_test(every_code_point_round_trips),
        cmocka_unit_test(writes_what_people_expect),
        cmocka_unit_test(long_keys_and_deep_trees),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
