/* SPDX-License-Identifier: MIT
 *
 * Slots, each with a handle of its own that keeps its connection; a queue before them; the breaker.
 */
#include "engines/slurm/rest.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "engines/slurm/token.h"

enum {
    SLOTS = 8,
    CONNECT_S = 10,
    TOTAL_S = 60,
    WAIT_FIRST_MS = 250,
    WAIT_MAX_MS = 30 * 1000,
    RETRY_AFTER_MAX_S = 600,
    HTTP_TOO_MANY = 429,
    HTTP_ERROR = 400
};

struct item {
    struct rest_call call; /* its strings are this item's */
    struct item *next;
};

struct slot {
    CURL *easy;
    struct curl_slist *headers;
    struct rest *rest;
    struct item *item; /* NULL: free */
    struct buf answer;
    size_t streamed;
    char why[CURL_ERROR_SIZE];
};

struct rest {
    char *url, *user, *probe;
    struct rest_config config;
    CURLM *multi;
    struct slot slots[SLOTS];
    struct item *first, **last;
    size_t load;
    int failures, probes; /* failed in a row, while closed and while open */
    bool probing;
    int64_t open_until; /* mono; 0 = closed */
    int64_t down_since; /* wall */
};

int rest_wait_ms(int n)
{
    int ms = WAIT_FIRST_MS;
    while (--n > 0 && ms < WAIT_MAX_MS)
        ms *= 2;
    return ms < WAIT_MAX_MS ? ms : WAIT_MAX_MS;
}

/* ---- the breaker ---- */

/* Between half and all of the wait, so that servers that lost the same cluster do not come back together. */
static void open_breaker(struct rest *r, int64_t at_least_ms)
{
    uint16_t dice;
    id_random(&dice, sizeof dice);
    const int64_t wait = rest_wait_ms(++r->probes);
    const int64_t jittered = wait / 2 + wait * dice / (2 * UINT16_MAX);
    r->open_until = clock_read().mono + (jittered > at_least_ms ? jittered : at_least_ms);
    if (!r->down_since)
        r->down_since = clock_read().wall;
}

/* While the breaker is open only its probe counts: what was under way when it opened says nothing new. */
static void failed(struct rest *r, bool probe, int64_t at_least_ms, const char *why)
{
    if (r->open_until && !probe)
        return;
    r->failures++;
    if (r->failures < REST_FAILURES && !probe && !at_least_ms)
        return;
    if (!r->down_since)
        log_warn("slurm_down", "slurmrestd does not answer: %s; known states are kept", why);
    open_breaker(r, at_least_ms);
}

static void answered(struct rest *r)
{
    if (r->down_since)
        log_info("slurm_up", "slurmrestd answers again");
    r->failures = r->probes = 0;
    r->open_until = r->down_since = 0;
}

/* ---- one request ---- */

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;
    const size_t len = size * n;
    long status = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!s->item->call.piece || status >= HTTP_ERROR)
        return buf_add(&s->answer, data, len) ? 0 : len;
    s->streamed += len;
    return s->streamed <= REST_STREAM_MAX && s->item->call.piece(s->item->call.ctx, data, len) ? len : 0;
}

static int add_header(struct slot *s, const char *name, const char *value)
{
    char line[TOKEN_MAX + 64];
    const int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *more =
        n > 0 && n < (int)sizeof line && !strpbrk(line, "\r\n") ? curl_slist_append(s->headers, line) : NULL;
    sodium_memzero(line, sizeof line);
    if (!more)
        return -1;
    s->headers = more;
    return 0;
}

static void forget_headers(struct slot *s)
{
    for (struct curl_slist *h = s->headers; h; h = h->next) /* one of them is a token */
        sodium_memzero(h->data, strlen(h->data));
    curl_slist_free_all(s->headers);
    s->headers = NULL;
}

