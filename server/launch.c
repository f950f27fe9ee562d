/* SPDX-License-Identifier: MIT
 *
 * Built after COMMIT, on the core's thread, from the live task. Secrets are opened here, put into the script only, and
 * wiped with the order.
 */
#include "server/launch.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/seal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "jobs/env.h"
#include "jobs/job.h"
#include "scheduler/cluster.h"
#include "server/mounts.h"

static const char *address_of(void *ctx, const char *node)
{
    const struct cluster *c = ctx;
    int index = cluster_find(c, node);
    const char *address = index < 0 ? "" : cluster_at(c, index)->info.address;
    return address[0] ? address : "127.0.0.1";
}

/* The script with secrets filled in, in the order's arena. NULL on error. */
static const char *script_of(const struct launch_site *site, struct arena *a, const struct task *t, struct err *e)
{
    const struct job *j = t->job;
    char *script = NULL;
    struct buf out, plain;
    buf_init(&out, 0);
    buf_init(&plain, SEAL_MAX);
    if (j->sealed_secrets &&
        seal_open(site->keys, j->id, (struct seal_bytes){j->sealed_secrets, j->sealed_len}, &plain, e))
        goto out;
    if (spec_fill_secrets(t->role->command, plain.data, plain.len, &out, e))
        goto out;
    script = arena_strndup(a, buf_str(&out), out.len);
    if (!script)
        err_set(e, ERR_INTERNAL, "Out of memory for the script of %s.", j->full_name);
out:
    if (plain.data)
        sodium_memzero(plain.data, plain.len);
    buf_fini(&plain);
    if (out.data)
        sodium_memzero(out.data, out.len);
    buf_fini(&out);
    return script;
}

static const int *copy_ints(struct arena *a, const int *from, int count)
{
    int *to = arena_calloc(a, (size_t)(count > 0 ? count : 1), sizeof *to);
    if (to && count > 0)
        memcpy(to, from, (size_t)count * sizeof *to);
    return to;
}

/* In the order of enum spec_hold. */
static const enum engine_hold holds[] = {[SPEC_HOLD_NOTHING] = ENGINE_HOLD_NOTHING,
                                         [SPEC_HOLD_GPUS] = ENGINE_HOLD_GPUS,
                                         [SPEC_HOLD_SANDBOX] = ENGINE_HOLD_SANDBOX};

struct engine_order *launch_order(const struct launch_site *site, enum engine_order_kind kind, const struct task *t,
                                  struct err *e)
{
    const struct job *j = t->job;
    struct engine_order *o = engine_order_create(kind, true);
    if (!o) {
        err_set(e, ERR_INTERNAL, "Out of memory for an order of %s.", j->full_name);
        return NULL;
    }
    struct engine_launch *l = o->launch;
    struct arena *a = o->arena;
    struct mounts mounts = {.arena = a};
    bool wishes = kind == ENGINE_LAUNCH && t->gpu_wishes;
    size_t count;
    if (kind == ENGINE_LAUNCH && mounts_of(site->store, j->spec, j->user, &mounts, e)) {
        engine_order_destroy(o);
        return NULL;
    }
    memcpy(o->attempt_id, t->id, ID_SIZE);
    memcpy(o->nonce, t->nonce, sizeof o->nonce);
    o->epoch = t->epoch;
    *l = (struct engine_launch){.full_name = arena_strdup(a, j->full_name),
                                .user = arena_strdup(a, j->user),
                                .job_id = arena_strdup(a, j->id),
                                .role = arena_strdup(a, t->role->name),
                                .job_attempt = j->attempt,
                                .task_index = t->index,
                                .task_attempt = t->attempt,
                                .node = arena_strdup(a, t->node),
                                .limits = t->role->per_task,
                                .shm_mb = t->role->shm_mb,
                                .ports = copy_ints(a, t->ports, t->role->port_total),
                                .port_count = (size_t)t->role->port_total,
                                .env = env_build(a, t, address_of, (void *)site->cluster, &count),
                                .script = kind == ENGINE_LAUNCH ? script_of(site, a, t, e) : "",
                                .image_uri = arena_strdup(a, t->role->image_uri),
                                .image_on_host = site->image_on_host,
                                .isolation = arena_strdup(a, j->spec->isolation),
                                .checkpoint_name = arena_strdup(a, j->spec->checkpoint_name),
                                .code = j->spec->code ? arena_strdup(a, j->id) : NULL,
                                .mounts = mounts.list,
                                .mount_count = mounts.count,
                                .hold = holds[t->hold],
                                .gpu_count = (int)t->role->per_task.gpus,
                                .gpus = copy_ints(a, wishes ? t->gpu_wishes : t->gpus, (int)t->role->per_task.gpus)};
    if (!l->full_name || !l->ports || !l->env || !l->script || !l->gpus) {
        if (l->script)
            err_set(e, ERR_INTERNAL, "Out of memory for an order of %s.", j->full_name);
        engine_order_destroy(o);
        return NULL;
    }
    return o;
}
