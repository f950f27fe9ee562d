/* SPDX-License-Identifier: MIT */
/* How the next record is found:
 *
 *              sound: take it, go behind it
 *             ┌──────────┐
 *             ▼          │           not all there, and the file ends:
 *        ┌─────────┐ ────┘           look behind it for a sound one;
 *   ───► │ look at │ ──────────────► there is one: it was damage, go there
 *        │ offset  │                 none: wait
 *        └─────────┘ ────┐
 *             ▲          │ checksums wrong: one byte on
 *             └──────────┘
 *
 * A file may be made so that this costs the square of its length (many sound lengths, each of data that is not): what
 * is looked at in vain is counted, and a file that goes far beyond its length in it is given up. */
#include "metrics/event_file.h"

#include <assert.h>
#include <endian.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/crc32c.h"
#include "base/hash.h"

#define HEAD 12u
#define HEAD_WORK 8                   /* a look at a head costs as much as so many bytes of data */
#define WASTE_FREE (INT64_C(1) << 30) /* bytes looked at in vain that any file may cost */
#define WASTE_FACTOR 16               /* and so many times its length: two looks at each of its heads */
#define TIME_MAX_S 253402300800.0     /* the year 10000 */
#define ROOM_FIRST 16

enum look { LOOK_SOUND, LOOK_SHORT, LOOK_BAD };

int event_file_init(struct event_file *f, const struct crc32c *crc)
{
    *f = (struct event_file){.crc = crc, .want = HEAD, .by_tag = hash_create(), .memory = sizeof(*f)};
    return f->by_tag ? 0 : -1;
}

void event_file_fini(struct event_file *f)
{
    for (int i = 0; i < f->series_count; i++) {
        free(f->series[i]->points);
        free(f->series[i]->tag);
        free(f->series[i]);
    }
    free(f->series);
    hash_destroy(f->by_tag);
    *f = (struct event_file){0};
}

/* ---- a tag's values ---- */

/* A new series; NULL on out of memory. */
static struct event_series *add_series(struct event_file *f, const char *tag, size_t len)
{
    if (!f->series) {
        f->series = calloc(EVENT_TAGS_MAX, sizeof(struct event_series *));
        f->memory += EVENT_TAGS_MAX * sizeof(struct event_series *);
    }
    struct event_series *s = f->series ? calloc(1, sizeof *s) : NULL;

    if (!s)
        return NULL;
    s->stride = 1;
    s->tag = strndup(tag, len);
    if (!s->tag || hash_put(f->by_tag, s->tag, s)) {
        free(s->tag);
        free(s);
        return NULL;
    }
    s->place = f->series_count;
    f->series[f->series_count++] = s;
    f->memory += sizeof(*s) + len + 64; /* with its place in the table */
    return s;
}

/* The tag's series, *out NULL where there is none and may be none. 0, or -1 on out of memory. */
static int find_series(struct event_file *f, const struct event_proto_value *v, struct event_series **out)
{
    char tag[EVENT_TAG_BYTES_MAX + 1];
    struct event_series *guess = f->series_count ? f->series[f->next % f->series_count] : NULL;

    *out = NULL;
    if (v->tag_len > EVENT_TAG_BYTES_MAX || memchr(v->tag, 0, v->tag_len))
        return 0;
    memcpy(tag, v->tag, v->tag_len);
    tag[v->tag_len] = '\0';
    /* Programs write their tags in one order again and again. */
    *out = guess && strcmp(guess->tag, tag) == 0 ? guess : hash_get(f->by_tag, tag);
    if (!*out && f->series_count < EVENT_TAGS_MAX) {
        *out = add_series(f, tag, v->tag_len);
        if (!*out)
            return -1;
    }
    f->next = *out ? (*out)->place + 1 : f->next;
    return 0;
}

/* 0, or -1 on out of memory. */
static int keep_point(struct event_file *f, struct event_series *s, const struct event_point *p)
{
    if (s->kept == EVENT_POINTS_MAX) {
        s->stride *= 2;
        s->kept /= 2;
        for (int i = 1; i < s->kept; i++)
            s->points[i] = s->points[2 * i];
        if ((s->count - 1) % s->stride)
            return 0;
    }
    if (s->kept == s->room) {
        int room = s->room ? 2 * s->room : ROOM_FIRST;

        room = room > EVENT_POINTS_MAX ? EVENT_POINTS_MAX : room;
        struct event_point *more = realloc(s->points, (size_t)room * sizeof *more);

        if (!more)
            return -1;
        f->memory += (size_t)(room - s->room) * sizeof *more;
        s->points = more;
        s->room = room;
    }
    s->points[s->kept++] = *p;
    s->last_kept = true;
    return 0;
}

static void bound_series(struct event_series *s, const struct event_point *p)
{
    if (!isfinite(p->value)) {
        s->not_finite++;
        return;
    }
    const bool first = s->count - s->not_finite == 1;

    if (first || p->value < s->min.value)
        s->min = *p;
    if (first || p->value > s->max.value)
        s->max = *p;
}

static int64_t time_ms(double seconds)
{
    return seconds > 0 && seconds < TIME_MAX_S ? (int64_t)(seconds * 1000.0) : 0;
}

/* A new session: what was written of its first step and later is void. The counts and bounds stay those of what was
 * read. */
