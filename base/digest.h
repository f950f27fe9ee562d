/* SPDX-License-Identifier: MIT
 *
 * Digests of files. Apart from fs.h, which the static shim takes in without libsodium.
 */
#ifndef DROVER_BASE_DIGEST_H
#define DROVER_BASE_DIGEST_H

#include <stdint.h>

#define DIGEST_SIZE 65 /* hex digits and NUL */

/* SHA-256 of the whole file, in lower-case hex, and its length (NULL ok); its position stays. 0 or -1 with errno. Any
 * thread. */
int digest_file(int fd, char hex[DIGEST_SIZE], int64_t *bytes);

#endif
