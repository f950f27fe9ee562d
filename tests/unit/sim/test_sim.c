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
#include "sim/compare.h"
#include "sim/ends.h"
#include "sim/generate.h"
#include "sim/policy.h"
#include "sim/scenario.h"
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
        "submit_time_s,vc,gpus,duration_s\n0,a,65537,1\n",
        "submit_time_s,vc,gpus,duration_s,priority\n0,a,1,1,high\n",
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

/* A file that holds `text`, for one test. */
static void write_file(char *path, const char *text)
{
    int fd = mkstemp(path);
    FILE *f = fd < 0 ? NULL : fdopen(fd, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* What a comparison prints as CSV; NULL when it fails. */
static char *compare_csv(const struct compare *c, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    int rc = compare_run(c, out, e);
    fclose(out);
    if (!rc)
        return text;
    assert_int_equal(len, 0); /* a report is whole or not there */
    free(text);
    return NULL;
}

/* Two virtual clusters of one node each. `a` runs 8 GPUs for 100 s and wants 8 more: its own node is busy, so the
 * second waits 100 s under quotas, and none in one pool. */
static void replays_what_a_hand_can_reckon(void **state)
{
    char path[] = "/tmp/drover-trace-XXXXXX";
    struct err e = {0};
    struct compare c = {
        .trace = path, .gpus = 16, .class_percent = {0, 100, 0, 0}, .age_ms = -1, .grace_ms = -1, .format = REPORT_CSV};
    (void)state;
    write_file(path, "submit_time_s,vc,gpus,duration_s\n0,a,8,100\n0,a,8,100\n150,b,8,200\n");
    char *text = compare_csv(&c, &e);
    assert_non_null(text);
    assert_non_null(strstr(text, "\nfifo,wait_s,,3,0.000,0.000,0.000,0.000,0.000,\n"));
    assert_non_null(strstr(text, "\nshape,wait_s,,3,33.333,0.000,100.000,100.000,100.000,\n"));
    assert_non_null(strstr(text, "\nshape,vc_sharing_cost_s,a,2,0.000,0.000,0.000,0.000,0.000,\n"));
    assert_non_null(strstr(text, "\nfifo,vc_sharing_cost_s,a,2,-50.000,-100.000,0.000,0.000,0.000,\n"));
    free(text);
    c.gpus = 12;
    assert_null(compare_csv(&c, &e));
    c.gpus = 8;
    assert_null(compare_csv(&c, &e));
    c.gpus = 16;
    c.policies = "shape,none";
    assert_null(compare_csv(&c, &e));
    remove(path);
    c.policies = NULL;
    assert_null(compare_csv(&c, &e));
}

/* An opportunistic job on `b`'s node is told to stop at 100 s, leaves 30 s later, has saved 120 of its 130 s, and ends
 * 880 s after it begins again: at 230 + 880. 8 GPUs times 10 s are lost. */
static void counts_what_preemption_costs(void **state)
{
    char path[] = "/tmp/drover-trace-XXXXXX";
    struct err e = {0};
    struct compare c = {.trace = path,
                        .gpus = 16,
                        .policies = "shape",
                        .checkpoint_ms = 60000,
                        .age_ms = -1,
                        .grace_ms = -1,
                        .format = REPORT_CSV};
    (void)state;
    write_file(path, "submit_time_s,vc,gpus,duration_s,priority,user\n"
                     "0,a,8,1000,test,u\n0,a,8,1000,oppo,v\n100,b,8,100,prod,w\n");
    char *text = compare_csv(&c, &e);
    assert_non_null(text);
    assert_non_null(strstr(text, "\nshape,preemptions,,,,,,,,1.000\n"));
    assert_non_null(strstr(text, "\nshape,lost_gpu_hours,,,,,,,,0.022\n"));
    assert_non_null(strstr(text, "\nshape,vc_sharing_cost_s,b,1,30.000,30.000,30.000,30.000,30.000,\n"));
    assert_non_null(strstr(text, "\nshape,vc_beyond_grace_s,b,0,,,,,0.000,\n"));
    assert_non_null(strstr(text, "\nshape,slowdown,,3,1.137,1.110,1.300,1.300,1.300,\n"));
    free(text);
    remove(path);
}

static void takes_a_described_cluster(void **state)
{
    static const char cells[] = "\"cell_types\": {\"node\": {\"child\": \"gpu\", \"count\": 4, \"node\": true}}, "
                                "\"cells\": [{\"type\": \"node\"}, {\"type\": \"node\"}]";
    char trace[] = "/tmp/drover-trace-XXXXXX", text[1024];
    struct err e = {0};
    static const char *const rest[] = {
        ("\"vcs\": {\"b\": {\"cells\": [{\"cell\": \"node\", \"count\": 1}]}, \"a\": {\"cells\": [{\"cell\": \"node\", "
         "\"count\": 1}]}}, \"policies\": {\"mine\": {\"quota\": \"count\", \"ageSeconds\": 0}}"),
        "\"vcs\": {\"b\": {}}",                        /* does not know a */
        "\"policies\": {\"shape\": {}}",               /* named twice */
        "\"policies\": {\"x\": {\"quota\": \"all\"}}", /* no such quota */
        "\"policies\": {\"x\": {\"passing\": false}}", /* classes need passing */
        "\"policies\": {\"a,b\": {}}",                 /* could not be chosen, nor told apart in CSV */
        "\"colour\": 1",
    };
    (void)state;
    write_file(trace, "submit_time_s,vc,gpus,duration_s\n0,a,4,100\n0,a,5,100\n");
    for (size_t i = 0; i < sizeof rest / sizeof rest[0]; i++) {
        char path[] = "/tmp/drover-cluster-XXXXXX";
        struct compare c = {.trace = trace,
                            .cluster = path,
                            .policies = i ? NULL : "mine",
                            .class_percent = {0, 100, 0, 0},
                            .age_ms = -1,
                            .grace_ms = -1,
                            .format = REPORT_CSV};
        snprintf(text, sizeof text, "{%s, %s}", cells, rest[i]);
        write_file(path, text);
        char *out = compare_csv(&c, &e);
        assert_true(!out == (i > 0));
        if (out) {
            assert_non_null(strstr(out, "\nmine,ran,,,,,,,,1.000\n"));
            assert_non_null(strstr(out, "\nmine,above_quota,,,,,,,,1.000\n"));
        }
        free(out);
        remove(path);
    }
    remove(trace);
}

static void pops_ends_in_order_after_moves(void **state)
{
    struct ends h;
    struct end en[5] = {{0}};
    (void)state;
    assert_int_equal(ends_init(&h, 5), 0);
    for (int i = 0; i < 5; i++) {
        en[i].seq = i;
        ends_set(&h, &en[i], 10 * (i + 1));
    }
    ends_set(&h, &en[4], 15);
    ends_set(&h, &en[0], 30);
    static const int order[] = {4, 1, 0, 2, 3};
    for (int i = 0; i < 5; i++)
        assert_ptr_equal(ends_pop(&h), &en[order[i]]);
    assert_null(ends_next(&h));
    ends_fini(&h);
}

static char *generated(const struct generate *g, struct err *e)
{
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    int rc = generate_trace(g, out, e);
    fclose(out);
    if (!rc)
        return text;
    free(text);
    return NULL;
}

static void generates_the_same_from_the_same_seed(void **state)
{
    struct generate g = {
        .jobs = 500, .vcs = 4, .users = 20, .gpus = 64, .load_percent = 80, .oppo_percent = 20, .seed = 7};
    struct err e = {0};
    struct trace t = {0};
    double hours = 0;
    char *one = generated(&g, &e), *two = generated(&g, &e);
    (void)state;
    assert_non_null(one);
    assert_string_equal(one, two);
    free(two);
    g.seed = 8;
    two = generated(&g, &e);
    assert_string_not_equal(one, two);
    FILE *f = fmemopen(one, strlen(one), "r");
    assert_int_equal(trace_read_stream(f, &t, &e), 0);
    fclose(f);
    assert_int_equal(t.job_count, 500);
    assert_int_equal(t.vc_count, 4);
    assert_true(t.user_count > 10 && t.user_count <= 20);
    for (size_t i = 0; i < t.vc_count; i++)
        hours += t.vcs[i].gpu_hours;
    double load = hours * 3600 / 64 / ((double)t.jobs[499].submit_ms / 1000);
    assert_true(load > 0.75 && load < 0.85); /* arrivals follow the clock: a part of a day moves the last one */
    trace_read_fini(&t);
    free(one);
    free(two);
    g.users = 3;
    assert_null(generated(&g, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_scenarios_pass),
        cmocka_unit_test(reads_columns_in_any_order),
        cmocka_unit_test(refuses_bad_rows),
        cmocka_unit_test(replays_what_a_hand_can_reckon),
        cmocka_unit_test(counts_what_preemption_costs),
        cmocka_unit_test(takes_a_described_cluster),
        cmocka_unit_test(pops_ends_in_order_after_moves),
        cmocka_unit_test(generates_the_same_from_the_same_seed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
