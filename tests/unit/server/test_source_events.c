/* SPDX-License-Identifier: MIT
 *
 * What is told of jobs: events in their order, what the job says of them, the warnings before an end once for each end,
 * nothing that is old, and the same again from what was noted.
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
#include "inventory/setting_store.h"
#include "jobs/jobs_store.h"
#include "jobs/lease_store.h"
#include "server/notice/notice.h"
#include "server/notice/source_events.h"
#include "tests/unit/jobs/store_fixture.h"

#define NOW INT64_C(1795000000000)
#define MINUTE INT64_C(60000)
#define JOB_1 "01890000-0000-7000-8000-000000000001"
#define JOB_2 "01890000-0000-7000-8000-000000000002"
#define LEASE "01890000-0000-7000-8000-000000000003"
#define CONFIG                                                                                                         \
    "protocolVersion: 2\nname: train\ntype: job\nprerequisites: [{name: i, type: dockerimage, uri: u}]\n"              \
    "taskRoles: {main: {dockerImage: i, resourcePerInstance: {cpu: 1, memoryMB: 1, gpu: 0}, commands: [run]}}\n"       \
    "extras:\n"
#define NOTIFY "  jobStatusChangeNotification: {running: true, failed: true}\n"
#define RESERVE "  drover: {debugReservation: {maxMinutes: 60}}\n"

static struct store_fixture db;
static struct arena *arena;
static struct source source;
static const char *noted; /* the state; NULL: none */
static struct err e;
static int64_t now, events;

static void ok(int rc)
{
    if (rc)
        fail_msg("%s", e.text);
}

static struct source_asking asking(void)
{
    return (struct source_asking){.store = db.reader, .arena = arena, .now_ms = now};
}

static void load(void)
{
    const struct source_asking q = asking();
    cJSON *o = noted ? json_parse(noted, strlen(noted), 0, &e) : NULL;

    ok(source.ops->load(source.self, &q, o, &e));
    cJSON_Delete(o);
}

static void add_user(const char *name, const char *email, bool disabled)
{
    const struct auth_user u = {.name = name, .password_hash = "x", .email = email, .disabled = disabled};

    ok(store_begin(db.writer, &e));
    ok(auth_store_user_add(db.writer, &u, &e));
    ok(store_commit(db.writer, &e));
}

static void add_job(int seq, const char *id, const char *user, const char *name, const char *config)
{
    const struct job_row row = {.seq = seq,
                                .id = id,
                                .user = user,
                                .name = name,
                                .vc = "lab",
                                .state = STATE_FAILED,
                                .submitted_ms = 1,
                                .created_ms = 1,
                                .detail = "{}",
                                .config = config};

    ok(store_begin(db.writer, &e));
    ok(jobs_store_insert_job(db.writer, &row, &e));
    ok(store_commit(db.writer, &e));
}

static void add_event(const char *job_id, const char *reason, const char *message)
{
    const struct event_row row = {.id = ++events,
                                  .job_id = job_id,
                                  .job_attempt = 0,
                                  .task_index = -1,
                                  .task_attempt = -1,
                                  .type = "job.x",
                                  .severity = "Normal",
                                  .reason = reason,
                                  .message = message,
                                  .time_ms = now};

    ok(store_begin(db.writer, &e));
    ok(jobs_store_add_event(db.writer, &row, &e));
    ok(store_commit(db.writer, &e));
}

static void put_lease(const char *job_id, enum lease_state st, int64_t expires_ms, const char *by)
{
    static const int gpus[] = {0, 1};
    const struct lease l = {.id = LEASE,
                            .nonce = "n",
                            .owner = "ana",
                            .vc = "lab",
                            .role = "main",
                            .node = "n1",
                            .hold = SPEC_HOLD_GPUS,
                            .amount = {.cpus = 1, .memory_mb = 1, .gpus = 2},
                            .gpus = gpus,
                            .state = st,
                            .created_ms = NOW,
                            .expires_ms = expires_ms,
                            .ended_ms = st & LEASE_LIVE ? 0 : now,
                            .ended_by = by,
                            .collected = "{}"};
    struct lease row = l;

    memcpy(row.job_id, job_id, ID_SIZE);
    ok(store_begin(db.writer, &e));
    ok(lease_store_put(db.writer, &row, &e));
    ok(store_commit(db.writer, &e));
}

