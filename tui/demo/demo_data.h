/* SPDX-License-Identifier: MIT
 *
 * The recorded replies of `drover tui --demo`, embedded at build time from the files beside it.
 */
#ifndef DROVER_TUI_DEMO_DEMO_DATA_H
#define DROVER_TUI_DEMO_DEMO_DATA_H

#include <stddef.h>

/* The file's bytes (JSON, NUL-terminated) and their number. Constant. */
const char *demo_data(size_t *len);

#endif
