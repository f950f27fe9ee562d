/* SPDX-License-Identifier: MIT
 *
 * The event stream format of HTML: lines end with LF, CR or CRLF; an empty line ends an event.
 */
#include "tui/sse.h"

#include <stdio.h>
#include <string.h>

void sse_init(struct sse *s, sse_event *on_event, void *ctx)
{
    *s = (struct sse){.on_event = on_event, .ctx = ctx};
    buf_init(&s->line, SSE_LINE_MAX);
    buf_init(&s->data, SSE_LINE_MAX);
}

void sse_restart(struct sse *s)
{
    buf_reset(&s->line);
    buf_reset(&s->data);
    s->type[0] = '\0';
    s->has_data = false;
    s->after_cr = false;
}

void sse_fini(struct sse *s)
{
    buf_fini(&s->line);
    buf_fini(&s->data);
}

static void sse_dispatch(struct sse *s)
{
    if (s->has_data && !s->data.bad)
        s->on_event(s->ctx, s->type[0] ? s->type : "message", buf_str(&s->data));
    buf_reset(&s->data);
    s->has_data = false;
    s->type[0] = '\0';
}

static void sse_field(struct sse *s, const char *line)
{
    size_t len = strcspn(line, ":");
    const char *value = line[len] ? line + len + 1 : line + len;

    value += *value == ' ';
    if (len == 4 && !strncmp(line, "data", 4)) {
        if (s->has_data)
            (void)buf_addc(&s->data, '\n');
        (void)buf_adds(&s->data, value);
        s->has_data = true;
    } else if (len == 5 && !strncmp(line, "event", 5)) {
        snprintf(s->type, sizeof s->type, "%s", value);
    } else if (len == 2 && !strncmp(line, "id", 2) && strlen(value) < sizeof s->id) {
        snprintf(s->id, sizeof s->id, "%s", value);
    }
}

static void sse_line(struct sse *s)
{
    if (!s->line.bad && s->line.len == 0)
        sse_dispatch(s);
    else if (!s->line.bad && s->line.data[0] != ':')
        sse_field(s, buf_str(&s->line));
    buf_reset(&s->line);
}

void sse_feed(struct sse *s, const char *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        char c = bytes[i];

        if (c == '\n' && s->after_cr) {
            s->after_cr = false;
            continue;
        }
        s->after_cr = c == '\r';
        if (c == '\n' || c == '\r')
            sse_line(s);
        else if (c)
            (void)buf_addc(&s->line, c);
    }
}
