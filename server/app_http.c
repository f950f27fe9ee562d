/* SPDX-License-Identifier: MIT
 *
 * One request to an app, by libcurl on a thread of its own, which waits where the browser does not read:
 *
 *   handler: suspend ─► thread: connect, send, head ─► reply, resume ─► ring ◄─read─ HTTP thread (parked when empty)
 *
 * The request's body has come whole before (a file without a name, bounded by the route). Each call has a connection of
 * its own: nothing of one login is ever seen by another. Whoever of the two sides ends last frees the call.
 */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <fcntl.h>

#include "base/buf.h"
#include "base/clock.h"
#include "server/app_impl.h"
#include "server/http/reply.h"
#include "server/http/request.h"

enum {
    RING = 128 << 10,
    HEAD_MAX = 12 << 10, /* of a reply: it must fit a connection's memory */
    CONNECT_MS = 10 * 1000,
    HEAD_MS = 120 * 1000,    /* to the reply's head */
    SILENCE_MS = 600 * 1000, /* of the app within a reply: events may be rare */
    STALL_MS = 60 * 1000,    /* of a browser that reads nothing */
    WAIT_MS = 250
};

struct app_http {
    struct app_call call;
    CURL *curl;
    struct curl_slist *headers;
    bool bad; /* out of memory */
    int body; /* descriptor, or -1 */
    off_t body_at;
    struct buf head; /* lines of the reply, each with its LF */
    int status;
    int64_t began, moved;
    enum err_code why;
    pthread_mutex_t lock;
    pthread_cond_t room;
    struct request *r; /* NULL when it has ended, or does not need us any more */
    bool replied, parked, ended, failed;
    int refs;
    size_t at, len;
    char ring[RING];
};

static void release(struct app_http *x)
{
    pthread_mutex_lock(&x->lock);
    int left = --x->refs;

    pthread_mutex_unlock(&x->lock);
    if (left)
        return;
    curl_easy_cleanup(x->curl);
    curl_slist_free_all(x->headers);
    buf_fini(&x->head);
    if (x->body >= 0)
        close(x->body);
    pthread_cond_destroy(&x->room);
    pthread_mutex_destroy(&x->lock);
    free(x);
}

/* ---- the browser's side, on the HTTP thread ---- */

static ssize_t source_read(void *ctx, uint64_t offset, char *out, size_t n)
{
    struct app_http *x = ctx;
    ssize_t got = REPLY_WAIT;

    (void)offset;
    pthread_mutex_lock(&x->lock);
    if (x->len) {
        size_t first = x->len < RING - x->at ? x->len : RING - x->at;

        if (first > n)
            first = n;
        memcpy(out, x->ring + x->at, first);
        x->at = (x->at + first) % RING;
        x->len -= first;
        got = (ssize_t)first;
        x->moved = clock_read().mono;
        pthread_cond_signal(&x->room);
    } else if (x->failed) {
        got = REPLY_FAILED;
    } else if (x->ended) {
        got = REPLY_END;
    } else {
        x->parked = true;
        reply_park(x->r);
    }
    pthread_mutex_unlock(&x->lock);
    return got;
}

static void source_close(void *ctx)
{
    struct app_http *x = ctx;

    pthread_mutex_lock(&x->lock);
    x->r = NULL;
    pthread_cond_signal(&x->room);
    pthread_mutex_unlock(&x->lock);
    release(x);
}

/* Under the lock. */
static void wake(struct app_http *x)
{
    if (x->parked && x->r)
        reply_wake(x->r);
    x->parked = false;
}

/* ---- the head ---- */

/* A line of the head as name and value, in place. False: it is none. */
static bool cut_line(char *line, char **value)
{
    char *colon = strchr(line, ':');
    size_t n = strlen(line);

    if (!colon || colon == line || (size_t)(colon - line) != strcspn(line, " \t:"))
        return false;
    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t' || line[n - 1] == '\r'))
        line[--n] = '\0';
    *colon = '\0';
    *value = colon + 1 + strspn(colon + 1, " \t");
    return true;
}

static void give_header(const struct app_http *x, const char *name, const char *value, const char *connection)
{
    const struct app_place place = app_call_place(&x->call);
    struct buf out;

    buf_init(&out, HEAD_MAX);
    if (!strcasecmp(name, "Set-Cookie")) {
        if (app_headers_set_cookie(value, &place, &out) && !out.bad)
            reply_header_copy(x->r, name, buf_str(&out));
    } else if (!strcasecmp(name, "Location")) {
        app_headers_location(value, &place, &out);
        if (!out.bad)
            reply_header_copy(x->r, name, buf_str(&out));
    } else if (app_headers_reply(name, connection)) {
        reply_header_copy(x->r, name, value);
    }
    buf_fini(&out);
}

