/* SPDX-License-Identifier: MIT
 *
 * A packed log: the bytes of a log that has ended, in zstd frames that are independent of each other, and an index, so
 * that any range is read by unpacking the frames that it touches. `zstd -dc FILE` gives the whole log.
 *
 *   frames    N zstd frames, each with its length and a checksum: LOG_SEGMENT_FRAME bytes of the log, the last the rest
 *   index     a zstd frame to skip: 0x184D2A5D, u32 length, N x u64 where each frame ends in this file, and the footer:
 *             "DRVRLOG1", u64 bytes of the log, u32 LOG_SEGMENT_FRAME, u32 N, and BLAKE2b-256 of the table and of these
 *             24 bytes
 *
 * Numbers are little endian. Such a file lies where a task may have put it: nothing in it is believed, and whatever is
 * in it, reading takes a fixed amount of memory.
 */
#ifndef DROVER_ENGINES_LOCAL_LOG_SEGMENT_H
#define DROVER_ENGINES_LOCAL_LOG_SEGMENT_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct log_decoder;
struct log_encoder;

#define LOG_SEGMENT_FRAME ((size_t)256 << 10)
#define LOG_SEGMENT_FRAMES 65536u /* at most: 16 GiB of log, and a table of 512 KiB */
#define LOG_SEGMENT_MAX ((int64_t)LOG_SEGMENT_FRAMES * (int64_t)LOG_SEGMENT_FRAME)

/* What an index says. Plain data. */
struct log_segment {
    int64_t size;  /* bytes of the log */
    int64_t table; /* where the index begins in the file */
    uint32_t frames;
};

/* Reads and checks the index of an open file, 4 KiB of it at a time. 0, or -1 with ERR_DAMAGED_LOG that says
 * what is wrong. Any thread. */
int log_segment_open(struct log_segment *s, int fd, struct err *e);
/* How many bytes of the log frame `n` holds. */
size_t log_segment_frame_bytes(const struct log_segment *s, uint32_t n);

/* Unpacks frames, one at a time; all its memory (about 700 KiB) is taken here. NULL on out of memory. One thread at a
 * time. */
struct log_decoder *log_decoder_create(void);
/* NULL ok. */
void log_decoder_destroy(struct log_decoder *d);
/* Unpacks frame `n` (below s->frames) of the file. Its log_segment_frame_bytes bytes, which the decoder owns until the
 * next call; NULL with the error. */
const char *log_decoder_frame(struct log_decoder *d, const struct log_segment *s, int fd, uint32_t n, struct err *e);

/* Packs logs, one at a time; its memory (some 2 MiB) is taken here and at its first use. It gives up a log when *quit
 * (borrowed; NULL = never) becomes true. NULL on out of memory. One thread at a time. */
struct log_encoder *log_encoder_create(const atomic_bool *quit);
/* NULL ok. */
void log_encoder_destroy(struct log_encoder *c);
/* Packs the first `size` bytes (1 to LOG_SEGMENT_MAX) of the log `from` into the empty file `to`, from its begin on.
 * Bytes written; -1 with the error (ERR_BUSY: given up). What was written by then is no segment. */
int64_t log_encoder_pack(struct log_encoder *c, int from, int64_t size, int to, struct err *e);

#endif
