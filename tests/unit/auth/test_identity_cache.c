/* SPDX-License-Identifier: MIT
 *
 * Identities kept for a moment: known again, and never longer than they hold.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "auth/identity_cache.h"

#define NOW INT64_C(1795000000000)
#define SLOTS 4

static int set_up(void **state)
{
    *state = identity_cache_create(SLOTS);
    return *state ? 0 : -1;
}

static int tear_down(void **state)
{
    identity_cache_destroy(*state);
    identity_cache_destroy(NULL);
    return 0;
}

/* The `n`-th caller; each has another hash, some the same place. */
static struct identity caller(int n)
{
    struct identity who = {.kind = IDENTITY_TOKEN, .admin = n % 2 == 0};

    snprintf(who.user, sizeof(who.user), "user%d", n);
    snprintf(who.hash, sizeof(who.hash), "%08x%056x", (unsigned)n, (unsigned)n);
    return who;
}

static void keep(struct identity_cache *c, const struct identity *who)
{
    identity_cache_keep(c, identity_cache_begin(c), NOW, who);
}

static bool known(struct identity_cache *c, const struct identity *who, int64_t now_ms)
{
    struct identity out = {0};

    if (!identity_cache_get(c, who->hash, now_ms, &out))
        return false;
    assert_memory_equal(&out, who, sizeof(out));
    return true;
}

static void a_caller_is_known_again(void **state)
{
    struct identity who = caller(1);

    assert_false(known(*state, &who, NOW));
    keep(*state, &who);
    assert_true(known(*state, &who, NOW));
    assert_true(known(*state, &who, NOW + 999));
}

static void a_write_makes_all_stale(void **state)
{
    struct identity who = caller(1);

    keep(*state, &who);
    identity_cache_stale(*state);
    assert_false(known(*state, &who, NOW));
    keep(*state, &who);
    assert_true(known(*state, &who, NOW));
}

/* Rows read before a write's COMMIT may be the old ones. */
static void what_a_write_overtook_is_not_kept(void **state)
{
    struct identity who = caller(1);
    uint64_t began = identity_cache_begin(*state);

    identity_cache_stale(*state);
    identity_cache_keep(*state, began, NOW, &who);
    assert_false(known(*state, &who, NOW));
}

static void nobody_is_known_for_long(void **state)
{
    struct identity who = caller(1);

    keep(*state, &who);
    assert_false(known(*state, &who, NOW + 1000));
    assert_false(known(*state, &who, NOW - 1)); /* the clock was set back */
}

static void nobody_is_known_after_the_expiry(void **state)
{
    struct identity who = caller(1);

    who.expires_ms = NOW + 500;
    keep(*state, &who);
    assert_true(known(*state, &who, NOW + 499));
    assert_false(known(*state, &who, NOW + 500));
}

/* Otherwise the use would not be recorded. */
static void whose_use_is_to_be_recorded_is_not_kept(void **state)
{
    struct identity who = caller(1);

    who.touch = true;
    keep(*state, &who);
    assert_false(known(*state, &who, NOW));
}

static void one_is_never_taken_for_another(void **state)
{
    struct identity first = caller(1), second = caller(1 + SLOTS);

    keep(*state, &first);
    assert_false(known(*state, &second, NOW));
    keep(*state, &second);
    assert_true(known(*state, &second, NOW));
    assert_false(known(*state, &first, NOW));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_caller_is_known_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_write_makes_all_stale, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_write_overtook_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_known_for_long, set_up, tear_down),
        cmocka_unit_test_setup_teardown(nobody_is_known_after_the_expiry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(whose_use_is_to_be_recorded_is_not_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(one_is_never_taken_for_another, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
