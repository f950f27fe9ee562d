/* SPDX-License-Identifier: MIT
 *
 * Weekly reports: the moments at which they are due, once for each, also after a restart and a while without the
 * server; to whom and of what; what a wish and a note do to each other.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "server/report_mail_next.h"
#include "tests/unit/store/fixture.h"

#define HOUR INT64_C(3600000)
#define DAY (24 * HOUR)
#define MONDAY INT64_C(1764547200000) /* 2025-12-01 00:00 UTC */

static void add_user(struct fixture *f, const char *name, const char *email, bool admin)
{
    const struct auth_user u = {
        .name = name, .password_hash = "x", .email = email, .extension = "{}", .admin = admin, .created_ms = 1};

    if (auth_store_user_add(f->writer, &u, &f->e))
        fail_msg("%s", f->e.text);
}

static void put_job(struct fixture *f, const char *id, const char *user, const char *vc, int64_t begin)
{
    static const struct store_sql all[] = {
        {"INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms, completed_ms)"
         " VALUES(?1, ?2, 'of-' || ?3, ?3, 32, ?4, ?4, ?4 + 3600000)"},
        {"INSERT INTO job_attempt(job_id, attempt, state, created_ms, completed_ms, exit_code)"
         " VALUES(?1, length(?2 || ?3) * 0, 32, ?4, ?4 + 3600000, 0)"},
        {"INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, node, gpus, created_ms,"
         " completed_ms, exit_code) VALUES('t' || ?1, ?1, length(?2 || ?3) * 0, 'main', 0, 0, 32, 'n', '[0]', ?4,"
         " ?4 + 3600000, 0)"}};

    for (size_t i = 0; i < sizeof(all) / sizeof(*all); i++) {
        struct stmt *st = store_stmt(f->writer, &all[i], &f->e);

        stmt_text(st, 1, id);
        stmt_text(st, 2, user);
        stmt_text(st, 3, vc);
        stmt_int(st, 4, begin);
        if (stmt_exec(st, &f->e))
            fail_msg("%s", f->e.text);
    }
}

static int set_up(void **state)
{
    if (fixture_setup(state))
        return -1;
    struct fixture *f = *state;
    static const struct store_sql grant = {"INSERT INTO group_vc(grp, vc, manage) VALUES('lead', 'vision', 1)"},
                                  vc =
                                      {"INSERT INTO virtual_cluster(name, spec, created_ms) VALUES('vision', '{}', 0)"},
                                  group = {"INSERT INTO user_group(name, created_ms) VALUES('lead', 0)"};
    if (store_begin(f->writer, &f->e))
        return -1;
    add_user(f, "ada", "ada@example.org", true);
    add_user(f, "vic", "vic@example.org", false);
    add_user(f, "ana", "ana@example.org", false);
    add_user(f, "nobox", "", false);
    if (stmt_exec(store_stmt(f->writer, &vc, &f->e), &f->e) || stmt_exec(store_stmt(f->writer, &group, &f->e), &f->e) ||
        stmt_exec(store_stmt(f->writer, &grant, &f->e), &f->e) || member_store_join(f->writer, "vic", "lead", &f->e))
        fail_msg("%s", f->e.text);
    put_job(f, "1", "ana", "vision", MONDAY + HOUR);
    put_job(f, "2", "bo", "speech", MONDAY + HOUR);
    return store_commit(f->writer, &f->e);
}

static void wish(struct fixture *f, const char *user, int weekday, int hour, int64_t now)
{
    struct report_mail_wish w = {.user = user, .on = weekday >= 0, .weekday = weekday < 0 ? 0 : weekday, .hour = hour};

    assert_int_equal(store_begin(f->writer, &f->e), 0);
    if (report_mail_put(f->writer, &w, (struct clock_now){.wall = now}, &f->e))
        fail_msg("%s", f->e.text);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
}

/* Takes and notes all that is due: how many letters, and in `last` the last one. */
static int due(struct fixture *f, struct arena *a, int64_t now, struct report_mail_letter *last)
{
    const struct report_mail_asking q = {.store = f->writer, .arena = a, .public_url = "https://lab", .now_ms = now};
    int letters = 0, rc;
    struct report_mail_letter l;

    while ((rc = report_mail_next(&q, &l, &f->e)) > 0) {
        letters += l.to != NULL;
        *last = l;
        assert_int_equal(store_begin(f->writer, &f->e), 0);
        assert_int_equal(report_mail_note(f->writer, &l.wish, (struct clock_now){.wall = now}, &f->e), 0);
        assert_int_equal(store_commit(f->writer, &f->e), 0);
    }
    if (rc)
        fail_msg("%s", f->e.text);
    return letters;
}

