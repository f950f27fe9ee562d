/* SPDX-License-Identifier: MIT
 *
 * Archiving of jobs, and the idempotency keys of submissions.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "jobs/jobs_store.h"
#include "jobs/jobs_write.h"
#include "jobs/submit_key.h"
#include "store/store.h"
#include "tests/unit/jobs/store_fixture.h"

static struct store_fixture db;
static const struct clock_now now = {.wall = 1700000000000};

static void add_job(const char *id, const char *name, enum run_state state, int64_t seq)
{
    struct err e = {0};
    struct job_row row = {
        .seq = seq, .id = id, .user = "ana", .name = name, .vc = "default", .state = state, .submitted_ms = 1};
    if (state & STATE_FINAL)
        row.completed_ms = 2;
    if (jobs_store_insert_job(db.writer, &row, &e))
        fail_msg("%s", e.text);
}

static int open_db(void **state)
{
    (void)state;
    return store_fixture_open(&db);
}

static int close_db(void **state)
{
    (void)state;
    store_fixture_close(&db);
    return 0;
}

static enum err_code archive(const char *job, const char *by, bool admin)
{
    struct jobs_archive what = {.job = job, .by = by, .admin = admin};
    struct err e = {0};
    int rc = jobs_write_archive(db.writer, &what, now, &e);
    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

static int is_archived(void *ctx, const struct job_row *row)
{
    *(bool *)ctx = row->archived;
    return 0;
}

static void an_archived_job_frees_its_name_and_keeps_its_uuid(void **state)
{
    struct err e = {0};
    bool archived = false;
    (void)state;
    add_job("id-1", "x", STATE_SUCCEEDED, 1);
    assert_int_equal(jobs_store_name_taken(db.writer, "ana~x", &e), 1);
    assert_int_equal(archive("ana~x", "ana", false), ERR_NONE);
    assert_int_equal(jobs_store_name_taken(db.writer, "ana~x", &e), 0);
    assert_int_equal(jobs_store_read_job(db.writer, "ana~x", is_archived, &archived, &e), -1);
    assert_int_equal(e.code, ERR_NO_JOB);
    assert_int_equal(jobs_store_read_job(db.writer, "id-1", is_archived, &archived, &e), 0);
    assert_true(archived);
    add_job("id-2", "x", STATE_FAILED, 2);
    assert_int_equal(archive("id-1", "ana", false), ERR_NONE); /* again: nothing to do, the other stays */
    assert_int_equal(jobs_store_name_taken(db.writer, "ana~x", &e), 1);
    assert_int_equal(archive("id-2", "root", true), ERR_NONE);
}

static void who_may_archive_what(void **state)
{
    (void)state;
    add_job("id-1", "live", STATE_RUNNING, 1);
    add_job("id-2", "done", STATE_STOPPED, 2);
    assert_int_equal(archive("ana~live", "ana", false), ERR_CONFLICT_JOB);
    assert_int_equal(archive("ana~live", "root", true), ERR_CONFLICT_JOB);
    assert_int_equal(archive("ana~done", "bob", false), ERR_FORBIDDEN);
    assert_int_equal(archive("ana~none", "ana", false), ERR_NO_JOB);
    assert_int_equal(archive("id-9", "ana", false), ERR_NO_JOB);
}

static void a_key_leads_to_its_job_for_a_day(void **state)
{
    struct submit_key key = {.user = "ana", .key = "k1", .hash = {7}}, other = {.user = "bob", .key = "k1"};
    struct submit_before before;
    struct err e = {0};
    (void)state;
    add_job("id-1", "x", STATE_WAITING, 1);
    assert_int_equal(submit_key_find(db.writer, &key, now.wall, &before, &e), 0);
    assert_int_equal(submit_key_put(db.writer, &key, "id-1", now.wall, &e), 0);
    assert_int_equal(submit_key_find(db.writer, &other, now.wall, &before, &e), 0);
    assert_int_equal(submit_key_find(db.writer, &key, now.wall + SUBMIT_KEY_LIFE_MS - 1, &before, &e), 1);
    assert_string_equal(before.job_id, "id-1");
    assert_string_equal(before.full_name, "ana~x");
    assert_memory_equal(before.hash, key.hash, sizeof key.hash);
    assert_int_equal(submit_key_find(db.writer, &key, now.wall + SUBMIT_KEY_LIFE_MS, &before, &e), 0);
    /* the old one makes room for itself */
    assert_int_equal(submit_key_put(db.writer, &key, "id-1", now.wall + SUBMIT_KEY_LIFE_MS, &e), 0);
}

static void keys_are_short_and_printable(void **state)
{
    static const char *const good[] = {"a", "0d8b-11", "\"quoted\""}, *const bad[] = {"", "a b", "\x7f", "\xc3\xa9"};
    char long_key[SUBMIT_KEY_MAX + 2];
    struct err e = {0};
    (void)state;
    memset(long_key, 'k', sizeof long_key);
    long_key[SUBMIT_KEY_MAX + 1] = '\0';
    assert_int_equal(submit_key_check(long_key, &e), -1);
    long_key[SUBMIT_KEY_MAX] = '\0';
    assert_int_equal(submit_key_check(long_key, &e), 0);
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_int_equal(submit_key_check(good[i], &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(submit_key_check(bad[i], &e), -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, open_db, close_db)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_archived_job_frees_its_name_and_keeps_its_uuid),
        TEST(who_may_archive_what),
        TEST(a_key_leads_to_its_job_for_a_day),
        TEST(keys_are_short_and_printable),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
