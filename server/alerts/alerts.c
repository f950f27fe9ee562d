/* SPDX-License-Identifier: MIT */
/* Records are made under the lock and stored outside of it, one batch at a time. The core's thread takes the small lock
 * only, which nobody holds for long. */
#include "server/alerts/alerts.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "core/effect.h"
#include "server/alerts/alert_book.h"
#include "server/alerts/alert_silence.h"
#include "server/alerts/alert_store.h"
#include "server/loop.h"
#include "server/mailbox.h"
#include "server/readers.h"
#include "server/snapshot.h"

enum { SETTLE_MS = 30 * 1000, POST_KEEPS_MS = 4 * 60 * 1000, JOBS_EVERY = 6, BATCH_MAX = 1000 };

struct alerts {
    struct alerts_config config;
    pthread_t thread;
    bool started;
    struct alert_machine read; /* the thread's */
    /* everybody's */
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct alert_book *book;
    struct arena *arena;          /* of one look */
    struct alert_machine machine; /* as read last */
    bool quit, ready;             /* ready: the core has found its tasks once */
    uint64_t version;
    struct alert_record *first, **end; /* to be stored */
    /* the core's thread, too */
    pthread_mutex_t small;
    pthread_cond_t told;
    bool stored, failed;            /* the batch under way */
    struct alert_silence *silences; /* that came, the newest first */
};

/* Takes the lock, and in what has come. */
static void take_lock(struct alerts *a)
{
    pthread_mutex_lock(&a->lock); /* first: of two who take, the first has the older ones */
    pthread_mutex_lock(&a->small);
    struct alert_silence *came = a->silences, *in_order = NULL;
    a->silences = NULL;
    pthread_mutex_unlock(&a->small);
    for (struct alert_silence *next; came; came = next) {
        next = came->next;
        came->next = in_order;
        in_order = came;
    }
    for (struct alert_silence *next; in_order; in_order = next) {
        next = in_order->next;
        book_silence_put(a->book, in_order);
    }
}

void alerts_add_silence(struct alerts *a, struct alert_silence *s)
{
    pthread_mutex_lock(&a->small);
    s->next = a->silences;
    a->silences = s;
    pthread_mutex_unlock(&a->small);
}

/* ---- looking ---- */

/* Takes the book's records over. Under the lock. */
static void collect(struct alerts *a)
{
    struct alert_record *r = book_records(a->book);
    if (!r)
        return;
    *a->end = r;
    for (; r; r = r->next) {
        a->version += r->tell;
        a->end = &r->next;
    }
    pthread_cond_broadcast(&a->changed);
}

static void become_ready(struct alerts *a, int64_t now_ms)
{
    struct loop_stats stats;
    if (a->ready)
        return;
    loop_stats(a->config.sources.loop, &stats);
    a->ready = stats.ready;
    if (a->ready)
        book_settle(a->book, now_ms + SETTLE_MS);
}

/* Takes the lock, and leaves it taken. */
static void look(struct alerts *a, enum alert_depth depth)
{
    struct err e = {0};
    struct store *s = readers_get(a->config.readers, &e);
    take_lock(a); /* before anything is looked at: looks are in the order of what they see */
    struct snapshot *snap = snapshots_get(a->config.snapshots);
    const int64_t now_ms = clock_read().wall;
    if (depth >= ALERT_LOOK_MACHINE)
        a->machine = a->read;
    become_ready(a, now_ms);
    const struct alert_look l = {.book = a->book,
                                 .settings = a->config.settings,
                                 .sources = &a->config.sources,
                                 .machine = &a->machine,
                                 .snap = a->ready ? snap : NULL,
                                 .store = s,
                                 .arena = a->arena,
                                 .depth = depth,
                                 .now_ms = now_ms};
    alert_look(&l);
    arena_reset(a->arena);
    collect(a);
    readers_put(a->config.readers, s);
    snapshots_put(a->config.snapshots, snap);
}

struct alert_book *alerts_open(struct alerts *a)
{
    take_lock(a);
    return a->book;
}

