/* SPDX-License-Identifier: MIT
 *
 * Requests of remote write, to the byte; order within a series, stale markers, and where a request ends.
 */
#include "metrics/remote.h"

#include <setjmp.h>
#include <snappy-c.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/buf.h"

/* What was given out. */
struct got {
    int requests, samples, most;
    int64_t oldest_ms;
    struct buf last; /* uncompressed */
};

static void full(void *ctx, const struct remote_request *in)
{
    struct got *g = ctx;
    size_t len = 0;
    assert_int_equal(snappy_uncompressed_length(in->body->data, in->body->len, &len), SNAPPY_OK);
    char *text = malloc(len + 1);
    assert_non_null(text);
    assert_int_equal(snappy_uncompress(in->body->data, in->body->len, text, &len), SNAPPY_OK);
    g->requests++;
    g->samples += in->samples;
    g->most = in->samples > g->most ? in->samples : g->most;
    g->oldest_ms = in->oldest_ms;
    buf_reset(&g->last);
    assert_int_equal(buf_add(&g->last, text, len), 0);
    free(text);
}

static const char *const own[] = {"job", "drover", NULL};

static struct remote *make(struct got *g)
{
    const struct remote_config c = {.labels = own, .full = full, .ctx = g};
    *g = (struct got){0};
    buf_init(&g->last, 0);
    struct remote *r = remote_create(&c, NULL);
    assert_non_null(r);
    return r;
}

static void done(struct remote *r, struct got *g)
{
    remote_destroy(r);
    buf_fini(&g->last);
}

static void assert_last(const struct got *g, const char *bytes, size_t len)
{
    assert_int_equal(g->last.len, len);
    assert_memory_equal(g->last.data, bytes, len);
}

#define NAME "\x0a\x0d\x0a\x08__name__\x12\x01m"
#define LABEL_A                                                                                                        \
    "\x0a\x06\x0a\x01"                                                                                                 \
    "a\x12\x01"                                                                                                        \
    "1"
#define LABEL_JOB                                                                                                      \
    "\x0a\x0d\x0a\x03job\x12\x06"                                                                                      \
    "drover"
#define ONE_AT_5 "\x12\x0b\x09\0\0\0\0\0\0\xf0\x3f\x10\x05"
#define STALE_AT_6 "\x12\x0b\x09\x02\0\0\0\0\0\xf0\x7f\x10\x06"
#define REQUEST(samples) "\x0a\x33" NAME LABEL_A LABEL_JOB samples

static void a_series_to_the_byte_and_its_end(void **state)
{
    static const char *const labels[] = {"empty", "", "a", "1", NULL};
    static const char first[] = REQUEST(ONE_AT_5), last[] = REQUEST(STALE_AT_6);
    struct got g;
    struct remote *r = make(&g);
    (void)state;
    remote_begin(r);
    remote_series(r, "m", labels);
    remote_sample(r, 5, 1.0);
    assert_int_equal(remote_end(r, NULL), 0);
    assert_int_equal(g.oldest_ms, 5);
    assert_last(&g, first, sizeof first - 1);
    /* It is named, without a new sample: it goes on. */
    remote_begin(r);
    remote_series(r, "m", labels);
    assert_int_equal(remote_end(r, NULL), 0);
    assert_int_equal(g.requests, 1);
    /* It is not: it ends, once. */
    for (int i = 0; i < 2; i++) {
        remote_begin(r);
        assert_int_equal(remote_end(r, NULL), 0);
    }
    assert_int_equal(g.requests, 2);
    assert_last(&g, last, sizeof last - 1);
    done(r, &g);
}

static void nothing_is_sent_twice_or_out_of_order(void **state)
{
    struct got g;
    struct remote *r = make(&g);
    (void)state;
    remote_begin(r);
    for (int i = 0; i < 2; i++) { /* also where a series is named twice */
        remote_series(r, "m", NULL);
        for (int64_t at = 1; at <= 10; at++)
            remote_sample(r, at, 0);
        remote_sample(r, 10, 1);
        remote_sample(r, 3, 1);
    }
    assert_int_equal(remote_end(r, NULL), 0);
    assert_int_equal(g.samples, 10);
    done(r, &g);
}

static void requests_have_an_end(void **state)
{
    static char value[60000];
    const char *const labels[] = {"long", value, NULL};
    struct got g;
    struct remote *r = make(&g);
    (void)state;
    remote_begin(r);
    remote_series(r, "m", NULL);
    for (int64_t at = 1; at <= 2 * REMOTE_SAMPLES_MAX + 1; at++)
        remote_sample(r, at, (double)at);
    assert_int_equal(g.requests, 2); /* the series goes on in the next */
    assert_int_equal(remote_end(r, NULL), 0);
    assert_int_equal(g.samples, 2 * REMOTE_SAMPLES_MAX + 1);
    assert_int_equal(g.most, REMOTE_SAMPLES_MAX);
    /* And one by its bytes: few samples of series with much to say. */
    memset(value, 'v', sizeof value - 1);
    remote_begin(r);
    for (int i = 0; i < 100; i++) {
        value[0] = (char)(' ' + i % 90);
        value[1] = (char)('0' + i / 90);
        remote_series(r, "l", labels);
        remote_sample(r, 1, 1);
    }
    g.requests = 0;
    assert_int_equal(remote_end(r, NULL), 0);
    assert_true(g.last.len < 2 << 20);
    done(r, &g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_series_to_the_byte_and_its_end),
        cmocka_unit_test(nothing_is_sent_twice_or_out_of_order),
        cmocka_unit_test(requests_have_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
