/* SPDX-License-Identifier: MIT
 *
 * What a shim writes about its task attempt, as `key=value` lines: the file `shim` before the command starts and the
 * file `exit` after its end. The same text travels in STATE and ENDED messages.
 */
#ifndef DROVER_ENGINES_LOCAL_RECORD_H
#define DROVER_ENGINES_LOCAL_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "inventory/resources.h"

struct buf;

#define RECORD_MAX 4096u /* bytes of the text */

/* One record. Plain data. */
struct record {
    char attempt[ID_SIZE];
    char nonce[33];
    char boot[40];      /* kernel's boot id */
    int64_t pid;        /* of the shim */
    int64_t ticks;      /* its start time, clock ticks since boot */
    int64_t started_ms; /* wall clock; 0 = the command was not started */
    bool on_host;       /* the image was not run */
    int gpu_count;
    int gpus[NODE_GPU_MAX];
    bool ended;         /* the fields below are set: this is an exit record */
    int64_t code;       /* 0..255, 128+signal, or a negative catalogue code */
    int64_t signal;     /* 0 = it exited by itself */
    int64_t ended_ms;   /* main process gone */
    int64_t bytes[3];   /* of stdout, stderr, all */
    int64_t held;       /* enum engine_hold: its sandbox stays, as long as its shim lives; 0 = nothing does */
    int64_t lost_bytes; /* output that is not in the log (beyond its cap, or the disk was full for too long) */
    char message[160];  /* why it could not be started, or "" */
};

/* Appends the text. 0, or -1 when the buffer is bad. */
int record_format(struct buf *out, const struct record *r);
/* Reads a text. Unknown keys are skipped (a newer shim may write more), damaged lines and missing identity refused.
 * 0, or -1 with `r` undefined. */
int record_parse(const char *text, size_t len, struct record *r);

#endif
