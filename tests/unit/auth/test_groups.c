/* SPDX-License-Identifier: MIT
 *
 * Groups, who is in them, and what that gives; user.admin never differs from what the memberships say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/auth_write.h"
#include "auth/group_store.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "store/store.h"

#define NOW_MS 1795000000000LL

static const struct store_sql sql_vc = {"INSERT INTO virtual_cluster(name, created_ms) VALUES (?, 1)"};
static const struct store_sql sql_drop_vc = {"DELETE FROM virtual_cluster WHERE name = ?"};
static const struct store_sql sql_out_of_step = {
    "SELECT count(*) FROM user u WHERE u.admin <> EXISTS (SELECT 1 FROM group_member m JOIN user_group g"
    " ON g.name = m.grp WHERE m.user = u.name AND g.admin = 1)"};

struct fixture {
    char folder[64];
    char path[96];
    struct store *s;
    struct arena *a;
    struct buf text;
    struct err e;
};

static void run_vc(struct fixture *f, const struct store_sql *sql, const char *name)
{
    struct stmt *st = store_stmt(f->s, sql, &f->e);

    stmt_text(st, 1, name);
    assert_int_equal(stmt_exec(st, &f->e), 0);
}

/* A write as the core's thread makes it: all of it or nothing. */
static int write_user(struct fixture *f, struct auth_user_write w)
{
    struct clock_now now = {.wall = NOW_MS};
    int rc;

    assert_int_equal(store_begin(f->s, &f->e), 0);
    rc = auth_write_user(f->s, &w, now, &f->e);
    if (rc)
        store_rollback(f->s);
    else
        assert_int_equal(store_commit(f->s, &f->e), 0);
    return rc;
}

static int write_group(struct fixture *f, enum auth_group_op op, struct group g)
{
    struct clock_now now = {.wall = NOW_MS};
    struct auth_group_write w = {.op = op, .group = &g, .by = "root"};
    int rc;

    assert_int_equal(store_begin(f->s, &f->e), 0);
    rc = auth_write_group(f->s, &w, now, &f->e);
    if (rc)
        store_rollback(f->s);
    else
        assert_int_equal(store_commit(f->s, &f->e), 0);
    return rc;
}

static int setup(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);

    snprintf(f->folder, sizeof f->folder, "/tmp/drover-test-XXXXXX");
    assert_non_null(mkdtemp(f->folder));
    snprintf(f->path, sizeof f->path, "%s/db", f->folder);
    f->s = store_open(f->path, STORE_WRITER, &f->e);
    assert_non_null(f->s);
    f->a = arena_create(0);
    buf_init(&f->text, 0);
    run_vc(f, &sql_vc, "default");
    run_vc(f, &sql_vc, "gpu");
    run_vc(f, &sql_vc, "cpu");
    assert_int_equal(write_user(f, (struct auth_user_write){.name = "root", .password_hash = "h", .admin = AUTH_YES}),
                     0);
    assert_int_equal(write_user(f, (struct auth_user_write){.name = "ana", .password_hash = "h"}), 0);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    static const char *const suffix[] = {"", "-wal", "-shm"};
    struct fixture *f = *state;
    char path[128];

    store_close(f->s);
    arena_destroy(f->a);
    buf_fini(&f->text);
    for (size_t i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s%s", f->path, suffix[i]);
        unlink(path);
    }
    rmdir(f->folder);
    free(f);
    return 0;
}

static int add_pair(void *ctx, const char *user, const char *value)
{
    struct buf *b = ctx;
    return buf_addf(b, "%s%s:%s", b->len ? " " : "", user, value);
}

/* "user:value user:value ..." */
static const char *has(struct fixture *f, enum member_has what, const char *user)
{
    const struct member_sink sink = {.row = add_pair, .ctx = &f->text};

    buf_reset(&f->text);
    assert_int_equal(member_store_list(f->s, what, user, &sink, &f->e), 0);
    return buf_str(&f->text);
}

