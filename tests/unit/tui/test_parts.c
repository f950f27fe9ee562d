/* SPDX-License-Identifier: MIT
 *
 * The parts of the TUI that are not views: events, filters, prompt, dialog, freshness, error replies.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/app.h"
#include "tui/canvas.h"
#include "tui/demo.h"
#include "tui/dialog.h"
#include "tui/filter.h"
#include "tui/keys.h"
#include "tui/live.h"
#include "tui/prompt.h"
#include "tui/sse.h"
#include "tui/transfer.h"
#include "tui/views/calls.h"
#include "tui/views/marks.h"

static void on_event(void *ctx, const char *type, const char *data)
{
    (void)buf_addf(ctx, "[%s|%s]", type, data);
}

static void events_do_not_depend_on_pieces(void **state)
{
    static const char text[] =
        ": ping\n\nevent: job\ndata: {\"a\":1}\nid: 7\n\ndata:x\r\ndata: y\r\n\r\nid: 8\rdata\r\rnone\n\n"
        "event: late\n\ndata: lost at the end";

    (void)state;
    for (size_t step = 1; step <= sizeof text; step++) {
        struct sse s;
        struct buf seen;

        buf_init(&seen, 0);
        sse_init(&s, on_event, &seen);
        for (size_t at = 0; at < sizeof text - 1; at += step)
            sse_feed(&s, text + at, sizeof text - 1 - at < step ? sizeof text - 1 - at : step);
        assert_string_equal(buf_str(&seen), "[job|{\"a\":1}][message|x\ny][message|]");
        assert_string_equal(s.id, "8");
        sse_fini(&s);
        buf_fini(&seen);
    }
}

static void an_endless_event_is_dropped(void **state)
{
    struct sse s;
    struct buf seen;

    (void)state;
    buf_init(&seen, 0);
    sse_init(&s, on_event, &seen);
    sse_feed(&s, "data: ", 6);
    for (int i = 0; i < 200000; i++)
        sse_feed(&s, "x", 1);
    sse_feed(&s, "\n\ndata: ok\n\n", 12);
    assert_string_equal(buf_str(&seen), "[message|ok]");
    sse_fini(&s);
    buf_fini(&seen);
}

static void filters_ask_the_server_for_what_it_knows(void **state)
{
    struct filter f = {.term_count = 0};
    struct err e = {0};
    struct buf path;

    (void)state;
    buf_init(&path, 0);
    assert_int_equal(filter_set(&f, "vc:a,b user:ana state:Failed,waiting train-7", &e), 0);
    filter_query(&f, &path);
    assert_string_equal(buf_str(&path), "&username=ana&vc=a%2Cb&state=FAILED%2CWAITING&keyword=train-7");
    assert_int_equal(f.term_count, 0);
    assert_int_equal(filter_set(&f, "^ana !oppo", &e), 0);
    assert_true(filter_matches(&f, "ana~x Test"));
    assert_false(filter_matches(&f, "ANA~x OPPO"));
    assert_false(filter_matches(&f, "li~ana"));
    /* What cannot be understood changes nothing. */
    assert_int_equal(filter_set(&f, "(", &e), -1);
    assert_int_equal(filter_set(&f, "state:resting", &e), -1);
    assert_int_equal(filter_set(&f, "a( b c( d", &e), -1);
    assert_string_equal(f.text, "^ana !oppo");
    filter_fini(&f);
    buf_fini(&path);
}

static void no_expression_hangs(void **state)
{
    struct filter f = {.term_count = 0};
    struct err e = {0};
    char row[4096];

    (void)state;
    memset(row, 'a', sizeof row - 1);
    row[sizeof row - 1] = '\0';
    assert_int_equal(filter_set_expression(&f, "(a+)+$b|(a|aa)+$c|(.*)*x", &e), 0);
    assert_false(filter_matches(&f, row));
    filter_fini(&f);
}

static void type(struct prompt *p, const char *keys)
{
    for (; *keys; keys++)
        assert_int_equal(prompt_key(p, *keys), PROMPT_GOES_ON);
}

static void the_prompt_edits_and_completes(void **state)
{
    static const char *const words[] = {"jobs", "job ", "theme light", "theme mono", NULL};
    struct prompt p;

    (void)state;
    prompt_open(&p, ':', "", words);
    type(&p, "j\t");
    assert_string_equal(p.text, "job");
    type(&p, "s");
    prompt_key(&p, KEYS_CTRL_U);
    type(&p, "t\tl\t");
    assert_string_equal(p.text, "theme light ");
    prompt_open(&p, '/', "", NULL);
    prompt_key(&p, 0x6f22);
    type(&p, "x");
    prompt_key(&p, KEYS_BACKSPACE);
    prompt_key(&p, KEYS_BACKSPACE);
    assert_string_equal(p.text, "");
    assert_int_equal(prompt_key(&p, KEYS_BACKSPACE), PROMPT_CANCELLED);
    prompt_open(&p, '/', "", NULL);
    for (int i = 0; i < 1000; i++)
        prompt_key(&p, 0x1f600);
    assert_true(strlen(p.text) < sizeof p.text);
    assert_int_equal(prompt_key(&p, KEYS_ENTER), PROMPT_DONE);
}

