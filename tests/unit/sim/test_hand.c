/* SPDX-License-Identifier: MIT
 *
 * Every figure of drover-sim, reckoned by hand for nine jobs on two machines of 4 GPUs, X and Y, of which virtual
 * cluster a owns one and b the other (data/hand.csv, data/hand.json); what is preempted has saved its work every 40 s,
 * the grace is 30 s. Then: JSON, CSV and table say the same.
 *
 * Under `shape`; `2` opportunistic, 7 `prod`, all others `test`; 6 asks for 8 GPUs of 4 and is skipped.
 *
 *   s    what happens                                                          idle X, Y (s)    runs on: X       Y
 *   0    1 (a, 4, 100 s) and 2 (b, 2, 300 s) start                             0, 2 (10)        1111     22
 *   10   3 (b, 1, 50 s) starts beside 2, on b's machine                        0, 1 (40)        1111     223
 *   20   4 (b, 3, 100 s) needs all of Y: 2 is told to stop
 *   30   5 (a, 2, 60 s) waits: 1 has all of a's quota
 *   50   2 leaves; 40 of its 50 s are saved; 4 starts                          0, 0 (10)        1111     3444
 *   60   3 ends                                                                0, 1 (40)        1111     444
 *   100  1 ends; 5 starts, 2 (260 s left) beside it                            0, 1 (50)        5522     444
 *   120  7 (a, 2, 30 s, prod) needs 2's GPUs: 2 is told to stop
 *   150  4 ends; 2 leaves, 40 of 50 s saved; 7 starts; 2 (220 s left) on Y     0, 2 (10)        5577     22
 *   160  5 ends; 8 (b, 4, 20 s) needs all of Y: 2 is told to stop              2, 2 (20)        77       22
 *   180  7 ends                                                                4, 2 (10)                 22
 *   190  2 leaves, all 40 s saved; 8 starts; 2 (180 s left) on X               2, 0 (10)        22       8888
 *   200  9 (a, 1, 5 s) starts                                                  1, 0 (5)         229      8888
 *   205  9 ends                                                                2, 0 (5)         22       8888
 *   210  8 ends                                                                2, 4 (160)       22
 *   370  2 ends
 *
 *   job         1   2             3   4            5            7         8         9
 *   wait s      0   0             0   30           70           30        30        0
 *   slowdown    1   370/300       1   130/100      130/60       60/30     50/20     1 (shorter than 10 s)
 *
 * Busy: 4*100 + 2*(50+50+40+180) + 1*50 + 3*100 + 2*60 + 2*30 + 4*20 + 1*5 = 1655 GPU-s of 8*370 = 2960; idle 1305.
 * Pods of the trace (8 GPUs are two of 4): two of 1, three of 2, one of 3, four of 4. So a machine with k idle GPUs has
 * as fragments: 1: 1*8/10 = 0.8; 2: 2*5/10 = 1; 3: 3*4/10 = 1.2; 4: 0. Over time: 10*1 + 40*0.8 + 10*0 + 40*0.8 +
 * 50*0.8 + 10*1 + 20*2 + 10*1 + 10*1 + 5*0.8 + 5*1 + 160*1 = 353 GPU-s.
 * Lost: 2 GPUs for 10 s, twice = 40 GPU-s.
 * Served: a is due 100*4 + 20*2 + 40*4 + 20*2 + 5*1 = 645 (the smaller of 4 and what it wants) and gets 400 + 40 + 60 +
 * 40 + 40 + 5 = 585; b is due 10*1 + 40*4 + 90*3 + 50*4 = 640 and gets 10 + 30 + 40 + 270 + 80 = 430.
 * Alone, a's waits are 0, 70, 0, 0 (7 finds two idle) and b's are all 0. What sharing costs is the grace, thrice.
 *
 * Under `fifo`, one pool without classes, strictly in order:
 *
 *   s    what happens                                                          idle X, Y (s)    runs on: X       Y
 *   0    1 and 2 start                                                         0, 2 (10)        1111     22
 *   10   3 starts                                                              0, 1 (50)        1111     223
 *   60   3 ends; 4 waits for three on one machine, and all others behind it    0, 2 (40)        1111     22
 *   100  1 ends; 4 and 5 start                                                 1, 0 (60)        444      2255
 *   160  5 ends; 7 starts; 8 waits                                             1, 0 (30)        444      2277
 *   190  7 ends                                                                1, 2 (10)        444      22
 *   200  4 ends; 8 and 9 start                                                 0, 1 (5)         8888     229
 *   205  9 ends                                                                0, 2 (15)        8888     22
 *   220  8 ends                                                                4, 2 (80)                 22
 *   300  2 ends
 *
 *   wait s      0   0             0   80           70           40        40        0
 *   slowdown    1   1             1   180/100      130/60       70/30     60/20     1
 *
 * Busy 1615 of 2400, idle 785; fragments 10*1 + 50*0.8 + 40*1 + 60*0.8 + 30*0.8 + 10*1.8 + 5*0.8 + 15*1 + 80*1 = 279.
 * a is due 400 + 20*2 + 40*4 + 30*2 + 5 = 665, gets 400 + 40 + 80 + 60 + 5 = 585; b is due 10*1 + 40*4 + 100*3 + 40*4 +
 * 20*4 = 710, gets 10 + 40 + 60*3 + 40*3 + 20*4 = 430.
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
#include "base/json.h"
#include "sim/compare.h"

/* A row of the CSV: a spread (of so many jobs), or a value. */
struct row {
    const char *policy, *what, *of;
    int jobs; /* -1: a value, which is v[0] */
    double v[5];
};

