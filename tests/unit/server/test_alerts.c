/* SPDX-License-Identifier: MIT
 *
 * Alerts in virtual time: states and how long a rule has to hold, what is told and what not, a restart, silences and
 * their matchers, alerts of others.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/pattern.h"
#include "server/alerts/alert_book.h"
#include "server/alerts/alert_silence.h"
#include "server/alerts/alert_store.h"
#include "tests/unit/jobs/store_fixture.h"

#define T0 INT64_C(1795000000000)
#define SECOND INT64_C(1000)
#define SILENCE_1 "01890000-0000-7000-8000-000000000001"

static struct alert_settings settings;
static struct alert_book *book;
static char log_text[1024]; /* of the records since it was asked for last */

static int setup(void **state)
{
    (void)state;
    alert_settings_defaults(&settings);
    book = book_create(&settings);
    return book ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    book_destroy(book);
    return 0;
}

/* What the book has recorded: "+firing" is put and told, "(firing)" is told silenced, "-" goes, "." is put alone. */
static const char *records(void)
{
    struct alert_record *r = book_records(book);
    size_t n = 0;
    log_text[0] = '\0';
    while (r) {
        struct alert_record *next = r->next;
        n += (size_t)snprintf(log_text + n, sizeof log_text - n, "%s%s%s%s%s", n ? " " : "", r->gone ? "-" : "",
                              !r->tell      ? "."
                              : r->silenced ? "("
                                            : "+",
                              alert_state_word(r->state), r->tell && r->silenced ? ")" : "");
        alert_record_destroy(r);
        r = next;
    }
    return log_text;
}

static struct alert_seen seen(int for_s, const struct alert_pair *node)
{
    return (struct alert_seen){.rule = 0,
                               .name = "NodeNotReady",
                               .severity = ALERT_ERROR,
                               .for_s = for_s,
                               .labels = node,
                               .label_count = 1,
                               .summary = "Node n1 is not reached.",
                               .description = "it"};
}

static const struct alert_pair n1[] = {{"node_name", "n1"}};

/* A look at a moment; `there`: n1 is not ready. */
static void look(int64_t at_ms, bool there, int for_s)
{
    const struct alert_seen s = seen(for_s, n1);
    book_begin(book, at_ms);
    if (there)
        book_see(book, &s);
    book_end(book);
}

static struct alert_silence *make_silence(const char *matcher, int64_t from_ms, int64_t to_ms)
{
    struct alert_silence *s = silence_create();
    struct err e = {0};
    assert_non_null(s);
    if (silence_add_text(s, matcher, &e))
        fail_msg("%s", e.text);
    snprintf(s->id, sizeof s->id, SILENCE_1);
    s->starts_ms = s->updated_ms = from_ms;
    s->ends_ms = to_ms;
    return s;
}

static void fires_after_so_long(void **state)
{
    (void)state;
    look(T0, true, 60);
    assert_string_equal(records(), ".pending");
    look(T0 + 59999, true, 60);
    assert_string_equal(records(), "");
    look(T0 + 60000, true, 60);
    assert_string_equal(records(), "+firing");
    assert_int_equal(book_alerts(book)->starts_ms, T0 + 60000);
    look(T0 + 65000, true, 60);
    assert_string_equal(records(), "");
    look(T0 + 70000, false, 60);
    assert_string_equal(records(), "-+resolved");
    assert_int_equal(book_alerts(book)->ends_ms, T0 + 70000);
    look(T0 + 70000 + ALERT_RESOLVED_KEPT_MS, false, 60);
    assert_null(book_alerts(book));
    assert_string_equal(records(), "");
}

static void a_gap_begins_anew(void **state)
{
    (void)state;
    look(T0, true, 60);
    look(T0 + 50000, false, 60);
    assert_string_equal(records(), ".pending -.pending");
    look(T0 + 60000, true, 60);
    look(T0 + 119000, true, 60);
    assert_string_equal(records(), ".pending");
    look(T0 + 120000, true, 60);
    assert_string_equal(records(), "+firing");
}

static void what_is_not_known_stays(void **state)
{
    (void)state;
    look(T0, true, 0);
    assert_string_equal(records(), "+firing");
    book_begin(book, T0 + SECOND);
    book_hold(book, 0);
    book_end(book);
    assert_string_equal(records(), "");
    look(T0 + 2 * SECOND, true, 0);
    assert_string_equal(records(), "");
    assert_int_equal(book_alerts(book)->starts_ms, T0);
}

static void an_old_one_fires_again(void **state)
{
    (void)state;
    look(T0, true, 0);
    look(T0 + SECOND, false, 0);
    look(T0 + 2 * SECOND, true, 0);
    assert_string_equal(records(), "+firing -+resolved +firing");
    assert_int_equal(book_alerts(book)->starts_ms, T0 + 2 * SECOND);
    assert_null(book_alerts(book)->next);
}

