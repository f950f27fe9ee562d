/* SPDX-License-Identifier: MIT
 *
 * A decoder keeps the frame that it unpacked last: a reply reads a frame in several steps. It is known by the serial
 * number of its log's opening, since another file may get the same inode later.
 */
#include "engines/local/log_shelf.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

#define DECODERS 4 /* searches at once: server/api/log_search.c */

struct decoder {
    struct log_decoder *decoder;
    const char *text; /* of frame `frame` of opening `serial`; NULL = of none */
    uint64_t serial;
    uint32_t frame;
    uint64_t used; /* the last time, by the shelf's count */
    bool busy;
};

struct log_shelf {
    const char *data;
    pthread_mutex_t lock; /* of what follows, but what a busy decoder holds */
    pthread_cond_t idle;
    uint64_t serials, uses;
    struct decoder decoders[DECODERS];
};

struct log_shelf *log_shelf_create(const char *data, struct err *e)
{
    struct log_shelf *s = calloc(1, sizeof(*s));
    bool all = s != NULL;

    for (size_t i = 0; all && i < DECODERS; i++)
        all = (s->decoders[i].decoder = log_decoder_create()) != NULL;
    if (!all) {
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
        for (size_t i = 0; s && i < DECODERS; i++)
            log_decoder_destroy(s->decoders[i].decoder);
        free(s);
        return NULL;
    }
    s->data = data;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    return s;
}

void log_shelf_destroy(struct log_shelf *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < DECODERS; i++)
        log_decoder_destroy(s->decoders[i].decoder);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

const char *log_shelf_data(const struct log_shelf *s)
{
    return s->data;
}

int log_shelf_open(struct log_shelf *s, struct log_shelved *out, int fd, struct err *e)
{
    if (log_segment_open(&out->segment, fd, e))
        return -1;
    out->shelf = s;
    out->fd = fd;
    pthread_mutex_lock(&s->lock);
    out->serial = ++s->serials;
    pthread_mutex_unlock(&s->lock);
    return 0;
}

/* The idle decoder that has the frame, else the one used the longest ago; NULL when all are busy. Under the lock. */
static struct decoder *choose(struct log_shelf *s, uint64_t serial, uint32_t frame)
{
    struct decoder *best = NULL;

    for (size_t i = 0; i < DECODERS; i++) {
        struct decoder *d = &s->decoders[i];

        if (d->busy)
            continue;
        if (d->text && d->serial == serial && d->frame == frame)
            return d;
        if (!best || d->used < best->used)
            best = d;
    }
    return best;
}

static struct decoder *borrow(struct log_shelf *s, uint64_t serial, uint32_t frame)
{
    struct decoder *d;

    pthread_mutex_lock(&s->lock);
    while (!(d = choose(s, serial, frame)))
        pthread_cond_wait(&s->idle, &s->lock);
    d->busy = true;
    d->used = ++s->uses;
    pthread_mutex_unlock(&s->lock);
    return d;
}

static void give_back(struct log_shelf *s, struct decoder *d)
{
    pthread_mutex_lock(&s->lock);
    d->busy = false;
    pthread_cond_signal(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

int64_t log_shelf_read(const struct log_shelved *f, int64_t offset, void *out, size_t len, struct err *e)
{
    struct log_shelf *s = f->shelf;
    size_t done = 0;

    while (done < len && offset < f->segment.size) {
        uint32_t frame = (uint32_t)(offset / (int64_t)LOG_SEGMENT_FRAME);
        size_t at = (size_t)(offset % (int64_t)LOG_SEGMENT_FRAME);
        size_t n = log_segment_frame_bytes(&f->segment, frame) - at;
        struct decoder *d = borrow(s, f->serial, frame);

        if (!d->text || d->serial != f->serial || d->frame != frame) {
            d->text = log_decoder_frame(d->decoder, &f->segment, f->fd, frame, e);
            d->serial = f->serial;
            d->frame = frame;
        }
        bool there = d->text != NULL;
        n = n < len - done ? n : len - done;
        if (there)
            memcpy((char *)out + done, d->text + at, n);
        give_back(s, d);
        if (!there)
            return -1;
        done += n;
        offset += (int64_t)n;
    }
    return (int64_t)done;
}
