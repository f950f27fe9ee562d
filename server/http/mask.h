/* SPDX-License-Identifier: MIT
 *
 * What of a request's path may be written down: people put tokens where a route does not want them.
 */
#ifndef DROVER_SERVER_HTTP_MASK_H
#define DROVER_SERVER_HTTP_MASK_H

#include <stdbool.h>
#include <stddef.h>

/* No secret of ours is as short; ids (36) and names mostly are. */
#define MASK_SEGMENT_MAX 40

/* Copies a path with each segment that may be a secret written as "*": whatever looks like one of our tokens, and,
 * where `known` does not say that a route knows what its segments are, each that is longer than MASK_SEGMENT_MAX bytes.
 * `out` needs strlen(path) + 1 bytes. Any thread. */
void mask_path(const char *path, bool known, char *out);

#endif