struct alert_book *alerts_now(struct alerts *a)
{
    look(a, ALERT_LOOK_SNAPSHOT);
    return a->book;
}

void alerts_close(struct alerts *a)
{
    collect(a);
    pthread_mutex_unlock(&a->lock);
}

/* ---- storing ---- */

static void on_stored(struct mail *m, const struct effect_reply *reply)
{
    struct alerts *a = m->ctx;
    if (reply->err.code)
        log_warn("alerts_not_stored", "%s; they are stored later", reply->err.text);
    pthread_mutex_lock(&a->small);
    a->stored = true;
    a->failed = reply->err.code != ERR_NONE;
    pthread_cond_broadcast(&a->told);
    pthread_mutex_unlock(&a->small);
}

static void free_records(struct alert_record *r)
{
    for (struct alert_record *next; r; r = next) {
        next = r->next;
        alert_record_destroy(r);
    }
}

/* Up to so many, off the list. Under the lock. */
static struct alert_record *take_batch(struct alerts *a)
{
    struct alert_record *all = a->first, *last = all;
    for (int n = 1; last && last->next && n < BATCH_MAX; n++)
        last = last->next;
    if (!last)
        return NULL;
    a->first = last->next;
    if (!a->first)
        a->end = &a->first;
    last->next = NULL;
    return all;
}

/* What could not be stored, in front again. Under the lock. */
static void put_back(struct alerts *a, struct alert_record *all)
{
    struct alert_record *last = all;
    while (last->next)
        last = last->next;
    last->next = a->first;
    if (!a->first)
        a->end = &last->next;
    a->first = all;
}

/* Whether the core has stored it. */
static bool store(struct alerts *a, struct mail *m)
{
    pthread_mutex_lock(&a->small);
    a->stored = a->failed = false;
    pthread_mutex_unlock(&a->small);
    if (mailbox_post(a->config.mailbox, m, NULL))
        return false;
    pthread_mutex_lock(&a->small);
    while (!a->stored)
        pthread_cond_wait(&a->told, &a->small);
    const bool done = !a->failed;
    pthread_mutex_unlock(&a->small);
    return done;
}

/* 1: a batch was stored, 0: there is none, -1: it is to be stored later. */
static int store_batch(struct alerts *a)
{
    struct alert_batch batch = {.keep_ms = (int64_t)a->config.settings->keep_days * 24 * 3600 * 1000};
    struct mail m = {.done = on_stored, .ctx = a};
    pthread_mutex_lock(&a->lock);
    struct alert_record *all = take_batch(a);
    pthread_mutex_unlock(&a->lock);
    if (!all)
        return 0;
    batch.records = all;
    m.cmd.kind = COMMAND_WRITE;
    m.cmd.write = (struct command_write){.run = alert_store_put, .what = &batch};
    m.cmd.reply_to = &m;
    if (store(a, &m)) {
        free_records(all);
        return 1;
    }
    pthread_mutex_lock(&a->lock);
    put_back(a, all);
    pthread_mutex_unlock(&a->lock);
    return -1;
}

/* ---- the thread ---- */

enum woken { WOKEN_TIME, WOKEN_RECORDS, WOKEN_OVER };

static enum woken wait_until(struct alerts *a, const struct timespec *until, bool for_records)
{
    int rc = 0;
    pthread_mutex_lock(&a->lock);
    while (!a->quit && !rc && !(for_records && a->first))
        rc = pthread_cond_timedwait(&a->changed, &a->lock, until);
    const enum woken why = a->quit ? WOKEN_OVER : rc ? WOKEN_TIME : WOKEN_RECORDS;
    pthread_mutex_unlock(&a->lock);
    return why;
}

static void *run(void *ctx)
{
    struct alerts *a = ctx;
    enum woken why = WOKEN_TIME;
    int rc;
    (void)pthread_setname_np(pthread_self(), "alerts");
    for (int n = 0; why != WOKEN_OVER; n++) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_sec += a->config.settings->look_s;
        alert_machine_read(&a->read, &a->config.sources, clock_read().wall);
        look(a, n % JOBS_EVERY ? ALERT_LOOK_MACHINE : ALERT_LOOK_JOBS);
        pthread_mutex_unlock(&a->lock);
        do {
            do
                rc = store_batch(a);
            while (rc > 0);
            why = wait_until(a, &until, rc == 0);
        } while (why == WOKEN_RECORDS);
    }
    while (store_batch(a) > 0)
        continue;
    return NULL;
}

