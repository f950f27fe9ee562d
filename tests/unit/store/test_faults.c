/* SPDX-License-Identifier: MIT
 *
 * What a failing disk does to a commit (R7, R8). The program defines the few system calls through which SQLite writes,
 * so that the dynamic linker gives SQLite ours, and lets the n-th one fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/store/fixture.h"

enum fault { FAULT_NONE, FAULT_WRITE, FAULT_SYNC };

static struct {
    enum fault kind;
    int after;  /* calls that still succeed */
    int errnum; /* then this */
    bool once;  /* only the first one fails */
    int hits;
} fault;

/* 0 or the errno to fail with. */
static int fault_now(enum fault kind)
{
    if (fault.kind != kind || fault.after-- > 0)
        return 0;
    if (fault.once && fault.hits)
        return 0;
    fault.hits++;
    return fault.errnum;
}

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at);
ssize_t pwrite(int fd, const void *data, size_t len, off_t at);
int fsync(int fd);
int fdatasync(int fd);

ssize_t pwrite64(int fd, const void *data, size_t len, off64_t at)
{
    int errnum = fault_now(FAULT_WRITE);

    if (errnum) {
        errno = errnum;
        return -1;
    }
    return syscall(SYS_pwrite64, fd, data, len, at);
}

ssize_t pwrite(int fd, const void *data, size_t len, off_t at)
{
    return pwrite64(fd, data, len, at);
}

int fdatasync(int fd)
{
    int errnum = fault_now(FAULT_SYNC);

    if (errnum) {
        errno = errnum;
        return -1;
    }
    return (int)syscall(SYS_fdatasync, fd);
}

int fsync(int fd)
{
    return fdatasync(fd);
}

static void arm(enum fault kind, int after, int errnum, bool once)
{
    fault.kind = kind;
    fault.after = after;
    fault.errnum = errnum;
    fault.once = once;
    fault.hits = 0;
}

static int insert_batch(struct fixture *f, const char *prefix)
{
    int i;

    if (store_begin(f->writer, &f->e))
        return -1;
    for (i = 0; i < 10; i++) {
        char key[32];

        (void)snprintf(key, sizeof(key), "%s-%d", prefix, i);
        (void)fixture_insert(f->writer, key, "value", &f->e);
    }
    return store_commit(f->writer, &f->e);
}

static void a_full_disk_is_told_and_passes(void **state)
{
    static const int reasons[] = {ENOSPC, EDQUOT, EFBIG};
    struct fixture *f = *state;
    size_t i;

    for (i = 0; i < 3; i++) {
        char prefix[16];

        (void)snprintf(prefix, sizeof(prefix), "full%zu", i);
        arm(FAULT_WRITE, 0, reasons[i], false);
        assert_int_equal(insert_batch(f, prefix), -1);
        arm(FAULT_NONE, 0, 0, false);
        assert_int_equal(f->e.code, ERR_NO_SPACE);
        assert_int_equal(store_failure(f->writer), STORE_FAIL_FULL);
        assert_false(store_in_transaction(f->writer));
        assert_false(store_fsync_failed(f->writer));
        assert_int_equal(fixture_rows(f->writer), (int64_t)i * 10);
        /* Space is there again: the same connection goes on. */
        assert_int_equal(insert_batch(f, prefix), 0);
        assert_int_equal(fixture_rows(f->writer), (int64_t)(i + 1) * 10);
    }
    assert_int_equal(store_verify(f->writer, &f->e), 0);
}

static void a_write_error_is_busy(void **state)
{
    struct fixture *f = *state;

    arm(FAULT_WRITE, 0, EIO, false);
    assert_int_equal(insert_batch(f, "io"), -1);
    arm(FAULT_NONE, 0, 0, false);
    assert_int_equal(f->e.code, ERR_BUSY);
    assert_int_equal(store_failure(f->writer), STORE_FAIL_IO);
    assert_int_equal(fixture_rows(f->writer), 0);
    assert_int_equal(insert_batch(f, "io"), 0);
}

static void a_failed_fsync_is_final(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(insert_batch(f, "good"), 0);
    arm(FAULT_SYNC, 0, EIO, true);
    assert_int_equal(insert_batch(f, "lost"), -1);
    assert_int_equal(fault.hits, 1);
    arm(FAULT_NONE, 0, 0, false);
    assert_int_equal(f->e.code, ERR_BUSY);
    assert_int_equal(store_failure(f->writer), STORE_FAIL_FSYNC);
    assert_true(store_fsync_failed(f->writer));
    assert_false(store_in_transaction(f->writer));
    /* Nothing more is promised on this connection. */
    assert_int_equal(store_begin(f->writer, &f->e), -1);
    assert_int_equal(f->e.code, ERR_BUSY);
    store_close(f->writer);
    f->writer = store_open(f->path, STORE_WRITER, &f->e);
    assert_non_null(f->writer);
    assert_int_equal(store_verify(f->writer, &f->e), 0);
    assert_true(fixture_rows(f->writer) == 10 || fixture_rows(f->writer) == 20);
}