static void check_in_step(struct fixture *f)
{
    struct stmt *st = store_stmt(f->s, &sql_out_of_step, &f->e);

    assert_int_equal(stmt_step(st, &f->e), STMT_ROW);
    assert_int_equal(stmt_col_int(st, 0), 0);
    stmt_reset(st);
}

static bool is_admin(struct fixture *f, const char *user)
{
    bool admin = false;

    check_in_step(f);
    assert_int_equal(auth_store_user_known(f->s, user, &admin, &f->e), 1);
    return admin;
}

static void new_users_are_in_the_built_in_groups(void **state)
{
    struct fixture *f = *state;

    assert_string_equal(has(f, MEMBER_HAS_GROUP, NULL), "ana:default root:default root:admingroup");
    assert_string_equal(has(f, MEMBER_HAS_VC, "ana"), "ana:default");
    assert_string_equal(has(f, MEMBER_HAS_VC, "root"), "root:default root:cpu root:gpu"); /* admins: all */
    assert_int_equal(member_store_has(f->s, MEMBER_HAS_VC, "ana", "default", &f->e), 1);
    assert_int_equal(member_store_has(f->s, MEMBER_HAS_VC, "ana", "gpu", &f->e), 0);
    assert_int_equal(member_store_has(f->s, MEMBER_HAS_VC, "root", "gpu", &f->e), 1);
    assert_int_equal(member_store_has(f->s, MEMBER_HAS_VC, "nobody", "default", &f->e), 0);
}

static void a_group_gives_what_it_grants(void **state)
{
    static const char *const vcs[] = {"gpu", NULL}, *const managed[] = {"cpu", NULL};
    static const char *const storages[] = {"team", "data", NULL}, *const other[] = {"data", NULL};
    const struct group_acls acls = {.vcs = vcs, .managed = managed, .storages = storages};
    const struct group_acls acls2 = {.storages = other};
    struct fixture *f = *state;
    struct group g;

    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "team", .acls = &acls}), 0);
    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "two", .acls = &acls2}), 0);
    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "team"}), -1);
    assert_int_equal(f->e.code, ERR_CONFLICT_GROUP);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .join = "team"}), 0);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .join = "two"}), 0);
    assert_string_equal(has(f, MEMBER_HAS_VC, "ana"), "ana:default ana:cpu ana:gpu");
    assert_string_equal(has(f, MEMBER_HAS_MANAGED, "ana"), "ana:cpu");
    assert_int_equal(member_store_has(f->s, MEMBER_HAS_MANAGED, "ana", "gpu", &f->e), 0);
    assert_string_equal(has(f, MEMBER_HAS_STORAGE, "ana"), "ana:data ana:team");
    assert_string_equal(has(f, MEMBER_HAS_DEFAULT_STORAGE, NULL), "ana:data ana:team");
    assert_int_equal(group_store_get(f->s, f->a, "team", &g, &f->e), 0);
    assert_string_equal(g.acls->vcs[0], "cpu");
    assert_string_equal(g.acls->managed[0], "cpu");
    assert_string_equal(g.acls->storages[1], "data");
    /* A virtual cluster that goes takes its grants with it, also for one of the same name. */
    run_vc(f, &sql_drop_vc, "cpu");
    run_vc(f, &sql_vc, "cpu");
    assert_string_equal(has(f, MEMBER_HAS_VC, "ana"), "ana:default ana:gpu");
    assert_string_equal(has(f, MEMBER_HAS_MANAGED, "ana"), "");
    assert_int_equal(write_group(f, AUTH_GROUP_REMOVE, (struct group){.name = "team"}), 0);
    assert_string_equal(has(f, MEMBER_HAS_GROUP, "ana"), "ana:default ana:two");
    assert_int_equal(write_group(f, AUTH_GROUP_REMOVE, (struct group){.name = "team"}), -1);
    assert_int_equal(f->e.code, ERR_NO_GROUP);
}

