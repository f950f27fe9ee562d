/* SPDX-License-Identifier: MIT
 *
 * Web apps of jobs, passed on to browsers: TensorBoard, Jupyter, whatever listens on a port of a running task.
 *
 *   browser ◄─ libmicrohttpd ◄─ bounded ring ◄─ this call's thread ◄─ libcurl ◄─ app on 127.0.0.1:PORT
 *   browser ◄────────────── sockets, after both sides have switched to WebSocket ──────────────► app
 *
 * An app is an attacker: its pages never share an origin with the portal. They are served
 *
 *   on a host of each app's own   apps.publicUrl "*.apps.example"  (the label is app--job)
 *   on one origin for all apps    apps.listen, a second port                others' jobs sandboxed
 *   on the portal's own origin    without apps.listen                       all sandboxed, by a CSP
 *
 * always below /jobs/USER~NAME/apps/APP/. A call ends when its grant does not hold any more, asked every APPS_ASK_MS.
 */
#ifndef DROVER_SERVER_APPS_H
#define DROVER_SERVER_APPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "server/app_grants.h"
#include "server/app_headers.h"
#include "server/apps_config.h"

struct apps;
struct buf;
struct err;
struct request;

#define APPS_CALLS_MAX 256
#define APPS_CALLS_PER_USER 64
#define APPS_ASK_MS 2000
#define APPS_ENTER "/.drover-enter" /* below an app's prefix: a ticket becomes a cookie */

/* Borrowed, all of it. */
struct apps_deps {
    const struct apps_settings *settings;
    /* Whether a grant still holds: login, rights, job, task; fills in what was found. Any thread. 0 or -1. */
    int (*check)(void *ctx, struct app_grant *g, struct err *e);
    void *ctx;
};

/* One call to pass on. Borrowed while it begins. */
struct apps_order {
    const struct app_grant *grant;
    const char *cookie; /* the secret that opened it */
    struct app_place place;
    const char *target; /* path and query for the app, as they were sent */
    bool upgrade;       /* to a WebSocket */
};

/* NULL on out of memory. */
struct apps *apps_create(const struct apps_deps *d);
/* Tells where the second port really is, once it listens, and whether clients reach it by TLS. */
void apps_listens(struct apps *s, uint16_t port, bool tls);
struct app_grants *apps_grants(struct apps *s);
/* Whether apps are on another origin than the portal; whether each has a host of its own. */
bool apps_apart(const struct apps *s);
bool apps_whole(const struct apps *s);
/* Whether the app's cookies may say Secure. */
bool apps_secure(const struct apps *s);
/* "https://lab--UUID.apps.example", "http://127.0.0.1:7781", or "" on the portal's own origin. 0 or -1 (full). */
int apps_origin(const struct apps *s, const char *job, const char *app, struct buf *out);
/* Whether a path is one of an app's: "/jobs/x/apps/y", with or without more. Pure. */
bool apps_is_path(const char *raw_path);
bool apps_is_any(const char *raw_path); /* all of the second port's */
/* Passes a request on and answers it: from its handler. 0, or -1: ERR_TOO_MANY, ERR_BUSY, ERR_BAD_REQUEST. */
int apps_pass(struct apps *s, struct request *r, const struct apps_order *o, struct err *e);
/* Ends all, refuses new ones; returns when all are gone. NULL ok. */
void apps_close(struct apps *s);
/* After http_server_destroy. NULL ok. */
void apps_destroy(struct apps *s);

#endif
