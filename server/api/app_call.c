/* SPDX-License-Identifier: MIT
 *
 * A request of the apps' origin: which app it is for, whether its cookie opens that, and off it goes. Nothing else is
 * served there.
 *
 *   .drover-enter?ticket=T ─► cookie, 303 ─► app's prefix
 *   cookie ─► grant ─► host and path are the grant's, the page that asks is the app's ─► apps_pass
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/err.h"
#include "server/api/api.h"
#include "server/api/app.h"
#include "server/apps.h"

static int handle(struct request *r, void *context, struct err *e);

static const struct route foreign = {.method = HTTP_GET,
                                     .path = "/jobs/{job}/apps/{app}",
                                     .handler = handle,
                                     .access = ACCESS_ANON,
                                     .media = HTTP_MEDIA_ANY,
                                     .spool = true,
                                     .secret_path = true,
                                     .help = "pages of a job's app"};

const struct route *app_foreign(void)
{
    return &foreign;
}

static const char *header(const struct request *r, const char *name)
{
    const char *value = request_header(r, name);
    return value ? value : "";
}

static int closed(struct err *e)
{
    return err_set(e, ERR_UNAUTHORIZED, "This app is not open here. Open it from its job's page, or by drover app.");
}

/* Of the app's own page, of the bar of addresses, or a link that somebody follows: nobody else's page may call an app
 * with the cookie that opens it. */
static int check_site(const struct request *r, const struct apps *apps, const struct app_grant *g, struct err *e)
{
    const char *site = header(r, "Sec-Fetch-Site"), *origin = request_header(r, "Origin");
    const bool same = !*site || !strcmp(site, "same-origin") || !strcmp(site, "none");
    const bool follows = !strcmp(header(r, "Sec-Fetch-Mode"), "navigate") &&
                         !strcmp(header(r, "Sec-Fetch-Dest"), "document") && request_method(r) == HTTP_GET;

    if (g->sandboxed) {
        /* Its own pages have no origin, so they are cross-site; but to the portal's pages it is nothing but a page. */
        if (!apps_apart(apps) && !strcmp(site, "same-origin") && !follows)
            return err_set(e, ERR_FORBIDDEN, "An app is no part of the portal.");
        return 0;
    }
    if (!same && !follows)
        return err_set(e, ERR_FORBIDDEN, "Another site may not call this app.");
    if (request_method(r) != HTTP_GET || request_header(r, "Upgrade"))
        return app_headers_same_origin(origin, header(r, "Host"))
                   ? 0
                   : err_set(e, ERR_FORBIDDEN, "Another site may not call this app.");
    return 0;
}

/* Whether the request's host is the one that the app is served on. */
static bool is_host(struct request *r, const struct apps *apps, const struct app_grant *g)
{
    const char *host = header(r, "Host");
    struct buf origin;
    bool ok;

    if (!apps_whole(apps))
        return true;
    buf_init(&origin, 1024);
    ok = !apps_origin(apps, g->job, g->app, &origin);
    const char *name = strstr(buf_str(&origin), "://");
    size_t n = strcspn(host, ":");

    ok = ok && name && strcspn(name + 3, ":") == n && !strncasecmp(name + 3, host, n);
    buf_fini(&origin);
    return ok;
}

/* ---- entering ---- */

/* The value of "ticket=" in a query; false: none. */
static bool read_ticket(const char *query, char out[SESSION_ID_SIZE])
{
    static const char key[] = "ticket=";

    if (strncmp(query, key, sizeof key - 1) != 0 || strlen(query) != sizeof key - 1 + SESSION_ID_SIZE - 1)
        return false;
    memcpy(out, query + sizeof key - 1, SESSION_ID_SIZE);
    return true;
}

/* An app may have an origin with others of the same owner only where nobody but the portal can have sent the browser
 * here: else somebody's link would bring that one's app beside one's own. */
static bool is_sandboxed(const struct request *r, const struct apps *apps, const struct app_grant *g)
{
    const char *site = header(r, "Sec-Fetch-Site");

    if (apps_whole(apps))
        return false;
    return !apps_apart(apps) || !g->own || (strcmp(site, "same-site") != 0 && strcmp(site, "same-origin") != 0);
}

