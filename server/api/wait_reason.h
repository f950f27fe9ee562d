/* SPDX-License-Identifier: MIT
 *
 * Why jobs wait, said for one reply from the newest published state (DESIGN 1.8). Of one HTTP thread.
 */
#ifndef DROVER_SERVER_API_WAIT_REASON_H
#define DROVER_SERVER_API_WAIT_REASON_H

#include <stdint.h>

struct api;
struct buf;
struct core_question;
struct explanation;
struct job_row;
struct spec;
struct store;
struct wait_reason;

/* NULL where nothing is published yet, or on out of memory: no reason is told then. wait_reason_end frees it. */
struct wait_reason *wait_reason_begin(struct api *a);
void wait_reason_end(struct wait_reason *w); /* NULL ok */
/* How long it is until the next try of a waiting job is due, in ms; 0: it is, or it does not wait. */
int64_t wait_reason_backoff_ms(const struct job_row *row);
/* The question about the job of a row, whose user, name and spec it borrows. */
struct core_question wait_reason_ask(const struct job_row *row, const char *full_name, const struct spec *spec);
/* An answer out of a state of that time says nothing of a job that waits since then: it is made EXPLAIN_NEW. */
void wait_reason_date(struct explanation *x, const struct core_question *q, int64_t wall_ms);
/* Adds the sentence for a waiting job. `w` NULL: adds nothing. */
void wait_reason_say(struct wait_reason *w, const struct core_question *q, struct buf *out);
/* The sentence of an answer. */
void wait_reason_sentence(const struct explanation *x, const struct core_question *q, struct buf *out);
/* The word for the reason of a waiting row of a list, whose spec is read first, and its sentence. NULL: it cannot be
 * told just now, or is told by other events (it is held, tried again later, starts in a moment). */
const char *wait_reason_name_row(struct wait_reason *w, struct store *s, const struct job_row *row, struct buf *out);
/* The sentence for a row of a list, whose spec is read first. Nothing once a list has had its share of time. */
void wait_reason_say_row(struct wait_reason *w, struct store *s, const struct job_row *row, struct buf *out);

#endif
