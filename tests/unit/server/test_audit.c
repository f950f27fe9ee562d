/* SPDX-License-Identifier: MIT
 *
 * The audit log: the chain and what breaks it, and that a flood of refused calls stays a handful of records.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "auth/keys.h"
#include "base/err.h"
#include "server/audit.h"
#include "server/audit_store.h"
#include "server/mailbox.h"
#include "store/store.h"
#include "tests/unit/base/temp_dir.h"

enum { T0 = 1000 * 60000 }; /* the beginning of a minute, ms */

struct fixture {
    char dir[TEMP_PATH], db[TEMP_PATH + 16];
    struct keys keys;
    struct store *store;
    struct audit *audit;
    struct err e;
};

static int setup(void **state)
{
    static struct fixture x;
    memset(&x, 0, sizeof x);
    if (temp_create(x.dir))
        return -1;
    snprintf(x.db, sizeof x.db, "%s/drover.db", x.dir);
    memset(x.keys.audit, 7, sizeof x.keys.audit);
    x.store = store_open(x.db, STORE_WRITER, &x.e);
    x.audit = audit_create(&x.keys);
    *state = &x;
    return x.store && x.audit && !audit_load(x.audit, x.store, &x.e) ? 0 : -1;
}

static int teardown(void **state)
{
    struct fixture *x = *state;
    audit_destroy(x->audit);
    store_close(x->store);
    temp_remove(x->dir);
    return 0;
}

static void note(struct fixture *x, const char *user, const char *ip, int status, int64_t time_ms)
{
    struct audit_call call = {.actor = {.user = user,
                                        .ip = ip,
                                        .method = "POST",
                                        .route = "/api/v2/jobs",
                                        .object = "/api/v2/jobs",
                                        .request_id = "r"},
                              .status = status,
                              .code = status == 429   ? ERR_TOO_MANY
                                      : status == 401 ? ERR_UNAUTHORIZED
                                                      : ERR_FORBIDDEN,
                              .time_ms = time_ms};
    audit_note(x->audit, &call);
}

/* What the loop does for a batch without commands. */
static bool write_batch(struct fixture *x, int64_t now_ms, bool last)
{
    if (!audit_needed(x->audit, NULL, now_ms, last))
        return false;
    assert_int_equal(store_begin(x->store, &x->e), 0);
    assert_int_equal(audit_write(x->audit, x->store, NULL, now_ms, &x->e), 0);
    assert_int_equal(store_commit(x->store, &x->e), 0);
    audit_end(x->audit, true);
    return true;
}

static int64_t one(struct fixture *x, const struct store_sql *sql)
{
    struct stmt *st = store_stmt(x->store, sql, &x->e);
    int64_t v = stmt_step(st, &x->e) == STMT_ROW ? stmt_col_int(st, 0) : -1;
    stmt_reset(st);
    return v;
}

static int64_t rows(struct fixture *x)
{
    static const struct store_sql sql = {"SELECT count(*) FROM audit"};
    return one(x, &sql);
}

static int64_t calls(struct fixture *x)
{
    static const struct store_sql sql = {"SELECT sum(count) FROM audit"};
    return one(x, &sql);
}

static int verify(struct fixture *x, const struct audit_head *expected, struct audit_head *head)
{
    return audit_store_verify(x->store, x->keys.audit, expected, head, &x->e);
}

static void refused_users_get_a_record_each(void **state)
{
    struct fixture *x = *state;
    struct audit_head head;
    assert_false(write_batch(x, T0, false));
    for (int i = 0; i < 10; i++)
        note(x, "bob", "10.0.0.1", 403, T0 + i);
    assert_true(write_batch(x, T0 + 10, false));
    assert_int_equal(rows(x), 10);
    assert_int_equal(verify(x, NULL, &head), 0);
    assert_int_equal(head.id, 10);
}

/* The first of a minute at once, the rest as one record when the minute is over. */
static void floods_are_summed(void **state)
{
    struct fixture *x = *state;
    for (int i = 0; i < 1000; i++)
        note(x, NULL, "10.0.0.1", 401, T0 + i);
    for (int i = 0; i < 500; i++)
        note(x, "bob", "10.0.0.1", 429, T0 + i);
    assert_true(write_batch(x, T0 + 1000, false));
    assert_int_equal(rows(x), 2);
    assert_false(write_batch(x, T0 + 59999, false));
    assert_true(write_batch(x, T0 + 60000, false));
    assert_int_equal(rows(x), 4);
    assert_int_equal(calls(x), 1500);
    note(x, NULL, "10.0.0.1", 401, T0 + 60001); /* another minute, another first */
    assert_true(write_batch(x, T0 + 60002, false));
    assert_int_equal(rows(x), 5);
}