/* ---- a restart ---- */

static struct store_fixture db;

static int restore(void *ctx, const struct alert_record *r)
{
    return book_restore(book, r, *(const int64_t *)ctx);
}

static int restore_silence(void *ctx, struct alert_silence *s)
{
    (void)ctx;
    book_silence_put(book, s);
    return 0;
}

static void write_records(int64_t now_ms)
{
    struct err e = {0};
    struct alert_record *all = book_records(book);
    struct alert_batch b = {.records = all, .keep_ms = 1000 * SECOND};
    assert_int_equal(store_begin(db.writer, &e), 0);
    if (alert_store_put(db.writer, &b, (struct clock_now){.wall = now_ms}, &e))
        fail_msg("%s", e.text);
    assert_int_equal(store_commit(db.writer, &e), 0);
    while (all) {
        struct alert_record *next = all->next;
        alert_record_destroy(all);
        all = next;
    }
}

static void start_again(int64_t now_ms, int64_t settle_ms)
{
    struct err e = {0};
    book_destroy(book);
    book = book_create(&settings);
    if (alert_store_each(db.reader, restore, &now_ms, &e) ||
        alert_store_each_silence(db.reader, restore_silence, NULL, &e))
        fail_msg("%s", e.text);
    book_settle(book, settle_ms);
}

static int count_changes(void *ctx, const struct alert_change *c)
{
    (void)c;
    ++*(int *)ctx;
    return 0;
}

static int changes(void)
{
    struct err e = {0};
    int n = 0;
    const struct alert_change_filter f = {.rule = "NodeNotReady", .limit = 100};
    assert_int_equal(alert_store_changes(db.reader, &f, count_changes, &n, &e), 0);
    return n;
}

static void a_restart_repeats_and_loses_nothing(void **state)
{
    (void)state;
    look(T0, true, 60);
    write_records(T0);
    start_again(T0 + 50000, T0 + 80000);
    look(T0 + 60000, true, 60); /* what was pending goes on */
    assert_int_equal(book_alerts(book)->state, ALERT_FIRING);
    write_records(T0 + 60000);
    assert_int_equal(changes(), 1);
    start_again(T0 + 61000, T0 + 90000);
    look(T0 + 62000, true, 60);
    assert_int_equal(book_alerts(book)->starts_ms, T0 + 60000);
    assert_string_equal(records(), "");
    start_again(T0 + 63000, T0 + 90000);
    look(T0 + 70000, false, 60); /* too early to say */
    assert_string_equal(records(), "");
    look(T0 + 90000, false, 60);
    write_records(T0 + 90000);
    assert_int_equal(changes(), 2);
    start_again(T0 + 100000, T0 + 100000);
    assert_null(book_alerts(book));
    look(T0 + 2000 * SECOND, true, 0); /* what is older than is kept goes with the next */
    write_records(T0 + 2000 * SECOND);
    assert_int_equal(changes(), 1);
}

static void changes_come_one_after_the_other(void **state)
{
    struct err e = {0};
    struct arena *a = arena_create(0);
    struct alert_change c;
    (void)state;
    look(T0, true, 0);
    look(T0 + SECOND, false, 0);
    write_records(T0);
    assert_int_equal(alert_store_next_change(db.reader, 0, a, &c, &e), 1);
    assert_string_equal(c.state, "firing");
    assert_string_equal(c.labels, "{\"alertname\":\"NodeNotReady\",\"node_name\":\"n1\",\"severity\":\"error\"}");
    assert_string_equal(c.annotations, "{\"description\":\"it\",\"summary\":\"Node n1 is not reached.\"}");
    assert_null(c.user);
    assert_int_equal(c.ends_ms, 0);
    assert_int_equal(alert_store_next_change(db.reader, c.id, a, &c, &e), 1);
    assert_string_equal(c.state, "resolved");
    assert_int_equal(c.ends_ms, T0 + SECOND);
    assert_int_equal(alert_store_next_change(db.reader, c.id, a, &c, &e), 0);
    arena_destroy(a);
}

static void silences_are_kept(void **state)
{
    struct err e = {0};
    struct alert_silence *list[2] = {make_silence("node_name=~\"n[0-9]\"", T0, T0 + SECOND), NULL};
    (void)state;
    assert_int_equal(store_begin(db.writer, &e), 0);
    assert_int_equal(alert_store_put_silences(db.writer, list, (struct clock_now){.wall = T0}, &e), 0);
    assert_int_equal(store_commit(db.writer, &e), 0);
    start_again(T0, T0);
    assert_non_null(book_silence(book, SILENCE_1));
    assert_true(silence_same(book_silence(book, SILENCE_1), list[0]));
    silence_destroy(list[0]);
}

