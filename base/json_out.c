/* SPDX-License-Identifier: MIT
 *
 * The streaming JSON writer. What it writes always passes the gate: it escapes, it repairs UTF-8, and it refuses to
 * nest deeper than the gate reads.
 */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "base/num.h"
#include "base/utf8.h"

#define JSON_REPLACEMENT "\xef\xbf\xbd" /* U+FFFD */

void json_out_init(struct json_out *j, struct buf *out)
{
    memset(j, 0, sizeof(*j));
    j->out = out;
}

/* Puts the comma that a new member or element needs. */
static void json_out_sep(struct json_out *j)
{
    uint64_t bit = UINT64_C(1) << j->depth;

    if (j->after_key) {
        j->after_key = false;
        return;
    }
    if (j->depth > 0 && (j->has_member & bit))
        (void)buf_addc(j->out, ',');
    j->has_member |= bit;
}

static void json_out_open(struct json_out *j, char bracket)
{
    json_out_sep(j);
    (void)buf_addc(j->out, bracket);
    if (j->depth >= JSON_MAX_DEPTH) {
        j->out->bad = true;
        return;
    }
    j->depth++;
    j->has_member &= ~(UINT64_C(1) << j->depth);
}

static void json_out_close(struct json_out *j, char bracket)
{
    (void)buf_addc(j->out, bracket);
    if (j->depth > 0)
        j->depth--;
    else
        j->out->bad = true; /* more ends than starts: a bug of the caller must not become broken JSON on the wire */
}

void json_out_object(struct json_out *j)
{
    json_out_open(j, '{');
}

void json_out_object_end(struct json_out *j)
{
    json_out_close(j, '}');
}

void json_out_array(struct json_out *j)
{
    json_out_open(j, '[');
}

void json_out_array_end(struct json_out *j)
{
    json_out_close(j, ']');
}

/* One byte that a JSON string cannot hold as it is. */
static void json_out_escape(struct buf *out, unsigned char c)
{
    static const char short_form[256] = {
        ['"'] = '"', ['\\'] = '\\', ['\b'] = 'b', ['\f'] = 'f', ['\n'] = 'n', ['\r'] = 'r', ['\t'] = 't'};

    if (short_form[c]) {
        (void)buf_addc(out, '\\');
        (void)buf_addc(out, short_form[c]);
    } else {
        (void)buf_addf(out, "\\u%04x", c);
    }
}

static void json_out_quoted(struct buf *out, const char *s, size_t n)
{
    size_t i = 0;

    (void)buf_addc(out, '"');
    while (i < n) {
        size_t run = i;
        unsigned char c;
        uint32_t cp;
        size_t len;

        while (run < n && (unsigned char)s[run] >= 0x20 && (unsigned char)s[run] < 0x80 && s[run] != '"' &&
               s[run] != '\\')
            run++;
        if (run > i)
            (void)buf_add(out, s + i, run - i);
        i = run;
        if (i >= n)
            break;
        c = (unsigned char)s[i];
        len = c < 0x80 ? 1 : utf8_decode(s + i, n - i, &cp);
        if (c < 0x80)
            json_out_escape(out, c);
        else if (len)
            (void)buf_add(out, s + i, len);
        else
            (void)buf_adds(out, JSON_REPLACEMENT);
        i += len ? len : 1;
    }
    (void)buf_addc(out, '"');
}

void json_out_key(struct json_out *j, const char *key)
{
    json_out_sep(j);
    json_out_quoted(j->out, key, strlen(key));
    (void)buf_addc(j->out, ':');
    j->after_key = true;
}

void json_out_string_n(struct json_out *j, const char *s, size_t n)
{
    json_out_sep(j);
    json_out_quoted(j->out, s, n);
}

void json_out_string(struct json_out *j, const char *s)
{
    if (s)
        json_out_string_n(j, s, strlen(s));
    else
        json_out_null(j);
}

void json_out_int(struct json_out *j, int64_t v)
{
    json_out_sep(j);
    (void)buf_addf(j->out, "%" PRId64, v);
}

void json_out_double(struct json_out *j, double v)
{
    char text[NUM_SIZE];

    if (!isfinite(v)) {
        json_out_null(j);
        return;
    }
    num_format(v, text);
    json_out_sep(j);
    (void)buf_adds(j->out, text);
}

void json_out_bool(struct json_out *j, bool v)
{
    json_out_sep(j);
    (void)buf_adds(j->out, v ? "true" : "false");
}

void json_out_null(struct json_out *j)
{
    json_out_sep(j);
    (void)buf_adds(j->out, "null");
}

void json_out_raw(struct json_out *j, const char *json)
{
    json_out_sep(j);
    (void)buf_adds(j->out, json);
}

void json_out_kstring(struct json_out *j, const char *key, const char *s)
{
    json_out_key(j, key);
    json_out_string(j, s);
}

void json_out_kint(struct json_out *j, const char *key, int64_t v)
{
    json_out_key(j, key);
    json_out_int(j, v);
}

void json_out_kbool(struct json_out *j, const char *key, bool v)
{
    json_out_key(j, key);
    json_out_bool(j, v);
}

void json_out_ktime(struct json_out *j, const char *key, int64_t ms)
{
    json_out_key(j, key);
    if (ms)
        json_out_int(j, ms);
    else
        json_out_null(j);
}
