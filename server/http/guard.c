/* SPDX-License-Identifier: MIT
 *
 * The request guard: a table of verdicts and a few pure checks over the header list. A refused request is answered in
 * the first call of the access handler with Connection: close, so nothing behind it on the connection is ever read.
 */
#include "server/http/guard.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "base/utf8.h"
#include "server/http/route.h"

static const struct {
    enum err_code code;
    const char *text;
} verdicts[GUARD_VERDICT_COUNT] = {
    [GUARD_OK] = {ERR_NONE, ""},
    [GUARD_METHOD] = {ERR_BAD_REQUEST, "This method is not one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS."},
    [GUARD_VERSION] = {ERR_BAD_REQUEST, "Only HTTP/1.0 and HTTP/1.1 are spoken here."},
    [GUARD_LINES] = {ERR_BAD_REQUEST, "Each line of the head must end in CRLF, be unfolded and have no NUL."},
    [GUARD_HEADER_COUNT] = {ERR_HEADERS_TOO_LARGE, "The request has more than 64 header fields."},
    [GUARD_HEADER_NAME] = {ERR_BAD_REQUEST, "A header field's name is not a token."},
    [GUARD_HEADER_VALUE] = {ERR_BAD_REQUEST, "A header field's value has control characters."},
    [GUARD_CONTENT_LENGTH] = {ERR_BAD_REQUEST, "Content-Length must be there once, as a decimal number."},
    [GUARD_TRANSFER] = {ERR_BAD_REQUEST, "Transfer-Encoding must be there once, as chunked."},
    [GUARD_BOTH_LENGTHS] = {ERR_BAD_REQUEST, "Content-Length and Transfer-Encoding exclude each other."},
    [GUARD_HOST] = {ERR_BAD_REQUEST, "Host must be there once, as a name or address with an optional port."},
    [GUARD_REPEATED] = {ERR_BAD_REQUEST, "A header field is there twice that may be there once."},
    [GUARD_PATH] = {ERR_BAD_REQUEST, "The path is not well formed."},
};

/* Fields that we read: given twice, two readers could disagree about which one counts. */
static const char *const singular[] = {
    "Authorization", "Cookie", "Content-Type", "Origin", "Sec-Fetch-Site", "X-Drover-Csrf", "Last-Event-ID",
};
#define SINGULAR_COUNT (sizeof(singular) / sizeof(singular[0]))

/* Counts while walking the list once. */
struct tally {
    unsigned hosts;
    unsigned lengths;
    unsigned transfers;
    unsigned seen[SINGULAR_COUNT];
    const char *host;
    const char *length;
    const char *transfer;
};

static bool is_token(const char *s)
{
    static const char marks[] = "!#$%&'*+-.^_`|~";

    if (!s || !*s)
        return false;
    for (; *s; s++) {
        bool alnum = (*s >= '0' && *s <= '9') || (*s >= 'A' && *s <= 'Z') || (*s >= 'a' && *s <= 'z');

        if (!alnum && !strchr(marks, *s))
            return false;
    }
    return true;
}

/* "Content_Length" and the like: what comes from CGI writes dashes as underscores, and somebody between may read it so.
 */
static bool is_disguised(const char *name)
{
    static const char *const framing[] = {"Content-Length", "Transfer-Encoding"};

    for (size_t i = 0; i < sizeof(framing) / sizeof(framing[0]); i++) {
        const char *dash = strchr(framing[i], '-');
        size_t n = (size_t)(dash - framing[i]);

        if (!strncasecmp(name, framing[i], n) && name[n] == '_' && !strcasecmp(name + n + 1, dash + 1))
            return true;
    }
    return false;
}

static bool is_clean_value(const char *s)
{
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;

        if ((c < 0x20 && c != '\t') || c == 0x7f)
            return false;
    }
    return true;
}

static bool is_host(const char *s)
{
    size_t n = s ? strlen(s) : 0;

    if (n == 0 || n > 255)
        return false;
    return strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]") == n;
}

/* A plain decimal number; 18 digits are more than any body and cannot overflow. */
static bool parse_length(const char *s, uint64_t *out)
{
    size_t n = s ? strlen(s) : 0;
    uint64_t v = 0;

    if (n == 0 || n > 18 || strspn(s, "0123456789") != n)
        return false;
    for (size_t i = 0; i < n; i++)
        v = v * 10 + (uint64_t)(s[i] - '0');
    *out = v;
    return true;
}

static void count_field(const struct guard_header *h, struct tally *t)
{
    if (!strcasecmp(h->name, "Host")) {
        t->hosts++;
        t->host = h->value;
    } else if (!strcasecmp(h->name, "Content-Length")) {
        t->lengths++;
        t->length = h->value;
    } else if (!strcasecmp(h->name, "Transfer-Encoding")) {
        t->transfers++;
        t->transfer = h->value;
    } else {
        for (size_t i = 0; i < SINGULAR_COUNT; i++)
            if (!strcasecmp(h->name, singular[i]))
                t->seen[i]++;
    }
}

