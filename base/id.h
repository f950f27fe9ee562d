/* SPDX-License-Identifier: MIT
 *
 * Identifiers: UUIDv7 (RFC 9562), sortable by creation time, made from getrandom(2).
 */
#ifndef DROVER_BASE_ID_H
#define DROVER_BASE_ID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ID_SIZE 37 /* 36 characters and a NUL */

/* A UUIDv7 for the moment `wall_ms`, lower case, into `out`. Ends the process if the kernel has no random bytes. Any
 * thread. */
void id_make(int64_t wall_ms, char out[ID_SIZE]);
/* Whether `s` is a UUID in lower-case canonical form. */
bool id_valid(const char *s);
/* `n` random bytes from the kernel. */
void id_random(void *out, size_t n);
/* `bytes` random bytes as lower-case hex plus NUL into `out` (2 * bytes + 1). */
void id_random_hex(char *out, size_t bytes);

#endif
