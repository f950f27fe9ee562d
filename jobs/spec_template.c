/* SPDX-License-Identifier: MIT
 *
 * The template filler: one pass over the text. A template is
 *
 *     "<%" spaces "$" name ( "." name | "[" digits "]" )* spaces "%>"
 *
 * and anything else that begins with "<%" is text. The grammar never looks past the next "<", so bad templates cost no
 * more than good ones.
 */
#include "jobs/spec_template.h"

#include <stdbool.h>
#include <string.h>

#include "base/buf.h"
#include "base/doc.h"

void spec_template_add(struct spec_template *t, const char *name, const struct doc *value)
{
    if (!value || t->count == SPEC_TEMPLATE_ROOTS)
        return;
    t->roots[t->count].name = name;
    t->roots[t->count].value = value;
    t->count++;
}

/* Scans by hand, here and in next_open: sanitizers let the functions of <string.h> measure the whole rest of the text
 * each time, which makes a long text with many templates quadratic under test. */

static const char *skip_spaces(const char *s)
{
    while (*s == ' ' || *s == '\t')
        s++;
    return s;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static size_t digits_length(const char *s)
{
    size_t n = 0;

    while (is_digit(s[n]))
        n++;
    return n;
}

static bool is_name(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' || c == '-';
}

static size_t name_length(const char *s)
{
    size_t n = 0;

    while (is_name(s[n]))
        n++;
    return n;
}

static bool same(const char *key, const char *s, size_t len)
{
    return strncmp(key, s, len) == 0 && key[len] == '\0';
}

static const struct doc *find_root(const struct spec_template *t, const char *s, size_t len)
{
    for (size_t i = 0; i < t->count; i++)
        if (same(t->roots[i].name, s, len))
            return t->roots[i].value;
    return NULL;
}

/* The entry of a list by its digits, or the child of a map by its name; NULL when there is none. */
static const struct doc *find_child(struct spec_template *t, const struct doc *in, const char *s, size_t len)
{
    const struct doc *c = in ? in->first : NULL;
    size_t index = 0;

    if (!in || (in->type != DOC_MAP && in->type != DOC_LIST))
        return NULL;
    if (in->type == DOC_MAP) {
        for (; c && !same(c->key, s, len); c = c->next)
            t->steps++;
        return c;
    }
    if (digits_length(s) < len || len > 6)
        return NULL;
    for (size_t i = 0; i < len; i++)
        index = index * 10 + (size_t)(s[i] - '0');
    for (; c && index > 0; index--, c = c->next)
        t->steps++;
    return c;
}

/* Reads a template at `s` (its "<%"). The byte behind it, or NULL when it is none; *value gets what it names, or NULL.
 */
static const char *read_template(struct spec_template *t, const char *s, const struct doc **value)
{
    size_t len;

    s = skip_spaces(s + 2);
    if (*s != '$')
        return NULL;
    len = 1 + name_length(s + 1);
    *value = find_root(t, s, len);
    for (s += len; *s == '.' || *s == '['; s += len) {
        bool bracket = *s == '[';

        s++;
        len = bracket ? digits_length(s) : name_length(s);
        if (len == 0 || (bracket && s[len] != ']'))
            return NULL;
        *value = find_child(t, *value, s, len);
        len += bracket;
    }
    s = skip_spaces(s);
    return s[0] == '%' && s[1] == '>' ? s + 2 : NULL;
}

static bool is_scalar(const struct doc *d)
{
    return d->type != DOC_LIST && d->type != DOC_MAP;
}

static bool can_fill(const struct doc *d)
{
    if (!d || d->type == DOC_MAP)
        return false;
    for (const struct doc *c = d->first; c; c = c->next)
        if (!is_scalar(c))
            return false;
    return true;
}

static void fill_scalar(const struct doc *d, struct buf *out)
{
    if (d->type != DOC_NULL)
        buf_add(out, d->text, d->text_len);
}

static void fill_value(struct spec_template *t, const struct doc *d, struct buf *out)
{
    if (is_scalar(d))
        fill_scalar(d, out);
    for (const struct doc *c = d->first; c; c = c->next) {
        fill_scalar(c, out);
        if (c->next)
            buf_addc(out, ',');
        t->steps++;
    }
}

/* The next "<%", or NULL. */
static const char *next_open(const char *s)
{
    for (; *s; s++)
        if (s[0] == '<' && s[1] == '%')
            return s;
    return NULL;
}

static bool spent(const struct spec_template *t)
{
    return t->max_steps && t->steps >= t->max_steps;
}

void spec_template_count(struct spec_template *t, const char *text)
{
    const struct doc *value;

    while (!spent(t) && (text = next_open(text))) {
        const char *end = read_template(t, text, &value);

        text = end ? end : text + 2;
    }
}

int spec_template_fill(struct spec_template *t, const char *text, struct buf *out)
{
    const char *s = text;
    const char *open;

    while (!out->bad && !spent(t) && (open = next_open(s))) {
        const struct doc *value = NULL;
        const char *end = read_template(t, open, &value);

        buf_add(out, s, (size_t)(open - s));
        if (end && can_fill(value))
            fill_value(t, value, out);
        else
            buf_add(out, open, (size_t)((end ? end : open + 2) - open));
        s = end ? end : open + 2;
    }
    buf_adds(out, s);
    return out->bad ? -1 : 0;
}
