/* SPDX-License-Identifier: MIT
 *
 * A handle a request and no connection kept: who is sent to is chosen by users, and a connection that stays would be
 * theirs to keep. Of an answer nothing but its status is read.
 */
#include "server/notice/poster.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "jobs/job.h"
#include "server/notice/address.h"

enum { TIMEOUT_S = 20, CONNECT_S = 10, ANSWER_MAX = 64 << 10, RETRY_AFTER_MAX_S = 3600, HEADER_MAX = 256 };
enum { TIMED_OUT = 408, TOO_MANY = 429 };

struct slot {
    CURL *easy; /* NULL: free */
    struct curl_slist *headers;
    struct address_guard guard;
    char owner[JOB_USER_MAX]; /* "" = the site */
    struct poster_answer answer;
    size_t answered;
    char why[CURL_ERROR_SIZE];
};

struct poster {
    const struct address_policy *policy;
    CURLM *multi;
    struct slot slots[POSTER_MAX];
};

/* ---- one request ---- */

static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    struct slot *s = ctx;
    (void)data;
    s->answered += size * n;
    return s->answered > ANSWER_MAX ? 0 : size * n;
}

static bool add_header(struct slot *s, const char *name, const char *value)
{
    char line[HEADER_MAX];
    const int n = snprintf(line, sizeof line, "%s: %s", name, value);
    struct curl_slist *more =
        n > 0 && n < (int)sizeof line && !strpbrk(line, "\r\n") ? curl_slist_append(s->headers, line) : NULL;
    if (more)
        s->headers = more;
    return more;
}

static bool set_up(struct slot *s, const struct poster_request *r)
{
    char seconds[32];
    CURL *c = s->easy;
    snprintf(seconds, sizeof seconds, "%lld", (long long)r->seconds);
    if (!add_header(s, "Content-Type", "application/json") || !add_header(s, "webhook-id", r->id) ||
        !add_header(s, "webhook-timestamp", seconds) || !add_header(s, "webhook-signature", r->signature) ||
        curl_easy_setopt(c, CURLOPT_URL, r->url) || curl_easy_setopt(c, CURLOPT_COPYPOSTFIELDS, r->body))
        return false;
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "droverd");
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->why);
    curl_easy_setopt(c, CURLOPT_PRIVATE, s);
    address_guard_set(&s->guard, c);
    return true;
}

static void clear(struct poster *p, struct slot *s)
{
    if (s->easy) {
        (void)curl_multi_remove_handle(p->multi, s->easy);
        curl_easy_cleanup(s->easy);
    }
    curl_slist_free_all(s->headers);
    *s = (struct slot){.easy = NULL};
}

static struct slot *free_slot(struct poster *p)
{
    for (int i = 0; i < POSTER_MAX; i++)
        if (!p->slots[i].easy)
            return &p->slots[i];
    return NULL;
}

bool poster_can(const struct poster *p, const char *webhook, const char *owner)
{
    int used = 0, of_kind = 0, of_owner = 0;
    owner = owner ? owner : "";
    for (int i = 0; i < POSTER_MAX; i++) {
        const struct slot *s = &p->slots[i];
        if (!s->easy)
            continue;
        if (!strcmp(s->answer.webhook, webhook))
            return false;
        used++;
        of_kind += !s->owner[0] == !owner[0];
        of_owner += !strcmp(s->owner, owner);
    }
    return used < POSTER_MAX && of_kind < POSTER_KIND_MAX && (!owner[0] || of_owner < POSTER_USER_MAX);
}

int poster_begin(struct poster *p, const struct poster_request *r, struct err *e)
{
    struct slot *s = free_slot(p);
    if (!s)
        return err_set(e, ERR_TOO_MANY, "Too many requests are under way.");
    s->easy = curl_easy_init();
    s->guard.policy = p->policy;
    snprintf(s->answer.webhook, sizeof s->answer.webhook, "%s", r->webhook);
    snprintf(s->owner, sizeof s->owner, "%s", r->owner ? r->owner : "");
    s->answer.position = r->position;
    s->answer.tries = r->tries;
    if (s->easy && set_up(s, r) && !curl_multi_add_handle(p->multi, s->easy))
        return 0;
    clear(p, s);
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* What a receiver says of itself stands nowhere: it could say anything, and a user who has it answer would read what
 * the server sees. */
static void judge(struct slot *s, CURLcode rc)
{
    struct poster_answer *a = &s->answer;
    curl_off_t after_s = 0;
    long status = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after_s);
    a->status = (int)status;
    if (s->guard.blocked && !status) {
        a->outcome = POSTER_REFUSED;
        snprintf(a->why, sizeof a->why, "its address is not allowed");
    } else if (rc && !(rc == CURLE_WRITE_ERROR && status)) {
        a->outcome = POSTER_LATER;
        snprintf(a->why, sizeof a->why, "%.150s", s->why[0] ? s->why : curl_easy_strerror(rc));
    } else if (status / 100 == 2) {
        a->outcome = POSTER_TAKEN;
    } else {
        a->outcome = status / 100 == 5 || status == TIMED_OUT || status == TOO_MANY ? POSTER_LATER : POSTER_REFUSED;
        snprintf(a->why, sizeof a->why, "it answers %ld", status);
    }
    a->after_ms = (after_s < RETRY_AFTER_MAX_S ? after_s : RETRY_AFTER_MAX_S) * INT64_C(1000);
}

bool poster_take(struct poster *p, struct poster_answer *out)
{
    int running, left;
    CURLMsg *m;
    (void)curl_multi_perform(p->multi, &running);
    while ((m = curl_multi_info_read(p->multi, &left))) {
        char *mine = NULL;
        if (m->msg != CURLMSG_DONE || curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &mine) || !mine)
            continue;
        struct slot *s = (struct slot *)(void *)mine;
        judge(s, m->data.result);
        *out = s->answer;
        clear(p, s);
        return true;
    }
    return false;
}

void poster_wait(struct poster *p, int ms)
{
    (void)curl_multi_poll(p->multi, NULL, 0, ms, NULL);
}

void poster_wake(struct poster *p)
{
    (void)curl_multi_wakeup(p->multi);
}

/* ---- life ---- */

struct poster *poster_create(const struct address_policy *policy, struct err *e)
{
    struct poster *p = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : calloc(1, sizeof *p);
    if (p) {
        p->policy = policy;
        p->multi = curl_multi_init();
        if (p->multi)
            return p;
    }
    poster_destroy(p);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void poster_destroy(struct poster *p)
{
    if (!p)
        return;
    for (int i = 0; i < POSTER_MAX; i++)
        clear(p, &p->slots[i]);
    (void)curl_multi_cleanup(p->multi);
    free(p);
    curl_global_cleanup();
}
