/* SPDX-License-Identifier: MIT
 *
 * Reading the logs of task attempts, also while they grow. The folder of an attempt is within a task's reach, so
 * nothing there is believed: no link is followed, and only a regular file of ours with one name is opened. Any thread.
 *
 * A log is a plain file while it may grow, and some time after its end it becomes a packed one (log_packer.h). Readers
 * need not know: the bytes and their offsets are the same, and who has the plain file open goes on reading it.
 */
#ifndef DROVER_ENGINES_LOCAL_LOGS_H
#define DROVER_ENGINES_LOCAL_LOGS_H

#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engines/local/log_shelf.h"

struct err;

#define LOGS_STREAMS 3
#define LOGS_PACKED ".zst" /* behind the name of the plain file */

/* The names of an attempt's logs. */
extern const char *const logs_streams[LOGS_STREAMS];

/* An open log. Plain data; logs_close when done. */
struct logs {
    int dir; /* the attempt's folder */
    int fd;  /* -1: there is no file, because the task has not printed anything there yet */
    const char *stream;
    struct log_shelf *shelf;
    struct log_shelved packed; /* .shelf NULL: the file is plain */
};

/* Opens the log `stream` ("stdout", "stderr" or "all") of an attempt. The shelf must outlive it. ERR_NO_TASK_LOG when
 * there is none (not started yet, or removed), ERR_DAMAGED_LOG when it is packed and damaged. 0 or -1. */
int logs_open(struct logs *f, struct log_shelf *shelf, const char *attempt, const char *stream, struct err *e);
/* Bytes stored so far; *complete is true when no more will come. 0 or -1. */
int logs_size(struct logs *f, int64_t *size, bool *complete, struct err *e);
/* Reads `len` bytes at `offset`, or what there is. Bytes read, 0 at the end (as of now), -1 with the error. */
int64_t logs_read(struct logs *f, int64_t offset, void *out, size_t len, struct err *e);
/* How many ends of lines there are in what was read. */
int64_t logs_count_lines(const char *text, size_t len);
/* Closes it. */
void logs_close(struct logs *f);

/* The folder of an attempt, open; -1 with errno. */
int logs_folder(const char *data, const char *attempt);
/* For those who keep order in DATA/run: its folder to list (*run is its descriptor, closed with it), NULL with errno;
 * when the attempt of an open folder ended, in ms since 1970, 0 = it has not; whether the shim of one that has an
 * `exit` lives all the same: its sandbox is kept, or it was not the shim who wrote that (where there is no `exit`, the
 * lock is left alone: who wrote `lost` may want it); and one of its files, opened if it is what this header calls a
 * log, else -1 with errno (ENOENT: not there any more; EPERM: not to be believed). */
DIR *logs_list(const char *data, int *run);
int64_t logs_ended(int dir);
bool logs_kept(int dir);
int logs_open_file(int dir, const char *name);

#endif
