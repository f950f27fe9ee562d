/* SPDX-License-Identifier: MIT
 *
 * Tailing: a reply that reads a growing source and parks when it has caught up. The tail's thread looks at parked
 * followers: more bytes, the end, or a client that went away (libmicrohttpd sees none while suspended).
 */
#include "server/http/tail.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "auth/identity.h"
#include "base/err.h"
#include "server/http/reply.h"
#include "server/http/request.h"

#define LOOK_MS 100
#define PEER_LOOKS 10 /* every so many looks the peers are looked at too */
#define TEXT "text/plain; charset=utf-8"

struct follower {
    struct tail *tail; /* NULL: not in the list */
    struct request *request;
    struct tail_source src;
    uint64_t at;
    int64_t left; /* bytes still to send; -1 = no limit */
    bool follow;
    bool parked; /* under the lock */
    bool gone;   /* the client went away; under the lock */
    char user[IDENTITY_USER_SIZE];
    struct follower *newer, *older;
};

struct tail {
    unsigned max, per_user;
    pthread_mutex_t lock;
    pthread_cond_t work;
    pthread_t thread;
    struct follower *followers;
    unsigned count;
    bool closed, stop;
};

/* ---- the thread ---- */

static bool has_news(const struct follower *f)
{
    int64_t size;

    if (f->src.complete(f->src.ctx))
        return true;
    size = f->src.size(f->src.ctx);
    return size < 0 || (uint64_t)size > f->at;
}

static void look(struct tail *t, bool peers)
{
    for (struct follower *f = t->followers; f; f = f->older) {
        if (!f->parked)
            continue;
        f->gone = peers && reply_peer_gone(f->request);
        if (t->closed || f->gone || has_news(f)) {
            f->parked = false;
            reply_wake(f->request);
        }
    }
}

static void *run(void *arg)
{
    struct tail *t = arg;
    unsigned looks = 0;

    pthread_mutex_lock(&t->lock);
    while (!t->stop) {
        struct timespec until;

        if (!t->followers) {
            pthread_cond_wait(&t->work, &t->lock);
            continue;
        }
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&t->work, &t->lock, &until);
        look(t, ++looks % PEER_LOOKS == 0);
    }
    pthread_mutex_unlock(&t->lock);
    return NULL;
}

struct tail *tail_create(unsigned followers, unsigned per_user, struct err *e)
{
    struct tail *t = calloc(1, sizeof(*t));
    pthread_condattr_t attr;
    int rc;

    if (!t) {
        err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    t->max = followers ? followers : 256;
    t->per_user = per_user ? per_user : 16;
    pthread_mutex_init(&t->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&t->work, &attr);
    pthread_condattr_destroy(&attr);
    rc = pthread_create(&t->thread, NULL, run, t);
    if (rc == 0)
        return t;
    err_errno(e, rc, "tail thread");
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->lock);
    free(t);
    return NULL;
}

void tail_close(struct tail *t)
{
    pthread_mutex_lock(&t->lock);
    t->closed = true;
    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);
}

