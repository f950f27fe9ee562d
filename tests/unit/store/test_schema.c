/* SPDX-License-Identifier: MIT
 *
 * Migrations: whole or not at all, never backwards; and the tables of this version with the plans of their lists.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/schema.h"
#include "tests/unit/store/fixture.h"

static const char *const sql_two[] = {"CREATE TABLE two(x INTEGER) STRICT", "INSERT INTO two VALUES(2)", NULL};
static const char *const sql_three_bad[] = {"CREATE TABLE three(x INTEGER) STRICT", "DROP TABLE two",
                                            "INSERT INTO no_such_table VALUES(1)", NULL};
static const char *const sql_three[] = {"CREATE TABLE three(x INTEGER) STRICT", NULL};

static const struct store_sql sql_version = {"PRAGMA user_version"};
static const struct store_sql sql_tables = {"SELECT count(*) FROM sqlite_schema WHERE name IN ('two', 'three')"};

static int64_t one(struct store *s, const struct store_sql *def)
{
    struct err e = {0};
    struct stmt *st = store_stmt(s, def, &e);
    int64_t v = stmt_step(st, &e) == STMT_ROW ? stmt_col_int(st, 0) : -1;

    stmt_reset(st);
    return v;
}

/* The program's own steps are applied already; these go on from there. */
#define OWN schema_version()

static void steps_are_applied_once(void **state)
{
    const struct schema_step steps[] = {{OWN, NULL}, {OWN + 1, sql_two}, {OWN + 2, sql_three}};
    struct fixture *f = *state;

    assert_int_equal(one(f->writer, &sql_version), schema_version());
    assert_int_equal(schema_apply(f->writer, steps, 2, &f->e), 0);
    assert_int_equal(one(f->writer, &sql_version), OWN + 1);
    assert_int_equal(schema_apply(f->writer, steps, 3, &f->e), 0);
    assert_int_equal(schema_apply(f->writer, steps, 3, &f->e), 0);
    assert_int_equal(one(f->writer, &sql_version), OWN + 2);
    assert_int_equal(one(f->writer, &sql_tables), 2);
    /* Both kinds of connection of this program now refuse. */
    assert_int_equal(schema_migrate(f->writer, &f->e), -1);
    assert_non_null(strstr(f->e.text, "newer"));
    assert_int_equal(schema_check(f->writer, &f->e), -1);
    assert_null(store_open(f->path, STORE_READER, &f->e));
    assert_null(store_open(f->path, STORE_WRITER, &f->e));
    assert_non_null(strstr(f->e.text, "newer"));
}

static void a_failing_step_leaves_nothing(void **state)
{
    const struct schema_step steps[] = {{OWN, NULL}, {OWN + 1, sql_two}, {OWN + 2, sql_three_bad}};
    const struct schema_step mended[] = {{OWN, NULL}, {OWN + 1, sql_two}, {OWN + 2, sql_three}};
    struct fixture *f = *state;

    assert_int_equal(schema_apply(f->writer, steps, 3, &f->e), -1);
    assert_non_null(strstr(f->e.text, "migration to schema version"));
    assert_int_equal(one(f->writer, &sql_version), OWN + 1);
    assert_int_equal(one(f->writer, &sql_tables), 1);
    assert_false(store_in_transaction(f->writer));
    assert_int_equal(schema_apply(f->writer, mended, 3, &f->e), 0);
    assert_int_equal(one(f->writer, &sql_tables), 2);
}

/* Set in the child: after how many rows of the long step it dies. */
static void die_at(sqlite3_context *context, int n, sqlite3_value **values)
{
    (void)n;
    if (sqlite3_value_int(values[0]) == 700)
        (void)raise(SIGKILL);
    sqlite3_result_int(context, 0);
}

/* R22: the process dies in the middle of a step that has spilled to the WAL; the next one finds the old version and
 * does the step again. The child opens the database itself: a connection must not cross fork. */
