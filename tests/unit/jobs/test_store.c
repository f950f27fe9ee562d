/* SPDX-License-Identifier: MIT
 *
 * Rows of jobs: what is written comes back, column by column.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/jobs_store.h"
#include "tests/unit/jobs/store_fixture.h"

#define ID_1 "01890000-0000-7000-8000-000000000001"
#define ID_2 "01890000-0000-7000-8000-000000000002"

static struct store_fixture db;
static struct err e;

static int set_up(void **state)
{
    (void)state;
    memset(&e, 0, sizeof(e));
    return store_fixture_open(&db);
}

static int tear_down(void **state)
{
    (void)state;
    store_fixture_close(&db);
    return 0;
}

static void ok(int rc)
{
    if (rc)
        fail_msg("%s", e.text);
}

static const struct job_row whole = {.seq = 7,
                                     .id = ID_1,
                                     .user = "alice",
                                     .name = "train-1",
                                     .vc = "vc1",
                                     .priority = 100,
                                     .priority_class = "prod",
                                     .state = STATE_RUNNING,
                                     .stop_requested = true,
                                     .submitted_ms = 11,
                                     .created_ms = 12,
                                     .launched_ms = 13,
                                     .completed_ms = 0,
                                     .attempt = 2,
                                     .retries_user = 3,
                                     .retries_platform = 4,
                                     .retries_resource = 5,
                                     .total_gpus = 16,
                                     .total_tasks = 2,
                                     .total_roles = 1,
                                     .ended = true,
                                     .exit_code = 0,
                                     .exit_phrase = "Succeeded",
                                     .wait_reason = "because",
                                     .tags = "[]",
                                     .detail = "{\"a\":1}",
                                     .config = "name: train-1\n",
                                     .secrets = "\x01\x00\x02",
                                     .secrets_len = 3};

static void same_text(const char *have, const char *want)
{
    if (!have || !want)
        assert_ptr_equal(have, want);
    else
        assert_string_equal(have, want);
}

static void assert_job(const struct job_row *have, const struct job_row *want)
{
    assert_int_equal(have->seq, want->seq);
    same_text(have->id, want->id);
    same_text(have->user, want->user);
    same_text(have->name, want->name);
    same_text(have->vc, want->vc);
    assert_int_equal(have->priority, want->priority);
    same_text(have->priority_class, want->priority_class);
    assert_int_equal(have->state, want->state);
    assert_int_equal(have->stop_requested, want->stop_requested);
    assert_int_equal(have->submitted_ms, want->submitted_ms);
    assert_int_equal(have->created_ms, want->created_ms);
    assert_int_equal(have->launched_ms, want->launched_ms);
    assert_int_equal(have->completed_ms, want->completed_ms);
    assert_int_equal(have->attempt, want->attempt);
    assert_int_equal(have->retries_user, want->retries_user);
    assert_int_equal(have->retries_platform, want->retries_platform);
    assert_int_equal(have->retries_resource, want->retries_resource);
    assert_int_equal(have->total_gpus, want->total_gpus);
    assert_int_equal(have->total_tasks, want->total_tasks);
    assert_int_equal(have->total_roles, want->total_roles);
    assert_int_equal(have->ended, want->ended);
    assert_int_equal(have->exit_code, want->exit_code);
    same_text(have->exit_phrase, want->exit_phrase);
    same_text(have->wait_reason, want->wait_reason);
    same_text(have->tags, want->tags);
    same_text(have->detail, want->detail);
    same_text(have->config, want->config);
    assert_int_equal(have->secrets_len, want->secrets_len);
    if (want->secrets_len)
        assert_memory_equal(have->secrets, want->secrets, want->secrets_len);
    else
        assert_null(have->secrets);
}

/* Callback: compares with ctx, and says 5 to see that it comes through. */
static int compare_job(void *ctx, const struct job_row *row)
{
    assert_job(row, ctx);
    return 5;
}

static void insert_job(int64_t seq, const char *id, const char *user, const char *name, int64_t completed_ms)
{
    struct job_row row = {.seq = seq,
                          .id = id,
                          .user = user,
                          .name = name,
                          .vc = "default",
                          .state = completed_ms ? STATE_SUCCEEDED : STATE_WAITING,
                          .submitted_ms = seq,
                          .created_ms = seq,
                          .completed_ms = completed_ms};

    ok(jobs_store_insert_job(db.writer, &row, &e));
}

