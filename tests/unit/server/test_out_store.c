/* SPDX-License-Identifier: MIT
 *
 * What is to be told to whom: decided once, in order for each receiver, given up where it is switched off meanwhile,
 * a log that is bounded, mails one by one or as a digest.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "auth/auth_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "core/command.h"
#include "inventory/setting_store.h"
#include "server/notice/letter.h"
#include "server/notice/notice.h"
#include "server/notice/out_store.h"
#include "server/notice/router.h"
#include "server/notice/source.h"
#include "tests/unit/jobs/store_fixture.h"

#define NOW INT64_C(1795000020000) /* a whole minute */
#define MINUTE INT64_C(60000)
#define KIND(k) (1u << NOTICE_##k)

enum { HEADS_SIZE = 1024 };

static struct store_fixture db;
static struct arena *arena;
static struct err e;
static int64_t now;
static int notices;
static bool one; /* all of the test is one transaction, for there are many writes */

static void ok(int rc)
{
    if (rc)
        fail_msg("%s", e.text);
}

static int write_rows(command_write_fn *run, void *what)
{
    memset(&e, 0, sizeof e);
    if (one) {
        ok(run(db.writer, what, (struct clock_now){.wall = now}, &e));
        return 0;
    }
    ok(store_begin(db.writer, &e));
    const int rc = run(db.writer, what, (struct clock_now){.wall = now}, &e);
    if (rc)
        store_rollback(db.writer);
    else
        ok(store_commit(db.writer, &e));
    return rc;
}

static void add_user(const char *name, const char *email, bool disabled)
{
    const struct auth_user u = {.name = name, .password_hash = "x", .email = email, .disabled = disabled};
    ok(store_begin(db.writer, &e));
    ok(auth_store_user_add(db.writer, &u, &e));
    ok(store_commit(db.writer, &e));
}

static void set_rules(const char *user, const char *text)
{
    struct out_rules w = {.user = user, .value = text};
    ok(rules_parse(&w.rules, text, &e));
    ok(write_rows(out_store_put_rules, &w));
}

static struct store *reader(void)
{
    return one ? db.writer : db.reader;
}

/* Its id is its name and "-id". */
static void set_webhook(const char *user, const char *name, unsigned kinds, bool enabled)
{
    struct webhook_write w = {.row = {.id = arena_printf(arena, "%s-id", name),
                                      .user = user,
                                      .name = name,
                                      .url = "https://x.example/",
                                      .kinds = kinds,
                                      .quiet = !strcmp(name, "quiet"),
                                      .enabled = enabled,
                                      .secret = "s",
                                      .secret_len = 1}};
    ok(write_rows(webhook_store_put, &w));
}

/* As the notifier: who hears of it, in one transaction with how far it came. The same id tells the same again. */
static size_t tell_again(const char *user, enum notice_kind kind, enum notice_wish wish)
{
    const struct router_asking q = {
        .store = reader(), .arena = arena, .public_url = "https://lab", .mail = true, .now_ms = now};
    const struct notice n = {.id = arena_printf(arena, "n%d", notices),
                             .time_ms = now,
                             .kind = kind,
                             .user = user,
                             .job = user ? "train" : NULL,
                             .severity = "info",
                             .title = arena_printf(arena, "title %d", notices),
                             .text = "text",
                             .wish = wish,
                             .waited_ms = INT64_MAX};
    struct router_rows rows = {0};
    struct setting state = {.key = SETTING_MAIL, .value = "{}"};
    ok(router_decide(&q, &n, &rows, &e));
    struct out_queue queue = {.rows = rows.rows, .count = rows.count, .state = &state};
    ok(write_rows(out_store_queue, &queue));
    return rows.count;
}

static size_t tell(const char *user, enum notice_kind kind, enum notice_wish wish)
{
    notices++;
    return tell_again(user, kind, wish);
}

static int set_up(void **unused)
{
    (void)unused;
    memset(&e, 0, sizeof e);
    now = NOW;
    notices = 0;
    one = false;
    arena = arena_create(0);
    if (!arena || store_fixture_open(&db))
        return -1;
    add_user("ana", "ana@lab.example", false);
    add_user("bo", "bo@lab.example", false);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    arena_destroy(arena);
    store_fixture_close(&db);
    return 0;
}

/* The next mail; forgotten, as when it was sent. */
static struct letter mail(const char *subject)
{
    const struct letter_asking q = {.arena = arena, .now_ms = now};
    struct letter l;
    const int rc = letter_next(reader(), &q, &l, &e);
    if (rc < 0)
        fail_msg("%s", e.text);
    if ((rc == 0) != (subject == NULL))
        fail_msg("%s", rc ? l.subject : "no mail");
    if (!subject)
        return l;
    assert_string_equal(l.subject, subject);
    struct out_end end = {.positions = l.positions, .count = l.count, .kind = OUT_SENT};
    ok(write_rows(out_store_end, &end));
    return l;
}