static void the_dialog_is_hard_to_say_yes_to(void **state)
{
    struct dialog d;

    (void)state;
    dialog_ask(&d, "Stop it?", "Stop", 1);
    assert_int_equal(dialog_key(&d, KEYS_ENTER), DIALOG_NO);
    dialog_ask(&d, "Stop it?", "Stop", 1);
    assert_int_equal(dialog_key(&d, 'y'), DIALOG_GOES_ON);
    assert_int_equal(dialog_key(&d, KEYS_TAB), DIALOG_GOES_ON);
    assert_int_equal(dialog_key(&d, KEYS_ENTER), DIALOG_YES);
    dialog_ask(&d, "Stop 12?", "Stop", 12);
    dialog_key(&d, KEYS_RIGHT);
    assert_int_equal(dialog_key(&d, KEYS_ENTER), DIALOG_GOES_ON);
    dialog_key(&d, '1');
    dialog_key(&d, '3');
    assert_int_equal(dialog_key(&d, KEYS_ENTER), DIALOG_GOES_ON);
    dialog_key(&d, KEYS_BACKSPACE);
    dialog_key(&d, '2');
    assert_int_equal(dialog_key(&d, KEYS_ENTER), DIALOG_YES);
    dialog_ask(&d, "Stop 12?", "Stop", 12);
    assert_int_equal(dialog_key(&d, KEYS_ESC), DIALOG_NO);
    assert_false(d.open);
}

/* A question of 20 lines on 16 rows: it is all on the screen, or says what is missing, and can be answered. */
static void a_long_question_says_what_is_missing(void **state)
{
    struct canvas c = {.ascii = true};
    struct dialog d;
    char text[256] = "";
    struct buf screen;

    (void)state;
    for (int i = 0; i < 20; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "line %d\n", i);
    dialog_ask(&d, text, "Write", 1);
    assert_int_equal(canvas_resize(&c, 16, 80), 0);
    dialog_draw(&d, &c);
    buf_init(&screen, 1 << 16);
    assert_int_equal(canvas_dump(&c, &screen), 0);
    assert_non_null(strstr(buf_str(&screen), "line 10 "));
    assert_null(strstr(buf_str(&screen), "line 11 "));
    assert_non_null(strstr(buf_str(&screen), "and 9 more"));
    assert_non_null(strstr(buf_str(&screen), "[ Write ]"));
    buf_fini(&screen);
    canvas_fini(&c);
}

static void read_only_has_no_writing_keys(void **state)
{
    static const struct keys_row rows[] = {{'s', 'x', "s", "stop", "", 5, true}, {'l', 0, "l", "log", "", 6, false}};
    struct keys k = {rows, 2};

    (void)state;
    assert_int_equal(keys_action(&k, 'x', false), 5);
    assert_int_equal(keys_action(&k, 's', true), 0);
    assert_int_equal(keys_action(&k, 'l', true), 6);
    assert_int_equal(keys_action(&k, 0, false), 0);
}

static void freshness_follows_the_stream(void **state)
{
    struct err e = {0};
    struct source *s = demo_create(NULL, 0, &e);
    struct source_result r = {.log_size = -1};
    struct live l;

    (void)state;
    assert_non_null(s);
    live_init(&l, s, false, 1000);
    assert_true(source_take(s, &r));
    assert_true(live_result(&l, &r, 1000)); /* the comment that opens it */
    source_result_fini(&r);
    assert_false(live_due(&l, 1100));
    assert_true(live_due(&l, 1300)); /* what happened before is not known: ask once */
    assert_false(live_due(&l, 9000));
    live_note(&l, &(struct source_result){.len = 1}, 1300);
    assert_int_equal(live_age(&l, 15000), 0); /* fresh while the stream speaks */
    r = (struct source_result){.id = l.stream, .data = "event: job\ndata: {}\n\n", .len = 21};
    assert_true(live_result(&l, &r, 15000));
    assert_false(live_due(&l, 15100)); /* let a burst settle */
    assert_true(live_due(&l, 15250));
    assert_false(live_due(&l, 15900));
    /* Quiet for too long: it counts as down, so polling begins and the age shows. */
    assert_true(live_due(&l, 36000));
    assert_int_equal(live_age(&l, 36000), 34700);
    live_note(&l, &(struct source_result){.failed = true, .err = {.code = ERR_BUSY, .text = "away"}}, 36100);
    assert_true(l.failing);
    assert_string_equal(l.problem, "away");
    live_note(&l, &(struct source_result){.failed = true, .err = {.code = ERR_NO_JOB}}, 36200);
    assert_false(l.failing); /* the server is there */
    live_fini(&l);
    source_destroy(s);
}

