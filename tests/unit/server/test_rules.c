/* SPDX-License-Identifier: MIT
 *
 * What users want to be told and when: quiet hours by their clock, digests, what a job says itself, and the waits
 * between tries; the shapes of webhooks and their signature.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/notice/body.h"
#include "server/notice/notice.h"
#include "server/notice/rules.h"

#define MINUTE INT64_C(60000)
#define HOUR (60 * MINUTE)
#define MIDNIGHT (INT64_C(20000) * 24 * HOUR) /* UTC */

static struct rules rules_of(const char *text)
{
    struct rules r;
    struct err e = {0};
    if (rules_parse(&r, text, &e))
        fail_msg("%s: %s", text, e.text);
    return r;
}

static void the_usual(void **unused)
{
    const struct rules r = rules_of(NULL);
    const struct notice idle = {.kind = NOTICE_IDLE}, failed = {.kind = NOTICE_FAILED};
    (void)unused;
    assert_true(rules_mail(&r, &idle));
    assert_false(rules_mail(&r, &failed));
    assert_int_equal(rules_mail_due(&r, &idle, MIDNIGHT + 7), MIDNIGHT + 7);
}

/* What a job says goes before what its owner has set. */
static void a_job_decides_for_itself(void **unused)
{
    const struct rules on = rules_of("{\"mail\":[\"failed\"]}"), off = rules_of("{\"mail\":[]}");
    struct notice n = {.kind = NOTICE_FAILED};
    (void)unused;
    assert_true(rules_mail(&on, &n));
    assert_false(rules_mail(&off, &n));
    n.wish = NOTICE_WISH_NO;
    assert_false(rules_mail(&on, &n));
    n.wish = NOTICE_WISH_YES;
    assert_true(rules_mail(&off, &n));
    /* A webhook hears what it listens to. */
    n.wish = NOTICE_WISH_NO;
    assert_true(rules_listens(&off, 1u << NOTICE_FAILED, &n));
    assert_false(rules_listens(&off, 1u << NOTICE_STARTED, &n));
}

static void a_start_is_told_after_a_long_wait(void **unused)
{
    const struct rules r = rules_of("{\"mail\":[\"started\"],\"startedAfterMinutes\":10}");
    struct notice n = {.kind = NOTICE_STARTED, .waited_ms = 10 * MINUTE - 1};
    (void)unused;
    assert_false(rules_mail(&r, &n));
    n.waited_ms++;
    assert_true(rules_mail(&r, &n));
    n.waited_ms = 0;
    n.wish = NOTICE_WISH_YES;
    assert_true(rules_mail(&r, &n));
}

static void quiet_hours(void **unused)
{
    const struct rules night = rules_of("{\"quietHours\":{\"from\":\"22:00\",\"to\":\"07:30\"}}");
    const struct rules east =
        rules_of("{\"quietHours\":{\"from\":\"22:00\",\"to\":\"07:30\"},\"utcOffset\":\"+08:00\"}");
    const struct rules lunch =
        rules_of("{\"quietHours\":{\"from\":\"12:00\",\"to\":\"13:00\"},\"utcOffset\":\"-03:30\"}");
    (void)unused;
    assert_int_equal(rules_awake(&night, MIDNIGHT + 22 * HOUR - 1), MIDNIGHT + 22 * HOUR - 1);
    assert_int_equal(rules_awake(&night, MIDNIGHT + 22 * HOUR), MIDNIGHT + 31 * HOUR + 30 * MINUTE);
    assert_int_equal(rules_awake(&night, MIDNIGHT + 23 * HOUR + 7), MIDNIGHT + 31 * HOUR + 30 * MINUTE);
    assert_int_equal(rules_awake(&night, MIDNIGHT), MIDNIGHT + 7 * HOUR + 30 * MINUTE);
    assert_int_equal(rules_awake(&night, MIDNIGHT + 7 * HOUR + 30 * MINUTE), MIDNIGHT + 7 * HOUR + 30 * MINUTE);
    assert_int_equal(rules_awake(&east, MIDNIGHT + 14 * HOUR), MIDNIGHT + 23 * HOUR + 30 * MINUTE);
    assert_int_equal(rules_awake(&east, MIDNIGHT), MIDNIGHT);
    assert_int_equal(rules_awake(&lunch, MIDNIGHT + 15 * HOUR + 45 * MINUTE), MIDNIGHT + 16 * HOUR + 30 * MINUTE);
    assert_int_equal(rules_awake(&lunch, MIDNIGHT + 15 * HOUR), MIDNIGHT + 15 * HOUR);
}

static void digests(void **unused)
{
    const struct rules hour = rules_of("{\"digestMinutes\":60}");
    const struct rules day = rules_of("{\"digestMinutes\":1440,\"utcOffset\":\"+08:00\"}");
    const struct rules night = rules_of("{\"digestMinutes\":60,\"quietHours\":{\"from\":\"22:00\",\"to\":\"07:30\"}}");
    struct notice n = {.kind = NOTICE_IDLE};
    (void)unused;
    assert_int_equal(rules_mail_due(&hour, &n, MIDNIGHT), MIDNIGHT + HOUR);
    assert_int_equal(rules_mail_due(&hour, &n, MIDNIGHT + HOUR - 1), MIDNIGHT + HOUR);
    assert_int_equal(rules_mail_due(&day, &n, MIDNIGHT), MIDNIGHT + 16 * HOUR);
    assert_int_equal(rules_mail_due(&night, &n, MIDNIGHT + 21 * HOUR + 1), MIDNIGHT + 31 * HOUR + 30 * MINUTE);
    n.kind = NOTICE_RESERVATION_ENDING; /* what would be late goes at once, if not at night */
    assert_int_equal(rules_mail_due(&hour, &n, MIDNIGHT + 5), MIDNIGHT + 5);
    n.kind = NOTICE_TEST;
    assert_int_equal(rules_mail_due(&night, &n, MIDNIGHT + 5), MIDNIGHT + 5);
}

