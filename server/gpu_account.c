/* SPDX-License-Identifier: MIT
 *
 * One use a GPU is under way at most. After a start, rows that are not over are gone on with, or (their attempts have
 * ended meanwhile) closed. A write that fails is not tried again: of what goes on the next one says more, and of what
 * is over the row of half a minute before stays.
 */
#include "server/gpu_account.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "core/effect.h"
#include "metrics/curve.h"
#include "metrics/gpu_use_store.h"
#include "metrics/source.h"
#include "scheduler/cluster.h"
#include "server/gpu_holders.h"
#include "server/mailbox.h"
#include "server/readers.h"
#include "server/snapshot.h"

enum { PENDING_MAX = 2 * NODE_GPU_MAX };

struct pending {
    struct gpu_use use;
    struct buf curve; /* sealed */
    bool over;
};

/* Uses on their way into the database. */
struct writing {
    struct mail mail; /* the first member: freed as one */
    int count;
    struct pending uses[PENDING_MAX];
};

struct gpu_account {
    struct gpu_account_config config;
    struct arena *arena; /* of one look */
    bool known;          /* who holds what, in the last look */
    const char *node;    /* ours, in the arena */
    struct gpu_holder holders[NODE_GPU_MAX];
    bool resumed;         /* the rows of the life before were read */
    int64_t unwritten_ms; /* since what goes on was written */
    struct gpu_use uses[NODE_GPU_MAX];
    struct curve curves[NODE_GPU_MAX]; /* of these uses */
    struct writing *writing;           /* what this look writes; NULL: nothing yet */
};

/* ---- writing ---- */

static void discard(struct writing *w)
{
    for (int i = 0; i < w->count; i++)
        buf_fini(&w->uses[i].curve);
    free(w);
}

static int write_all(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct writing *w = what;
    (void)now;
    for (int i = 0; i < w->count; i++)
        if (gpu_use_store_put(s, &w->uses[i].use, &w->uses[i].curve, w->uses[i].over, e))
            return -1;
    return 0;
}

static void written(struct mail *m, const struct effect_reply *reply)
{
    if (reply->err.code)
        log_warn("gpu_use_not_written", "%s", reply->err.text);
    discard((struct writing *)m);
}

/* The place of one more; NULL: it is nobody's, was never sampled, or there is no memory. */
static struct pending *queue(struct gpu_account *a, const struct gpu_use *u, bool over)
{
    if (!u->attempt_id[0] || !u->began_ms)
        return NULL;
    if (!a->writing)
        a->writing = calloc(1, sizeof *a->writing);
    if (!a->writing || a->writing->count == PENDING_MAX)
        return NULL;
    struct pending *p = &a->writing->uses[a->writing->count++];
    *p = (struct pending){.use = *u, .over = over};
    buf_init(&p->curve, 0);
    return p;
}

/* What is under way on a GPU, with its curve. */
static void queue_gpu(struct gpu_account *a, int gpu, bool over)
{
    struct pending *p = queue(a, &a->uses[gpu], over);
    if (p && curve_seal(&a->curves[gpu], &p->curve))
        buf_reset(&p->curve); /* the sums are worth more */
}

static void post(struct gpu_account *a)
{
    struct writing *w = a->writing;
    struct err e = {0};
    if (!w)
        return;
    a->writing = NULL;
    w->mail.cmd.kind = COMMAND_WRITE;
    w->mail.cmd.write = (struct command_write){write_all, w};
    w->mail.cmd.reply_to = &w->mail; /* how it went is to be told */
    w->mail.done = written;
    if (!mailbox_post(a->config.mailbox, &w->mail, &e))
        return;
    log_warn("gpu_use_not_written", "%s", e.text);
    discard(w);
}

static void queue_all(struct gpu_account *a)
{
    for (int i = 0; i < a->config.count; i++)
        queue_gpu(a, i, false);
    a->unwritten_ms = 0;
}

/* ---- who holds what ---- */

