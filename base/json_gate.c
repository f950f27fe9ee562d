/* SPDX-License-Identifier: MIT
 *
 * The JSON gate: one linear pass over the bytes checks everything that cJSON does not (reliability.md S3 and fact 5:
 * UTF-8, depth, duplicate keys, NUL escapes, lone surrogates, number syntax and range, trailing bytes); only a text
 * that passed reaches cJSON.
 *
 * cJSON spends about 80 bytes on each value, so the number of values is capped too: a body of `[0,0,0,...` must not
 * cost 40 times its size.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/keyset.h"
#include "base/num.h"
#include "base/utf8.h"

/* cJSON reads at most 63 bytes of a number and takes the rest for the next token. */
#define GATE_NUMBER_MAX 63
/* One value for each 8 bytes allowed, which pretty and ordinary texts never reach. */
#define GATE_VALUES(max) ((max) / 8 + 1024)

struct gate {
    const char *text;
    const char *p;
    const char *end;
    int depth;
    uint32_t owners; /* objects seen: the id of the last one */
    size_t values;
    size_t max_values;
    struct keyset keys;
    struct arena *decoded; /* keys that were written with escapes */
    size_t max;
    struct err *e;
};

static int gate_value(struct gate *g);

/* Fails with the place of `at`. */
static int gate_fail(const struct gate *g, const char *at, const char *what)
{
    const char *p;
    int line = 1, column = 1;

    for (p = g->text; p < at; p++) {
        if (*p == '\n') {
            line++;
            column = 1;
        } else if (((unsigned char)*p & 0xc0u) != 0x80u) {
            column++;
        }
    }
    (void)err_set(g->e, ERR_INVALID_PARAMETERS, "not valid JSON at line %d, column %d: %s", line, column, what);
    return err_at(g->e, line, column);
}

static void gate_space(struct gate *g)
{
    while (g->p < g->end && (*g->p == ' ' || *g->p == '\n' || *g->p == '\r' || *g->p == '\t'))
        g->p++;
}

