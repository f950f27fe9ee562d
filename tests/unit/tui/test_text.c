/* SPDX-License-Identifier: MIT
 *
 * What is made of text: tables, CSV, words, numbers, foreign bytes, the canvas.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "tui/canvas.h"
#include "tui/foreign.h"
#include "tui/format.h"
#include "tui/output.h"
#include "tui/term.h"
#include "tui/views/lines.h"

static const struct table_column columns[] = {
    {"NAME", "name", 0, 6, false},
    {"N", "n", 2, 0, true},
    {"WHY", "why", 1, 5, false},
    {"ID", "id", 10, 0, false},
};

static void layout_shrinks_then_drops(void **state)
{
    const int want[4] = {10, 3, 20, 4};
    int width[4];

    (void)state;
    table_layout(columns, 4, want, 0, width);
    assert_memory_equal(width, want, sizeof width);
    table_layout(columns, 4, want, 43, width); /* 37 + 3 gaps: fits */
    assert_memory_equal(width, want, sizeof width);
    table_layout(columns, 4, want, 30, width); /* shrinks the widest */
    assert_int_equal(width[0] + width[1] + width[2] + width[3] + 6, 30);
    assert_true(width[0] >= 6 && width[2] >= 5 && width[1] == 3 && width[3] == 4);
    table_layout(columns, 4, want, 20, width); /* 6 + 3 + 5 + 4 + 6 is too much: the highest rank goes */
    assert_int_equal(width[3], 0);
    assert_true(width[0] + width[1] + width[2] + 4 <= 20);
    table_layout(columns, 4, want, 7, width); /* only rank 0 is left */
    assert_int_equal(width[0], 7);
    assert_int_equal(width[1] + width[2] + width[3], 0);
    table_layout(columns, 4, want, 3, width); /* even when it does not fit */
    assert_int_equal(width[0], 6);
}

static struct output *filled(struct arena *a)
{
    struct output *o = output_create(a, columns, 4, 2);

    assert_non_null(o);
    output_cell(o, 0, 0, "ana~x", COLOUR_DEFAULT);
    output_cell(o, 0, 1, "5", COLOUR_DEFAULT);
    output_cell(o, 0, 2, "a, \"b\"\nc", COLOUR_GREEN);
    output_cell(o, 1, 0, "漢字\033[1m", COLOUR_DEFAULT);
    output_cell(o, 1, 1, "-210", COLOUR_DEFAULT);
    output_cell(o, 1, 2, "=HYPERLINK(1)", COLOUR_DEFAULT);
    output_cell(o, 1, 3, "-x", COLOUR_DEFAULT);
    return o;
}

static void renders(struct output *o, enum output_format format, struct term t, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    assert_int_equal(output_render(o, format, &t, &b), 0);
    assert_string_equal(buf_str(&b), want);
    buf_fini(&b);
}

static void tables_and_csv(void **state)
{
    struct arena *a = arena_create(0);
    struct output *o = filled(a);
    struct err e = {0};

    (void)state;
    renders(o, OUTPUT_TABLE, (struct term){.utf8 = true},
            "NAME            N  WHY\n"
            "ana~x           5  a, \"b\"\\x0ac\n"
            "漢字\\x1b[1m  -210  =HYPERLINK(1)\n");
    renders(o, OUTPUT_TABLE, (struct term){.utf8 = true, .width = 24, .tty = true, .colour = true},
            "NAME         N  WHY\n"
            "ana~x        5  \033[32ma, \"b\"\\…\033[0m\n"
            "漢字\\x1…  -210  =HYPERL…\n");
    renders(o, OUTPUT_CSV, (struct term){.width = 20},
            "name,n,why,id\r\n"
            "ana~x,5,\"a, \"\"b\"\"\nc\",\r\n"
            "漢字\033[1m,-210,\"'=HYPERLINK(1)\",\"'-x\"\r\n");
    renders(o, OUTPUT_NAME, (struct term){.width = 20}, "ana~x\n漢字\\x1b[1m\n");
    assert_int_equal(output_choose(o, "n,NAME", &e), 0);
    renders(o, OUTPUT_TABLE, (struct term){.width = 5, .utf8 = true}, "   N  NAME\n   5  ana~x\n-210  漢字\\x1b[1m\n");
    assert_int_equal(output_choose(o, "nope", &e), -1);
    arena_destroy(a);
}

