/* SPDX-License-Identifier: MIT */
/* First harmless for a reader's eye, then for a reader's browser. */
#include "base/html.h"

#include <string.h>

#include "base/buf.h"
#include "base/utf8.h"

void html_put(struct buf *out, const char *text)
{
    static const struct {
        char c;
        const char *as;
    } marks[] = {{'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    struct buf safe;

    if (!text)
        return;
    buf_init(&safe, 0);
    (void)utf8_safe(&safe, text, strlen(text), false, false);
    for (const char *s = buf_str(&safe); *s; s++) {
        const char *as = NULL;

        for (size_t i = 0; i < sizeof(marks) / sizeof(marks[0]); i++)
            if (*s == marks[i].c)
                as = marks[i].as;
        if (as)
            (void)buf_adds(out, as);
        else
            (void)buf_addc(out, *s);
    }
    out->bad = out->bad || safe.bad;
    buf_fini(&safe);
}