#define JAIN2(x, y) (((x) + (y)) * ((x) + (y)) / (2 * ((x) * (x) + (y) * (y))))
#define JAIN3(x, y, z) (((x) + (y) + (z)) * ((x) + (y) + (z)) / (3 * ((x) * (x) + (y) * (y) + (z) * (z))))

static const struct row rows[] = {
    {"fifo", "wait_s", "", 8, {230.0 / 8, 0, 80, 80, 80}},
    {"fifo", "slowdown", "", 8, {13.3 / 8, 1, 3, 3, 3}},
    {"fifo", "wait_s", "oppo", 1, {0, 0, 0, 0, 0}},
    {"fifo", "wait_s", "test", 6, {190.0 / 6, 0, 80, 80, 80}},
    {"fifo", "wait_s", "prod", 1, {40, 40, 40, 40, 40}},
    {"fifo", "wait_s", "crit", 0, {0, 0, 0, 0, 0}},
    {"fifo", "vc_wait_s", "a", 4, {110.0 / 4, 0, 70, 70, 70}},
    {"fifo", "vc_sharing_cost_s", "a", 4, {10, 0, 40, 40, 40}},
    {"fifo", "vc_beyond_grace_s", "a", 1, {40}},
    {"fifo", "vc_served_percent", "a", -1, {100 * 585.0 / 665}},
    {"fifo", "vc_wait_s", "b", 4, {120.0 / 4, 0, 80, 80, 80}},
    {"fifo", "vc_sharing_cost_s", "b", 3, {40, 40, 80, 80, 80}},
    {"fifo", "vc_beyond_grace_s", "b", 2, {80}},
    {"fifo", "vc_served_percent", "b", -1, {100 * 430.0 / 710}},
    {"fifo", "ran", "", -1, {8}},
    {"fifo", "above_quota", "", -1, {1}},
    {"fifo", "never_started", "", -1, {0}},
    {"fifo", "use_percent", "", -1, {100 * 1615.0 / 2400}},
    {"fifo", "fragmented_percent", "", -1, {100 * 279.0 / 785}},
    {"fifo", "preemptions", "", -1, {0}},
    {"fifo", "lost_gpu_hours", "", -1, {0}},
    {"fifo", "fairness_vc", "", -1, {JAIN2(585.0 / 665, 430.0 / 710)}},
    {"fifo", "fairness_user", "", -1, {JAIN3((2 + 13.0 / 6) / 3, (1 + 1 + 1.8 + 3) / 4, 7.0 / 3)}},
    {"shape", "wait_s", "", 8, {20, 0, 70, 70, 70}},
    {"shape", "slowdown", "", 8, {12.2 / 8, 37.0 / 30, 2.5, 2.5, 2.5}},
    {"shape", "wait_s", "oppo", 1, {0, 0, 0, 0, 0}},
    {"shape", "wait_s", "test", 6, {130.0 / 6, 0, 70, 70, 70}},
    {"shape", "wait_s", "prod", 1, {30, 30, 30, 30, 30}},
    {"shape", "wait_s", "crit", 0, {0, 0, 0, 0, 0}},
    {"shape", "vc_wait_s", "a", 4, {25, 0, 70, 70, 70}},
    {"shape", "vc_sharing_cost_s", "a", 4, {7.5, 0, 30, 30, 30}},
    {"shape", "vc_beyond_grace_s", "a", 0, {0}},
    {"shape", "vc_served_percent", "a", -1, {100 * 585.0 / 645}},
    {"shape", "vc_wait_s", "b", 4, {15, 0, 30, 30, 30}},
    {"shape", "vc_sharing_cost_s", "b", 3, {20, 30, 30, 30, 30}},
    {"shape", "vc_beyond_grace_s", "b", 0, {0}},
    {"shape", "vc_served_percent", "b", -1, {100 * 430.0 / 640}},
    {"shape", "ran", "", -1, {8}},
    {"shape", "above_quota", "", -1, {1}},
    {"shape", "never_started", "", -1, {0}},
    {"shape", "use_percent", "", -1, {100 * 1655.0 / 2960}},
    {"shape", "fragmented_percent", "", -1, {100 * 353.0 / 1305}},
    {"shape", "preemptions", "", -1, {3}},
    {"shape", "lost_gpu_hours", "", -1, {40.0 / 3600}},
    {"shape", "fairness_vc", "", -1, {JAIN2(585.0 / 645, 430.0 / 640)}},
    {"shape", "fairness_user", "", -1, {JAIN3((2 + 13.0 / 6) / 3, (37.0 / 30 + 1 + 1.3 + 2.5) / 4, 2.0)}},
};
enum { ROWS = sizeof rows / sizeof rows[0], PER_POLICY = ROWS / 2 };