static int add_head(void *ctx, const struct out_row *row, const struct webhook *w)
{
    char *text = ctx;
    snprintf(text + strlen(text), HEADS_SIZE - strlen(text), "%s:%s ", w->name, row->notice);
    return 0;
}

/* "webhook:notice " of each that is due. */
static const char *heads(void)
{
    const struct out_due due = {.now_ms = now, .limit = 32};
    char *text = arena_alloc(arena, HEADS_SIZE);
    ok(out_store_heads(reader(), &due, add_head, text, &e));
    return text;
}

static int find_position(void *ctx, const struct out_row *row)
{
    int64_t *position = ctx;
    if (!strcmp(row->state, "waiting"))
        *position = row->position; /* newest first: the last is the oldest */
    return 0;
}

static void end_head(const char *webhook, enum out_end_kind kind)
{
    int64_t position = 0;
    ok(out_store_log(reader(), webhook, find_position, &position, &e));
    struct out_end end = {.positions = &position,
                          .count = 1,
                          .kind = kind,
                          .due_ms = now + MINUTE,
                          .status = kind == OUT_SENT ? 204 : 503,
                          .webhook = webhook,
                          .problem = kind == OUT_SENT ? "" : "it answers 503"};
    ok(write_rows(out_store_end, &end));
}

static void only_who_wants_to_hear(void **unused)
{
    (void)unused;
    add_user("cy", "cy@lab.example", true);
    set_rules("ana", "{\"mail\":[\"failed\"]}");
    set_webhook("ana", "own", KIND(FAILED), true);
    set_webhook("ana", "other", KIND(STARTED), true);
    set_webhook("ana", "off", KIND(FAILED), false);
    set_webhook("bo", "bos", KIND(FAILED), true);
    set_webhook("cy", "cys", KIND(FAILED), true);
    set_webhook(NULL, "site", KIND(FAILED), true);
    assert_int_equal(tell("ana", NOTICE_SUCCEEDED, NOTICE_WISH_NONE), 0);
    assert_int_equal(tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE), 3);
    assert_string_equal(heads(), "site:n2 own:n2 ");
    assert_int_equal(tell("cy", NOTICE_FAILED, NOTICE_WISH_YES), 1); /* the site's */
    assert_int_equal(tell("bo", NOTICE_FAILED, NOTICE_WISH_NONE), 2);
    const struct letter l = mail("title 2");
    assert_string_equal(l.to, "ana@lab.example");
    assert_string_equal(l.id, "n2");
    assert_string_equal(l.text, "Hello ana,\n\ntext\n\nhttps://lab/#/jobs/ana~train\n");
    mail(NULL);
}

static void once_and_in_order(void **unused)
{
    (void)unused;
    set_webhook("ana", "one", KIND(FAILED), true);
    set_webhook(NULL, "two", KIND(FAILED), true);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    tell_again("ana", NOTICE_FAILED, NOTICE_WISH_NONE); /* a crash between two transactions */
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    assert_string_equal(heads(), "two:n1 one:n1 ");
    end_head("one-id", OUT_LATER); /* it holds up its own, and nobody else */
    assert_string_equal(heads(), "two:n1 ");
    end_head("two-id", OUT_SENT);
    assert_string_equal(heads(), "two:n2 ");
    end_head("two-id", OUT_SENT);
    assert_string_equal(heads(), "");
    now += MINUTE;
    assert_string_equal(heads(), "one:n1 ");
    end_head("one-id", OUT_FAILED);
    assert_string_equal(heads(), "one:n2 ");
}

static void nobodys_many_keep_others_few_waiting(void **unused)
{
    (void)unused;
    for (int i = 0; i < 10; i++)
        set_webhook("ana", arena_printf(arena, "a%d", i), KIND(FAILED), true);
    set_webhook("bo", "bos", KIND(FAILED), true);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    now += MINUTE;
    tell("bo", NOTICE_FAILED, NOTICE_WISH_NONE);
    assert_string_equal(heads(), "a0:n1 bos:n2 a1:n1 a2:n1 a3:n1 ");
    end_head("a1-id", OUT_SENT);
    assert_string_equal(heads(), "a0:n1 bos:n2 a2:n1 a3:n1 a4:n1 ");
    for (int i = 0; i < 6; i++) /* the site's are few, and an admin's */
        set_webhook(NULL, arena_printf(arena, "s%d", i), KIND(FAILED), true);
    tell("bo", NOTICE_FAILED, NOTICE_WISH_NONE);
    assert_string_equal(heads(), "s0:n3 s1:n3 s2:n3 s3:n3 s4:n3 s5:n3 a0:n1 bos:n2 a2:n1 a3:n1 a4:n1 ");
}

