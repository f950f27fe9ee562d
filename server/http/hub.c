/* SPDX-License-Identifier: MIT
 *
 * The hub: a ring of encoded events, a list of streams, and a thread that wakes the streams with something to send.
 *
 *   publish ──► ring ──► hub thread ──wake──► HTTP thread: stream_read copies from the ring
 *
 * One lock guards ring and list. Events are counted references, so a stream sends its event without the lock. A stream
 * parks and is woken under the lock, so no wake-up is lost. A stream whose cursor fell out of the ring gets `reset`.
 */
#include "server/http/hub.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/identity.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "server/http/reply.h"
#include "server/http/request.h"

#define BACKLOG_MAX (1024u * 1024) /* bytes replayed for one stream */
#define RETRY "retry: 2000\n\n"
#define PING ": ping\n\n"

/* An event, in one allocation: the strings of `ev` and `text` lie behind the struct. */
struct event {
    atomic_uint refs;
    struct hub_event ev;
    size_t size; /* of the allocation */
    char *text;  /* as sent */
    size_t text_len;
};

struct stream {
    struct hub *hub;
    struct request *request;
    struct identity who;
    char *job;       /* filter, NULL = all */
    uint64_t next;   /* cursor: number of the next event to look at */
    bool parked;     /* under the lock */
    bool ping;       /* a ping is due; under the lock */
    int64_t sent_ms; /* last bytes given; under the lock */
    struct event *current;
    size_t at;          /* within current */
    struct buf backlog; /* to be sent before anything else */
    size_t backlog_at;
    struct stream *newer, *older;
};

struct hub {
    struct hub_config config;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t thread;
    struct event **ring;  /* event n is at n % ring_events */
    uint64_t first, next; /* numbers of the oldest one kept and of the one to come */
    size_t bytes;
    struct stream *streams;
    unsigned stream_count;
    bool dirty; /* something was published since the thread looked */
    bool closed, stop;
};

/* ---- events ---- */

static size_t length(const char *s)
{
    return s ? strlen(s) + 1 : 0;
}

static const char *put(char **at, const char *s)
{
    char *start = *at;

    if (!s)
        return NULL;
    memcpy(start, s, strlen(s) + 1);
    *at += strlen(s) + 1;
    return start;
}

static bool is_one_line(const char *s)
{
    return s && *s && strcspn(s, "\r\n") == strlen(s);
}

#define WIRE_PARTS 7

/* The wire form in pieces; no printf, for this runs on the core's thread for every event. */
static void wire_form(const struct hub_event *ev, const char *parts[WIRE_PARTS])
{
    parts[0] = "id: ";
    parts[1] = ev->id;
    parts[2] = "\nevent: ";
    parts[3] = ev->name;
    parts[4] = "\ndata: ";
    parts[5] = ev->data;
    parts[6] = "\n\n";
}

static struct event *event_create(const struct hub_event *ev)
{
    size_t strings =
        length(ev->id) + length(ev->name) + length(ev->data) + length(ev->job) + length(ev->vc) + length(ev->user);
    const char *parts[WIRE_PARTS];
    size_t text = 0;
    struct event *n;
    char *at;

    wire_form(ev, parts);
    for (size_t i = 0; i < WIRE_PARTS; i++)
        text += strlen(parts[i]);
    n = malloc(sizeof(*n) + strings + text);
    if (!n)
        return NULL;
    atomic_init(&n->refs, 1);
    n->size = sizeof(*n) + strings + text;
    at = (char *)(n + 1);
    n->ev = (struct hub_event){put(&at, ev->id),  put(&at, ev->name), put(&at, ev->data),
                               put(&at, ev->job), put(&at, ev->vc),   put(&at, ev->user)};
    n->text = at;
    n->text_len = text;
    for (size_t i = 0; i < WIRE_PARTS; i++) {
        size_t len = strlen(parts[i]);

        memcpy(at, parts[i], len);
        at += len;
    }
    return n;
}

static void event_unref(struct event *n)
{
    if (n && atomic_fetch_sub(&n->refs, 1) == 1)
        free(n);
}

/* ---- the ring, all under the lock ---- */

static struct event **slot(const struct hub *h, uint64_t number)
{
    return &h->ring[number % h->config.ring_events];
}

