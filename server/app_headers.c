/* SPDX-License-Identifier: MIT
 *
 * Two tables of names, and the three headers that name a place.
 */
#include "server/app_headers.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/buf.h"

/* Of one connection only (RFC 9110 7.6.1), both ways. */
static const char *const hop[] = {"Connection", "Keep-Alive",       "Proxy-Authenticate", "Proxy-Authorization",
                                  "TE",         "Trailer",          "Transfer-Encoding",  "Upgrade",
                                  "Expect",     "Proxy-Connection", "Content-Length",     NULL};
/* The proxy writes them, or they are a login of ours. */
static const char *const own_request[] = {"Authorization",
                                          "Cookie",
                                          "Host",
                                          "Forwarded",
                                          "X-Forwarded-For",
                                          "X-Forwarded-Host",
                                          "X-Forwarded-Proto",
                                          "X-Forwarded-Prefix",
                                          "X-Real-IP",
                                          "X-Drover-Csrf",
                                          NULL};
/* The proxy writes them, or they would reach further than the app's place. */
static const char *const own_reply[] = {"Date",
                                        "Set-Cookie",
                                        "Location",
                                        "Service-Worker-Allowed",
                                        "Clear-Site-Data",
                                        "Set-Cookie2",
                                        "Strict-Transport-Security",
                                        "Public-Key-Pins",
                                        "Alt-Svc",
                                        "X-Request-Id",
                                        NULL};
/* Cookies of the server's. */
static const char *const own_cookies[] = {"drover", "__Host-drover", APP_COOKIE_PLAIN, APP_COOKIE_SECURE, NULL};

static bool is_in(const char *const *list, const char *name, size_t n)
{
    for (; *list; list++)
        if (strlen(*list) == n && !strncasecmp(*list, name, n))
            return true;
    return false;
}

/* Whether the Connection header names it. */
static bool is_listed(const char *connection, const char *name)
{
    size_t n = strlen(name);

    for (const char *s = connection; s && *s;) {
        s += strspn(s, ", \t");
        size_t len = strcspn(s, ", \t");

        if (len == n && !strncasecmp(s, name, n))
            return true;
        s += len;
    }
    return false;
}

static bool passes(const char *const *own, const char *name, const char *connection)
{
    size_t n = strlen(name);

    return !is_in(hop, name, n) && !is_in(own, name, n) && !is_listed(connection, name);
}

bool app_headers_request(const char *name, const char *connection)
{
    return passes(own_request, name, connection);
}

bool app_headers_reply(const char *name, const char *connection)
{
    return passes(own_reply, name, connection);
}

/* ---- cookies ---- */

/* The next "name=value" of a list, without blanks around it; NULL at the end. */
static const char *next_pair(const char **at, size_t *len)
{
    const char *s = *at + strspn(*at, "; \t");

    *len = strcspn(s, ";");
    *at = s + *len;
    while (*len && (s[*len - 1] == ' ' || s[*len - 1] == '\t'))
        (*len)--;
    return *len ? s : NULL;
}

static size_t name_len(const char *pair, size_t len)
{
    const char *eq = memchr(pair, '=', len);
    size_t n = eq ? (size_t)(eq - pair) : len;

    while (n && (pair[n - 1] == ' ' || pair[n - 1] == '\t'))
        n--;
    return n;
}

void app_headers_cookie(const char *value, struct buf *out)
{
    size_t len;

    for (const char *pair; (pair = next_pair(&value, &len));) {
        if (is_in(own_cookies, pair, name_len(pair, len)))
            continue;
        if (out->len)
            buf_adds(out, "; ");
        buf_add(out, pair, len);
    }
}

int app_headers_pass(const char *name, const char *value, const char *connection, app_headers_fn *add, void *ctx)
{
    struct buf cookie;

    if (app_headers_request(name, connection))
        add(ctx, name, value);
    if (strcasecmp(name, "Cookie") != 0)
        return 0;
    buf_init(&cookie, 0);
    app_headers_cookie(value, &cookie);
    if (cookie.len)
        add(ctx, name, buf_str(&cookie));
    int rc = cookie.bad ? -1 : 0;
    buf_fini(&cookie);
    return rc;
}