/* ---- life ---- */

static int restore(void *ctx, const struct alert_record *r)
{
    struct alerts *a = ctx;
    return book_restore(a->book, r, clock_read().wall);
}

static int restore_silence(void *ctx, struct alert_silence *s)
{
    struct alerts *a = ctx;
    book_silence_put(a->book, s);
    return 0;
}

static int load(struct alerts *a, struct err *e)
{
    struct store *s = readers_get(a->config.readers, e);
    int rc = s && !alert_store_each(s, restore, a, e) && !alert_store_each_silence(s, restore_silence, a, e) ? 0 : -1;
    readers_put(a->config.readers, s);
    return rc;
}

struct alerts *alerts_create(const struct alerts_config *c, struct err *e)
{
    struct alerts *a = calloc(1, sizeof *a);
    pthread_condattr_t attr;
    if (!a) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    a->config = *c;
    a->end = &a->first;
    pthread_mutex_init(&a->lock, NULL);
    pthread_mutex_init(&a->small, NULL);
    pthread_cond_init(&a->told, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&a->changed, &attr);
    pthread_condattr_destroy(&attr);
    a->arena = arena_create(0);
    a->book = book_create(c->settings);
    if (a->arena && a->book && !load(a, e))
        return a;
    if (!e->code)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    alerts_destroy(a);
    return NULL;
}

int alerts_start(struct alerts *a, struct err *e)
{
    int rc = pthread_create(&a->thread, NULL, run, a);
    if (rc)
        return err_errno(e, rc, "no thread for alerts");
    a->started = true;
    return 0;
}

void alerts_stop(struct alerts *a)
{
    if (!a || !a->started)
        return;
    pthread_mutex_lock(&a->lock);
    a->quit = true;
    pthread_cond_broadcast(&a->changed);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    a->started = false;
}

void alerts_destroy(struct alerts *a)
{
    if (!a)
        return;
    alerts_stop(a);
    free_records(a->first);
    book_destroy(a->book);
    arena_destroy(a->arena);
    for (struct alert_silence *s = a->silences, *next; s; s = next) {
        next = s->next;
        silence_destroy(s);
    }
    pthread_cond_destroy(&a->changed);
    pthread_cond_destroy(&a->told);
    pthread_mutex_destroy(&a->small);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- for Alertmanager ---- */

static void write_time(struct json_out *j, const char *key, int64_t ms)
{
    char text[CLOCK_ISO_SIZE];
    clock_iso(ms, text);
    json_out_kstring(j, key, text);
}

int alerts_post_body(struct alerts *a, struct buf *out)
{
    struct json_out j;
    int count = 0;
    json_out_init(&j, out);
    json_out_array(&j);
    take_lock(a);
    const int64_t now_ms = clock_read().wall;
    for (const struct alert *x = book_alerts(a->book); x; x = x->next) {
        if (x->rule < 0 || x->state == ALERT_PENDING || x->silenced_by[0])
            continue;
        count++;
        json_out_object(&j);
        json_out_key(&j, "labels");
        json_out_raw(&j, x->text->labels_json);
        json_out_key(&j, "annotations");
        json_out_raw(&j, x->text->notes_json);
        write_time(&j, "startsAt", x->starts_ms);
        write_time(&j, "endsAt", x->state == ALERT_RESOLVED ? x->ends_ms : now_ms + POST_KEEPS_MS);
        json_out_object_end(&j);
    }
    pthread_mutex_unlock(&a->lock);
    json_out_array_end(&j);
    return count;
}

uint64_t alerts_version(struct alerts *a)
{
    pthread_mutex_lock(&a->lock);
    const uint64_t v = a->version;
    pthread_mutex_unlock(&a->lock);
    return v;
}