static void a_job_comes_back(void **state)
{
    struct job_row want = whole;

    (void)state;
    ok(jobs_store_insert_job(db.writer, &whole, &e));
    assert_int_equal(jobs_store_read_job(db.reader, "alice~train-1", compare_job, &want, &e), 5);
    assert_int_equal(jobs_store_read_job(db.reader, ID_1, compare_job, &want, &e), 5);
    assert_int_equal(jobs_store_each_live(db.reader, compare_job, &want, &e), 5);
}

static void an_update_changes_what_may_change(void **state)
{
    struct job_row row = whole, want = whole;

    (void)state;
    ok(jobs_store_insert_job(db.writer, &whole, &e));
    row.state = want.state = STATE_FAILED;
    row.stop_requested = want.stop_requested = false;
    row.created_ms = want.created_ms = 21;
    row.launched_ms = want.launched_ms = 0;
    row.completed_ms = want.completed_ms = 23;
    row.attempt = want.attempt = 3;
    row.retries_user = want.retries_user = 6;
    row.retries_platform = want.retries_platform = 7;
    row.retries_resource = want.retries_resource = 8;
    row.ended = want.ended = true;
    row.exit_code = want.exit_code = -1001;
    row.exit_phrase = want.exit_phrase = "PodNodeLost";
    row.wait_reason = want.wait_reason = NULL;
    row.detail = NULL;
    want.detail = "{}";
    /* these stay */
    row.name = row.user = row.config = "other";
    row.secrets = NULL;
    row.secrets_len = 0;
    ok(jobs_store_update_job(db.writer, &row, &e));
    assert_int_equal(jobs_store_read_job(db.reader, ID_1, compare_job, &want, &e), 5);
    row.seq = 8;
    assert_int_equal(jobs_store_update_job(db.writer, &row, &e), -1);
    assert_int_equal(e.code, ERR_INTERNAL);
}

static int never(void *ctx, const struct job_row *row)
{
    (void)ctx;
    fail_msg("unexpected row %s", row->id);
    return 0;
}

static int go_on(void *ctx, const struct job_row *row)
{
    (void)row;
    ++*(int *)ctx;
    return 0;
}

static void look_ups(void **state)
{
    struct jobs_store_target t;
    int rows = 0;

    (void)state;
    insert_job(1, ID_1, "a", "x~y", 9);
    assert_int_equal(jobs_store_read_job(db.reader, "b~x", never, NULL, &e), -1);
    assert_int_equal(e.code, ERR_NO_JOB);
    assert_string_equal(e.text, "Job b~x is not found.");
    assert_int_equal(jobs_store_read_job(db.reader, "", never, NULL, &e), -1);
    assert_int_equal(jobs_store_read_job(db.reader, "a~", never, NULL, &e), -1);
    assert_int_equal(jobs_store_read_job(db.reader, "~x", never, NULL, &e), -1);
    assert_int_equal(jobs_store_read_job(db.reader, "a~x~y", go_on, &rows, &e), 0);
    assert_int_equal(rows, 1);
    assert_int_equal(jobs_store_find_target(db.reader, "a~x~y", &t, &e), 1);
    assert_string_equal(t.id, ID_1);
    assert_string_equal(t.user, "a");
    assert_int_equal(jobs_store_find_target(db.reader, "a~x", &t, &e), 0);
    assert_int_equal(jobs_store_find_target(db.reader, "nonsense", &t, &e), 0);
    /* taken for ever, the job's end changes nothing */
    assert_int_equal(jobs_store_name_taken(db.reader, "a~x~y", &e), 1);
    assert_int_equal(jobs_store_name_taken(db.reader, "b~x~y", &e), 0);
    assert_int_equal(jobs_store_each_live(db.reader, never, NULL, &e), 0);
}

static void a_name_is_unique_for_its_user(void **state)
{
    struct job_row again = {.seq = 2, .id = ID_2, .user = "a", .name = "x", .vc = "v", .state = STATE_WAITING};

    (void)state;
    insert_job(1, ID_1, "a", "x", 0);
    assert_int_equal(jobs_store_insert_job(db.writer, &again, &e), -1);
    assert_int_equal(store_last_constraint(db.writer), STORE_CONSTRAINT_UNIQUE);
    again.user = "b";
    ok(jobs_store_insert_job(db.writer, &again, &e));
}

static void highest_ids(void **state)
{
    struct event_row event = {.id = 41, .job_attempt = -1, .type = "x"};
    int64_t id = -1, seq = -1;

    (void)state;
    ok(jobs_store_max_ids(db.reader, &id, &seq, &e));
    assert_int_equal(id, 0);
    assert_int_equal(seq, 0);
    insert_job(7, ID_1, "a", "x", 0);
    ok(jobs_store_add_event(db.writer, &event, &e));
    ok(jobs_store_max_ids(db.reader, &id, &seq, &e));
    assert_int_equal(id, 41);
    assert_int_equal(seq, 7);
}

