/* SPDX-License-Identifier: MIT
 *
 * From a look at what there is to the receiver, with a queue in between.
 *
 *   each interval: look ─► pack ─► queue ─► the request under way ─► taken, or refused: counted, the next one
 *                                                ▲        └─► not now: wait, longer each time, or as long as it says
 *                                                └────────────────────────────┘
 *
 * One thread, so that the requests of a series are in the order of its times.
 */
#include "metrics/remote_writer.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "metrics/remote.h"
#include "metrics/remote_config.h"
#include "metrics/remote_sender.h"

enum {
    RETRY_MS = 500,
    RETRY_MAX_MS = 30000,
    KEEP_MS = 2 * 3600000,  /* an hour in the rings, which the first look reads, and one of waiting */
    OVERLAP_MS = 2 * 60000, /* a look asks for samples again that were slow to come; the longest period twice */
    STOP_MS = 2000,
    LOOK_AGAIN_MS = 500
};

struct request {
    struct request *next;
    size_t len;
    int samples;
    int64_t oldest_ms;
    char body[];
};

struct remote_writer {
    struct remote_writer_config config;
    struct remote *remote;
    struct remote_sender *sender;
    const char *labels[2 * REMOTE_OWN_LABELS + 1];
    pthread_t thread;
    bool started;
    /* the thread's */
    struct request *first, **end;
    size_t queued; /* bytes, with the first one */
    bool under_way;
    bool trouble; /* it was told of */
    int64_t looked_ms, look_at, send_at, retry_ms;
    /* everybody's */
    pthread_mutex_t lock;
    bool quit;
    struct remote_stats stats; /* but the lag */
    int64_t oldest_ms;         /* of what waits */
};

/* ---- the queue ---- */

/* Takes one off, into a counter. */
static void finish(struct remote_writer *w, struct request **at, uint64_t *counter)
{
    struct request *r = *at;
    assert(r);
    *at = r->next;
    w->queued -= r->len;
    if (!r->next)
        w->end = at;
    pthread_mutex_lock(&w->lock);
    *counter += (uint64_t)r->samples;
    w->stats.waiting -= (uint64_t)r->samples;
    w->oldest_ms = w->first ? w->first->oldest_ms : 0;
    pthread_mutex_unlock(&w->lock);
    free(r);
}

/* Drops what is too old or has no room, the oldest first, but for what is under way. */
static void make_room(struct remote_writer *w, size_t more)
{
    const size_t room = (size_t)w->config.settings->queue_mb << 20;
    for (;;) {
        struct request **at = w->first && w->under_way ? &w->first->next : &w->first;
        if (!*at || (w->queued + more <= room && (*at)->oldest_ms >= w->looked_ms - KEEP_MS))
            return;
        finish(w, at, &w->stats.dropped);
    }
}

/* remote_config.full */
static void put(void *ctx, const struct remote_request *in)
{
    struct remote_writer *w = ctx;
    struct request *r = malloc(sizeof *r + in->body->len);
    make_room(w, in->body->len);
    if (r) {
        *r = (struct request){.next = NULL, .len = in->body->len, .samples = in->samples, .oldest_ms = in->oldest_ms};
        memcpy(r->body, in->body->data, r->len);
        *w->end = r;
        w->end = &r->next;
        w->queued += r->len;
    }
    pthread_mutex_lock(&w->lock);
    *(r ? &w->stats.waiting : &w->stats.dropped) += (uint64_t)in->samples;
    w->oldest_ms = w->first ? w->first->oldest_ms : 0;
    pthread_mutex_unlock(&w->lock);
}

/* ---- the thread ---- */

static void look(struct remote_writer *w)
{
    struct err e = {0};
    const struct clock_now now = clock_read();
    const int64_t after = w->looked_ms ? w->looked_ms - OVERLAP_MS : 0, before = w->looked_ms;
    w->looked_ms = now.wall;
    make_room(w, 0);
    remote_begin(w->remote);
    if (w->config.look(w->config.ctx, w->remote, now.wall, after, &e)) {
        if (e.code != ERR_BUSY) /* the core has not said anything yet */
            log_warn("remote_write_no_look", "%s", e.text);
        w->looked_ms = before;
        w->look_at = now.mono + LOOK_AGAIN_MS;
        return;
    }
    if (remote_end(w->remote, &e))
        log_warn("remote_write_incomplete", "%s", e.text);
    do
        w->look_at += (int64_t)w->config.settings->interval_s * 1000;
    while (w->look_at <= now.mono);
}

/* It is to be sent again. Told once until it works again. */
static void put_off(struct remote_writer *w, int64_t now_mono, int64_t after_ms, const char *why)
{
    if (!w->trouble)
        log_warn("remote_write_waits", "%s; samples wait and are sent again", why);
    w->trouble = true;
    w->send_at = now_mono + (after_ms > w->retry_ms ? after_ms : w->retry_ms);
    w->retry_ms = w->retry_ms * 2 < RETRY_MAX_MS ? w->retry_ms * 2 : RETRY_MAX_MS;
    pthread_mutex_lock(&w->lock);
    w->stats.retries++;
    pthread_mutex_unlock(&w->lock);
}

