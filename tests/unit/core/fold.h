/* SPDX-License-Identifier: MIT
 *
 * Whether a job's story can be told from its events alone: they are folded into states, attempts and times, which are
 * held against the rows that the same batches store.
 */
#ifndef TESTS_UNIT_CORE_FOLD_H
#define TESTS_UNIT_CORE_FOLD_H

#include <stddef.h>

struct effect;
struct fold;

/* Nothing told yet. */
struct fold *fold_create(void);
/* NULL ok. */
void fold_destroy(struct fold *f);
/* Takes an effect of a batch, in order, before the batch ends; `ctx` is the fold. */
void fold_take(void *ctx, const struct effect *fx);
/* Fails the test where what was folded is not what is stored. The number of jobs that were compared. */
size_t fold_compare(const struct fold *f);

#endif
