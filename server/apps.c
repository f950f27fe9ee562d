/* SPDX-License-Identifier: MIT
 *
 * Calls to apps: their number, their threads, where they are served.
 */
#include "server/apps.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/detached.h"
#include "server/app_impl.h"
#include "server/config.h"
#include "server/http/reply.h"
#include "server/http/request.h"

#define STACK (512 << 10)
#define SANDBOX "sandbox allow-scripts allow-forms"

struct apps *apps_create(const struct apps_deps *d)
{
    struct apps *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->deps = *d;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    s->grants = app_grants_create();
    if (s->grants)
        return s;
    apps_destroy(s);
    return NULL;
}

void apps_listens(struct apps *s, uint16_t port, bool tls)
{
    s->port = port;
    s->tls = tls;
}

void apps_close(struct apps *s)
{
    if (!s)
        return;
    atomic_store(&s->closing, true);
    pthread_mutex_lock(&s->lock);
    while (s->count > 0)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void apps_destroy(struct apps *s)
{
    if (!s)
        return;
    app_grants_destroy(s->grants);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- where they are ---- */

struct app_grants *apps_grants(struct apps *s)
{
    return s->grants;
}

bool apps_apart(const struct apps *s)
{
    return s->deps.settings->listen[0] != '\0';
}

bool apps_whole(const struct apps *s)
{
    return apps_apart(s) && strstr(s->deps.settings->public_url, "://*.") != NULL;
}

bool apps_secure(const struct apps *s)
{
    return s->tls || (apps_apart(s) && !strncmp(s->deps.settings->public_url, "https://", 8));
}

int apps_origin(const struct apps *s, const char *job, const char *app, struct buf *out)
{
    const struct apps_settings *c = s->deps.settings;
    const char *star = strstr(c->public_url, "*.");
    char address[CONFIG_TEXT_MAX];
    uint16_t port;

    if (!apps_apart(s))
        return 0;
    if (star)
        return buf_addf(out, "%.*s%s--%s%s", (int)(star - c->public_url), c->public_url, app, job, star + 1);
    if (c->public_url[0])
        return buf_adds(out, c->public_url);
    if (config_split_listen(c->listen, address, &port, NULL))
        return -1;
    bool v6 = strchr(address, ':') != NULL;

    return buf_addf(out, "%s://%s%s%s:%u", s->tls ? "https" : "http", v6 ? "[" : "", address, v6 ? "]" : "",
                    (unsigned)s->port);
}

bool apps_is_path(const char *raw_path)
{
    const char *job = strncmp(raw_path, "/jobs/", 6) ? NULL : raw_path + 6;
    const char *rest = job ? strchr(job, '/') : NULL;

    return rest && !strncmp(rest, "/apps/", 6) && rest[6] && rest[6] != '/';
}

bool apps_is_any(const char *raw_path)
{
    (void)raw_path;
    return true;
}

/* ---- calls ---- */

void app_call_init(struct app_call *c, struct apps *s, const struct apps_order *o)
{
    c->home = s;
    c->grant = *o->grant;
    c->whole = o->place.whole;
    c->asked = clock_read().mono;
    snprintf(c->cookie, sizeof(c->cookie), "%s", o->cookie);
    snprintf(c->host, sizeof(c->host), "%s", o->place.host);
}

struct app_place app_call_place(const struct app_call *c)
{
    return (struct app_place){
        .prefix = c->grant.prefix, .host = c->host, .whole = c->whole, .keep = c->grant.keep_path};
}

static void *thread(void *ctx)
{
    struct app_call *c = ctx;

    c->run(c);
    return NULL;
}

int app_call_start(struct app_call *c, struct err *e)
{
    struct apps *s = c->home;
    unsigned own = 0;
    int rc = 0;

    pthread_mutex_lock(&s->lock);
    for (const struct app_call *other = s->first; other; other = other->next)
        own += strcmp(other->grant.who.user, c->grant.who.user) == 0;
    if (atomic_load(&s->closing))
        rc = err_set(e, ERR_BUSY, "The server is shutting down.");
    else if (own >= APPS_CALLS_PER_USER || s->count >= APPS_CALLS_MAX)
        rc = err_set(e, ERR_TOO_MANY,
                     "There are %u calls to apps under way, %u of them yours; %d in all and %d of one user may be.",
                     s->count, own, APPS_CALLS_MAX, APPS_CALLS_PER_USER);
    if (rc == 0) {
        c->next = s->first;
        s->first = c;
        s->count++;
    }
    pthread_mutex_unlock(&s->lock);
    if (rc)
        return rc;
    if (detached_start(STACK, thread, c) == 0)
        return 0;
    app_call_end(c);
    return err_set(e, ERR_BUSY, "The server has no thread left for this call.");
}

void app_call_end(struct app_call *c)
{
    struct apps *s = c->home;

    pthread_mutex_lock(&s->lock);
    struct app_call **p = &s->first;

    while (*p != c)
        p = &(*p)->next;
    *p = c->next;
    if (--s->count == 0)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
}

bool app_call_holds(struct app_call *c)
{
    const int64_t now = clock_read().mono;
    struct err e = {0};

    if (atomic_load(&c->home->closing))
        return false;
    if (now - c->asked < APPS_ASK_MS)
        return true;
    c->asked = now;
    if (!c->home->deps.check(c->home->deps.ctx, &c->grant, &e))
        return true;
    if (e.code == ERR_UNAUTHORIZED || e.code == ERR_FORBIDDEN)
        app_grants_drop(c->home->grants, c->cookie);
    return false;
}

void app_call_forwarded(const struct apps *s, const struct request *r, const struct apps_order *o,
                        void (*give)(void *ctx, const char *name, const char *value), void *ctx)
{
    give(ctx, "Host", o->place.host);
    give(ctx, "X-Forwarded-For", request_ip(r));
    give(ctx, "X-Forwarded-Host", o->place.host);
    give(ctx, "X-Forwarded-Proto", apps_secure(s) ? "https" : "http");
    give(ctx, "X-Forwarded-Prefix", o->grant->prefix);
}

void app_call_guard(const struct app_call *c, struct request *r)
{
    reply_bare(r);
    if (!c->grant.sandboxed)
        return;
    reply_header(r, "Content-Security-Policy", SANDBOX);
    reply_header(r, "X-Content-Type-Options", "nosniff");
}

int apps_pass(struct apps *s, struct request *r, const struct apps_order *o, struct err *e)
{
    return o->upgrade ? app_socket_begin(s, r, o, e) : app_http_begin(s, r, o, e);
}
