/* SPDX-License-Identifier: MIT
 *
 * Templates: who sees and who changes them, judged by the rows as they are at that moment.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "jobs/template_store.h"
#include "tests/unit/store/fixture.h"

static const struct clock_now now = {.wall = 1700000000000};
static struct store *db;

/* ann and bob are in group team, eve is not. Rows by hand: users and groups are another folder's. */
static int setup(void **state)
{
    static const struct store_sql sqls[] = {
        {"INSERT INTO user(name, password_hash, created_ms) VALUES ('ann', 'x', 1), ('bob', 'x', 1), ('eve', 'x', 1)"},
        {"INSERT INTO user_group(name, created_ms) VALUES ('team', 1)"},
        {"INSERT INTO group_member(user, grp) VALUES ('ann', 'team'), ('bob', 'team')"}};
    struct err e = {0};
    if (fixture_setup(state))
        return -1;
    db = ((struct fixture *)*state)->writer;
    for (size_t i = 0; i < 3; i++)
        if (stmt_exec(store_stmt(db, &sqls[i], &e), &e))
            fail_msg("%s", e.text);
    return 0;
}

static enum err_code add(const char *name, const char *by, const char *visibility, const char *group)
{
    struct template_write w = {.row = {.name = name,
                                       .visibility = visibility,
                                       .group = group,
                                       .title = name,
                                       .description = "",
                                       .config = "protocolVersion: 2\n"},
                               .by = {.user = by}};
    struct err e = {0};
    int rc = template_store_add(db, &w, now, &e);
    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

static enum err_code change(const char *name, const char *by, bool admin, const char *visibility, const char *group)
{
    struct template_write w = {.row = {.name = name, .visibility = visibility, .group = group, .title = "t"},
                               .by = {.user = by, .admin = admin}};
    struct err e = {0};
    int rc = template_store_change(db, &w, now, &e);
    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

static enum err_code drop(const char *name, const char *by, bool admin)
{
    struct template_write w = {.row = {.name = name}, .by = {.user = by, .admin = admin}};
    struct err e = {0};
    int rc = template_store_remove(db, &w, now, &e);
    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

static int collect(void *ctx, const struct template *t)
{
    char *names = ctx;
    size_t n = strlen(names);
    assert_null(t->config);
    snprintf(names + n, 256 - n, "%s ", t->name);
    return 0;
}

static void assert_sees(const char *user, bool admin, const char *want)
{
    const struct template_reader who = {.user = user, .admin = admin};
    char names[256] = "";
    struct err e = {0};
    assert_int_equal(template_store_list(db, &who, &(struct template_sink){collect, names}, &e), 0);
    assert_string_equal(names, want);
}

static void each_sees_what_is_shared_with_them(void **state)
{
    (void)state;
    assert_int_equal(add("a-own", "ann", "private", NULL), ERR_NONE);
    assert_int_equal(add("b-team", "ann", "group", "team"), ERR_NONE);
    assert_int_equal(add("c-all", "ann", "public", NULL), ERR_NONE);
    assert_sees("ann", false, "a-own b-team c-all ");
    assert_sees("bob", false, "b-team c-all ");
    assert_sees("eve", false, "c-all ");
    assert_sees("root", true, "a-own b-team c-all ");
    assert_int_equal(change("b-team", "ann", false, "private", NULL), ERR_NONE);
    assert_sees("bob", false, "c-all ");
    assert_int_equal(change("b-team", "ann", false, NULL, NULL), ERR_NONE); /* keeps how it is shared */
    assert_sees("bob", false, "c-all ");
}

static void owners_and_admins_change_them(void **state)
{
    (void)state;
    assert_int_equal(add("x", "ann", "public", NULL), ERR_NONE);
    assert_int_equal(add("hidden", "ann", "private", NULL), ERR_NONE);
    assert_int_equal(add("x", "bob", "private", NULL), ERR_CONFLICT_TEMPLATE);
    assert_int_equal(change("x", "bob", false, NULL, NULL), ERR_FORBIDDEN);
    assert_int_equal(drop("x", "bob", false), ERR_FORBIDDEN);
    assert_int_equal(change("hidden", "bob", false, NULL, NULL), ERR_NO_TEMPLATE);
    assert_int_equal(drop("hidden", "bob", false), ERR_NO_TEMPLATE);
    assert_int_equal(drop("hidden", "root", true), ERR_NONE);
    assert_int_equal(drop("x", "ann", false), ERR_NONE);
    assert_int_equal(drop("x", "ann", false), ERR_NO_TEMPLATE);
}

static void one_shares_with_groups_of_ones_own(void **state)
{
    (void)state;
    assert_int_equal(add("x", "eve", "group", "team"), ERR_NO_GROUP);
    assert_int_equal(add("x", "ann", "group", "no-such"), ERR_NO_GROUP);
    assert_int_equal(add("x", "eve", "private", NULL), ERR_NONE);
    assert_int_equal(change("x", "eve", false, "group", "team"), ERR_NO_GROUP);
    assert_int_equal(change("x", "root", true, "group", "team"), ERR_NONE);
    assert_sees("bob", false, "x ");
}

static void a_user_keeps_so_many(void **state)
{
    char name[32];
    (void)state;
    for (int i = 0; i < TEMPLATES_PER_USER; i++) {
        snprintf(name, sizeof name, "t-%d", i);
        assert_int_equal(add(name, "ann", "private", NULL), ERR_NONE);
    }
    assert_int_equal(add("more", "ann", "private", NULL), ERR_INVALID_PARAMETERS);
    assert_int_equal(add("more", "bob", "private", NULL), ERR_NONE);
}

static void names_and_visibilities(void **state)
{
    (void)state;
    assert_true(template_name_ok("A-b_c.1"));
    assert_false(template_name_ok(""));
    assert_false(template_name_ok(".a"));
    assert_false(template_name_ok("a/b"));
    assert_false(template_name_ok("12345678901234567890123456789012345678901234567890123456789012345"));
    assert_true(template_visibility_ok("group"));
    assert_false(template_visibility_ok("all"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_sees_what_is_shared_with_them),
        TEST(owners_and_admins_change_them),
        TEST(one_shares_with_groups_of_ones_own),
        TEST(a_user_keeps_so_many),
        TEST(names_and_visibilities),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
