/* SPDX-License-Identifier: MIT
 *
 * A list of noted calls and a small table of sums under one mutex; the chain's end belongs to the core's thread.
 *
 *   audit_note ─► waiting ─► (audit_needed) taken ─► audit_write ─► audit_end: freed, or put back in front
 */
#include "server/audit.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/keys.h"
#include "base/err.h"
#include "jobs/job.h"
#include "server/audit_store.h"
#include "server/mailbox.h"

enum { IP_SIZE = INET6_ADDRSTRLEN + 4, ACTOR_SIZE = JOB_USER_MAX + 1, OBJECT_MAX = 512, MINUTE_MS = 60 * 1000 };

/* A call that waits for its record. Its texts stand behind it. */
struct noted {
    struct noted *next;
    struct audit_record record;
    char text[];
};

/* Calls of one key in one minute, but the first. */
struct sum {
    char ip[IP_SIZE]; /* "" = all that found no place of their own */
    char actor[ACTOR_SIZE];
    int status;
    enum err_code code;
    int64_t minute, count, last_ms;
    bool used;
};

struct lane {
    struct noted *first;
    struct noted **end;
    size_t count;
};

struct audit {
    const struct keys *keys;
    pthread_mutex_t lock;
    struct lane waiting;
    struct sum sums[AUDIT_SUMS + 1]; /* the last: for all others */
    /* the core's thread: */
    struct lane taken;
    struct audit_head head, next; /* on disk; with what the open transaction adds */
};

static void lane_init(struct lane *l)
{
    *l = (struct lane){.end = &l->first};
}

static void lane_put(struct lane *l, struct noted *n)
{
    n->next = NULL;
    *l->end = n;
    l->end = &n->next;
    l->count++;
}

static void lane_free(struct lane *l)
{
    for (struct noted *n = l->first, *next; n; n = next) {
        next = n->next;
        free(n);
    }
    lane_init(l);
}

/* Moves all of `from` in front of `to`. */
static void lane_prepend(struct lane *to, struct lane *from)
{
    if (!from->first)
        return;
    *from->end = to->first;
    if (!to->first)
        to->end = from->end;
    to->first = from->first;
    to->count += from->count;
    lane_init(from);
}

struct audit *audit_create(const struct keys *keys)
{
    struct audit *a = calloc(1, sizeof *a);
    if (!a)
        return NULL;
    a->keys = keys;
    pthread_mutex_init(&a->lock, NULL);
    lane_init(&a->waiting);
    lane_init(&a->taken);
    return a;
}

void audit_destroy(struct audit *a)
{
    if (!a)
        return;
    lane_free(&a->waiting);
    lane_free(&a->taken);
    pthread_mutex_destroy(&a->lock);
    free(a);
}

/* ---- noting ---- */

/* The texts of a record and where in it they stand. */
#define RECORD_TEXTS(r)                                                                                                \
    {                                                                                                                  \
        &(r)->actor, &(r)->ip, &(r)->method, &(r)->route, &(r)->object, &(r)->code, &(r)->request_id                   \
    }

/* A copy on the heap; NULL on out of memory. */
static struct noted *copy(const struct audit_record *r)
{
    size_t size = 0;
    struct audit_record source = *r;
    const char **from[] = RECORD_TEXTS(&source);
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        size += strlen(*from[i]) + 1;
    struct noted *n = malloc(sizeof *n + size);
    if (!n)
        return NULL;
    n->record = source;
    const char **to[] = RECORD_TEXTS(&n->record);
    char *at = n->text;
    for (size_t i = 0; i < sizeof to / sizeof *to; i++) {
        size_t len = strlen(*from[i]) + 1;
        memcpy(at, *from[i], len);
        *to[i] = at;
        at += len;
    }
    return n;
}

static const char *or_empty(const char *s)
{
    return s ? s : "";
}

/* The path, cut to what a record keeps, at a UTF-8 boundary. */
static const char *cut_object(const char *object, char out[OBJECT_MAX + 1])
{
    size_t n = strlen(object);
    if (n <= OBJECT_MAX)
        return object;
    n = OBJECT_MAX;
    while (n > 0 && ((unsigned char)object[n] & 0xc0u) == 0x80u)
        n--;
    memcpy(out, object, n);
    out[n] = '\0';
    return out;
}

static struct audit_record record_of(const struct command_actor *who, char object[OBJECT_MAX + 1])
{
    return (struct audit_record){.actor = or_empty(who->user),
                                 .ip = or_empty(who->ip),
                                 .method = or_empty(who->method),
                                 .route = or_empty(who->route),
                                 .object = cut_object(or_empty(who->object), object),
                                 .code = "",
                                 .request_id = or_empty(who->request_id),
                                 .count = 1};
}

static void sum_ip(const char *ip, char out[IP_SIZE])
{
    struct in6_addr a;
    char net[INET6_ADDRSTRLEN];
    if (inet_pton(AF_INET6, ip, &a) != 1) {
        snprintf(out, IP_SIZE, "%s", ip);
        return;
    }
    memset(a.s6_addr + 8, 0, 8);
    snprintf(out, IP_SIZE, "%s/64", or_empty(inet_ntop(AF_INET6, &a, net, sizeof net)));
}