/* 2,000 addresses: no more records than there are sums, and no call is forgotten. IPv6 counts by /64. */
static void many_addresses_share(void **state)
{
    struct fixture *x = *state;
    char ip[48];
    for (int i = 0; i < 2000; i++) {
        snprintf(ip, sizeof ip, "10.0.%d.%d", i / 250, i % 250);
        note(x, NULL, ip, 401, T0 + i);
    }
    assert_true(write_batch(x, T0 + 2000, true));
    assert_true(rows(x) <= AUDIT_SUMS + 1);
    assert_int_equal(calls(x), 2000);
    int64_t before = rows(x);
    for (int i = 0; i < 300; i++) {
        snprintf(ip, sizeof ip, "2001:db8::%x", i + 1);
        note(x, NULL, ip, 401, T0 + 120000);
    }
    assert_true(write_batch(x, T0 + 120001, true));
    assert_int_equal(rows(x), before + 2);
}

static void long_paths_are_cut_whole(void **state)
{
    struct fixture *x = *state;
    char path[2000];
    for (size_t i = 0; i < sizeof path - 1; i += 2)
        memcpy(path + i, "\xc3\xa4", 2);
    path[sizeof path - 2] = '\0';
    struct audit_call call = {.actor = {.user = "bob", .method = "PUT", .object = path}, .status = 404};
    struct audit_head head;
    audit_note(x->audit, &call);
    assert_true(write_batch(x, T0, false));
    assert_int_equal(verify(x, NULL, &head), 0);
}

/* What a failed transaction took along is written by the next one, once. */
static void a_failed_batch_loses_nothing(void **state)
{
    struct fixture *x = *state;
    struct audit_head head;
    note(x, "bob", "10.0.0.1", 403, T0);
    assert_true(audit_needed(x->audit, NULL, T0, false));
    assert_int_equal(store_begin(x->store, &x->e), 0);
    assert_int_equal(audit_write(x->audit, x->store, NULL, T0, &x->e), 0);
    store_rollback(x->store);
    audit_end(x->audit, false);
    note(x, "eve", "10.0.0.1", 403, T0);
    assert_true(write_batch(x, T0 + 1, false));
    assert_false(write_batch(x, T0 + 2, false));
    assert_int_equal(rows(x), 2);
    assert_int_equal(verify(x, NULL, &head), 0);
}

/* A call that the core decided is recorded from its reply, with the status that was answered. */
static void replies_become_records(void **state)
{
    static const struct store_sql sql_ok = {"SELECT count(*) FROM audit WHERE status = 202 AND code = ''"};
    static const struct store_sql sql_no = {
        "SELECT count(*) FROM audit WHERE status = 409 AND code = 'ConflictJobError'"};
    struct fixture *x = *state;
    struct mail mail = {.cmd.actor = {.user = "bob", .method = "POST", .route = "/r", .success = 202}};
    struct mail inner = {.cmd.actor = {.user = NULL}}; /* the server's own */
    struct effect_reply ok = {.to = &mail}, no = {.to = &mail, .err.code = ERR_CONFLICT_JOB}, own = {.to = &inner};
    struct effect list[] = {{.kind = EFFECT_REPLY, .reply = &ok},
                            {.kind = EFFECT_REPLY, .reply = &no},
                            {.kind = EFFECT_REPLY, .reply = &own}};
    struct effects fx = {.list = list, .count = 3};
    assert_true(audit_needed(x->audit, &fx, T0, false));
    assert_int_equal(store_begin(x->store, &x->e), 0);
    assert_int_equal(audit_write(x->audit, x->store, &fx, T0, &x->e), 0);
    assert_int_equal(store_commit(x->store, &x->e), 0);
    audit_end(x->audit, true);
    assert_int_equal(rows(x), 2);
    assert_int_equal(one(x, &sql_ok), 1);
    assert_int_equal(one(x, &sql_no), 1);
}

/* ---- tampering ---- */