static void waits_between_tries(void **unused)
{
    (void)unused;
    assert_int_equal(rules_backoff(1, 0), 1000);
    assert_int_equal(rules_backoff(2, 0), 2000);
    assert_int_equal(rules_backoff(11, 0), 1024000);
    assert_int_equal(rules_backoff(13, 0), 3600000);
    assert_int_equal(rules_backoff(1000000, 0), 3600000);
    for (int tries = 1; tries < 20; tries++) { /* up to a half off, never more */
        assert_true(rules_backoff(tries, UINT32_MAX) >= rules_backoff(tries, 0) / 2);
        assert_true(rules_backoff(tries, UINT32_MAX / 2) < rules_backoff(tries, 0));
    }
}

static void bad_settings_are_refused(void **unused)
{
    static const char *const bad[] = {
        "[]",
        "{\"mail\":\"failed\"}",
        "{\"mail\":[\"test\"]}",
        "{\"mail\":[7]}",
        "{\"startedAfterMinutes\":-1}",
        "{\"digestMinutes\":10081}",
        "{\"utcOffset\":\"Europe/Berlin\"}",
        "{\"utcOffset\":\"+15:00\"}",
        "{\"utcOffset\":\"-12:30\"}",
        "{\"quietHours\":{\"from\":\"22:00\"}}",
        "{\"quietHours\":{\"from\":\"22:00\",\"to\":\"22:00\"}}",
        "{\"quietHours\":{\"from\":\"24:00\",\"to\":\"07:00\"}}",
        "{\"quietHours\":{\"from\":\"2:00\",\"to\":\"07:00\"}}",
        "{\"quietHours\":7}",
        "{\"more\":1}",
    };
    struct rules r;
    (void)unused;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct err e = {0};
        if (!rules_parse(&r, bad[i], &e))
            fail_msg("%s", bad[i]);
        assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    }
}

static void written_and_read_again(void **unused)
{
    static const char text[] = "{\"mail\":[\"failed\",\"reservationEnding\"],\"startedAfterMinutes\":5,"
                               "\"quietHours\":{\"from\":\"22:05\",\"to\":\"07:00\"},\"utcOffset\":\"-03:30\","
                               "\"digestMinutes\":15}";
    const struct rules r = rules_of(text);
    struct json_out j;
    struct buf b;
    (void)unused;
    buf_init(&b, 0);
    json_out_init(&j, &b);
    rules_write(&r, &j);
    assert_string_equal(buf_str(&b), text);
    buf_fini(&b);
}

/* ---- bodies ---- */

static void shapes(void **unused)
{
    struct arena *a = arena_create(0);
    const struct notice n = {.id = "event-7.x",
                             .time_ms = 9,
                             .kind = NOTICE_FAILED,
                             .user = "ana",
                             .job = "a<b",
                             .severity = "error",
                             .title = "a<b has failed",
                             .text = "job ana~a<b has failed: [link](http://x) & *more*"};
    const char *data = body_data(a, &n, "https://lab/#/jobs/ana~a<b");
    struct err e = {0};
    (void)unused;
    assert_string_equal(body_write(a, BODY_JSON, data, &e), data);
    assert_non_null(strstr(data, "\"type\":\"failed\""));
    assert_non_null(strstr(data, "\"virtualCluster\":null"));
    assert_string_equal(body_write(a, BODY_SLACK, data, &e),
                        "{\"text\":\"*a&lt;b has failed*\\njob ana~a&lt;b has failed: [link](http://x) &amp; *more*\\n"
                        "https://lab/#/jobs/ana~a&lt;b\"}");
    const char *card = body_write(a, BODY_TEAMS, data, &e);
    cJSON *o = json_parse(card, strlen(card), 0, &e);
    assert_non_null(o);
    assert_non_null(strstr(card, "\"contentType\":\"application/vnd.microsoft.card.adaptive\""));
    assert_non_null(strstr(card, "\\\\[link\\\\](http://x) & \\\\*more\\\\*"));
    assert_non_null(strstr(card, "\"url\":\"https://lab/#/jobs/ana~a<b\""));
    cJSON_Delete(o);
    arena_destroy(a);
}

/* Reckoned by Python's hmac over "event-7.x.1795000000.{"a":1}". */
static void the_signature(void **unused)
{
    const struct body_message m = {.id = "event-7.x", .seconds = 1795000000, .body = "{\"a\":1}"};
    unsigned char secret[BODY_SECRET_SIZE];
    char text[BODY_SECRET_TEXT_SIZE], signature[BODY_SIGNATURE_SIZE];
    (void)unused;
    for (int i = 0; i < BODY_SECRET_SIZE; i++)
        secret[i] = (unsigned char)i;
    body_secret_text(secret, text);
    assert_string_equal(text, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=");
    body_sign(&m, secret, signature);
    assert_string_equal(signature, "v1,QvNkUkz4vlG3bIxGlGkMYOPi3+7NbpR5Rw6RgEbEOjU=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual),
        cmocka_unit_test(a_job_decides_for_itself),
        cmocka_unit_test(a_start_is_told_after_a_long_wait),
        cmocka_unit_test(quiet_hours),
        cmocka_unit_test(digests),
        cmocka_unit_test(waits_between_tries),
        cmocka_unit_test(bad_settings_are_refused),
        cmocka_unit_test(written_and_read_again),
        cmocka_unit_test(shapes),
        cmocka_unit_test(the_signature),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
