/* SPDX-License-Identifier: MIT
 *
 * The second server has no routes: all that comes is for an app.
 */
#include "server/app_serve.h"

#include <stdlib.h>

#include "base/err.h"
#include "base/log.h"
#include "server/api/api.h"
#include "server/api/app.h"
#include "server/apps.h"
#include "server/config.h"
#include "server/http/http.h"

struct app_serve {
    const struct config *config;
    struct apps *apps;
    struct http_server *http; /* NULL: on the portal's */
};

struct app_serve *app_serve_create(const struct config *c, struct api *a)
{
    const struct apps_deps deps = {.settings = &c->apps, .check = app_check, .ctx = a};
    struct app_serve *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    s->config = c;
    s->apps = apps_create(&deps);
    if (s->apps)
        return s;
    free(s);
    return NULL;
}

struct apps *app_serve_apps(struct app_serve *s)
{
    return s->apps;
}

int app_serve_start(struct app_serve *s, struct http_config *portal, struct err *e)
{
    const struct config *c = s->config;
    struct http_config mine = *portal;
    char address[CONFIG_TEXT_MAX];

    if (!c->apps.listen[0]) {
        portal->foreign = app_foreign();
        portal->is_foreign = apps_is_path;
        apps_listens(s->apps, 0, portal->secure);
        return 0;
    }
    if (config_split_listen(c->apps.listen, address, &mine.port, e))
        return -1;
    if (!portal->tls && !config_is_loopback(address) && !c->insecure_http)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "Plain HTTP is served on loopback only; %s of apps is not (insecureHttp: true allows it).",
                       address);
    mine.address = address;
    mine.routes = NULL;
    mine.route_count = 0;
    mine.files = NULL;
    mine.file_count = 0;
    mine.authenticate = NULL;
    mine.foreign = app_foreign();
    mine.is_foreign = apps_is_any;
    s->http = http_server_create(&mine, e);
    if (!s->http)
        return err_wrap(e, "apps");
    apps_listens(s->apps, http_server_port(s->http), portal->tls != NULL);
    log_info("apps", "apps of jobs are served on %s port %u", address, (unsigned)http_server_port(s->http));
    return http_server_start(s->http, e);
}

void app_serve_close(struct app_serve *s)
{
    if (!s)
        return;
    if (s->http)
        http_server_quiesce(s->http);
    apps_close(s->apps);
}

void app_serve_stop(struct app_serve *s, long wait_ms)
{
    if (!s)
        return;
    http_server_destroy(s->http, wait_ms);
    s->http = NULL;
}

void app_serve_destroy(struct app_serve *s)
{
    if (!s)
        return;
    apps_destroy(s->apps);
    free(s);
}
