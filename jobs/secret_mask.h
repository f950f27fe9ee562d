/* SPDX-License-Identifier: MIT
 *
 * Takes the values of a job's secrets out of text that is shown: wherever one of them stands, also within a word, and
 * where only its beginning stands because the text was cut behind it. Passwords in URLs and Drover's tokens go with
 * them. What the text does to a value first (base64, quotes, one letter a line) is not seen through.
 */
#ifndef DROVER_JOBS_SECRET_MASK_H
#define DROVER_JOBS_SECRET_MASK_H

#include <stdbool.h>
#include <stddef.h>

struct arena;
struct buf;
struct err;

#define SECRET_MASK "******" /* stands for each stretch that is taken out */
/* A job with more values than this (each line of a value with lines counts, too) gets all of its texts taken out. */
#define SECRET_MASK_VALUES 1024

struct secret_mask;

/* Of the secrets that spec_secrets wrote (len 0: none). All in the arena, which may be large: some five times `len`.
 * NULL with the error. */
struct secret_mask *secret_mask_create(struct arena *a, const char *yaml, size_t len, struct err *e);
/* One that takes out everything: for secrets that cannot be read. NULL on out of memory. */
struct secret_mask *secret_mask_all(struct arena *a);
/* Overwrites the values. NULL ok. */
void secret_mask_wipe(struct secret_mask *m);
/* Names of the secrets, in order; only the first of "a.b". Borrowed. */
const char *const *secret_mask_names(const struct secret_mask *m, size_t *count);
/* Bytes of the longest value: who cuts text in front looks so far back. */
size_t secret_mask_longest(const struct secret_mask *m);
/* Appends the text without what is secret. `cut`: there was more behind it. Takes time in the number of values times
 * `len`. 0, or -1 when out of memory or `out` is bad. Any thread. */
int secret_mask_add(const struct secret_mask *m, const char *text, size_t len, bool cut, struct buf *out);

#endif
