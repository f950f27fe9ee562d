/* SPDX-License-Identifier: MIT
 *
 * One TensorBoard event file, read as it grows: bytes in, the scalars of its tags out, in bounded memory. Pure; one
 * thread at a time.
 *
 * The file is a chain of records: length (8 bytes), checksum of the length (4), data, checksum of the data (4). A
 * record that is not all there is waited for. Where checksums are wrong, the next place is looked for at which both are
 * right: a record whose own bytes are sound is never lost, whatever stands before it.
 */
#ifndef DROVER_METRICS_EVENT_FILE_H
#define DROVER_METRICS_EVENT_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "metrics/event_proto.h"

struct crc32c;
struct hash;

#define EVENT_RECORD_MAX (64u << 20) /* bytes of a record's data; a longer one is taken for damage */
#define EVENT_FRAME 16u              /* what a record has around its data */

enum { EVENT_TAGS_MAX = 500, EVENT_TAG_BYTES_MAX = 512, EVENT_POINTS_MAX = 1000 };

struct event_point {
    int64_t step;
    int64_t time_ms; /* since 1970; 0: none was told that is a time */
    double value;    /* any double */
};

/* The values of one tag in one file. Of n values each 2^k-th is kept, with the least k that makes these no more than
 * EVENT_POINTS_MAX; so it does not matter in which pieces the file was read. */
struct event_series {
    char *tag; /* EVENT_TAG_BYTES_MAX at most, no NUL inside, else any bytes */
    enum event_kind kind;
    bool single;                       /* the values are floats */
    int64_t count, not_finite;         /* values read */
    struct event_point last, min, max; /* of `count`, the last in the file; of the finite ones (count > not_finite) */
    struct event_point *points;        /* in the file's order; the first is the first read */
    int kept, room;
    int64_t stride;
    bool last_kept; /* it is among the points */
    int place;      /* in the file's list */
};

struct event_file {
    const struct crc32c *crc;
    int64_t offset;           /* what stands before is settled: read on here */
    int64_t want;             /* bytes from there on that it takes to get further */
    int64_t records, damaged; /* sound ones; places where something was skipped, and records that are no events */
    int64_t left_out;         /* values of tags beyond the bounds */
    bool given_up;            /* it costs more to read than any honest damage does */
    struct event_series **series;
    int series_count;
    size_t memory; /* bytes that it holds */
    /* its own */
    struct hash *by_tag;
    int64_t tried, wasted;
    int next;
    bool lost;
};

/* At the file's beginning. `crc` is borrowed. 0, or -1 on out of memory. */
int event_file_init(struct event_file *f, const struct crc32c *crc);
void event_file_fini(struct event_file *f);

/* Some of the file's bytes, those from f->offset on. */
struct event_bytes {
    const void *data;
    size_t len;
    bool end; /* there are no more for now */
};
/* Reads on and moves f->offset over what is settled. Stops where `want` bytes from there on are more than are given, or
 * when *work (bytes looked at, which it counts down) is used up. 0, or -1 on out of memory; then only fini is left. */
int event_file_read(struct event_file *f, const struct event_bytes *bytes, int64_t *work);

#endif
