/* SPDX-License-Identifier: MIT
 *
 * The environment that a task gets: what the core built, what the engine knows, and a handful of defaults. Nothing of
 * the server's own environment.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "engines/local/images.h"
#include "engines/local/local_env.h"
#include "engines/local/local_impl.h"
#include "engines/local/taskspec.h"

#define LOCAL_ENV_OWN 16 /* room for what is added here */

struct local_env {
    struct arena *arena;
    const char **list;
    size_t count;
    bool bad;
};

static size_t local_env_find(const struct local_env *v, const char *key)
{
    size_t len = strlen(key), i;

    for (i = 0; i < v->count; i++)
        if (strncmp(v->list[i], key, len) == 0 && v->list[i][len] == '=')
            break;
    return i;
}

/* Sets KEY=value; with `fallback` only where there is none. */
static void local_env_set(struct local_env *v, const char *key, const char *value, bool fallback)
{
    size_t at = local_env_find(v, key);
    const char *text;

    if (at < v->count && fallback)
        return;
    text = arena_printf(v->arena, "%s=%s", key, value);
    if (!text) {
        v->bad = true;
        return;
    }
    v->list[at] = text;
    if (at == v->count)
        v->count++;
}

/* "KEY=value" where there is no KEY. */
static void local_env_add(struct local_env *v, const char *text)
{
    const char *equals = strchr(text, '=');

    for (size_t i = 0; equals && i < v->count; i++)
        if (strncmp(v->list[i], text, (size_t)(equals - text) + 1) == 0)
            return;
    if (equals)
        v->list[v->count++] = text;
}

static void local_env_gpus(const struct local_attempt *a, struct local_env *v)
{
    char text[NODE_GPU_MAX * 4] = "";
    size_t len = 0;

    for (int i = 0; i < a->gpu_count; i++)
        len += (size_t)snprintf(text + len, sizeof(text) - len, i > 0 ? ",%d" : "%d", a->gpus[i]);
    /* An empty list hides every GPU from CUDA. */
    local_env_set(v, "CUDA_VISIBLE_DEVICES", text, false);
    local_env_set(v, "NVIDIA_VISIBLE_DEVICES", a->gpu_count > 0 ? text : "none", false);
}

static void local_env_folders(const struct local *l, const struct local_attempt *a, struct local_env *v)
{
    const struct engine_launch *launch = a->order->launch;
    const char *work = arena_printf(v->arena, "%s/run/%s/work", l->data, a->id);
    const char *tmp = arena_printf(v->arena, "%s/run/%s/tmp", l->data, a->id);

    if (!work || !tmp) {
        v->bad = true;
        return;
    }
    local_env_set(v, "PAI_WORK_DIR", work, false);
    local_env_set(v, "HOME", work, true);
    local_env_set(v, "TMPDIR", tmp, true);
    if (launch->checkpoint_name && launch->user) {
        const char *path =
            arena_printf(v->arena, "%s/checkpoints/%s/%s", l->data, launch->user, launch->checkpoint_name);

        v->bad = v->bad || !path;
        local_env_set(v, "DROVER_CHECKPOINT_DIR", path ? path : "", false);
    }
}

/* What the attempt's image asks for; NULL for none (a root that somebody put there by hand asks for nothing). */
static const char **local_env_of_image(struct local *l, struct local_attempt *a)
{
    struct image image;

    if (!local_guard_image(l, a) || images_get(l->data, a->order->launch->image_uri, a->order->arena, &image, NULL))
        return NULL;
    return image.env;
}

const char **local_env_build(struct local *l, struct local_attempt *a, size_t *count, struct err *e)
{
    const struct engine_launch *launch = a->order->launch;
    struct local_env v = {.arena = a->order->arena};
    const char **image = local_env_of_image(l, a);
    size_t n = 0, asked = 0;

    while (image && image[asked])
        asked++;
    while (launch->env && launch->env[n])
        n++;
    if (n + asked + LOCAL_ENV_OWN > TASKSPEC_ENV_MAX) {
        (void)err_set(e, ERR_TOO_LARGE, "the task has too many environment variables");
        return NULL;
    }
    v.list = arena_calloc(v.arena, n + asked + LOCAL_ENV_OWN, sizeof(*v.list));
    if (!v.list) {
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    if (n > 0)
        memcpy(v.list, launch->env, n * sizeof(*v.list));
    v.count = n;
    for (size_t i = 0; i < asked; i++)
        local_env_add(&v, image[i]);
    local_env_set(&v, "PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", true);
    local_env_set(&v, "LANG", "C.UTF-8", true);
    local_env_set(&v, "USER", launch->user ? launch->user : "", true);
    local_env_set(&v, "DROVER_JOB", launch->full_name ? launch->full_name : "", false);
    local_env_set(&v, PROCS_MARK, a->id, false);
    local_env_set(&v, "DROVER_NONCE", a->nonce, false);
    local_env_folders(l, a, &v);
    local_env_gpus(a, &v);
    if (v.bad) {
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    *count = v.count;
    return v.list;
}

int local_env_busy_port(const struct engine_launch *launch)
{
    for (size_t i = 0; i < launch->port_count; i++) {
        struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)launch->ports[i])};
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        int on = 1;
        bool busy;

        if (fd < 0)
            return 0; /* nothing is known; the task will tell */
        /* As servers do it: an old connection in TIME_WAIT does not occupy a port, a listener does. */
        (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        busy = (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, 1)) && errno == EADDRINUSE;
        (void)close(fd);
        if (busy)
            return launch->ports[i];
    }
    return 0;
}