static int set_up(void **unused)
{
    (void)unused;
    memset(&e, 0, sizeof e);
    now = NOW;
    events = 0;
    noted = NULL;
    source = source_events_create();
    arena = arena_create(0);
    if (!arena || !source.self || store_fixture_open(&db))
        return -1;
    add_user("ana", "ana@lab.example", false);
    load();
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    source.ops->destroy(source.self);
    arena_destroy(arena);
    store_fixture_close(&db);
    return 0;
}

/* The next notice, which must have that title (NULL: there must be none). */
static struct notice next(const char *title)
{
    const struct source_asking q = asking();
    struct notice n = {0};
    int rc = source.ops->next(source.self, &q, &n, &e);

    if (rc < 0)
        fail_msg("%s", e.text);
    if (rc == 0 && title)
        fail_msg("no notice: %s", title);
    if (rc > 0 && !title)
        fail_msg("a notice: %s", n.title);
    if (title)
        assert_string_equal(n.title, title);
    return n;
}

static struct notice sent(const char *title)
{
    struct notice n = next(title);

    source.ops->pass(source.self, &n);
    return n;
}

static const char *state(void)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 0);
    json_out_init(&j, &b);
    json_out_object(&j);
    source.ops->save(source.self, &j);
    json_out_object_end(&j);
    const char *text = arena_strdup(arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

/* What a restart leaves of the state. */
static void restart(void)
{
    noted = state();
    load();
}

static void in_order_with_what_the_job_says(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG NOTIFY);
    add_job(2, JOB_2, "ana", "other", CONFIG RESERVE);
    add_event(JOB_1, "JobSubmitted", "Submitted.");
    add_event(JOB_1, "JobRunning", "The job runs.");
    add_event(JOB_2, "JobRunning", "The job runs.");
    add_event(JOB_1, "JobRetried", "it says no");
    add_event(JOB_1, "JobFailed", "exit \033[31m7");
    struct notice n = next("train runs");
    assert_string_equal(n.user, "ana");
    assert_string_equal(n.job_id, JOB_1);
    assert_string_equal(n.vc, "lab");
    assert_int_equal(n.wish, NOTICE_WISH_YES);
    assert_int_equal(n.waited_ms, NOW - 1);
    assert_non_null(strstr(n.text, "job ana~train runs."));
    /* Asked again, it is the same: it may be sent twice, but is one notice. */
    assert_string_equal(sent("train runs").id, n.id);
    restart();
    assert_int_equal(sent("other runs").wish, NOTICE_WISH_NONE);
    assert_int_equal(sent("train is tried again").wish, NOTICE_WISH_NO);
    n = sent("train has failed");
    assert_int_equal(n.wish, NOTICE_WISH_YES);
    assert_non_null(strstr(n.text, "exit \\x1b[31m7"));
    next(NULL);
    assert_non_null(strstr(state(), "\"after\":5"));
    restart();
    next(NULL);
}

static void a_job_that_is_gone_is_not_told(void **unused)
{
    (void)unused;
    add_event(LEASE, "JobRunning", "of a job that is gone");
    next(NULL);
    assert_non_null(strstr(state(), "\"after\":1"));
}

/* The end of a job's time, once, while it runs. */
static void time_that_is_nearly_over(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG "  drover: {timeLimit: 7200}\n");
    add_job(2, JOB_2, "ana", "short", CONFIG "  drover: {timeLimit: 480}\n");
    add_event(JOB_1, "JobRunning", "");
    add_event(JOB_2, "JobRunning", "");
    sent("train runs");
    sent("short runs");
    restart();
    now = NOW + 6 * MINUTE - 1;
    next(NULL);
    now++;
    assert_int_equal(sent("The time of short is nearly over").kind, NOTICE_LIMIT_NEAR);
    next(NULL); /* once */
    add_event(JOB_1, "JobFailed", "");
    sent("train has failed");
    now = NOW + 110 * MINUTE;
    next(NULL); /* it has ended before */
    add_event(JOB_1, "JobRunning", "");
    sent("train runs");
    now += 110 * MINUTE;
    sent("The time of train is nearly over");
    next(NULL);
}

/* A server that begins to send mail, or was down for long, tells no old news. */
static void no_old_news(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG NOTIFY);
    add_event(JOB_1, "JobRunning", "");
    load();
    next(NULL); /* the first that ever looks begins behind what there is */
    add_event(JOB_1, "JobRunning", "");
    now += SOURCE_OLD_MS + 1;
    next(NULL);
    add_event(JOB_1, "JobFailed", "");
    sent("train has failed");
}

