/* SPDX-License-Identifier: MIT
 *
 * Figures of a report's row, each with its unit and its formula: one table for CSV, for the page and for mail. Pure.
 */
#ifndef DROVER_METRICS_REPORT_FIGURES_H
#define DROVER_METRICS_REPORT_FIGURES_H

#include <stddef.h>
#include <stdint.h>

#include "metrics/report.h"

enum report_unit { REPORT_HOURS, REPORT_PERCENT, REPORT_COUNT, REPORT_SECONDS, REPORT_GIB, REPORT_KWH };

enum report_figure {
    REPORT_FIGURE_ALL,
    REPORT_FIGURE_SUCCEEDED,
    REPORT_FIGURE_FAILED,
    REPORT_FIGURE_PLATFORM,
    REPORT_FIGURE_STOPPED,
    REPORT_FIGURE_PREEMPTED,
    REPORT_FIGURE_RUNNING,
    REPORT_FIGURE_RESERVED,
    REPORT_FIGURE_UNUSED,
    REPORT_FIGURE_WASTED,
    REPORT_FIGURE_SAMPLED,
    REPORT_FIGURE_BUSY,
    REPORT_FIGURE_IDLE,
    REPORT_FIGURE_UTILIZATION,
    REPORT_FIGURE_MEMORY,
    REPORT_FIGURE_ENERGY,
    REPORT_FIGURE_GOODPUT,
    REPORT_FIGURE_JOBS,
    REPORT_FIGURE_SUCCESS,
    REPORT_FIGURE_PREEMPTIONS,
    REPORT_FIGURE_WAIT_P50,
    REPORT_FIGURE_WAIT_P95,
    REPORT_FIGURES
};

struct report_figure_info {
    const char *name;  /* in CSV and queries: "wastedGpuHours" */
    const char *title; /* for people */
    enum report_unit unit;
    const char *formula; /* a sentence for people */
};

/* Static. */
const struct report_figure_info *report_figure_info(enum report_figure f);
/* The figure; NAN: not known of this row. */
double report_figure(const struct report_row *row, enum report_figure f);
/* The figure of that name; REPORT_FIGURES: none. */
enum report_figure report_figure_parse(const char *name);
/* For people: "1234.5", "71.2 %", "3 h 20 min", "-". */
void report_figure_text(enum report_figure f, double value, char out[32]);
/* The rows in falling order of a figure (those of which it is not known last), an array that the caller frees; at most
 * `top`, 0 = all; *count is how many. NULL on out of memory, or when there is none. */
const struct report_row **report_ranked(struct report *r, enum report_figure f, size_t top, size_t *count);

#endif
