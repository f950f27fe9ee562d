/* SPDX-License-Identifier: MIT
 *
 * The YAML writer: block style, two spaces a level. A scalar is written plain only where every reader takes it for the
 * same string, as a literal block where it has lines, and in double quotes otherwise.
 */
#include <string.h>
#include <strings.h>

#include "base/buf.h"
#include "base/doc.h"
#include "base/doc_scalar.h"
#include "base/utf8.h"

#define DOC_WRITE_DEPTH 64
/* libyaml takes a key on one line only up to 1024 characters. */
#define DOC_KEY_MAX 500

/* How a string is written. */
enum doc_style { STYLE_PLAIN, STYLE_LITERAL, STYLE_QUOTED };

static int doc_write_node(struct buf *out, const struct doc *d, int indent);

/* Line breaks of YAML 1.1 that libyaml would turn into a newline. */
static bool doc_is_odd_break(uint32_t cp)
{
    return cp == '\r' || cp == 0x85 || cp == 0x2028 || cp == 0x2029;
}

/* What the characters of a string allow, whatever their order. */
static enum doc_style doc_scan(const char *s, size_t len)
{
    enum doc_style style = STYLE_PLAIN;
    size_t i = 0;

    while (i < len) {
        uint32_t cp = 0;
        size_t n = utf8_decode(s + i, len - i, &cp);

        if (!n || !doc_scalar_printable(cp) || doc_is_odd_break(cp))
            return STYLE_QUOTED;
        if (cp == '\n' || cp == '\t')
            style = STYLE_LITERAL;
        i += n;
    }
    return style;
}

/* Words that YAML 1.1 readers take for booleans. */
static bool doc_is_old_word(const char *s)
{
    static const char *const words[] = {"y", "n", "yes", "no", "on", "off"};
    size_t i;

    for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strcasecmp(s, words[i]) == 0)
            return true;
    }
    return false;
}