/* What drover-sim prints; to be freed. */
static char *printed(enum report_format format)
{
    const struct compare c = {.trace = TEST_DATA "/hand.csv",
                              .cluster = TEST_DATA "/hand.json",
                              .policies = "fifo,shape",
                              .class_percent = {0, 100, 0, 0},
                              .checkpoint_ms = 40000,
                              .age_ms = -1,
                              .grace_ms = -1,
                              .format = format};
    char *text = NULL;
    size_t len = 0;
    struct err e = {0};
    FILE *out = open_memstream(&text, &len);
    assert_non_null(out);
    if (compare_run(&c, out, &e))
        fail_msg("%s", e.text);
    fclose(out);
    return text;
}

static void print_row(FILE *out, const struct row *r)
{
    if (r->jobs < 0)
        fprintf(out, "%s,%s,%s,,,,,,,%.3f\n", r->policy, r->what, r->of, r->v[0]);
    else if (!strcmp(r->what, "vc_beyond_grace_s"))
        fprintf(out, "%s,%s,%s,%d,,,,,%.3f,\n", r->policy, r->what, r->of, r->jobs, r->v[0]);
    else
        fprintf(out, "%s,%s,%s,%d,%.3f,%.3f,%.3f,%.3f,%.3f,\n", r->policy, r->what, r->of, r->jobs, r->v[0], r->v[1],
                r->v[2], r->v[3], r->v[4]);
}

