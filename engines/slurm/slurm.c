/* SPDX-License-Identifier: MIT
 *
 * The engine's life and its loop: one thread that takes orders, works on requests and looks at what is due.
 */
#include "engines/slurm/slurm.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"

enum {
    TICK_MS = 100,
    IDLE_MS = 500,
    READY_MS = 10 * 1000,
    TOKEN_SIGNED_MS = (TOKEN_LIFE_S - 600) * 1000,
    TOKEN_FILE_MS = 60 * 1000
};

static void slurm_order(struct engine *en, struct engine_order *o)
{
    struct slurm *s = (struct slurm *)en;
    o->next = NULL;
    (void)pthread_mutex_lock(&s->lock);
    *s->last = o;
    s->last = &o->next;
    (void)pthread_mutex_unlock(&s->lock);
    rest_wake(s->rest);
}

/* Takes all orders that wait, in their order. False when the engine is to stop. */
static bool take_orders(struct slurm *s)
{
    (void)pthread_mutex_lock(&s->lock);
    struct engine_order *o = s->first;
    const bool quit = s->quit;
    s->first = NULL;
    s->last = &s->first;
    (void)pthread_mutex_unlock(&s->lock);
    while (o) {
        struct engine_order *next = o->next;
        if (quit)
            engine_order_destroy(o);
        else
            slurm_attempt_order(s, o);
        o = next;
    }
    return !quit;
}

/* Where Slurm does not answer, what runs is left in its last known state: nothing more is to be waited for. A
 * slurmrestd without slurmctld takes its time to say so. */
static void tell_ready(struct slurm *s, int64_t now)
{
    if (s->ready || (s->adopts > 0 && !rest_down_since(s->rest) && now < s->began + READY_MS))
        return;
    if (s->adopts > 0)
        log_warn("slurm_adopts", "Slurm has not told of %d task attempts yet; their last known states are kept",
                 s->adopts);
    s->ready = true;
    const struct engine_event ev = {.kind = ENGINE_READY, .seq = ++s->seq, .wall_ms = clock_read().wall};
    s->sink(s->ctx, &ev);
}

static void *run(void *arg)
{
    struct slurm *s = arg;
    s->began = clock_read().mono;
    while (take_orders(s)) {
        const int64_t now = clock_read().mono;
        struct slurm_attempt *a;
        size_t pos = 0;
        slurm_version_step(s, now);
        slurm_nodes_step(s, now);
        while ((a = hash_next(s->attempts, &pos)))
            slurm_attempt_step(a, now);
        slurm_look_step(s, now);
        tell_ready(s, now);
        rest_run(s->rest, hash_count(s->attempts) ? TICK_MS : IDLE_MS);
    }
    return NULL;
}

static int slurm_start(struct engine *en, engine_sink_fn *sink, void *ctx, struct err *e)
{
    struct slurm *s = (struct slurm *)en;
    s->sink = sink;
    s->ctx = ctx;
    if (pthread_create(&s->thread, NULL, run, s))
        return err_set(e, ERR_INTERNAL, "No thread for the Slurm engine.");
    s->running = true;
    return 0;
}

static void slurm_stop(struct engine *en)
{
    struct slurm *s = (struct slurm *)en;
    (void)pthread_mutex_lock(&s->lock);
    s->quit = true;
    (void)pthread_mutex_unlock(&s->lock);
    rest_wake(s->rest);
    if (s->running)
        pthread_join(s->thread, NULL);
    s->running = false;
}

static void slurm_destroy(struct engine *en)
{
    struct slurm *s = (struct slurm *)en;
    struct slurm_attempt *a;
    struct slurm_node *n;
    size_t pos = 0;
    if (!s)
        return;
    if (s->running)
        slurm_stop(en);
    rest_destroy(s->rest);
    for (struct engine_order *o = s->first, *next; o; o = next) {
        next = o->next;
        engine_order_destroy(o);
    }
    while (s->attempts && (a = hash_next(s->attempts, &pos)))
        slurm_attempt_drop(a);
    hash_destroy(s->attempts);
    for (pos = 0; s->nodes && (n = hash_next(s->nodes, &pos));)
        free(n);
    hash_destroy(s->nodes);
    shape_list_fini(&s->list);
    places_close(&s->places);
    sodium_memzero(s->token, sizeof s->token);
    (void)pthread_mutex_destroy(&s->lock);
    free(s->data);
    free(s);
}

static const struct engine_ops slurm_ops = {
    .name = "slurm", .start = slurm_start, .order = slurm_order, .stop = slurm_stop, .destroy = slurm_destroy};

/* rest_config.token: kept for a while, for each request carries it. */
static int give_token(void *ctx, char *out, struct err *e)
{
    struct slurm *s = ctx;
    const struct slurm_settings *site = s->site;
    const struct clock_now now = clock_read();
    if (now.mono >= s->token_until) {
        const int rc = site->key_file[0] ? token_from_key(site->key_file, site->user, now.wall / 1000, s->token, e)
                                         : token_from_file(site->token_file, s->token, e);
        if (rc)
            return -1;
        s->token_until = now.mono + (site->key_file[0] ? TOKEN_SIGNED_MS : TOKEN_FILE_MS);
    }
    memcpy(out, s->token, strlen(s->token) + 1);
    return 0;
}

static int make_parts(struct slurm *s, const struct slurm_config *c, struct err *e)
{
    char token[TOKEN_MAX + 1];
    const struct rest_config rest = {.url = c->site->url,
                                     .user = c->site->user,
                                     .probe = SHAPE_V38_PATH "/ping",
                                     .token = give_token,
                                     .down = shape_v38_down,
                                     .ctx = s};
    if (places_open(&s->places, c->site->folder, c->data, e))
        return -1;
    s->places.log_max = (int64_t)c->log_max_mb << 20;
    if (give_token(s, token, e))
        return err_wrap(e, "slurm");
    sodium_memzero(token, sizeof token);
    s->rest = rest_create(&rest, e);
    return s->rest ? 0 : -1;
}

struct engine *slurm_engine_create(const struct slurm_config *c, struct err *e)
{
    struct slurm *s = calloc(1, sizeof *s);
    if (!s) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    s->base.ops = &slurm_ops;
    s->site = c->site;
    s->port_first = c->port_first > 0 ? c->port_first : 15000;
    s->port_last = c->port_last > 0 ? c->port_last : 32767;
    s->last = &s->first;
    s->places.attempts = s->places.run = -1;
    (void)pthread_mutex_init(&s->lock, NULL);
    s->attempts = hash_create();
    s->nodes = hash_create();
    s->data = strdup(c->data);
    if (s->attempts && s->nodes && s->data && !make_parts(s, c, e))
        return &s->base;
    if (!e->text[0])
        err_set(e, ERR_INTERNAL, "Out of memory.");
    slurm_destroy(&s->base);
    return NULL;
}