static void a_reservation_is_told(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG RESERVE);
    put_lease(JOB_1, LEASE_HELD, NOW + 60 * MINUTE, "");
    add_event(JOB_1, "LeaseHeld", "Its sandbox and its place on n1 stays for 60 minutes.");
    struct notice l = sent("train is kept to look at");
    assert_non_null(strstr(l.text, "Task main 0 on node n1, with 2 GPUs"));
    assert_non_null(strstr(l.text, "drover reservation extend train --minutes 30"));
    now = NOW + 50 * MINUTE - 1;
    next(NULL);
    now++;
    /* An event that came before the warning goes before it. */
    add_event(JOB_1, "LeaseExtended", "no mail");
    l = next("The reservation of train ends at 2026-11-18 12:06 UTC");
    assert_non_null(strstr(l.text, "until 2026-11-18 12:06 UTC"));
    sent(l.title);
    next(NULL);
    restart();
    next(NULL); /* once */
    put_lease(JOB_1, LEASE_HELD, NOW + 90 * MINUTE, "");
    next(NULL); /* extended: far again */
    now = NOW + 85 * MINUTE;
    sent("The reservation of train ends at 2026-11-18 12:36 UTC");
    next(NULL);
    put_lease(JOB_1, LEASE_ENDING, NOW + 90 * MINUTE, "need");
    add_event(JOB_1, "LeaseReclaimed", "boss~big needs what it holds.");
    put_lease(JOB_1, LEASE_ENDED, NOW + 90 * MINUTE, "need");
    add_event(JOB_1, "LeaseEnded", "Nothing of its sandbox on n1 is left.");
    l = sent("The reservation of train is taken back");
    assert_non_null(strstr(l.text, "boss~big needs what it holds."));
    assert_null(strstr(l.text, "extend"));
    next(NULL); /* its end was told */
    assert_non_null(strstr(state(), "\"warned\":{}"));
}

static void ends_of_reservations(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG RESERVE);
    put_lease(JOB_1, LEASE_ENDED, NOW + 60 * MINUTE, "ana");
    add_event(JOB_1, "LeaseReleased", "Released by ana.");
    add_event(JOB_1, "LeaseEnded", "");
    add_event(JOB_1, "LeaseExpired", "Its time is over.");
    next(NULL); /* what one did oneself, or was warned of */
    put_lease(JOB_1, LEASE_ENDED, NOW + 60 * MINUTE, "root");
    add_event(JOB_1, "LeaseReleased", "Released by root.");
    sent("The reservation of train is released");
    put_lease(JOB_1, LEASE_LOST, NOW + 60 * MINUTE, "node");
    add_event(JOB_1, "LeaseEnded", "Its sandbox was lost with node n1.");
    sent("The reservation of train is lost");
    next(NULL);
}

/* One that its virtual cluster made is told, too. */
static void one_that_nobody_asked_for(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG "  submitFrom: x\n");
    put_lease(JOB_1, LEASE_HELD, NOW + 8 * MINUTE, "");
    add_event(JOB_1, "LeaseHeld", "");
    sent("train is kept to look at");
    now = NOW + 5 * MINUTE;
    next(NULL);
    now = NOW + 6 * MINUTE; /* of a short one, the last quarter */
    sent("The reservation of train ends at 2026-11-18 11:14 UTC");
    now = NOW + 8 * MINUTE;
    put_lease(JOB_1, LEASE_HELD, NOW + 8 * MINUTE + 1000, "");
    sent("The reservation of train ends at 2026-11-18 11:14 UTC");
}

/* One whose job says no is not. */
static void quiet_reservations(void **unused)
{
    (void)unused;
    add_job(1, JOB_1, "ana", "train", CONFIG "  drover: {debugReservation: {mail: false}}\n");
    put_lease(JOB_1, LEASE_HELD, NOW + 8 * MINUTE, "");
    add_event(JOB_1, "LeaseHeld", "");
    add_event(JOB_1, "LeaseReclaimed", "");
    now = NOW + 7 * MINUTE;
    next(NULL);
    next(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(in_order_with_what_the_job_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_job_that_is_gone_is_not_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(time_that_is_nearly_over, set_up, tear_down),
        cmocka_unit_test_setup_teardown(no_old_news, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reservation_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(ends_of_reservations, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_that_nobody_asked_for, set_up, tear_down),
        cmocka_unit_test_setup_teardown(quiet_reservations, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
