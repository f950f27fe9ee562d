/* SPDX-License-Identifier: MIT
 *
 * What holds a job up in plain words, with its figures, and what its owner may try. Pure; any thread.
 */
#ifndef DROVER_METRICS_ADVICE_H
#define DROVER_METRICS_ADVICE_H

#include <stddef.h>

#include "metrics/profile.h"

enum { ADVICE_TRIES = 3, ADVICE_SENTENCE = 256 };

/* Writes the sentence of a profile, "" where there is nothing to say. */
void advice_sentence(const struct profile *p, char out[ADVICE_SENTENCE]);
/* What to try, the most promising first, up to ADVICE_TRIES; NULL behind the last. Static. */
const char *const *advice_tries(const struct profile *p);

#endif