static enum guard_verdict check_fields(const struct guard_input *in, struct tally *t)
{
    if (in->header_count > GUARD_MAX_HEADERS)
        return GUARD_HEADER_COUNT;
    for (size_t i = 0; i < in->header_count; i++) {
        if (!is_token(in->headers[i].name) || is_disguised(in->headers[i].name))
            return GUARD_HEADER_NAME;
        if (!is_clean_value(in->headers[i].value))
            return GUARD_HEADER_VALUE;
        count_field(&in->headers[i], t);
    }
    for (size_t i = 0; i < SINGULAR_COUNT; i++)
        if (t->seen[i] > 1)
            return GUARD_REPEATED;
    return t->hosts == 1 && is_host(t->host) ? GUARD_OK : GUARD_HOST;
}

static enum guard_verdict check_framing(const struct tally *t, struct guard_body *body)
{
    if (t->lengths && t->transfers)
        return GUARD_BOTH_LENGTHS;
    if (t->transfers) {
        if (t->transfers > 1 || !t->transfer || strcasecmp(t->transfer, "chunked") != 0)
            return GUARD_TRANSFER;
        body->chunked = true;
    }
    if (t->lengths) {
        if (t->lengths > 1 || !parse_length(t->length, &body->length))
            return GUARD_CONTENT_LENGTH;
        body->has_length = true;
    }
    return GUARD_OK;
}

static bool is_path(const char *s)
{
    if (!s || *s != '/')
        return false;
    while (*s) {
        size_t n = strcspn(s + 1, "/");

        if ((n == 1 && s[1] == '.') || (n == 2 && s[1] == '.' && s[2] == '.'))
            return false;
        s += 1 + n;
    }
    return true;
}

/* Whether the next string begins right behind this one and the CRLF that was its line's end. */
static bool follows(const char *text, const char *next)
{
    return (uintptr_t)next == (uintptr_t)text + strlen(text) + 2;
}

static bool are_lines_whole(const struct guard_input *in)
{
    const char *last = in->version;

    for (size_t i = 0; i < in->header_count; i++) {
        if (!follows(last, in->headers[i].name) || !in->headers[i].value)
            return false;
        last = in->headers[i].value;
    }
    /* Its own line end, and the empty line. */
    return (uintptr_t)last + strlen(last) + 4 == (uintptr_t)in->method + in->head_size;
}

static enum guard_verdict judge(const struct guard_input *in, struct guard_body *body)
{
    struct tally t = {0};
    enum guard_verdict v;

    if (!in->method || route_method_parse(in->method) == HTTP_METHOD_COUNT)
        return GUARD_METHOD;
    if (!in->version || (strcmp(in->version, "HTTP/1.1") != 0 && strcmp(in->version, "HTTP/1.0") != 0))
        return GUARD_VERSION;
    v = check_fields(in, &t);
    if (v == GUARD_OK && in->head_size && !are_lines_whole(in))
        v = GUARD_LINES;
    if (v == GUARD_OK)
        v = check_framing(&t, body);
    if (v == GUARD_OK && !is_path(in->path))
        v = GUARD_PATH;
    return v;
}

enum guard_verdict guard_check(const struct guard_input *in, struct guard_body *body, struct err *e)
{
    struct guard_body found = {0};
    enum guard_verdict v = judge(in, &found);

    if (v != GUARD_OK)
        err_set(e, verdicts[v].code, "%s", verdicts[v].text);
    else if (body)
        *body = found;
    return v;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One byte of the source into *c; returns the source bytes used, 0 when refused. */
static size_t decode_byte(const char *s, bool path, unsigned char *c)
{
    int high;
    int low;

    if (*s != '%') {
        *c = (unsigned char)(*s == '+' && !path ? ' ' : *s);
        return 1;
    }
    high = hex_digit(s[1]);
    low = high < 0 ? -1 : hex_digit(s[2]);
    if (low < 0)
        return 0;
    *c = (unsigned char)(high * 16 + low);
    if (path && (*c == '/' || *c == '\\'))
        return 0;
    return 3;
}

static int decode(char *s, bool path)
{
    char *out = s;
    const char *start = s;

    while (*s) {
        unsigned char c;
        size_t used = decode_byte(s, path, &c);

        if (used == 0 || c < 0x20 || c == 0x7f)
            return -1;
        *out++ = (char)c;
        s += used;
    }
    *out = '\0';
    return utf8_valid(start, (size_t)(out - start)) ? 0 : -1;
}

int guard_decode_path(char *s)
{
    return decode(s, true);
}

int guard_decode_field(char *s)
{
    return decode(s, false);
}