/* ---- attempts ---- */

static int compare_attempt(void *ctx, const struct job_attempt_row *row)
{
    const struct job_attempt_row *want = (const struct job_attempt_row *)ctx + row->attempt;

    assert_string_equal(row->job_id, want->job_id);
    assert_int_equal(row->state, want->state);
    assert_int_equal(row->created_ms, want->created_ms);
    assert_int_equal(row->launched_ms, want->launched_ms);
    assert_int_equal(row->completed_ms, want->completed_ms);
    assert_int_equal(row->ended, want->ended);
    assert_int_equal(row->exit_code, want->exit_code);
    same_text(row->exit_phrase, want->exit_phrase);
    assert_string_equal(row->detail, want->detail ? want->detail : "{}");
    return row->attempt == 1 ? 6 : 0;
}

static void job_attempts(void **state)
{
    struct job_attempt_row rows[] = {
        {.job_id = ID_1, .attempt = 0, .state = STATE_RUNNING, .created_ms = 1, .launched_ms = 2},
        {.job_id = ID_1, .attempt = 1, .state = STATE_WAITING, .created_ms = 5, .detail = "{\"x\":2}"},
    };

    (void)state;
    ok(store_begin(db.writer, &e));
    ok(jobs_store_put_job_attempt(db.writer, &rows[1], &e));
    ok(jobs_store_put_job_attempt(db.writer, &rows[0], &e));
    insert_job(1, ID_1, "a", "x", 0);
    ok(store_commit(db.writer, &e));
    assert_int_equal(jobs_store_read_attempts(db.reader, ID_1, compare_attempt, rows, &e), 6);
    rows[0].state = STATE_FAILED;
    rows[0].completed_ms = 4;
    rows[0].ended = true;
    rows[0].exit_code = 0;
    rows[0].exit_phrase = "Succeeded";
    ok(jobs_store_put_job_attempt(db.writer, &rows[0], &e));
    assert_int_equal(jobs_store_read_attempts(db.reader, ID_1, compare_attempt, rows, &e), 6);
    assert_int_equal(jobs_store_read_attempts(db.reader, ID_2, compare_attempt, rows, &e), 0);
}

#define TASK_ID(n) "01890000-0000-7000-8000-00000000010" #n

static const struct task_attempt_row one_task = {.id = TASK_ID(0),
                                                 .job_id = ID_1,
                                                 .job_attempt = 1,
                                                 .role = "Work_er",
                                                 .task_index = 3,
                                                 .attempt = 2,
                                                 .state = STATE_RUNNING,
                                                 .node = "n1",
                                                 .gpus = "[0,3]",
                                                 .ports = "{\"ssh\":[1]}",
                                                 .nonce = "abc",
                                                 .engine_epoch = 4,
                                                 .last_seq = 9,
                                                 .claim = CLAIM_CONFIRMED,
                                                 .retries = 2,
                                                 .accountable_retries = 1,
                                                 .created_ms = 5,
                                                 .launched_ms = 6,
                                                 .completed_ms = 0,
                                                 .exit_phrase = NULL,
                                                 .detail = "{\"d\":1}"};

static int compare_task(void *ctx, const struct task_attempt_row *row)
{
    const struct task_attempt_row *want = ctx;

    assert_string_equal(row->id, want->id);
    assert_string_equal(row->job_id, want->job_id);
    assert_int_equal(row->job_attempt, want->job_attempt);
    assert_string_equal(row->role, want->role);
    assert_int_equal(row->task_index, want->task_index);
    assert_int_equal(row->attempt, want->attempt);
    assert_int_equal(row->state, want->state);
    same_text(row->node, want->node);
    assert_string_equal(row->gpus, want->gpus ? want->gpus : "[]");
    assert_string_equal(row->ports, want->ports ? want->ports : "{}");
    assert_string_equal(row->nonce, want->nonce ? want->nonce : "");
    assert_int_equal(row->engine_epoch, want->engine_epoch);
    assert_int_equal(row->last_seq, want->last_seq);
    assert_int_equal(row->claim, want->claim);
    assert_int_equal(row->retries, want->retries);
    assert_int_equal(row->accountable_retries, want->accountable_retries);
    assert_int_equal(row->created_ms, want->created_ms);
    assert_int_equal(row->launched_ms, want->launched_ms);
    assert_int_equal(row->completed_ms, want->completed_ms);
    assert_int_equal(row->ended, want->ended);
    assert_int_equal(row->exit_code, want->exit_code);
    same_text(row->exit_phrase, want->exit_phrase);
    assert_string_equal(row->detail, want->detail ? want->detail : "{}");
    return 7;
}

