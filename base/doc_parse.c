/* SPDX-License-Identifier: MIT
 *
 * The YAML gate. libyaml's event API is driven with our own stack of open collections, so that we can stop at the first
 * event over a limit: its document loader is quadratic in depth and expands nothing (reliability.md fact 6).
 *
 *   bytes --prescan--> libyaml events --doc_event--> tree in the arena
 *
 * The prescan refuses what libyaml reports without a place (bad UTF-8, control characters) and what makes it slow
 * (%TAG lines, which it compares each with each). An alias becomes a copy of its anchor's subtree, counted before it is
 * copied.
 */
#include <string.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/doc_scalar.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/keyset.h"
#include "base/utf8.h"

#define DOC_BYTES ((size_t)256 * 1024)
#define DOC_DEPTH 32
#define DOC_DEPTH_MAX 64
#define DOC_NODES ((size_t)10000)
#define DOC_ALIASES ((size_t)100)
#define DOC_FEW_KEYS ((size_t)16)

/* What an anchor names. `node` is NULL while its collection is still open: an alias then would be recursive. */
struct doc_anchor {
    struct doc *node;
    size_t size; /* nodes and keys in it */
    int height;  /* nested collections in it */
};

/* One open collection. */
struct doc_frame {
    struct doc *node;
    struct doc *last;
    struct doc_anchor *anchor;
    size_t nodes_before;
    uint32_t owner; /* id of a map in the key set */
    int height;
    struct doc key; /* a map's next key; key.text is NULL when the next event is the key */
};

struct doc_parser {
    yaml_parser_t yaml;
    struct arena *arena;
    struct doc_limits limits;
    struct doc_frame frames[DOC_DEPTH_MAX];
    int depth;
    size_t nodes;
    size_t aliases;
    uint32_t owners;
    struct keyset keys;   /* of maps with many */
    struct hash *anchors; /* NULL before the first */
    struct doc *root;
    struct err *e;
};

static int doc_fail(struct err *e, int line, int column, const char *what)
{
    (void)err_set(e, ERR_INVALID_PROTOCOL, "not valid YAML at line %d, column %d: %s", line, column, what);
    return err_at(e, line, column);
}

static int doc_fail_mark(const struct doc_parser *p, const yaml_mark_t *m, const char *what)
{
    return doc_fail(p->e, (int)m->line + 1, (int)m->column + 1, what);
}

static int doc_no_memory(const struct doc_parser *p)
{
    return err_set(p->e, ERR_INTERNAL, "out of memory while reading YAML");
}

/* Why the code point at `s` may not stand in a document, or NULL. */
static const char *doc_bad_char(const char *s, size_t n, uint32_t cp)
{
    if (n == 0)
        return "invalid UTF-8";
    if (cp == 0)
        return "NUL character";
    if (cp == 0xfeff)
        return "byte order mark inside the text";
    if (!doc_scalar_printable(cp))
        return "control character";
    return cp == '%' && strncmp(s, "%TAG", 4) == 0 ? "tag directives are not accepted" : NULL;
}

/* Bytes of ordinary text at `s`: what most documents are made of, and nothing has to be asked about it. */
static size_t doc_plain_run(const char *s, size_t len)
{
    size_t n = 0;

    while (n < len && s[n] >= ' ' && s[n] < 0x7f && s[n] != '%')
        n++;
    return n;
}

static int doc_prescan(const char *text, size_t len, struct err *e)
{
    size_t i = 0;
    int line = 1, column = 1;

    for (;;) {
        size_t plain = doc_plain_run(text + i, len - i);
        uint32_t cp = 0;

        i += plain;
        column += (int)plain;
        if (i == len)
            return 0;
        size_t n = utf8_decode(text + i, len - i, &cp);
        const char *why;

        /* Only at the start of a line is a %TAG a directive. */
        if (n == 1 && cp == '%' && (column > 1 || len - i < 4))
            why = NULL;
        else
            why = doc_bad_char(text + i, n, cp);
        if (why)
            return doc_fail(e, line, column, why);
        i += n;
        column++;
        if (cp == '\n') {
            line++;
            column = 1;
        }
    }
}