static void settle(struct remote_writer *w, const struct remote_answer *a, int64_t now_mono)
{
    if (a->outcome == REMOTE_NONE)
        return;
    assert(w->first); /* what was under way */
    w->under_way = false;
    if (a->outcome == REMOTE_LATER) {
        put_off(w, now_mono, a->after_ms, a->why);
        return;
    }
    if (a->outcome == REMOTE_REFUSED)
        log_warn("remote_write_refused", "%s; %d samples are lost", a->why, w->first->samples);
    else if (w->trouble)
        log_info("remote_write_goes_on", "the receiver takes samples again");
    w->trouble = w->trouble && a->outcome == REMOTE_REFUSED;
    w->retry_ms = RETRY_MS;
    finish(w, &w->first, a->outcome == REMOTE_TAKEN ? &w->stats.taken : &w->stats.refused);
}

/* Sends, and waits until a moment at the latest. */
static void go_on(struct remote_writer *w, int64_t until_mono)
{
    struct err e = {0};
    struct remote_answer a;
    int64_t now = clock_read().mono;
    if (w->first && !w->under_way && now >= w->send_at) {
        if (remote_sender_begin(w->sender, w->first->body, w->first->len, &e))
            put_off(w, now, 0, e.text);
        else
            w->under_way = true;
    }
    if (w->first && !w->under_way && w->send_at < until_mono)
        until_mono = w->send_at;
    remote_sender_wait(w->sender, until_mono > now ? until_mono - now : 0, &a);
    settle(w, &a, clock_read().mono);
}

static bool is_over(struct remote_writer *w)
{
    pthread_mutex_lock(&w->lock);
    bool over = w->quit;
    pthread_mutex_unlock(&w->lock);
    return over;
}

static void *run(void *ctx)
{
    struct remote_writer *w = ctx;
    (void)pthread_setname_np(pthread_self(), "remote-write");
    w->look_at = clock_read().mono;
    while (!is_over(w)) {
        if (clock_read().mono >= w->look_at)
            look(w);
        go_on(w, w->look_at);
    }
    look(w);
    const int64_t end = clock_read().mono + STOP_MS;
    for (int64_t now = 0; w->first && now < end && w->send_at < end; now = clock_read().mono)
        go_on(w, end);
    return NULL;
}

/* ---- life ---- */

static void free_all(struct remote_writer *w)
{
    remote_sender_destroy(w->sender);
    remote_destroy(w->remote);
    for (struct request *r = w->first, *next; r; r = next) {
        next = r->next;
        free(r);
    }
    pthread_mutex_destroy(&w->lock);
    free(w);
}

static int begin(struct remote_writer *w, struct err *e)
{
    const struct remote_settings *c = w->config.settings;
    for (int i = 0; i < c->label_count; i++) {
        w->labels[2 * i] = c->labels[i].name;
        w->labels[2 * i + 1] = c->labels[i].value;
    }
    const struct remote_config r = {.labels = w->labels, .full = put, .ctx = w};
    w->remote = remote_create(&r, e);
    w->sender = w->remote ? remote_sender_create(c, remote_sender_headers, e) : NULL;
    return w->sender ? 0 : -1;
}

struct remote_writer *remote_writer_create(const struct remote_writer_config *c, struct err *e)
{
    struct remote_writer *w = calloc(1, sizeof *w);
    if (!w) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    w->config = *c;
    w->end = &w->first;
    w->retry_ms = RETRY_MS;
    pthread_mutex_init(&w->lock, NULL);
    if (!begin(w, e))
        return w;
    free_all(w);
    return NULL;
}

int remote_writer_start(struct remote_writer *w, struct err *e)
{
    int rc = pthread_create(&w->thread, NULL, run, w);
    if (rc)
        return err_errno(e, rc, "no thread for remote write");
    w->started = true;
    return 0;
}

void remote_writer_stop(struct remote_writer *w)
{
    if (!w || !w->started)
        return;
    pthread_mutex_lock(&w->lock);
    w->quit = true;
    pthread_mutex_unlock(&w->lock);
    remote_sender_wake(w->sender);
    pthread_join(w->thread, NULL);
    w->started = false;
}

void remote_writer_destroy(struct remote_writer *w)
{
    if (!w)
        return;
    remote_writer_stop(w);
    free_all(w);
}

void remote_writer_stats(struct remote_writer *w, struct remote_stats *out)
{
    pthread_mutex_lock(&w->lock);
    *out = w->stats;
    const int64_t oldest = w->oldest_ms;
    pthread_mutex_unlock(&w->lock);
    const int64_t now = clock_read().wall;
    out->lag_ms = oldest && oldest < now ? now - oldest : 0;
}
