/* SPDX-License-Identifier: MIT
 *
 * The end of a log made fit to be looked at: cut into lines, without the escapes that colour them, with "\r" taken for
 * an end of line (progress bars) and lines that are very long cut up. Each line knows where it stands in the log.
 */
#ifndef DROVER_JOBS_LOG_TEXT_H
#define DROVER_JOBS_LOG_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define LOG_TEXT_MAX ((size_t)512 << 10) /* bytes of a log that are looked at: its end */
#define LOG_TEXT_LINE 4096               /* longer lines are cut into such */
#define LOG_TEXT_LINES 20000             /* lines that are looked at: the last */

struct log_line {
    size_t at, len; /* in text, without the newline; never empty */
    int64_t offset; /* of its first byte in the log */
};

struct log_text {
    char *text;
    size_t len;
    struct log_line *lines; /* in order */
    size_t count;
};

/* Makes it of `raw`, which begins at byte `offset` of the log; where that is not its start, the first line may be half
 * a line and is left out if there is another. Blank lines are left out. Any bytes will do. 0, or -1 on out of memory.
 */
int log_text_init(struct log_text *t, const char *raw, size_t len, int64_t offset);
/* Frees it; a zeroed one is fine. */
void log_text_fini(struct log_text *t);
/* The line that holds byte `at` of text. The text must have lines. */
size_t log_text_line(const struct log_text *t, size_t at);

#endif
