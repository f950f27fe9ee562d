/* SPDX-License-Identifier: MIT
 *
 * The log: one event per line on standard error, logfmt or JSON; journald priority prefixes when JOURNAL_STREAM is set.
 * Control characters in values are escaped, so a foreign string cannot forge a line. Any thread.
 */
#ifndef DROVER_BASE_LOG_H
#define DROVER_BASE_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_LOGFMT, LOG_FORMAT_JSON };

/* Sets level, format and the program's name (borrowed, must outlive the process). Call once, before threads start. */
void log_setup(const char *program, enum log_level level, enum log_format format);

/* Writes one line. `event` is a short fixed word ("job_submitted"); `fmt` the sentence, may be NULL. */
void log_write(enum log_level level, const char *event, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#define log_error(...) log_write(LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warn(...) log_write(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_info(...) log_write(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(...) log_write(LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
