/* SPDX-License-Identifier: MIT
 *
 * Packs the logs of attempts that have ended (log_segment.h): a thread that gives way to everything else looks for such
 * attempts and packs one log at a time. Logs of up to LOG_PACKER_LEAST bytes, which would take a block of the disk
 * anyway, stay as they are, and so do those of more than LOG_SEGMENT_MAX.
 */
#ifndef DROVER_ENGINES_LOCAL_LOG_PACKER_H
#define DROVER_ENGINES_LOCAL_LOG_PACKER_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct log_packer;

#define LOG_PACKER_LEAST 4096

/* Counts of one look. */
struct log_packer_result {
    size_t packed, failed;          /* logs */
    int64_t bytes_in, bytes_packed; /* of those packed, before and after */
};

/* For the attempts below the data folder (borrowed) that ended `after_ms` ago or earlier. Takes all its memory. NULL on
 * out of memory. */
struct log_packer *log_packer_create(const char *data, int64_t after_ms, struct err *e);
/* One look over DATA/run at the wall time `now_ms`. What fails is left as it was, and `e` says why the last one did.
 * 0, or -1 when there can be no look. Not while the thread runs. */
int log_packer_look(struct log_packer *p, int64_t now_ms, struct log_packer_result *out, struct err *e);
/* Starts the thread. 0 or -1. */
int log_packer_start(struct log_packer *p, struct err *e);
/* Ends the thread, also in the middle of a log, which then stays as it was; frees. NULL ok. */
void log_packer_destroy(struct log_packer *p);

#endif
