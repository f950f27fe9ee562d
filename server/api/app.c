/* SPDX-License-Identifier: MIT
 *
 * Apps in the job's reply, and links to open them. Whoever may change a job may look at its apps, as with shells: an
 * app acts as the job's owner (a notebook is a shell).
 */
#include "server/api/app.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "auth/access.h"
#include "auth/auth_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/api/authenticate.h"
#include "server/api/job_view.h"
#include "server/apps.h"
#include "server/readers.h"

enum { READY_MS = 20, CHECK_BYTES = 64 << 10 };

/* The first port of a label out of {"http":[15001]}; 0: none. */
static int find_port(const char *json, const char *label)
{
    cJSON *map = json ? json_parse(json, strlen(json), 0, NULL) : NULL;
    const cJSON *list = map ? cJSON_GetObjectItemCaseSensitive(map, label) : NULL;
    const cJSON *first = list && cJSON_IsArray(list) ? list->child : NULL;
    int port = first && cJSON_IsNumber(first) ? first->valueint : 0;

    cJSON_Delete(map);
    return port > 0 && port <= UINT16_MAX ? port : 0;
}

static bool is_running(const struct task_attempt_row *t)
{
    return t->id && t->launched_ms && !t->ended;
}

/* Whether something listens there: on loopback that is known at once. */
static bool answers(int port)
{
    const struct sockaddr_in to = {
        .sin_family = AF_INET, .sin_port = htons((uint16_t)port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), failed = 0;
    struct pollfd p = {.fd = fd, .events = POLLOUT};
    socklen_t len = sizeof failed;
    bool ok = false;

    if (fd < 0)
        return false;
    if (!connect(fd, (const struct sockaddr *)(const void *)&to, sizeof to))
        ok = true;
    else if (errno == EINPROGRESS && poll(&p, 1, READY_MS) > 0)
        ok = !getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) && !failed;
    close(fd);
    return ok;
}

/* ---- in the job's reply ---- */

static const struct task_attempt_row *task_of(const struct job_view *v, const struct spec_app *app)
{
    size_t at = (size_t)app->task;
    for (int i = 0; i < app->role; i++)
        at += (size_t)v->spec->roles[i].instances;
    return &v->tasks[at];
}

static int write_prefix(const struct job_view *v, const char *app, char out[APP_PREFIX_SIZE], struct err *e)
{
    int n = snprintf(out, APP_PREFIX_SIZE, "/jobs/%s/apps/%s", v->full_name, app);
    return n > 0 && n < APP_PREFIX_SIZE ? 0 : err_set(e, ERR_INTERNAL, "the path of an app is too long");
}

void app_write_list(struct json_out *j, const struct job_view *v, const struct api *a)
{
    json_out_key(j, "apps");
    json_out_array(j);
    for (size_t i = 0; i < v->spec->app_count; i++) {
        const struct spec_app *app = &v->spec->apps[i];
        const struct task_attempt_row *task = task_of(v, app);
        const int port = find_port(task->ports, app->port);
        char prefix[APP_PREFIX_SIZE];
        struct buf url;
        struct err e = {0};

        buf_init(&url, 1024);
        if (!write_prefix(v, app->name, prefix, &e) && !apps_origin(a->apps, v->job.id, app->name, &url) &&
            !buf_addf(&url, "%s/", prefix)) {
            json_out_object(j);
            json_out_kstring(j, "name", app->name);
            json_out_kstring(j, "url", buf_str(&url));
            json_out_kstring(j, "taskRoleName", v->spec->roles[app->role].name);
            json_out_kint(j, "taskIndex", app->task);
            json_out_kbool(j, "ready", is_running(task) && port && answers(port));
            json_out_object_end(j);
        }
        buf_fini(&url);
    }
    json_out_array_end(j);
}

/* ---- a link ---- */

static const struct spec_app *find_app(const struct spec *spec, const char *name)
{
    for (size_t i = 0; i < spec->app_count; i++)
        if (!strcmp(spec->apps[i].name, name))
            return &spec->apps[i];
    return NULL;
}