static void a_failed_fsync_of_a_checkpoint_is_final_too(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(insert_batch(f, "good"), 0);
    arm(FAULT_SYNC, 0, EIO, false);
    assert_int_equal(store_checkpoint(f->writer, STORE_CHECKPOINT_PASSIVE, &f->e), -1);
    arm(FAULT_NONE, 0, 0, false);
    assert_true(store_fsync_failed(f->writer));
    assert_int_equal(store_begin(f->writer, &f->e), -1);
}

/* SQLite's own method: the n-th write or sync fails, once or for ever, n = 1, 2, 3, ... until all is done without a
 * hit. After each, what was acknowledged is there, and the file is sound. */
static void the_nth_failure_loses_nothing(void **state)
{
    static const enum fault kinds[] = {FAULT_WRITE, FAULT_SYNC};
    struct fixture *f = *state;
    int64_t acknowledged = 0;
    int variant;

    for (variant = 0; variant < 4; variant++) {
        bool hit = true;
        int n;

        for (n = 0; hit; n++) {
            char prefix[32];
            int rc;

            (void)snprintf(prefix, sizeof(prefix), "n%d-%d", variant, n);
            arm(kinds[variant / 2], n, EIO, variant % 2 == 0);
            rc = insert_batch(f, prefix);
            if (rc == 0)
                rc = store_checkpoint(f->writer, STORE_CHECKPOINT_TRUNCATE, &f->e) ? 1 : 0;
            hit = fault.hits > 0;
            arm(FAULT_NONE, 0, 0, false);
            if (rc >= 0)
                acknowledged += 10;
            store_close(f->writer);
            f->writer = store_open(f->path, STORE_WRITER, &f->e);
            assert_non_null(f->writer);
            assert_int_equal(store_verify(f->writer, &f->e), 0);
            /* A batch whose commit failed may be there or not, but whole; one that was acknowledged must be there. */
            assert_int_equal(fixture_rows(f->writer) % 10, 0);
            assert_true(fixture_rows(f->writer) >= acknowledged);
            acknowledged = fixture_rows(f->writer);
            assert_true(n < 200);
        }
        assert_true(n > 2);
    }
}

/* More than the cache holds, so that a write fails before the commit. */
static void spill(struct fixture *f)
{
    static const struct store_sql big = {"INSERT INTO meta(key, value) VALUES(?, hex(zeroblob(1000000)))"};
    char key[16];
    int i;

    arm(FAULT_WRITE, 0, EIO, true);
    for (i = 0; i < 20; i++) {
        struct stmt *st = store_stmt(f->writer, &big, &f->e);

        (void)snprintf(key, sizeof(key), "big%d", i);
        stmt_text(st, 1, key);
        (void)stmt_exec(st, NULL);
    }
    assert_int_equal(fault.hits, 1);
    arm(FAULT_NONE, 0, 0, false);
}

/* A part of a transaction cannot be taken back when the disk failed: the whole must go. */
static void a_failed_disk_ends_savepoints_too(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(store_savepoint(f->writer, &f->e), 0);
    spill(f);
    assert_int_equal(store_release(f->writer, &f->e), -1);
    assert_int_equal(store_undo(f->writer, &f->e), -1);
    assert_int_equal(store_savepoint(f->writer, &f->e), -1);
    assert_int_equal(f->e.code, ERR_BUSY);
    store_rollback(f->writer);
}

/* A caller that ignores a failed statement cannot commit the rest. */
static void an_ignored_failure_cannot_be_committed(void **state)
{
    struct fixture *f = *state;

    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "small", "x", &f->e), 0);
    spill(f);
    assert_int_equal(store_commit(f->writer, &f->e), -1);
    assert_int_equal(f->e.code, ERR_BUSY);
    store_rollback(f->writer);
}

static int teardown(void **state)
{
    arm(FAULT_NONE, 0, 0, false);
    return fixture_teardown(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_full_disk_is_told_and_passes),    TEST(a_write_error_is_busy),
        TEST(a_failed_fsync_is_final),           TEST(a_failed_fsync_of_a_checkpoint_is_final_too),
        TEST(the_nth_failure_loses_nothing),     TEST(an_ignored_failure_cannot_be_committed),
        TEST(a_failed_disk_ends_savepoints_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