static void purge(struct event_file *f, int64_t step)
{
    for (int i = 0; i < f->series_count; i++) {
        struct event_series *s = f->series[i];
        int kept = 0;

        if (s->count && s->last.step >= step)
            s->last_kept = true; /* or gone */
        for (int k = 0; k < s->kept; k++)
            if (s->points[k].step < step)
                s->points[kept++] = s->points[k];
        s->kept = kept;
        if (kept && s->last.step >= step)
            s->last = s->points[kept - 1];
    }
}

/* event_proto_fn. 1 on out of memory. */
static int take_value(void *ctx, const struct event_proto *event, const struct event_proto_value *v)
{
    struct event_file *f = ctx;
    struct event_series *s;

    if (!v) {
        purge(f, event->step);
        return 0;
    }
    if (!v->has_simple && !v->has_tensor)
        return 0;
    if (find_series(f, v, &s))
        return 1;
    if (!s) {
        f->left_out++;
        return 0;
    }
    if (s->kind == EVENT_KIND_UNKNOWN)
        s->kind = v->kind;
    /* A number in a tensor may be anything, as its metadata says; a simple value is always a scalar. */
    if (!v->has_simple && s->kind == EVENT_KIND_OTHER)
        return 0;
    s->last = (struct event_point){.step = event->step, .time_ms = time_ms(event->wall_time), .value = v->value};
    s->single = v->single;
    s->count++;
    s->last_kept = false;
    bound_series(s, &s->last);
    return ((s->count - 1) % s->stride == 0 || !s->kept) && keep_point(f, s, &s->last) ? 1 : 0;
}

/* ---- records ---- */

static uint32_t masked(const struct crc32c *c, const void *data, size_t len)
{
    const uint32_t crc = crc32c_of(c, data, len);

    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static uint32_t read_u32(const unsigned char *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof(v));
    return le32toh(v);
}

/* What begins at `p`; *len is the data's length where its checksum is right. Counts what it costs. */
static enum look look_at(struct event_file *f, const unsigned char *p, size_t left, size_t *len, int64_t *work)
{
    uint64_t length;

    *len = 0;
    if (left < HEAD)
        return LOOK_SHORT;
    *work -= HEAD_WORK;
    if (masked(f->crc, p, 8) != read_u32(p + 8)) {
        f->wasted += HEAD_WORK;
        return LOOK_BAD;
    }
    memcpy(&length, p, sizeof(length));
    length = le64toh(length);
    if (length > EVENT_RECORD_MAX)
        return LOOK_BAD;
    *len = (size_t)length;
    if (left < *len + EVENT_FRAME)
        return LOOK_SHORT;
    *work -= (int64_t)*len;
    if (masked(f->crc, p + HEAD, *len) == read_u32(p + HEAD + *len))
        return LOOK_SOUND;
    f->wasted += (int64_t)*len;
    return LOOK_BAD;
}

/* Whether *work is used up, or the file given up. */
static bool spent(struct event_file *f, int64_t at, const int64_t *work)
{
    f->given_up = f->given_up || f->wasted > WASTE_FREE + WASTE_FACTOR * at;
    return *work <= 0 || f->given_up;
}

/* The file ends in a record that is not all there. Where one that is sound begins behind its first byte; 0: nowhere. */
static size_t look_behind(struct event_file *f, const unsigned char *p, size_t left, int64_t *work)
{
    size_t at = 1, len;
    bool short_seen = false;

    if (f->tried > f->offset + 1)
        at = (size_t)(f->tried - f->offset);
    for (; at + HEAD <= left && !spent(f, f->offset, work); at++) {
        const enum look found = look_at(f, p + at, left - at, &len, work);

        if (found == LOOK_SOUND)
            return at;
        short_seen = short_seen || found == LOOK_SHORT;
        if (!short_seen)
            f->tried = f->offset + (int64_t)at + 1;
    }
    return 0;
}

static void skip(struct event_file *f, size_t bytes)
{
    f->damaged += f->lost ? 0 : 1;
    f->lost = true;
    f->offset += (int64_t)bytes;
}

/* 0, or -1 on out of memory. */
static int take_record(struct event_file *f, const unsigned char *p, size_t len)
{
    const int rc = event_proto_read(p + HEAD, len, take_value, f);

    if (rc > 0)
        return -1;
    f->records++;
    f->damaged += rc < 0;
    f->lost = false;
    f->offset += (int64_t)(len + EVENT_FRAME);
    return 0;
}

int event_file_read(struct event_file *f, const struct event_bytes *bytes, int64_t *work)
{
    const unsigned char *data = bytes->data;
    const int64_t first = f->offset;
    size_t at = 0, len;

    assert(f->by_tag);
    while (!spent(f, f->offset, work)) {
        const size_t left = bytes->len - at;

        switch (look_at(f, data + at, left, &len, work)) {
        case LOOK_SOUND:
            if (take_record(f, data + at, len))
                return -1;
            break;
        case LOOK_BAD:
            skip(f, 1);
            break;
        default:
            f->want = left < HEAD ? HEAD : (int64_t)(len + EVENT_FRAME);
            len = bytes->end ? look_behind(f, data + at, left, work) : 0;
            if (!len)
                return 0;
            skip(f, len);
        }
        at = (size_t)(f->offset - first);
    }
    f->want = HEAD;
    return 0;
}
