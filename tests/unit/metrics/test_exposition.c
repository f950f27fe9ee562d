/* SPDX-License-Identifier: MIT
 *
 * The text of metrics: both formats to the byte, what is escaped, and which one an Accept header gets.
 */
#include "metrics/exposition.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/buf.h"

static const struct exposition_family memory = {"x_memory_bytes", EXPOSITION_GAUGE, "bytes", "What\nis \\ \"used\"."};
static const struct exposition_family work = {"x_work", EXPOSITION_COUNTER, NULL, "Work done."};

static void expect(bool open, const char *text)
{
    static const char *const plain[] = {"node", "n1", "modelName", "A100", NULL};
    static const char *const odd[] = {"node", "a\"b\\c\nd\xc3\xa9", NULL};
    struct buf b;
    struct exposition x = {.out = &b, .open = open};

    buf_init(&b, 4096);
    exposition_begin(&x, &memory);
    exposition_sample(&x, plain, 1.0 * (1 << 30));
    exposition_sample(&x, odd, 0.1);
    exposition_sample(&x, NULL, NAN);
    exposition_begin(&x, &work);
    exposition_sample(&x, NULL, 9007199254740991.0);
    assert_int_equal(exposition_end(&x), 0);
    assert_string_equal(buf_str(&b), text);
    buf_fini(&b);
}

static void plain_text_is_prometheus_own(void **state)
{
    (void)state;
    expect(false, "# HELP x_memory_bytes What\\nis \\\\ \"used\".\n"
                  "# TYPE x_memory_bytes gauge\n"
                  "x_memory_bytes{node=\"n1\",modelName=\"A100\"} 1073741824\n"
                  "x_memory_bytes{node=\"a\\\"b\\\\c\\nd\xc3\xa9\"} 0.1\n"
                  "x_memory_bytes NaN\n"
                  "# HELP x_work_total Work done.\n"
                  "# TYPE x_work_total counter\n"
                  "x_work_total 9007199254740991\n");
}

static void open_metrics_knows_units_and_has_an_end(void **state)
{
    (void)state;
    expect(true, "# HELP x_memory_bytes What\\nis \\\\ \\\"used\\\".\n"
                 "# TYPE x_memory_bytes gauge\n"
                 "# UNIT x_memory_bytes bytes\n"
                 "x_memory_bytes{node=\"n1\",modelName=\"A100\"} 1073741824\n"
                 "x_memory_bytes{node=\"a\\\"b\\\\c\\nd\xc3\xa9\"} 0.1\n"
                 "x_memory_bytes NaN\n"
                 "# HELP x_work Work done.\n"
                 "# TYPE x_work counter\n"
                 "x_work_total 9007199254740991\n"
                 "# EOF\n");
}

static void histograms_are_cumulative(void **state)
{
    static const struct exposition_family waits = {"x_wait_seconds", EXPOSITION_HISTOGRAM, "seconds", "Waits."};
    static const char *const labels[] = {"vc", "v", NULL}, *const bounds[] = {"1.0", "60.0"};
    static const uint64_t counts[] = {3, 0, 2};
    struct buf b;
    struct exposition x = {.out = &b};

    (void)state;
    buf_init(&b, 4096);
    exposition_begin(&x, &waits);
    exposition_histogram(&x, labels, &(struct exposition_buckets){bounds, counts, 2, 130.5});
    exposition_histogram(&x, NULL, &(struct exposition_buckets){bounds, counts, 0, 1});
    assert_string_equal(buf_str(&b), "# HELP x_wait_seconds Waits.\n"
                                     "# TYPE x_wait_seconds histogram\n"
                                     "x_wait_seconds_bucket{vc=\"v\",le=\"1.0\"} 3\n"
                                     "x_wait_seconds_bucket{vc=\"v\",le=\"60.0\"} 3\n"
                                     "x_wait_seconds_bucket{vc=\"v\",le=\"+Inf\"} 5\n"
                                     "x_wait_seconds_sum{vc=\"v\"} 130.5\n"
                                     "x_wait_seconds_count{vc=\"v\"} 5\n"
                                     "x_wait_seconds_bucket{le=\"+Inf\"} 3\n"
                                     "x_wait_seconds_sum 1\n"
                                     "x_wait_seconds_count 3\n");
    buf_fini(&b);
}

static void a_short_buffer_is_told(void **state)
{
    struct buf b;
    struct exposition x = {.out = &b};

    (void)state;
    buf_init(&b, 40);
    exposition_begin(&x, &memory);
    assert_int_equal(exposition_end(&x), -1);
    buf_fini(&b);
}

static void accept_headers_are_understood(void **state)
{
    static const struct {
        const char *accept;
        bool open;
    } rows[] = {
        {NULL, false},
        {"", false},
        {"*/*", false},
        {"text/html, */*;q=0.8", false},
        {"application/openmetrics-text", true},
        {"Application/OpenMetrics-Text; version=1.0.0; charset=utf-8", true},
        {"application/openmetrics-textual", false},
        {"application/openmetrics-text;q=0", false},
        {"application/openmetrics-text;q=0.000, text/plain", false},
        {"text/plain;q=0.9,application/openmetrics-text;q=0.8", false},
        {"text/plain;q=0.5 , application/openmetrics-text;q=0.75", true},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;q=0.75,"
         "text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         true}, /* Prometheus 2.42 */
        {"text/plain;version=0.0.4;q=1,*/*;q=0.1", false},
        {"application/openmetrics-text;q=", false},
        {"application/openmetrics-text;q=abc", false},
        {",,,;;;", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
        if (exposition_wants_open(rows[i].accept) != rows[i].open)
            fail_msg("%s", rows[i].accept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_is_prometheus_own),  cmocka_unit_test(open_metrics_knows_units_and_has_an_end),
        cmocka_unit_test(histograms_are_cumulative),     cmocka_unit_test(a_short_buffer_is_told),
        cmocka_unit_test(accept_headers_are_understood),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