/* Every line of the collected head; `connection` NULL: only looks for that one, which is then returned. */
static const char *each_line(struct app_http *x, char *text, const char *connection)
{
    for (char *line = text, *next; *line; line = next) {
        char *end = strchr(line, '\n'), *value;

        next = end ? end + 1 : line + strlen(line);
        if (end)
            *end = '\0';
        if (!cut_line(line, &value))
            continue;
        if (connection)
            give_header(x, line, value, connection);
        else if (!strcasecmp(line, "Connection"))
            return value;
    }
    return "";
}

/* The request is the HTTP thread's again when this returns. */
static void send_head(struct app_http *x)
{
    const struct reply_source source = {.ctx = x, .read = source_read, .close = source_close, .watched = true};
    char *copy = strdup(buf_str(&x->head)), *lines = strdup(buf_str(&x->head));
    struct request *r = x->r;
    curl_off_t size = -1;

    x->replied = true;
    app_call_guard(&x->call, r);
    if (copy && lines)
        each_line(x, lines, each_line(x, copy, NULL));
    curl_easy_getinfo(x->curl, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &size);
    if (x->status == 204 || x->status == 304) {
        x->r = NULL;
        reply_empty(r, x->status);
    } else {
        x->refs++;
        reply_stream(r, x->status, NULL, size, &source);
    }
    free(copy);
    free(lines);
    request_resume(r);
}

/* The end of a head, of a provisional one too. False: it is none that can be passed on. */
static bool end_head(struct app_http *x)
{
    long status = 0;

    curl_easy_getinfo(x->curl, CURLINFO_RESPONSE_CODE, &status);
    if (status < 100 || status > 599 || status == 101)
        return false;
    x->status = (int)status;
    x->moved = clock_read().mono;
    if (status >= 200)
        send_head(x);
    return true;
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
    struct app_http *x = ctx;

    n *= size;
    if (x->replied)
        return n; /* behind the body: not passed on */
    if (n > 5 && !memcmp(line, "HTTP/", 5)) {
        buf_reset(&x->head);
        return n;
    }
    if (n > 2 || (n && line[0] != '\r' && line[0] != '\n')) {
        bool bad = memchr(line, '\0', n) || x->head.len + n > HEAD_MAX;

        return bad || buf_add(&x->head, line, n) ? 0 : n;
    }
    return end_head(x) ? n : 0;
}

/* ---- the body, on the call's thread ---- */

/* Waits for room; the lock is held, and given up meanwhile. False: the browser is gone, or may not go on. */
static bool wait_for_room(struct app_http *x)
{
    while (x->len == RING && x->r) {
        struct timespec until;

        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += WAIT_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&x->room, &x->lock, &until);
        if (x->len < RING)
            break;
        pthread_mutex_unlock(&x->lock);
        bool holds = app_call_holds(&x->call);

        pthread_mutex_lock(&x->lock);
        if (!holds || clock_read().mono - x->moved > STALL_MS)
            return false;
    }
    return x->r != NULL;
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct app_http *x = ctx;
    size_t done = 0;

    n *= size;
    if (!x->replied)
        return 0;
    pthread_mutex_lock(&x->lock);
    while (done < n && wait_for_room(x)) {
        size_t to = (x->at + x->len) % RING, part = to < x->at ? x->at - to : RING - to;

        if (part > RING - x->len)
            part = RING - x->len;
        if (part > n - done)
            part = n - done;
        memcpy(x->ring + to, data + done, part);
        x->len += part;
        done += part;
        wake(x);
    }
    x->moved = clock_read().mono;
    pthread_mutex_unlock(&x->lock);
    return done;
}

static size_t on_upload(char *out, size_t size, size_t n, void *ctx)
{
    struct app_http *x = ctx;
    ssize_t got = x->body < 0 ? 0 : pread(x->body, out, size * n, x->body_at);

    if (got < 0)
        return CURL_READFUNC_ABORT;
    x->body_at += got;
    pthread_mutex_lock(&x->lock);
    x->moved = clock_read().mono;
    pthread_mutex_unlock(&x->lock);
    return (size_t)got;
}

/* Asked at least every second. */
static int on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
    struct app_http *x = ctx;
    const int64_t now = clock_read().mono;
    bool gone, silent;

    (void)down_all;
    (void)down;
    (void)up_all;
    (void)up;
    pthread_mutex_lock(&x->lock);
    gone = x->r ? reply_peer_gone(x->r) : x->status != 204 && x->status != 304;
    silent = now - x->moved > (x->replied ? SILENCE_MS : HEAD_MS);
    pthread_mutex_unlock(&x->lock);
    if (gone)
        return 1;
    if (!app_call_holds(&x->call)) {
        x->why = ERR_NO_APP;
        return 1;
    }
    return silent;
}

