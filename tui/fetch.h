/* SPDX-License-Identifier: MIT
 *
 * The server as a source: one worker thread performs all exchanges at once (curl's multi interface), so a slow reply
 * delays nothing else and the UI thread never waits.
 */
#ifndef DROVER_TUI_FETCH_H
#define DROVER_TUI_FETCH_H

#include "tui/source.h"

struct endpoint;

/* Starts the worker. The endpoint's strings are copied. NULL with `e`. End it with source_destroy. */
struct source *fetch_create(const struct endpoint *to, struct err *e);

#endif
