/* SPDX-License-Identifier: MIT
 *
 * The engine's life and its loop: one thread that waits for orders, the spawner and the shims.
 */
#include "engines/local/local.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/local/level.h"
#include "engines/local/local_impl.h"
#include "engines/local/local_stuck.h"

#define LOCAL_EVENTS 64
#define LOCAL_STUCK_MS 5000 /* who lives so long after SIGKILL hangs in the kernel */

static void local_wake(struct local *l)
{
    const uint64_t one = 1;

    (void)!write(l->wake, &one, sizeof(one));
}

static void local_order(struct engine *en, struct engine_order *o)
{
    struct local *l = (struct local *)en;

    o->next = NULL;
    (void)pthread_mutex_lock(&l->lock);
    *l->last = o;
    l->last = &o->next;
    (void)pthread_mutex_unlock(&l->lock);
    local_wake(l);
}

/* Takes all orders that wait, in their order. False when the engine is to stop. */
static bool local_take_orders(struct local *l)
{
    struct engine_order *o;
    uint64_t count;
    bool quit;

    (void)!read(l->wake, &count, sizeof(count));
    (void)pthread_mutex_lock(&l->lock);
    o = l->first;
    l->first = NULL;
    l->last = &l->first;
    quit = l->quit;
    (void)pthread_mutex_unlock(&l->lock);
    while (o) {
        struct engine_order *next = o->next;

        if (quit)
            engine_order_destroy(o);
        else
            local_attempt_order(l, o);
        o = next;
    }
    return !quit;
}

/* Runs timers that are due and the spawner's upkeep. Milliseconds to the next one, -1 = none. */
static int local_timers(struct local *l)
{
    int64_t now = clock_read().mono;
    int64_t next = local_spawner_keep(l, now), look = local_stuck_keep(l, now);
    struct local_attempt *a = l->timed, *after;

    if (look && (next == 0 || look < next))
        next = look;

    for (; a; a = after) {
        after = a->next_timed;
        if (local_attempt_due(a) <= now)
            local_attempt_timer(l, a, now);
    }
    for (a = l->timed; a; a = a->next_timed)
        if (next == 0 || local_attempt_due(a) < next)
            next = local_attempt_due(a);
    if (next == 0)
        return -1;
    now = clock_read().mono;
    return next <= now ? 0 : (int)(next - now < 60000 ? next - now : 60000);
}

static bool local_dispatch(struct local *l, const struct epoll_event *ev)
{
    const struct local_source *s = ev->data.ptr;

    switch (s->kind) {
    case LOCAL_WAKE:
        return local_take_orders(l);
    case LOCAL_SPAWNER:
        local_spawner_input(l, (ev->events & EPOLLOUT) != 0);
        break;
    case LOCAL_SPAWNER_EXIT:
        local_spawner_exited(l);
        break;
    case LOCAL_SHIM:
        local_attempt_input(l, s->attempt);
        break;
    }
    return true;
}

/* Whether the machine was started anew since the engine last used this folder: what the folder says about running
 * things, or does not say because it was never synced, is then no proof of anything. */
static void local_check_boot(struct local *l)
{
    char text[PROCS_BOOT_SIZE] = "";
    int fd = openat(l->run_dir, ".boot", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    ssize_t n;

    if (fd < 0)
        return; /* a new folder */
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    l->rebooted = n != (ssize_t)strlen(l->boot) || memcmp(text, l->boot, (size_t)n) != 0;
}

/* All adoptions are answered: from now on an attempt without a folder is one that this boot has not started. */
static void local_ready(struct local *l)
{
    struct err e = {0};

    l->ready = true;
    if ((l->rebooted || faccessat(l->run_dir, ".boot", F_OK, 0)) &&
        fs_write_atomic_at(l->run_dir, ".boot", l->boot, strlen(l->boot), &e))
        log_error("boot_not_written", "%s", e.text);
    else
        l->rebooted = false;
    local_event_ready(l);
}

static void *local_run(void *arg)
{
    struct local *l = arg;
    struct epoll_event events[LOCAL_EVENTS];
    bool go = true;

    (void)pthread_setname_np(pthread_self(), "engine-local");
    local_event_node(l);
    go = local_take_orders(l);
    while (go) {
        int wait = local_timers(l);
        int n;

        if (!l->ready && l->adopts == 0)
            local_ready(l);
        n = epoll_wait(l->epoll, events, LOCAL_EVENTS, wait);
        for (int i = 0; i < n && go; i++)
            go = local_dispatch(l, &events[i]);
        while (l->dead) {
            struct local_attempt *a = l->dead;

            l->dead = a->next_dead;
            local_attempt_free(a);
        }
    }
    return NULL;
}

static int local_start(struct engine *en, engine_sink_fn *sink, void *ctx, struct err *e)
{
    struct local *l = (struct local *)en;
    sigset_t all, old;
    int rc;

    l->sink = sink;
    l->sink_ctx = ctx;
    /* Signals are the main thread's business. */
    sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &old);
    rc = pthread_create(&l->thread, NULL, local_run, l);
    (void)pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc)
        return err_errno(e, rc, "cannot start the engine's thread");
    l->started = true;
    return 0;
}

