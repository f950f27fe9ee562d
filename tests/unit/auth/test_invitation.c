/* SPDX-License-Identifier: MIT
 *
 * Invitations: found by their secret while they are good, good once, one a user.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/invitation.h"
#include "auth/session.h"
#include "database.h"

#define NOW DATABASE_NOW_MS

/* A user without a password, invited; the hash of the secret. */
static struct invitation_again invited(struct database *d, const char *user)
{
    struct auth_user_write w = {.name = user, .password_hash = INVITATION_NO_PASSWORD, .email = "bo@example.org"};
    struct invitation_again again = {.user = user};
    char secret[INVITATION_SECRET_SIZE], hash[IDENTITY_HASH_SIZE];

    assert_int_equal(database_write(d, auth_write_user, &w, NOW), 0);
    invitation_make(secret, again.hash);
    session_hash(secret, strlen(secret), hash);
    assert_string_equal(hash, again.hash);
    assert_int_equal(strlen(secret), INVITATION_SECRET_SIZE - 1);
    assert_int_equal(database_write(d, invitation_write_again, &again, NOW), 0);
    return again;
}

static int found(struct database *d, const char *hash, int64_t now_ms)
{
    char user[IDENTITY_USER_SIZE] = "";
    int rc = invitation_find(d->s, hash, now_ms, user, &d->e);

    assert_int_equal(*user != '\0', rc == 1);
    return rc;
}

static int accept(struct database *d, const char *hash, int64_t now_ms)
{
    struct invitation_accept a = {.password_hash = "new"};

    memcpy(a.hash, hash, sizeof a.hash);
    return database_write(d, invitation_write_accept, &a, now_ms);
}

static void test_good_for_so_long(void **state)
{
    struct database *d = *state;
    struct invitation_again i = invited(d, "bo");

    assert_string_equal(i.email, "bo@example.org");
    assert_int_equal(found(d, i.hash, NOW), 1);
    assert_int_equal(found(d, i.hash, NOW + INVITATION_MS - 1), 1);
    assert_int_equal(found(d, i.hash, NOW + INVITATION_MS), 0);
    assert_int_equal(accept(d, i.hash, NOW + INVITATION_MS), -1);
    assert_int_equal(d->e.code, ERR_INVALID_PARAMETERS);
    assert_int_equal(invitation_find(d->s, "no hex", NOW, (char[IDENTITY_USER_SIZE]){0}, &d->e), -1);
}

static void test_good_once(void **state)
{
    struct database *d = *state;
    struct invitation_again i = invited(d, "bo");
    struct auth_user u;

    assert_int_equal(accept(d, i.hash, NOW), 0);
    assert_int_equal(auth_store_user_get(d->s, d->a, "bo", &u, &d->e), 0);
    assert_string_equal(u.password_hash, "new");
    assert_int_equal(found(d, i.hash, NOW), 0);
    assert_int_equal(accept(d, i.hash, NOW), -1);
}

/* An admin who gives the user a password ends what a lost link could do. */
static void test_not_beside_a_password(void **state)
{
    struct database *d = *state;
    struct invitation_again i = invited(d, "bo");
    struct auth_user_write w = {.op = AUTH_USER_CHANGE, .name = "bo", .password_hash = "given"};
    struct auth_user u;

    assert_int_equal(database_write(d, auth_write_user, &w, NOW), 0);
    assert_int_equal(found(d, i.hash, NOW), 0);
    assert_int_equal(accept(d, i.hash, NOW), -1);
    assert_int_equal(auth_store_user_get(d->s, d->a, "bo", &u, &d->e), 0);
    assert_string_equal(u.password_hash, "given");
}

static void test_another_ends_the_former(void **state)
{
    struct database *d = *state;
    struct invitation_again first = invited(d, "bo"), second = first;
    char secret[INVITATION_SECRET_SIZE];

    invitation_make(secret, second.hash);
    assert_int_equal(database_write(d, invitation_write_again, &second, NOW + 5), 0);
    assert_int_equal(found(d, first.hash, NOW + 5), 0);
    assert_int_equal(found(d, second.hash, NOW + 5 + INVITATION_MS - 1), 1);
}

static void test_who_is_not_invited(void **state)
{
    struct database *d = *state;
    struct invitation_again i = invited(d, "bo");
    struct auth_user_write no_mail = {.name = "cy", .password_hash = INVITATION_NO_PASSWORD};

    i.user = "ana";
    assert_int_equal(database_write(d, invitation_write_again, &i, NOW), -1);
    assert_int_equal(d->e.code, ERR_CONFLICT_USER); /* who has a password */
    i.user = "nobody";
    assert_int_equal(database_write(d, invitation_write_again, &i, NOW), -1);
    assert_int_equal(d->e.code, ERR_NO_USER);
    assert_int_equal(database_write(d, auth_write_user, &no_mail, NOW), 0);
    i.user = "cy";
    i.need_email = true;
    assert_int_equal(database_write(d, invitation_write_again, &i, NOW), -1);
    assert_int_equal(d->e.code, ERR_INVALID_PARAMETERS);
}

/* How the mail went is noted with the invitation, and harms nothing when that is gone. */
static void test_mail_noted(void **state)
{
    struct database *d = *state;
    struct invitation_again i = invited(d, "bo");
    struct invitation_sent failed = {.hash = i.hash, .problem = "no such box"}, sent = {.hash = i.hash};

    assert_int_equal(database_write(d, invitation_write_sent, &failed, NOW), 0);
    assert_int_equal(found(d, i.hash, NOW), 1);
    assert_int_equal(accept(d, i.hash, NOW), 0);
    assert_int_equal(database_write(d, invitation_write_sent, &sent, NOW), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_good_for_so_long, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_good_once, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_not_beside_a_password, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_another_ends_the_former, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_who_is_not_invited, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_mail_noted, database_setup, database_teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
