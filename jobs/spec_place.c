/* SPDX-License-Identifier: MIT
 *
 * Places in a job's document, and errors that name them.
 */
#include "jobs/spec_place.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"

/* The pointer and the text of an error may be this long before err.h cuts them. */
#define POINTER_MAX 1024
#define TEXT_MAX 2048

struct spec_place spec_place_step(const struct spec_place *up, const struct doc *child, size_t index)
{
    return (struct spec_place){.up = up, .key = child->key, .index = index};
}

/* RFC 6901. */
static void write_pointer(const struct spec_place *place, struct buf *out)
{
    if (!place)
        return;
    write_pointer(place->up, out);
    buf_addc(out, '/');
    if (!place->key)
        buf_addf(out, "%zu", place->index);
    for (const char *c = place->key; c && *c; c++) {
        if (*c == '~')
            buf_adds(out, "~0");
        else if (*c == '/')
            buf_adds(out, "~1");
        else
            buf_addc(out, *c);
    }
}

__attribute__((format(printf, 3, 0))) static int fail(const struct spec_place *place, struct err *e, const char *fmt,
                                                      va_list ap)
{
    struct buf pointer, text;

    buf_init(&pointer, POINTER_MAX);
    buf_init(&text, TEXT_MAX);
    write_pointer(place, &pointer);
    buf_vaddf(&text, fmt, ap);
    (void)err_set(e, ERR_INVALID_PROTOCOL, "%s", text.bad ? "the job's document is not valid here" : buf_str(&text));
    (void)err_pointer(e, buf_str(&pointer));
    buf_fini(&pointer);
    buf_fini(&text);
    return -1;
}

int spec_place_fail(const struct spec_place *place, const struct doc *at, struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail(place, e, fmt, ap);
    va_end(ap);
    return at ? err_at(e, at->line, at->column) : -1;
}

int spec_place_fail_key(const struct spec_place *place, const struct doc *at, struct err *e, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    (void)fail(place, e, fmt, ap);
    va_end(ap);
    return at->key ? err_at(e, at->key_line, at->key_column) : err_at(e, at->line, at->column);
}