static void the_admin_right_follows_the_groups(void **state)
{
    const struct group_acls yes = {.set_admin = true, .admin = true}, no = {.set_admin = true};
    static const char *const groups[] = {"ops", NULL}, *const none[] = {NULL};
    struct fixture *f = *state;

    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "ops"}), 0);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .groups = groups}),
                     0);
    assert_false(is_admin(f, "ana"));
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, (struct group){.name = "ops", .acls = &yes}), 0);
    assert_true(is_admin(f, "ana"));
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, (struct group){.name = "ops", .acls = &no}), 0);
    assert_false(is_admin(f, "ana"));
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, (struct group){.name = "ops", .acls = &yes}), 0);
    /* Taking the right means all groups that carry it. */
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .admin = AUTH_YES}),
                     0);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .admin = AUTH_NO}),
                     0);
    assert_false(is_admin(f, "ana"));
    assert_string_equal(has(f, MEMBER_HAS_GROUP, "ana"), "ana:default");
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .join = "ops"}), 0);
    assert_true(is_admin(f, "ana"));
    assert_int_equal(write_group(f, AUTH_GROUP_REMOVE, (struct group){.name = "ops"}), 0);
    assert_false(is_admin(f, "ana"));
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .groups = none}), 0);
    assert_string_equal(has(f, MEMBER_HAS_GROUP, "ana"), "ana:default");
}

/* By no way does an admin lose the right through their own change; and the groups that hold the server together stay.
 */
static void nobody_locks_themselves_out(void **state)
{
    const struct group_acls yes = {.set_admin = true, .admin = true}, no = {.set_admin = true};
    static const char *const none[] = {NULL};
    const struct auth_user_write tries[] = {
        {.admin = AUTH_NO},
        {.groups = none},
        {.leave = "admingroup"},
        {.disabled = AUTH_YES},
        {.set_expires = true, .expires_ms = NOW_MS},
    };
    struct fixture *f = *state;

    for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) {
        struct auth_user_write w = tries[i];
        w.op = AUTH_USER_CHANGE;
        w.name = w.by = "root";
        w.by_admin = true;
        assert_int_equal(write_user(f, w), -1);
        assert_int_equal(f->e.code, ERR_FORBIDDEN);
        assert_true(is_admin(f, "root"));
    }
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_REMOVE, .name = "root"}), -1);
    assert_int_equal(f->e.code, ERR_REMOVE_ADMIN);
    assert_int_equal(write_group(f, AUTH_GROUP_REMOVE, (struct group){.name = "admingroup"}), -1);
    assert_int_equal(write_group(f, AUTH_GROUP_REMOVE, (struct group){.name = "default"}), -1);
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, (struct group){.name = "admingroup", .acls = &no}), -1);
    assert_int_equal(f->e.code, ERR_FORBIDDEN);
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, (struct group){.name = "default", .acls = &yes}), -1);
    assert_int_equal(f->e.code, ERR_FORBIDDEN);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .leave = "default"}),
                     -1);
    assert_int_equal(f->e.code, ERR_FORBIDDEN);
    /* The right by another group is enough. */
    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "ops", .acls = &yes}), 0);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "root", .join = "ops"}), 0);
    assert_int_equal(
        write_user(f,
                   (struct auth_user_write){
                       .op = AUTH_USER_CHANGE, .name = "root", .leave = "admingroup", .by = "root", .by_admin = true}),
        0);
    assert_true(is_admin(f, "root"));
    assert_int_equal(write_group(f, AUTH_GROUP_REMOVE, (struct group){.name = "ops"}), -1);
    assert_int_equal(f->e.code, ERR_FORBIDDEN);
}

