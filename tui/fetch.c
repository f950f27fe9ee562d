/* SPDX-License-Identifier: MIT
 *
 * Two lists under one lock: questions not yet begun, results not yet taken. The worker owns every curl handle; the UI
 * thread only touches the lists and the cancel marks. Results wake the UI through an eventfd, questions wake the worker
 * through curl_multi_wakeup.
 *
 * A stream whose results pile up (the UI is busy) is paused by curl until they are taken.
 */
#include "tui/fetch.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "tui/transfer.h"

#define FETCH_PENDING_MAX (1u << 20) /* bytes of stream results that wait; more pauses the streams */

struct fetch_job {
    struct fetch *owner;
    struct fetch_job *next;
    uint64_t id;
    bool stream;
    bool cancelled; /* under the lock */
    bool begun;     /* its handle is in the multi */
    bool paused;
    char *method;
    char *path;
    char *body;
    const char *type; /* static */
    struct transfer transfer;
};

struct fetch_item {
    struct fetch_item *next;
    struct source_result result;
};

struct fetch {
    struct source source;
    struct endpoint to;
    char *url;
    char *token;
    CURLM *multi;
    int wake;
    pthread_t thread;
    pthread_mutex_t lock;
    /* under the lock */
    struct fetch_job *jobs; /* all, begun or not; freed by the worker only */
    struct fetch_item *first;
    struct fetch_item **last;
    size_t pending; /* bytes in results */
    uint64_t next_id;
    bool stop;
};

static void fetch_wake_ui(struct fetch *f)
{
    uint64_t one = 1;

    (void)!write(f->wake, &one, sizeof one);
}

/* Queues a result; takes over its data. Under the lock. */
static void fetch_push(struct fetch *f, const struct source_result *r)
{
    struct fetch_item *item = malloc(sizeof *item);

    if (!item) {
        free(r->data);
        return;
    }
    *item = (struct fetch_item){.result = *r};
    *f->last = item;
    f->last = &item->next;
    f->pending += r->len;
    fetch_wake_ui(f);
}

static char *fetch_copy(const char *bytes, size_t len)
{
    char *copy = malloc(len + 1);

    if (copy) {
        memcpy(copy, bytes, len);
        copy[len] = '\0';
    }
    return copy;
}

/* Bytes of a stream. Worker thread. */
static size_t fetch_sink(void *ctx, const char *bytes, size_t len)
{
    struct fetch_job *j = ctx;
    struct fetch *f = j->owner;
    struct source_result r = {.id = j->id, .len = len, .log_size = j->transfer.log_size};
    size_t took = len;

    pthread_mutex_lock(&f->lock);
    if (j->cancelled) {
        took = 0;
    } else if (f->pending > FETCH_PENDING_MAX) {
        j->paused = true;
        took = CURL_WRITEFUNC_PAUSE;
    } else {
        r.data = fetch_copy(bytes, len);
        if (r.data)
            fetch_push(f, &r);
        else
            took = 0;
    }
    pthread_mutex_unlock(&f->lock);
    return took;
}

static void fetch_free(struct fetch_job *j)
{
    free(j->method);
    free(j->path);
    if (j->body)
        explicit_bzero(j->body, strlen(j->body)); /* passwords of a form or a file */
    free(j->body);
    free(j);
}

/* Ends a job with a result (unless it was cancelled) and frees it. Worker thread, without the lock. */
static void fetch_finish(struct fetch *f, struct fetch_job *j, const struct source_result *r)
{
    struct fetch_job **link;

    pthread_mutex_lock(&f->lock);
    for (link = &f->jobs; *link && *link != j; link = &(*link)->next)
        ;
    if (*link)
        *link = j->next;
    if (j->cancelled)
        free(r->data);
    else
        fetch_push(f, r);
    pthread_mutex_unlock(&f->lock);
    fetch_free(j);
}

