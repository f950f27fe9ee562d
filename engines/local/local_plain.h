/* SPDX-License-Identifier: MIT
 *
 * Commands that need no shell.
 */
#ifndef DROVER_ENGINES_LOCAL_LOCAL_PLAIN_H
#define DROVER_ENGINES_LOCAL_LOCAL_PLAIN_H

#include <stdbool.h>

/* Whether the script is one command with an absolute path that a shell would read as plain words parted by spaces. */
bool local_plain(const char *script);

#endif
