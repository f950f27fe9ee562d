/* SPDX-License-Identifier: MIT
 *
 * Figures for people (tables), for programs (JSON) and for spreadsheets (CSV). docs/SIM.md says what each means.
 */
#ifndef DROVER_SIM_REPORT_H
#define DROVER_SIM_REPORT_H

#include <stdio.h>

#include "base/buf.h"
#include "base/json.h"
#include "sim/figures.h"

enum report_format { REPORT_TABLE, REPORT_JSON, REPORT_CSV };

/* What stands above all figures. */
struct report_head {
    const char *trace_path;
    const struct trace *trace;
    const struct setup *setup;
    const int *class_percent; /* NULL: the trace says every job's class */
    uint64_t seed;
    int64_t checkpoint_ms;
};

struct report {
    enum report_format format;
    FILE *out;
    struct buf text;
    struct json_out json;
};

/* The format by its word, or -1. */
int report_format(const char *word);
/* Begins, adds a policy, ends. Everything is written at the end, if at all (`write`): 0, or -1 when memory or the disk
 * was short. */
void report_begin(struct report *r, enum report_format format, FILE *out, const struct report_head *head);
void report_policy(struct report *r, const struct replay_plan *p, const struct replay_result *result,
                   const struct figures *f);
int report_end(struct report *r, bool write);

#endif
