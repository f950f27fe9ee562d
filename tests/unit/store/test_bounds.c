/* SPDX-License-Identifier: MIT
 *
 * The WAL under readers (R9): those of before, those that overlap for ever, those of another process; and reads that
 * take too long.
 */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/stat.h>
#include <unistd.h>

#include "store/store_internal.h"
#include "tests/unit/store/fixture.h"

/* Frames; a fraction of the bound that is built in. */
#define SMALL 4000

static const struct store_sql sql_for_ever = {"WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) "
                                              "SELECT count(*) FROM n"};

static const struct store_sql sql_one = {"SELECT 1 FROM meta LIMIT 1"};

static off_t wal_size(struct fixture *f)
{
    char wal[TEMP_PATH + 32];
    struct stat st;

    (void)snprintf(wal, sizeof(wal), "%s-wal", f->path);
    assert_int_equal(stat(wal, &st), 0);
    return st.st_size;
}

/* One transaction of 20 pages. What store_begin or store_commit returned. */
static int write_some(struct fixture *f, int i)
{
    char value[4001], key[32];
    int k;

    memset(value, 'v', 4000);
    value[4000] = '\0';
    if (store_begin(f->writer, &f->e))
        return -1;
    for (k = 0; k < 20; k++) {
        (void)snprintf(key, sizeof(key), "%d-%d", i, k);
        assert_int_equal(fixture_insert(f->writer, key, value, &f->e), 0);
    }
    return store_commit(f->writer, &f->e);
}

static void wal_stays_bounded(void **state)
{
    struct fixture *f = *state;
    int i;

    for (i = 0; i < 300; i++)
        assert_int_equal(write_some(f, i), 0);
    /* 24 MB of rows went through; the WAL was started anew at about 2,000 frames. */
    assert_true(wal_size(f) < 3000 * 4200);
    assert_int_equal(store_checkpoint(f->writer, STORE_CHECKPOINT_TRUNCATE, &f->e), 0);
    assert_int_equal(wal_size(f), 0);
}

static void a_long_reader_ends_writing_at_the_bound_and_no_longer_than_it_lasts(void **state)
{
    struct fixture *f = *state;
    struct store *r = store_open(f->path, STORE_READER, &f->e);
    int i, written = 0;

    f->writer->wal_max = SMALL;
    assert_int_equal(store_begin(r, &f->e), 0);
    assert_int_equal(fixture_rows(r), 0);
    while (written < 1000 && !write_some(f, written))
        written++;
    assert_in_range(written, SMALL / 40, SMALL / 20);
    assert_int_equal(f->e.code, ERR_BUSY);
    assert_non_null(strstr(f->e.text, "another process"));
    assert_false(store_in_transaction(f->writer));
    assert_true(wal_size(f) < (SMALL + 50) * 4120);
    assert_int_equal(write_some(f, written), -1); /* and again, not only once */
    assert_int_equal(fixture_rows(r), 0);
    assert_int_equal(fixture_rows(f->writer), 20 * written);
    assert_int_equal(store_commit(r, &f->e), 0);
    for (i = 0; i < 20; i++)
        assert_int_equal(write_some(f, written + i), 0);
    assert_true(wal_size(f) < 1000 * 4120);
    assert_int_equal(fixture_rows(r), 20 * (written + i));
    store_close(r);
}

struct overlap {
    struct fixture *f;
    atomic_bool over;
    atomic_int rounds;
};

/* Two readers, of which there is always one with a snapshot. */
static void *overlap_for_ever(void *arg)
{
    struct overlap *o = arg;
    struct err e = {0};
    struct store *r[2] = {store_open(o->f->path, STORE_READER, &e), store_open(o->f->path, STORE_READER, &e)};
    int i, rows = 0;

    for (i = 0; rows >= 0 && !atomic_load(&o->over); i++) {
        store_rollback(r[i % 2]);
        if (store_begin(r[i % 2], &e))
            break;
        rows = stmt_found(store_stmt(r[i % 2], &sql_one, &e), &e);
        atomic_fetch_add(&o->rounds, 1);
        /* A snapshot seldom falls between a commit and its checkpoint, which could then take all in. */
        (void)usleep(2000);
    }
    store_close(r[0]);
    store_close(r[1]);
    return NULL;
}

static void readers_that_overlap_for_ever_let_it_be_emptied(void **state)
{
    struct fixture *f = *state;
    struct overlap o = {.f = f};
    pthread_t thread;
    int i;

    f->writer->wal_max = SMALL;
    assert_int_equal(pthread_create(&thread, NULL, overlap_for_ever, &o), 0);
    for (i = 0; i < 500; i++) /* two and a half times the bound */
        if (write_some(f, i))
            break;
    atomic_store(&o.over, true);
    pthread_join(thread, NULL);
    assert_int_equal(i, 500);
    assert_true(wal_size(f) < (SMALL + 100) * 4120); /* the file is as large as it has ever been */
    assert_true(atomic_load(&o.rounds) > 0);
}

static void a_read_that_takes_too_long_is_ended(void **state)
{
    struct fixture *f = *state;
    struct store *r = store_open(f->path, STORE_READER, &f->e);

    store_bound_reads(r, 20);
    assert_int_equal(store_begin(r, &f->e), 0);
    assert_int_equal(stmt_exec(store_stmt(r, &sql_for_ever, &f->e), &f->e), -1);
    assert_int_equal(f->e.code, ERR_BUSY);
    assert_int_equal(store_failure(r), STORE_FAIL_SLOW);
    store_rollback(r);
    /* The next one has its own time, with a transaction around it and without one. */
    assert_int_equal(fixture_rows(r), 0);
    assert_int_equal(stmt_exec(store_stmt(r, &sql_for_ever, &f->e), &f->e), -1);
    assert_int_equal(fixture_rows(r), 0);
    store_close(r);
}

static void a_snapshot_that_was_left_open_is_ended(void **state)
{
    struct fixture *f = *state;
    struct store *r = store_open(f->path, STORE_READER, &f->e);

    assert_int_equal(fixture_insert(f->writer, "a", "1", &f->e), 0);
    assert_false(store_end_reads(r));
    /* Begun, and a loop over rows left without a reset. */
    assert_int_equal(store_begin(r, &f->e), 0);
    assert_int_equal(stmt_step(store_stmt(r, &fixture_count, &f->e), &f->e), STMT_ROW);
    assert_true(store_end_reads(r));
    assert_int_equal(stmt_step(store_stmt(r, &fixture_count, &f->e), &f->e), STMT_ROW);
    assert_true(store_end_reads(r));
    assert_false(store_end_reads(r));
    assert_int_equal(store_checkpoint(f->writer, STORE_CHECKPOINT_TRUNCATE, &f->e), 0);
    store_close(r);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(wal_stays_bounded),
        TEST(a_long_reader_ends_writing_at_the_bound_and_no_longer_than_it_lasts),
        TEST(readers_that_overlap_for_ever_let_it_be_emptied),
        TEST(a_read_that_takes_too_long_is_ended),
        TEST(a_snapshot_that_was_left_open_is_ended),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
