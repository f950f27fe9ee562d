/* SPDX-License-Identifier: MIT
 *
 * A user saved as a text and put back: changed, removed and made anew, to the last member.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/invitation.h"
#include "auth/user_state.h"
#include "base/buf.h"
#include "database.h"

#define NOW DATABASE_NOW_MS

/* The user as a text of its own; "" when there is none. */
static char *saved(struct database *d, const char *name)
{
    struct buf b;
    char *copy;

    buf_init(&b, 0);
    assert_int_equal(user_state_save(d->s, name, &b, &d->e), 0);
    copy = strdup(b.len ? buf_str(&b) : "");
    assert_non_null(copy);
    buf_fini(&b);
    return copy;
}

struct load {
    const char *name, *text;
};

static int run_load(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct load *l = what;

    (void)now;
    return user_state_load(s, l->name, l->text, e);
}

static int load(struct database *d, const char *name, const char *text)
{
    struct load l = {name, text};

    return database_write(d, run_load, &l, NOW);
}

static void check_same(struct database *d, const char *name, const char *before)
{
    char *after = saved(d, name);

    assert_string_equal(after, before);
    free(after);
}

static void test_changes_are_taken_back(void **state)
{
    struct database *d = *state;
    char *before = saved(d, "ana");
    struct auth_user_write w = {.op = AUTH_USER_CHANGE,
                                .name = "ana",
                                .password_hash = "other",
                                .email = "x@example.org",
                                .extension = "{\"k\":1}",
                                .disabled = AUTH_YES,
                                .admin = AUTH_YES,
                                .set_expires = true,
                                .expires_ms = NOW + 1,
                                .set_disk = true,
                                .disk_mb = 70};

    assert_int_equal(database_write(d, auth_write_user, &w, NOW), 0);
    char *changed = saved(d, "ana");
    assert_string_not_equal(changed, before);
    assert_int_equal(load(d, "ana", before), 0);
    check_same(d, "ana", before);
    assert_int_equal(load(d, "ana", changed), 0); /* and forward again */
    check_same(d, "ana", changed);
    free(changed);
    free(before);
}

static void test_removed_and_made(void **state)
{
    struct database *d = *state;
    char *before = saved(d, "ana");

    assert_int_equal(load(d, "ana", ""), 0);
    check_same(d, "ana", "");
    assert_int_equal(load(d, "ana", ""), -1); /* who is gone cannot go once more */
    assert_int_equal(d->e.code, ERR_NO_USER);
    assert_int_equal(load(d, "ana", before), 0);
    check_same(d, "ana", before);
    free(before);
}

/* Who waits with an invitation gets it back, and who has none by then loses the newer one. */
static void test_invitations(void **state)
{
    struct database *d = *state;
    struct auth_user_write bo = {.name = "bo", .password_hash = INVITATION_NO_PASSWORD};
    struct invitation_again again = {.user = "bo"};
    char secret[INVITATION_SECRET_SIZE], user[IDENTITY_USER_SIZE];

    assert_int_equal(database_write(d, auth_write_user, &bo, NOW), 0);
    char *none = saved(d, "bo");
    invitation_make(secret, again.hash);
    assert_int_equal(database_write(d, invitation_write_again, &again, NOW), 0);
    char *one = saved(d, "bo");
    assert_string_not_equal(none, one);
    assert_int_equal(load(d, "bo", ""), 0);
    assert_int_equal(invitation_find(d->s, again.hash, NOW, user, &d->e), 0);
    assert_int_equal(load(d, "bo", one), 0);
    check_same(d, "bo", one);
    assert_int_equal(invitation_find(d->s, again.hash, NOW, user, &d->e), 1);
    assert_int_equal(load(d, "bo", none), 0);
    check_same(d, "bo", none);
    assert_int_equal(invitation_find(d->s, again.hash, NOW, user, &d->e), 0);
    free(none);
    free(one);
}

static void test_broken_texts(void **state)
{
    struct database *d = *state;
    char *before = saved(d, "ana");

    for (size_t cut = 1; cut < strlen(before); cut += 7) {
        char *part = strndup(before, cut);

        assert_int_equal(load(d, "ana", part), -1);
        free(part);
    }
    assert_int_equal(load(d, "ana", "[]"), -1);
    assert_int_equal(load(d, "ana", "{}"), -1);
    check_same(d, "ana", before);
    free(before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_changes_are_taken_back, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_removed_and_made, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_invitations, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(test_broken_texts, database_setup, database_teardown),
    };

    return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
