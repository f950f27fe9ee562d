/* SPDX-License-Identifier: MIT
 *
 * The login throttle under a virtual clock.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>

#include "auth/login.h"
#include "base/err.h"

#define MINUTE 60000

/* One guess; whether it reaches the password hash. */
static int guess_once(struct login_throttle *t, const char *user, const char *ip, int64_t now)
{
    if (login_throttle_check(t, user, ip, now, NULL) != 0)
        return 0;
    login_throttle_fail(t, user, ip, now);
    return 1;
}

/* One guess a second for `seconds`; how many reach the password hash. */
static int guess(struct login_throttle *t, const char *user, const char *ip, int64_t from, int seconds)
{
    int reached = 0;

    for (int i = 0; i < seconds; i++)
        reached += guess_once(t, user, ip, from + i * 1000LL);
    return reached;
}

static void test_five_are_free(void **state)
{
    struct login_throttle *t = login_throttle_create(0);
    struct err e = {0};

    (void)state;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(login_throttle_check(t, "alice", "10.0.0.1", 1000, &e), 0);
        login_throttle_fail(t, "alice", "10.0.0.1", 1000);
    }
    assert_int_equal(login_throttle_check(t, "alice", "10.0.0.1", 1000, &e), 1);
    assert_int_equal(e.code, ERR_TOO_MANY);
    assert_int_equal(login_throttle_check(t, "alice", "10.0.0.1", 2000, &e), 0);
    login_throttle_destroy(t);
}

static void test_delay_doubles(void **state)
{
    static const int64_t waits[] = {1, 2, 4, 8, 16, 32, 60, 60};
    struct login_throttle *t = login_throttle_create(0);
    int64_t now = 0;
    int retry = 0;

    (void)state;
    for (int i = 0; i < 5; i++)
        login_throttle_fail(t, "alice", "10.0.0.1", now);
    for (size_t i = 0; i < sizeof(waits) / sizeof(waits[0]); i++) {
        retry = login_throttle_check(t, "alice", "10.0.0.1", now, NULL);
        assert_int_equal(retry, waits[i]);
        now += retry * 1000;
        assert_int_equal(login_throttle_check(t, "alice", "10.0.0.1", now, NULL), 0);
        login_throttle_fail(t, "alice", "10.0.0.1", now);
    }
    login_throttle_destroy(t);
}

static void test_guesses_per_quarter_hour(void **state)
{
    struct login_throttle *t = login_throttle_create(0);

    (void)state;
    assert_in_range(guess(t, "alice", "10.0.0.1", 0, 900), 5, 29);
    login_throttle_destroy(t);
}

/* A thousand guesses, however they are spread over the quarter of an hour, and from however many addresses. The clock
 * is a number. */
static void test_a_thousand_guesses(void **state)
{
    static const int64_t every_ms[] = {0, 10, 450, 900};
    char ip[16];

    (void)state;
    for (size_t i = 0; i < 2 * sizeof(every_ms) / sizeof(every_ms[0]); i++) {
        struct login_throttle *t = login_throttle_create(0);
        int reached = 0;

        for (int k = 0; k < 1000; k++) {
            int from = i % 2 ? k : 0;

            snprintf(ip, sizeof(ip), "10.0.%d.%d", from / 250, from % 250);
            reached += guess_once(t, "alice", ip, k * every_ms[i / 2]);
        }
        assert_in_range(reached, 5, 29);
        login_throttle_destroy(t);
    }
}

/* Many accounts from one address: the address is what runs out. */
static void test_spray_from_one_address(void **state)
{
    struct login_throttle *t = login_throttle_create(0);
    char user[16];
    int reached = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        reached += guess(t, user, "10.0.0.1", i * 1000, 1);
    }
    assert_int_equal(reached, 20);
    login_throttle_destroy(t);
}

/* One account from many addresses: the account is. */
static void test_spray_at_one_account(void **state)
{
    struct login_throttle *t = login_throttle_create(0);
    char ip[16];
    int reached = 0;

    (void)state;
    for (int i = 0; i < 200; i++) {
        snprintf(ip, sizeof(ip), "10.0.1.%d", i);
        reached += guess(t, "alice", ip, i * 4000, 1);
    }
    assert_in_range(reached, 5, 20);
    login_throttle_destroy(t);
}

