/* SPDX-License-Identifier: MIT
 *
 * Four messages with two kinds of fields are written by hand: it is shorter than what a generator would have to be
 * told, and samples go from the ring into the request without objects in between.
 *
 *   WriteRequest { TimeSeries 1 } · TimeSeries { Label 1, Sample 2 } · Label { string 1, 2 } · Sample { double 1, int64
 * 2 }
 *
 * The labels of a series are encoded once, sorted, and are the key by which it is known. They hold no NUL: neither
 * texts nor lengths do, because labels without a value are left out.
 */
#include "metrics/remote.h"

#include <limits.h>
#include <snappy-c.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/hash.h"

enum { FIELD_1 = 0x0a, FIELD_2 = 0x12, SAMPLE_VALUE = 0x09, SAMPLE_TIME = 0x10, BODY_MAX = 1 << 20 };

/* NaN with the bits that mean "stale". */
#define STALE_BITS UINT64_C(0x7ff0000000000002)
#define NEVER INT64_MIN

struct series {
    int64_t last_ms; /* of its last sample; NEVER: none */
    uint64_t round;  /* in which it was named last */
    size_t len;
    char key[]; /* its labels, encoded, and a NUL */
};

struct remote {
    struct remote_config config;
    struct hash *known;     /* series by key */
    struct series *series;  /* the one that samples are of; NULL: none, or it is left out */
    struct buf key, points; /* of it: its labels while it is looked up, and its samples in this request */
    struct buf body, packed;
    int samples; /* in the body and the points */
    int64_t oldest_ms;
    uint64_t round;
    bool failed;
};

/* ---- bytes ---- */

static void add_varint(struct buf *out, uint64_t v)
{
    for (; v > 0x7f; v >>= 7)
        (void)buf_addc(out, (char)(v | 0x80));
    (void)buf_addc(out, (char)v);
}

static size_t varint_size(uint64_t v)
{
    size_t n = 1;

    for (; v > 0x7f; v >>= 7)
        n++;
    return n;
}

static void add_text(struct buf *out, char field, const char *s, size_t len)
{
    (void)buf_addc(out, field);
    add_varint(out, len);
    (void)buf_add(out, s, len);
}

static void add_label(struct buf *out, const char *name, const char *value)
{
    const size_t n = strlen(name), v = strlen(value);

    (void)buf_addc(out, FIELD_1);
    add_varint(out, 2 + varint_size(n) + n + varint_size(v) + v);
    add_text(out, FIELD_1, name, n);
    add_text(out, FIELD_2, value, v);
}

static void add_point(struct buf *out, int64_t at_ms, uint64_t bits)
{
    unsigned char value[8];

    for (int i = 0; i < 8; i++)
        value[i] = (unsigned char)(bits >> 8 * i);
    (void)buf_addc(out, FIELD_2);
    add_varint(out, 1 + sizeof value + 1 + varint_size((uint64_t)at_ms));
    (void)buf_addc(out, SAMPLE_VALUE);
    (void)buf_add(out, value, sizeof value);
    (void)buf_addc(out, SAMPLE_TIME);
    add_varint(out, (uint64_t)at_ms);
}

/* ---- requests ---- */

/* The samples of the series so far become one of the body's. */
static void close_series(struct remote *r)
{
    if (r->series && r->points.len) {
        (void)buf_addc(&r->body, FIELD_1);
        add_varint(&r->body, r->series->len + r->points.len);
        (void)buf_add(&r->body, r->series->key, r->series->len);
        (void)buf_add(&r->body, r->points.data, r->points.len);
    }
    r->failed = r->failed || r->points.bad;
    buf_reset(&r->points);
}

static int pack(struct remote *r)
{
    size_t len = snappy_max_compressed_length(r->body.len);
    char *room = r->body.bad ? NULL : malloc(len);
    int rc = -1;

    if (room && snappy_compress(r->body.data, r->body.len, room, &len) == SNAPPY_OK)
        rc = buf_add(&r->packed, room, len);
    free(room);
    return rc;
}

/* Gives out what there is. */
static void give(struct remote *r)
{
    const struct remote_request request = {.body = &r->packed, .samples = r->samples, .oldest_ms = r->oldest_ms};

    close_series(r);
    if (r->samples && !pack(r))
        r->config.full(r->config.ctx, &request);
    else if (r->samples)
        r->failed = true;
    buf_reset(&r->body);
    buf_reset(&r->packed);
    r->samples = 0;
    r->oldest_ms = INT64_MAX;
}

