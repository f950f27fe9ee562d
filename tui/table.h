/* SPDX-License-Identifier: MIT
 *
 * Tables: how wide each column is and which ones stay, as a pure function, for the CLI and the TUI alike.
 */
#ifndef DROVER_TUI_TABLE_H
#define DROVER_TUI_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#define TABLE_MAX_COLUMNS 32
#define TABLE_GAP 2 /* columns between two columns */

/* One column. Constant. */
struct table_column {
    const char *title; /* "JOB" */
    const char *key;   /* name for --columns and csv: "job" */
    int rank;          /* 0 = never dropped; the highest is dropped first; from 10 only with -o wide and csv */
    int min;           /* a column that may shrink shrinks to this; 0 = it never shrinks */
    bool right;        /* numbers */
};

/* Widths for a space of `total` terminal columns (0 = no limit), given what each column would like (`want`, header
 * included). Shrinks what may shrink, widest first, then drops by rank until it fits. `width[i]` = 0 means dropped;
 * rank-0 columns stay even when nothing fits. Pure. */
void table_layout(const struct table_column *columns, size_t count, const int *want, int total, int *width);

#endif
