/* SPDX-License-Identifier: MIT
 *
 * Users and tokens in a database, and who a request's headers stand for: rights come from the rows as they are now.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth_write.h"
#include "auth/jwt.h"
#include "auth/member_store.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "inventory/setting_store.h"
#include "store/store.h"

#define NOW_MS 1795000000000LL

struct fixture {
    char folder[64];
    char path[96];
    struct store *s;
    struct arena *a;
    struct keys keys;
};

static struct fixture *setup(void)
{
    struct fixture *f = calloc(1, sizeof(*f));
    struct err e = {0};

    snprintf(f->folder, sizeof(f->folder), "/tmp/drover-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof(f->path), "%s/db", f->folder);
    f->s = store_open(f->path, STORE_WRITER, &e);
    if (!f->s)
        fail_msg("%s", e.text);
    f->a = arena_create(0);
    memset(f->keys.jwt, 5, sizeof(f->keys.jwt));
    return f;
}

static void teardown(struct fixture *f)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    char path[128];

    store_close(f->s);
    arena_destroy(f->a);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof(path), "%s%s", f->path, suffix[i]);
        unlink(path);
    }
    rmdir(f->folder);
    free(f);
}

static void add_user(struct fixture *f, const char *name, bool admin)
{
    struct auth_user u = {.name = name, .password_hash = "$argon2id$x", .admin = admin, .created_ms = NOW_MS};
    struct err e = {0};

    if (auth_store_user_add(f->s, &u, &e))
        fail_msg("%s", e.text);
}

/* Issues and stores a token; its text into `out`. */
static void add_token(struct fixture *f, const char *user, enum auth_token_kind kind, char out[JWT_MAX + 1])
{
    struct auth_token t = {.kind = kind, .issued_ms = NOW_MS - 1000, .expires_ms = NOW_MS + 3600000};
    struct jwt_claims c = {.iat = NOW_MS / 1000 - 1, .exp = NOW_MS / 1000 + 3600};
    struct err e = {0};

    id_make(NOW_MS, t.id);
    snprintf(t.user, sizeof(t.user), "%s", user);
    if (kind == AUTH_TOKEN_SESSION) {
        session_make_id(out);
        t.expires_ms = 0;
    } else {
        memcpy(c.jti, t.id, sizeof(c.jti));
        snprintf(c.username, sizeof(c.username), "%s", user);
        c.application = kind == AUTH_TOKEN_APPLICATION;
        if (c.application)
            c.exp = t.expires_ms = 0;
        assert_int_equal(jwt_issue(&f->keys, &c, out, &e), 0);
    }
    session_hash(out, strlen(out), t.hash);
    if (auth_store_token_add(f->s, &t, &e))
        fail_msg("%s", e.text);
}

/* Who the holder of a token or session id is now. */
static int who_holds(struct fixture *f, const char *secret, struct identity *who)
{
    char hash[IDENTITY_HASH_SIZE];
    struct err e = {0};
    int rc;

    session_hash(secret, strlen(secret), hash);
    memset(who, 0, sizeof(*who));
    rc = auth_store_token_find(f->s, hash, NOW_MS, who, &e);
    if (rc) {
        assert_int_equal(e.code, ERR_UNAUTHORIZED);
        assert_string_equal(e.text, "Your token is invalid.");
        assert_int_equal(who->kind, IDENTITY_NONE);
    }
    return rc;
}

/* ---- tests ---- */

static void test_names(void **state)
{
    static const char *const bad[] = {"", "a b", "a~b", "a/b", "..", ".", "\xc3\xa4", "a\n", "a'b"};
    char text[70];

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_int_equal(auth_store_check_name(bad[i], NULL), -1);
    assert_int_equal(auth_store_check_name("A.b-c_9", NULL), 0);
    memset(text, 'a', 65);
    text[65] = '\0';
    assert_int_equal(auth_store_check_name(text, NULL), -1);
    text[64] = '\0';
    assert_int_equal(auth_store_check_name(text, NULL), 0);
}

static int count_row(void *ctx, const struct auth_user *u)
{
    struct buf *text = ctx;

    return buf_addf(text, "%s%s ", u->name, u->admin ? "!" : "");
}

