/* SPDX-License-Identifier: MIT
 *
 * Hash table and key set, each against a plain model.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/hash.h"
#include "base/keyset.h"

#define KEYS 300

/* A small seeded generator (xorshift), so that a failure repeats. */
static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void hash_matches_a_model(void **state)
{
    struct hash *h = hash_create();
    char keys[KEYS][16];
    int values[KEYS];
    bool in[KEYS] = {false};
    uint32_t seed = 12345;
    size_t count = 0;
    int i, round;

    (void)state;
    for (i = 0; i < KEYS; i++)
        (void)snprintf(keys[i], sizeof(keys[i]), "key-%d", i);
    for (round = 0; round < 50000; round++) {
        i = (int)(next_random(&seed) % KEYS);
        if (next_random(&seed) % 2) {
            assert_int_equal(hash_put(h, keys[i], &values[i]), 0);
            count += !in[i];
            in[i] = true;
        } else {
            assert_ptr_equal(hash_remove(h, keys[i]), in[i] ? &values[i] : NULL);
            count -= in[i];
            in[i] = false;
        }
        assert_int_equal(hash_count(h), count);
        i = (int)(next_random(&seed) % KEYS);
        assert_ptr_equal(hash_get(h, keys[i]), in[i] ? &values[i] : NULL);
    }
    hash_destroy(h);
    hash_destroy(NULL);
}

static void hash_replaces(void **state)
{
    struct hash *h = hash_create();
    int a, b;

    (void)state;
    assert_null(hash_get(h, ""));
    hash_put(h, "", &a);
    hash_put(h, "", &b);
    assert_int_equal(hash_count(h), 1);
    assert_ptr_equal(hash_get(h, ""), &b);
    hash_destroy(h);
}

static void hash_iterates_while_removing(void **state)
{
    struct hash *h = hash_create();
    char keys[KEYS][16];
    bool seen[KEYS] = {false};
    size_t pos = 0, n = 0;
    char *key;
    int i;

    (void)state;
    for (i = 0; i < KEYS; i++) {
        (void)snprintf(keys[i], sizeof(keys[i]), "%d", i);
        hash_put(h, keys[i], keys[i]);
    }
    while ((key = hash_next(h, &pos))) {
        i = (int)((key - keys[0]) / (ptrdiff_t)sizeof(keys[0]));
        assert_false(seen[i]);
        seen[i] = true;
        n++;
        if (i % 3)
            assert_ptr_equal(hash_remove(h, key), key);
    }
    assert_int_equal(n, KEYS);
    assert_int_equal(hash_count(h), KEYS / 3);
    for (i = 0; i < KEYS; i++)
        assert_int_equal(hash_get(h, keys[i]) != NULL, i % 3 == 0);
    hash_destroy(h);
}

static void hash_does_not_grow_by_churn(void **state)
{
    struct hash *h = hash_create();
    char key[32];
    size_t pos = 0;
    int i, v;

    (void)state;
    for (i = 0; i < 200000; i++) {
        (void)snprintf(key, sizeof(key), "%d", i);
        hash_put(h, key, &v);
        hash_remove(h, key);
    }
    assert_int_equal(hash_count(h), 0);
    assert_null(hash_next(h, &pos));
    /* pos walked the whole table: tombstones were swept, not collected. */
    assert_in_range(pos, 1, 64);
    hash_destroy(h);
}

static void keyset_knows_owners(void **state)
{
    struct keyset k;
    char keys[KEYS][16];
    uint32_t owner;
    int i;

    (void)state;
    keyset_init(&k);
    for (i = 0; i < KEYS; i++)
        (void)snprintf(keys[i], sizeof(keys[i]), "%d", i);
    for (owner = 0; owner < 40; owner++) {
        for (i = 0; i < KEYS; i++)
            assert_int_equal(keyset_add(&k, owner, keys[i], strlen(keys[i])), 1);
    }
    for (owner = 0; owner < 40; owner++) {
        for (i = 0; i < KEYS; i++)
            assert_int_equal(keyset_add(&k, owner, keys[i], strlen(keys[i])), 0);
    }
    /* The length counts: NUL bytes are part of a key. */
    assert_int_equal(keyset_add(&k, 0, "1\0", 2), 1);
    keyset_fini(&k);
    keyset_fini(&k);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hash_matches_a_model),         cmocka_unit_test(hash_replaces),
        cmocka_unit_test(hash_iterates_while_removing), cmocka_unit_test(hash_does_not_grow_by_churn),
        cmocka_unit_test(keyset_knows_owners),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