/* As many receivers as are told of at once hang, each another user's, and have been due for longer. */
static void many_users_do_not_hide_the_sites(void **unused)
{
    (void)unused;
    for (int i = 0; i < 33; i++) {
        const char *user = arena_printf(arena, "u%d", i);
        add_user(user, "u@lab.example", false);
        set_webhook(user, arena_printf(arena, "h%d", i), KIND(FAILED), true);
        tell(user, NOTICE_FAILED, NOTICE_WISH_NONE);
    }
    now += MINUTE;
    set_webhook(NULL, "site", KIND(FAILED), true);
    tell("bo", NOTICE_FAILED, NOTICE_WISH_NONE);
    const char *text = heads();
    assert_non_null(strstr(text, "site:n34 h0:n1 h1:n2 "));
    assert_non_null(strstr(text, " h30:n31 "));
    assert_null(strstr(text, "h31:"));
}

static int count_row(void *ctx, const struct out_row *row)
{
    int *n = ctx;
    n[0]++;
    n[1] += !strcmp(row->state, "failed");
    return 0;
}

static void the_log_is_bounded(void **unused)
{
    int n[2] = {0};
    (void)unused;
    set_webhook("ana", "hook", KIND(FAILED), true);
    ok(store_begin(db.writer, &e));
    one = true;
    for (int i = 0; i < OUT_LOG_MAX + 5; i++) {
        tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
        end_head("hook-id", i % 2 ? OUT_SENT : OUT_FAILED);
        arena_reset(arena);
    }
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    ok(out_store_log(reader(), "hook-id", count_row, n, &e));
    assert_int_equal(n[0], OUT_LOG_MAX + 1);
    assert_int_equal(n[1], OUT_LOG_MAX / 2);
    store_rollback(db.writer);
}

/* What waits is bounded, too; the log says what was not kept. */
static void too_many_are_not_kept(void **unused)
{
    struct out_row rows[OUT_WAITING_MAX + 1];
    char ids[OUT_WAITING_MAX + 1][16];
    struct out_queue queue = {.rows = rows, .count = OUT_WAITING_MAX + 1};
    int n[2] = {0};
    (void)unused;
    set_webhook("ana", "hook", KIND(FAILED), true);
    for (int i = 0; i <= OUT_WAITING_MAX; i++) {
        snprintf(ids[i], sizeof ids[i], "n%d", i);
        rows[i] = (struct out_row){.webhook = "hook-id", .notice = ids[i], .kind = NOTICE_FAILED, .data = "{}"};
    }
    ok(write_rows(out_store_queue, &queue));
    ok(out_store_log(reader(), "hook-id", count_row, n, &e));
    assert_int_equal(n[0], OUT_WAITING_MAX + 1);
    assert_int_equal(n[1], 1);
}

/* What waits and is switched off meanwhile is never sent; what the job itself asks for is. */
static void none_that_was_switched_off(void **unused)
{
    (void)unused;
    set_rules("ana", "{\"mail\":[\"failed\",\"idle\"],\"digestMinutes\":1}");
    set_webhook("ana", "hook", KIND(FAILED) | KIND(IDLE), true);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    tell("ana", NOTICE_IDLE, NOTICE_WISH_NONE);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_YES);
    set_rules("ana", "{\"mail\":[\"idle\"]}");
    set_webhook("ana", "hook", KIND(IDLE), true);
    assert_string_equal(heads(), "hook:n2 ");
    now += MINUTE;
    mail("title 2");
    mail("title 3");
    mail(NULL);
    tell("ana", NOTICE_IDLE, NOTICE_WISH_NONE);
    set_webhook("ana", "hook", KIND(IDLE), false);
    assert_string_equal(heads(), "");
}

static void a_digest(void **unused)
{
    (void)unused;
    set_rules("ana", "{\"mail\":[\"failed\",\"idle\",\"reservationEnding\"],\"digestMinutes\":1}");
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    tell("bo", NOTICE_IDLE, NOTICE_WISH_NONE);
    tell("ana", NOTICE_IDLE, NOTICE_WISH_NONE);
    tell("ana", NOTICE_RESERVATION_ENDING, NOTICE_WISH_NONE);
    mail("title 2"); /* who has no digest */
    mail("title 4"); /* what would be late */
    mail(NULL);
    now += MINUTE - 1;
    mail(NULL);
    now++;
    const struct letter l = mail("2 notifications");
    assert_string_equal(l.id, "digest-2.n1");
    assert_non_null(strstr(l.text, "title 1\n\ntext"));
    assert_non_null(strstr(l.text, "title 3\n\ntext"));
    mail(NULL);
}

