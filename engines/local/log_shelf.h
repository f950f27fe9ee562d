/* SPDX-License-Identifier: MIT
 *
 * Where logs are read from: the data folder, and a few decoders that all readers of packed logs share. However many
 * logs are being read, no more is in memory than these hold. Any thread.
 */
#ifndef DROVER_ENGINES_LOCAL_LOG_SHELF_H
#define DROVER_ENGINES_LOCAL_LOG_SHELF_H

#include <stddef.h>
#include <stdint.h>

#include "engines/local/log_segment.h"

struct err;
struct log_shelf;

/* A packed log that is open. Plain data. */
struct log_shelved {
    struct log_shelf *shelf;
    struct log_segment segment;
    int fd;
    uint64_t serial; /* of this opening */
};

/* For the logs below the data folder (borrowed). NULL on out of memory. */
struct log_shelf *log_shelf_create(const char *data, struct err *e);
/* When nobody reads any more. NULL ok. */
void log_shelf_destroy(struct log_shelf *s);
/* The data folder. Borrowed. */
const char *log_shelf_data(const struct log_shelf *s);
/* Opens what the file `fd` (which stays the caller's) holds. 0, or -1 when it is damaged. */
int log_shelf_open(struct log_shelf *s, struct log_shelved *out, int fd, struct err *e);
/* Reads `len` bytes of the log at `offset`, fewer only at its end. Bytes, or -1. Waits while others use all decoders:
 * for a millisecond or so each. */
int64_t log_shelf_read(const struct log_shelved *f, int64_t offset, void *out, size_t len, struct err *e);

#endif