/* The name of the node that has our GPUs, in the arena; NULL: no engine has told yet. */
static const char *find_node(struct gpu_account *a)
{
    const struct gpu *ours = NULL;
    for (int i = 0; i < a->config.count && !ours; i++)
        if (a->config.gpus[i].uuid[0])
            ours = &a->config.gpus[i];
    struct snapshot *s = ours ? snapshots_get(a->config.snapshots) : NULL;
    const char *name = NULL;
    for (size_t n = 0; s && n < cluster_count(s->cluster) && !name; n++) {
        const struct node *node = &cluster_at(s->cluster, (int)n)->info;
        if (ours->index < node->gpu_count && !strcmp(node->gpus[ours->index].uuid, ours->uuid))
            name = arena_strdup(a->arena, node->name);
    }
    snapshots_put(a->config.snapshots, s);
    return name;
}

static int resume(void *ctx, const struct gpu_use *u, const void *curve, size_t len)
{
    struct gpu_account *a = ctx;
    const bool ours = u->gpu >= 0 && u->gpu < a->config.count && !strcmp(u->uuid, a->config.gpus[u->gpu].uuid);
    if (ours && !strcmp(u->attempt_id, a->uses[u->gpu].attempt_id)) {
        a->uses[u->gpu] = *u;
        if (curve_open(&a->curves[u->gpu], curve, len))
            log_error("gpu_curve_damaged", "the curve of task attempt %s begins anew", u->attempt_id);
        return 0;
    }
    struct pending *p = queue(a, u, true);
    if (p)
        buf_add(&p->curve, curve, len);
    return 0;
}

/* Ends what is somebody else's now, and begins what is new. */
static void hand_over(struct gpu_account *a, const struct gpu_holder holders[NODE_GPU_MAX])
{
    for (int i = 0; i < a->config.count; i++) {
        const char *id = holders[i].attempt_id ? holders[i].attempt_id : "";
        if (!strcmp(id, a->uses[i].attempt_id))
            continue;
        queue_gpu(a, i, true);
        a->curves[i].width_ms = a->curves[i].count = 0;
        a->uses[i] = (struct gpu_use){.gpu = i};
        memcpy(a->uses[i].uuid, a->config.gpus[i].uuid, sizeof a->uses[i].uuid);
        if (strlen(id) < sizeof a->uses[i].attempt_id)
            memcpy(a->uses[i].attempt_id, id, strlen(id));
    }
}

static int look(struct gpu_account *a, struct err *e)
{
    const struct gpu_holders_of of = {.node = a->node = find_node(a), .arena = a->arena};
    struct store *s = of.node ? readers_get(a->config.readers, e) : NULL;
    if (!s)
        return -1;
    int rc = gpu_holders_read(s, &of, a->holders, e);
    if (!rc) {
        hand_over(a, a->holders);
        if (!a->resumed)
            rc = gpu_use_store_each_live(s, resume, a, e);
        a->resumed |= !rc;
    }
    readers_put(a->config.readers, s);
    return rc;
}

void gpu_account_take(void *account, const struct source_reading *readings, int count, int64_t ms)
{
    struct gpu_account *a = account;
    struct err e = {0};
    arena_reset(a->arena);
    int rc = look(a, &e);
    a->known = !rc;
    if (e.code)
        log_warn("gpu_use_unknown", "who holds the GPUs is not known: %s", e.text);
    for (int i = 0; !rc && readings && i < count; i++)
        if (a->uses[i].attempt_id[0]) {
            gpu_use_add(&a->uses[i], &readings[i].sample, ms);
            curve_add(&a->curves[i], &readings[i].sample, ms);
        }
    a->unwritten_ms += ms;
    if (a->unwritten_ms >= a->config.flush_ms)
        queue_all(a);
    post(a);
}

const char *gpu_account_holder(const struct gpu_account *a, int gpu)
{
    return a->known ? a->uses[gpu].attempt_id : NULL;
}

const struct gpu_holder *gpu_account_holders(const struct gpu_account *a)
{
    return a->known ? a->holders : NULL;
}

const char *gpu_account_node(const struct gpu_account *a)
{
    return a->known ? a->node : NULL;
}

/* ---- life ---- */

struct gpu_account *gpu_account_create(const struct gpu_account_config *c, struct err *e)
{
    struct gpu_account *a = calloc(1, sizeof *a);
    if (a) {
        a->config = *c;
        a->arena = arena_create(0);
    }
    if (a && a->arena)
        return a;
    free(a);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void gpu_account_close(struct gpu_account *a)
{
    queue_all(a);
    post(a);
}

void gpu_account_destroy(struct gpu_account *a)
{
    if (!a)
        return;
    arena_destroy(a->arena);
    free(a);
}
