/* SPDX-License-Identifier: MIT
 *
 * A report to be read and printed: one HTML page that needs nothing else (inline SVG, no scripts), and the same in
 * short as plain text for mail. Any thread.
 */
#ifndef DROVER_METRICS_REPORT_PAGE_H
#define DROVER_METRICS_REPORT_PAGE_H

#include <stddef.h>
#include <stdint.h>

struct buf;
struct err;
struct report_page;
struct report_range;
struct report_whose;
struct store;

/* What is asked for. Borrowed during report_page_read, but for whose_text, which has to live on. */
struct report_page_asked {
    const struct report_range *range; /* `by`: of its first table; its list is cut off at rows_max */
    const struct report_whose *whose;
    const char *whose_text; /* "of everybody", "of what ana may see" */
    size_t rows_max;        /* of a table; those with the most GPU hours */
};

/* Reads all that the page tells, in one reading. NULL with `e`. */
struct report_page *report_page_read(struct store *s, const struct report_page_asked *asked, struct err *e);
void report_page_destroy(struct report_page *p);
/* Appends the page; the text. 0, or -1 on out of memory. */
int report_page_html(struct report_page *p, struct buf *out);
int report_page_text(struct report_page *p, struct buf *out);
#define REPORT_PAGE_POLICY_SIZE 256
/* The Content-Security-Policy that is enough for the page: no script, no request, the one style sheet. Into `out`. */
void report_page_policy(char out[REPORT_PAGE_POLICY_SIZE]);

#endif