/* The sum for a key, of this or a past minute; a free one; else the one for all others. */
static struct sum *find_sum(struct audit *a, const char *ip, const char *actor, int status)
{
    struct sum *free_one = NULL;
    for (size_t i = 0; i < AUDIT_SUMS; i++) {
        struct sum *s = &a->sums[i];
        if (s->used && s->status == status && !strcmp(s->ip, ip) && !strcmp(s->actor, actor))
            return s;
        if (!s->used && !free_one)
            free_one = s;
    }
    if (!free_one)
        return &a->sums[AUDIT_SUMS];
    snprintf(free_one->ip, sizeof free_one->ip, "%s", ip);
    snprintf(free_one->actor, sizeof free_one->actor, "%s", actor);
    return free_one;
}

/* A sum that is over becomes a record. */
static void close_sum(struct audit *a, struct sum *s)
{
    struct audit_record r = {.time_ms = s->last_ms,
                             .actor = s->actor,
                             .ip = s->ip,
                             .method = "*",
                             .route = "*",
                             .object = "",
                             .status = s->status,
                             .code = s->code ? err_name(s->code) : "",
                             .request_id = "",
                             .count = s->count};
    struct noted *n = s->count ? copy(&r) : NULL;
    if (s->count && !n)
        return; /* out of memory: tried again */
    if (n)
        lane_put(&a->waiting, n);
    *s = (struct sum){0};
}

/* Counts a call; true when it is the first of its key in this minute and gets a record of its own. */
static bool sum_up(struct audit *a, const struct audit_call *call)
{
    char ip[IP_SIZE];
    int64_t minute = call->time_ms / MINUTE_MS;
    sum_ip(or_empty(call->actor.ip), ip);
    struct sum *s = find_sum(a, ip, or_empty(call->actor.user), call->status);
    if (s->used && s->minute != minute)
        close_sum(a, s);
    bool first = !s->used && s != &a->sums[AUDIT_SUMS];
    if (!s->used) {
        snprintf(s->ip, sizeof s->ip, "%s", first ? ip : "");
        snprintf(s->actor, sizeof s->actor, "%s", first ? or_empty(call->actor.user) : "");
        s->used = true;
        s->minute = minute;
    }
    s->status = call->status;
    s->code = call->code;
    s->last_ms = call->time_ms;
    s->count += !first;
    return first;
}

void audit_note(struct audit *a, const struct audit_call *call)
{
    char object[OBJECT_MAX + 1];
    struct audit_record r = record_of(&call->actor, object);
    bool summed = !call->actor.user || call->code == ERR_TOO_MANY;
    r.time_ms = call->time_ms;
    r.status = call->status;
    r.code = call->code ? err_name(call->code) : "";
    pthread_mutex_lock(&a->lock);
    if (summed || a->waiting.count >= AUDIT_WAITING_MAX)
        summed = !sum_up(a, call);
    struct noted *n = summed ? NULL : copy(&r);
    if (n)
        lane_put(&a->waiting, n);
    pthread_mutex_unlock(&a->lock);
}

/* ---- writing ---- */

int audit_load(struct audit *a, struct store *s, struct err *e)
{
    if (audit_store_head(s, &a->head, e))
        return -1;
    a->next = a->head;
    return 0;
}

/* The call that a reply answers, when it is one that is recorded. */
static const struct command_actor *actor_of(const struct effect *f)
{
    const struct mail *m = f->kind == EFFECT_REPLY ? f->reply->to : NULL;
    return m && m->cmd.actor.method ? &m->cmd.actor : NULL;
}

bool audit_needed(struct audit *a, const struct effects *fx, int64_t now_ms, bool last)
{
    pthread_mutex_lock(&a->lock);
    for (size_t i = 0; i <= AUDIT_SUMS; i++)
        if (a->sums[i].used && (last || a->sums[i].minute != now_ms / MINUTE_MS))
            close_sum(a, &a->sums[i]);
    lane_prepend(&a->taken, &a->waiting); /* which is empty: what failed was put back */
    pthread_mutex_unlock(&a->lock);
    if (a->taken.first)
        return true;
    for (size_t i = 0; fx && i < fx->count; i++)
        if (actor_of(&fx->list[i]))
            return true;
    return false;
}

int audit_write(struct audit *a, struct store *s, const struct effects *fx, int64_t now_ms, struct err *e)
{
    char object[OBJECT_MAX + 1];
    a->next = a->head;
    for (const struct noted *n = a->taken.first; n; n = n->next)
        if (audit_store_add(s, a->keys->audit, &n->record, &a->next, e))
            return -1;
    for (size_t i = 0; fx && i < fx->count; i++) {
        const struct command_actor *who = actor_of(&fx->list[i]);
        if (!who)
            continue;
        const struct err *refused = &fx->list[i].reply->err;
        struct audit_record r = record_of(who, object);
        r.time_ms = now_ms;
        r.status = refused->code ? err_status(refused->code) : who->success;
        r.code = refused->code ? err_name(refused->code) : "";
        if (audit_store_add(s, a->keys->audit, &r, &a->next, e))
            return -1;
    }
    return 0;
}

void audit_end(struct audit *a, bool committed)
{
    if (committed) {
        a->head = a->next;
        lane_free(&a->taken);
        return;
    }
    a->next = a->head;
    pthread_mutex_lock(&a->lock);
    lane_prepend(&a->waiting, &a->taken);
    pthread_mutex_unlock(&a->lock);
}