static void a_kill_inside_a_step_leaves_nothing(void **state)
{
    static const char *const sql_long[] = {
        "CREATE TABLE three(x INTEGER, t TEXT) STRICT",
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO three SELECT i + die_at(i), hex(zeroblob(20000)) FROM n",
        NULL};
    const struct schema_step steps[] = {{OWN, NULL}, {OWN + 1, sql_two}, {OWN + 2, sql_long}};
    const struct schema_step mended[] = {{OWN, NULL}, {OWN + 1, sql_two}, {OWN + 2, sql_three}};
    struct fixture *f = *state;
    int status = 0;
    pid_t pid;

    store_close(f->writer);
    f->writer = NULL;
    pid = fork();
    if (pid == 0) {
        struct store *s;

        s = store_open(f->path, STORE_WRITER, NULL);
        if (s) {
            /* The connection is the first member of the store; the test alone knows, to plant the killer in it. */
            (void)sqlite3_create_function(*(sqlite3 **)(void *)s, "die_at", 1, SQLITE_UTF8, NULL, die_at, NULL, NULL);
            (void)schema_apply(s, steps, 3, NULL);
        }
        _exit(1);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    {
        char back[64];
        sqlite3 *db = NULL;

        (void)snprintf(back, sizeof(back), "PRAGMA user_version=%d", OWN);
        /* Plain SQLite first: what store_open would say of the version in between is tested elsewhere. */
        assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, back, NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "SELECT * FROM two", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_exec(db, "SELECT * FROM three", NULL, NULL, NULL), SQLITE_ERROR);
        assert_int_equal(sqlite3_exec(db, "DROP TABLE two", NULL, NULL, NULL), SQLITE_OK);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
    f->writer = store_open(f->path, STORE_WRITER, &f->e);
    assert_non_null(f->writer);
    assert_int_equal(store_verify(f->writer, &f->e), 0);
    assert_int_equal(schema_apply(f->writer, mended, 3, &f->e), 0);
    assert_int_equal(one(f->writer, &sql_tables), 2);
}

/* The text of a statement's plan must name the index (or must not sort). */
static void check_plan(struct fixture *f, const struct store_sql *def, const char *uses, bool sorts)
{
    char plan[1024] = "";
    struct stmt *st = store_stmt(f->writer, def, &f->e);
    size_t n = 0;

    assert_non_null(st);
    while (stmt_step(st, &f->e) == STMT_ROW)
        n += (size_t)snprintf(plan + n, sizeof(plan) - n, "%s\n", stmt_col_text(st, 3));
    if (!strstr(plan, uses) || (strstr(plan, "USE TEMP B-TREE FOR ORDER BY") != NULL) != sorts)
        (void)printf("%s\n%s", def->text, plan);
    assert_non_null(strstr(plan, uses));
    assert_int_equal(strstr(plan, "USE TEMP B-TREE FOR ORDER BY") != NULL, sorts);
}

#define PLAN "EXPLAIN QUERY PLAN "

static void lists_use_their_indexes(void **state)
{
    static const struct store_sql all = {
        PLAN "SELECT * FROM job WHERE archived = 0 ORDER BY submitted_ms DESC, id DESC LIMIT 50"};
    static const struct store_sql user = {
        PLAN "SELECT * FROM job WHERE archived = 0 AND user = ? ORDER BY submitted_ms DESC, id DESC LIMIT 50"};
    static const struct store_sql vc = {
        PLAN "SELECT * FROM job WHERE archived = 0 AND vc = ? ORDER BY submitted_ms DESC LIMIT 50"};
    static const struct store_sql run = {
        PLAN "SELECT * FROM job WHERE archived = 0 AND state = ? ORDER BY submitted_ms DESC LIMIT 50"};
    static const struct store_sql live = {PLAN "SELECT * FROM job WHERE completed_ms IS NULL ORDER BY seq"};
    static const struct store_sql name = {PLAN "SELECT * FROM job WHERE user = ? AND name = ? AND archived = 0"};
    static const struct store_sql id = {PLAN "SELECT * FROM job WHERE id = ?"};
    static const struct store_sql tasks = {PLAN "SELECT * FROM task_attempt WHERE job_id = ? AND job_attempt = ?"};
    static const struct store_sql live_tasks = {PLAN "SELECT * FROM task_attempt WHERE completed_ms IS NULL"};
    static const struct store_sql events = {PLAN "SELECT * FROM event WHERE job_id = ? ORDER BY id"};
    static const struct store_sql tags = {PLAN "SELECT job_id FROM job_tag WHERE tag = ?"};
    static const struct store_sql token = {PLAN "SELECT * FROM token WHERE user = ?"};
    static const struct store_sql last = {PLAN "SELECT max(id) FROM event"};

    check_plan(*state, &all, "job_by_time", false);
    check_plan(*state, &user, "job_by_user", false);
    check_plan(*state, &vc, "job_by_vc", false);
    check_plan(*state, &run, "job_by_state", false);
    check_plan(*state, &live, "job_live", false);
    check_plan(*state, &name, "job_by_name", false);
    check_plan(*state, &id, "sqlite_autoindex_job_1", false);
    check_plan(*state, &tasks, "(job_id=? AND job_attempt=?)", false);
    check_plan(*state, &live_tasks, "task_attempt_live", false);
    check_plan(*state, &events, "event_by_job", false);
    check_plan(*state, &tags, "job_tag_by_tag", false);
    check_plan(*state, &token, "token_by_user", false);
    check_plan(*state, &last, "event", false);
}

static void a_name_is_free_again_once_archived(void **state)
{
    static const struct store_sql add = {"INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms) "
                                         "VALUES(?, 'ada', 'x', 'default', 0, 1, 1)"};
    static const struct store_sql archive = {"UPDATE job SET archived = 1 WHERE id = ?"};
    struct fixture *f = *state;
    struct stmt *st = store_stmt(f->writer, &add, &f->e);

    stmt_text(st, 1, "one");
    assert_int_equal(stmt_exec(st, &f->e), 0);
    st = store_stmt(f->writer, &add, &f->e);
    stmt_text(st, 1, "two");
    assert_int_equal(stmt_exec(st, &f->e), -1);
    assert_int_equal(store_last_constraint(f->writer), STORE_CONSTRAINT_UNIQUE);
    st = store_stmt(f->writer, &archive, &f->e);
    stmt_text(st, 1, "one");
    assert_int_equal(stmt_exec(st, &f->e), 0);
    st = store_stmt(f->writer, &add, &f->e);
    stmt_text(st, 1, "two");
    assert_int_equal(stmt_exec(st, &f->e), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(steps_are_applied_once),
        TEST(a_failing_step_leaves_nothing),
        TEST(a_kill_inside_a_step_leaves_nothing),
        TEST(lists_use_their_indexes),
        TEST(a_name_is_free_again_once_archived),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