static void fetch_begin(struct fetch *f, struct fetch_job *j)
{
    struct transfer_request request = {.method = j->method,
                                       .path = j->path,
                                       .type = j->body ? j->type : NULL,
                                       .body = j->body,
                                       .body_len = j->body ? strlen(j->body) : 0,
                                       .sink = j->stream ? fetch_sink : NULL,
                                       .ctx = j};
    struct source_result r = {.id = j->id, .last = true, .failed = true, .log_size = -1};

    j->begun = true;
    if (transfer_init(&j->transfer, &f->to, &request, &r.err)) {
        fetch_finish(f, j, &r);
        return;
    }
    curl_easy_setopt(j->transfer.easy, CURLOPT_PRIVATE, j);
    if (curl_multi_add_handle(f->multi, j->transfer.easy)) {
        transfer_fini(&j->transfer);
        (void)err_set(&r.err, ERR_INTERNAL, "Out of memory.");
        fetch_finish(f, j, &r);
    }
}

static void fetch_done(struct fetch *f, struct fetch_job *j, CURLcode code)
{
    struct transfer *t = &j->transfer;
    struct source_result r = {.id = j->id, .last = true, .log_size = t->log_size};

    r.failed = transfer_result(t, code, &r.err) != 0;
    if (!r.failed && !j->stream) {
        r.data = fetch_copy(buf_str(&t->body), t->body.len);
        r.len = r.data ? t->body.len : 0;
    }
    curl_multi_remove_handle(f->multi, t->easy);
    transfer_fini(t);
    fetch_finish(f, j, &r);
}

/* The next job that needs the worker's hand: to begin, or to drop. Under the lock. */
static struct fetch_job *fetch_next(struct fetch *f)
{
    for (struct fetch_job *j = f->jobs; j; j = j->next) {
        if (!j->begun || j->cancelled || f->stop)
            return j;
    }
    return NULL;
}

static void fetch_drop(struct fetch *f, struct fetch_job *j)
{
    struct source_result none = {.id = 0};

    pthread_mutex_lock(&f->lock);
    j->cancelled = true;
    pthread_mutex_unlock(&f->lock);
    if (j->begun) {
        curl_multi_remove_handle(f->multi, j->transfer.easy);
        transfer_fini(&j->transfer);
    }
    fetch_finish(f, j, &none);
}

/* Begins and drops what the UI asked for, and lets paused streams go on. Returns false when it is time to end. */
static bool fetch_intake(struct fetch *f)
{
    for (;;) {
        struct fetch_job *j;
        bool drop;
        bool stop;

        pthread_mutex_lock(&f->lock);
        j = fetch_next(f);
        stop = f->stop;
        drop = j && (j->cancelled || stop);
        pthread_mutex_unlock(&f->lock);
        if (!j)
            return !stop;
        if (drop)
            fetch_drop(f, j);
        else
            fetch_begin(f, j);
    }
}

static void fetch_unpause(struct fetch *f)
{
    struct fetch_job *j;
    bool room;

    pthread_mutex_lock(&f->lock);
    room = f->pending <= FETCH_PENDING_MAX / 2;
    j = f->jobs;
    pthread_mutex_unlock(&f->lock);
    /* Only this thread takes jobs out of the list, so that walking it needs no lock; new ones come at its head. */
    for (; room && j; j = j->next) {
        if (j->begun && j->paused) {
            j->paused = false;
            curl_easy_pause(j->transfer.easy, CURLPAUSE_CONT);
        }
    }
}

static void *fetch_work(void *ctx)
{
    struct fetch *f = ctx;

    while (fetch_intake(f)) {
        struct CURLMsg *message;
        int running = 0;
        int left = 0;

        curl_multi_perform(f->multi, &running);
        while ((message = curl_multi_info_read(f->multi, &left))) {
            struct fetch_job *j = NULL;
            CURLcode code = message->data.result;

            if (message->msg != CURLMSG_DONE)
                continue;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &j);
            fetch_done(f, j, code);
        }
        fetch_unpause(f);
        curl_multi_poll(f->multi, NULL, 0, 500, NULL);
    }
    return NULL;
}

static char *fetch_dup(const char *s)
{
    return s ? strdup(s) : NULL;
}

