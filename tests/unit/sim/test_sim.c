/* SPDX-License-Identifier: MIT
 *
 * The scenarios, the trace reader and a replay small enough to be reckoned by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/err.h"
#include "sim/scenario.h"
#include "sim/trace.h"
#include "sim/trace_read.h"

static void all_scenarios_pass(void **state)
{
    struct err e = {0};
    FILE *out = tmpfile();
    (void)state;
    assert_non_null(out);
    assert_int_equal(scenario_run_file(DROVER_SOURCE "/tests/sim/hived.json", out, &e), 0);
    assert_int_equal(scenario_run_file(DROVER_SOURCE "/tests/sim/wrong.json", out, &e), 6);
    assert_int_equal(scenario_run_file(DROVER_SOURCE "/tests/sim/none.json", out, &e), -1);
    fclose(out);
}

static int read_text(const char *text, struct trace *t, struct err *e)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", text);
    FILE *f = fmemopen(copy, strlen(copy), "r");
    assert_non_null(f);
    *t = (struct trace){0};
    int rc = trace_read_stream(f, t, e);
    fclose(f);
    return rc;
}

static void reads_columns_in_any_order(void **state)
{
    struct trace t;
    struct err e = {0};
    (void)state;
    assert_int_equal(read_text("gpus,vc,duration_s,x,submit_time_s\n8,b,60,?,5\n1,a,10,?,0\n0,a,10,?,1\n", &t, &e), 0);
    assert_int_equal(t.job_count, 2); /* without GPUs: left out */
    assert_int_equal(t.jobs[0].submit_ms, 0);
    assert_int_equal(t.jobs[1].gpus, 8);
    assert_string_equal(t.vcs[t.jobs[1].vc].name, "b");
    assert_int_equal(trace_read_quota(&t, 4, &e), 0);
    assert_int_equal(t.vcs[t.jobs[1].vc].nodes, 3); /* nearly all GPU-hours; the other keeps its one */
    assert_int_equal(trace_read_quota(&t, 1, &e), -1);
    trace_read_fini(&t);
}

static void refuses_bad_rows(void **state)
{
    static const char *const bad[] = {
        "submit_time_s,vc,gpus\n0,a,1\n",
        "submit_time_s,vc,gpus,duration_s\n0,a,1\n",
        "submit_time_s,vc,gpus,duration_s\n0,a,one,2\n",
        "submit_time_s,vc,gpus,duration_s\n-1,a,1,2\n",
        "submit_time_s,vc,gpus,duration_s\n0,a,1,nan\n",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct trace t;
        struct err e = {0};
        assert_int_equal(read_text(bad[i], &t, &e), -1);
        assert_int_equal(e.code, ERR_INVALID_PARAMETERS);
        trace_read_fini(&t);
    }
}

/* Two virtual clusters of one node each. `a` runs 8 GPUs for 100 s and wants 8 more: its own node is busy, so the
 * second waits 100 s under quotas, and none in one pool. */
static void replays_what_a_hand_can_reckon(void **state)
{
    char path[] = "/tmp/drover-trace-XXXXXX", text[8192];
    struct err e = {0};
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w"), *out = tmpfile();
    (void)state;
    assert_non_null(f);
    assert_non_null(out);
    fputs("submit_time_s,vc,gpus,duration_s\n0,a,8,100\n0,a,8,100\n150,b,8,200\n", f);
    fclose(f);
    assert_int_equal(trace_run(path, 16, out, &e), 0);
    rewind(out);
    text[fread(text, 1, sizeof text - 1, out)] = '\0';
    fclose(out);
    assert_non_null(strstr(text, "fifo           3       0         0         0         0         0"));
    assert_non_null(strstr(text, "shape          3       0        33         0       100       100"));
    assert_int_equal(trace_run(path, 12, stdout, &e), -1);
    assert_int_equal(trace_run(path, 8, stdout, &e), -1);
    remove(path);
    assert_int_equal(trace_run(path, 16, stdout, &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_scenarios_pass),
        cmocka_unit_test(reads_columns_in_any_order),
        cmocka_unit_test(refuses_bad_rows),
        cmocka_unit_test(replays_what_a_hand_can_reckon),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
