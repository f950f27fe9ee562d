/* SPDX-License-Identifier: MIT
 *
 * Why jobs wait, said for one reply from the newest published state (DESIGN 1.8). Of one HTTP thread.
 */
#ifndef DROVER_SERVER_API_WAIT_REASON_H
#define DROVER_SERVER_API_WAIT_REASON_H

#include <stdint.h>

struct api;
struct buf;
struct job_row;
struct spec;
struct store;
struct wait_reason;

/* NULL where nothing is published yet, or on out of memory: no reason is told then. wait_reason_end frees it. */
struct wait_reason *wait_reason_begin(struct api *a);
void wait_reason_end(struct wait_reason *w); /* NULL ok */
/* Adds the sentence for a waiting job of this spec, submitted at `submitted_ms`. `w` NULL: adds nothing. */
void wait_reason_say(struct wait_reason *w, const struct spec *spec, int64_t submitted_ms, struct buf *out);
/* The same for a row of a list, whose spec is read first. Adds nothing once a list has had its share of time. */
void wait_reason_say_row(struct wait_reason *w, struct store *s, const struct job_row *row, struct buf *out);

#endif
