/* SPDX-License-Identifier: MIT
 *
 * Text inside manual pages.
 */
#ifndef DROVER_BASE_ROFF_H
#define DROVER_BASE_ROFF_H

#include <stdio.h>

/* Writes text that roff would read otherwise: backslashes, hyphens (they are to be typed), and a leading dot or quote,
 * which would be a request. Errors show in the stream. */
void roff_text(FILE *f, const char *text);

#endif