static int enter(struct request *r, struct api *a, const char *prefix, struct err *e)
{
    struct app_grants *grants = apps_grants(a->apps);
    const bool secure = apps_secure(a->apps);
    char ticket[SESSION_ID_SIZE], cookie[SESSION_ID_SIZE];
    struct app_grant g = {0};

    snprintf(g.prefix, sizeof g.prefix, "%s", prefix);
    if (!read_ticket(request_raw_query(r), ticket) ||
        !app_grants_redeem(grants, ticket, request_now(r).mono, cookie, &g))
        return err_set(e, ERR_UNAUTHORIZED, "This link was used before, or is too old. Open the app once more.");
    g.sandboxed = is_sandboxed(r, a->apps, &g);
    app_grants_update(grants, cookie, &g);
    /* Pages without an origin send no cookies but those that go everywhere, which needs TLS. */
    reply_header(r, "Set-Cookie",
                 arena_printf(request_arena(r), "%s=%s; Path=%s/; HttpOnly; SameSite=%s%s",
                              secure ? APP_COOKIE_SECURE : APP_COOKIE_PLAIN, cookie,
                              apps_whole(a->apps) ? "" : g.prefix, g.sandboxed && secure ? "None" : "Lax",
                              secure ? "; Secure" : ""));
    reply_header(r, "Location", arena_printf(request_arena(r), "%s/", g.prefix));
    reply_empty(r, 303);
    return 0;
}

/* ---- passing on ---- */

static bool is_plain(const char *target)
{
    for (; *target; target++)
        if (*target <= ' ' || *target >= 0x7f)
            return false;
    return true;
}

/* What the app is asked for; NULL: the path is not below its place. */
static const char *target_of(struct request *r, const struct app_place *p)
{
    const char *path = request_raw_path(r), *query = request_raw_query(r);
    const size_t n = strlen(p->prefix);
    const bool below = !strncmp(path, p->prefix, n) && path[n] == '/';

    if (!below && !p->whole)
        return NULL;
    if (below && !p->keep)
        path += n;
    return arena_printf(request_arena(r), "%s%s%s", path, *query ? "?" : "", query);
}

static int pass(struct request *r, struct api *a, struct app_grant *g, const char *cookie, struct err *e)
{
    struct apps_order o = {.grant = g, .cookie = cookie, .upgrade = request_header(r, "Upgrade") != NULL};

    if (check_site(r, a->apps, g, e))
        return -1;
    if (request_now(r).mono - g->checked_ms >= APPS_ASK_MS) {
        if (app_check(a, g, e)) {
            if (e->code == ERR_UNAUTHORIZED || e->code == ERR_FORBIDDEN)
                app_grants_drop(apps_grants(a->apps), cookie);
            return -1;
        }
        app_grants_update(apps_grants(a->apps), cookie, g);
    }
    o.place = (struct app_place){
        .prefix = g->prefix, .host = header(r, "Host"), .whole = apps_whole(a->apps), .keep = g->keep_path};
    o.target = target_of(r, &o.place);
    if (!o.target || !is_plain(o.target))
        return closed(e);
    if (o.upgrade && strcasecmp(header(r, "Upgrade"), "websocket") != 0)
        o.upgrade = false;
    *request_recorded(r) = true; /* what is done in an app is not the server's to write down; that it was opened is */
    return apps_pass(a->apps, r, &o, e);
}

/* "/jobs/J/apps/A" of a path that lies below it, in the request's arena; "" for another. */
static const char *prefix_of(struct request *r)
{
    const char *path = request_raw_path(r);

    if (!apps_is_path(path))
        return "";
    const char *app = strstr(path + 6, "/apps/") + 6;
    return arena_strndup(request_arena(r), path, (size_t)(app - path) + strcspn(app, "/"));
}

static int handle(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const char *prefix = prefix_of(r), *path = request_raw_path(r);
    char cookie[SESSION_ID_SIZE];
    struct app_grant g;

    if (!prefix)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (*prefix && !strcmp(path + strlen(prefix), APPS_ENTER))
        return enter(r, a, prefix, e);
    if (!app_headers_secret(request_header(r, "Cookie"), apps_secure(a->apps), cookie, sizeof cookie) ||
        !app_grants_find(apps_grants(a->apps), cookie, request_now(r).mono, &g) || !is_host(r, a->apps, &g))
        return closed(e);
    if (!apps_whole(a->apps) && strcmp(prefix, g.prefix) != 0)
        return closed(e);
    if (!strcmp(path, g.prefix)) {
        reply_header(r, "Location", arena_printf(request_arena(r), "%s/", g.prefix));
        reply_empty(r, 308);
        return 0;
    }
    return pass(r, a, &g, cookie, e);
}
