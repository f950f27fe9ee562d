/* SPDX-License-Identifier: MIT
 *
 * Threads that nobody waits for: of shells, and of calls to web apps.
 */
#ifndef DROVER_BASE_DETACHED_H
#define DROVER_BASE_DETACHED_H

#include <stddef.h>

/* Starts one with so many bytes of stack. 0, or the error's number as errno has it. */
int detached_start(size_t stack, void *(*fn)(void *ctx), void *ctx);

#endif