static void add_sample(struct remote *r, int64_t at_ms, uint64_t bits)
{
    add_point(&r->points, at_ms, bits);
    r->series->last_ms = at_ms;
    r->oldest_ms = at_ms < r->oldest_ms ? at_ms : r->oldest_ms;
    if (++r->samples >= REMOTE_SAMPLES_MAX || r->body.len + r->points.len >= BODY_MAX)
        give(r);
}

/* ---- series ---- */

struct label {
    const char *name, *value;
};

static int by_name(const void *a, const void *b)
{
    return strcmp(((const struct label *)a)->name, ((const struct label *)b)->name);
}

static bool has(const struct label *labels, size_t count, const char *name)
{
    while (count--)
        if (!strcmp(labels[count].name, name))
            return true;
    return false;
}

/* Adds those that are not there yet. How many there are then. */
static size_t gather(struct label out[REMOTE_LABELS_MAX], size_t count, const char *const *labels)
{
    for (size_t i = 0; labels && labels[i] && count < REMOTE_LABELS_MAX; i += 2)
        if (labels[i + 1][0] && !has(out, count, labels[i]))
            out[count++] = (struct label){labels[i], labels[i + 1]};
    return count;
}

static struct series *make(struct remote *r)
{
    struct series *s = hash_count(r->known) < REMOTE_SERIES_MAX ? malloc(sizeof *s + r->key.len + 1) : NULL;

    if (!s)
        return NULL;
    *s = (struct series){.last_ms = NEVER, .len = r->key.len};
    memcpy(s->key, r->key.data, r->key.len + 1);
    if (!hash_put(r->known, s->key, s))
        return s;
    free(s);
    return NULL;
}

void remote_series(struct remote *r, const char *name, const char *const *labels)
{
    const char *const first[] = {"__name__", name, NULL};
    struct label all[REMOTE_LABELS_MAX];
    size_t count = gather(all, gather(all, gather(all, 0, first), labels), r->config.labels);

    close_series(r);
    qsort(all, count, sizeof *all, by_name);
    buf_reset(&r->key);
    for (size_t i = 0; i < count; i++)
        add_label(&r->key, all[i].name, all[i].value);
    r->series = r->key.bad ? NULL : hash_get(r->known, r->key.data);
    if (!r->series && !r->key.bad)
        r->series = make(r);
    if (r->series)
        r->series->round = r->round;
    else
        r->failed = true;
}

void remote_sample(struct remote *r, int64_t at_ms, double value)
{
    uint64_t bits;

    if (!r->series || at_ms <= r->series->last_ms)
        return;
    memcpy(&bits, &value, sizeof bits);
    add_sample(r, at_ms, bits);
}

/* Those that were not named end right behind their last sample. */
static void end_others(struct remote *r)
{
    size_t pos = 0;
    struct series *s;

    while ((s = hash_next(r->known, &pos))) {
        if (s->round == r->round)
            continue;
        r->series = s;
        if (s->last_ms != NEVER)
            add_sample(r, s->last_ms + 1, STALE_BITS);
        close_series(r);
        r->series = NULL;
        hash_remove(r->known, s->key);
        free(s);
    }
}

void remote_begin(struct remote *r)
{
    r->round++;
    r->failed = false;
    r->series = NULL;
}

int remote_end(struct remote *r, struct err *e)
{
    close_series(r);
    end_others(r);
    give(r);
    return r->failed ? err_set(e, ERR_INTERNAL, "Too many series, or out of memory.") : 0;
}

/* ---- life ---- */

struct remote *remote_create(const struct remote_config *c, struct err *e)
{
    struct remote *r = calloc(1, sizeof *r);

    if (r) {
        r->config = *c;
        r->oldest_ms = INT64_MAX;
        r->known = hash_create();
        buf_init(&r->key, 0);
        buf_init(&r->points, 0);
        buf_init(&r->body, 0);
        buf_init(&r->packed, 0);
    }
    if (r && r->known)
        return r;
    free(r);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void remote_destroy(struct remote *r)
{
    size_t pos = 0;
    struct series *s;

    if (!r)
        return;
    while ((s = hash_next(r->known, &pos))) {
        hash_remove(r->known, s->key);
        free(s);
    }
    hash_destroy(r->known);
    buf_fini(&r->key);
    buf_fini(&r->points);
    buf_fini(&r->body);
    buf_fini(&r->packed);
    free(r);
}