static void drop_oldest(struct hub *h)
{
    struct event **s = slot(h, h->first);

    h->bytes -= (*s)->size;
    event_unref(*s);
    *s = NULL;
    h->first++;
}

static void append(struct hub *h, struct event *n)
{
    while (h->next - h->first >= h->config.ring_events ||
           (h->next > h->first && h->bytes + n->size > h->config.ring_bytes))
        drop_oldest(h);
    *slot(h, h->next) = n;
    h->bytes += n->size;
    h->next++;
}

/* Number of the event with that id; h->next when it is not here. */
static uint64_t find(const struct hub *h, const char *id)
{
    for (uint64_t i = h->next; i > h->first; i--)
        if (!strcmp((*slot(h, i - 1))->ev.id, id))
            return i - 1;
    return h->next;
}

static bool wanted(const struct stream *st, const struct hub_event *ev)
{
    return !st->job || (ev->job && !strcmp(st->job, ev->job));
}

/* Moves the cursor to the next event that passes the filter; false when there is none, or the cursor was lost. */
static bool seek(struct stream *st)
{
    const struct hub *h = st->hub;

    if (st->next < h->first)
        return false;
    while (st->next < h->next && !wanted(st, &(*slot(h, st->next))->ev))
        st->next++;
    return st->next < h->next;
}

/* An event that is not in the ring: a hole that every cursor falls into. */
static void leave_hole(struct hub *h)
{
    while (h->first < h->next)
        drop_oldest(h);
    h->first = ++h->next;
}

bool hub_skip(struct hub *h)
{
    pthread_mutex_lock(&h->lock);
    bool alone = !h->streams;
    if (alone)
        leave_hole(h);
    pthread_mutex_unlock(&h->lock);
    return alone;
}

int hub_publish(struct hub *h, const struct hub_event *ev)
{
    struct event *n;

    if (!is_one_line(ev->id) || strlen(ev->id) > HUB_ID_MAX || !is_one_line(ev->name) || !is_one_line(ev->data)) {
        log_error("hub_event", "an event is not one line and was dropped");
        return -1;
    }
    n = event_create(ev);
    pthread_mutex_lock(&h->lock);
    if (n)
        append(h, n);
    else
        leave_hole(h);
    if (h->streams && !h->dirty)
        pthread_cond_signal(&h->work);
    h->dirty = true;
    pthread_mutex_unlock(&h->lock);
    return n ? 0 : -1;
}

/* ---- the thread ---- */

static void wake(struct stream *st)
{
    st->parked = false;
    reply_wake(st->request);
}

static void look(struct hub *h, int64_t now)
{
    for (struct stream *st = h->streams; st; st = st->older) {
        if (!st->parked)
            continue;
        if (now - st->sent_ms >= h->config.ping_ms)
            st->ping = true;
        if (st->ping || h->closed || st->next < h->first || seek(st))
            wake(st);
    }
    h->dirty = false;
}

/* Sleeps until there is work, or pings may be due. */
static void wait_for_work(struct hub *h)
{
    struct timespec until;
    int64_t ms = h->config.ping_ms / 4 + 1;

    if (!h->streams) {
        pthread_cond_wait(&h->work, &h->lock);
        return;
    }
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    until.tv_nsec += (ms % 1000) * 1000000L;
    until.tv_sec += until.tv_nsec / 1000000000L;
    until.tv_nsec %= 1000000000L;
    pthread_cond_timedwait(&h->work, &h->lock, &until);
}

static void *run(void *arg)
{
    struct hub *h = arg;

    pthread_mutex_lock(&h->lock);
    while (!h->stop) {
        if (!h->dirty)
            wait_for_work(h);
        look(h, clock_read().mono);
    }
    pthread_mutex_unlock(&h->lock);
    return NULL;
}

static void set_defaults(struct hub_config *c)
{
    if (!c->ring_events)
        c->ring_events = 4096;
    if (!c->ring_bytes)
        c->ring_bytes = 4u * 1024 * 1024;
    if (!c->streams)
        c->streams = 512;
    if (!c->per_user)
        c->per_user = 16;
    if (!c->ping_ms)
        c->ping_ms = 15000;
}

struct hub *hub_create(const struct hub_config *c, struct err *e)
{
    struct hub *h = calloc(1, sizeof(*h));
    pthread_condattr_t attr;
    int rc = ENOMEM;

