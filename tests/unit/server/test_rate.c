/* SPDX-License-Identifier: MIT
 *
 * Token buckets: how many pass, when the next one does, and that memory is bounded without forgetting who floods.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "server/http/rate.h"

static int passed(struct rate *r, const char *key, int calls, int64_t now)
{
    int n = 0;
    for (int i = 0; i < calls; i++)
        n += rate_take(r, key, now) == 0;
    return n;
}

static void burst_then_rate(void **state)
{
    struct rate *r = rate_create(10, 50);
    (void)state;
    assert_int_equal(passed(r, "bob", 1000, 5000), 50);
    assert_int_equal(rate_take(r, "bob", 5000), 1); /* Retry-After is in whole seconds */
    assert_int_equal(passed(r, "bob", 1000, 5100), 1);
    assert_int_equal(passed(r, "bob", 1000, 6100), 10);
    assert_int_equal(passed(r, "bob", 1000, 1000000), 50); /* never more than the burst */
    assert_int_equal(passed(r, "alice", 50, 6100), 50);
    rate_destroy(r);
}

static void long_idle_is_no_overflow(void **state)
{
    struct rate *r = rate_create(1000, 1000);
    (void)state;
    assert_int_equal(rate_take(r, "bob", 0), 0);
    assert_int_equal(passed(r, "bob", 2000, INT64_MAX / 2), 1000);
    rate_destroy(r);
}

static void zero_is_no_limit(void **state)
{
    struct rate *r = rate_create(0, 0);
    (void)state;
    assert_int_equal(passed(r, "bob", 100000, 1), 100000);
    rate_destroy(r);
}

/* 100,000 other keys come by; the one that floods stays limited all the time, for it is never the fullest. */
static void a_flood_is_not_forgotten(void **state)
{
    struct rate *r = rate_create(1, 50);
    char key[32];
    (void)state;
    assert_int_equal(passed(r, "flood", 100, 1000), 50);
    for (int i = 0; i < 100000; i++) {
        snprintf(key, sizeof key, "user%d", i);
        assert_int_equal(rate_take(r, key, 1000), 0);
    }
    assert_int_equal(passed(r, "flood", 100, 1000), 0);
    rate_destroy(r);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(burst_then_rate),
        cmocka_unit_test(long_idle_is_no_overflow),
        cmocka_unit_test(zero_is_no_limit),
        cmocka_unit_test(a_flood_is_not_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
