/* SPDX-License-Identifier: MIT
 *
 * Connections, transactions and statements.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/store/fixture.h"

/* A value of a pragma that takes no argument, on a connection. */
static const struct store_sql sql_synchronous = {"PRAGMA synchronous"};
static const struct store_sql sql_foreign_keys = {"PRAGMA foreign_keys"};
static const struct store_sql sql_trusted = {"PRAGMA trusted_schema"};
static const struct store_sql sql_query_only = {"PRAGMA query_only"};
static const struct store_sql sql_autocheckpoint = {"PRAGMA wal_autocheckpoint"};

static int64_t pragma(struct store *s, const struct store_sql *def)
{
    struct err e = {0};
    struct stmt *st = store_stmt(s, def, &e);
    int64_t v = stmt_step(st, &e) == STMT_ROW ? stmt_col_int(st, 0) : -1;

    stmt_reset(st);
    return v;
}

static void settings_are_on(void **state)
{
    struct fixture *f = *state;
    struct store *r = store_open(f->path, STORE_READER, &f->e);
    struct stat st;

    assert_non_null(r);
    assert_int_equal(pragma(f->writer, &sql_synchronous), 2);
    assert_int_equal(pragma(f->writer, &sql_foreign_keys), 1);
    assert_int_equal(pragma(f->writer, &sql_trusted), 0);
    assert_int_equal(pragma(f->writer, &sql_autocheckpoint), 0);
    assert_int_equal(pragma(r, &sql_query_only), 1);
    assert_int_equal(pragma(r, &sql_trusted), 0);
    assert_int_equal(pragma(r, &sql_autocheckpoint), 0);
    assert_int_equal(stat(f->path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);
    store_close(r);
    store_close(NULL);
}

static void defences_hold(void **state)
{
    static const struct store_sql attach = {"ATTACH 'other.db' AS other"};
    static const struct store_sql schema = {"UPDATE sqlite_schema SET sql = 'x'"};
    static const struct store_sql dqs = {"SELECT \"no such column\" FROM meta"};
    static const struct store_sql two = {"SELECT 1; SELECT 2"};
    static const struct store_sql none = {"-- nothing"};
    static const struct store_sql type = {"INSERT INTO audit VALUES('x', 1, '', '', '', '', '', 1, '', '', 1, x'')"};
    struct fixture *f = *state;
    char *big = malloc(5000001);
    struct stmt *st;

    assert_int_equal(stmt_exec(store_stmt(f->writer, &attach, &f->e), &f->e), -1);
    assert_int_equal(stmt_exec(store_stmt(f->writer, &schema, &f->e), &f->e), -1);
    assert_null(store_stmt(f->writer, &dqs, &f->e));
    assert_null(store_stmt(f->writer, &two, &f->e));
    assert_null(store_stmt(f->writer, &none, &f->e));
    assert_int_equal(stmt_exec(store_stmt(f->writer, &type, &f->e), &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_CHECK);
    assert_non_null(big);
    memset(big, 'x', 5000000);
    big[5000000] = '\0';
    st = store_stmt(f->writer, &fixture_put, &f->e);
    stmt_text(st, 1, "big");
    stmt_text(st, 2, big);
    assert_int_equal(stmt_exec(st, &f->e), -1);
    free(big);
    assert_int_equal(fixture_rows(f->writer), 0);
}

static void commit_and_rollback(void **state)
{
    struct fixture *f = *state;

    assert_false(store_in_transaction(f->writer));
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_true(store_in_transaction(f->writer));
    assert_int_equal(fixture_insert(f->writer, "a", "1", &f->e), 0);
    assert_int_equal(store_changes(f->writer), 1);
    store_rollback(f->writer);
    store_rollback(f->writer);
    assert_int_equal(fixture_rows(f->writer), 0);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "a", "1", &f->e), 0);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    assert_int_equal(fixture_rows(f->writer), 1);
    assert_int_equal(store_commit(f->writer, &f->e), -1);
    /* Closing with an open transaction keeps what was committed and nothing else. */
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "b", "1", &f->e), 0);
    store_close(f->writer);
    f->writer = store_open(f->path, STORE_WRITER, &f->e);
    assert_non_null(f->writer);
    assert_int_equal(fixture_rows(f->writer), 1);
    assert_int_equal(store_verify(f->writer, &f->e), 0);
}