static int gate_hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Four hex digits at `p`, or -1. */
static int32_t gate_hex4(const char *p, const char *end)
{
    int32_t v = 0;
    int i;

    if (end - p < 4)
        return -1;
    for (i = 0; i < 4; i++) {
        int d = gate_hex_digit(p[i]);

        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* Reads "uXXXX", or two of them that make a surrogate pair, at `p`; the bytes taken, or 0 with *why. */
static size_t gate_unicode_escape(const char *p, const char *end, uint32_t *cp, const char **why)
{
    int32_t hi = gate_hex4(p + 1, end);
    int32_t lo;

    *why = hi < 0 ? "unknown escape" : hi == 0 ? "NUL character" : "half of a surrogate pair";
    if (hi <= 0 || (hi >= 0xdc00 && hi <= 0xdfff))
        return 0;
    if (hi < 0xd800 || hi > 0xdfff) {
        *cp = (uint32_t)hi;
        return 5;
    }
    lo = end - p >= 7 && p[5] == '\\' && p[6] == 'u' ? gate_hex4(p + 7, end) : -1;
    if (lo < 0xdc00 || lo > 0xdfff)
        return 0;
    *cp = 0x10000u + ((uint32_t)(hi - 0xd800) << 10) + (uint32_t)(lo - 0xdc00);
    return 11;
}

/* Reads the escape after a backslash at `p` into *cp; the bytes after the backslash that it takes, or 0 with *why. */
static size_t gate_escape(const char *p, const char *end, uint32_t *cp, const char **why)
{
    static const char from[] = "\"\\/bfnrt";
    static const char to[] = "\"\\/\b\f\n\r\t";
    const char *simple = p < end && *p ? strchr(from, *p) : NULL;

    if (simple) {
        *cp = (unsigned char)to[simple - from];
        return 1;
    }
    if (p < end && *p == 'u')
        return gate_unicode_escape(p, end, cp, why);
    *why = "unknown escape";
    return 0;
}

/* Passes over a string whose opening quote is at p. *escaped says whether it holds escapes. */
static int gate_string(struct gate *g, bool *escaped)
{
    const char *start = g->p++;

    *escaped = false;
    while (g->p < g->end) {
        unsigned char c = (unsigned char)*g->p;
        const char *why = NULL;
        uint32_t cp;
        size_t n;

        if (c == '"') {
            g->p++;
            return 0;
        }
        if (c < 0x20)
            return gate_fail(g, g->p, "control character in a string");
        if (c == '\\') {
            *escaped = true;
            n = gate_escape(g->p + 1, g->end, &cp, &why);
            if (!n)
                return gate_fail(g, g->p, why);
            g->p += n + 1;
            continue;
        }
        n = c < 0x80 ? 1 : utf8_decode(g->p, (size_t)(g->end - g->p), &cp);
        if (!n)
            return gate_fail(g, g->p, "invalid UTF-8");
        g->p += n;
    }
    return gate_fail(g, start, "string without an end");
}

/* The bytes of a checked string with its escapes resolved, in the arena. */
static const char *gate_unescape(struct gate *g, const char *s, size_t len, size_t *out_len)
{
    char *out;
    size_t i = 0, o = 0;

    if (!g->decoded)
        g->decoded = arena_create(2 * g->max + 65536);
    /* No escape is shorter than the UTF-8 it stands for, so len bytes are enough. */
    out = g->decoded ? arena_alloc(g->decoded, len) : NULL;
    if (!out)
        return NULL;
    while (i < len) {
        const char *why;
        uint32_t cp = 0;

        if (s[i] != '\\') {
            out[o++] = s[i++];
            continue;
        }
        i += 1 + gate_escape(s + i + 1, s + len, &cp, &why);
        o += utf8_encode(cp, out + o);
    }
    *out_len = o;
    return out;
}

static int gate_key(struct gate *g, uint32_t owner)
{
    const char *start = g->p;
    const char *key;
    bool escaped;
    size_t len;
    int added;

    if (g->p >= g->end || *g->p != '"')
        return gate_fail(g, g->p, "expected a member name in quotes");
    if (gate_string(g, &escaped))
        return -1;
    key = start + 1;
    len = (size_t)(g->p - 1 - key);
    if (escaped)
        key = gate_unescape(g, key, len, &len);
    added = key ? keyset_add(&g->keys, owner, key, len) : -1;
    if (added < 0)
        return err_set(g->e, ERR_INTERNAL, "out of memory");
    if (added == 0)
        return gate_fail(g, start, "duplicate key");
    gate_space(g);
    if (g->p >= g->end || *g->p != ':')
        return gate_fail(g, g->p, "expected ':' after a member name");
    g->p++;
    return 0;
}

/* An object or an array; p is at its opening bracket. */
static int gate_container(struct gate *g)
{
    bool object = *g->p == '{';
    char close = object ? '}' : ']';
    uint32_t owner = object ? ++g->owners : 0;

    if (++g->depth > JSON_MAX_DEPTH)
        return gate_fail(g, g->p, "nested deeper than 32");
    g->p++;
    gate_space(g);
    if (g->p < g->end && *g->p == close)
        goto out;
    for (;;) {
        gate_space(g);
        if (object && gate_key(g, owner))
            return -1;
        if (gate_value(g))
            return -1;
        gate_space(g);
        if (g->p < g->end && *g->p == close)
            break;
        if (g->p >= g->end || *g->p != ',')
            return gate_fail(g, g->p, object ? "expected ',' or '}'" : "expected ',' or ']'");
        g->p++;
    }
out:
    g->p++;
    g->depth--;
    return 0;
}

static size_t gate_digits(struct gate *g)
{
    const char *start = g->p;

    while (g->p < g->end && *g->p >= '0' && *g->p <= '9')
        g->p++;
    return (size_t)(g->p - start);
}

/* Passes over one byte if it is among `set`. */
static bool gate_take(struct gate *g, const char *set)
{
    if (g->p >= g->end || !*g->p || !strchr(set, *g->p))
        return false;
    g->p++;
    return true;
}

/* Passes over the syntax of a number; what is wrong with it, or NULL. */
static const char *gate_number_syntax(struct gate *g)
{
    const char *digits;
    size_t whole;

    if (*g->p == '-')
        g->p++;
    digits = g->p;
    whole = gate_digits(g);
    if (whole == 0)
        return "expected a value";
    if (whole > 1 && *digits == '0')
        return "number with a leading zero";
    if (gate_take(g, ".") && !gate_digits(g))
        return "number without digits after the point";
    if (gate_take(g, "eE")) {
        (void)gate_take(g, "+-");
        if (!gate_digits(g))
            return "number without digits in the exponent";
    }
    return NULL;
}

static int gate_number(struct gate *g)
{
    const char *start = g->p;
    const char *why = gate_number_syntax(g);
    double v;

    if (why)
        return gate_fail(g, start, why);
    if (g->p - start > GATE_NUMBER_MAX)
        return gate_fail(g, start, "number longer than 63 characters");
    if (num_parse(start, (size_t)(g->p - start), &v))
        return gate_fail(g, start, "number out of range");
    return 0;
}

static int gate_word(struct gate *g, const char *word)
{
    size_t n = strlen(word);

    if ((size_t)(g->end - g->p) < n || memcmp(g->p, word, n) != 0)
        return gate_fail(g, g->p, "expected a value");
    g->p += n;
    return 0;
}

static int gate_value(struct gate *g)
{
    bool escaped;

    gate_space(g);
    if (g->p >= g->end)
        return gate_fail(g, g->p, "unexpected end");
    if (++g->values > g->max_values)
        return gate_fail(g, g->p, "too many values");
    switch (*g->p) {
    case '{':
    case '[':
        return gate_container(g);
    case '"':
        return gate_string(g, &escaped);
    case 't':
        return gate_word(g, "true");
    case 'f':
        return gate_word(g, "false");
    case 'n':
        return gate_word(g, "null");
    default:
        return gate_number(g);
    }
}

/* The whole text: one value and nothing after it. */
static int gate_check(struct gate *g)
{
    if (gate_value(g))
        return -1;
    gate_space(g);
    if (g->p < g->end)
        return gate_fail(g, g->p, "bytes after the value");
    return 0;
}

cJSON *json_parse(const char *text, size_t len, size_t max, struct err *e)
{
    struct gate g = {.text = text, .p = text, .end = text + len, .max = max ? max : JSON_MAX_BYTES, .e = e};
    cJSON *root = NULL;

    if (len > g.max) {
        (void)err_set(e, ERR_TOO_LARGE, "JSON of %zu bytes; at most %zu are accepted", len, g.max);
        return NULL;
    }
    g.max_values = GATE_VALUES(g.max);
    keyset_init(&g.keys);
    if (gate_check(&g) == 0) {
        root = cJSON_ParseWithLengthOpts(text, len, NULL, 0);
        if (!root)
            (void)err_set(e, ERR_INTERNAL, "out of memory");
    }
    keyset_fini(&g.keys);
    arena_destroy(g.decoded);
    return root;
}