/* Whether a one-line printable string may stand without quotes. */
static bool doc_plain_ok(const char *s, size_t len)
{
    struct doc probe = {.text = s, .text_len = len};
    unsigned char first = (unsigned char)s[0];

    if (len == 0 || s[len - 1] == ' ' || s[len - 1] == ':')
        return false;
    if (first < 0x80 && !strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._$(+^\\;", first))
        return false;
    if (strstr(s, ": ") || strstr(s, " #") || strncmp(s, "...", 3) == 0 || doc_is_old_word(s))
        return false;
    return doc_scalar_resolve(&probe) == 0 && probe.type == DOC_STRING;
}

static enum doc_style doc_style(const char *s, size_t len, bool key)
{
    enum doc_style style = doc_scan(s, len);

    if (style == STYLE_PLAIN)
        return doc_plain_ok(s, len) ? STYLE_PLAIN : STYLE_QUOTED;
    /* A literal block finds its indentation by its first line, which therefore must not be empty or start blank. */
    if (style == STYLE_LITERAL && (key || !memchr(s, '\n', len) || strchr(" \t\n", s[0])))
        return STYLE_QUOTED;
    return style;
}

static void doc_write_escape(struct buf *out, const char *s, size_t n, uint32_t cp)
{
    if (cp == '"' || cp == '\\')
        (void)buf_addf(out, "\\%c", (char)cp);
    else if (cp == '\n')
        (void)buf_adds(out, "\\n");
    else if (cp == '\t')
        (void)buf_adds(out, "\\t");
    else if (cp < 0x20 || (cp >= 0x7f && cp <= 0xa0))
        (void)buf_addf(out, "\\x%02x", (unsigned)cp);
    else if (doc_is_odd_break(cp) || (cp < 0x10000 && !doc_scalar_printable(cp)))
        (void)buf_addf(out, "\\u%04x", (unsigned)cp);
    else
        (void)buf_add(out, s, n);
}

static int doc_write_quoted(struct buf *out, const char *s, size_t len)
{
    size_t i = 0;

    (void)buf_addc(out, '"');
    while (i < len) {
        uint32_t cp = 0;
        size_t n = utf8_decode(s + i, len - i, &cp);

        if (!n)
            return -1; /* the gate lets no such string in */
        doc_write_escape(out, s + i, n, cp);
        i += n;
    }
    return buf_addc(out, '"');
}

static void doc_write_indent(struct buf *out, int indent)
{
    (void)buf_addf(out, "%*s", indent, "");
}

/* `|`, its chomping mark, and the lines. Ends without a newline: the caller ends every value with one. */
static int doc_write_literal(struct buf *out, const char *s, size_t len, int indent)
{
    size_t body = len;
    size_t i = 0;

    /* A document that is one scalar: at column 0 a line `---` would end it. */
    if (indent == 0)
        indent = 2;
    while (body > 0 && s[body - 1] == '\n')
        body--;
    (void)buf_adds(out, len == body ? "|-" : len == body + 1 ? "|" : "|+");
    /* The last newline is the caller's; with |- it is not part of the string. */
    if (len > body)
        len--;
    (void)buf_addc(out, '\n');
    while (i < len) {
        const char *nl = memchr(s + i, '\n', len - i);
        size_t end = nl ? (size_t)(nl - s) : len;

        if (end > i) {
            doc_write_indent(out, indent);
            (void)buf_add(out, s + i, end - i);
        }
        if (nl)
            (void)buf_addc(out, '\n');
        i = end + 1;
    }
    return out->bad ? -1 : 0;
}

static int doc_write_string(struct buf *out, const char *s, size_t len, int indent)
{
    switch (doc_style(s, len, false)) {
    case STYLE_PLAIN:
        return buf_add(out, s, len);
    case STYLE_LITERAL:
        return doc_write_literal(out, s, len, indent);
    default:
        return doc_write_quoted(out, s, len);
    }
}

static int doc_write_key(struct buf *out, const char *key)
{
    size_t len = strlen(key);
    bool longer = len > DOC_KEY_MAX;

    if (longer)
        (void)buf_adds(out, "? ");
    if (doc_style(key, len, true) == STYLE_PLAIN)
        (void)buf_add(out, key, len);
    else if (doc_write_quoted(out, key, len))
        return -1;
    return longer ? 1 : buf_addc(out, ':');
}

static int doc_write_scalar(struct buf *out, const struct doc *d, int indent)
{
    switch (d->type) {
    case DOC_STRING:
        return doc_write_string(out, d->text, d->text_len, indent);
    case DOC_NULL:
        return buf_adds(out, "null");
    case DOC_BOOL:
        return buf_adds(out, d->integer ? "true" : "false");
    default:
        return buf_add(out, d->text, d->text_len);
    }
}

/* A value behind "key:" (or behind "? key" on the line before). */
static int doc_write_member(struct buf *out, const struct doc *d, int indent)
{
    int explicit_key = doc_write_key(out, d->key);

    if (explicit_key < 0)
        return -1;
    if (explicit_key) {
        (void)buf_addc(out, '\n');
        doc_write_indent(out, indent);
        (void)buf_addc(out, ':');
    }
    if (d->first) {
        (void)buf_addc(out, '\n');
        doc_write_indent(out, indent + 2);
    } else {
        (void)buf_addc(out, ' ');
    }
    return doc_write_node(out, d, indent + 2);
}

/* Writes a node whose first line already has its indentation. Ends with a newline. */
static int doc_write_node(struct buf *out, const struct doc *d, int indent)
{
    const struct doc *c;

    if (indent > 2 * DOC_WRITE_DEPTH)
        return -1;
    if (d->type != DOC_LIST && d->type != DOC_MAP)
        return doc_write_scalar(out, d, indent) ? -1 : buf_addc(out, '\n');
    if (!d->first)
        return buf_adds(out, d->type == DOC_LIST ? "[]\n" : "{}\n");
    for (c = d->first; c; c = c->next) {
        if (c != d->first)
            doc_write_indent(out, indent);
        if (d->type == DOC_LIST) {
            (void)buf_adds(out, "- ");
            if (doc_write_node(out, c, indent + 2))
                return -1;
        } else if (doc_write_member(out, c, indent)) {
            return -1;
        }
    }
    return out->bad ? -1 : 0;
}

int doc_write_yaml(struct buf *out, const struct doc *d)
{
    return doc_write_node(out, d, 0);
}