static struct doc_frame *doc_top(struct doc_parser *p)
{
    return p->depth ? &p->frames[p->depth - 1] : NULL;
}

/* Counts `n` more nodes. */
static int doc_count(struct doc_parser *p, size_t n, const yaml_mark_t *m)
{
    if (n > p->limits.nodes || p->nodes > p->limits.nodes - n)
        return doc_fail_mark(p, m, "too many values (expanded aliases count)");
    p->nodes += n;
    return 0;
}

/* Hangs a finished or just opened node into the open collection, or makes it the root. */
static void doc_attach(struct doc_parser *p, struct doc *d)
{
    struct doc_frame *f = doc_top(p);

    if (!f) {
        p->root = d;
        return;
    }
    d->key = NULL;
    if (f->node->type == DOC_MAP) {
        d->key = f->key.text;
        d->key_line = f->key.line;
        d->key_column = f->key.column;
        f->key.text = NULL;
    }
    if (f->last)
        f->last->next = d;
    else
        f->node->first = d;
    f->last = d;
    f->node->count++;
}

/* Enters an anchor of this event; a name used again means the newer one, as YAML says. *out is NULL without anchor. */
static int doc_anchor(struct doc_parser *p, const yaml_char_t *name, struct doc_anchor **out)
{
    struct doc_anchor *a;
    char *key;

    *out = NULL;
    if (!name)
        return 0;
    if (!p->anchors)
        p->anchors = hash_create();
    a = arena_alloc(p->arena, sizeof(*a));
    key = arena_strdup(p->arena, (const char *)name);
    if (!p->anchors || !a || !key || hash_put(p->anchors, key, a))
        return doc_no_memory(p);
    *out = a;
    return 0;
}

/* Fills `d` from a scalar event. */
static int doc_fill_scalar(struct doc_parser *p, const yaml_event_t *ev, struct doc *d)
{
    const char *text = (const char *)ev->data.scalar.value;
    size_t len = ev->data.scalar.length;

    if (ev->data.scalar.tag)
        return doc_fail_mark(p, &ev->start_mark, "tags are not accepted");
    if (memchr(text, '\0', len))
        return doc_fail_mark(p, &ev->start_mark, "NUL character in a string");
    d->line = (int)ev->start_mark.line + 1;
    d->column = (int)ev->start_mark.column + 1;
    d->type = DOC_STRING;
    d->quoted = ev->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    d->text = arena_strndup(p->arena, text, len);
    d->text_len = len;
    if (!d->text)
        return doc_no_memory(p);
    if (!d->quoted && doc_scalar_resolve(d))
        return doc_fail_mark(p, &ev->start_mark, "number out of range (quote it if it is a string)");
    return 0;
}

/* Enters all keys of a map that has become large into the key set. 0, or -1 on out of memory. */
static int doc_keep_keys(struct doc_parser *p, const struct doc_frame *f)
{
    for (const struct doc *c = f->node->first; c; c = c->next)
        if (keyset_add(&p->keys, f->owner, c->key, strlen(c->key)) < 0)
            return -1;
    return 0;
}

/* Whether the open map does not have this key yet: 1, 0, or -1 on out of memory. Few keys are compared one by one,
 * which costs nothing; many go into a hashed set, because the time for n must not grow with its square. */
static int doc_key_is_new(struct doc_parser *p, const struct doc_frame *f, const struct doc *d)
{
    if (f->node->count >= DOC_FEW_KEYS) {
        if (f->node->count == DOC_FEW_KEYS && doc_keep_keys(p, f))
            return -1;
        return keyset_add(&p->keys, f->owner, d->text, d->text_len);
    }
    for (const struct doc *c = f->node->first; c; c = c->next)
        if (c->key[0] == d->text[0] && strcmp(c->key, d->text) == 0)
            return 0;
    return 1;
}

