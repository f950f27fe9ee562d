/* SPDX-License-Identifier: MIT
 *
 * One slot for a question and its answer:
 *
 *   IDLE ──ask──► ASKED ──(the thread calls the source)──► ANSWERED ──who asked takes it──► IDLE
 *                   └──────── who asked has gone ────────────────────────────────────────────┘
 *
 * The last of the two who leaves (owner, thread) frees what they share.
 */
#include "metrics/source_thread.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "metrics/source.h"

enum slot { SLOT_IDLE, SLOT_ASKED, SLOT_ANSWERED };

struct source_thread {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    struct source *source; /* the thread's alone */
    enum slot slot;
    bool quit, gone; /* the owner wants it to end; it has ended */
    bool left;       /* the owner waits no longer: the thread frees */
    bool finding;    /* the question */
    bool waited;     /* who asked still waits */
    int count;
    int rc; /* the answer, with what was asked for */
    struct err error;
    struct gpu gpus[NODE_GPU_MAX];
    struct source_reading readings[NODE_GPU_MAX];
};

static void free_all(struct source_thread *t)
{
    pthread_cond_destroy(&t->changed);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

/* ---- the source's thread ---- */

static void answer(struct source_thread *t)
{
    t->error = (struct err){0};
    t->rc = t->finding ? t->source->ops->find(t->source, t->gpus, &t->error)
                       : t->source->ops->read(t->source, t->readings, t->count, &t->error);
}

static void *thread_main(void *arg)
{
    struct source_thread *t = arg;
    bool left;

    (void)pthread_setname_np(pthread_self(), "gpu-source");
    pthread_mutex_lock(&t->lock);
    while (!t->quit) {
        if (t->slot != SLOT_ASKED) {
            pthread_cond_wait(&t->changed, &t->lock);
            continue;
        }
        pthread_mutex_unlock(&t->lock);
        answer(t);
        pthread_mutex_lock(&t->lock);
        t->slot = t->waited ? SLOT_ANSWERED : SLOT_IDLE;
        pthread_cond_broadcast(&t->changed);
    }
    pthread_mutex_unlock(&t->lock);
    t->source->ops->destroy(t->source);
    pthread_mutex_lock(&t->lock);
    t->gone = true;
    left = t->left;
    pthread_cond_broadcast(&t->changed);
    pthread_mutex_unlock(&t->lock);
    if (left)
        free_all(t);
    return NULL;
}

/* ---- who asks ---- */

static struct timespec deadline_in(int64_t ms)
{
    struct timespec at;

    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(ms / 1000);
    at.tv_nsec += (long)(ms % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* Waits, under the lock, until the slot is in that state. Whether it is, at the deadline. */
static bool reaches(struct source_thread *t, enum slot slot, const struct timespec *deadline)
{
    while (t->slot != slot)
        if (pthread_cond_timedwait(&t->changed, &t->lock, deadline) == ETIMEDOUT)
            return t->slot == slot;
    return true;
}

/* Asks and waits; with an answer the lock is held by the caller. */
static bool ask(struct source_thread *t, bool finding, int count, int64_t limit_ms)
{
    const struct timespec deadline = deadline_in(limit_ms);

    pthread_mutex_lock(&t->lock);
    if (reaches(t, SLOT_IDLE, &deadline)) { /* else an earlier question hangs */
        t->finding = finding;
        t->count = count;
        t->waited = true;
        t->slot = SLOT_ASKED;
        pthread_cond_broadcast(&t->changed);
        if (reaches(t, SLOT_ANSWERED, &deadline)) {
            t->slot = SLOT_IDLE;
            return true;
        }
    }
    t->waited = false;
    pthread_mutex_unlock(&t->lock);
    return false;
}

static int give(struct source_thread *t, struct err *e)
{
    int rc = t->rc;

    if (rc < 0 && e)
        *e = t->error;
    pthread_mutex_unlock(&t->lock);
    return rc;
}

int source_thread_find(struct source_thread *t, struct gpu gpus[NODE_GPU_MAX], int64_t limit_ms, struct err *e)
{
    if (!ask(t, true, 0, limit_ms))
        return err_set(e, ERR_BUSY, "The GPUs' driver does not answer: after %lld s it still hangs.",
                       (long long)(limit_ms / 1000));
    if (t->rc > 0)
        memcpy(gpus, t->gpus, (size_t)t->rc * sizeof *gpus);
    return give(t, e);
}

int source_thread_read(struct source_thread *t, struct source_reading *out, int count, int64_t limit_ms, struct err *e)
{
    if (!ask(t, false, count, limit_ms))
        return SOURCE_HANGS;
    if (t->rc == 0)
        memcpy(out, t->readings, (size_t)count * sizeof *out);
    return give(t, e);
}

/* ---- life ---- */

struct source_thread *source_thread_create(struct source *s, struct err *e)
{
    struct source_thread *t = s ? calloc(1, sizeof *t) : NULL;
    pthread_condattr_t attr;

    if (!t) {
        if (s) {
            s->ops->destroy(s);
            err_set(e, ERR_INTERNAL, "Out of memory.");
        }
        return NULL;
    }
    t->source = s;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&t->lock, NULL);
    pthread_cond_init(&t->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&t->thread, NULL, thread_main, t);
    if (!rc)
        return t;
    err_errno(e, rc, "no thread for the GPUs' driver");
    s->ops->destroy(s);
    free_all(t);
    return NULL;
}

void source_thread_destroy(struct source_thread *t, int64_t limit_ms)
{
    if (!t)
        return;
    const struct timespec deadline = deadline_in(limit_ms);
    pthread_t thread = t->thread;

    pthread_mutex_lock(&t->lock);
    t->quit = true;
    pthread_cond_broadcast(&t->changed);
    while (!t->gone)
        if (pthread_cond_timedwait(&t->changed, &t->lock, &deadline) == ETIMEDOUT)
            break;
    bool gone = t->gone;
    t->left = !gone;
    pthread_mutex_unlock(&t->lock);
    if (!gone) {
        pthread_detach(thread);
        return;
    }
    pthread_join(thread, NULL);
    free_all(t);
}