static void csv_is_as_reckoned(void **state)
{
    char *text = printed(REPORT_CSV), *want = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&want, &len);
    (void)state;
    assert_non_null(out);
    fputs("policy,figure,of,jobs,mean,p50,p95,p99,worst,value\n", out);
    for (size_t i = 0; i < ROWS; i++)
        print_row(out, &rows[i]);
    fclose(out);
    assert_string_equal(text, want);
    free(text);
    free(want);
}

/* ---- JSON ---- */

static const cJSON *member(const cJSON *o, const char *key)
{
    const cJSON *m = cJSON_GetObjectItemCaseSensitive(o, key);
    if (!m)
        fail_msg("no member %s", key);
    return m;
}

static void same(const struct row *r, const cJSON *number, double want)
{
    assert_true(cJSON_IsNumber(number));
    double off = number->valuedouble - want;
    if (off > 1e-9 || off < -1e-9)
        fail_msg("%s %s %s: %.12g is not %.12g", r->policy, r->what, r->of, number->valuedouble, want);
}

static void same_spread(const struct row *r, const cJSON *o)
{
    static const char *const keys[] = {"mean", "p50", "p95", "p99", "worst"};
    same(r, member(o, "jobs"), r->jobs);
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
        same(r, member(o, keys[i]), r->v[i]);
}

/* The row's virtual cluster of a policy. */
static const cJSON *vc_of(const struct row *r, const cJSON *policy)
{
    const cJSON *vc;
    cJSON_ArrayForEach(vc, member(policy, "virtualClusters"))
    {
        if (!strcmp(member(vc, "name")->valuestring, r->of))
            return vc;
    }
    fail_msg("no virtual cluster %s", r->of);
    return NULL;
}

/* Where a row stands in JSON. */
static void same_in_json(const struct row *r, const cJSON *policy)
{
    static const char *const words[][2] = {{"ran", "ran"},
                                           {"above_quota", "aboveQuota"},
                                           {"never_started", "neverStarted"},
                                           {"use_percent", "usePercent"},
                                           {"fragmented_percent", "fragmentedPercent"},
                                           {"preemptions", "preemptions"},
                                           {"lost_gpu_hours", "lostGpuHours"},
                                           {"fairness_vc", "fairnessOfVirtualClusters"},
                                           {"fairness_user", "fairnessOfUsers"},
                                           {"vc_served_percent", "servedPercent"},
                                           {"vc_wait_s", "waitSeconds"},
                                           {"vc_sharing_cost_s", "sharingCostSeconds"},
                                           {"wait_s", "waitSeconds"},
                                           {"slowdown", "slowdown"}};
    const cJSON *o = strncmp(r->what, "vc_", 3) != 0 ? policy : vc_of(r, policy);
    size_t i = 0;
    if (!strcmp(r->what, "vc_beyond_grace_s")) {
        same(r, member(o, "jobsBeyondGrace"), r->jobs);
        same(r, member(o, "worstBeyondGraceSeconds"), r->v[0]);
        return;
    }
    if (o == policy && *r->of) {
        same_spread(r, member(member(o, "waitSecondsByClass"), r->of));
        return;
    }
    while (strcmp(words[i][0], r->what) != 0)
        i++;
    if (r->jobs < 0)
        same(r, member(o, words[i][1]), r->v[0]);
    else
        same_spread(r, member(o, words[i][1]));
}

static void json_is_as_reckoned(void **state)
{
    char *text = printed(REPORT_JSON);
    struct err e = {0};
    cJSON *o = json_parse(text, strlen(text), 0, &e);
    (void)state;
    assert_non_null(o);
    for (size_t i = 0; i < ROWS; i++) {
        const cJSON *policy = cJSON_GetArrayItem(member(o, "policies"), i < PER_POLICY ? 0 : 1);
        assert_string_equal(member(policy, "policy")->valuestring, rows[i].policy);
        same_in_json(&rows[i], policy);
    }
    cJSON_Delete(o);
    free(text);
}

/* ---- the table ---- */

static const struct row *find_row(const char *policy, const char *what, const char *of)
{
    for (size_t i = 0; i < ROWS; i++)
        if (!strcmp(rows[i].policy, policy) && !strcmp(rows[i].what, what) && !strcmp(rows[i].of, of))
            return &rows[i];
    fail_msg("no row %s", what);
    return NULL;
}

