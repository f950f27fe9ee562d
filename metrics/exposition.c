/* SPDX-License-Identifier: MIT
 *
 * The formats differ in little: OpenMetrics names a counter's family without `_total`, knows units, and has an end.
 */
#include "metrics/exposition.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/num.h"
#include "metrics/remote.h"

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
    static const char *const types[] = {
        [EXPOSITION_GAUGE] = "gauge", [EXPOSITION_COUNTER] = "counter", [EXPOSITION_HISTOGRAM] = "histogram"};

    x->family = f;
    if (x->remote)
        return;
    (void)buf_addf(x->out, "# HELP %s%s ", f->name, total(x, false));
    add_escaped(x->out, f->help, x->open);
    (void)buf_addf(x->out, "\n# TYPE %s%s %s\n", f->name, total(x, false), types[f->type]);
    if (x->open && f->unit)
        (void)buf_addf(x->out, "# UNIT %s %s\n", f->name, f->unit);
}

void exposition_name(const struct exposition_family *f, char *out, size_t size)
{
    (void)snprintf(out, size, "%s%s", f->name, f->type == EXPOSITION_COUNTER ? "_total" : "");
}

static void add_remote(struct exposition *x, const char *suffix, const char *const *labels, const char *bound,
                       double value)
{
    const char *all[2 * REMOTE_LABELS_MAX + 3];
    char name[128];
    size_t n = 0;

    for (; labels && labels[n] && n < 2 * (size_t)REMOTE_LABELS_MAX; n++)
        all[n] = labels[n];
    if (bound) {
        all[n++] = "le";
        all[n++] = bound;
    }
    all[n] = NULL;
    (void)snprintf(name, sizeof name, "%s%s", x->family->name, suffix);
    remote_series(x->remote, name, all);
    remote_sample(x->remote, x->at_ms, value);
}

/* One line; `bound` is a bucket's label, NULL for none. */
static void add_line(struct exposition *x, const char *suffix, const char *const *labels, const char *bound,
                     double value)
{
    char number[NUM_SIZE];
    const char *mark = "{";

    if (x->remote) {
        add_remote(x, suffix, labels, bound, value);
        return;
    }
    (void)buf_addf(x->out, "%s%s", x->family->name, suffix);
    for (size_t i = 0; labels && labels[i]; i += 2, mark = ",") {
        (void)buf_addf(x->out, "%s%s=\"", mark, labels[i]);
        add_escaped(x->out, labels[i + 1], true);
        (void)buf_addc(x->out, '"');
    }
    if (bound) {
        (void)buf_addf(x->out, "%sle=\"%s\"", mark, bound);
        mark = ",";
    }
    if (isfinite(value))
        num_format(value, number);
    (void)buf_addf(x->out, "%s %s\n", *mark == ',' ? "}" : "", isfinite(value) ? number : "NaN");
}

void exposition_sample(struct exposition *x, const char *const *labels, double value)
{
    add_line(x, total(x, true), labels, NULL, value);
}

void exposition_histogram(struct exposition *x, const char *const *labels, const struct exposition_buckets *b)
{
    uint64_t below = 0;

    for (size_t i = 0; i <= b->count; i++) {
        below += b->counts[i];
        add_line(x, "_bucket", labels, i < b->count ? b->bounds[i] : "+Inf", (double)below);
    }
    add_line(x, "_sum", labels, NULL, b->sum);
    add_line(x, "_count", labels, NULL, (double)below);
}

int exposition_end(struct exposition *x)
{
    if (x->remote)
        return 0;
    if (x->open)
        (void)buf_adds(x->out, "# EOF\n");
    return x->out->bad ? -1 : 0;
}