static void test_users(void **state)
{
    struct fixture *f = setup();
    struct auth_user u = {.name = "bob", .password_hash = "h2"};
    struct err e = {0};
    struct buf names;

    (void)state;
    buf_init(&names, 64);
    add_user(f, "root", true);
    add_user(f, "bob", false);
    assert_int_equal(auth_store_user_add(f->s, &u, &e), -1);
    assert_int_equal(e.code, ERR_CONFLICT_USER);
    assert_int_equal(auth_store_user_get(f->s, f->a, "bob", &u, &e), 0);
    assert_string_equal(u.password_hash, "$argon2id$x");
    assert_int_equal(u.token_version, 0);
    assert_int_equal(auth_store_user_get(f->s, f->a, "Bob", &u, &e), -1);
    assert_int_equal(e.code, ERR_NO_USER);
    assert_int_equal(auth_store_user_set_password(f->s, "bob", "new", false, &e), 0);
    assert_int_equal(auth_store_user_get(f->s, f->a, "bob", &u, &e), 0);
    assert_string_equal(u.password_hash, "new");
    assert_int_equal(u.token_version, 1);
    assert_int_equal(auth_store_user_set_password(f->s, "eve", "new", false, &e), -1);
    assert_int_equal(e.code, ERR_NO_USER);
    assert_int_equal(auth_store_user_list(f->s, count_row, &names, &e), 0);
    assert_string_equal(buf_str(&names), "bob root! ");
    buf_fini(&names);
    teardown(f);
}

static void test_bearer(void **state)
{
    struct fixture *f = setup();
    struct identity who;
    char token[JWT_MAX + 1];
    struct err e = {0};

    (void)state;
    add_user(f, "alice", false);
    add_token(f, "alice", AUTH_TOKEN_BROWSER, token);
    assert_int_equal(who_holds(f, token, &who), 0);
    assert_int_equal(who.kind, IDENTITY_TOKEN);
    assert_string_equal(who.user, "alice");
    assert_false(who.admin || who.application || who.touch);
    assert_int_equal(member_store_set_admin(f->s, "alice", true, &e), 0); /* counts at once ... */
    assert_int_equal(who_holds(f, token, &who), 0);
    assert_true(who.admin);
    struct auth_user_change change = {.set_disabled = true, .disabled = true};
    assert_int_equal(auth_store_user_change(f->s, "alice", &change, &e), 0); /* ... and this */
    assert_int_equal(who_holds(f, token, &who), -1);
    change = (struct auth_user_change){.set_disabled = true, .set_expires = true, .expires_ms = NOW_MS};
    assert_int_equal(auth_store_user_change(f->s, "alice", &change, &e), 0);
    assert_int_equal(who_holds(f, token, &who), -1); /* her time is over */
    change.expires_ms = NOW_MS + 1;
    assert_int_equal(auth_store_user_change(f->s, "alice", &change, &e), 0);
    assert_int_equal(who_holds(f, token, &who), 0);
    teardown(f);
}

static void check_disk(struct fixture *f, const char *name, int expected)
{
    struct err e = {0};
    int mb = -1;

    assert_int_equal(auth_store_user_disk(f->s, name, &mb, &e), 0);
    assert_int_equal(mb, expected);
}

static void test_disk(void **state)
{
    struct fixture *f = setup();
    struct auth_user_change change = {.set_disk = true, .disk_mb = 2000000};
    struct err e = {0};

    (void)state;
    add_user(f, "alice", false);
    add_user(f, "bo", false);
    assert_int_equal(auth_store_user_change(f->s, "alice", &change, &e), 0);
    check_disk(f, "alice", 2000000);
    check_disk(f, "bo", 0);
    check_disk(f, "nobody", 0);
    change = (struct auth_user_change){.email = "a@example.org"};
    assert_int_equal(auth_store_user_change(f->s, "alice", &change, &e), 0);
    check_disk(f, "alice", 2000000); /* who says nothing of it changes nothing */
    change = (struct auth_user_change){.set_disk = true};
    assert_int_equal(auth_store_user_change(f->s, "alice", &change, &e), 0);
    check_disk(f, "alice", 0);
    teardown(f);
}

static void test_well_signed_but_unknown(void **state)
{
    struct fixture *f = setup();
    struct jwt_claims c = {.username = "alice", .iat = NOW_MS / 1000, .exp = NOW_MS / 1000 + 9};
    struct identity who;
    char token[JWT_MAX + 1];

    (void)state;
    add_user(f, "alice", true);
    id_make(NOW_MS, c.jti);
    assert_int_equal(jwt_issue(&f->keys, &c, token, NULL), 0);
    assert_int_equal(who_holds(f, token, &who), -1);
    teardown(f);
}

