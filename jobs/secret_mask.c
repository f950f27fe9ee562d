/* SPDX-License-Identifier: MIT
 *
 * Each value is looked for by its table of borders (Knuth, Morris and Pratt): in linear time, overlaps too, and at the
 * end of the text the search knows how much of a value's beginning stands there.
 */
#include "jobs/secret_mask.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"

#define MASK_LINE_MIN 8   /* shorter lines of a value with lines are not looked for by themselves */
#define MASK_TOKEN_MIN 40 /* ours are longer */

struct mask_value {
    char *text;
    size_t len;
    size_t *borders; /* of each prefix: how long a proper prefix of it is its end, too */
};

struct secret_mask {
    struct arena *arena;
    bool all;
    struct mask_value values[SECRET_MASK_VALUES];
    size_t count, longest;
    const char **names;
    size_t name_count;
};

/* ---- values ---- */

static int add_value(struct secret_mask *m, const char *text, size_t len)
{
    if (m->count == SECRET_MASK_VALUES) {
        m->all = true;
        return 0;
    }
    struct mask_value *v = &m->values[m->count];
    v->text = arena_strndup(m->arena, text, len);
    v->borders = arena_calloc(m->arena, len, sizeof(*v->borders));
    if (!v->text || !v->borders)
        return -1;
    v->len = len;
    for (size_t i = 1, k = 0; i < len; i++) {
        while (k > 0 && v->text[i] != v->text[k])
            k = v->borders[k - 1];
        k += v->text[i] == v->text[k];
        v->borders[i] = k;
    }
    m->longest = len > m->longest ? len : m->longest;
    m->count++;
    return 0;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* A value without the blanks around it, as `$(...)` gives it, and each of its lines that is no mere word. */
static int add_text(struct secret_mask *m, const char *text, size_t len)
{
    while (len > 0 && is_blank(text[len - 1]))
        len--;
    while (len > 0 && is_blank(*text))
        text++, len--;
    if (len == 0)
        return 0;
    if (add_value(m, text, len))
        return -1;
    const char *end = text + len, *newline = memchr(text, '\n', len);
    while (newline || (text > end - len && text < end)) {
        const char *stop = newline ? newline : end;
        if (stop - text >= MASK_LINE_MIN && add_value(m, text, (size_t)(stop - text)))
            return -1;
        text = newline ? newline + 1 : end;
        newline = text < end ? memchr(text, '\n', (size_t)(end - text)) : NULL;
    }
    return 0;
}

/* All scalars below `d`; the gate bounds the depth. */
static int add_all(struct secret_mask *m, const struct doc *d)
{
    if (d->text && d->type != DOC_NULL)
        return add_text(m, d->text, d->text_len);
    for (const struct doc *c = d->first; c; c = c->next)
        if (add_all(m, c))
            return -1;
    return 0;
}

static int add_names(struct secret_mask *m, const struct doc *top)
{
    m->names = arena_calloc(m->arena, top->count + 1, sizeof(*m->names));
    if (!m->names)
        return -1;
    for (const struct doc *c = top->first; c && m->name_count < top->count; c = c->next)
        if (c->key)
            m->names[m->name_count++] = c->key;
    return 0;
}

struct secret_mask *secret_mask_create(struct arena *a, const char *yaml, size_t len, struct err *e)
{
    struct secret_mask *m = arena_alloc(a, sizeof(*m));
    const struct doc_limits limits = {.bytes = len};

    if (!m) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    m->arena = a;
    if (len == 0)
        return m;
    const struct doc *top = doc_parse_yaml(a, yaml, len, &limits, e);
    if (!top)
        return NULL;
    if (add_names(m, top) == 0 && add_all(m, top) == 0)
        return m;
    secret_mask_wipe(m);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

struct secret_mask *secret_mask_all(struct arena *a)
{
    struct secret_mask *m = arena_alloc(a, sizeof(*m));

    if (m)
        m->all = true;
    return m;
}

void secret_mask_wipe(struct secret_mask *m)
{
    for (size_t i = 0; m && i < m->count; i++)
        explicit_bzero(m->values[i].text, m->values[i].len);
}

const char *const *secret_mask_names(const struct secret_mask *m, size_t *count)
{
    *count = m->name_count;
    return m->names;
}

size_t secret_mask_longest(const struct secret_mask *m)
{
    return m->longest;
}

/* ---- text ---- */

/* A text and which of its bytes are to be hidden. */
struct masked {
    const char *text;
    size_t len;
    bool *hide;
};

static void hide_value(struct masked *x, const struct mask_value *v, bool cut)
{
    size_t k = 0, hidden = 0; /* up to where the bytes are hidden on account of this value */

    for (size_t i = 0; i < x->len; i++) {
        while (k > 0 && (k == v->len || x->text[i] != v->text[k]))
            k = v->borders[k - 1];
        k += x->text[i] == v->text[k];
        if (k < v->len)
            continue;
        size_t from = i + 1 - k > hidden ? i + 1 - k : hidden;
        memset(x->hide + from, true, i + 1 - from);
        hidden = i + 1;
    }
    if (cut && k < v->len)
        memset(x->hide + x->len - k, true, k);
}

/* scheme://user:THIS@host */
static void hide_url(struct masked *x)
{
    const char *end = x->text + x->len;

    for (const char *p = x->text; (p = memmem(p, (size_t)(end - p), "://", 3)); p += 3) {
        const char *colon = NULL, *q = p + 3;
        while (q < end && *q != '@' && *q != '/' && !is_blank(*q)) {
            if (*q == ':' && !colon)
                colon = q;
            q++;
        }
        if (colon && q < end && *q == '@')
            memset(x->hide + (colon + 1 - x->text), true, (size_t)(q - colon - 1));
    }
}

/* Words that begin as every JSON object does in base64 and have a dot: JSON web tokens. */
static void hide_tokens(struct masked *x)
{
    for (size_t i = 0; i < x->len;) {
        size_t n = 0;
        while (i + n < x->len && (isalnum((unsigned char)x->text[i + n]) || memchr("_-.", x->text[i + n], 3)))
            n++;
        if (n > MASK_TOKEN_MIN && !strncmp(x->text + i, "eyJ", 3) && memchr(x->text + i, '.', n))
            memset(x->hide + i, true, n);
        i += n + 1;
    }
}

int secret_mask_add(const struct secret_mask *m, const char *text, size_t len, bool cut, struct buf *out)
{
    if (len == 0)
        return out->bad ? -1 : 0;
    if (m->all)
        return buf_adds(out, SECRET_MASK);
    struct masked x = {text, len, calloc(len, sizeof(bool))};
    if (!x.hide)
        return -1;
    for (size_t i = 0; i < m->count; i++)
        hide_value(&x, &m->values[i], cut);
    hide_url(&x);
    hide_tokens(&x);
    for (size_t i = 0, n; i < len; i += n) {
        n = 1;
        while (i + n < len && x.hide[i + n] == x.hide[i])
            n++;
        if (x.hide[i])
            buf_adds(out, SECRET_MASK);
        else
            buf_add(out, text + i, n);
    }
    free(x.hide);
    return out->bad ? -1 : 0;
}
