/* SPDX-License-Identifier: MIT
 *
 * Buffers and arenas: growth, caps, sticky failure.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"

static void buf_grows(void **state)
{
    struct buf b;
    size_t i;

    (void)state;
    buf_init(&b, 0);
    assert_string_equal(buf_str(&b), "");
    for (i = 0; i < 1000; i++)
        assert_int_equal(buf_addf(&b, "%zu,", i), 0);
    assert_int_equal(b.len, strlen(b.data));
    assert_memory_equal(b.data, "0,1,2,", 6);
    assert_string_equal(b.data + b.len - 4, "999,");
    assert_int_equal(buf_add(&b, "a\0b", 3), 0);
    assert_int_equal(buf_addc(&b, '!'), 0);
    assert_memory_equal(b.data + b.len - 4, "a\0b!", 5);
    buf_reset(&b);
    assert_int_equal(b.len, 0);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_adds(&b, "x"), 0);
    assert_string_equal(buf_str(&b), "x");
    buf_fini(&b);
    assert_null(b.data);
    buf_fini(&b);
}

static void buf_stops_at_its_cap(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 10);
    assert_int_equal(buf_adds(&b, "0123456789"), 0);
    assert_int_equal(b.cap, 11);
    assert_int_equal(buf_addc(&b, 'x'), -1);
    assert_true(b.bad);
    assert_string_equal(buf_str(&b), "");
    assert_int_equal(buf_adds(&b, ""), -1);
    assert_null(buf_take(&b, NULL));
    assert_false(b.bad);
    assert_int_equal(buf_addf(&b, "%011d", 1), -1);
    assert_true(b.bad);
    buf_reset(&b);
    assert_int_equal(buf_addf(&b, "%010d", 1), 0);
    assert_string_equal(buf_str(&b), "0000000001");
    buf_reset(&b);
    assert_int_equal(buf_add(&b, "x", SIZE_MAX), -1);
    buf_fini(&b);
}

static void buf_take_gives_the_memory(void **state)
{
    struct buf b;
    size_t len = 9;
    char *s;

    (void)state;
    buf_init(&b, 0);
    s = buf_take(&b, &len);
    assert_string_equal(s, "");
    assert_int_equal(len, 0);
    free(s);
    buf_adds(&b, "abc");
    s = buf_take(&b, &len);
    assert_string_equal(s, "abc");
    assert_int_equal(len, 3);
    assert_null(b.data);
    buf_adds(&b, "d");
    assert_string_equal(buf_str(&b), "d");
    assert_string_equal(s, "abc");
    free(s);
    buf_fini(&b);
}

static void arena_memory_is_zero_aligned_and_apart(void **state)
{
    struct arena *a = arena_create(0);
    unsigned char *p[500];
    size_t i, j;

    (void)state;
    for (i = 0; i < 500; i++) {
        size_t size = i * 37 % 9000;

        p[i] = arena_alloc(a, size);
        assert_non_null(p[i]);
        assert_int_equal((uintptr_t)p[i] % _Alignof(max_align_t), 0);
        for (j = 0; j < size; j++)
            assert_int_equal(p[i][j], 0);
        memset(p[i], (int)(i % 256), size);
    }
    for (i = 0; i < 500; i++) {
        for (j = 0; j < i * 37 % 9000; j++)
            assert_int_equal(p[i][j], i % 256);
    }
    arena_destroy(a);
    arena_destroy(NULL);
}

/* Round after round in the same memory, which is zero each time; a large round leaves nothing behind. */
static void arena_reset_gives_zeroed_memory_again(void **state)
{
    struct arena *a = arena_create(1 << 20);

    (void)state;
    arena_reset(a); /* an empty one */
    for (int round = 0; round < 100; round++) {
        size_t size = round % 10 == 9 ? 700000 : 3000;
        unsigned char *p = arena_alloc(a, size);
        unsigned char *q = arena_alloc(a, 200000);

        assert_non_null(p);
        assert_non_null(q);
        for (size_t i = 0; i < size; i++)
            assert_int_equal(p[i], 0);
        memset(p, 0xff, size);
        memset(q, 0xff, 200000);
        arena_reset(a);
        assert_int_equal(arena_used(a), 0);
    }
    arena_destroy(a);
}

/* More at once than the pool keeps; each is empty when it is taken, whatever the last user left. */
static void arena_pool_gives_empty_arenas(void **state)
{
    struct arena_pool *pool = arena_pool_create(1 << 20, 2);
    struct arena *a[5];

    (void)state;
    assert_non_null(pool);
    for (int round = 0; round < 20; round++) {
        for (int i = 0; i < 5; i++) {
            a[i] = arena_pool_take(pool);
            assert_non_null(a[i]);
            assert_int_equal(arena_used(a[i]), 0);
            assert_null(arena_alloc(a[i], (1 << 20) + 1));
            unsigned char *p = arena_alloc(a[i], 5000);
            for (size_t j = 0; j < 5000; j++)
                assert_int_equal(p[j], 0);
            memset(p, 0xff, 5000);
        }
        for (int i = 0; i < 5; i++)
            arena_pool_give(pool, a[i]);
    }
    arena_pool_give(pool, NULL);
    arena_pool_destroy(pool);
    arena_pool_destroy(NULL);
}

static void arena_refuses_over_its_cap(void **state)
{
    struct arena *a = arena_create(1000);

    (void)state;
    assert_null(arena_alloc(a, 1001));
    assert_null(arena_alloc(a, SIZE_MAX));
    assert_null(arena_calloc(a, SIZE_MAX / 2, 3));
    assert_non_null(arena_calloc(a, 10, 50));
    assert_in_range(arena_used(a), 500, 512);
    assert_null(arena_alloc(a, 600));
    assert_non_null(arena_alloc(a, 0));
    arena_destroy(a);
}

static void arena_strings(void **state)
{
    struct arena *a = arena_create(0);

    (void)state;
    assert_string_equal(arena_strdup(a, "hello"), "hello");
    assert_null(arena_strdup(a, NULL));
    assert_string_equal(arena_strndup(a, "hello", 2), "he");
    assert_string_equal(arena_strndup(a, "hello", 99), "hello");
    assert_null(arena_strndup(a, NULL, 3));
    assert_string_equal(arena_printf(a, "%s-%05d", "x", 42), "x-00042");
    assert_int_equal(strlen(arena_printf(a, "%5000d", 1)), 5000);
    arena_destroy(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buf_grows),
        cmocka_unit_test(buf_stops_at_its_cap),
        cmocka_unit_test(buf_take_gives_the_memory),
        cmocka_unit_test(arena_memory_is_zero_aligned_and_apart),
        cmocka_unit_test(arena_reset_gives_zeroed_memory_again),
        cmocka_unit_test(arena_pool_gives_empty_arenas),
        cmocka_unit_test(arena_refuses_over_its_cap),
        cmocka_unit_test(arena_strings),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
