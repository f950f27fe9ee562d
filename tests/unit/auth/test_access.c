/* SPDX-License-Identifier: MIT
 *
 * The decision by the table of rights: every level, every kind of caller, every relation to the object.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "auth/access.h"
#include "base/err.h"

static const struct identity nobody = {.kind = IDENTITY_NONE};
static const struct identity ana = {.kind = IDENTITY_TOKEN, .user = "ana"};
static const struct identity portal = {.kind = IDENTITY_SESSION, .user = "ana"};
static const struct identity program = {.kind = IDENTITY_TOKEN, .user = "ana", .application = true};
static const struct identity root = {.kind = IDENTITY_TOKEN, .user = "root", .admin = true};
static const struct identity root_program = {
    .kind = IDENTITY_TOKEN, .user = "root", .admin = true, .application = true};

static enum err_code check(enum access need, const struct identity *who)
{
    struct err e = {0};
    int rc = access_check(need, who, &e);

    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

static enum err_code check_object(enum access need, const struct identity *who, struct access_object o)
{
    struct err e = {0};
    o.what = "job ana~x";
    int rc = access_check_object(need, who, &o, &e);

    assert_int_equal(rc, e.code ? -1 : 0);
    return e.code;
}

/* What can be told before the object is known. */
static void callers_pass_by_their_kind(void **state)
{
    static const struct {
        enum access need;
        enum err_code none, user, application, admin, admin_application;
    } rows[] = {
        {ACCESS_UNSET, ERR_UNAUTHORIZED, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN},
        {ACCESS_ANON, ERR_NONE, ERR_NONE, ERR_NONE, ERR_NONE, ERR_NONE},
        {ACCESS_USER, ERR_UNAUTHORIZED, ERR_NONE, ERR_NONE, ERR_NONE, ERR_NONE},
        {ACCESS_NOT_APPLICATION, ERR_UNAUTHORIZED, ERR_NONE, ERR_FORBIDDEN, ERR_NONE, ERR_FORBIDDEN},
        {ACCESS_ADMIN, ERR_UNAUTHORIZED, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_NONE, ERR_FORBIDDEN},
        {ACCESS_SELF, ERR_UNAUTHORIZED, ERR_NONE, ERR_FORBIDDEN, ERR_NONE, ERR_FORBIDDEN},
        {ACCESS_OWN, ERR_UNAUTHORIZED, ERR_NONE, ERR_FORBIDDEN, ERR_NONE, ERR_FORBIDDEN},
        {ACCESS_JOB_READ, ERR_UNAUTHORIZED, ERR_NONE, ERR_NONE, ERR_NONE, ERR_NONE},
        {ACCESS_JOB_CHANGE, ERR_UNAUTHORIZED, ERR_NONE, ERR_NONE, ERR_NONE, ERR_NONE},
        {ACCESS_JOB_STOP, ERR_UNAUTHORIZED, ERR_NONE, ERR_NONE, ERR_NONE, ERR_NONE},
        {ACCESS_VC_MANAGE, ERR_UNAUTHORIZED, ERR_NONE, ERR_FORBIDDEN, ERR_NONE, ERR_FORBIDDEN},
        {ACCESS_COUNT, ERR_UNAUTHORIZED, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN, ERR_FORBIDDEN},
    };

    (void)state;
    assert_int_equal(sizeof rows / sizeof *rows, ACCESS_COUNT + 1); /* a new level needs its row here */
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_int_equal(check(rows[i].need, &nobody), rows[i].none);
        assert_int_equal(check(rows[i].need, &ana), rows[i].user);
        assert_int_equal(check(rows[i].need, &portal), rows[i].user);
        assert_int_equal(check(rows[i].need, &program), rows[i].application);
        assert_int_equal(check(rows[i].need, &root), rows[i].admin);
        assert_int_equal(check(rows[i].need, &root_program), rows[i].admin_application);
    }
}

static void objects_decide(void **state)
{
    const struct access_object own = {.owner = "ana"}, other = {.owner = "bo"}, near = {.owner = "Ana"};
    const struct access_object managed = {.owner = "bo", .managed = true}, open = {.owner = "bo", .open = true};

    (void)state;
    assert_int_equal(check_object(ACCESS_SELF, &ana, own), ERR_NONE);
    assert_int_equal(check_object(ACCESS_SELF, &ana, other), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_SELF, &ana, near), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_SELF, &root, own), ERR_NONE);
    assert_int_equal(check_object(ACCESS_SELF, &program, own), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_SELF, &nobody, (struct access_object){.owner = ""}), ERR_UNAUTHORIZED);
    assert_int_equal(check_object(ACCESS_OWN, &root, own), ERR_FORBIDDEN); /* admins, too */
    assert_int_equal(check_object(ACCESS_OWN, &root, (struct access_object){.owner = "root"}), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_READ, &ana, own), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_READ, &ana, other), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_JOB_READ, &ana, open), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_READ, &ana, managed), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_READ, &root, other), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_CHANGE, &ana, open), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_JOB_CHANGE, &ana, managed), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_JOB_CHANGE, &program, own), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_STOP, &ana, managed), ERR_NONE);
    assert_int_equal(check_object(ACCESS_JOB_STOP, &ana, open), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_VC_MANAGE, &ana, managed), ERR_NONE);
    assert_int_equal(check_object(ACCESS_VC_MANAGE, &ana, own), ERR_FORBIDDEN);
    assert_int_equal(check_object(ACCESS_COUNT, &root, own), ERR_FORBIDDEN);
}

static void names_are_never_missing(void **state)
{
    (void)state;
    for (int i = 0; i <= ACCESS_COUNT; i++) {
        assert_true(access_name((enum access)i)[0] != '\0');
        assert_true(access_help((enum access)i)[0] != '\0');
    }
    assert_string_equal(access_name(ACCESS_COUNT), access_name(ACCESS_UNSET));
    assert_int_equal(access_cell(ACCESS_COUNT, ACCESS_ROLE_ADMIN), ACCESS_NO);
    assert_int_equal(access_cell(ACCESS_ANON, ACCESS_ROLE_COUNT), ACCESS_NO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(callers_pass_by_their_kind),
        cmocka_unit_test(objects_decide),
        cmocka_unit_test(names_are_never_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
