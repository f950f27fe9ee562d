/* SPDX-License-Identifier: MIT
 *
 * What the catalogue's reader refuses, and where it says the mistake is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "jobs/exit_catalogue.h"

#define HEAD "version: 1\nentries:\n"
#define ENTRY(code, phrase)                                                                                            \
    "  - {code: " code ", phrase: " phrase ", category: user, type: USER_FAILURE, reaction: NEVER_RETRY, reason: r}\n"
#define CATCH_ALLS ENTRY("0", "A") ENTRY("1", "B") ENTRY("256", "C") ENTRY("-8000", "D")
#define WITH(more)                                                                                                     \
    "  - {code: 7, phrase: P, category: user, type: USER_FAILURE, reaction: NEVER_RETRY, reason: r, " more "}\n"

static void the_least_will_do(void **state)
{
    static const char text[] = HEAD CATCH_ALLS;
    struct err e = {0};
    struct exit_catalogue *c = exit_catalogue_parse(text, sizeof text - 1, &e);

    (void)state;
    assert_non_null(c);
    assert_int_equal(c->entry_count, 4);
    assert_string_equal(exit_catalogue_fallback(c, 42)->phrase, "B");
    assert_string_equal(exit_catalogue_fallback(c, -42)->phrase, "D");
    assert_string_equal(c->entries[0].stage, "RUNNING");
    exit_catalogue_destroy(c);
}

static void mistakes_have_a_place(void **state)
{
    static const struct {
        const char *text;
        int line;
        const char *says;
    } rows[] = {
        {"", 1, ""},
        {"- 1\n", 1, "is a map"},
        {"version: 2\nentries: []\n", 1, "at most 1"},
        {HEAD CATCH_ALLS ENTRY("300", "X"), 7, "at most 256"},
        {HEAD CATCH_ALLS ENTRY("-8001", "X"), 7, "at least -8000"},
        {HEAD CATCH_ALLS ENTRY("1", "X"), 7, "another entry has this code"},
        {HEAD CATCH_ALLS ENTRY("2", "A"), 7, "another entry has this phrase"},
        {HEAD CATCH_ALLS ENTRY("2", "\"a b\""), 7, "letters"},
        {HEAD ENTRY("0", "A"), 3, "must be there"},
        {HEAD CATCH_ALLS WITH("match: [{confidence: 5}]"), 7, "needs exit, log or both"},
        {HEAD CATCH_ALLS WITH("match: [{exit: [7]}]"), 7, "confidence"},
        {HEAD CATCH_ALLS WITH("match: [{exit: [256], confidence: 1}]"), 7, "at most 255"},
        {HEAD CATCH_ALLS WITH("match: [{log: 'a(b', confidence: 1}]"), 7, "missing closing parenthesis"},
        {HEAD CATCH_ALLS WITH("match: [{log: 'abc', in: stdin, confidence: 1}]"), 7, "\"in\""},
        {HEAD CATCH_ALLS WITH("colour: red"), 7, "colour"},
        {HEAD CATCH_ALLS "doubts:\n  - {log: '(*UTF)x', factor: 5, around: 0}\n", 8, "the expression is wrong"},
        {HEAD CATCH_ALLS "doubts:\n  - {factor: 5, around: 0}\n", 8, "needs log"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct err e = {0};
        struct exit_catalogue *c = exit_catalogue_parse(rows[i].text, strlen(rows[i].text), &e);

        if (c || !strstr(e.text, rows[i].says) || (e.line != rows[i].line && rows[i].text[0]))
            fail_msg("row %zu: line %d: %s", i, e.line, c ? "taken" : e.text);
    }
}

static void the_shipped_one_is_right(void **state)
{
    struct err e = {0};
    struct exit_catalogue *c = exit_catalogue_shipped(&e);
    size_t count = 0, ours = 0;

    (void)state;
    (void)exits_all(&count);
    assert_non_null(c);
    assert_int_equal(c->entry_count, count);
    for (size_t i = 0; i < c->entry_count; i++) {
        assert_string_equal(c->entries[i].phrase, exits_find(c->entries[i].code)->phrase);
        ours += c->entries[i].code <= -1210 && c->entries[i].code > -8000;
    }
    assert_true(ours >= 40);
    exit_catalogue_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_least_will_do),
        cmocka_unit_test(mistakes_have_a_place),
        cmocka_unit_test(the_shipped_one_is_right),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
