/* SPDX-License-Identifier: MIT
 *
 * A row of whole numbers in few bytes, exactly. What the best of a few predictions leaves (none, the number before, the
 * line through the two before) is written in Rice codes, whose parameter follows the numbers in blocks of 32; numbers
 * that never change take no byte, and predictions that hold six bits a block. Pure.
 */
#ifndef DROVER_METRICS_PACK_H
#define DROVER_METRICS_PACK_H

#include <stddef.h>
#include <stdint.h>

struct buf;

/* What is known of the numbers beside them; `sum` is modulo 2^64. */
struct pack_sum {
    int64_t min, max, sum;
};

/* Bytes that are read. `bad` once they ended too early; what is read then is 0. */
struct pack_reader {
    const unsigned char *data;
    size_t len, at;
    int bad;
};

/* Numbers of one to ten bytes: small ones take few. */
void pack_put(struct buf *out, uint64_t v);
uint64_t pack_get(struct pack_reader *r);
/* The same with a sign. */
void pack_put_signed(struct buf *out, int64_t v);
int64_t pack_get_signed(struct pack_reader *r);

/* Appends `count` numbers. Whoever reads them must know how many they are. A buffer that is bad says so. */
void pack_write(struct buf *out, const int64_t *values, int count);
/* Only what is known of them, from the reader's place on; the numbers follow. 0, or -1 for bytes that are damaged. */
int pack_read_sum(struct pack_reader *r, struct pack_sum *out);
/* All of them; the reader is then behind them. 0, or -1 for bytes that are damaged: numbers that were not written by
 * pack_write, or do not come to what was said of them. */
int pack_read(struct pack_reader *r, int64_t *values, int count, struct pack_sum *out);

#endif