static void quiet_hours_hold_mails_and_the_webhooks_that_want_it(void **unused)
{
    (void)unused;
    /* 2026-11-18 11:07 UTC */
    set_rules("ana", "{\"mail\":[\"failed\"],\"quietHours\":{\"from\":\"11:00\",\"to\":\"11:08\"}}");
    set_webhook("ana", "quiet", KIND(FAILED), true);
    set_webhook("ana", "loud", KIND(FAILED), true);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    mail(NULL);
    assert_string_equal(heads(), "loud:n1 ");
    now += MINUTE;
    mail("title 1");
    assert_string_equal(heads(), "loud:n1 quiet:n1 ");
}

/* Who has no address any more, or could not be sent to for a day, holds up nobody. */
static void what_cannot_be_sent_is_forgotten(void **unused)
{
    const struct letter_asking q = {.arena = arena, .now_ms = now + SOURCE_OLD_MS + 1};
    struct letter l;
    (void)unused;
    tell("ana", NOTICE_IDLE, NOTICE_WISH_NONE);
    assert_int_equal(letter_next(reader(), &q, &l, &e), 1);
    assert_null(l.to);
    assert_int_equal(l.count, 1);
}

/* The next mail is not taken for now. */
static void put_off(const char *subject)
{
    const struct letter_asking q = {.arena = arena, .now_ms = now};
    struct letter l;
    assert_int_equal(letter_next(reader(), &q, &l, &e), 1);
    assert_string_equal(l.subject, subject);
    struct out_end end = {.positions = l.positions, .count = l.count, .kind = OUT_LATER, .due_ms = now + MINUTE};
    ok(write_rows(out_store_end, &end));
}

static void who_cannot_be_told_holds_up_nobody(void **unused)
{
    (void)unused;
    tell("ana", NOTICE_FAILED, NOTICE_WISH_YES);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_YES);
    tell("bo", NOTICE_FAILED, NOTICE_WISH_YES);
    put_off("title 1");
    mail("title 3"); /* and not ana's second, which would overtake her first */
    mail(NULL);
    now += MINUTE;
    mail("title 1");
    mail("title 2");
    mail(NULL);
    tell("bo", NOTICE_FAILED, NOTICE_WISH_YES);
    for (int i = 0; i <= OUT_MAIL_TRIES; i++) {
        put_off("title 4");
        now += MINUTE;
    }
    mail(NULL);
}

static void who_is_locked_out_is_sent_no_more(void **unused)
{
    (void)unused;
    set_webhook("ana", "one", KIND(FAILED), true);
    tell("ana", NOTICE_FAILED, NOTICE_WISH_NONE);
    assert_string_equal(heads(), "one:n1 ");
    static const struct store_sql lock_out = {"UPDATE user SET disabled = 1 WHERE name = 'ana'"};
    ok(store_begin(db.writer, &e));
    ok(stmt_exec(store_stmt(db.writer, &lock_out, &e), &e));
    ok(store_commit(db.writer, &e));
    assert_string_equal(heads(), "");
}

static void webhooks_are_counted(void **unused)
{
    struct webhook_write w = {.row = {.user = "ana", .name = "none"}};
    (void)unused;
    for (int i = 0; i < WEBHOOKS_OF_USER; i++)
        set_webhook("ana", arena_printf(arena, "w%d", i), 1, true);
    set_webhook("ana", "w0", 2, true);
    struct webhook_write more = {
        .row = {.id = "x", .user = "ana", .name = "x", .url = "https://x/", .secret = "s", .secret_len = 1}};
    assert_int_equal(write_rows(webhook_store_put, &more), -1);
    assert_int_equal(e.code, ERR_TOO_MANY);
    assert_int_equal(write_rows(webhook_store_remove, &w), -1);
    assert_int_equal(e.code, ERR_NO_WEBHOOK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(only_who_wants_to_hear, set_up, tear_down),
        cmocka_unit_test_setup_teardown(once_and_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(many_users_do_not_hide_the_sites, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobodys_many_keep_others_few_waiting, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_log_is_bounded, set_up, tear_down),
        cmocka_unit_test_setup_teardown(too_many_are_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(none_that_was_switched_off, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_digest, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quiet_hours_hold_mails_and_the_webhooks_that_want_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_cannot_be_sent_is_forgotten, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_cannot_be_told_holds_up_nobody, set_up, tear_down),
        cmocka_unit_test_setup_teardown(who_is_locked_out_is_sent_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(webhooks_are_counted, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