static int setup_db(void **state)
{
    return setup(state) || store_fixture_open(&db) ? -1 : 0;
}

static int teardown_db(void **state)
{
    store_fixture_close(&db);
    return teardown(state);
}

/* ---- silences ---- */

static void a_silenced_one_is_told_when_the_silence_ends(void **state)
{
    (void)state;
    book_silence_put(book, make_silence("alertname=NodeNotReady", T0, T0 + 10 * SECOND));
    look(T0, true, 0);
    assert_string_equal(records(), "(firing)");
    assert_string_equal(book_alerts(book)->silenced_by, SILENCE_1);
    look(T0 + 9 * SECOND, true, 0);
    assert_string_equal(records(), "");
    look(T0 + 10 * SECOND, true, 0);
    assert_string_equal(records(), "+firing");
    look(T0 + 11 * SECOND, false, 0);
    assert_string_equal(records(), "-+resolved");
}

static void the_end_of_what_nobody_was_told_is_told_to_nobody(void **state)
{
    (void)state;
    book_silence_put(book, make_silence("alertname=NodeNotReady", T0, T0 + 10 * SECOND));
    look(T0, true, 0);
    look(T0 + SECOND, false, 0);
    assert_string_equal(records(), "(firing) -(resolved)");
}

static void a_silence_that_begins_later_mutes_the_end(void **state)
{
    (void)state;
    look(T0, true, 0);
    book_silence_put(book, make_silence("node_name!=n2", T0 + SECOND, T0 + 10 * SECOND));
    look(T0 + SECOND, true, 0);
    look(T0 + 2 * SECOND, false, 0);
    assert_string_equal(records(), "+firing -(resolved)");
}

static void silences_are_forgotten_in_the_end(void **state)
{
    (void)state;
    book_silence_put(book, make_silence("a=b", T0, T0 + SECOND));
    look(T0 + SECOND + SILENCE_KEPT_MS - 1, false, 0);
    assert_int_equal(book_silence_count(book, T0), 1);
    assert_int_equal(book_silence_count(book, T0 + SECOND), 0); /* it is over, and takes nobody's place */
    look(T0 + SECOND + SILENCE_KEPT_MS, false, 0);
    assert_int_equal(book_silence_count(book, T0), 0);
}

static void matchers(void **state)
{
    static const struct {
        const char *text;
        bool holds;
    } of[] = {
        {"node_name=n1", true},
        {"node_name=\"n1\"", true},
        {"node_name=n", false},
        {"node_name!=n1", false},
        {"node_name!=n2", true},
        {"node_name=~n.", true},
        {"node_name=~n", false},
        {"node_name=~\"1\"", false},
        {"node_name!~n.*", false},
        {"node_name!~x", true},
        {"gpu=\"\"", true},
        {"gpu!=\"\"", false},
        {"gpu=~.*", true},
        {"gpu=~.+", false},
        {"node_name=~\"n1|n2\"", true},
        {"node_name=~\"x|n\"", false},
        {"node_name=~\"n1$\"", true},
    };
    const struct alert_pair labels[] = {{"alertname", "A"}, {"node_name", "n1"}, {"gpu", ""}};
    struct alert_text *t = alert_text_create(labels, 3, NULL, 0);
    struct pattern_scratch *scratch = pattern_scratch_create();
    (void)state;
    assert_int_equal(t->label_count, 2);
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        struct alert_silence *s = make_silence(of[i].text, T0, T0);
        if (silence_matches(s, scratch, t) != of[i].holds)
            fail_msg("%s", of[i].text);
        silence_destroy(s);
    }
    pattern_scratch_destroy(scratch);
    alert_text_put(t);
}

static void matchers_that_are_none(void **state)
{
    static const char *const bad[] = {"", "a", "=b", "a==b", "a!b", "a=~(", "a=~x)(y", "a=~[", "a!~*"};
    struct err e = {0};
    struct alert_silence *s = silence_create();
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (!silence_add_text(s, bad[i], &e))
            fail_msg("%s", bad[i]);
    assert_int_equal(s->matcher_count, 0);
    silence_destroy(s);
}

static void a_silence_of_everything_is_refused(void **state)
{
    static const char *const all[] = {"a=\"\"", "a=~.*", "a!=x", "a!~x"};
    struct err e = {0};
    struct pattern_scratch *scratch = pattern_scratch_create();
    struct alert_silence *s = silence_create();
    (void)state;
    assert_int_equal(silence_check(s, scratch, &e), -1);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(silence_add_text(s, all[i], &e), 0);
    assert_int_equal(silence_check(s, scratch, &e), -1);
    assert_int_equal(silence_add_text(s, "a=b", &e), 0);
    assert_int_equal(silence_check(s, scratch, &e), 0);
    silence_destroy(s);
    pattern_scratch_destroy(scratch);
}