static uint64_t fetch_ask(struct source *s, const struct source_request *r)
{
    struct fetch *f = (struct fetch *)s;
    struct fetch_job *j = calloc(1, sizeof *j);
    uint64_t id;

    if (!j)
        return 0;
    *j = (struct fetch_job){.owner = f,
                            .stream = r->stream,
                            .method = fetch_dup(r->method),
                            .path = fetch_dup(r->path),
                            .body = fetch_dup(r->body),
                            .type = r->type ? r->type : "application/json"};
    if (!j->method || !j->path || (r->body && !j->body)) {
        fetch_free(j);
        return 0;
    }
    pthread_mutex_lock(&f->lock);
    id = j->id = ++f->next_id;
    j->next = f->jobs;
    f->jobs = j;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    return id;
}

static void fetch_cancel(struct source *s, uint64_t id)
{
    struct fetch *f = (struct fetch *)s;
    struct fetch_item **link;

    pthread_mutex_lock(&f->lock);
    for (struct fetch_job *j = f->jobs; j; j = j->next) {
        if (j->id == id)
            j->cancelled = true;
    }
    for (link = &f->first; *link;) {
        struct fetch_item *item = *link;

        if (item->result.id != id) {
            link = &item->next;
            continue;
        }
        *link = item->next;
        f->pending -= item->result.len;
        free(item->result.data);
        free(item);
    }
    f->last = link;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
}

static bool fetch_take(struct source *s, struct source_result *out)
{
    struct fetch *f = (struct fetch *)s;
    struct fetch_item *item;
    uint64_t count;
    bool resume = false;

    pthread_mutex_lock(&f->lock);
    item = f->first;
    if (item) {
        bool full = f->pending > FETCH_PENDING_MAX / 2;

        f->first = item->next;
        if (!f->first)
            f->last = &f->first;
        f->pending -= item->result.len;
        resume = full && f->pending <= FETCH_PENDING_MAX / 2;
    } else {
        (void)!read(f->wake, &count, sizeof count);
    }
    pthread_mutex_unlock(&f->lock);
    if (resume)
        curl_multi_wakeup(f->multi);
    if (!item)
        return false;
    *out = item->result;
    free(item);
    return true;
}

static int fetch_fd(const struct source *s)
{
    return ((const struct fetch *)s)->wake;
}

static void fetch_release(struct fetch *f)
{
    struct fetch_item *item = f->first;

    while (item) {
        struct fetch_item *next = item->next;

        free(item->result.data);
        free(item);
        item = next;
    }
    if (f->multi)
        curl_multi_cleanup(f->multi);
    if (f->wake >= 0)
        close(f->wake);
    pthread_mutex_destroy(&f->lock);
    free(f->url);
    free(f->token);
    free(f);
}

static void fetch_destroy(struct source *s)
{
    struct fetch *f = (struct fetch *)s;

    pthread_mutex_lock(&f->lock);
    f->stop = true;
    pthread_mutex_unlock(&f->lock);
    curl_multi_wakeup(f->multi);
    pthread_join(f->thread, NULL);
    fetch_release(f);
}

static const struct source_ops fetch_ops = {
    .ask = fetch_ask, .cancel = fetch_cancel, .take = fetch_take, .fd = fetch_fd, .destroy = fetch_destroy};

struct source *fetch_create(const struct endpoint *to, struct err *e)
{
    struct fetch *f = calloc(1, sizeof *f);

    if (!f) {
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    f->source.ops = &fetch_ops;
    f->last = &f->first;
    f->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    f->multi = curl_multi_init();
    f->url = fetch_dup(to->url);
    f->token = fetch_dup(to->token);
    f->to = (struct endpoint){f->url, f->token, to->timeout_ms};
    pthread_mutex_init(&f->lock, NULL);
    if (f->wake < 0 || !f->multi || !f->url || (to->token && !f->token) ||
        pthread_create(&f->thread, NULL, fetch_work, f)) {
        fetch_release(f);
        (void)err_set(e, ERR_INTERNAL, "The worker thread cannot be started.");
        return NULL;
    }
    return &f->source;
}