static void a_task_attempt_comes_back(void **state)
{
    const struct jobs_store_attempt of = {ID_1, 1};
    struct task_attempt_row row = one_task;

    (void)state;
    insert_job(1, ID_1, "a", "x", 0);
    ok(jobs_store_put_task_attempt(db.writer, &row, &e));
    assert_int_equal(jobs_store_each_task(db.reader, &of, compare_task, &row, &e), 7);
    row.state = STATE_FAILED;
    row.node = row.gpus = row.ports = row.nonce = row.detail = NULL;
    row.last_seq = 10;
    row.claim = CLAIM_NONE;
    row.completed_ms = 8;
    row.ended = true;
    row.exit_code = 137;
    row.exit_phrase = "ContainerSigKillReceived";
    ok(jobs_store_put_task_attempt(db.writer, &row, &e));
    assert_int_equal(jobs_store_each_task(db.reader, &of, compare_task, &row, &e), 7);
}

struct seen {
    char text[256];
};

static int note_task(void *ctx, const struct task_attempt_row *row)
{
    struct seen *s = ctx;
    size_t at = strlen(s->text);

    (void)snprintf(s->text + at, sizeof(s->text) - at, "%s%d.%d ", row->role, row->task_index, row->attempt);
    return 0;
}

static void put_task(const char *id, int job_attempt, const char *role, int index, int attempt)
{
    struct task_attempt_row row = {.id = id,
                                   .job_id = ID_1,
                                   .job_attempt = job_attempt,
                                   .role = role,
                                   .task_index = index,
                                   .attempt = attempt,
                                   .state = STATE_FAILED,
                                   .created_ms = 1};

    ok(jobs_store_put_task_attempt(db.writer, &row, &e));
}

static void newest_and_history_of_tasks(void **state)
{
    const struct jobs_store_attempt of = {ID_1, 1};
    const struct jobs_store_task_key key = {.job_id = ID_1, .job_attempt = 1, .role = "w", .task_index = 0};
    struct seen newest = {""}, history = {""};

    (void)state;
    insert_job(1, ID_1, "a", "x", 0);
    put_task(TASK_ID(1), 0, "w", 0, 5);
    put_task(TASK_ID(2), 1, "w", 0, 1);
    put_task(TASK_ID(3), 1, "w", 0, 0);
    put_task(TASK_ID(4), 1, "w", 1, 0);
    put_task(TASK_ID(5), 1, "ps", 0, 2);
    put_task(TASK_ID(6), 2, "w", 0, 7);
    ok(jobs_store_each_task(db.reader, &of, note_task, &newest, &e));
    assert_string_equal(newest.text, "ps0.2 w0.1 w1.0 ");
    ok(jobs_store_read_history(db.reader, &key, note_task, &history, &e));
    assert_string_equal(history.text, "w0.0 w0.1 ");
}

/* ---- events and tags ---- */

static int note_event(void *ctx, const struct event_row *row)
{
    struct seen *s = ctx;
    size_t at = strlen(s->text);

    (void)snprintf(s->text + at, sizeof(s->text) - at, "%lld ", (long long)row->id);
    return 0;
}

static int compare_event(void *ctx, const struct event_row *row)
{
    const struct event_row *want = ctx;

    assert_int_equal(row->id, want->id);
    same_text(row->job_id, want->job_id);
    assert_int_equal(row->job_attempt, want->job_attempt);
    same_text(row->role, want->role);
    assert_int_equal(row->task_index, want->task_index);
    assert_int_equal(row->task_attempt, want->task_attempt);
    assert_string_equal(row->type, want->type);
    assert_string_equal(row->severity, want->severity);
    assert_string_equal(row->reason, want->reason);
    assert_string_equal(row->message, want->message);
    assert_int_equal(row->time_ms, want->time_ms);
    same_text(row->user, want->user);
    same_text(row->name, want->name);
    same_text(row->vc, want->vc);
    assert_int_equal(row->job_state, want->job_state);
    return 8;
}

static void add_event(int64_t id, const char *job_id, const char *severity)
{
    struct event_row row = {.id = id, .job_id = job_id, .type = "t", .severity = severity, .time_ms = id};

    ok(jobs_store_add_event(db.writer, &row, &e));
}