    if (!h)
        goto out;
    h->config = *c;
    set_defaults(&h->config);
    h->ring = calloc(h->config.ring_events, sizeof(struct event *));
    if (!h->ring)
        goto out;
    pthread_mutex_init(&h->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&h->work, &attr);
    pthread_condattr_destroy(&attr);
    rc = pthread_create(&h->thread, NULL, run, h);
    if (rc == 0)
        return h;
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
out:
    err_errno(e, rc, "hub of events");
    if (h)
        free(h->ring);
    free(h);
    return NULL;
}

void hub_close(struct hub *h)
{
    pthread_mutex_lock(&h->lock);
    h->closed = true;
    h->dirty = true;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
}

void hub_destroy(struct hub *h)
{
    if (!h)
        return;
    pthread_mutex_lock(&h->lock);
    h->stop = true;
    pthread_cond_signal(&h->work);
    pthread_mutex_unlock(&h->lock);
    pthread_join(h->thread, NULL);
    while (h->first < h->next)
        drop_oldest(h);
    pthread_cond_destroy(&h->work);
    pthread_mutex_destroy(&h->lock);
    free(h->ring);
    free(h);
}

unsigned hub_streams(struct hub *h)
{
    unsigned n;

    pthread_mutex_lock(&h->lock);
    n = h->stream_count;
    pthread_mutex_unlock(&h->lock);
    return n;
}

/* ---- streams, on the HTTP thread ---- */

static bool allowed(const struct stream *st, const struct hub_event *ev)
{
    const struct hub_config *c = &st->hub->config;

    return !c->allowed || c->allowed(c->ctx, &st->who, ev);
}

/* `reset` carries the newest id, so that a client that reconnects with it is up to date. Under the lock. */
static void add_reset(struct stream *st)
{
    const struct hub *h = st->hub;

    if (h->next > h->first)
        buf_addf(&st->backlog, "id: %s\n", (*slot(h, h->next - 1))->ev.id);
    buf_adds(&st->backlog, "event: reset\ndata: {}\n\n");
    st->next = h->next;
}

enum step { STEP_AGAIN, STEP_PARKED, STEP_END };

/* Finds something to send: sets current or backlog, or parks. */
static enum step stream_advance(struct stream *st)
{
    struct hub *h = st->hub;
    struct event *n = NULL;
    enum step step = STEP_AGAIN;
    bool ping = false;

    pthread_mutex_lock(&h->lock);
    st->sent_ms = clock_read().mono;
    if (h->closed) {
        step = STEP_END;
    } else if (st->next < h->first) {
        add_reset(st);
    } else if (seek(st)) {
        n = *slot(h, st->next++);
        atomic_fetch_add(&n->refs, 1);
    } else if (st->ping) {
        st->ping = false;
        ping = true;
    } else {
        step = STEP_PARKED;
        st->parked = true;
        reply_park(st->request);
    }
    pthread_mutex_unlock(&h->lock);
    if (ping && !allowed(st, NULL))
        return STEP_END;
    if (ping)
        buf_adds(&st->backlog, PING);
    if (n && !allowed(st, &n->ev)) {
        event_unref(n);
        n = NULL;
    }
    st->current = n;
    return step;
}

static size_t copy_out(char *out, size_t n, const char *from, size_t len, size_t *at)
{
    size_t part = len - *at < n ? len - *at : n;

    memcpy(out, from + *at, part);
    *at += part;
    return part;
}

static ssize_t stream_read(void *ctx, uint64_t offset, char *out, size_t n)
{
    struct stream *st = ctx;
    size_t got;

    (void)offset;
    for (;;) {
        enum step step;

        if (st->backlog.len > st->backlog_at)
            return (ssize_t)copy_out(out, n, st->backlog.data, st->backlog.len, &st->backlog_at);
        buf_reset(&st->backlog);
        st->backlog_at = 0;
        if (st->current) {
            got = copy_out(out, n, st->current->text, st->current->text_len, &st->at);
            if (st->at == st->current->text_len) {
                event_unref(st->current);
                st->current = NULL;
            }
            return (ssize_t)got;
        }
        st->at = 0;
        step = stream_advance(st);
        if (step != STEP_AGAIN)
            return step == STEP_END ? REPLY_END : REPLY_WAIT;
    }
}