/* A scalar in the place of a map's key. */
static int doc_take_key(struct doc_parser *p, const yaml_event_t *ev, const struct doc *d)
{
    struct doc_frame *f = doc_top(p);
    int added;

    if (!d->quoted && d->text_len == 0)
        return doc_fail_mark(p, &ev->start_mark, "a key is missing");
    if (!d->quoted && strcmp(d->text, "<<") == 0)
        return doc_fail_mark(p, &ev->start_mark, "merge keys are not accepted");
    added = doc_key_is_new(p, f, d);
    if (added < 0)
        return doc_no_memory(p);
    if (added == 0)
        return doc_fail_mark(p, &ev->start_mark, "duplicate key");
    f->key = *d;
    return 0;
}

static bool doc_wants_key(struct doc_parser *p)
{
    struct doc_frame *f = doc_top(p);

    return f && f->node->type == DOC_MAP && !f->key.text;
}

static int doc_on_scalar(struct doc_parser *p, const yaml_event_t *ev)
{
    struct doc *d = arena_alloc(p->arena, sizeof(*d));
    struct doc_anchor *a;

    if (!d)
        return doc_no_memory(p);
    if (doc_count(p, 1, &ev->start_mark) || doc_anchor(p, ev->data.scalar.anchor, &a) || doc_fill_scalar(p, ev, d))
        return -1;
    if (a) {
        a->node = d;
        a->size = 1;
    }
    if (doc_wants_key(p))
        return doc_take_key(p, ev, d);
    doc_attach(p, d);
    return 0;
}

/* A deep copy; the depth is that of something already parsed, so it is bounded. */
static struct doc *doc_copy(struct arena *arena, const struct doc *from)
{
    struct doc *d = arena_alloc(arena, sizeof(*d));
    struct doc **tail;
    const struct doc *c;

    if (!d)
        return NULL;
    *d = *from;
    d->next = NULL;
    d->first = NULL;
    tail = &d->first;
    for (c = from->first; c; c = c->next) {
        *tail = doc_copy(arena, c);
        if (!*tail)
            return NULL;
        tail = &(*tail)->next;
    }
    return d;
}

static int doc_on_alias(struct doc_parser *p, const yaml_event_t *ev)
{
    const struct doc_anchor *a = p->anchors ? hash_get(p->anchors, (const char *)ev->data.alias.anchor) : NULL;
    struct doc_frame *f = doc_top(p);
    struct doc *d;

    if (doc_wants_key(p))
        return doc_fail_mark(p, &ev->start_mark, "an alias cannot be a key");
    if (!a)
        return doc_fail_mark(p, &ev->start_mark, "alias without an anchor");
    if (!a->node)
        return doc_fail_mark(p, &ev->start_mark, "an alias inside its own anchor");
    if (++p->aliases > p->limits.aliases)
        return doc_fail_mark(p, &ev->start_mark, "too many aliases");
    if (p->depth + a->height > p->limits.depth)
        return doc_fail_mark(p, &ev->start_mark, "nested too deep");
    if (doc_count(p, a->size, &ev->start_mark))
        return -1;
    d = doc_copy(p->arena, a->node);
    if (!d)
        return doc_no_memory(p);
    d->line = (int)ev->start_mark.line + 1;
    d->column = (int)ev->start_mark.column + 1;
    doc_attach(p, d);
    if (f && f->height < a->height + 1)
        f->height = a->height + 1;
    return 0;
}

static int doc_on_start(struct doc_parser *p, const yaml_event_t *ev)
{
    bool map = ev->type == YAML_MAPPING_START_EVENT;
    struct doc *d = arena_alloc(p->arena, sizeof(*d));
    struct doc_anchor *a;

    if (!d)
        return doc_no_memory(p);
    if (map ? ev->data.mapping_start.tag != NULL : ev->data.sequence_start.tag != NULL)
        return doc_fail_mark(p, &ev->start_mark, "tags are not accepted");
    if (doc_wants_key(p))
        return doc_fail_mark(p, &ev->start_mark, "a key must be a plain value");
    if (p->depth >= p->limits.depth)
        return doc_fail_mark(p, &ev->start_mark, "nested too deep");
    if (doc_count(p, 1, &ev->start_mark) ||
        doc_anchor(p, map ? ev->data.mapping_start.anchor : ev->data.sequence_start.anchor, &a))
        return -1;
    d->type = map ? DOC_MAP : DOC_LIST;
    d->line = (int)ev->start_mark.line + 1;
    d->column = (int)ev->start_mark.column + 1;
    doc_attach(p, d);
    p->frames[p->depth++] = (struct doc_frame){
        .node = d, .anchor = a, .nodes_before = p->nodes - 1, .owner = map ? ++p->owners : 0, .height = 1};
    return 0;
}