static void moments_are_the_newest_that_are_not_ahead(void **state)
{
    (void)state;
    assert_int_equal(report_mail_moment(1, 8, MONDAY + 8 * HOUR), MONDAY + 8 * HOUR);
    assert_int_equal(report_mail_moment(1, 8, MONDAY + 8 * HOUR - 1), MONDAY + 8 * HOUR - 7 * DAY);
    assert_int_equal(report_mail_moment(0, 0, MONDAY), MONDAY - DAY);
    assert_int_equal(report_mail_moment(2, 23, MONDAY), MONDAY + DAY + 23 * HOUR - 7 * DAY);
    for (int64_t at = MONDAY; at < MONDAY + 14 * DAY; at += HOUR / 2)
        for (int weekday = 0; weekday < 7; weekday++) {
            const int64_t moment = report_mail_moment(weekday, 5, at);

            assert_true(moment <= at && at < moment + 7 * DAY);
            assert_int_equal((moment - 5 * HOUR - MONDAY + 70 * DAY) % (7 * DAY), (weekday + 6) % 7 * DAY);
        }
}

/* Half an hour at a time for four weeks, with a week in which the server was away. */
static void each_comes_once(void **state)
{
    struct fixture *f = *state;
    struct arena *a = arena_create(0);
    struct report_mail_letter l = {0};
    int count = 0;

    wish(f, "ada", 1, 8, MONDAY);
    assert_int_equal(due(f, a, MONDAY, &l), 0); /* not for the week before it was asked for */
    for (int64_t at = MONDAY; at < MONDAY + 28 * DAY; at += HOUR / 2) {
        if (at > MONDAY + 9 * DAY && at < MONDAY + 23 * DAY)
            continue;
        const int n = due(f, a, at, &l);

        count += n;
        if (at == MONDAY + 8 * HOUR)
            assert_int_equal(n, 1);
        if (n)
            assert_int_equal(report_mail_moment(1, 8, at), l.wish.sent_ms);
        arena_reset(a);
    }
    assert_int_equal(count, 3);              /* of the two that were missed only the last */
    wish(f, "ada", 1, 8, MONDAY + 28 * DAY); /* the same again brings nothing twice */
    assert_int_equal(due(f, a, MONDAY + 28 * DAY, &l), 0);
    wish(f, "ada", -1, 0, MONDAY + 28 * DAY);
    assert_int_equal(due(f, a, MONDAY + 80 * DAY, &l), 0);
    arena_destroy(a);
}

static void each_gets_what_they_may_see(void **state)
{
    static const struct {
        const char *user, *has, *has_not;
    } cases[] = {{"ada", "bo~of-speech", "only for nobody"},
                 {"vic", "ana~of-vision", "bo~of-speech"},
                 {"ana", "ana~of-vision", "bo~of-speech"}};
    struct fixture *f = *state;
    struct arena *a = arena_create(0);
    struct report_mail_letter l;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        wish(f, cases[i].user, 2, 0, MONDAY);
        assert_int_equal(due(f, a, MONDAY + DAY, &l), 1);
        assert_string_equal(l.wish.user, cases[i].user);
        assert_non_null(strstr(l.text, cases[i].has));
        assert_null(strstr(l.text, cases[i].has_not));
        assert_non_null(strstr(l.html, cases[i].has));
        assert_null(strstr(l.html, cases[i].has_not));
        assert_non_null(strstr(l.text, "https://lab/#/reports?from="));
        assert_string_equal(l.subject, "GPU report, 2025-11-25 to 2025-12-02");
    }
    wish(f, "nobox", 2, 0, MONDAY);
    assert_int_equal(due(f, a, MONDAY + DAY, &l), 0); /* there is no address: noted, not sent */
    assert_null(l.to);
    arena_destroy(a);
}

/* Until it is noted, it is due again, with the same Message-ID; a note never brings back what was called off. */
static void a_restart_in_between_repeats_the_id(void **state)
{
    struct fixture *f = *state;
    struct arena *a = arena_create(0);
    const struct report_mail_asking q = {.store = f->writer, .arena = a, .public_url = "", .now_ms = MONDAY + 3 * DAY};
    struct report_mail_letter first, second;
    struct report_mail_wish mine;

    wish(f, "ada", 2, 0, MONDAY);
    assert_int_equal(report_mail_next(&q, &first, &f->e), 1);
    assert_int_equal(report_mail_next(&q, &second, &f->e), 1);
    assert_string_equal(first.id, second.id);
    wish(f, "ada", -1, 0, MONDAY + 3 * DAY);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(report_mail_note(f->writer, &first.wish, (struct clock_now){.wall = MONDAY}, &f->e), 0);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    assert_int_equal(report_mail_get(f->writer, "ada", &mine, &f->e), 0);
    assert_false(mine.on);
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(moments_are_the_newest_that_are_not_ahead),
        cmocka_unit_test_setup_teardown(each_comes_once, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(each_gets_what_they_may_see, set_up, fixture_teardown),
        cmocka_unit_test_setup_teardown(a_restart_in_between_repeats_the_id, set_up, fixture_teardown),
    };

    return cmocka_run_group_tests_name("report_mail_next", tests, NULL, NULL);
}
