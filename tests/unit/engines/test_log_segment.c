/* SPDX-License-Identifier: MIT
 *
 * Packed logs: what comes out is what went in, from any place on, and what is damaged says so.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"
#include "engines/local/log_segment.h"
#include "engines/local/log_shelf.h"

#define FRAME ((int64_t)LOG_SEGMENT_FRAME)

/* A log and its packed form. */
struct pair {
    char *text;
    int64_t size;
    int plain, packed; /* files in memory */
};

/* Byte `i` of a log: lines, some of them noise, so that frames have different lengths. */
static char byte(int64_t i)
{
    return i % 61 == 60 ? '\n' : (i / FRAME) % 2 ? (char)('a' + (i * 2654435761u >> 13) % 26) : 'x';
}

static void pair_make(struct pair *p, int64_t size)
{
    struct log_encoder *c = log_encoder_create(NULL);
    struct err e = {0};
    struct stat st;

    p->size = size;
    p->text = malloc((size_t)size);
    assert_non_null(p->text);
    for (int64_t i = 0; i < size; i++)
        p->text[i] = byte(i);
    p->plain = memfd_create("plain", MFD_CLOEXEC);
    p->packed = memfd_create("packed", MFD_CLOEXEC);
    assert_int_equal(fs_write_all(p->plain, p->text, (size_t)size), 0);
    int64_t n = log_encoder_pack(c, p->plain, size, p->packed, &e);
    assert_int_equal(fstat(p->packed, &st), 0);
    assert_int_equal(n, st.st_size);
    log_encoder_destroy(c);
}

static void pair_drop(struct pair *p)
{
    free(p->text);
    (void)close(p->plain);
    (void)close(p->packed);
}

/* That a read gives what the log has there. */
static void same(const struct log_shelved *f, const struct pair *p, int64_t at, size_t len)
{
    char *out = malloc(len + 1);
    int64_t there = at >= p->size ? 0 : p->size - at < (int64_t)len ? p->size - at : (int64_t)len;

    assert_non_null(out);
    assert_int_equal(log_shelf_read(f, at, out, len, NULL), there);
    if (there > 0)
        assert_memory_equal(out, p->text + at, (size_t)there);
    free(out);
}

static void any_range_of_any_size_is_the_same(void **state)
{
    static const int64_t sizes[] = {1, 2, FRAME - 1, FRAME, FRAME + 1, 3 * FRAME, 5 * FRAME + 12345};
    struct log_shelf *s = log_shelf_create("/", NULL);

    (void)state;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        const int64_t n = sizes[i];
        struct log_shelved f;
        struct err e = {0};
        struct pair p;

        pair_make(&p, n);
        assert_int_equal(log_shelf_open(s, &f, p.packed, &e), 0);
        assert_int_equal(f.segment.size, n);
        assert_int_equal(f.segment.frames, (n + FRAME - 1) / FRAME);
        same(&f, &p, 0, (size_t)n);
        same(&f, &p, 0, (size_t)n + 1);
        same(&f, &p, n - 1, 1);
        same(&f, &p, n, 100);
        same(&f, &p, n + FRAME * 9, 100);
        for (int64_t at = n - 1; at >= 0; at -= FRAME / 3) /* backwards, across the ends of frames */
            same(&f, &p, at, (size_t)(FRAME / 2 + 7));
        pair_drop(&p);
    }
    log_shelf_destroy(s);
}

/* More logs at once than there are decoders: none gets another's bytes. */
static void readers_take_turns(void **state)
{
    enum { LOGS = 7 };
    struct log_shelf *s = log_shelf_create("/", NULL);
    struct log_shelved f[LOGS];
    struct pair p[LOGS];

    (void)state;
    for (int i = 0; i < LOGS; i++) {
        pair_make(&p[i], FRAME + 1000 * (i + 1));
        memset(p[i].text, 'A' + i, (size_t)p[i].size);
        assert_int_equal(pwrite(p[i].plain, p[i].text, (size_t)p[i].size, 0), p[i].size);
        struct log_encoder *c = log_encoder_create(NULL);
        assert_int_equal(ftruncate(p[i].packed, 0) || lseek(p[i].packed, 0, SEEK_SET), 0);
        assert_true(log_encoder_pack(c, p[i].plain, p[i].size, p[i].packed, NULL) > 0);
        log_encoder_destroy(c);
        assert_int_equal(log_shelf_open(s, &f[i], p[i].packed, NULL), 0);
    }
    for (int64_t at = 0; at < 2 * FRAME; at += 50000)
        for (int i = 0; i < LOGS; i++)
            same(&f[i], &p[i], at, 50000);
    for (int i = 0; i < LOGS; i++)
        pair_drop(&p[i]);
    log_shelf_destroy(s);
}

