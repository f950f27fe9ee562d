/* SPDX-License-Identifier: MIT
 *
 * When which job leaves: a heap whose entries may move. Ties are broken by submission, so that a virtual cluster's jobs
 * leave in the same order wherever they are replayed.
 */
#ifndef DROVER_SIM_ENDS_H
#define DROVER_SIM_ENDS_H

#include <stddef.h>
#include <stdint.h>

/* Embedded in what the caller allocates. */
struct end {
    int64_t at_ms;
    int64_t seq;
    size_t slot; /* in the heap, + 1; 0 = not there */
};

struct ends {
    struct end **heap;
    size_t count;
};

/* An empty heap for `max` entries. 0, or -1 on out of memory. */
int ends_init(struct ends *h, size_t max);
/* Entries are the caller's. */
void ends_fini(struct ends *h);
/* Puts an entry in, or moves it, to a moment. */
void ends_set(struct ends *h, struct end *en, int64_t at_ms);
/* The next to leave, or NULL. It stays. */
struct end *ends_next(const struct ends *h);
/* Takes the next out. The heap must not be empty. */
struct end *ends_pop(struct ends *h);

#endif
