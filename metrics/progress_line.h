/* SPDX-License-Identifier: MIT
 *
 * What one line of a log tells of how far a program is, by a table of expressions for frameworks' and loggers' words.
 * One thread at a time.
 */
#ifndef DROVER_METRICS_PROGRESS_LINE_H
#define DROVER_METRICS_PROGRESS_LINE_H

#include <stddef.h>

struct err;
struct progress_lines;

#define PROGRESS_LINE_MAX 1024 /* bytes; of a longer line the rest is not looked at */

enum progress_field {
    PROGRESS_STEP,        /* of an epoch, or of all */
    PROGRESS_STEPS,       /* how many there are of those */
    PROGRESS_EPOCH,       /* whole number, from 0 or from 1 */
    PROGRESS_EPOCHS,      /* how many there are */
    PROGRESS_EPOCH_DONE,  /* epochs done, with a fraction */
    PROGRESS_EPOCH_STEPS, /* steps that an epoch has, where the line counts none */
    PROGRESS_ALL_STEPS,   /* steps to do in all, as a setting */
    PROGRESS_LOSS,
    PROGRESS_RATE,  /* steps a second */
    PROGRESS_CLOCK, /* seconds since 1970 by the line's own clock, whatever its time zone */
    PROGRESS_FIELDS
};

/* What a line tells; NAN: nothing of it. */
struct progress_line {
    double field[PROGRESS_FIELDS];
    int request; /* it tells of a request that was answered */
    int aside;   /* it counts something else: a validation, a download */
};

/* Compiles the expressions. NULL with the error. */
struct progress_lines *progress_lines_create(struct err *e);
/* NULL ok. */
void progress_lines_destroy(struct progress_lines *l);
/* Reads a line without its end, of at most PROGRESS_LINE_MAX bytes, any bytes. */
void progress_lines_read(struct progress_lines *l, const char *text, size_t len, struct progress_line *out);
/* Of a program's arguments or configuration only what it is to do: PROGRESS_EPOCHS, PROGRESS_ALL_STEPS. */
void progress_lines_declared(struct progress_lines *l, const char *text, size_t len, struct progress_line *out);

#endif