static int doc_on_end(struct doc_parser *p)
{
    struct doc_frame *f = doc_top(p);
    struct doc_frame *parent;

    p->depth--;
    parent = doc_top(p);
    if (parent && parent->height < f->height + 1)
        parent->height = f->height + 1;
    if (f->anchor) {
        f->anchor->node = f->node;
        f->anchor->size = p->nodes - f->nodes_before;
        f->anchor->height = f->height;
    }
    return 0;
}

static int doc_on_document(struct doc_parser *p, const yaml_event_t *ev)
{
    if (p->root)
        return doc_fail_mark(p, &ev->start_mark, "more than one document");
    return 0;
}

static int doc_event(struct doc_parser *p, const yaml_event_t *ev)
{
    switch (ev->type) {
    case YAML_DOCUMENT_START_EVENT:
        return doc_on_document(p, ev);
    case YAML_SCALAR_EVENT:
        return doc_on_scalar(p, ev);
    case YAML_ALIAS_EVENT:
        return doc_on_alias(p, ev);
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return doc_on_start(p, ev);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        return doc_on_end(p);
    default:
        return 0;
    }
}

static int doc_yaml_error(const struct doc_parser *p)
{
    const yaml_parser_t *y = &p->yaml;

    if (y->error == YAML_MEMORY_ERROR)
        return doc_no_memory(p);
    return doc_fail_mark(p, &y->problem_mark, y->problem ? y->problem : "cannot be read");
}

static int doc_run(struct doc_parser *p)
{
    bool end = false;

    while (!end) {
        yaml_event_t ev;
        int rc;

        if (!yaml_parser_parse(&p->yaml, &ev))
            return doc_yaml_error(p);
        end = ev.type == YAML_STREAM_END_EVENT;
        rc = doc_event(p, &ev);
        yaml_event_delete(&ev);
        if (rc)
            return -1;
    }
    if (!p->root || (p->root->type == DOC_NULL && p->root->text_len == 0))
        return doc_fail(p->e, 1, 1, "the document is empty");
    return 0;
}

static void doc_take_limits(struct doc_parser *p, const struct doc_limits *limits)
{
    if (limits)
        p->limits = *limits;
    if (!p->limits.bytes)
        p->limits.bytes = DOC_BYTES;
    if (p->limits.depth <= 0)
        p->limits.depth = DOC_DEPTH;
    if (p->limits.depth > DOC_DEPTH_MAX)
        p->limits.depth = DOC_DEPTH_MAX;
    if (!p->limits.nodes)
        p->limits.nodes = DOC_NODES;
    if (!p->limits.aliases)
        p->limits.aliases = DOC_ALIASES;
}

struct doc *doc_parse_yaml(struct arena *a, const char *text, size_t len, const struct doc_limits *limits,
                           struct err *e)
{
    struct doc_parser p = {.arena = a, .e = e};
    struct doc *root = NULL;

    doc_take_limits(&p, limits);
    if (len > p.limits.bytes) {
        (void)err_set(e, ERR_TOO_LARGE, "YAML of %zu bytes; at most %zu are accepted", len, p.limits.bytes);
        return NULL;
    }
    if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        text += 3;
        len -= 3;
    }
    if (doc_prescan(text, len, e))
        return NULL;
    if (!yaml_parser_initialize(&p.yaml)) {
        (void)doc_no_memory(&p);
        return NULL;
    }
    yaml_parser_set_encoding(&p.yaml, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&p.yaml, (const unsigned char *)text, len);
    keyset_init(&p.keys);
    if (doc_run(&p) == 0)
        root = p.root;
    hash_destroy(p.anchors);
    keyset_fini(&p.keys);
    yaml_parser_delete(&p.yaml);
    return root;
}