static void run(struct app_call *c)
{
    struct app_http *x = (struct app_http *)c;
    struct err e = {0};
    CURLcode rc = curl_easy_perform(x->curl);
    struct request *r = NULL;

    pthread_mutex_lock(&x->lock);
    x->ended = true;
    x->failed = rc != CURLE_OK;
    if (x->replied)
        wake(x);
    else
        r = x->r;
    pthread_mutex_unlock(&x->lock);
    if (r) {
        if (x->why)
            err_set(&e, x->why, "The job has ended, or you may not see its app any more.");
        else
            err_set(&e, ERR_BAD_GATEWAY, "The app does not answer as it should: %s.",
                    rc == CURLE_OK ? "it sent no head" : curl_easy_strerror(rc));
        reply_error(r, &e);
        request_resume(r);
    }
    app_call_end(c);
    release(x);
}

/* ---- making ---- */

static void add_header(void *ctx, const char *name, const char *value)
{
    struct app_http *x = ctx;
    struct buf line;
    struct curl_slist *more;

    buf_init(&line, 0);
    if (*value)
        buf_addf(&line, "%s: %s", name, value);
    else
        buf_addf(&line, "%s;", name); /* libcurl's way to send an empty one */
    more = line.bad ? NULL : curl_slist_append(x->headers, buf_str(&line));
    x->bad |= !more;
    if (more)
        x->headers = more;
    buf_fini(&line);
}

struct passing {
    struct app_http *x;
    const char *connection;
    bool accept, agent;
};

static void pass_header(void *ctx, const char *name, const char *value)
{
    struct passing *p = ctx;

    p->accept |= !strcasecmp(name, "Accept");
    p->agent |= !strcasecmp(name, "User-Agent");
    p->x->bad |= app_headers_pass(name, value, p->connection, add_header, p->x) != 0;
}

/* A header that libcurl would add by itself. */
static void leave_out(struct app_http *x, const char *name)
{
    struct curl_slist *more = curl_slist_append(x->headers, name);

    x->bad |= !more;
    if (more)
        x->headers = more;
}

static void set_method(const struct app_http *x, const struct request *r)
{
    const char *name = request_method_name(r);
    struct stat st = {0};

    if (!strcmp(name, "HEAD")) {
        curl_easy_setopt(x->curl, CURLOPT_NOBODY, 1L);
        return;
    }
    if (x->body >= 0 || !strcmp(name, "POST") || !strcmp(name, "PUT") || !strcmp(name, "PATCH")) {
        if (x->body >= 0)
            (void)fstat(x->body, &st);
        curl_easy_setopt(x->curl, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(x->curl, CURLOPT_READFUNCTION, on_upload);
        curl_easy_setopt(x->curl, CURLOPT_READDATA, x);
        curl_easy_setopt(x->curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)st.st_size);
    }
    curl_easy_setopt(x->curl, CURLOPT_CUSTOMREQUEST, name);
}

static void set_options(struct app_http *x, const struct apps_order *o)
{
    char url[64];
    CURL *c = x->curl;

    snprintf(url, sizeof(url), "http://127.0.0.1:%d/", o->grant->port);
    curl_easy_setopt(c, CURLOPT_URL, url);
    curl_easy_setopt(c, CURLOPT_REQUEST_TARGET, o->target);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http");
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_HTTP_CONTENT_DECODING, 0L);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, x->headers);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, x);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, on_progress);
    curl_easy_setopt(c, CURLOPT_XFERINFODATA, x);
}

static struct app_http *make(struct apps *s, struct request *r, const struct apps_order *o)
{
    struct app_http *x = calloc(1, sizeof(*x));
    struct passing p = {.x = x, .connection = request_header(r, "Connection")};
    pthread_condattr_t attr;

    if (!x)
        return NULL;
    app_call_init(&x->call, s, o);
    x->call.run = run;
    x->r = r;
    x->refs = 1;
    x->body = -1;
    x->began = x->moved = clock_read().mono;
    buf_init(&x->head, HEAD_MAX + 1);
    pthread_mutex_init(&x->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&x->room, &attr);
    pthread_condattr_destroy(&attr);
    x->curl = curl_easy_init();
    if (request_spool(r) >= 0) {
        x->body = fcntl(request_spool(r), F_DUPFD_CLOEXEC, 0);
        x->bad |= x->body < 0;
    }
    request_headers_each(r, pass_header, &p);
    app_call_forwarded(s, r, o, add_header, x);
    if (!p.accept)
        leave_out(x, "Accept:");
    if (!p.agent)
        leave_out(x, "User-Agent:");
    leave_out(x, "Expect:");
    if (x->curl && !x->bad) {
        set_method(x, r);
        set_options(x, o);
        return x;
    }
    release(x);
    return NULL;
}

int app_http_begin(struct apps *s, struct request *r, const struct apps_order *o, struct err *e)
{
    struct app_http *x = make(s, r, o);

    if (!x)
        return err_set(e, ERR_INTERNAL, "out of memory");
    request_suspend(r);
    if (!app_call_start(&x->call, e))
        return 0;
    release(x);
    reply_error(r, e);
    request_resume(r);
    return 0;
}