/* Runs a statement as somebody who has the file, but not the key; first the triggers must go. */
static void tamper(struct fixture *x, const char *sql)
{
    sqlite3 *db = NULL;
    char *why = NULL;
    assert_int_equal(sqlite3_open(x->db, &db), SQLITE_OK);
    assert_int_not_equal(sqlite3_exec(db, sql, NULL, NULL, &why), SQLITE_OK);
    assert_non_null(strstr(why, "only grows"));
    sqlite3_free(why);
    assert_int_equal(sqlite3_exec(db, "DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete", NULL, NULL, NULL),
                     SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

static void fill(struct fixture *x, int n)
{
    for (int i = 0; i < n; i++)
        note(x, "bob", "10.0.0.1", 403, T0 + i);
    assert_true(write_batch(x, T0 + n, false));
}

static void a_changed_record_is_named(void **state)
{
    static const char *const changes[] = {
        "UPDATE audit SET actor = 'eve' WHERE id = 4",
        "UPDATE audit SET time_ms = time_ms + 1 WHERE id = 4",
        "UPDATE audit SET count = 2 WHERE id = 4",
        "UPDATE audit SET status = 200 WHERE id = 4",
        "UPDATE audit SET hash = x'00' WHERE id = 4",
        "UPDATE audit SET route = '', object = route || object WHERE id = 4",
    };
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        struct fixture *x = *state;
        struct audit_head head;
        fill(x, 9);
        tamper(x, changes[i]);
        assert_int_equal(verify(x, NULL, &head), -1);
        assert_non_null(strstr(x->e.text, "broken at record 4"));
        teardown(state);
        setup(state);
    }
}

static void a_missing_record_is_named(void **state)
{
    struct fixture *x = *state;
    struct audit_head head;
    fill(x, 9);
    tamper(x, "DELETE FROM audit WHERE id = 5");
    assert_int_equal(verify(x, NULL, &head), -1);
    assert_non_null(strstr(x->e.text, "record 5 is missing"));
}

/* The end cut off: the chain itself is whole, a head noted before tells. */
static void a_noted_head_finds_a_cut(void **state)
{
    struct fixture *x = *state;
    struct audit_head head, noted, parsed;
    char text[AUDIT_HEAD_TEXT];
    fill(x, 9);
    assert_int_equal(verify(x, NULL, &noted), 0);
    audit_store_format_head(&noted, text);
    assert_int_equal(audit_store_parse_head(text, &parsed, &x->e), 0);
    fill(x, 3);
    assert_int_equal(verify(x, &parsed, &head), 0);
    tamper(x, "DELETE FROM audit WHERE id > 8");
    assert_int_equal(verify(x, NULL, &head), 0);
    assert_int_equal(verify(x, &parsed, &head), -1);
    assert_non_null(strstr(x->e.text, "was cut"));
    parsed.id = 8;
    assert_int_equal(verify(x, &parsed, &head), -1);
    assert_non_null(strstr(x->e.text, "another one"));
    assert_int_equal(audit_store_parse_head("9:abc", &parsed, &x->e), -1);
    assert_int_equal(audit_store_parse_head("", &parsed, &x->e), -1);
    /* An id beyond what a record can have is none: neither is it the largest. */
    parsed.id = INT64_MAX;
    audit_store_format_head(&parsed, text);
    assert_int_equal(audit_store_parse_head(text, &parsed, &x->e), 0);
    text[18]++;
    assert_int_equal(audit_store_parse_head(text, &parsed, &x->e), -1);
}

/* Without the key no chain can be made that fits. */
static void another_key_fits_nothing(void **state)
{
    struct fixture *x = *state;
    struct audit_head head;
    fill(x, 2);
    x->keys.audit[0] ^= 1;
    assert_int_equal(verify(x, NULL, &head), -1);
    assert_non_null(strstr(x->e.text, "broken at record 1"));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(refused_users_get_a_record_each, setup, teardown),
        cmocka_unit_test_setup_teardown(floods_are_summed, setup, teardown),
        cmocka_unit_test_setup_teardown(many_addresses_share, setup, teardown),
        cmocka_unit_test_setup_teardown(long_paths_are_cut_whole, setup, teardown),
        cmocka_unit_test_setup_teardown(a_failed_batch_loses_nothing, setup, teardown),
        cmocka_unit_test_setup_teardown(replies_become_records, setup, teardown),
        cmocka_unit_test_setup_teardown(a_changed_record_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_missing_record_is_named, setup, teardown),
        cmocka_unit_test_setup_teardown(a_noted_head_finds_a_cut, setup, teardown),
        cmocka_unit_test_setup_teardown(another_key_fits_nothing, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