static void test_never_for_good(void **state)
{
    struct login_throttle *t = login_throttle_create(0);

    (void)state;
    guess(t, "alice", "10.0.0.1", 0, 900);
    assert_int_equal(login_throttle_check(t, "alice", "10.0.0.1", 31 * MINUTE, NULL), 0);
    login_throttle_destroy(t);
}

static void test_success_forgets(void **state)
{
    struct login_throttle *t = login_throttle_create(0);

    (void)state;
    for (int i = 0; i < 4; i++)
        login_throttle_fail(t, "alice", "10.0.0.1", 0);
    login_throttle_fail(t, "alice", "10.0.0.1", 0);
    login_throttle_succeed(t, "alice", "10.0.0.1", 0);
    for (int i = 0; i < 4; i++) {
        assert_int_equal(login_throttle_check(t, "alice", "10.0.0.1", 0, NULL), 0);
        login_throttle_fail(t, "alice", "10.0.0.1", 0);
    }
    login_throttle_destroy(t);
}

/* A stranger who guesses for hours cannot keep the owner out of where the owner was before. */
static void test_owner_is_not_locked_out(void **state)
{
    struct login_throttle *t = login_throttle_create(0);

    (void)state;
    login_throttle_fail(t, "alice", "10.0.0.9", 0);
    login_throttle_succeed(t, "alice", "10.0.0.9", 0);
    for (int i = 0; i < 10; i++) {
        guess(t, "alice", "66.0.0.1", i * 15LL * MINUTE, 900);
        assert_int_equal(login_throttle_check(t, "alice", "10.0.0.9", (i + 1) * 15LL * MINUTE, NULL), 0);
    }
    /* And guesses from the owner's own address are counted all the same. */
    assert_in_range(guess(t, "alice", "10.0.0.9", 200LL * MINUTE, 900), 5, 29);
    login_throttle_destroy(t);
}

/* Others behind the owner's address who fail do not lock the owner out. */
static void test_neighbours(void **state)
{
    struct login_throttle *t = login_throttle_create(0);

    (void)state;
    login_throttle_succeed(t, "alice", "10.0.0.9", 0);
    for (int i = 0; i < 30; i++)
        login_throttle_fail(t, "bob", "10.0.0.9", 1000);
    assert_true(login_throttle_check(t, "carol", "10.0.0.9", 2000, NULL) > 0);
    assert_int_equal(login_throttle_check(t, "alice", "10.0.0.9", 2000, NULL), 0);
    login_throttle_destroy(t);
}

/* The table is bounded: a flood of names costs no memory, and does not wipe out who is being guessed now. */
static void test_bounded(void **state)
{
    struct login_throttle *t = login_throttle_create(16);
    char user[16];

    (void)state;
    for (int i = 0; i < 10000; i++) {
        snprintf(user, sizeof(user), "u%d", i);
        login_throttle_fail(t, user, user, i);
        if (i % 8 == 0)
            login_throttle_fail(t, "alice", "10.0.0.1", i);
    }
    assert_true(login_throttle_check(t, "alice", "10.0.0.1", 10000, NULL) > 0);
    assert_int_equal(login_throttle_check(t, "u1", "10.9.9.9", 10000, NULL), 0);
    login_throttle_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_five_are_free),
        cmocka_unit_test(test_delay_doubles),
        cmocka_unit_test(test_guesses_per_quarter_hour),
        cmocka_unit_test(test_a_thousand_guesses),
        cmocka_unit_test(test_spray_from_one_address),
        cmocka_unit_test(test_spray_at_one_account),
        cmocka_unit_test(test_never_for_good),
        cmocka_unit_test(test_success_forgets),
        cmocka_unit_test(test_owner_is_not_locked_out),
        cmocka_unit_test(test_neighbours),
        cmocka_unit_test(test_bounded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