static const char *no_env(const char *name)
{
    (void)name;
    return NULL;
}

static const char *dumb_env(const char *name)
{
    return strcmp(name, "TERM") ? NULL : "dumb";
}

static const char *contrary_env(const char *name)
{
    return !strcmp(name, "NO_COLOR") || !strcmp(name, "CLICOLOR_FORCE") ? "1" : NULL;
}

static void colour_precedence(void **state)
{
    (void)state;
    assert_true(term_wants_colour(NULL, no_env, true));
    assert_false(term_wants_colour(NULL, no_env, false));
    assert_false(term_wants_colour(NULL, dumb_env, true));
    assert_false(term_wants_colour("auto", contrary_env, true));
    assert_true(term_wants_colour("always", contrary_env, false));
    assert_false(term_wants_colour("never", no_env, true));
}

static void words_fold_the_wire(void **state)
{
    (void)state;
    assert_int_equal(words_from_wire("WAITING", "AttemptCreationPending", "START"), WORD_WAITING);
    assert_int_equal(words_from_wire("WAITING", "AttemptPreparing", "START"), WORD_STARTING);
    assert_int_equal(words_from_wire("RUNNING", NULL, "STOP"), WORD_STOPPING);
    assert_int_equal(words_from_wire("SUCCEEDED", NULL, "STOP"), WORD_SUCCEEDED);
    assert_int_equal(words_from_wire("NEW", NULL, NULL), WORD_UNKNOWN);
    assert_int_equal(words_from_wire(NULL, NULL, NULL), WORD_UNKNOWN);
    assert_string_equal(words_to_wire("Failed"), "FAILED");
    assert_null(words_to_wire("fail"));
    for (int i = 0; i < WORD_COUNT; i++) {
        assert_int_equal(strlen(words_get((enum word_state)i)->ascii), 1);
        assert_int_equal(canvas_width(words_get((enum word_state)i)->glyph), 1);
    }
    assert_string_equal(words_get((enum word_state)99)->text, "Unknown");
}

static void numbers_for_people(void **state)
{
    char t[FORMAT_SIZE];

    (void)state;
    assert_string_equal(format_duration(-5, t), "0s");
    assert_string_equal(format_duration(59999, t), "59s");
    assert_string_equal(format_duration(125000, t), "2m05s");
    assert_string_equal(format_duration(11040000, t), "3h04m");
    assert_string_equal(format_coarse(59999, t), "<1m");
    assert_string_equal(format_coarse(187200000, t), "2d04h");
    assert_string_equal(format_ago(100000, 40000, t), "1 min ago");
    assert_string_equal(format_ago(1000, 5000, t), "0 s ago");
    assert_string_equal(format_ago(1000, 3 * 3600000 + 1000, t), "in 3 h");
    assert_string_equal(format_ago(1000, 0, t), "-");
    assert_string_equal(format_count(1204, t), "1,204");
    assert_string_equal(format_count(-1234567, t), "-1,234,567");
    assert_string_equal(format_count(7, t), "7");
    assert_string_equal(format_bytes(1536, t), "1.5 KiB");
    assert_string_equal(format_bytes(512, t), "512 B");
}

/* The harmless form of `text` fed in pieces of `step` bytes. */
static char *foreign(const char *text, size_t len, size_t step)
{
    struct foreign f = {.tail_len = 0};
    struct buf b;

    buf_init(&b, 0);
    for (size_t at = 0; at < len; at += step)
        assert_int_equal(foreign_add(&f, text + at, len - at < step ? len - at : step, &b), 0);
    assert_int_equal(foreign_end(&f, &b), 0);
    return buf_take(&b, NULL);
}

static void foreign_text_does_not_depend_on_pieces(void **state)
{
    static const char text[] =
        "a\tb\r\nc\rd\r\r\n\033[1m\x9b é 漢 👩 \xe2\x82 \xf0\x9f\x98 \xff\xc0\xaf\x80 \xe2\x80\xae end\xe6\xbc";
    char *whole = foreign(text, sizeof text - 1, sizeof text);

    (void)state;
    assert_string_equal(
        whole,
        "a\tb\nc\nd\n\n\\x1b[1m\\x9b é 漢 👩 \\xe2\\x82 \\xf0\\x9f\\x98 \\xff\\xc0\\xaf\\x80 <U+202E> end\\xe6\\xbc");
    for (size_t step = 1; step < 12; step++) {
        char *pieces = foreign(text, sizeof text - 1, step);

        assert_string_equal(pieces, whole);
        free(pieces);
    }
    free(whole);
}

