/* SPDX-License-Identifier: MIT
 *
 * The nodes that a job keeps away from: on each a fault of the platform ended one of its attempts. They are part of its
 * row. The list is short, so that a job that fails everywhere does not end up with nowhere to go.
 */
#ifndef DROVER_JOBS_AVOID_H
#define DROVER_JOBS_AVOID_H

#include <stdbool.h>

#include "inventory/node.h"

enum { AVOID_MAX = 3 };

/* The newest last. */
struct avoid {
    int count;
    char node[AVOID_MAX][NODE_NAME_MAX];
};

struct buf;

/* Adds a node as the newest; of more than AVOID_MAX the oldest is dropped. */
void avoid_add(struct avoid *a, const char *node);
/* Drops the `n` oldest, at most all. */
void avoid_drop(struct avoid *a, int n);
/* Whether a node is among them; NULL holds none. */
bool avoid_has(const struct avoid *a, const char *node);
/* Appends their names with `between` between two; for sentences and keys. */
void avoid_text(const struct avoid *a, const char *between, struct buf *out);

/* As a JSON array of names, appended; and from one (NULL or bad text: none). Any thread. */
void avoid_write(const struct avoid *a, struct buf *out);
void avoid_read(struct avoid *a, const char *json);

#endif
