/* SPDX-License-Identifier: MIT
 *
 * Numbers and times as people read them. Pure: the moment comes from the caller. Any thread.
 */
#ifndef DROVER_TUI_FORMAT_H
#define DROVER_TUI_FORMAT_H

#include <stddef.h>
#include <stdint.h>

#define FORMAT_SIZE 40 /* room for any result of this module */

/* "3h02m", "42m05s", "7s", "2d04h" for a duration in ms; negative counts as 0. Returns `out`. */
const char *format_duration(int64_t ms, char out[FORMAT_SIZE]);
/* The same without seconds, so that a screen needs redrawing once a minute at most: "<1m", "42m", "3h02m". */
const char *format_coarse(int64_t ms, char out[FORMAT_SIZE]);
/* "12 s ago", "3 min ago", "5 h ago", "2 d ago", for what is to come "in 3 h"; "-" for time 0. */
const char *format_ago(int64_t now_ms, int64_t at_ms, char out[FORMAT_SIZE]);
/* "2026-11-21 14:02:11" in local time; "-" for time 0. */
const char *format_local(int64_t at_ms, char out[FORMAT_SIZE]);
/* "14:02" in local time. */
const char *format_clock(int64_t at_ms, char out[FORMAT_SIZE]);
/* 1204 as "1,204". */
const char *format_count(int64_t n, char out[FORMAT_SIZE]);
/* Bytes in binary units: "512 B", "1.5 KiB", "79.1 GiB". */
const char *format_bytes(int64_t n, char out[FORMAT_SIZE]);

#endif
