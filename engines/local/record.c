/* SPDX-License-Identifier: MIT
 *
 * The `shim` and `exit` files. One table says how each key is read and written.
 */
#include "engines/local/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

#define RECORD_VERSION 1

enum record_kind { RECORD_STRING, RECORD_INT, RECORD_BOOL, RECORD_GPUS };

static const struct record_field {
    const char *key;
    enum record_kind kind;
    size_t offset;
    size_t size; /* strings: bytes with the NUL */
    bool at_end; /* exit records only */
    bool must;   /* a record without it is damaged; of an exit record where at_end */
} record_fields[] = {
    {"attempt", RECORD_STRING, offsetof(struct record, attempt), ID_SIZE, false, true},
    {"nonce", RECORD_STRING, offsetof(struct record, nonce), 33, false, false},
    {"boot", RECORD_STRING, offsetof(struct record, boot), 40, false, false},
    {"pid", RECORD_INT, offsetof(struct record, pid), 0, false, true},
    {"ticks", RECORD_INT, offsetof(struct record, ticks), 0, false, true},
    {"started_ms", RECORD_INT, offsetof(struct record, started_ms), 0, false, false},
    {"on_host", RECORD_BOOL, offsetof(struct record, on_host), 0, false, false},
    {"gpus", RECORD_GPUS, 0, 0, false, false},
    {"ended", RECORD_BOOL, offsetof(struct record, ended), 0, false, false},
    {"code", RECORD_INT, offsetof(struct record, code), 0, true, true},
    {"signal", RECORD_INT, offsetof(struct record, signal), 0, true, true},
    {"ended_ms", RECORD_INT, offsetof(struct record, ended_ms), 0, true, true},
    {"stdout", RECORD_INT, offsetof(struct record, bytes[0]), 0, true, false},
    {"stderr", RECORD_INT, offsetof(struct record, bytes[1]), 0, true, false},
    {"all", RECORD_INT, offsetof(struct record, bytes[2]), 0, true, false},
    {"held", RECORD_INT, offsetof(struct record, held), 0, true, false},
    {"lost_bytes", RECORD_INT, offsetof(struct record, lost_bytes), 0, true, false},
    {"message", RECORD_STRING, offsetof(struct record, message), 160, true, false},
};

#define RECORD_FIELDS (sizeof(record_fields) / sizeof(record_fields[0]))

/* A string without control characters: a message may come from the system, but one line is one line. */
static void record_add_string(struct buf *out, const char *s)
{
    for (; *s; s++)
        (void)buf_addc(out, (unsigned char)*s < 32 || *s == 127 ? ' ' : *s);
}

static void record_format_field(struct buf *out, const struct record *r, const struct record_field *f)
{
    const char *at = (const char *)r + f->offset;
    int64_t v;
    bool b;

    (void)buf_addf(out, "%s=", f->key);
    switch (f->kind) {
    case RECORD_STRING:
        record_add_string(out, at);
        break;
    case RECORD_INT:
        memcpy(&v, at, sizeof(v));
        (void)buf_addf(out, "%lld", (long long)v);
        break;
    case RECORD_BOOL:
        memcpy(&b, at, sizeof(b));
        (void)buf_addc(out, b ? '1' : '0');
        break;
    case RECORD_GPUS:
        for (int i = 0; i < r->gpu_count; i++)
            (void)buf_addf(out, i > 0 ? ",%d" : "%d", r->gpus[i]);
        break;
    }
    (void)buf_addc(out, '\n');
}

int record_format(struct buf *out, const struct record *r)
{
    (void)buf_addf(out, "version=%d\n", RECORD_VERSION);
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        if (r->ended || !record_fields[i].at_end)
            record_format_field(out, r, &record_fields[i]);
    return out->bad ? -1 : 0;
}

static int record_int(const char *s, size_t len, int64_t *v)
{
    char digits[24];
    char *end;
    long long n;

    if (len == 0 || len >= sizeof(digits) || (*s != '-' && (*s < '0' || *s > '9')))
        return -1;
    memcpy(digits, s, len);
    digits[len] = '\0';
    n = strtoll(digits, &end, 10);
    if (*end)
        return -1;
    *v = n;
    return 0;
}

static int record_parse_gpus(const char *s, size_t len, struct record *r)
{
    while (len > 0) {
        const char *comma = memchr(s, ',', len);
        size_t n = comma ? (size_t)(comma - s) : len;
        int64_t v;

        if (r->gpu_count >= NODE_GPU_MAX || record_int(s, n, &v) || v < 0 || v >= NODE_GPU_MAX)
            return -1;
        r->gpus[r->gpu_count++] = (int)v;
        n += comma ? 1 : 0;
        s += n;
        len -= n;
    }
    return 0;
}

static int record_parse_value(struct record *r, const struct record_field *f, const char *s, size_t len)
{
    char *at = (char *)r + f->offset;
    int64_t v;
    bool b;

    switch (f->kind) {
    case RECORD_STRING:
        if (len >= f->size || memchr(s, '\0', len))
            return -1;
        memcpy(at, s, len);
        at[len] = '\0';
        return 0;
    case RECORD_INT:
        if (record_int(s, len, &v))
            return -1;
        memcpy(at, &v, sizeof(v));
        return 0;
    case RECORD_BOOL:
        if (len != 1 || (*s != '0' && *s != '1'))
            return -1;
        b = *s == '1';
        memcpy(at, &b, sizeof(b));
        return 0;
    case RECORD_GPUS:
        return record_parse_gpus(s, len, r);
    }
    return -1;
}

/* One line without its newline. */
static int record_parse_line(struct record *r, const char *line, size_t len, uint32_t *seen)
{
    const char *eq = memchr(line, '=', len);
    size_t key = eq ? (size_t)(eq - line) : 0;

    if (!eq)
        return -1;
    for (size_t i = 0; i < RECORD_FIELDS; i++) {
        const struct record_field *f = &record_fields[i];

        if (strlen(f->key) != key || memcmp(f->key, line, key) != 0)
            continue;
        if (*seen & 1u << i)
            return -1;
        *seen |= 1u << i;
        return record_parse_value(r, f, eq + 1, len - key - 1);
    }
    return 0;
}

/* Whether everything that a record of its kind must have was seen. */
static bool record_whole(const struct record *r, uint32_t seen)
{
    for (size_t i = 0; i < RECORD_FIELDS; i++)
        if (record_fields[i].must && (r->ended || !record_fields[i].at_end) && !(seen & 1u << i))
            return false;
    return id_valid(r->attempt) && r->pid > 0;
}

int record_parse(const char *text, size_t len, struct record *r)
{
    uint32_t seen = 0;

    memset(r, 0, sizeof(*r));
    if (len > RECORD_MAX)
        return -1;
    while (len > 0) {
        const char *nl = memchr(text, '\n', len);
        size_t n = nl ? (size_t)(nl - text) : 0;

        if (!nl || record_parse_line(r, text, n, &seen))
            return -1;
        text = nl + 1;
        len -= n + 1;
    }
    return record_whole(r, seen) ? 0 : -1;
}