/* Whether a line of the policy's part has these words, whatever is between them. */
static void has_line(const char *part, const char *line)
{
    char text[256];
    for (const char *at = part; *at; at += strcspn(at, "\n") + 1) {
        size_t n = 0;
        for (const char *c = at; *c != '\n' && n < sizeof text - 1; c++)
            if (*c != ' ' || (n && text[n - 1] != ' '))
                text[n++] = *c;
        text[n] = 0;
        if (!strcmp(text, line))
            return;
    }
    fail_msg("no line \"%s\" in:\n%s", line, part);
}

static void has_spread(const char *part, const char *policy, const char *what, const char *of)
{
    const struct row *r = find_row(policy, what, of);
    int decimals = !strcmp(what, "slowdown") ? 2 : 0;
    char line[256], name[32];
    snprintf(name, sizeof name, *of ? "wait s, %s" : !strcmp(what, "wait_s") ? "wait s" : "%s", *of ? of : what);
    snprintf(line, sizeof line, "%s %d %.*f %.*f %.*f %.*f %.*f", name, r->jobs, decimals, r->v[0], decimals, r->v[1],
             decimals, r->v[2], decimals, r->v[3], decimals, r->v[4]);
    has_line(part, line);
}

static void has_vc(const char *part, const char *policy, const char *vc)
{
    const struct row *cost = find_row(policy, "vc_sharing_cost_s", vc),
                     *beyond = find_row(policy, "vc_beyond_grace_s", vc);
    char line[256];
    snprintf(line, sizeof line, "%s 4 %.0f %d %.0f %.0f %.0f %.0f %.0f %d %.0f %.1f", vc,
             find_row(policy, "vc_wait_s", vc)->v[0], cost->jobs, cost->v[0], cost->v[1], cost->v[2], cost->v[3],
             cost->v[4], beyond->jobs, beyond->v[0], find_row(policy, "vc_served_percent", vc)->v[0]);
    has_line(part, line);
}

static double value_of(const char *policy, const char *what)
{
    return find_row(policy, what, "")->v[0];
}

static void table_is_as_reckoned(void **state)
{
    static const char *const policies[] = {"fifo", "shape"};
    char *text = printed(REPORT_TABLE), line[256];
    (void)state;
    char *second = strstr(text, "policy shape:");
    assert_non_null(second);
    second[-1] = 0;
    for (int p = 0; p < 2; p++) {
        const char *name = policies[p], *part = p ? second : strstr(text, "policy fifo:");
        assert_non_null(part);
        snprintf(line, sizeof line, "policy %s: %.0f ran, %.0f above their quota, %.0f never started;", name,
                 value_of(name, "ran"), value_of(name, "above_quota"), value_of(name, "never_started"));
        assert_memory_equal(part, line, strlen(line));
        has_spread(part, name, "wait_s", "");
        has_spread(part, name, "wait_s", "oppo");
        has_spread(part, name, "wait_s", "test");
        has_spread(part, name, "wait_s", "prod");
        assert_null(strstr(part, "crit")); /* nobody is */
        has_spread(part, name, "slowdown", "");
        snprintf(line, sizeof line,
                 "use %.1f %%, fragmented %.1f %% of what is idle, %.0f preemptions, %.1f GPU-hours of work lost",
                 value_of(name, "use_percent"), value_of(name, "fragmented_percent"), value_of(name, "preemptions"),
                 value_of(name, "lost_gpu_hours"));
        has_line(part, line);
        snprintf(line, sizeof line, "fairness %.3f of virtual clusters, %.3f of users", value_of(name, "fairness_vc"),
                 value_of(name, "fairness_user"));
        has_line(part, line);
        has_vc(part, name, "a");
        has_vc(part, name, "b");
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(csv_is_as_reckoned),
        cmocka_unit_test(json_is_as_reckoned),
        cmocka_unit_test(table_is_as_reckoned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