static void readers_read_snapshots(void **state)
{
    struct fixture *f = *state;
    struct store *r = store_open(f->path, STORE_READER, &f->e);

    assert_non_null(r);
    assert_int_equal(store_begin(r, &f->e), 0);
    assert_int_equal(fixture_rows(r), 0);
    assert_int_equal(fixture_insert(f->writer, "a", "1", &f->e), 0);
    assert_int_equal(fixture_rows(r), 0);
    assert_int_equal(store_commit(r, &f->e), 0);
    assert_int_equal(fixture_rows(r), 1);
    assert_int_equal(fixture_insert(r, "b", "1", &f->e), -1);
    assert_int_equal(store_checkpoint(r, STORE_CHECKPOINT_PASSIVE, &f->e), -1);
    store_close(r);
    assert_int_equal(fixture_rows(f->writer), 1);
}

static void a_second_writer_waits_then_fails(void **state)
{
    struct fixture *f = *state;
    struct store *w = store_open(f->path, STORE_WRITER, &f->e);

    assert_non_null(w);
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(store_begin(w, &f->e), -1);
    assert_int_equal(f->e.code, ERR_BUSY);
    assert_int_equal(store_failure(w), STORE_FAIL_BUSY);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    assert_int_equal(store_begin(w, &f->e), 0);
    store_close(w);
}

