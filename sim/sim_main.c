/* SPDX-License-Identifier: MIT
 *
 * drover-sim: the scheduler without a cluster.
 */
#include <assert.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "sim/compare.h"
#include "sim/generate.h"
#include "sim/manual.h"
#include "sim/scenario.h"

struct arguments {
    struct compare compare;
    struct generate generate;
    const char *scenarios;
    bool generates, help, man;
};

/* ---- values ---- */

static int number(const char *name, const char *text, int64_t *out, struct err *e)
{
    char *end;
    long long v = strtoll(text, &end, 10);
    if (end == text || *end || v < 0 || v > 1000000000)
        return err_set(e, ERR_INVALID_PARAMETERS, "--%s must be a whole number from 0 to 1000000000", name);
    *out = v;
    return 0;
}

/* "oppo=20,test=50,prod=25,crit=5": every class at most once, 100 in all. */
static int read_classes(const char *text, int percent[TRACE_CLASSES], struct err *e)
{
    int sum = 0;
    memset(percent, 0, TRACE_CLASSES * sizeof *percent);
    for (const char *at = text; *at; at += *at == ',') {
        size_t len = strcspn(at, "=");
        char *end = NULL;
        long v = at[len] ? strtol(at + len + 1, &end, 10) : -1;
        int c = 0;
        while (c < TRACE_CLASSES &&
               (strlen(trace_classes[c].name) != len || memcmp(trace_classes[c].name, at, len) != 0))
            c++;
        if (c == TRACE_CLASSES || v < 0 || v > 100 || !end || (*end && *end != ','))
            return err_set(e, ERR_INVALID_PARAMETERS, "--classes must be as oppo=20,test=50,prod=25,crit=5");
        percent[c] = (int)v;
        sum += (int)v;
        at = end;
    }
    return sum == 100 ? 0 : err_set(e, ERR_INVALID_PARAMETERS, "the percents of --classes must be 100 in all");
}

static int take_number(struct arguments *a, int opt, int64_t v)
{
    int *const plain[] = {[MANUAL_GPUS - MANUAL_NUMBERS] = &a->compare.gpus,
                          [MANUAL_GENERATE - MANUAL_NUMBERS] = &a->generate.jobs,
                          [MANUAL_LOAD - MANUAL_NUMBERS] = &a->generate.load_percent,
                          [MANUAL_VCS - MANUAL_NUMBERS] = &a->generate.vcs,
                          [MANUAL_USERS - MANUAL_NUMBERS] = &a->generate.users,
                          [MANUAL_OPPO - MANUAL_NUMBERS] = &a->generate.oppo_percent};
    int64_t *const seconds[] = {[MANUAL_CHECKPOINT - MANUAL_NUMBERS] = &a->compare.checkpoint_ms,
                                [MANUAL_GRACE - MANUAL_NUMBERS] = &a->compare.grace_ms,
                                [MANUAL_AGE - MANUAL_NUMBERS] = &a->compare.age_ms};
    size_t n = (size_t)(opt - MANUAL_NUMBERS);
    if (opt == MANUAL_SEED)
        a->compare.seed = a->generate.seed = (uint64_t)v;
    else if (n < sizeof seconds / sizeof seconds[0] && seconds[n])
        *seconds[n] = v * 1000;
    else
        *plain[n] = (int)v;
    a->generates = a->generates || opt == MANUAL_GENERATE;
    return 0;
}

static int take_word(struct arguments *a, int opt, const char *word, struct err *e)
{
    int format;
    switch (opt) {
    case MANUAL_TRACE:
        a->compare.trace = word;
        return 0;
    case MANUAL_CLUSTER:
        a->compare.cluster = word;
        return 0;
    case MANUAL_POLICY:
        a->compare.policies = word;
        return 0;
    case MANUAL_SCENARIOS:
        a->scenarios = word;
        return 0;
    case MANUAL_CLASSES:
        return read_classes(word, a->compare.class_percent, e);
    case MANUAL_FORMAT:
        format = report_format(word);
        if (format < 0)
            return err_set(e, ERR_INVALID_PARAMETERS, "--format must be table, json or csv");
        a->compare.format = (enum report_format)format;
        return 0;
    case MANUAL_MAN:
        a->man = true;
        return 0;
    default:
        a->help = true;
        return 0;
    }
}

enum { OPTIONS_MAX = 32 };

/* The table as getopt wants it. */
static void list_options(struct option *out)
{
    size_t count;
    const struct manual_option *all = manual_options(&count);
    assert(count < OPTIONS_MAX);
    for (size_t i = 0; i < count; i++)
        out[i] = (struct option){all[i].name, all[i].arg ? required_argument : no_argument, NULL, (int)all[i].id};
}

static int read_arguments(int argc, char **argv, struct arguments *a, struct err *e)
{
    struct option options[OPTIONS_MAX] = {{NULL, 0, NULL, 0}};
    int opt, index = 0;
    list_options(options);
    opterr = 0;
    while ((opt = getopt_long(argc, argv, "", options, &index)) != -1) {
        int64_t v = 0;
        if (opt == '?')
            return err_set(e, ERR_INVALID_PARAMETERS, "unknown or incomplete option %s", argv[optind - 1]);
        if (opt < MANUAL_NUMBERS ? take_word(a, opt, optarg, e)
                                 : number(options[index].name, optarg, &v, e) || take_number(a, opt, v))
            return -1;
    }
    if (optind < argc)
        return err_set(e, ERR_INVALID_PARAMETERS, "unexpected argument %s", argv[optind]);
    if (!a->help && !a->man && (a->compare.trace != NULL) + a->generates + (a->scenarios != NULL) != 1)
        return err_set(e, ERR_INVALID_PARAMETERS, "one of --trace, --generate and --scenarios is needed");
    if (a->compare.trace && !a->compare.gpus == !a->compare.cluster)
        return err_set(e, ERR_INVALID_PARAMETERS, "--trace needs either --gpus or --cluster");
    return 0;
}

int main(int argc, char **argv)
{
    struct arguments a = {.compare = {.class_percent = {20, 50, 25, 5}, .seed = 1, .age_ms = -1, .grace_ms = -1},
                          .generate = {.vcs = 8, .users = 100, .load_percent = 90, .oppo_percent = 20, .seed = 1}};
    struct err e = {0};
    int rc;
    if (read_arguments(argc, argv, &a, &e)) {
        fprintf(stderr, "drover-sim: %s; see drover-sim --help\n", e.text);
        return 2;
    }
    a.generate.gpus = a.compare.gpus ? a.compare.gpus : 448;
    if (a.help || a.man) {
        (a.help ? manual_help : manual_page)(stdout);
        return 0;
    }
    if (a.scenarios)
        rc = scenario_run_file(a.scenarios, stdout, &e);
    else if (a.generates)
        rc = generate_trace(&a.generate, stdout, &e);
    else
        rc = compare_run(&a.compare, stdout, &e);
    if (rc < 0)
        fprintf(stderr, "drover-sim: %s\n", e.text);
    return rc ? 1 : 0;
}
