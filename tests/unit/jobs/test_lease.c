/* SPDX-License-Identifier: MIT
 *
 * Leases: the edges of their states, and their rows.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "jobs/jobs_store.h"
#include "jobs/jobs_write.h"
#include "jobs/lease_store.h"
#include "tests/unit/jobs/store_fixture.h"

#define JOB "01890000-0000-7000-8000-000000000001"
#define LEASE_1 "01890000-0000-8000-8000-000000000001"
#define LEASE_2 "01890000-0000-8000-8000-000000000002"

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

static void states_move_along_the_edges(void **state)
{
    static const enum lease_state all[] = {LEASE_HELD, LEASE_ENDING, LEASE_ENDED, LEASE_LOST};
    static const bool may[4][4] = {{false, true, true, true}, {false, false, true, true}};
    (void)state;
    for (size_t from = 0; from < 4; from++) {
        assert_int_equal(lease_state_from_name(lease_state_name(all[from])), all[from]);
        for (size_t to = 0; to < 4; to++)
            assert_int_equal(lease_may_move(all[from], all[to]), may[from][to]);
    }
    assert_int_equal(lease_state_from_name("held"), 0);
    assert_int_equal(lease_hold_from_name("sandbox"), SPEC_HOLD_SANDBOX);
    assert_int_equal(lease_hold_from_name("nothing"), SPEC_HOLD_NOTHING);
}

static const int gpus[] = {3, -1};
static const struct lease whole = {.id = LEASE_1,
                                   .nonce = "n",
                                   .job_id = JOB,
                                   .owner = "ana",
                                   .vc = "lab",
                                   .role = "main",
                                   .node = "n1",
                                   .job_attempt = 2,
                                   .task_index = 3,
                                   .task_attempt = 4,
                                   .hold = SPEC_HOLD_GPUS,
                                   .amount = {.cpus = 5, .memory_mb = 6, .gpus = 2},
                                   .gpus = gpus,
                                   .priority = -1,
                                   .state = LEASE_HELD,
                                   .created_ms = 7,
                                   .expires_ms = 8,
                                   .ended_by = "",
                                   .collected = "{}"};

static void put(const struct lease *l)
{
    ok(store_begin(db.writer, &e));
    ok(lease_store_put(db.writer, l, &e));
    ok(store_commit(db.writer, &e));
}

static void add_job(void)
{
    static const struct job_row row = {.seq = 1,
                                       .id = JOB,
                                       .user = "ana",
                                       .name = "train",
                                       .vc = "lab",
                                       .state = STATE_FAILED,
                                       .submitted_ms = 1,
                                       .created_ms = 1,
                                       .detail = "{}",
                                       .config = "x"};
    ok(store_begin(db.writer, &e));
    ok(jobs_store_insert_job(db.writer, &row, &e));
    ok(store_commit(db.writer, &e));
}

struct seen {
    int count;
    char ids[4][ID_SIZE];
};

static int note(void *ctx, const struct lease *l)
{
    struct seen *s = ctx;
    memcpy(s->ids[s->count++], l->id, ID_SIZE);
    return 0;
}

static int is_whole(void *ctx, const struct lease *l)
{
    (void)ctx;
    assert_string_equal(l->id, whole.id);
    assert_string_equal(l->nonce, whole.nonce);
    assert_string_equal(l->job_id, JOB);
    assert_string_equal(l->job, "train");
    assert_int_equal(l->job_state, STATE_FAILED);
    assert_string_equal(l->owner, "ana");
    assert_string_equal(l->vc, "lab");
    assert_string_equal(l->role, "main");
    assert_string_equal(l->node, "n1");
    assert_int_equal(l->job_attempt, 2);
    assert_int_equal(l->task_index, 3);
    assert_int_equal(l->task_attempt, 4);
    assert_int_equal(l->hold, SPEC_HOLD_GPUS);
    assert_memory_equal(&l->amount, &whole.amount, sizeof l->amount);
    assert_int_equal(l->gpus[0], 3);
    assert_int_equal(l->gpus[1], -1);
    assert_int_equal(l->priority, -1);
    assert_int_equal(l->state, LEASE_HELD);
    assert_int_equal(l->created_ms, 7);
    assert_int_equal(l->expires_ms, 8);
    assert_int_equal(l->ended_ms, 0);
    assert_string_equal(l->ended_by, "");
    assert_string_equal(l->collected, "{}");
    return 7;
}

static void what_is_written_comes_back(void **state)
{
    const struct lease_store_which live = {.limit = 0};
    (void)state;
    add_job();
    put(&whole);
    assert_int_equal(lease_store_each(db.reader, &live, is_whole, NULL, &e), 7);
}

static void the_ended_are_no_more_among_the_live(void **state)
{
    struct lease other = whole, ended = whole;
    struct seen live = {.count = 0}, all = {.count = 0}, own = {.count = 0}, none = {.count = 0}, of_job = {.count = 0};
    (void)state;
    add_job();
    put(&whole);
    memcpy(other.id, LEASE_2, ID_SIZE);
    other.created_ms = 9;
    put(&other);
    ended.state = LEASE_ENDED;
    ended.ended_ms = 10;
    ended.ended_by = "expiry";
    put(&ended);
    ok(lease_store_each(db.reader, &(struct lease_store_which){.limit = 9}, note, &live, &e));
    ok(lease_store_each(db.reader, &(struct lease_store_which){.ended = true}, note, &all, &e));
    ok(lease_store_each(db.reader, &(struct lease_store_which){.reader = "ana"}, note, &own, &e));
    ok(lease_store_each(db.reader, &(struct lease_store_which){.reader = "ben", .ended = true}, note, &none, &e));
    ok(lease_store_each(db.reader, &(struct lease_store_which){.job_id = JOB}, note, &of_job, &e));
    assert_int_equal(live.count, 1);
    assert_string_equal(live.ids[0], LEASE_2);
    assert_int_equal(all.count, 2);
    assert_string_equal(all.ids[0], LEASE_2); /* newest first */
    assert_int_equal(own.count, 1);
    assert_int_equal(none.count, 0); /* nobody has made virtual cluster lab, so that nobody else reads its jobs */
    assert_int_equal(of_job.count, 2);
}

static int archive(void)
{
    struct jobs_archive what = {.job = "ana~train", .by = "ana"};
    e = (struct err){0};
    ok(store_begin(db.writer, &e));
    int rc = jobs_write_archive(db.writer, &what, (struct clock_now){0}, &e);
    struct err none = {0};
    assert_int_equal(store_commit(db.writer, &none), 0);
    return rc;
}

/* Its name would be free, and nobody could release what it still holds. */
static void a_job_with_a_lease_is_not_archived(void **state)
{
    struct lease ended = whole;
    (void)state;
    add_job();
    put(&whole);
    assert_int_equal(archive(), -1);
    assert_int_equal(e.code, ERR_CONFLICT_LEASE);
    ended.state = LEASE_LOST;
    ended.ended_ms = 9;
    put(&ended);
    assert_int_equal(archive(), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(states_move_along_the_edges),
        TEST(what_is_written_comes_back),
        TEST(a_job_with_a_lease_is_not_archived),
        TEST(the_ended_are_no_more_among_the_live),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