static void constraints_are_told_apart(void **state)
{
    static const struct store_sql token = {
        "INSERT INTO token(id, user, hash, kind, issued_ms) VALUES('t', ?, x'00', ?, 1)"};
    static const struct store_sql tag = {"INSERT INTO job_tag(job_id, tag) VALUES('no such job', 'x')"};
    struct fixture *f = *state;
    struct stmt *st;

    assert_int_equal(fixture_insert(f->writer, "a", "1", &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "a", "2", &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_UNIQUE);
    assert_int_equal(store_failure(f->writer), STORE_FAIL_CONSTRAINT);
    assert_int_equal(fixture_insert(f->writer, "b", NULL, &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_NOT_NULL);
    st = store_stmt(f->writer, &token, &f->e);
    stmt_text(st, 1, "nobody");
    stmt_text(st, 2, "browser");
    assert_int_equal(stmt_exec(st, &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_FOREIGN_KEY);
    stmt_text(st, 2, "other");
    assert_int_equal(stmt_exec(st, &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_CHECK);
    /* A constraint spoils neither the transaction nor what was done in it. */
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "c", "1", &f->e), 0);
    assert_int_equal(fixture_insert(f->writer, "c", "1", &f->e), -1);
    assert_int_equal(store_commit(f->writer, &f->e), 0);
    assert_int_equal(fixture_rows(f->writer), 2);
    /* Keys of a job are checked at commit, and everything is given up. */
    assert_int_equal(store_begin(f->writer, &f->e), 0);
    assert_int_equal(stmt_exec(store_stmt(f->writer, &tag, &f->e), &f->e), 0);
    assert_int_equal(store_commit(f->writer, &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_FOREIGN_KEY);
    assert_false(store_in_transaction(f->writer));
}

static void values_come_back(void **state)
{
    static const struct store_sql echo = {"SELECT ?1, ?2, ?3, ?4, ?5, ?6"};
    static const unsigned char blob[] = {0, 1, 2, 0xff};
    struct fixture *f = *state;
    struct stmt *st = store_stmt(f->writer, &echo, &f->e);
    size_t len = 0;

    stmt_int(st, 1, INT64_MIN);
    stmt_double(st, 2, 0.25);
    stmt_text(st, 3, "x'; DROP TABLE meta; --");
    stmt_blob(st, 4, blob, sizeof(blob));
    stmt_null(st, 5);
    stmt_int_or_null(st, 6, 0, 0);
    assert_int_equal(stmt_step(st, &f->e), STMT_ROW);
    assert_true(stmt_col_int(st, 0) == INT64_MIN);
    assert_true(stmt_col_double(st, 1) > 0.24 && stmt_col_double(st, 1) < 0.26);
    assert_string_equal(stmt_col_text(st, 2), "x'; DROP TABLE meta; --");
    assert_memory_equal(stmt_col_blob(st, 3, &len), blob, sizeof(blob));
    assert_int_equal(len, sizeof(blob));
    assert_null(stmt_col_text(st, 4));
    assert_string_equal(stmt_col_string(st, 4), "");
    assert_true(stmt_col_null(st, 5));
    assert_int_equal(stmt_col_int_or(st, 5, -7), -7);
    assert_int_equal(stmt_col_int_or(st, 0, -7) == INT64_MIN, 1);
    assert_int_equal(stmt_step(st, &f->e), STMT_DONE);
    /* Asked for again, all parameters are NULL. */
    st = store_stmt(f->writer, &echo, &f->e);
    stmt_text(st, 1, NULL);
    stmt_blob(st, 2, NULL, 0);
    stmt_int_or_null(st, 6, 9, 0);
    assert_int_equal(stmt_step(st, &f->e), STMT_ROW);
    assert_true(stmt_col_null(st, 0) && stmt_col_null(st, 1) && stmt_col_null(st, 2) && stmt_col_null(st, 3));
    assert_int_equal(stmt_col_int(st, 5), 9);
    stmt_reset(st);
    stmt_int(st, 77, 1);
    assert_int_equal(stmt_step(st, &f->e), -1);
    assert_int_equal(fixture_rows(f->writer), 0);
}

static void a_null_statement_is_harmless(void **state)
{
    struct fixture *f = *state;

    err_set(&f->e, ERR_NO_JOB, "kept");
    stmt_int(NULL, 1, 1);
    stmt_double(NULL, 1, 1);
    stmt_text(NULL, 1, "x");
    stmt_blob(NULL, 1, "x", 1);
    stmt_null(NULL, 1);
    stmt_int_or_null(NULL, 1, 1, 0);
    stmt_reset(NULL);
    assert_int_equal(stmt_step(NULL, &f->e), -1);
    assert_int_equal(stmt_exec(NULL, &f->e), -1);
    assert_string_equal(f->e.text, "kept");
}

static void many_statements_are_cached(void **state)
{
    static struct store_sql all[300];
    struct fixture *f = *state;
    struct stmt *first[300];
    size_t i;

    for (i = 0; i < 300; i++) {
        all[i].text = "SELECT 1";
        first[i] = store_stmt(f->writer, &all[i], &f->e);
        assert_non_null(first[i]);
    }
    for (i = 0; i < 300; i++)
        assert_ptr_equal(store_stmt(f->writer, &all[i], &f->e), first[i]);
}

static void a_pinned_snapshot_does_not_stop_writes(void **state)
{
    struct fixture *f = *state;
    struct store *r = store_open(f->path, STORE_READER, &f->e);
    int i;

    assert_int_equal(store_begin(r, &f->e), 0);
    assert_int_equal(fixture_rows(r), 0);
    for (i = 0; i < 100; i++) {
        char key[16];

        (void)snprintf(key, sizeof(key), "%d", i);
        assert_int_equal(fixture_insert(f->writer, key, "x", &f->e), 0);
        assert_int_equal(store_checkpoint(f->writer, STORE_CHECKPOINT_PASSIVE, &f->e), 0);
    }
    assert_int_equal(fixture_rows(r), 0);
    assert_int_equal(store_commit(r, &f->e), 0);
    assert_int_equal(fixture_rows(r), 100);
    store_close(r);
}

static void bad_files_are_refused(void **state)
{
    struct fixture *f = *state;
    char path[TEMP_PATH + 16];
    FILE *file;
    sqlite3 *db = NULL;

    (void)snprintf(path, sizeof(path), "%s/none/x.db", f->dir);
    assert_null(store_open(path, STORE_WRITER, &f->e));
    (void)snprintf(path, sizeof(path), "%s/none.db", f->dir);
    assert_null(store_open(path, STORE_READER, &f->e));
    assert_int_equal(access(path, F_OK), -1);
    (void)snprintf(path, sizeof(path), "%s/text.db", f->dir);
    file = fopen(path, "we");
    assert_non_null(file);
    assert_true(fputs("this is no database, but a text that is longer than a header of one hundred bytes, which "
                      "SQLite looks at first",
                      file) >= 0);
    assert_int_equal(fclose(file), 0);
    assert_null(store_open(path, STORE_WRITER, &f->e));
    assert_non_null(strstr(f->e.text, "not a database"));
    (void)snprintf(path, sizeof(path), "%s/foreign.db", f->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "CREATE TABLE theirs(x)", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
    assert_null(store_open(path, STORE_WRITER, &f->e));
    assert_non_null(strstr(f->e.text, "another program"));
}

/* R10: whatever byte is wrong, opening and checking gives an answer and no crash, and never an empty database. */
static void damaged_files_never_crash(void **state)
{
    struct fixture *f = *state;
    uint32_t seed = 5;
    int round, found = 0;

    assert_int_equal(fixture_insert(f->writer, "a", "1", &f->e), 0);
    assert_int_equal(store_checkpoint(f->writer, STORE_CHECKPOINT_TRUNCATE, &f->e), 0);
    store_close(f->writer);
    f->writer = NULL;
    for (round = 0; round < 400; round++) {
        struct stat st;
        struct store *s;
        unsigned char old, wrong;
        FILE *file = fopen(f->path, "r+e");
        long at;

        assert_non_null(file);
        assert_int_equal(stat(f->path, &st), 0);
        seed = seed * 1664525u + 1013904223u;
        at = (long)((seed >> 8) % (uint32_t)(round % 2 ? st.st_size : 400));
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fread(&old, 1, 1, file), 1);
        wrong = (unsigned char)(old ^ (1u << (seed & 7u)));
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite(&wrong, 1, 1, file), 1);
        assert_int_equal(fclose(file), 0);
        s = store_open(f->path, STORE_READER, &f->e);
        if (!s || store_verify(s, &f->e) || fixture_rows(s) != 1)
            found++;
        store_close(s);
        file = fopen(f->path, "r+e");
        assert_non_null(file);
        assert_int_equal(fseek(file, at, SEEK_SET), 0);
        assert_int_equal(fwrite(&old, 1, 1, file), 1);
        assert_int_equal(fclose(file), 0);
    }
    assert_in_range(found, 20, 399);
    f->writer = store_open(f->path, STORE_WRITER, &f->e);
    assert_non_null(f->writer);
    assert_int_equal(fixture_rows(f->writer), 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

/* A part of a transaction is given up; what came before and after it stays. */
static void a_savepoint_takes_back_its_own_writes_only(void **state)
{
    struct fixture *f = *state;
    struct store *s = f->writer;
    int64_t before = fixture_rows(s);

    assert_int_equal(store_begin(s, &f->e), 0);
    assert_int_equal(fixture_insert(s, "a", "1", &f->e), 0);
    assert_int_equal(store_savepoint(s, &f->e), 0);
    assert_int_equal(fixture_insert(s, "b", "1", &f->e), 0);
    assert_int_equal(fixture_insert(s, "a", "2", &f->e), -1); /* taken: a constraint ends no transaction */
    assert_int_equal(store_undo(s, &f->e), 0);
    assert_int_equal(store_savepoint(s, &f->e), 0);
    assert_int_equal(fixture_insert(s, "c", "1", &f->e), 0);
    assert_int_equal(store_release(s, &f->e), 0);
    assert_int_equal(store_commit(s, &f->e), 0);
    assert_int_equal(fixture_rows(s), before + 2);
    assert_int_equal(fixture_insert(s, "b", "3", &f->e), 0); /* was free */
}

/* SQLite gave the transaction up by itself: there is nothing to go on with. */
static void a_savepoint_of_a_lost_transaction_fails(void **state)
{
    struct fixture *f = *state;
    struct store *s = f->writer;

    assert_int_equal(store_begin(s, &f->e), 0);
    assert_int_equal(store_savepoint(s, &f->e), 0);
    store_rollback(s);
    assert_int_equal(store_undo(s, &f->e), -1);
    assert_int_equal(f->e.code, ERR_BUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(settings_are_on),
        TEST(defences_hold),
        TEST(commit_and_rollback),
        TEST(a_savepoint_takes_back_its_own_writes_only),
        TEST(a_savepoint_of_a_lost_transaction_fails),
        TEST(readers_read_snapshots),
        TEST(a_second_writer_waits_then_fails),
        TEST(constraints_are_told_apart),
        TEST(values_come_back),
        TEST(a_null_statement_is_harmless),
        TEST(many_statements_are_cached),
        TEST(a_pinned_snapshot_does_not_stop_writes),
        TEST(bad_files_are_refused),
        TEST(damaged_files_never_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
