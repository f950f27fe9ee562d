/* SPDX-License-Identifier: MIT
 *
 * What lists and forms of the TUI are made of: cells, questions, words of a filter, bodies of calls.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cells.h"
#include "tui/filter.h"
#include "tui/verbs/objects_tables.h"
#include "tui/views/form.h"
#include "tui/views/views.h"

#define NOW INT64_C(1795269731000)

static void cells_are_words(void **state)
{
    struct arena *a = arena_create(0);
    struct cells c = {.arena = a, .now = NOW, .time = CELLS_COARSE};
    const char *text = "{\"a\":{\"b\":[\"x\",\"y\",3,null]},\"yes\":true,\"at\":1795269728000,\"soon\":1795273331000,"
                       "\"empty\":\"\",\"hours\":1.239,\"deep\":1}";
    cJSON *item = json_parse(text, strlen(text), 0, NULL);

    (void)state;
    assert_non_null(item);
    assert_string_equal(cells_text(&c, item, &(struct field){"a.b", CELL_PLAIN}), "x, y, 3");
    assert_string_equal(cells_text(&c, item, &(struct field){"yes", CELL_PLAIN}), "yes");
    assert_string_equal(cells_text(&c, item, &(struct field){"at", CELL_TIME}), "<1 min ago");
    assert_string_equal(cells_text(&c, item, &(struct field){"soon", CELL_TIME}), "in 1 h");
    assert_string_equal(cells_text(&c, item, &(struct field){"hours", CELL_HOURS}), "1.24");
    assert_null(cells_text(&c, item, &(struct field){"empty", CELL_PLAIN}));
    assert_null(cells_text(&c, item, &(struct field){"a.none.b", CELL_PLAIN}));
    assert_null(cells_text(&c, item, &(struct field){"deep.er", CELL_PLAIN}));
    cJSON_Delete(item);
    arena_destroy(a);
}

static void members_are_put_where_they_belong(void **state)
{
    cJSON *o = cJSON_CreateObject();
    char *text;

    (void)state;
    assert_int_equal(cells_put(o, "a.b", cJSON_CreateNumber(1)), 0);
    assert_int_equal(cells_put(o, "a.c", cJSON_CreateNumber(2)), 0);
    assert_int_equal(cells_put(o, "a.b", cJSON_CreateNumber(3)), 0); /* in place of the first */
    assert_int_equal(cells_put(o, "x", NULL), -1);
    text = cJSON_PrintUnformatted(o);
    assert_string_equal(text, "{\"a\":{\"c\":2,\"b\":3}}");
    cJSON_free(text);
    cJSON_Delete(o);
}

static void questions_are_checked(void **state)
{
    static const struct question text = {"user", "actor", ASK_TEXT}, days = {"days", "since", ASK_DAYS_AGO};
    static const struct question date = {"from", "from", ASK_DATE}, number = {"top", "top", ASK_NUMBER};
    struct err e = {0};
    struct buf path;

    (void)state;
    buf_init(&path, 1024);
    assert_int_equal(cells_ask(&text, "a b&c", NOW, &path, &e), 0);
    assert_string_equal(buf_str(&path), "actor=a%20b%26c");
    buf_reset(&path);
    assert_int_equal(cells_ask(&days, "1", NOW, &path, &e), 0);
    assert_string_equal(buf_str(&path), "since=1795183331000");
    buf_reset(&path);
    assert_int_equal(cells_ask(&date, "2026-11-01", NOW, &path, &e), 0);
    assert_string_equal(buf_str(&path), "from=1793491200000");
    assert_int_equal(cells_ask(&date, "2026-11-01x", NOW, &path, &e), -1);
    assert_int_equal(cells_ask(&date, "2027-02-31", NOW, &path, &e), -1);
    assert_int_equal(cells_ask(&days, "36501", NOW, &path, &e), -1);
    assert_int_equal(cells_ask(&number, "0", NOW, &path, &e), -1);
    assert_int_equal(cells_ask(&number, "99999999999999999999", NOW, &path, &e), -1);
    assert_non_null(strstr(e.text, "top must be a number"));
    buf_fini(&path);
}

static void every_word_of_a_list_is_an_expression(void **state)
{
    struct filter f = {.term_count = 0};
    struct err e = {0};

    (void)state;
    assert_int_equal(filter_set_words(&f, "vc:vision !oppo", &e), 0);
    assert_int_equal(f.term_count, 2);
    assert_string_equal(f.vc, ""); /* nothing is asked of the server */
    assert_true(filter_matches(&f, "vc:vision prio:test"));
    assert_false(filter_matches(&f, "vc:vision prio:oppo"));
    assert_false(filter_matches(&f, "vc:nlp"));
    assert_int_equal(filter_set_words(&f, "a(b", &e), -1);
    assert_string_equal(f.text, "vc:vision !oppo"); /* a bad one changes nothing */
    filter_fini(&f);
}