void tail_destroy(struct tail *t)
{
    if (!t)
        return;
    pthread_mutex_lock(&t->lock);
    t->stop = true;
    pthread_cond_signal(&t->work);
    pthread_mutex_unlock(&t->lock);
    pthread_join(t->thread, NULL);
    pthread_cond_destroy(&t->work);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* ---- followers, on the HTTP thread ---- */

/* Nothing is there now: the end, or wait. */
static ssize_t wait_for_more(struct follower *f, bool complete)
{
    struct tail *t = f->tail;
    ssize_t rc = REPLY_WAIT;

    if (!f->follow)
        return REPLY_FAILED; /* promised in Content-Length, and not there any more */
    if (complete)
        return REPLY_END;
    pthread_mutex_lock(&t->lock);
    if (t->closed || f->gone) {
        rc = REPLY_FAILED; /* not the end of the log, and the client shall know */
    } else {
        f->parked = true;
        reply_park(f->request);
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

static ssize_t follower_read(void *ctx, uint64_t offset, char *out, size_t n)
{
    struct follower *f = ctx;
    bool complete;
    ssize_t got;

    (void)offset;
    if (f->left == 0)
        return REPLY_END;
    if (f->left > 0 && (uint64_t)f->left < n)
        n = (size_t)f->left;
    /* Asked before reading: what was written before the end was said is then seen. */
    complete = f->follow && f->src.complete(f->src.ctx);
    do {
        got = f->src.pread(f->src.ctx, out, n, f->at);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return REPLY_FAILED;
    if (got == 0)
        return wait_for_more(f, complete);
    f->at += (uint64_t)got;
    if (f->left > 0)
        f->left -= got;
    return got;
}

static void close_source(const struct tail_source *src)
{
    if (src->close)
        src->close(src->ctx);
}

static void follower_close(void *ctx)
{
    struct follower *f = ctx;
    struct tail *t = f->tail;

    if (t) {
        pthread_mutex_lock(&t->lock);
        if (f->newer)
            f->newer->older = f->older;
        else
            t->followers = f->older;
        if (f->older)
            f->older->newer = f->newer;
        t->count--;
        pthread_mutex_unlock(&t->lock);
    }
    close_source(&f->src);
    free(f);
}

/* Enters a follower in the list, if the quotas allow. */
static int admit(struct tail *t, struct follower *f, struct err *e)
{
    unsigned mine = 0;
    int rc = 0;

    pthread_mutex_lock(&t->lock);
    for (const struct follower *o = t->followers; o; o = o->older)
        mine += !strcmp(o->user, f->user);
    if (t->closed)
        rc = err_set(e, ERR_BUSY, "The server is shutting down.");
    else if (mine >= t->per_user)
        rc = err_set(e, ERR_TOO_MANY, "You follow %u logs, which is the most one user may.", mine);
    else if (t->count >= t->max)
        rc = err_set(e, ERR_TOO_MANY, "Too many logs are being followed.");
    if (rc == 0) {
        f->tail = t;
        f->older = t->followers;
        if (t->followers)
            t->followers->newer = f;
        t->followers = f;
        t->count++;
        pthread_cond_signal(&t->work);
    }
    pthread_mutex_unlock(&t->lock);
    return rc;
}

static void add_headers(struct request *r, int64_t size, uint64_t offset, bool complete)
{
    char text[32];

    snprintf(text, sizeof(text), "%lld", (long long)size);
    reply_header(r, "X-Drover-Log-Size", text);
    snprintf(text, sizeof(text), "%llu", (unsigned long long)offset);
    reply_header(r, "X-Drover-Log-Offset", text);
    reply_header(r, "X-Drover-Log-Complete", complete ? "true" : "false");
}

/* Bytes of a reply that does not follow. */
static int64_t fixed_size(int64_t size, const struct tail_range *range)
{
    int64_t there = (uint64_t)size > range->offset ? size - (int64_t)range->offset : 0;

    return range->limit >= 0 && range->limit < there ? range->limit : there;
}

int tail_reply(struct tail *t, struct request *r, const struct tail_source *src, const struct tail_range *range,
               struct err *e)
{
    bool complete = src->complete(src->ctx); /* before the size: see follower_read */
    int64_t size = src->size(src->ctx);
    struct follower *f = size < 0 ? NULL : calloc(1, sizeof(*f));
    struct reply_source stream = {.ctx = f, .read = follower_read, .close = follower_close};

    if (!f) {
        close_source(src);
        return err_set(e, size < 0 ? ERR_NO_TASK_LOG : ERR_BUSY, "The log cannot be read now.");
    }
    f->request = r;
    f->src = *src;
    f->at = range->offset;
    f->follow = range->follow;
    f->left = range->follow ? range->limit : fixed_size(size, range);
    memcpy(f->user, request_identity(r)->user, sizeof(f->user));
    if (f->follow && admit(t, f, e)) {
        close_source(src);
        free(f);
        return -1;
    }
    add_headers(r, size, range->offset, complete);
    reply_stream(r, 200, range->type ? range->type : TEXT, f->follow ? -1 : f->left, &stream);
    return 0;
}

/* ---- a file as a source ---- */

static int64_t file_size(void *ctx)
{
    const struct tail_file *f = ctx;
    struct stat st;

    return fstat(f->fd, &st) ? -1 : (int64_t)st.st_size;
}

static ssize_t file_pread(void *ctx, void *out, size_t n, uint64_t at)
{
    const struct tail_file *f = ctx;

    return at > INT64_MAX ? 0 : pread(f->fd, out, n, (off_t)at);
}

static bool file_complete(void *ctx)
{
    const struct tail_file *f = ctx;

    return !f->complete || f->complete(f->ctx);
}

static void file_close(void *ctx)
{
    struct tail_file *f = ctx;

    close(f->fd);
    if (f->done)
        f->done(f->ctx);
    free(f);
}

int tail_open_file(const struct tail_file *f, struct tail_source *out, struct err *e)
{
    struct tail_file *copy = NULL;
    struct stat st;

    if (fstat(f->fd, &st) || !S_ISREG(st.st_mode))
        err_set(e, ERR_NO_TASK_LOG, "The log is no regular file.");
    else if (!(copy = malloc(sizeof(*copy))))
        err_set(e, ERR_BUSY, "The server is out of memory.");
    if (!copy) {
        close(f->fd);
        if (f->done)
            f->done(f->ctx);
        return -1;
    }
    *copy = *f;
    *out = (struct tail_source){copy, file_size, file_pread, file_complete, file_close};
    return 0;
}