static void test_revocation(void **state)
{
    struct fixture *f = setup();
    struct identity who;
    char browser[JWT_MAX + 1];
    char application[JWT_MAX + 1];
    char session[JWT_MAX + 1];
    char hash[IDENTITY_HASH_SIZE];
    struct err e = {0};
    bool removed;

    (void)state;
    add_user(f, "alice", false);
    add_token(f, "alice", AUTH_TOKEN_BROWSER, browser);
    add_token(f, "alice", AUTH_TOKEN_APPLICATION, application);
    add_token(f, "alice", AUTH_TOKEN_SESSION, session);
    assert_int_equal(who_holds(f, application, &who), 0);
    assert_true(who.application);
    assert_int_equal(who_holds(f, session, &who), 0);
    assert_int_equal(who.kind, IDENTITY_SESSION);
    session_hash(browser, strlen(browser), hash);
    assert_int_equal(auth_store_token_revoke(f->s, hash, &removed, &e), 0);
    assert_true(removed);
    assert_int_equal(who_holds(f, browser, &who), -1);
    assert_int_equal(auth_store_token_revoke(f->s, hash, &removed, &e), 0);
    assert_false(removed);
    /* A new password ends sessions; application tokens stay, as in OpenPAI. */
    assert_int_equal(auth_store_user_set_password(f->s, "alice", "h", false, &e), 0);
    assert_int_equal(who_holds(f, session, &who), -1);
    assert_int_equal(who_holds(f, application, &who), 0);
    teardown(f);
}

static int count_tokens(void *ctx, const struct auth_token *t)
{
    int *n = ctx;

    (void)t;
    ++*n;
    return 0;
}

static void test_session_life(void **state)
{
    struct fixture *f = setup();
    struct identity who;
    char session[JWT_MAX + 1];
    char hash[IDENTITY_HASH_SIZE];
    struct err e = {0};
    struct auth_token t;
    bool found;

    (void)state;
    add_user(f, "alice", false);
    add_token(f, "alice", AUTH_TOKEN_SESSION, session);
    session_hash(session, strlen(session), hash);
    assert_int_equal(auth_store_token_find(f->s, hash, NOW_MS + SESSION_TOUCH_MS, &who, &e), 0);
    assert_true(who.touch);
    assert_int_equal(auth_store_token_touch(f->s, hash, NOW_MS + SESSION_TOUCH_MS, &e), 0);
    assert_int_equal(auth_store_token_find(f->s, hash, NOW_MS + SESSION_IDLE_MS, &who, &e), 0);
    assert_int_equal(auth_store_token_find(f->s, hash, NOW_MS + SESSION_IDLE_MS + SESSION_TOUCH_MS, &who, &e), -1);
    for (int64_t at = 0; at < SESSION_MAX_MS - 1000; at += SESSION_IDLE_MS / 2)
        assert_int_equal(auth_store_token_touch(f->s, hash, NOW_MS + at, &e), 0);
    assert_int_equal(auth_store_token_find(f->s, hash, NOW_MS + SESSION_MAX_MS - 2000, &who, &e), 0);
    assert_int_equal(auth_store_token_find(f->s, hash, NOW_MS + SESSION_MAX_MS, &who, &e), -1);
    assert_int_equal(auth_store_token_get(f->s, hash, &t, &found, &e), 0);
    assert_true(found && t.kind == AUTH_TOKEN_SESSION);
    assert_int_equal(auth_store_token_purge(f->s, "alice", NOW_MS + SESSION_MAX_MS, &e), 0);
    assert_int_equal(auth_store_token_get(f->s, hash, &t, &found, &e), 0);
    assert_false(found);
    teardown(f);
}

static void test_lists_and_purge(void **state)
{
    struct fixture *f = setup();
    char token[JWT_MAX + 1];
    struct err e = {0};
    int n = 0;
    const struct auth_token_sink sink = {count_tokens, &n};

    (void)state;
    add_user(f, "alice", false);
    add_user(f, "bob", false);
    add_token(f, "bob", AUTH_TOKEN_BROWSER, token);
    add_token(f, "alice", AUTH_TOKEN_BROWSER, token);
    add_token(f, "alice", AUTH_TOKEN_APPLICATION, token);
    add_token(f, "alice", AUTH_TOKEN_SESSION, token);
    assert_int_equal(auth_store_token_list(f->s, "alice", NOW_MS, &sink, &e), 0);
    assert_int_equal(n, 2);
    n = 0;
    assert_int_equal(auth_store_token_list(f->s, "alice", NOW_MS + 3600000, &sink, &e), 0);
    assert_int_equal(n, 1);
    assert_int_equal(auth_store_token_purge(f->s, "alice", NOW_MS + 3600000, &e), 0);
    assert_int_equal(store_changes(f->s), 2); /* the expired one and the idle session, not bob's */
    teardown(f);
}

