/* SPDX-License-Identifier: MIT
 *
 * The program's own migrations, from every earlier schema with rows in it, and killed before each statement: what is
 * left is one of the versions, whole, and the next start brings it to the same end with every row that was there.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/err.h"
#include "store/schema.h"
#include "store/store.h"

#include "tests/unit/base/temp_dir.h"

#define APPLICATION_ID "0x44525652"

/* What a server of version 1 has written, of each table that it wrote. */
static const char rows_of_1[] =
    "INSERT INTO meta VALUES('k', 'v');"
    "INSERT INTO user(name, password_hash, admin, created_ms) VALUES('root', 'h1', 1, 5), ('ana', 'h2', 0, 6);"
    "INSERT INTO token(id, user, hash, kind, issued_ms) VALUES('t1', 'ana', x'01', 'application', 7);"
    "INSERT INTO virtual_cluster(name, created_ms) VALUES('vision', 8);"
    "INSERT INTO node(name, cordoned, updated_ms) VALUES('n1', 1, 9);"
    "INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms) VALUES('j1', 'ana', 'a', 'vision', 1, 10, "
    "10);"
    "INSERT INTO job(id, user, name, vc, state, submitted_ms, created_ms, archived)"
    " VALUES('j2', 'ana', 'a', 'vision', 8, 11, 11, 1);"
    "INSERT INTO job_tag VALUES('j1', 'x');"
    "INSERT INTO job_attempt(job_id, attempt, state, created_ms) VALUES('j1', 0, 1, 12);"
    "INSERT INTO task_attempt(id, job_id, job_attempt, role, task_index, attempt, state, created_ms)"
    " VALUES('a1', 'j1', 0, 'main', 0, 0, 1, 13);"
    "INSERT INTO event(id, job_id, type, time_ms) VALUES(1, 'j1', 'Submitted', 14);"
    "INSERT INTO idempotency VALUES('ana', 'k', 'j1', 15, x'02');";

/* The columns of version 1, which no later step may touch. */
static const char kept[] =
    "SELECT 'meta' || key || value FROM meta UNION ALL"
    " SELECT 'user' || name || password_hash || admin || created_ms || token_version FROM user UNION ALL"
    " SELECT 'token' || id || user || hex(hash) || kind || issued_ms FROM token UNION ALL"
    " SELECT 'vc' || name || spec || status || created_ms FROM virtual_cluster UNION ALL"
    " SELECT 'node' || name || cordoned || updated_ms FROM node UNION ALL"
    " SELECT 'job' || seq || id || user || name || vc || state || submitted_ms || archived FROM job UNION ALL"
    " SELECT 'tag' || job_id || tag FROM job_tag UNION ALL"
    " SELECT 'attempt' || job_id || attempt || state FROM job_attempt UNION ALL"
    " SELECT 'task' || id || job_id || role || state FROM task_attempt UNION ALL"
    " SELECT 'event' || id || job_id || type FROM event UNION ALL"
    " SELECT 'key' || user || key || job_id || hex(request_hash) FROM idempotency ORDER BY 1";
/* Everything that has a name in the schema, as it was written. */
static const char shape[] = "SELECT type || name || tbl_name || coalesce(sql, '') FROM sqlite_schema ORDER BY 1";

struct place {
    char dir[TEMP_PATH];
    char path[TEMP_PATH + 16];
};

static int setup(void **state)
{
    struct place *p = calloc(1, sizeof *p);

    if (!p || temp_create(p->dir))
        return -1;
    (void)snprintf(p->path, sizeof p->path, "%s/t.db", p->dir);
    *state = p;
    return 0;
}

static int teardown(void **state)
{
    struct place *p = *state;

    temp_remove(p->dir);
    free(p);
    return 0;
}

static void run(sqlite3 *db, const char *sql)
{
    char *why = NULL;

    if (sqlite3_exec(db, sql, NULL, NULL, &why) != SQLITE_OK)
        fail_msg("%s: %s", sql, why);
}

static int collect(void *ctx, int columns, char **values, char **names)
{
    char **all = ctx, *longer = NULL;

    (void)columns;
    (void)names;
    if (asprintf(&longer, "%s%s\n", *all ? *all : "", values[0]) < 0)
        return 1;
    free(*all);
    *all = longer;
    return 0;
}

/* The lines of a query, to be freed. */
static char *lines(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    char *all = NULL, *why = NULL;

    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, collect, &all, &why) != SQLITE_OK)
        fail_msg("%s", why);
    (void)sqlite3_close(db);
    return all;
}

static int version_of(const char *path)
{
    char *text = lines(path, "PRAGMA user_version");
    int version = (int)strtol(text, NULL, 10);

    free(text);
    return version;
}