static void stream_free(struct stream *st)
{
    event_unref(st->current);
    buf_fini(&st->backlog);
    free(st->job);
    free(st);
}

static void stream_close(void *ctx)
{
    struct stream *st = ctx;
    struct hub *h = st->hub;

    pthread_mutex_lock(&h->lock);
    if (st->newer)
        st->newer->older = st->older;
    else
        h->streams = st->older;
    if (st->older)
        st->older->newer = st->newer;
    h->stream_count--;
    pthread_mutex_unlock(&h->lock);
    stream_free(st);
}

/* Takes a replayed event into the backlog; stops where the ring goes on. */
static int take_replayed(void *sink, const struct hub_event *ev)
{
    struct stream *st = sink;
    struct hub *h = st->hub;
    const char *parts[WIRE_PARTS];
    uint64_t number;
    bool here;

    pthread_mutex_lock(&h->lock);
    number = find(h, ev->id);
    here = number < h->next;
    if (here)
        st->next = number;
    pthread_mutex_unlock(&h->lock);
    if (here)
        return 1;
    if (!is_one_line(ev->id) || !is_one_line(ev->name) || !is_one_line(ev->data))
        return 0;
    if (wanted(st, ev) && allowed(st, ev)) {
        wire_form(ev, parts);
        for (size_t i = 0; i < WIRE_PARTS; i++)
            buf_adds(&st->backlog, parts[i]);
    }
    return st->backlog.bad;
}

/* Sets the cursor behind `last_id`: in the ring, else by replay, else with a reset. */
static void start_after(struct stream *st, const char *last_id)
{
    struct hub *h = st->hub;
    uint64_t number;
    bool here;
    int rc = -1;

    pthread_mutex_lock(&h->lock);
    number = last_id ? find(h, last_id) : h->next;
    here = number < h->next;
    st->next = here ? number + 1 : h->next;
    pthread_mutex_unlock(&h->lock);
    if (here || !last_id)
        return;
    if (h->config.replay)
        rc = h->config.replay(h->config.ctx, last_id, take_replayed, st);
    if (rc == 0 && !st->backlog.bad)
        return;
    buf_reset(&st->backlog);
    pthread_mutex_lock(&h->lock);
    add_reset(st);
    pthread_mutex_unlock(&h->lock);
}

/* Enters the stream in the list, if the quotas allow. */
static int admit(struct hub *h, struct stream *st, struct err *e)
{
    unsigned mine = 0;
    int rc = 0;

    pthread_mutex_lock(&h->lock);
    for (const struct stream *o = h->streams; o; o = o->older)
        mine += !strcmp(o->who.user, st->who.user);
    if (h->closed)
        rc = err_set(e, ERR_BUSY, "The server is shutting down.");
    else if (mine >= h->config.per_user)
        rc = err_set(e, ERR_TOO_MANY, "You have %u live streams open, which is the most one user may have.", mine);
    else if (h->stream_count >= h->config.streams)
        rc = err_set(e, ERR_TOO_MANY, "Too many live streams are open.");
    if (rc == 0) {
        st->older = h->streams;
        if (h->streams)
            h->streams->newer = st;
        h->streams = st;
        h->stream_count++;
        pthread_cond_signal(&h->work); /* it may sleep without a timeout */
    }
    pthread_mutex_unlock(&h->lock);
    return rc;
}

int hub_reply(struct hub *h, struct request *r, const char *job, const char *last_id, struct err *e)
{
    struct stream *st = calloc(1, sizeof(*st));
    struct reply_source src = {.ctx = st, .read = stream_read, .close = stream_close};

    if (!st || (job && !(st->job = strdup(job)))) {
        free(st);
        return err_set(e, ERR_BUSY, "The server is out of memory.");
    }
    st->hub = h;
    st->request = r;
    st->who = *request_identity(r);
    st->sent_ms = clock_read().mono;
    buf_init(&st->backlog, BACKLOG_MAX);
    buf_adds(&st->backlog, RETRY);
    if (admit(h, st, e)) {
        stream_free(st);
        return -1;
    }
    start_after(st, last_id);
    reply_header(r, "X-Accel-Buffering", "no");
    reply_stream(r, 200, "text/event-stream", -1, &src);
    return 0;
}
