/* SPDX-License-Identifier: MIT
 *
 * Apps of jobs (server/apps.h) as a part of the daemon: on a port of their own, or on the portal's.
 */
#ifndef DROVER_SERVER_APP_SERVE_H
#define DROVER_SERVER_APP_SERVE_H

struct api;
struct app_serve;
struct apps;
struct config;
struct err;
struct http_config;

/* All borrowed; the api is used once requests come. NULL on out of memory. */
struct app_serve *app_serve_create(const struct config *c, struct api *a);
/* Goes into the api. */
struct apps *app_serve_apps(struct app_serve *s);
/* Lets the portal's server answer for apps where they have no port of their own; else starts a server there, configured
 * as the portal's. 0 or -1. */
int app_serve_start(struct app_serve *s, struct http_config *portal, struct err *e);
/* No new calls; those under way end. NULL ok. */
void app_serve_close(struct app_serve *s);
/* Before the portal's http_server_destroy; as that. NULL ok. */
void app_serve_stop(struct app_serve *s, long wait_ms);
/* After it. NULL ok. */
void app_serve_destroy(struct app_serve *s);

#endif