static void events_of_a_job(void **state)
{
    struct jobs_store_events all = {.job_id = ID_1, .limit = 10}, two = {.job_id = ID_1, .limit = 2},
                             warnings = {.job_id = ID_1, .severity = "Warning", .limit = 10};
    struct seen a = {""}, b = {""}, c = {""};

    (void)state;
    add_event(1, ID_1, "Normal");
    add_event(2, ID_2, "Warning");
    add_event(3, ID_1, "Warning");
    add_event(4, ID_1, "Normal");
    ok(jobs_store_read_events(db.reader, &all, note_event, &a, &e));
    assert_string_equal(a.text, "4 3 1 ");
    ok(jobs_store_read_events(db.reader, &two, note_event, &b, &e));
    assert_string_equal(b.text, "4 3 ");
    ok(jobs_store_read_events(db.reader, &warnings, note_event, &c, &e));
    assert_string_equal(c.text, "3 ");
}

static void events_after_an_id(void **state)
{
    struct jobs_store_events after = {.after = 1, .limit = 2}, one = {.after = 3, .limit = 1};
    struct event_row want = {.id = 4,
                             .job_id = ID_1,
                             .job_attempt = 1,
                             .role = "w",
                             .task_index = 2,
                             .task_attempt = 3,
                             .type = "task.failed",
                             .severity = "Warning",
                             .reason = "r",
                             .message = "m",
                             .time_ms = 5};
    struct event_row gone = {.id = 5, .job_attempt = -1, .task_index = -1, .task_attempt = -1, .type = "x"};
    struct seen s = {""};

    (void)state;
    insert_job(1, ID_1, "a", "x", 0);
    add_event(1, ID_1, "Normal");
    add_event(2, ID_1, "Normal");
    add_event(3, ID_2, "Normal");
    ok(jobs_store_add_event(db.writer, &want, &e));
    ok(jobs_store_add_event(db.writer, &gone, &e));
    ok(jobs_store_read_events_after(db.reader, &after, note_event, &s, &e));
    assert_string_equal(s.text, "2 3 ");
    want.user = "a";
    want.name = "x";
    want.vc = "default";
    want.job_state = STATE_WAITING;
    assert_int_equal(jobs_store_read_events_after(db.reader, &one, compare_event, &want, &e), 8);
    one.after = 4;
    gone.severity = gone.reason = gone.message = "";
    assert_int_equal(jobs_store_read_events_after(db.reader, &one, compare_event, &gone, &e), 8);
}

static int note_tags(void *ctx, const struct job_row *row)
{
    (void)snprintf(((struct seen *)ctx)->text, sizeof(((struct seen *)ctx)->text), "%s", row->tags);
    return 0;
}

static void assert_tags(const char *want)
{
    struct seen s = {""};

    ok(jobs_store_read_job(db.reader, "a~x", note_tags, &s, &e));
    assert_string_equal(s.text, want);
}

static void tags(void **state)
{
    (void)state;
    insert_job(1, ID_1, "a", "x", 0);
    assert_int_equal(jobs_store_has_tag(db.reader, "a~x", "b\"q", &e), 0);
    ok(jobs_store_tag(db.writer, ID_1, "b\"q", false, &e));
    ok(jobs_store_tag(db.writer, ID_1, "a", false, &e));
    ok(jobs_store_tag(db.writer, ID_1, "a", false, &e));
    assert_tags("[\"a\",\"b\\\"q\"]");
    assert_int_equal(jobs_store_has_tag(db.reader, "a~x", "b\"q", &e), 1);
    assert_int_equal(jobs_store_has_tag(db.reader, "a~y", "a", &e), 0);
    ok(jobs_store_tag(db.writer, ID_1, "a", true, &e));
    ok(jobs_store_tag(db.writer, ID_1, "none", true, &e));
    assert_tags("[\"b\\\"q\"]");
}

static void a_reader_cannot_write(void **state)
{
    (void)state;
    assert_int_equal(jobs_store_insert_job(db.reader, &whole, &e), -1);
    assert_int_equal(jobs_store_tag(db.reader, ID_1, "a", false, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_job_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_update_changes_what_may_change, set_up, tear_down),
        cmocka_unit_test_setup_teardown(look_ups, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_name_is_unique_for_its_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(highest_ids, set_up, tear_down),
        cmocka_unit_test_setup_teardown(job_attempts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_task_attempt_comes_back, set_up, tear_down),
        cmocka_unit_test_setup_teardown(newest_and_history_of_tasks, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_of_a_job, set_up, tear_down),
        cmocka_unit_test_setup_teardown(events_after_an_id, set_up, tear_down),
        cmocka_unit_test_setup_teardown(tags, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_reader_cannot_write, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