bool app_headers_secret(const char *value, bool secure, char *out, unsigned size)
{
    const char *const name = secure ? APP_COOKIE_SECURE : APP_COOKIE_PLAIN;
    size_t n = strlen(name), len;
    int found = 0;

    if (!value)
        return false;
    for (const char *pair; (pair = next_pair(&value, &len));) {
        if (len <= n || strncmp(pair, name, n) != 0 || pair[n] != '=')
            continue;
        found++;
        snprintf(out, size, "%.*s", (int)(len - n - 1), pair + n + 1);
        if (len - n - 1 >= size)
            return false;
    }
    return found == 1;
}

static bool begins(const char *text, size_t len, const char *with)
{
    size_t n = strlen(with);

    return len >= n && !strncasecmp(text, with, n);
}

/* A name of ours, or one by which browsers promise more than an app may say. */
static bool is_reserved(const char *pair, size_t n)
{
    return !n || is_in(own_cookies, pair, n) || begins(pair, n, "__Host-") || begins(pair, n, "__Secure-");
}

/* Whether an attribute's path lies in the app's place. */
static bool is_inside(const char *path, size_t len, const struct app_place *p)
{
    size_t n = strlen(p->prefix);

    return len > n && !strncmp(path, p->prefix, n) && path[n] == '/' && !memchr(path, '%', len) &&
           !memmem(path, len, "..", 2);
}

/* The Path that a cookie gets which asks for this one (NULL: none). */
static void add_path(const char *path, size_t len, const struct app_place *p, struct buf *out)
{
    if (p->whole)
        buf_addf(out, "; Path=%.*s", path ? (int)len : 1, path ? path : "/");
    else if (path && is_inside(path, len, p))
        buf_addf(out, "; Path=%.*s", (int)len, path);
    else
        buf_addf(out, "; Path=%s/", p->prefix);
}

bool app_headers_set_cookie(const char *value, const struct app_place *p, struct buf *out)
{
    size_t len;
    const char *pair = next_pair(&value, &len), *path = NULL;
    size_t path_len = 0;

    if (!pair || !memchr(pair, '=', len) || is_reserved(pair, name_len(pair, len)))
        return false;
    buf_add(out, pair, len);
    while ((pair = next_pair(&value, &len))) {
        size_t n = name_len(pair, len);

        if (n == 4 && !strncasecmp(pair, "Path", 4)) {
            path = len > 5 ? pair + 5 : NULL;
            path_len = path ? len - 5 : 0;
        } else if (!(n == 6 && !strncasecmp(pair, "Domain", 6))) {
            buf_adds(out, "; ");
            buf_add(out, pair, len);
        }
    }
    add_path(path, path_len, p, out);
    return true;
}

/* ---- places ---- */

/* Behind "http://host" of this host; else the text itself. */
static const char *without_host(const char *text, const char *host)
{
    const char *s = begins(text, strlen(text), "http://")    ? text + 7
                    : begins(text, strlen(text), "https://") ? text + 8
                                                             : NULL;
    size_t n = strlen(host);

    if (!s || !n || strncasecmp(s, host, n) != 0 || (s[n] && s[n] != '/' && s[n] != '?'))
        return text;
    return s[n] == '/' ? s + n : "/";
}

void app_headers_location(const char *value, const struct app_place *p, struct buf *out)
{
    const char *path = without_host(value, p->host);
    size_t n = strlen(p->prefix);
    bool below = !strncmp(path, p->prefix, n) && (path[n] == '/' || path[n] == '?' || !path[n]);

    if (path[0] == '/' && path[1] != '/' && path[1] != '\\' && !p->keep && !below)
        buf_adds(out, p->prefix);
    buf_adds(out, path);
}

bool app_headers_same_origin(const char *origin, const char *host)
{
    const char *s = origin ? strstr(origin, "://") : NULL;

    if (!origin)
        return true;
    return s && host && !strcasecmp(s + 3, host);
}