/* ---- of others ---- */

static enum err_code refusal; /* of the last one */

static int take(struct alert_text *t, int64_t starts_ms, int64_t ends_ms, int64_t now_ms)
{
    struct err e = {0};
    const struct alert_posted p = {.text = t, .starts_ms = starts_ms, .ends_ms = ends_ms};
    int rc = book_take(book, &p, now_ms, &e);
    refusal = e.code;
    return rc;
}

static struct alert_text *foreign_text(void)
{
    const struct alert_pair labels[] = {{"severity", "critical"}, {"alertname", "Disk"}, {"job", "node"}};
    return alert_text_create(labels, 3, NULL, 0);
}

static void those_of_others_end_by_themselves(void **state)
{
    struct alert_text *t = foreign_text();
    (void)state;
    assert_int_equal(take(t, T0 - SECOND, T0 + 60 * SECOND, T0), 0);
    look(T0, false, 0);
    assert_string_equal(records(), "+firing");
    assert_int_equal(book_alerts(book)->starts_ms, T0 - SECOND);
    assert_string_equal(book_alerts(book)->severity, "critical");
    assert_int_equal(take(t, T0 - SECOND, T0 + 90 * SECOND, T0 + 30 * SECOND), 0);
    look(T0 + 89 * SECOND, false, 0);
    assert_string_equal(records(), "");
    look(T0 + 90 * SECOND, false, 0);
    assert_string_equal(records(), "-+resolved");
    assert_int_equal(take(t, 0, T0, T0 + 91 * SECOND), 0); /* an end of what is over */
    look(T0 + 92 * SECOND, false, 0);
    assert_string_equal(records(), "");
    alert_text_put(t);
}

static void the_sender_ends_one(void **state)
{
    struct alert_text *t = foreign_text();
    (void)state;
    assert_int_equal(take(t, 0, T0 + 60 * SECOND, T0), 0);
    look(T0, false, 0);
    assert_int_equal(take(t, 0, T0 + 4 * SECOND, T0 + 5 * SECOND), 0);
    look(T0 + 5 * SECOND, false, 0);
    assert_string_equal(records(), "+firing -+resolved");
    assert_int_equal(book_alerts(book)->ends_ms, T0 + 4 * SECOND);
    alert_text_put(t);
}

static void nobody_speaks_for_us(void **state)
{
    (void)state;
    look(T0, true, 0);
    assert_int_equal(take(book_alerts(book)->text, 0, T0 - 1, T0), -1);
    look(T0 + 1, true, 0);
    assert_string_equal(records(), "+firing");
}

static void there_is_a_bound(void **state)
{
    char number[16];
    int taken = 0;
    (void)state;
    for (int i = 0; i < ALERTS_FOREIGN_MAX + 5; i++) {
        snprintf(number, sizeof number, "%d", i);
        const struct alert_pair labels[] = {{"alertname", "A"}, {"n", number}};
        struct alert_text *t = alert_text_create(labels, 2, NULL, 0);
        taken += !take(t, 0, T0 + SECOND, T0);
        alert_text_put(t);
    }
    assert_int_equal(taken, ALERTS_FOREIGN_MAX);
    assert_int_equal(refusal, ERR_TOO_MANY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(fires_after_so_long, setup, teardown),
        cmocka_unit_test_setup_teardown(a_gap_begins_anew, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_known_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(an_old_one_fires_again, setup, teardown),
        cmocka_unit_test_setup_teardown(a_restart_repeats_and_loses_nothing, setup_db, teardown_db),
        cmocka_unit_test_setup_teardown(changes_come_one_after_the_other, setup_db, teardown_db),
        cmocka_unit_test_setup_teardown(silences_are_kept, setup_db, teardown_db),
        cmocka_unit_test_setup_teardown(a_silenced_one_is_told_when_the_silence_ends, setup, teardown),
        cmocka_unit_test_setup_teardown(the_end_of_what_nobody_was_told_is_told_to_nobody, setup, teardown),
        cmocka_unit_test_setup_teardown(a_silence_that_begins_later_mutes_the_end, setup, teardown),
        cmocka_unit_test_setup_teardown(silences_are_forgotten_in_the_end, setup, teardown),
        cmocka_unit_test(matchers),
        cmocka_unit_test(matchers_that_are_none),
        cmocka_unit_test(a_silence_of_everything_is_refused),
        cmocka_unit_test_setup_teardown(those_of_others_end_by_themselves, setup, teardown),
        cmocka_unit_test_setup_teardown(the_sender_ends_one, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_speaks_for_us, setup, teardown),
        cmocka_unit_test_setup_teardown(there_is_a_bound, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
