/* SPDX-License-Identifier: MIT
 *
 * Recorded replies as a source: `drover tui --demo`, and the bed of the golden screens. Filters lists, pages, and plays
 * a stop; nothing leaves the process.
 */
#ifndef DROVER_TUI_DEMO_H
#define DROVER_TUI_DEMO_H

#include "tui/source.h"

/* Loads a recording (JSON, `len` bytes; the built-in one when `text` is NULL). NULL with `e`. End with source_destroy.
 */
struct source *demo_create(const char *text, size_t len, struct err *e);
/* The moment of the recording, ms since 1970. */
int64_t demo_now(const struct source *s);
/* Makes every later answer an error with this code (a dead server), or ERR_NONE for answers again. */
void demo_fail(struct source *s, enum err_code code);

#endif
