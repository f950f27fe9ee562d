/* SPDX-License-Identifier: MIT
 *
 * Times as others write them. Apart from clock.h, as root's programs read none.
 */
#ifndef DROVER_BASE_CLOCK_PARSE_H
#define DROVER_BASE_CLOCK_PARSE_H

#include <stdint.h>

/* The moment that an RFC 3339 time of 1970 to 9999 says ("2026-11-21T09:00:00.5+01:00"), in ms since 1970. 0, or -1 for
 * what is none. Any thread. */
int clock_parse(const char *text, int64_t *wall_ms);

#endif
