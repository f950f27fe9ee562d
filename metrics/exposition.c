/* SPDX-License-Identifier: MIT
 *
 * The formats differ in little: OpenMetrics names a counter's family without `_total`, knows units, and has an end.
 */
#include "metrics/exposition.h"

#include <math.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/num.h"

/* ---- Accept ---- */

/* A q value in thousandths, up to its first three decimals. */
static int thousandths(const char *q, const char *end)
{
    int value = 0, unit = 1000;

    for (; q < end && unit > 0 && ((*q >= '0' && *q <= '9') || *q == '.'); q++) {
        if (*q == '.')
            continue;
        value += (*q - '0') * unit;
        unit /= 10;
    }
    return value;
}

/* Reads one media range of an Accept header: how much it is wanted (q, in thousandths; RFC 9110, 12.4.2), if it is of
 * that type, else -1. */
static int wanted(const char *range, size_t len, const char *type)
{
    const size_t n = strlen(type);
    const char *end = range + len, *q;

    if (len < n || strncasecmp(range, type, n) != 0 || (len > n && !strchr("; \t", range[n])))
        return -1;
    for (q = range + n; q + 1 < end; q++)
        if (strchr("; \t", q[-1]) && (*q == 'q' || *q == 'Q') && q[1] == '=')
            return thousandths(q + 2, end);
    return 1000;
}

bool exposition_wants_open(const char *accept)
{
    int open = -1, text = -1;

    while (accept && *accept) {
        size_t skip = strspn(accept, ", \t"), len = strcspn(accept + skip, ",");
        int q = wanted(accept + skip, len, "application/openmetrics-text");
        int other = wanted(accept + skip, len, "text/plain");

        open = q > open ? q : open;
        text = other > text ? other : text;
        accept += skip + len;
    }
    return open > 0 && open >= text;
}

/* ---- writing ---- */

/* What may not stand as it is: a backslash, a newline, and in quotes a quote. */
static void add_escaped(struct buf *out, const char *s, bool quoted)
{
    for (; *s; s++) {
        if (*s == '\n') {
            (void)buf_adds(out, "\\n");
            continue;
        }
        if (*s == '\\' || (quoted && *s == '"'))
            (void)buf_addc(out, '\\');
        (void)buf_addc(out, *s);
    }
}

static const char *total(const struct exposition *x, bool sample)
{
    return x->family->type == EXPOSITION_COUNTER && (sample || !x->open) ? "_total" : "";
}

void exposition_begin(struct exposition *x, const struct exposition_family *f)
{
    static const char *const types[] = {[EXPOSITION_GAUGE] = "gauge", [EXPOSITION_COUNTER] = "counter"};

    x->family = f;
    (void)buf_addf(x->out, "# HELP %s%s ", f->name, total(x, false));
    add_escaped(x->out, f->help, x->open);
    (void)buf_addf(x->out, "\n# TYPE %s%s %s\n", f->name, total(x, false), types[f->type]);
    if (x->open && f->unit)
        (void)buf_addf(x->out, "# UNIT %s %s\n", f->name, f->unit);
}

void exposition_sample(struct exposition *x, const char *const *labels, double value)
{
    char number[NUM_SIZE];

    (void)buf_addf(x->out, "%s%s", x->family->name, total(x, true));
    for (size_t i = 0; labels && labels[i]; i += 2) {
        (void)buf_addf(x->out, "%s%s=\"", i ? "," : "{", labels[i]);
        add_escaped(x->out, labels[i + 1], true);
        (void)buf_addc(x->out, '"');
    }
    if (isfinite(value))
        num_format(value, number);
    (void)buf_addf(x->out, "%s %s\n", labels && labels[0] ? "}" : "", isfinite(value) ? number : "NaN");
}

int exposition_end(struct exposition *x)
{
    if (x->open)
        (void)buf_adds(x->out, "# EOF\n");
    return x->out->bad ? -1 : 0;
}