static void local_stop(struct engine *en)
{
    struct local *l = (struct local *)en;

    if (!l->started)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->quit = true;
    (void)pthread_mutex_unlock(&l->lock);
    local_wake(l);
    (void)pthread_join(l->thread, NULL);
    l->started = false;
}

static void local_destroy(struct engine *en)
{
    struct local *l = (struct local *)en;
    const int fds[] = {l->data_dir, l->run_dir, l->wake, l->epoll, l->spawner.fd, l->spawner.pidfd};
    struct local_attempt *a;
    size_t pos = 0;

    local_stop(en);
    while (l->first) {
        struct engine_order *o = l->first;

        l->first = o->next;
        engine_order_destroy(o);
    }
    while (l->attempts && (a = hash_next(l->attempts, &pos)))
        local_attempt_free(a);
    hash_destroy(l->attempts);
    local_stuck_free(l);
    for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
        if (fds[i] >= 0)
            (void)close(fds[i]);
    (void)pthread_mutex_destroy(&l->lock);
    free(l->data);
    free(l->spawner_path);
    free(l->shim_path);
    free(l->gpu_device);
    free(l);
}

static const struct engine_ops local_ops = {
    .name = "local", .start = local_start, .order = local_order, .stop = local_stop, .destroy = local_destroy};

static int local_open(struct local *l, struct err *e)
{
    struct rlimit files;
    struct epoll_event ev = {.events = EPOLLIN, .data.ptr = &l->wake_source};

    l->data_dir = open(l->data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (l->data_dir < 0)
        return err_errno(e, errno, "cannot open %s", l->data);
    if (mkdirat(l->data_dir, "run", 0700) && errno != EEXIST)
        return err_errno(e, errno, "cannot make %s/run", l->data);
    l->run_dir = openat(l->data_dir, "run", O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (l->run_dir < 0)
        return err_errno(e, errno, "cannot open %s/run", l->data);
    l->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    l->epoll = epoll_create1(EPOLL_CLOEXEC);
    l->attempts = hash_create();
    if (l->wake < 0 || l->epoll < 0 || !l->attempts || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->wake, &ev))
        return err_errno(e, errno, "cannot set up the local engine");
    /* One descriptor per running task. */
    if (getrlimit(RLIMIT_NOFILE, &files) == 0 && files.rlim_cur < files.rlim_max) {
        files.rlim_cur = files.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &files);
    }
    return 0;
}

static char *local_path(const char *path)
{
    char *full = path ? realpath(path, NULL) : NULL;

    return full ? full : path ? strdup(path) : NULL;
}

struct engine *local_engine_create(const struct local_config *config, struct err *e)
{
    struct local *l = calloc(1, sizeof(*l));

    if (!l) {
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    l->base.ops = &local_ops;
    l->data_dir = l->run_dir = l->wake = l->epoll = l->spawner.fd = l->spawner.pidfd = -1;
    l->spawner.backoff_ms = 10;
    l->spawner.source.kind = LOCAL_SPAWNER;
    l->spawner.exit_source.kind = LOCAL_SPAWNER_EXIT;
    l->wake_source.kind = LOCAL_WAKE;
    l->last = &l->first;
    l->start_last = &l->start_first;
    (void)pthread_mutex_init(&l->lock, NULL);
    l->data = local_path(config->data);
    l->spawner_path = local_path(config->spawner);
    l->shim_path = local_path(config->shim);
    l->log_max_mb = config->log_max_mb;
    l->stuck_ms = config->stuck_ms > 0 ? config->stuck_ms : LOCAL_STUCK_MS;
    l->shell = access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
    l->spawner.service = config->spawner_service;
    /* Real GPUs have the driver's names; simulated ones have no devices, if not stand-ins. */
    if (config->gpu_device || config->gpus < 0)
        l->gpu_device = strdup(config->gpu_device ? config->gpu_device : "/dev/nvidia%");
    if (level_allowed(config->isolation, &l->allowed))
        (void)err_set(e, ERR_INVALID_PARAMETERS, "there is no isolation level \"%s\"", config->isolation);
    else if (l->gpu_device && !strchr(l->gpu_device, '%'))
        (void)err_set(e, ERR_INVALID_PARAMETERS, "the path of a GPU's device needs a \"%%\" for its index");
    else if (!l->data || !l->spawner_path || !l->shim_path)
        (void)err_set(e, ERR_INTERNAL, "the local engine needs a data folder and its two programs");
    else if (local_node_find(&l->node, config, e) == 0 && local_open(l, e) == 0) {
        (void)snprintf(l->boot, sizeof(l->boot), "%s", l->node.boot_id);
        local_check_boot(l);
        local_stuck_load(l);
        return &l->base;
    }
    local_destroy(&l->base);
    return NULL;
}
