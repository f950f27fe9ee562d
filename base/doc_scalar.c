/* SPDX-License-Identifier: MIT
 *
 * Core schema resolution by hand (YAML 1.2.2, 10.3.2).
 */
#include "base/doc_scalar.h"

#include <string.h>

#include "base/doc.h"
#include "base/num.h"

#define DOC_WORD_MAX 5 /* bytes of the longest of */
static const struct {
    const char *text;
    enum doc_type type;
    int value; /* DOC_BOOL: 0 or 1; DOC_FLOAT: not finite */
} doc_words[] = {
    {"", DOC_NULL, 0},       {"~", DOC_NULL, 0},      {"null", DOC_NULL, 0},   {"Null", DOC_NULL, 0},
    {"NULL", DOC_NULL, 0},   {"true", DOC_BOOL, 1},   {"True", DOC_BOOL, 1},   {"TRUE", DOC_BOOL, 1},
    {"false", DOC_BOOL, 0},  {"False", DOC_BOOL, 0},  {"FALSE", DOC_BOOL, 0},  {".inf", DOC_FLOAT, 0},
    {".Inf", DOC_FLOAT, 0},  {".INF", DOC_FLOAT, 0},  {"+.inf", DOC_FLOAT, 0}, {"+.Inf", DOC_FLOAT, 0},
    {"+.INF", DOC_FLOAT, 0}, {"-.inf", DOC_FLOAT, 0}, {"-.Inf", DOC_FLOAT, 0}, {"-.INF", DOC_FLOAT, 0},
    {".nan", DOC_FLOAT, 0},  {".NaN", DOC_FLOAT, 0},  {".NAN", DOC_FLOAT, 0},
};

static int doc_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : 99;
}

/* Digits of `base` up to the end of `s`. 1: yes, with *out; 0: something else; -1: yes, but over int64_t. */
static int doc_integer(const char *s, int base, bool negative, int64_t *out)
{
    bool over = false;
    int64_t v = 0;

    if (!*s)
        return 0;
    for (; *s; s++) {
        int d = doc_digit(*s);

        if (d >= base)
            return 0;
        /* Counted downwards, since the most negative number has no positive twin. */
        if (__builtin_mul_overflow(v, base, &v) || __builtin_sub_overflow(v, d, &v))
            over = true;
    }
    if (!over && !negative && __builtin_sub_overflow((int64_t)0, v, &v))
        over = true;
    *out = v;
    return over ? -1 : 1;
}

/* [-+]? ( \. [0-9]+ | [0-9]+ ( \. [0-9]* )? ) ( [eE] [-+]? [0-9]+ )? */
static bool doc_is_float(const char *s)
{
    size_t whole, part = 0;

    s += *s == '-' || *s == '+';
    whole = strspn(s, "0123456789");
    s += whole;
    if (*s == '.') {
        part = strspn(s + 1, "0123456789");
        s += part + 1;
    }
    if (whole + part == 0)
        return false;
    if (*s == 'e' || *s == 'E') {
        s++;
        s += *s == '-' || *s == '+';
        if (!*s)
            return false;
        s += strspn(s, "0123456789");
        return !*s && s[-1] >= '0' && s[-1] <= '9';
    }
    return !*s;
}

static int doc_number(struct doc *d)
{
    const char *s = d->text;
    bool sign = *s == '-' || *s == '+';
    int base = !sign && s[0] == '0' && (s[1] == 'x' || s[1] == 'o') ? (s[1] == 'x' ? 16 : 8) : 10;
    int kind = doc_integer(base == 10 ? s + sign : s + 2, base, *s == '-', &d->integer);

    if (kind > 0) {
        d->type = DOC_INT;
        d->number = (double)d->integer;
        return 0;
    }
    d->integer = 0;
    if (kind < 0 && base != 10)
        return -1;
    if (!doc_is_float(s))
        return 0;
    d->type = DOC_FLOAT;
    return num_parse(s, d->text_len, &d->number);
}

int doc_scalar_resolve(struct doc *d)
{
    size_t words = d->text_len <= DOC_WORD_MAX ? sizeof(doc_words) / sizeof(doc_words[0]) : 0;

    d->type = DOC_STRING;
    /* Most scalars are ordinary words, told by their first letter. */
    if (d->text_len && !strchr("~nNtTfF.+-0123456789", d->text[0]))
        return 0;
    for (size_t i = 0; i < words; i++) {
        if (strcmp(d->text, doc_words[i].text) == 0) {
            d->type = doc_words[i].type;
            d->integer = doc_words[i].value;
            return d->type == DOC_FLOAT ? -1 : 0;
        }
    }
    return doc_number(d);
}

bool doc_scalar_printable(uint32_t cp)
{
    if (cp < 0x7f)
        return cp >= 0x20 || cp == '\t' || cp == '\n' || cp == '\r';
    return cp == 0x85 || (cp >= 0xa0 && cp <= 0xd7ff) || (cp >= 0xe000 && cp <= 0xfffd && cp != 0xfeff) ||
           (cp >= 0x10000 && cp <= 0x10ffff);
}