static void test_user_changes(void **state)
{
    struct fixture *f = setup();
    struct auth_user_change change = {.email = "b@x"};
    struct auth_user u;
    struct identity who;
    char token[JWT_MAX + 1];
    struct err e = {0};
    bool admin = false;

    (void)state;
    add_user(f, "bob", false);
    add_token(f, "bob", AUTH_TOKEN_APPLICATION, token);
    assert_int_equal(auth_store_user_change(f->s, "bob", &change, &e), 0);
    change = (struct auth_user_change){.extension = "{\"a\":1}"};
    assert_int_equal(auth_store_user_change(f->s, "bob", &change, &e), 0);
    assert_int_equal(member_store_set_admin(f->s, "bob", true, &e), 0);
    assert_int_equal(auth_store_user_get(f->s, f->a, "bob", &u, &e), 0);
    assert_string_equal(u.email, "b@x");
    assert_string_equal(u.extension, "{\"a\":1}");
    assert_true(u.admin);
    assert_int_equal(auth_store_user_known(f->s, "bob", &admin, &e), 1);
    assert_true(admin);
    assert_int_equal(auth_store_user_set_password(f->s, "bob", "again", true, &e), 0); /* a rehash */
    assert_int_equal(who_holds(f, token, &who), 0);
    const char *kept;
    struct setting ours = {.key = SETTING_REPORT_MAIL "bob", .value = "{}"},
                   others = {.key = SETTING_REPORT_MAIL "bob2", .value = "{}"};
    assert_int_equal(setting_store_put(f->s, &ours, (struct clock_now){.wall = 1}, &e), 0);
    assert_int_equal(setting_store_put(f->s, &others, (struct clock_now){.wall = 1}, &e), 0);
    assert_int_equal(auth_store_user_remove(f->s, "bob", &e), 0);
    assert_int_equal(setting_store_get(f->s, f->a, ours.key, &kept, &e), 0);
    assert_null(kept); /* whoever is made anew by that name asked for no mail */
    assert_int_equal(setting_store_get(f->s, f->a, others.key, &kept, &e), 0);
    assert_non_null(kept);
    assert_int_equal(who_holds(f, token, &who), -1);
    assert_int_equal(auth_store_user_known(f->s, "bob", &admin, &e), 0);
    assert_int_equal(auth_store_user_remove(f->s, "bob", &e), -1);
    assert_int_equal(e.code, ERR_NO_USER);
    assert_int_equal(auth_store_user_change(f->s, "bob", &change, &e), -1);
    assert_int_equal(e.code, ERR_NO_USER);
    teardown(f);
}

/* What the core's thread asks: judged by the rows as they are at that moment. */
static void test_writes_judge_by_rows(void **state)
{
    static const struct {
        struct auth_user_write write;
        enum err_code want;
    } cases[] = {
        {{.op = AUTH_USER_ADD, .name = "bob", .password_hash = "x", .by = "root"}, ERR_NONE},
        {{.op = AUTH_USER_ADD, .name = "bob", .password_hash = "x", .by = "root"}, ERR_CONFLICT_USER},
        {{.op = AUTH_USER_CHANGE, .name = "nobody", .email = "a@b", .by = "root"}, ERR_NO_USER},
        {{.op = AUTH_USER_CHANGE, .name = "bob", .password_hash = "y", .admin = AUTH_YES, .by = "root"}, ERR_NONE},
        {{.op = AUTH_USER_REMOVE, .name = "bob", .by = "root"}, ERR_REMOVE_ADMIN},
        {{.op = AUTH_USER_CHANGE, .name = "bob", .admin = AUTH_NO, .by = "bob", .by_admin = true}, ERR_FORBIDDEN},
        {{.op = AUTH_USER_CHANGE, .name = "bob", .admin = AUTH_NO, .by = "root"}, ERR_NONE},
        {{.op = AUTH_USER_REMOVE, .name = "bob", .by = "root"}, ERR_NONE},
        {{.op = AUTH_USER_REMOVE, .name = "bob", .by = "root"}, ERR_NO_USER},
    };
    struct fixture *f = setup();
    struct clock_now now = {.wall = NOW_MS};

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct auth_user_write w = cases[i].write;
        struct err e = {0};

        assert_int_equal(store_begin(f->s, &e), 0);
        assert_int_equal(auth_write_user(f->s, &w, now, &e), cases[i].want ? -1 : 0);
        assert_int_equal(e.code, cases[i].want);
        if (cases[i].want)
            store_rollback(f->s);
        else
            assert_int_equal(store_commit(f->s, &e), 0);
    }
    teardown(f);
}