static char *body_of(const struct form_state *s, struct err *e)
{
    cJSON *body = forms_body(s, e);
    char *text = body ? cJSON_PrintUnformatted(body) : NULL;

    cJSON_Delete(body);
    return text;
}

static void a_form_sends_what_was_changed(void **state)
{
    const struct form_kind *k = forms_find("user");
    struct form_state s = {.kind = k, .about = "li"};
    const char *text = "{\"email\":\"l@x\",\"grouplist\":[\"default\",\"nlp\"],\"admin\":false,\"disabled\":true,"
                       "\"expires\":1793491200000}";
    cJSON *reply = json_parse(text, strlen(text), 0, NULL);
    struct err e = {0};
    char *body;

    (void)state;
    for (size_t i = 0; i < k->count; i++) {
        forms_read(&k->fields[i], reply, s.old[i], FORM_TEXT);
        memcpy(s.now[i], s.old[i], FORM_TEXT);
    }
    assert_string_equal(s.now[1], "default, nlp");
    assert_string_equal(s.now[3], "yes");
    assert_string_equal(s.now[4], "2026-11-01");
    body = body_of(&s, &e);
    assert_string_equal(body, "{\"data\":{\"username\":\"li\"},\"patch\":true}");
    cJSON_free(body);
    snprintf(s.now[1], FORM_TEXT, " default ,speech,, ");
    snprintf(s.now[4], FORM_TEXT, "%s", "");
    body = body_of(&s, &e);
    assert_string_equal(body, "{\"data\":{\"username\":\"li\",\"grouplist\":[\"default\",\"speech\"],\"expires\":null},"
                              "\"patch\":true}");
    cJSON_free(body);
    snprintf(s.now[4], FORM_TEXT, "tomorrow");
    assert_null(body_of(&s, &e));
    assert_string_equal(e.text, "Expires: \"tomorrow\" is no date like 2027-03-31.");
    snprintf(s.now[4], FORM_TEXT, "2027-02-31");
    assert_null(body_of(&s, &e));
    cJSON_Delete(reply);
}

static void a_silence_matches_the_labels(void **state)
{
    struct form_state s = {.kind = forms_find("silence"), .about = "alertname=GpuLost node_name=gpu-07", .wall = NOW};
    struct err e = {0};
    char *body;

    (void)state;
    snprintf(s.now[0], FORM_TEXT, "2");
    assert_null(body_of(&s, &e)); /* no reason */
    snprintf(s.now[1], FORM_TEXT, "known");
    e = (struct err){0};
    body = body_of(&s, &e);
    assert_string_equal(
        body, "{\"matchers\":[{\"name\":\"alertname\",\"value\":\"GpuLost\",\"isRegex\":false,\"isEqual\":true},"
              "{\"name\":\"node_name\",\"value\":\"gpu-07\",\"isRegex\":false,\"isEqual\":true}],"
              "\"startsAt\":\"2026-11-21T14:02:11.000Z\",\"endsAt\":\"2026-11-21T16:02:11.000Z\",\"comment\":"
              "\"known\"}");
    cJSON_free(body);
    snprintf(s.now[0], FORM_TEXT, "0");
    assert_null(body_of(&s, &e));
}

/* What Tab offers is understood. */
static void every_word_for_tab_is_one(void **state)
{
    static const char *const others[] = {"sort", "theme", "help", "quit"};

    (void)state;
    for (const char *const *w = views_words(); *w; w++) {
        char word[32];
        bool known;

        snprintf(word, sizeof word, "%.*s", (int)strcspn(*w, " "), *w);
        known = views_find(word) != NULL;
        for (size_t i = 0; i < sizeof others / sizeof *others; i++)
            known = known || !strcmp(others[i], word);
        if (!known)
            fail_msg("\":%s\" is offered and not known", *w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_are_words),
        cmocka_unit_test(members_are_put_where_they_belong),
        cmocka_unit_test(questions_are_checked),
        cmocka_unit_test(every_word_of_a_list_is_an_expression),
        cmocka_unit_test(a_form_sends_what_was_changed),
        cmocka_unit_test(a_silence_matches_the_labels),
        cmocka_unit_test(every_word_for_tab_is_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