/* A database as a server of that version left it, with the rows of version 1. */
static void make(const char *path, int version)
{
    char sql[128];
    sqlite3 *db = NULL;
    size_t count = 0;
    const struct schema_step *steps = schema_all(&count);

    (void)unlink(path);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    run(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF; PRAGMA foreign_keys = ON; BEGIN");
    for (size_t i = 0; i < count && steps[i].version <= version; i++) {
        for (const char *const *s = steps[i].sql; *s; s++)
            run(db, *s);
        if (steps[i].version == 1)
            run(db, rows_of_1);
    }
    (void)snprintf(sql, sizeof sql, "PRAGMA application_id = " APPLICATION_ID "; PRAGMA user_version = %d; COMMIT",
                   version);
    run(db, sql);
    (void)sqlite3_close(db);
}

/* Opens it as the server does; all is as it must be at the end. */
static void finish(const char *path, const char *shape_wanted, const char *kept_wanted)
{
    struct err e = {0};
    struct store *s = store_open(path, STORE_WRITER, &e);

    if (!s)
        fail_msg("%s", e.text);
    assert_int_equal(store_verify(s, &e), 0);
    store_close(s);
    assert_int_equal(version_of(path), schema_version());
    char *shape_now = lines(path, shape), *kept_now = lines(path, kept);
    assert_string_equal(shape_now, shape_wanted);
    assert_string_equal(kept_now, kept_wanted);
    free(shape_now);
    free(kept_now);
}

/* The schema of a database that never had another. */
static char *fresh_shape(const struct place *p)
{
    char path[sizeof p->path + 8], *text;
    struct err e = {0};
    struct store *s;

    (void)snprintf(path, sizeof path, "%s.fresh", p->path);
    s = store_open(path, STORE_WRITER, &e);
    assert_non_null(s);
    store_close(s);
    text = lines(path, shape);
    return text;
}

static void every_earlier_schema_comes_to_the_same(void **state)
{
    const struct place *p = *state;
    char *want = fresh_shape(p);

    for (int version = 1; version <= schema_version(); version++) {
        make(p->path, version);
        char *before = lines(p->path, kept);
        finish(p->path, want, before);
        free(before);
    }
    /* What version 3 makes of the rows: who was in which virtual cluster still is. */
    char *members = lines(p->path, "SELECT user || ' ' || grp FROM group_member ORDER BY 1");
    assert_string_equal(members, "ana default\nroot admingroup\nroot default\n");
    free(members);
    free(want);
}

/* In the child: dies before its n-th statement. A function of SQLite's has no context but this. */
static int statements_left;

static int count_down(unsigned what, void *context, void *statement, void *text)
{
    (void)what;
    (void)context;
    (void)statement;
    (void)text;
    if (--statements_left == 0)
        (void)raise(SIGKILL);
    return 0;
}

static int watch(sqlite3 *db, char **why, const struct sqlite3_api_routines *api)
{
    (void)why;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, count_down, NULL);
}

/* Migrates in a child that is killed before its n-th statement. Whether it was. */
static bool killed_at(const char *path, int n)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        statements_left = n;
        (void)sqlite3_auto_extension((void (*)(void))watch);
        struct store *s = store_open(path, STORE_WRITER, NULL);
        _exit(s ? 0 : 1);
    }
    assert_true(pid > 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status)) {
        assert_int_equal(WTERMSIG(status), SIGKILL);
        return true;
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    return false;
}

static void killed_before_any_statement_it_goes_on(void **state)
{
    const struct place *p = *state;
    char *want = fresh_shape(p), *before, *shapes[64] = {NULL};
    int seen = 0, n = 1;

    for (int version = 1; version <= schema_version(); version++) {
        make(p->path, version);
        shapes[version] = lines(p->path, shape);
    }
    make(p->path, 1);
    before = lines(p->path, kept);
    while (killed_at(p->path, n)) {
        int version = version_of(p->path);
        char *now = lines(p->path, shape);

        assert_string_equal(now, shapes[version]); /* a step is there wholly or not at all */
        free(now);
        if (!(seen & 1 << version) || n % 8 == 0) /* each start waits for the disk many times */
            finish(p->path, want, before);
        seen |= 1 << version;
        make(p->path, 1);
        n++;
    }
    assert_in_range(n, 50, 500);
    for (int version = 1; version < schema_version(); version++)
        assert_true(seen & 1 << version);
    for (int version = 1; version <= schema_version(); version++)
        free(shapes[version]);
    free(before);
    free(want);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_earlier_schema_comes_to_the_same, setup, teardown),
        cmocka_unit_test_setup_teardown(killed_before_any_statement_it_goes_on, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