/* Whether all of the log can be read; if so, it is the log. */
static bool readable(struct log_shelf *s, const struct pair *p, struct err *e)
{
    struct log_shelved f;
    char *out = malloc((size_t)p->size);
    bool whole = false;

    assert_non_null(out);
    *e = (struct err){0};
    if (log_shelf_open(s, &f, p->packed, e) == 0) {
        int64_t n = log_shelf_read(&f, 0, out, (size_t)p->size, e);
        whole = n >= 0;
        if (whole) {
            assert_int_equal(n, p->size);
            assert_memory_equal(out, p->text, (size_t)p->size);
        }
    }
    free(out);
    return whole;
}

static void a_changed_byte_never_gives_other_bytes(void **state)
{
    struct log_shelf *s = log_shelf_create("/", NULL);
    struct pair p;
    struct stat st;
    struct err e;

    (void)state;
    pair_make(&p, 2 * FRAME + 99);
    assert_int_equal(fstat(p.packed, &st), 0);
    assert_true(readable(s, &p, &e));
    /* Some of the frames, all of the index. */
    const int64_t index = st.st_size - 100;
    for (int64_t at = 0, next; at < st.st_size; at = next) {
        unsigned char before, after;

        next = at >= index ? at + 1 : at + 997 < index ? at + 997 : index;
        assert_int_equal(pread(p.packed, &before, 1, at), 1);
        after = before ^ 0x10;
        assert_int_equal(pwrite(p.packed, &after, 1, at), 1);
        if (readable(s, &p, &e))
            fail_msg("a change at %lld is not seen", (long long)at);
        assert_int_equal(e.code, ERR_DAMAGED_LOG);
        assert_non_null(strstr(e.text, "The packed log is damaged"));
        assert_int_equal(pwrite(p.packed, &before, 1, at), 1);
    }
    assert_true(readable(s, &p, &e));
    pair_drop(&p);
    log_shelf_destroy(s);
}

static void a_file_cut_anywhere_is_damaged(void **state)
{
    struct log_shelf *s = log_shelf_create("/", NULL);
    struct pair p;
    struct stat st;
    struct err e;

    (void)state;
    pair_make(&p, FRAME + 99);
    assert_int_equal(fstat(p.packed, &st), 0);
    for (int64_t len = st.st_size - 1; len >= 0; len -= len > st.st_size - 100 || len < 100 ? 1 : 991) {
        assert_int_equal(ftruncate(p.packed, len), 0);
        assert_false(readable(s, &p, &e));
        assert_int_equal(e.code, ERR_DAMAGED_LOG);
    }
    pair_drop(&p);
    log_shelf_destroy(s);
}

/* One that owns the file may change it while it is open. */
static void a_file_that_shrinks_while_open_is_damaged(void **state)
{
    struct log_shelf *s = log_shelf_create("/", NULL);
    struct log_shelved f;
    struct err e = {0};
    struct pair p;
    char out[100];

    (void)state;
    pair_make(&p, FRAME + 99);
    assert_int_equal(log_shelf_open(s, &f, p.packed, &e), 0);
    assert_int_equal(ftruncate(p.packed, 10), 0);
    assert_int_equal(log_shelf_read(&f, 0, out, sizeof(out), &e), -1);
    assert_string_equal(e.text, "The packed log is damaged: it is cut off.");
    pair_drop(&p);
    log_shelf_destroy(s);
}

static void packing_ends_when_asked_and_refuses_what_is_not_there(void **state)
{
    atomic_bool quit = true;
    struct log_encoder *c = log_encoder_create(&quit);
    struct err e = {0};
    struct pair p;

    (void)state;
    pair_make(&p, 100);
    assert_int_equal(log_encoder_pack(c, p.plain, 100, p.packed, &e), -1);
    assert_int_equal(e.code, ERR_BUSY);
    atomic_store(&quit, false);
    assert_int_equal(log_encoder_pack(c, p.plain, 101, p.packed, &e), -1);
    assert_string_equal(e.text, "The log has become shorter.");
    assert_int_equal(log_encoder_pack(c, p.plain, 0, p.packed, &e), -1);
    assert_int_equal(log_encoder_pack(c, p.plain, LOG_SEGMENT_MAX + 1, p.packed, &e), -1);
    pair_drop(&p);
    log_encoder_destroy(c);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_range_of_any_size_is_the_same),
        cmocka_unit_test(readers_take_turns),
        cmocka_unit_test(a_changed_byte_never_gives_other_bytes),
        cmocka_unit_test(a_file_cut_anywhere_is_damaged),
        cmocka_unit_test(a_file_that_shrinks_while_open_is_damaged),
        cmocka_unit_test(packing_ends_when_asked_and_refuses_what_is_not_there),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