/* Of a running job. NULL with `e`. */
static const struct spec_app *find_open(const struct job_view *v, struct request *r, struct err *e)
{
    const struct access_object o = {.owner = v->job.user, .what = "this job"};
    const char *name = request_param(r, "app");
    const struct spec_app *app = find_app(v->spec, name);

    if (access_check_object(ACCESS_JOB_CHANGE, request_identity(r), &o, e))
        return NULL;
    if (!app)
        err_set(e, ERR_NO_APP, "Job %s has no app \"%.60s\".", v->full_name, name);
    else if (!is_running(task_of(v, app)))
        err_set(e, ERR_NO_APP, "The task of app %s of job %s does not run.", name, v->full_name);
    else
        return app;
    return NULL;
}

int api_app_open(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    struct app_grant g = {.who = *request_identity(r)};
    char ticket[SESSION_ID_SIZE];
    struct buf url;

    if (job_view_read(&v, a, r, -1, e))
        return -1;
    const struct spec_app *app = find_open(&v, r, e);
    if (!app || write_prefix(&v, app->name, g.prefix, e))
        return -1;
    g.own = !strcmp(g.who.user, v.job.user);
    g.sandboxed = !apps_whole(a->apps);
    snprintf(g.job, sizeof g.job, "%s", v.job.id);
    snprintf(g.app, sizeof g.app, "%s", app->name);
    if (app_check(a, &g, e))
        return -1;
    app_grants_ticket(apps_grants(a->apps), &g, request_now(r).mono, ticket);
    buf_init(&url, 1024);
    if (!apps_apart(a->apps))
        (void)buf_adds(&url, a->public_url);
    if (apps_origin(a->apps, g.job, g.app, &url) || buf_addf(&url, "%s" APPS_ENTER "?ticket=%s", g.prefix, ticket)) {
        buf_fini(&url);
        return err_set(e, ERR_INTERNAL, "the address of an app is too long");
    }
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "url", buf_str(&url));
    json_out_kint(j, "expiresInSeconds", APP_TICKET_MS / 1000);
    json_out_object_end(j);
    api_json_send(&out, r, 201);
    buf_fini(&url);
    return 0;
}

/* ---- whether it still holds ---- */

struct look {
    struct arena *arena;
    const char *app;
    const struct spec *spec;
    const struct spec_app *found;
    int attempt, port;
    bool live, failed;
};

static int take_job(void *ctx, const struct job_row *row)
{
    struct look *l = ctx;
    struct err e = {0};
    char *config = arena_strdup(l->arena, row->config);

    l->live = !(row->state & STATE_FINAL);
    l->attempt = row->attempt;
    l->spec = config ? spec_load(l->arena, config, strlen(config), &e) : NULL;
    l->found = l->spec ? find_app(l->spec, l->app) : NULL;
    return 0;
}

static int take_task(void *ctx, const struct task_attempt_row *row)
{
    struct look *l = ctx;

    if (!strcmp(l->spec->roles[l->found->role].name, row->role) && row->task_index == l->found->task && is_running(row))
        l->port = find_port(row->ports, l->found->port);
    return 0;
}

/* The login, then job and task. 0 or -1. */
static int look_up(struct api *a, struct store *s, struct look *l, struct app_grant *g, struct err *e)
{
    struct identity now;

    if (auth_store_token_find(s, g->who.hash, clock_read().wall, &now, e))
        return -1;
    if (now.admin != g->who.admin && !g->own)
        return err_set(e, ERR_FORBIDDEN, "You may not see this app any more.");
    if (now.touch)
        api_touch(a, &now);
    if (jobs_store_read_job(s, g->job, take_job, l, e))
        return -1;
    if (l->live && l->found &&
        jobs_store_each_task(s, &(struct jobs_store_attempt){g->job, l->attempt}, take_task, l, e))
        return -1;
    if (!l->live || !l->found || !l->port)
        return err_set(e, ERR_NO_APP, "The job of this app has ended, or its task does not run just now.");
    g->port = l->port;
    g->keep_path = l->found->keep_path;
    g->checked_ms = clock_read().mono;
    return 0;
}

int app_check(void *ctx, struct app_grant *g, struct err *e)
{
    struct api *a = ctx;
    struct look l = {.arena = arena_create(0), .app = g->app};
    struct store *s = l.arena ? readers_get(a->readers, e) : NULL;
    int rc = l.arena ? -1 : err_set(e, ERR_INTERNAL, "out of memory");

    if (s)
        rc = look_up(a, s, &l, g, e);
    readers_put(a->readers, s);
    arena_destroy(l.arena);
    return rc;
}
