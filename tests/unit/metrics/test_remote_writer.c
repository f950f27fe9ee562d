/* SPDX-License-Identifier: MIT
 *
 * What becomes of samples that nobody takes: they wait, the oldest go first, all are counted, and the end is prompt.
 */
#include "metrics/remote_writer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/err.h"
#include "metrics/remote.h"
#include "metrics/remote_config.h"

enum { SAMPLES = 200000 };

/* Each look names one series; the first with so many samples of noise, which no packing makes small. */
struct noise {
    int64_t age_ms; /* of the first sample */
    int looks;
};

static int look(void *ctx, struct remote *to, int64_t at_ms, int64_t after_ms, struct err *e)
{
    struct noise *n = ctx;
    uint64_t x = 1;
    (void)after_ms;
    (void)e;
    remote_series(to, "noise", NULL);
    for (int i = 0; i < SAMPLES && !n->looks; i++) {
        double value;
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const uint64_t bits = x >> 2;
        memcpy(&value, &bits, sizeof value);
        remote_sample(to, at_ms - n->age_ms + i, value);
    }
    n->looks++;
    return 0;
}

/* What became of them by the time that all were looked at, and nobody could be reached once. */
static struct remote_stats run(int64_t age_ms)
{
    const struct timespec moment = {.tv_nsec = 5000000};
    struct remote_settings settings;
    struct noise n = {.age_ms = age_ms};
    struct remote_stats s = {0};
    struct err e = {0};
    remote_config_defaults(&settings);
    settings.queue_mb = 1;
    settings.interval_s = 1;
    snprintf(settings.url, sizeof settings.url, "http://127.0.0.1:1/");
    const struct remote_writer_config c = {.settings = &settings, .look = look, .ctx = &n};
    struct remote_writer *w = remote_writer_create(&c, &e);
    assert_non_null(w);
    assert_int_equal(remote_writer_start(w, &e), 0);
    for (int i = 0; i < 4000 && (s.waiting + s.dropped < SAMPLES || (!s.retries && s.waiting)); i++) {
        (void)nanosleep(&moment, NULL);
        remote_writer_stats(w, &s);
    }
    const int64_t begin = clock_read().mono;
    remote_writer_stop(w);
    assert_true(clock_read().mono - begin < 5000 * TEST_TIME_SCALE);
    remote_writer_stats(w, &s);
    remote_writer_destroy(w);
    assert_int_equal(s.taken, 0);
    assert_int_equal(s.refused, 0);
    assert_int_equal(s.waiting + s.dropped, SAMPLES);
    return s;
}

static void the_oldest_go_where_there_is_no_room(void **state)
{
    const struct remote_stats s = run(SAMPLES);
    (void)state;
    assert_true(s.waiting > 0);
    assert_true(s.dropped > 0);
    assert_true(s.retries > 0);
    assert_true(s.lag_ms < 3600000);
}

static void what_is_older_than_two_hours_goes(void **state)
{
    const struct remote_stats s = run(3 * 3600000);
    (void)state;
    /* But for the request that came last: nothing has been put behind it yet. */
    assert_true(s.waiting <= REMOTE_SAMPLES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_oldest_go_where_there_is_no_room),
        cmocka_unit_test(what_is_older_than_two_hours_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