static int prepare(struct slot *s, struct err *e)
{
    const struct rest_call *c = &s->item->call;
    const struct rest *r = s->rest;
    char url[2048], token[TOKEN_MAX + 1];
    if (r->config.token(r->config.ctx, token, e))
        return -1;
    int bad = add_header(s, "X-SLURM-USER-NAME", c->user ? c->user : r->user) ||
              add_header(s, "X-SLURM-USER-TOKEN", token) || add_header(s, "Content-Type", "application/json") ||
              add_header(s, "Accept", "application/json");
    sodium_memzero(token, sizeof token);
    const int n = snprintf(url, sizeof url, "%s%s", r->url, c->path);
    if (bad || n < 0 || n >= (int)sizeof url)
        return err_set(e, ERR_INTERNAL, "a request to Slurm cannot be made");
    CURL *h = s->easy;
    curl_easy_reset(h);
    curl_easy_setopt(h, CURLOPT_URL, url);
    curl_easy_setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(h, CURLOPT_PROXY, "");
    curl_easy_setopt(h, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(h, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(h, CURLOPT_TIMEOUT, (long)TOTAL_S);
    curl_easy_setopt(h, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(h, CURLOPT_USERAGENT, "droverd");
    curl_easy_setopt(h, CURLOPT_CUSTOMREQUEST, c->method);
    curl_easy_setopt(h, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(h, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(h, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(h, CURLOPT_ERRORBUFFER, s->why);
    curl_easy_setopt(h, CURLOPT_PRIVATE, s);
    if (c->body) {
        /* On a kept connection that ends without an answer libcurl would send it again by itself: twice submitted. */
        curl_easy_setopt(h, CURLOPT_FRESH_CONNECT, 1L);
        curl_easy_setopt(h, CURLOPT_POSTFIELDS, c->body);
        curl_easy_setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)strlen(c->body));
    }
    return 0;
}

static void free_item(struct item *i)
{
    if (!i)
        return;
    if (i->call.body) /* scripts hold secrets */
        sodium_memzero((char *)(uintptr_t)i->call.body, strlen(i->call.body));
    free((char *)(uintptr_t)i->call.method);
    free((char *)(uintptr_t)i->call.path);
    free((char *)(uintptr_t)i->call.body);
    free((char *)(uintptr_t)i->call.user);
    free(i);
}

static void finish(struct rest *r, struct item *i, const struct rest_answer *a)
{
    if (i->call.done)
        i->call.done(i->call.ctx, a);
    else
        r->probing = false;
    r->load--;
    free_item(i);
}

/* Where a token cannot be had nothing is sent; that is as if the cluster did not answer. */
static void start(struct rest *r, struct slot *s, struct item *i)
{
    struct err e = {0};
    s->item = i;
    s->streamed = 0;
    s->why[0] = '\0';
    buf_reset(&s->answer);
    if (!prepare(s, &e) && !curl_multi_add_handle(r->multi, s->easy))
        return;
    struct rest_answer a = {.down = true, .text = ""};
    snprintf(a.why, sizeof a.why, "%.150s", e.text);
    s->item = NULL;
    forget_headers(s);
    failed(r, !i->call.done, WAIT_FIRST_MS, a.why);
    finish(r, i, &a);
}

static void judge(struct rest *r, struct slot *s, CURLcode rc)
{
    struct rest_answer a = {.text = buf_str(&s->answer), .len = s->answer.len};
    long status = 0;
    curl_off_t after_s = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after_s);
    a.status = rc ? 0 : (int)status;
    a.down = rc || status == HTTP_TOO_MANY || (status >= HTTP_ERROR && r->config.down((int)status, a.text, a.len));
    if (rc)
        snprintf(a.why, sizeof a.why, "%.150s",
                 s->answer.bad ? "its answer is too long"
                 : s->why[0]   ? s->why
                               : curl_easy_strerror(rc));
    else if (a.down)
        snprintf(a.why, sizeof a.why, "it answers %ld", status);
    if (a.down)
        failed(r, !s->item->call.done, 1000 * (after_s < RETRY_AFTER_MAX_S ? after_s : RETRY_AFTER_MAX_S), a.why);
    else
        answered(r);
    struct item *i = s->item;
    (void)curl_multi_remove_handle(r->multi, s->easy);
    forget_headers(s);
    s->item = NULL;
    finish(r, i, &a);
    if (s->answer.cap > (size_t)1 << 20)
        buf_fini(&s->answer);
}

/* ---- all of them ---- */

static char *copy(const char *s, bool *bad)
{
    char *own = s ? strdup(s) : NULL;
    *bad |= s && !own;
    return own;
}

static struct item *make(const struct rest_call *c)
{
    struct item *i = calloc(1, sizeof *i);
    bool bad = false;
    if (!i)
        return NULL;
    i->call = *c;
    i->call.method = copy(c->method, &bad);
    i->call.path = copy(c->path, &bad);
    i->call.body = copy(c->body, &bad);
    i->call.user = copy(c->user, &bad);
    if (!bad)
        return i;
    free_item(i);
    return NULL;
}

int rest_send(struct rest *r, const struct rest_call *c)
{
    struct item *i = make(c);
    if (!i)
        return -1;
    *r->last = i;
    r->last = &i->next;
    r->load++;
    return 0;
}

static struct slot *free_slot(struct rest *r)
{
    for (int i = 0; i < SLOTS; i++)
        if (!r->slots[i].item)
            return &r->slots[i];
    return NULL;
}

static void probe(struct rest *r)
{
    const struct rest_call c = {.method = "GET", .path = r->probe};
    struct slot *s = free_slot(r);
    struct item *i = s ? make(&c) : NULL;
    if (!i)
        return;
    r->load++;
    r->probing = true;
    start(r, s, i);
}

static void start_some(struct rest *r)
{
    struct slot *s;
    if (r->open_until && !r->probing && clock_read().mono >= r->open_until)
        probe(r);
    while (!r->open_until && r->first && (s = free_slot(r))) {
        struct item *i = r->first;
        r->first = i->next;
        if (!r->first)
            r->last = &r->first;
        i->next = NULL;
        start(r, s, i);
    }
}

static bool take_done(struct rest *r)
{
    int running, left;
    bool any = false;
    CURLMsg *m;
    (void)curl_multi_perform(r->multi, &running);
    while ((m = curl_multi_info_read(r->multi, &left))) {
        char *mine = NULL;
        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &mine) || !mine)
            continue;
        judge(r, (struct slot *)(void *)mine, m->data.result);
        any = true;
    }
    return any;
}

void rest_run(struct rest *r, int ms)
{
    start_some(r);
    if (take_done(r))
        return;
    if (r->open_until && !r->probing) {
        const int64_t left = r->open_until - clock_read().mono;
        ms = left < ms ? (int)(left > 0 ? left : 0) : ms;
    }
    (void)curl_multi_poll(r->multi, NULL, 0, ms, NULL);
    (void)take_done(r);
}

void rest_wake(struct rest *r)
{
    (void)curl_multi_wakeup(r->multi);
}

int64_t rest_down_since(const struct rest *r)
{
    return r->down_since;
}

size_t rest_load(const struct rest *r)
{
    return r->load;
}

/* ---- life ---- */

struct rest *rest_create(const struct rest_config *c, struct err *e)
{
    struct rest *r = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : calloc(1, sizeof *r);
    bool bad = false;
    if (!r) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    r->config = *c;
    r->last = &r->first;
    r->url = copy(c->url, &bad);
    r->user = copy(c->user, &bad);
    r->probe = copy(c->probe, &bad);
    r->multi = curl_multi_init();
    bad |= !r->multi;
    for (int i = 0; i < SLOTS; i++) {
        r->slots[i].rest = r;
        r->slots[i].easy = curl_easy_init();
        buf_init(&r->slots[i].answer, REST_ANSWER_MAX + 1);
        bad |= !r->slots[i].easy;
    }
    if (!bad)
        return r;
    rest_destroy(r);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void rest_destroy(struct rest *r)
{
    if (!r)
        return;
    for (int i = 0; i < SLOTS; i++) {
        struct slot *s = &r->slots[i];
        if (s->item && r->multi)
            (void)curl_multi_remove_handle(r->multi, s->easy);
        curl_easy_cleanup(s->easy);
        forget_headers(s);
        free_item(s->item);
        buf_fini(&s->answer);
    }
    while (r->first) {
        struct item *i = r->first;
        r->first = i->next;
        free_item(i);
    }
    (void)curl_multi_cleanup(r->multi);
    free(r->url);
    free(r->user);
    free(r->probe);
    free(r);
    curl_global_cleanup();
}
