/* SPDX-License-Identifier: MIT
 *
 * Public keys that users keep: set, replaced, removed, at most so many; OpenPAI's own form of them; what is none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "auth/ssh_keys.h"
#include "base/arena.h"
#include "base/buf.h"
#include "database.h"

#define KEY "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIBO2kAHrNMvpLQ3heEYobHgzGjlvdePTgMB3sEEECBgb"
#define FINGERPRINT "SHA256:3mGxZ5sdL9C3Fg2/MXBeKX3YVQ80eS6Js2yj3fSL4Hw"

static int set(struct database *d, const char *user, const char *title, const char *key)
{
    struct ssh_keys_write w = {user, title, key};

    return database_write(d, ssh_keys_write, &w, DATABASE_NOW_MS);
}

static int take(void *ctx, const struct ssh_keys_entry *k)
{
    assert_string_equal(k->key, KEY);
    return buf_addf(ctx, "%s,%lld;", k->title, (long long)k->time_ms);
}

/* "title,time;..." of an extension. */
static void check_keys(const char *extension, const char *want)
{
    struct buf b;

    buf_init(&b, 0);
    assert_int_equal(ssh_keys_each(extension, take, &b), 0);
    assert_string_equal(b.len ? buf_str(&b) : "", want);
    buf_fini(&b);
}

static void check_user(struct database *d, const char *want)
{
    struct auth_user u = {0};

    assert_int_equal(auth_store_user_get(d->s, d->a, "ana", &u, &d->e), 0);
    check_keys(u.extension, want);
}

static void set_and_removed(void **state)
{
    struct database *d = *state;
    struct auth_user_write other = {.op = AUTH_USER_CHANGE, .name = "ana", .extension = "{\"theme\":1}", .merge = true};
    struct auth_user u = {0};

    assert_int_equal(database_write(d, auth_write_user, &other, DATABASE_NOW_MS), 0);
    assert_int_equal(set(d, "ana", "desk", KEY), 0);
    assert_int_equal(set(d, "ana", "lap top", KEY), 0);
    check_user(d, "desk,1795000000000;lap top,1795000000000;");
    assert_int_equal(set(d, "ana", "desk", KEY), 0); /* replaced, and so the newest */
    check_user(d, "lap top,1795000000000;desk,1795000000000;");
    assert_int_equal(set(d, "ana", "none", NULL), -1);
    assert_int_equal(d->e.code, ERR_NO_SSH_KEY);
    assert_int_equal(set(d, "ana", "lap top", NULL), 0);
    check_user(d, "desk,1795000000000;");
    assert_int_equal(set(d, "nobody", "desk", KEY), -1);
    assert_int_equal(d->e.code, ERR_NO_USER);
    assert_int_equal(auth_store_user_get(d->s, d->a, "ana", &u, &d->e), 0);
    assert_non_null(strstr(u.extension, "\"theme\":1"));
}

static void not_too_many(void **state)
{
    struct database *d = *state;
    char title[8];

    for (int i = 0; i < SSH_KEYS_MAX; i++) {
        (void)snprintf(title, sizeof title, "%d", i);
        assert_int_equal(set(d, "ana", title, KEY), 0);
    }
    assert_int_equal(set(d, "ana", "more", KEY), -1);
    assert_int_equal(d->e.code, ERR_INVALID_PARAMETERS);
    assert_int_equal(set(d, "ana", "3", KEY), 0);
}

static int check(const char *text, struct err *e)
{
    cJSON *o = json_parse(text, strlen(text), 0, NULL);
    int rc;

    assert_non_null(o);
    rc = ssh_keys_check(o, e);
    cJSON_Delete(o);
    return rc;
}

static void openpais_form(void **state)
{
    static const char *const bad[] = {
        "{\"sshKeys\":{}}",
        "{\"sshKeys\":[1]}",
        "{\"sshKeys\":[{\"title\":\"a\"}]}",
        "{\"sshKeys\":[{\"title\":1,\"value\":\"" KEY "\"}]}",
        "{\"sshKeys\":[{\"value\":\"ssh-rsa AAAA\"}]}",
        "{\"sshKeys\":[{\"value\":\"" KEY "\"},{\"value\":\"command=\\\"sh\\\" " KEY "\"}]}",
        "{\"sshKeys\":[{\"value\":\"" KEY "\"},{\"title\":\"a\"}]}",
        "{\"sshKeys\":[0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0,0]}",
    };
    struct err e = {0};

    (void)state;
    assert_int_equal(check("{}", &e), 0);
    assert_int_equal(check("{\"sshKeys\":[]}", &e), 0);
    assert_int_equal(check("{\"sshKeys\":[{\"title\":\"a\",\"value\":\"" KEY " ana@desk\\n\",\"time\":5}]}", &e), 0);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        e = (struct err){0};
        if (check(bad[i], &e) == 0 || e.code != ERR_INVALID_PARAMETERS)
            fail_msg("taken: %s", bad[i]);
    }
    /* What was written before it was checked does no harm. */
    check_keys("{\"sshKeys\":[1,{\"value\":\"no key\"},{\"value\":\"" KEY " x\"},{\"title\":2}]}", ",0;");
    check_keys("{\"sshKeys\":7}", "");
    check_keys("nothing", "");
}

static void fingerprint(void **state)
{
    char out[SSH_KEY_FINGERPRINT_SIZE];

    (void)state;
    ssh_key_fingerprint(KEY, out);
    assert_string_equal(out, FINGERPRINT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(set_and_removed, database_setup, database_teardown),
        cmocka_unit_test_setup_teardown(not_too_many, database_setup, database_teardown),
        cmocka_unit_test(openpais_form),
        cmocka_unit_test(fingerprint),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
