/* SPDX-License-Identifier: MIT
 *
 * Numbers to and from text with a point, whatever the locale says: the C library's strtod and printf follow
 * LC_NUMERIC, and the TUI sets a locale.
 */
#ifndef DROVER_BASE_NUM_H
#define DROVER_BASE_NUM_H

#include <stddef.h>

#define NUM_SIZE 32

/* Reads `len` bytes, already known to be a decimal number (sign, digits, '.', exponent). 0 with *out, or -1 when the
 * number is too large for a double or longer than 512 bytes. Any thread. */
int num_parse(const char *text, size_t len, double *out);
/* The shortest of 15 or 17 digits that reads back equal. `v` must be finite. Any thread. */
void num_format(double v, char out[NUM_SIZE]);
/* The same of a float: the shortest of 6 to 9 digits that reads back as the same float. */
void num_format_float(float v, char out[NUM_SIZE]);

#endif
