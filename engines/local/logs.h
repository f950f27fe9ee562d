/* SPDX-License-Identifier: MIT
 *
 * Reading the logs of task attempts, also while they grow. The folder of an attempt is within a task's reach, so
 * nothing there is believed: no link is followed, and only a regular file of ours with one name is opened. Any thread.
 */
#ifndef DROVER_ENGINES_LOCAL_LOGS_H
#define DROVER_ENGINES_LOCAL_LOGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;

/* An open log. Plain data; logs_close when done. */
struct logs {
    int dir; /* the attempt's folder */
    int fd;
};

/* Opens the log `stream` ("stdout", "stderr" or "all") of an attempt below the data folder. ERR_NO_TASK_LOG when there
 * is none (not started yet, or removed). 0 or -1. */
int logs_open(struct logs *f, const char *data, const char *attempt, const char *stream, struct err *e);
/* Bytes stored so far; *complete is true when no more will come. 0 or -1. */
int logs_size(const struct logs *f, int64_t *size, bool *complete, struct err *e);
/* Reads up to `len` bytes at `offset`. Bytes read, 0 at the end (as of now), -1 with the error. */
int64_t logs_read(const struct logs *f, int64_t offset, void *out, size_t len, struct err *e);
/* How many ends of lines there are in what was read. */
int64_t logs_count_lines(const char *text, size_t len);
/* Closes it. */
void logs_close(struct logs *f);

#endif
