/* SPDX-License-Identifier: MIT
 *
 * The log. A line is built whole and written by one write(2), so lines of several threads do not mix.
 */
#include "base/log.h"

#include <stdarg.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/utf8.h"

#define LOG_MAX_LINE 16384u

struct log_state {
    const char *program;
    enum log_level level;
    enum log_format format;
    int journal; /* standard error is read by journald: lines carry a priority */
};

static const struct {
    const char *name;
    const char *priority; /* sd-daemon(3) */
} log_levels[] = {
    [LOG_LEVEL_ERROR] = {"error", "<3>"},
    [LOG_LEVEL_WARN] = {"warn", "<4>"},
    [LOG_LEVEL_INFO] = {"info", "<6>"},
    [LOG_LEVEL_DEBUG] = {"debug", "<7>"},
};

/* The one setting of the process; written before threads start. */
static struct log_state *log_state(void)
{
    static struct log_state state = {.program = "drover", .level = LOG_LEVEL_INFO, .format = LOG_FORMAT_LOGFMT};

    return &state;
}

void log_setup(const char *program, enum log_level level, enum log_format format)
{
    struct log_state *s = log_state();

    s->program = program;
    s->level = level;
    s->format = format;
    s->journal = getenv("JOURNAL_STREAM") != NULL;
}

/* Appends a quoted logfmt value. Whatever could end the line, the quotes or fool a terminal is escaped. */
static void log_quote(struct buf *out, const struct buf *value)
{
    struct buf safe;
    size_t i;

    buf_init(&safe, 4 * LOG_MAX_LINE);
    (void)buf_addc(out, '"');
    if (utf8_safe(&safe, buf_str(value), value->len, true, true) == 0) {
        for (i = 0; i < safe.len; i++) {
            char c = safe.data[i];

            if (c == '"')
                (void)buf_adds(out, "\\\"");
            else if (c == '\n')
                (void)buf_adds(out, "\\n");
            else if (c == '\t')
                (void)buf_adds(out, "\\t");
            else
                (void)buf_addc(out, c);
        }
    }
    (void)buf_addc(out, '"');
    buf_fini(&safe);
}

static void log_line_json(struct buf *line, const char *level, const char *event, const struct buf *text)
{
    struct json_out j;
    char time[CLOCK_ISO_SIZE];

    clock_iso(clock_read().wall, time);
    json_out_init(&j, line);
    json_out_object(&j);
    json_out_kstring(&j, "time", time);
    json_out_kstring(&j, "level", level);
    json_out_kstring(&j, "program", log_state()->program);
    json_out_kstring(&j, "event", event);
    if (text->len)
        json_out_kstring(&j, "msg", buf_str(text));
    json_out_object_end(&j);
}

static void log_line_logfmt(struct buf *line, const char *level, const char *event, const struct buf *text)
{
    char time[CLOCK_ISO_SIZE];

    clock_iso(clock_read().wall, time);
    (void)buf_addf(line, "time=%s level=%s program=%s event=%s", time, level, log_state()->program, event);
    if (text->len) {
        (void)buf_adds(line, " msg=");
        log_quote(line, text);
    }
}

void log_write(enum log_level level, const char *event, const char *fmt, ...)
{
    const struct log_state *s = log_state();
    struct buf line, text;
    va_list ap;

    if (level > s->level)
        return;
    buf_init(&line, 8 * LOG_MAX_LINE);
    buf_init(&text, LOG_MAX_LINE);
    if (fmt) {
        va_start(ap, fmt);
        if (buf_vaddf(&text, fmt, ap)) {
            buf_reset(&text);
            (void)buf_adds(&text, "(message too long)");
        }
        va_end(ap);
    }
    if (s->journal)
        (void)buf_adds(&line, log_levels[level].priority);
    if (s->format == LOG_FORMAT_JSON)
        log_line_json(&line, log_levels[level].name, event, &text);
    else
        log_line_logfmt(&line, log_levels[level].name, event, &text);
    (void)buf_addc(&line, '\n');
    /* A log that cannot be written has nowhere to say so. */
    if (!line.bad)
        (void)fs_write_all(STDERR_FILENO, line.data, line.len);
    buf_fini(&text);
    buf_fini(&line);
}