/* OpenPAI's lists of virtual clusters are memberships of groups of those names. */
static void lists_of_virtual_clusters(void **state)
{
    static const char *const gpu[] = {"default", "gpu", NULL}, *const cpu[] = {"cpu", NULL}, *const bad[] = {"x", NULL};
    static const char *const admins[] = {"admingroup", NULL};
    static const char *const none[] = {NULL};
    const struct group_acls no_grant = {.vcs = none};
    struct fixture *f = *state;
    struct auth_user_write w = {.op = AUTH_USER_CHANGE, .name = "ana", .vcs = gpu};

    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "friends"}), 0);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .join = "friends"}),
                     0);
    assert_int_equal(write_user(f, w), 0);
    assert_string_equal(has(f, MEMBER_HAS_VC, "ana"), "ana:default ana:gpu");
    w.vcs = cpu;
    assert_int_equal(write_user(f, w), 0);
    assert_string_equal(has(f, MEMBER_HAS_VC, "ana"), "ana:default ana:cpu");
    assert_string_equal(has(f, MEMBER_HAS_GROUP, "ana"), "ana:default ana:cpu ana:friends");
    w.vcs = bad;
    assert_int_equal(write_user(f, w), -1);
    assert_int_equal(f->e.code, ERR_NO_VC_BAD);
    /* A group of the name that means something else is not widened, and no list makes an admin. */
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, (struct group){.name = "gpu", .acls = &no_grant}), 0);
    w.vcs = gpu;
    assert_int_equal(write_user(f, w), -1);
    assert_int_equal(f->e.code, ERR_INVALID_PARAMETERS);
    run_vc(f, &sql_vc, "admingroup");
    w.vcs = admins;
    assert_int_equal(write_user(f, w), -1);
    assert_false(is_admin(f, "ana"));
    w.name = "root";
    w.only_users = true;
    w.vcs = none;
    assert_int_equal(write_user(f, w), -1);
    assert_int_equal(f->e.code, ERR_FORBIDDEN);
    w.only_users = false;
    assert_int_equal(write_user(f, w), 0);
    assert_true(is_admin(f, "root"));
}

static void extensions_merge(void **state)
{
    struct fixture *f = *state;
    struct group g = {.name = "team", .extension = "{\"a\":{\"x\":1,\"y\":2},\"b\":1}"};

    assert_int_equal(write_group(f, AUTH_GROUP_ADD, g), 0);
    g.extension = "{\"a\":{\"x\":3}}";
    g.merge = 2;
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, g), 0);
    assert_int_equal(group_store_get(f->s, f->a, "team", &g, &f->e), 0);
    assert_string_equal(g.extension, "{\"a\":{\"x\":3,\"y\":2},\"b\":1}");
    g = (struct group){.name = "team", .extension = "{\"a\":{\"x\":4}}", .merge = 1};
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, g), 0);
    assert_int_equal(group_store_get(f->s, f->a, "team", &g, &f->e), 0);
    assert_string_equal(g.extension, "{\"a\":{\"x\":4},\"b\":1}");
    g = (struct group){.name = "no", .extension = "{}", .merge = 1};
    assert_int_equal(write_group(f, AUTH_GROUP_CHANGE, g), -1);
    assert_int_equal(f->e.code, ERR_NO_GROUP);
}

static void unknown_names_are_refused(void **state)
{
    static const char *const bad[] = {"nope", NULL};
    const struct group_acls acls = {.vcs = bad};
    struct fixture *f = *state;

    assert_int_equal(write_group(f, AUTH_GROUP_ADD, (struct group){.name = "t", .acls = &acls}), -1);
    assert_int_equal(f->e.code, ERR_NO_VC_BAD);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .join = "t"}), -1);
    assert_int_equal(f->e.code, ERR_NO_GROUP);
    assert_int_equal(write_user(f, (struct auth_user_write){.op = AUTH_USER_CHANGE, .name = "ana", .groups = bad}), -1);
    assert_int_equal(f->e.code, ERR_NO_GROUP);
    assert_string_equal(has(f, MEMBER_HAS_GROUP, "ana"), "ana:default");
    assert_int_equal(group_store_check_name("a b", &f->e), -1);
    assert_int_equal(group_store_check_name("team-1", &f->e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(new_users_are_in_the_built_in_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(a_group_gives_what_it_grants, setup, teardown),
        cmocka_unit_test_setup_teardown(the_admin_right_follows_the_groups, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_locks_themselves_out, setup, teardown),
        cmocka_unit_test_setup_teardown(lists_of_virtual_clusters, setup, teardown),
        cmocka_unit_test_setup_teardown(extensions_merge, setup, teardown),
        cmocka_unit_test_setup_teardown(unknown_names_are_refused, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
