/* SPDX-License-Identifier: MIT
 *
 * How far a program is and when it will be done, out of what its log tells (metrics/progress_line.h) and of what other
 * readers know, such as those of event files. Lines end with a line feed or, as bars do, with a carriage return. A
 * fixed amount of memory, whatever is read. One thread at a time; reads no clock.
 */
#ifndef DROVER_METRICS_PROGRESS_H
#define DROVER_METRICS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct progress;

/* One moment of a run. NAN: not known. */
struct progress_event {
    int64_t at_ms;        /* -1: not known */
    double step, steps;   /* of an epoch or of all, and how many there are of those */
    double epoch, epochs; /* from 0 or from 1, and how many there are */
    double done;          /* epochs done, with a fraction */
    double loss;
};

/* NULL with the error. */
struct progress *progress_create(struct err *e);
/* NULL ok. */
void progress_destroy(struct progress *p);

/* A program's arguments or settings, which may say how much there is to do. Any bytes; the first 64 KiB count. */
void progress_declare(struct progress *p, const char *text, size_t len);
/* Reads bytes of the log, written at that time (-1: not known); a line may be cut anywhere. */
void progress_read(struct progress *p, int64_t at_ms, const char *text, size_t len);
/* Bytes were left out here, or there will be no more: what is left of a line is looked at. */
void progress_gap(struct progress *p);
/* What somebody else knows. In the order of time. */
void progress_take(struct progress *p, const struct progress_event *event);

/* Times of the run, by one clock. */
struct progress_times {
    int64_t begun_ms; /* it began, or better: it began to compute */
    int64_t last_ms;  /* it told something for the last time */
    int64_t now_ms;
};

/* How far it is. NAN: not known. */
struct progress_told {
    double step, steps; /* as it counts them */
    double epoch, epochs;
    double loss;           /* the last */
    double done;           /* 0..1 of all there is to do */
    double steps_a_second; /* over time, pauses too */
    int64_t left_ms;       /* until it is done; -1: not known */
    int64_t silent_ms;     /* it has told nothing for so long */
    bool stalled;          /* for much longer than it used to be */
    bool tells_loss, tells_steps, tells_requests;
};
void progress_tell(struct progress *p, const struct progress_times *t, struct progress_told *out);

#endif
