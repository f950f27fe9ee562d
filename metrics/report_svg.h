/* SPDX-License-Identifier: MIT
 *
 * Bars of a report as inline SVG, coloured by classes of the page's style sheet ("o-succeeded", ...).
 */
#ifndef DROVER_METRICS_REPORT_SVG_H
#define DROVER_METRICS_REPORT_SVG_H

struct buf;
struct report;
struct report_range;
struct report_row;

/* One bar of a row: its GPU hours by what became of them, as parts of the whole. */
void report_svg_bar(struct buf *out, const struct report_row *row);
#define REPORT_SVG_BARS 366
/* Bars of a report by day alone. Of a time of more than REPORT_SVG_BARS days each bar is several. */
void report_svg_days(struct buf *out, struct report *by_day, const struct report_range *range);

#endif
