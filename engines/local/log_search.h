/* SPDX-License-Identifier: MIT
 *
 * Looking through a log for an expression: line by line from a place on, for so long, so that a search of gigabytes is
 * many short calls. Any thread.
 */
#ifndef DROVER_ENGINES_LOCAL_LOG_SEARCH_H
#define DROVER_ENGINES_LOCAL_LOG_SEARCH_H

#include <stdint.h>

struct err;
struct logs;
struct pattern;
struct pattern_scratch;

#define LOG_HIT_TEXT 400 /* bytes of a line that a hit shows, with its NUL */

/* A line that the expression fits. */
struct log_hit {
    int64_t offset; /* of the line's first byte in the log */
    int64_t line;   /* its number, from 1 */
    char text[LOG_HIT_TEXT];
};

/* Takes a hit. 0 to go on, 1 to stop behind this line. */
typedef int log_hit_fn(void *ctx, const struct log_hit *hit);

/* A search and how far it has come. */
struct log_search {
    const struct pattern *pattern;
    struct pattern_scratch *scratch;
    log_hit_fn *fn;
    void *ctx;
    int64_t offset, line; /* where to begin; afterwards, where to go on. 0 and 1 at the start */
    int64_t till_mono;    /* stop when the monotonic clock, in ms, has come so far */
    int64_t given_up;     /* lines that took too long and were left out */
};

/* Searches on. 1 when all there is so far was looked at, 0 when stopped before (by the clock or by fn), -1 with an
 * error. A last line that is still being written is left for the next time. */
int log_search_run(struct log_search *s, struct logs *f, struct err *e);

#endif