static int stop_at_user(void *ctx, const struct auth_user *u)
{
    (void)u;
    return ++*(int *)ctx;
}

static int stop_at_token(void *ctx, const struct auth_token *t)
{
    (void)t;
    return ++*(int *)ctx;
}

static void test_lists_end_early(void **state)
{
    struct fixture *f = setup();
    char token[JWT_MAX + 1];
    struct err e = {0};
    int users = 0;
    int tokens = 0;
    const struct auth_token_sink sink = {stop_at_token, &tokens};

    (void)state;
    add_user(f, "a", false);
    add_user(f, "b", false);
    add_token(f, "a", AUTH_TOKEN_BROWSER, token);
    add_token(f, "a", AUTH_TOKEN_BROWSER, token);
    assert_int_equal(auth_store_user_list(f->s, stop_at_user, &users, &e), 0);
    assert_int_equal(auth_store_token_list(f->s, "a", NOW_MS, &sink, &e), 0);
    assert_int_equal(users, 1);
    assert_int_equal(tokens, 1);
    teardown(f);
}

/* Rows that are not ours are refused, and so is what is no hash. */
static void test_damage(void **state)
{
    static const struct store_sql bad = {
        "INSERT INTO token(id, user, hash, kind, issued_ms) VALUES ('1', 'a', ?, ?, 1)"};
    struct fixture *f = setup();
    struct auth_token t = {.hash = "no hex", .user = "a"};
    struct identity who;
    struct stmt *st;
    struct err e = {0};
    int n = 0;
    const struct auth_token_sink sink = {count_tokens, &n};
    bool found;

    (void)state;
    add_user(f, "a", false);
    st = store_stmt(f->s, &bad, &e);
    stmt_blob(st, 1, "abc", 3);
    stmt_text(st, 2, "browser");
    assert_int_equal(stmt_exec(st, &e), 0);
    assert_int_equal(auth_store_token_list(f->s, "a", NOW_MS, &sink, &e), -1);
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_int_equal(n, 0);
    assert_int_equal(auth_store_token_add(f->s, &t, &e), -1);
    assert_int_equal(auth_store_token_find(f->s, t.hash, NOW_MS, &who, &e), -1);
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_int_equal(auth_store_token_get(f->s, t.hash, &t, &found, &e), -1);
    assert_int_equal(auth_store_token_touch(f->s, t.hash, NOW_MS, &e), -1);
    assert_int_equal(auth_store_token_revoke(f->s, t.hash, NULL, &e), -1);
    assert_string_equal(auth_store_kind_name(AUTH_TOKEN_KIND_COUNT), "");
    teardown(f);
}

/* A reader cannot write: every writer says so. */
static void test_writes_that_fail(void **state)
{
    struct fixture *f = setup();
    struct auth_user u = {.name = "b", .password_hash = "h"};
    struct auth_user_change change = {.email = "x"};
    struct auth_token t = {.id = "1", .user = "a", .issued_ms = 1};
    struct store *reader;
    struct err e = {0};

    (void)state;
    add_user(f, "a", false);
    session_hash("x", 1, t.hash);
    reader = store_open(f->path, STORE_READER, &e);
    assert_non_null(reader);
    assert_int_equal(auth_store_user_add(reader, &u, &e), -1);
    assert_int_equal(auth_store_user_set_password(reader, "a", "h", false, &e), -1);
    assert_int_equal(auth_store_user_change(reader, "a", &change, &e), -1);
    assert_int_equal(auth_store_user_remove(reader, "a", &e), -1);
    assert_int_equal(auth_store_token_add(reader, &t, &e), -1);
    assert_int_equal(auth_store_token_touch(reader, t.hash, 2, &e), -1);
    assert_int_equal(auth_store_token_revoke(reader, t.hash, NULL, &e), -1);
    assert_int_equal(auth_store_token_purge(reader, "a", 2, &e), -1);
    store_close(reader);
    teardown(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_users),
        cmocka_unit_test(test_bearer),
        cmocka_unit_test(test_disk),
        cmocka_unit_test(test_well_signed_but_unknown),
        cmocka_unit_test(test_revocation),
        cmocka_unit_test(test_session_life),
        cmocka_unit_test(test_lists_and_purge),
        cmocka_unit_test(test_user_changes),
        cmocka_unit_test(test_writes_judge_by_rows),
        cmocka_unit_test(test_lists_end_early),
        cmocka_unit_test(test_damage),
        cmocka_unit_test(test_writes_that_fail),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
