/* SPDX-License-Identifier: MIT
 *
 * What of the headers goes through the proxy to a job's app, either way. Pure functions over foreign bytes.
 */
#ifndef DROVER_SERVER_APP_HEADERS_H
#define DROVER_SERVER_APP_HEADERS_H

#include <stdbool.h>

struct buf;

/* Name of the cookie that opens an app: with TLS, and without. */
#define APP_COOKIE_SECURE "__Secure-drover-app"
#define APP_COOKIE_PLAIN "drover-app"

/* Where an app's pages are. */
struct app_place {
    const char *prefix; /* "/jobs/ana~train/apps/lab", without a slash at its end */
    const char *host;   /* as the browser has it: the request's Host */
    bool whole;         /* the host is the app's alone: its cookies and links reach all of it */
    bool keep;          /* the app itself knows the prefix */
};

/* Whether a request's header goes to the app, a reply's to the browser: not what is about this connection only
 * (`connection`, the header of that name, lists more; NULL ok), nor what the proxy writes itself, nor a login. */
bool app_headers_request(const char *name, const char *connection);
bool app_headers_reply(const char *name, const char *connection);
/* Calls `add` with a request's header as the app may see it, if it may. 0, or -1 on out of memory. */
typedef void app_headers_fn(void *ctx, const char *name, const char *value);
int app_headers_pass(const char *name, const char *value, const char *connection, app_headers_fn *add, void *ctx);
/* A Cookie header without our own cookies; leaves `out` empty when nothing is left. */
void app_headers_cookie(const char *value, struct buf *out);
/* The value of our cookie in a Cookie header (NULL ok) into `out` of `size`. True when it is there once and fits. */
bool app_headers_secret(const char *value, bool secure, char *out, unsigned size);
/* A Set-Cookie header of an app: for its own place only. False: it may not be set. */
bool app_headers_set_cookie(const char *value, const struct app_place *p, struct buf *out);
/* A Location header of an app, as the browser must see it. */
void app_headers_location(const char *value, const struct app_place *p, struct buf *out);
/* Whether an Origin header (NULL ok) is this host's, or there is none. */
bool app_headers_same_origin(const char *origin, const char *host);

#endif
