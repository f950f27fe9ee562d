/* SPDX-License-Identifier: MIT
 *
 * Password rules, hashes and the gate.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "auth/password.h"
#include "base/err.h"

static void test_rules(void **state)
{
    static const char *const bad[] = {
        "",           "short7!",   "password", "Password123!", "12345678",     "aaaaaaaaaa",    "letmein2024",
        "qwertyuiop", "changeme1", "alice123", "ALICE!!!!",    "tab\tin side", "bad\377\37612", "1qaz2wsx",
    };
    static const char *const good[] = {"correct horse", "tr0ub4dor&3x", "p\xc3\xa4ssw\xc3\xb6rter und mehr", "alicexyz",
                                       "passwordsafe-on-the-hill"};
    char text[PASSWORD_MAX + 2];
    struct err e = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        if (password_check_rules(bad[i], "alice", &e) == 0)
            fail_msg("accepted: %s", bad[i]);
        assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
    }
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        if (password_check_rules(good[i], "alice", &e))
            fail_msg("refused: %s (%s)", good[i], e.text);
    for (size_t i = 0; i < sizeof(text) - 1; i++)
        text[i] = (char)('a' + i % 20);
    text[PASSWORD_MAX + 1] = '\0';
    assert_int_equal(password_check_rules(text, NULL, &e), -1);
    text[PASSWORD_MAX] = '\0';
    assert_int_equal(password_check_rules(text, NULL, &e), 0);
}

static void test_hash_and_verify(void **state)
{
    char hash[PASSWORD_HASH_SIZE];
    char again[PASSWORD_HASH_SIZE];
    struct err e = {0};
    bool rehash = true;

    (void)state;
    assert_int_equal(password_hash("correct horse", hash, &e), 0);
    assert_int_equal(password_hash("correct horse", again, &e), 0);
#ifdef DROVER_FAILPOINTS
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=1024,t=1,p=1$", 30), 0); /* cheap, in builds for tests */
#else
    assert_int_equal(strncmp(hash, "$argon2id$v=19$m=65536,t=2,p=1$", 31), 0);
#endif
    assert_string_not_equal(hash, again);
    assert_true(password_verify(hash, "correct horse", &rehash));
    assert_false(rehash);
    assert_false(password_verify(hash, "correct horsf", NULL));
    assert_false(password_verify(NULL, "correct horse", &rehash));
    assert_false(password_verify("nonsense", "correct horse", NULL));
}

static void test_weak_hash_asks_for_a_new_one(void **state)
{
    char hash[crypto_pwhash_STRBYTES];
    bool rehash = false;

    (void)state;
    assert_int_equal(crypto_pwhash_str_alg(hash, "correct horse", 13, 1, 8192 * 8, crypto_pwhash_ALG_ARGON2ID13), 0);
    assert_true(password_verify(hash, "correct horse", &rehash));
    assert_true(rehash);
}

/* ---- gate ---- */

struct door {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool open;
    int inside, most, done;
};

static void pass(void *ctx)
{
    struct door *d = ctx;

    pthread_mutex_lock(&d->lock);
    d->inside++;
    d->most = d->inside > d->most ? d->inside : d->most;
    pthread_cond_broadcast(&d->changed);
    while (!d->open)
        pthread_cond_wait(&d->changed, &d->lock);
    d->inside--;
    d->done++;
    pthread_mutex_unlock(&d->lock);
}

static void test_gate(void **state)
{
    struct door d = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    struct err e = {0};
    struct password_gate *g = password_gate_create(2, 3, &e);

    (void)state;
    assert_non_null(g);
    for (int i = 0; i < 2; i++) { /* both threads are busy ... */
        assert_int_equal(password_gate_run(g, pass, &d, &e), 0);
        pthread_mutex_lock(&d.lock);
        while (d.inside < i + 1)
            pthread_cond_wait(&d.changed, &d.lock);
        pthread_mutex_unlock(&d.lock);
    }
    for (int i = 0; i < 3; i++) /* ... three wait ... */
        assert_int_equal(password_gate_run(g, pass, &d, &e), 0);
    assert_int_equal(password_gate_run(g, pass, &d, &e), -1); /* ... and the next is refused */
    assert_int_equal(e.code, ERR_TOO_MANY);
    pthread_mutex_lock(&d.lock);
    d.open = true;
    pthread_cond_broadcast(&d.changed);
    pthread_mutex_unlock(&d.lock);
    password_gate_close(g);                                   /* runs what is queued */
    assert_int_equal(password_gate_run(g, pass, &d, &e), -1); /* a request that came late */
    password_gate_destroy(g);
    assert_int_equal(d.done, 5);
    assert_int_equal(d.most, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rules),
        cmocka_unit_test(test_hash_and_verify),
        cmocka_unit_test(test_weak_hash_asks_for_a_new_one),
        cmocka_unit_test(test_gate),
    };

    if (sodium_init() < 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
