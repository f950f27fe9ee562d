/* SPDX-License-Identifier: MIT
 *
 * Tables of users below the API: columns, rows, what is wrong with them, writing, and undoing.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/user_import.h"
#include "database.h"

#define NOW DATABASE_NOW_MS

static const struct user_import_options plain = {.by = "root", .invite = true};

static struct user_import *read_with(struct database *d, const char *text, struct user_import_options o)
{
    struct user_import *im;

    memset(&d->e, 0, sizeof d->e);
    im = user_import_read(d->a, text, strlen(text), &o, &d->e);
    if (im)
        assert_int_equal(user_import_check(im, d->s, &d->e), 0);
    return im;
}

static struct user_import *read_table(struct database *d, const char *text)
{
    return read_with(d, text, plain);
}

static void test_columns(void **state)
{
    struct database *d = *state;
    struct user_import *im = read_table(d, "Virtual Cluster;EMAIL;username\r\n;bo@x.org;bo\r\n");

    assert_non_null(im);
    assert_int_equal(im->count, 1);
    assert_string_equal(im->rows[0].write.name, "bo");
    assert_string_equal(im->rows[0].write.email, "bo@x.org");
    assert_int_equal(im->rows[0].line, 2);
    assert_int_equal(im->bad_rows, 0);
    assert_non_null(read_table(d, "\xef\xbb\xbfusername\nbo\n"));
}

static void test_what_is_no_table(void **state)
{
    static const char *const texts[] = {"",
                                        "username,shoe\nbo,44\n",
                                        "username,username\nbo,bo\n",
                                        "email\na@b.c\n",
                                        "username\n\"bo\n",
                                        "username\nbo,more\n"};
    struct database *d = *state;

    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct user_import *im = read_table(d, texts[i]);

        if (im && im->bad_rows == 0)
            fail_msg("taken as a table: %s", texts[i]);
        if (!im)
            assert_true(d->e.code != ERR_NONE && d->e.text[0]);
    }
}

/* Each row is wrong by one field, which its error names. */
static void test_each_error_names_line_and_field(void **state)
{
    static const struct {
        const char *cells, *field;
    } rows[] = {
        {"b o,,", "username"},    {",,", "username"},     {"ana,,", "username"},
        {"bo,no mail,", "email"}, {"bo,,maybe", "admin"}, {"bo,,true", "admin"},
    };
    struct database *d = *state;

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[128];

        snprintf(text, sizeof text, "username,email,admin\nfine,,\n%s\n", rows[i].cells);
        struct user_import *im = read_table(d, text);
        assert_non_null(im);
        assert_int_equal(im->bad_rows, 1);
        assert_int_equal(im->error_count, 1);
        assert_int_equal(im->errors[0].line, 3);
        assert_string_equal(im->errors[0].field, rows[i].field);
        assert_true(im->errors[0].message[0]);
        assert_false(user_import_may_apply(im));
    }
}

static void test_admins_need_leave(void **state)
{
    struct database *d = *state;
    struct user_import_options o = plain;

    assert_int_equal(read_with(d, "username,admin\nbo,true\n", o)->bad_rows, 1);
    assert_int_equal(read_with(d, "username,action,email\nroot,update,r@x.org\n", o)->bad_rows, 1);
    o.allow_admin = true;
    assert_int_equal(read_with(d, "username,admin\nbo,true\n", o)->bad_rows, 0);
}

static void test_written_and_undone(void **state)
{
    struct database *d = *state;
    struct user_import *im = read_table(d, "username,email,action\nbo,bo@x.org,create\nana,new@x.org,update\n");
    struct auth_user u;

    assert_non_null(im);
    assert_int_equal(im->counts[USER_IMPORT_CREATE], 1);
    assert_int_equal(im->counts[USER_IMPORT_UPDATE], 1);
    user_import_invite(im);
    assert_non_null(im->rows[0].invitation);
    assert_null(im->rows[1].invitation);
    id_make(NOW, im->id);
    assert_int_equal(database_write(d, user_import_apply, im, NOW), 0);
    assert_true(im->applied);
    assert_int_equal(auth_store_user_get(d->s, d->a, "ana", &u, &d->e), 0);
    assert_string_equal(u.email, "new@x.org");

    struct user_undo undo = {.id = im->id, .by = "root"};
    assert_int_equal(database_write(d, user_import_undo, &undo, NOW), 0);
    assert_int_equal(undo.count, 2);
    assert_int_equal(auth_store_user_get(d->s, d->a, "ana", &u, &d->e), 0);
    assert_string_equal(u.email, "ana@example.org");
    assert_int_equal(auth_store_user_get(d->s, d->a, "bo", &u, &d->e), -1);
    assert_int_equal(database_write(d, user_import_undo, &undo, NOW), -1); /* once */
    assert_int_equal(d->e.code, ERR_CONFLICT_USER);
    undo.id = "none";
    assert_int_equal(database_write(d, user_import_undo, &undo, NOW), -1);
    assert_int_equal(d->e.code, ERR_NO_IMPORT);
}

/* Between the check and the write somebody was quicker: all or nothing is nothing, row by row the rest. */
static void test_checked_again_when_written(void **state)
{
    struct database *d = *state;
    struct user_import_options o = plain;

    for (int per_row = 0; per_row < 2; per_row++) {
        o.per_row = per_row;
        struct user_import *im = read_with(d, per_row ? "username\ncy\ndi\n" : "username\nbo\nci\n", o);
        struct auth_user_write quick = {.name = per_row ? "cy" : "bo", .password_hash = "h"};
        struct auth_user u;

        assert_int_equal(im->bad_rows, 0);
        assert_int_equal(database_write(d, auth_write_user, &quick, NOW), 0);
        id_make(NOW, im->id);
        assert_int_equal(database_write(d, user_import_apply, im, NOW), 0);
        assert_int_equal(im->applied, per_row);
        assert_int_equal(im->bad_rows, 1);
        assert_int_equal(auth_store_user_get(d->s, d->a, per_row ? "di" : "ci", &u, &d->e), per_row ? 0 : -1);
    }
}

static void test_actions(void **state)
{
    (void)state;
    for (int a = 0; a < USER_IMPORT_ACTION_COUNT; a++)
        assert_int_equal(user_import_action_parse(user_import_action_name((enum user_import_action)a)), a);
    assert_int_equal(user_import_action_parse("destroy"), USER_IMPORT_ACTION_COUNT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_columns, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_what_is_no_table, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_each_error_names_line_and_field, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_admins_need_leave, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_written_and_undone, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_checked_again_when_written, database_setup, database_teardown),
        cmocka_unit_test(test_actions),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