static void marks_are_names(void **state)
{
    struct marks m = {.count = 0};

    (void)state;
    for (int i = 0; i < 100; i++) {
        char name[32];

        snprintf(name, sizeof name, "u%d~j%d", i % 3, i);
        assert_int_equal(marks_toggle(&m, name), 0);
    }
    assert_int_equal(m.count, 100);
    assert_int_equal(marks_users(&m), 3);
    assert_true(marks_has(&m, "u1~j1"));
    assert_int_equal(marks_toggle(&m, "u1~j1"), 0);
    assert_false(marks_has(&m, "u1~j1"));
    marks_clear(&m);
    assert_int_equal(m.count, 0);
}

/* More marks than go at once are refused, not cut to what does. */
static void too_many_marks_are_refused(void **state)
{
    static struct app app;
    static struct calls calls;
    struct marks marks = {.count = 0};
    char name[32];

    (void)state;
    for (int i = 0; i < CALLS_MAX; i++) {
        snprintf(name, sizeof name, "ana~job-%d", i);
        assert_int_equal(marks_toggle(&marks, name), 0);
    }
    calls_ask(&calls, &app, &(struct calls_question){.kind = calls_stop(), .marked = &marks});
    assert_true(app.dialog.open);
    assert_int_equal(app.dialog.count, CALLS_MAX);
    app.dialog.open = false;
    assert_int_equal(marks_toggle(&marks, "one~more"), 0);
    calls_ask(&calls, &app, &(struct calls_question){.kind = calls_stop(), .marked = &marks});
    assert_false(app.dialog.open);
    assert_string_equal(app.message, "201 jobs are too many in one go; at most 200.");
    calls_fini(&calls);
    marks_clear(&marks);
}

static void error_replies_are_read_with_care(void **state)
{
    static const char full[] =
        "{\"code\":\"ConflictJobError\",\"message\":\"taken\",\"errors\":[{\"pointer\":\"/name\","
        "\"line\":3,\"column\":7}]}";
    struct err e = {0};

    (void)state;
    assert_int_equal(transfer_error(409, full, sizeof full - 1, &e), -1);
    assert_int_equal(e.code, ERR_CONFLICT_JOB);
    assert_string_equal(e.text, "taken");
    assert_int_equal(e.line, 3);
    assert_int_equal(e.column, 7);
    assert_string_equal(e.pointer, "/name");
    e = (struct err){0};
    assert_int_equal(transfer_error(503, "<html>", 6, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    assert_non_null(strstr(e.text, "503"));
    e = (struct err){0};
    assert_int_equal(transfer_error(418, "{\"message\":7,\"errors\":{}}", 25, &e), -1);
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_int_equal(e.line, 0);
}

static void only_sound_endpoints(void **state)
{
    static const char *const good[] = {"http://127.0.0.1:7780", "https://drover.lab", "http://[::1]:80", NULL};
    static const char *const bad[] = {"ftp://x", "http://",    "http://a/b", "http://u@h", "http://h?x",
                                      "//h",     "http://h\n", "http://h h", "",           NULL};

    (void)state;
    for (size_t i = 0; good[i]; i++)
        assert_int_equal(transfer_check(&(struct endpoint){.url = good[i]}, NULL), 0);
    for (size_t i = 0; bad[i]; i++)
        assert_int_equal(transfer_check(&(struct endpoint){.url = bad[i]}, NULL), -1);
    assert_int_equal(transfer_check(&(struct endpoint){.url = good[0], .token = "a.b-c_d"}, NULL), 0);
    assert_int_equal(transfer_check(&(struct endpoint){.url = good[0], .token = "a\r\nX: y"}, NULL), -1);
    assert_int_equal(transfer_check(&(struct endpoint){.url = good[0], .token = ""}, NULL), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(events_do_not_depend_on_pieces),
        cmocka_unit_test(an_endless_event_is_dropped),
        cmocka_unit_test(filters_ask_the_server_for_what_it_knows),
        cmocka_unit_test(no_expression_hangs),
        cmocka_unit_test(the_prompt_edits_and_completes),
        cmocka_unit_test(the_dialog_is_hard_to_say_yes_to),
        cmocka_unit_test(a_long_question_says_what_is_missing),
        cmocka_unit_test(read_only_has_no_writing_keys),
        cmocka_unit_test(freshness_follows_the_stream),
        cmocka_unit_test(marks_are_names),
        cmocka_unit_test(too_many_marks_are_refused),
        cmocka_unit_test(error_replies_are_read_with_care),
        cmocka_unit_test(only_sound_endpoints),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
