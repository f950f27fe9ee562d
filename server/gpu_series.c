/* SPDX-License-Identifier: MIT
 *
 * All GPUs are sealed at once, so that it is one write. One that fails is not tried again: the samples are still in the
 * rings for a while, and what is written next is whole without them.
 */
#include "server/gpu_series.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "core/effect.h"
#include "server/mailbox.h"

struct gpu_series {
    struct gpu_series_config config;
    int room, taken;               /* samples of each GPU */
    struct source_sample *samples; /* by GPU */
};

/* Batches on their way into the database. */
struct writing {
    struct mail mail; /* the first member: freed as one */
    struct series_keep keep;
    int count;
    struct series_batch batches[NODE_GPU_MAX];
};

static void discard(struct writing *w)
{
    for (int i = 0; i < w->count; i++)
        series_batch_fini(&w->batches[i]);
    free(w);
}

static int write_all(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct writing *w = what;
    for (int i = 0; i < w->count; i++)
        if (series_store_add(s, &w->batches[i], e))
            return -1;
    return series_store_forget(s, &w->keep, now.wall, e);
}

static void written(struct mail *m, const struct effect_reply *reply)
{
    if (reply->err.code)
        log_warn("gpu_series_not_written", "%s", reply->err.text);
    discard((struct writing *)m);
}

/* 0 or -1. */
static int fill(const struct gpu_series *g, struct writing *w)
{
    for (int i = 0; i < g->config.count; i++) {
        if (!g->config.gpus[i].uuid[0])
            continue; /* none could tell whose it is */
        struct series_batch *b = &w->batches[w->count++];
        if (series_batch_init(b, g->config.gpus[i].uuid, g->samples + (size_t)i * (size_t)g->room, g->taken))
            return -1;
    }
    return 0;
}

static void seal(struct gpu_series *g)
{
    struct writing *w = g->taken ? calloc(1, sizeof *w) : NULL;
    struct err e = {0};
    if (g->taken && (!w || fill(g, w)))
        err_set(&e, ERR_INTERNAL, "Out of memory.");
    g->taken = 0;
    if (!w && !e.code)
        return;
    if (!e.code) {
        w->keep = g->config.keep;
        w->mail.cmd.kind = COMMAND_WRITE;
        w->mail.cmd.write = (struct command_write){write_all, w};
        w->mail.cmd.reply_to = &w->mail; /* how it went is to be told */
        w->mail.done = written;
        if (!mailbox_post(g->config.mailbox, &w->mail, &e))
            return;
    }
    log_warn("gpu_series_not_written", "%s", e.text);
    if (w)
        discard(w);
}

/* Whether a sample of that time does not belong to those there are: another time of sealing, or the clock went back. */
static bool is_apart(const struct gpu_series *g, int64_t at_ms)
{
    const int64_t last = g->taken ? g->samples[g->taken - 1].wall_ms : 0;
    return g->taken && (at_ms <= last || at_ms / g->config.seal_ms != last / g->config.seal_ms);
}

void gpu_series_take(struct gpu_series *g, const struct source_reading *readings, int count)
{
    if (!readings || !count)
        return;
    if (g->taken == g->room || is_apart(g, readings[0].sample.wall_ms))
        seal(g);
    for (int i = 0; i < count; i++)
        g->samples[(size_t)i * (size_t)g->room + (size_t)g->taken] = readings[i].sample;
    g->taken++;
}

struct gpu_series *gpu_series_create(const struct gpu_series_config *c, struct err *e)
{
    struct gpu_series *g = calloc(1, sizeof *g);
    if (g) {
        g->config = *c;
        g->room = (int)(c->seal_ms / c->period_ms) + 1;
        g->samples = calloc((size_t)c->count * (size_t)g->room + 1, sizeof *g->samples);
    }
    if (g && g->samples)
        return g;
    free(g);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void gpu_series_close(struct gpu_series *g)
{
    seal(g);
}

void gpu_series_destroy(struct gpu_series *g)
{
    if (!g)
        return;
    free(g->samples);
    free(g);
}