static void lines_are_bounded(void **state)
{
    struct lines l = {.count = 0};
    char *big = malloc(3 * LINES_BYTES);

    (void)state;
    assert_non_null(big);
    assert_int_equal(lines_add(&l, "a\nb", 3), 0);
    assert_int_equal(lines_add(&l, "c\n\n", 3), 0);
    assert_int_equal(l.count, 3);
    assert_string_equal(l.items[1], "bc");
    assert_string_equal(l.items[2], "");
    memset(big, 'x', 3 * LINES_BYTES);
    assert_int_equal(lines_add(&l, big, 2 * LINES_BYTES + 5), 0);
    assert_int_equal(l.count, 6);
    assert_int_equal(strlen(l.items[3]), LINES_BYTES);
    assert_int_equal(strlen(l.items[5]), 5);
    assert_int_equal(lines_add(&l, "\n", 1), 0);
    for (int i = 0; i < LINES_MAX + 10; i++)
        assert_int_equal(lines_add(&l, "z\n", 2), 0);
    assert_true(l.count <= LINES_MAX);
    assert_int_equal(l.count + l.dropped, 6 + LINES_MAX + 10);
    lines_clear(&l);
    free(big);
}

static void dumps(struct canvas *c, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    assert_int_equal(canvas_dump(c, &b), 0);
    assert_string_equal(buf_str(&b), want);
    buf_fini(&b);
}

static void canvas_holds_only_harmless_cells(void **state)
{
    struct canvas c = {.rows = 0};
    struct canvas_pen pen;

    (void)state;
    assert_int_equal(canvas_resize(&c, 3, 12), 0);
    pen = canvas_row(&c, 0, CANVAS_BOLD);
    canvas_put(&c, &pen, "a\033b");
    pen = canvas_row(&c, 1, COLOUR_GREEN);
    pen.end = 6;
    canvas_put(&c, &pen, "漢字漢字"); /* the fourth does not fit, and no half of it is drawn */
    pen = (struct canvas_pen){.row = 2, .col = 1, .end = 12};
    canvas_fit(&c, &pen, "e\u0301\u0301👩\u200d👩x", 6, true);
    dumps(&c, "a\\x1bb\n漢字漢\n   e\u0301\u0301👩x\n--- 12x3 styles\n0: 0-5 bold\n1: 0-5 green\n");
    canvas_fini(&c);
}

static void canvas_cuts_and_overwrites_wide_cells(void **state)
{
    struct canvas c = {.rows = 0};
    struct canvas_pen pen;

    (void)state;
    assert_int_equal(canvas_resize(&c, 2, 8), 0);
    pen = canvas_row(&c, 0, 0);
    canvas_put(&c, &pen, "漢字");
    pen.col = 1; /* the right half of the first */
    canvas_put(&c, &pen, "x");
    pen = canvas_row(&c, 1, 0);
    canvas_fit(&c, &pen, "too long for it", 6, false);
    canvas_put(&c, &pen, "|");
    pen.row = 7; /* outside: nothing happens */
    canvas_put(&c, &pen, "x");
    canvas_fill(&c, &pen, "x");
    dumps(&c, " x字\ntoo l…|\n--- 8x2 styles\n");
    c.ascii = true;
    canvas_clear(&c);
    pen = canvas_row(&c, 0, 0);
    canvas_put(&c, &pen, "漢é");
    dumps(&c, "???\n\n--- 8x2 styles\n");
    assert_int_equal(canvas_resize(&c, 0, 5), -1);
    assert_int_equal(canvas_resize(&c, 5, 100000), -1);
    canvas_fini(&c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(layout_shrinks_then_drops),
        cmocka_unit_test(tables_and_csv),
        cmocka_unit_test(colour_precedence),
        cmocka_unit_test(words_fold_the_wire),
        cmocka_unit_test(numbers_for_people),
        cmocka_unit_test(foreign_text_does_not_depend_on_pieces),
        cmocka_unit_test(lines_are_bounded),
        cmocka_unit_test(canvas_holds_only_harmless_cells),
        cmocka_unit_test(canvas_cuts_and_overwrites_wide_cells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
