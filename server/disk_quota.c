/* SPDX-License-Identifier: MIT
 *
 * The code's sums are made anew only when its folder has changed.
 */
#include "server/disk_quota.h"

#include <stdio.h>
#include <stdlib.h>

#include "auth/auth_store.h"
#include "base/err.h"
#include "base/json.h"
#include "base/log.h"
#include "core/core.h"
#include "engines/local/quota.h"
#include "jobs/jobs_store.h"
#include "server/code.h"
#include "server/readers.h"
#include "server/retention.h"
#include "server/snapshot.h"

struct disk_quota {
    struct disk_quota_config config;
    struct quota *account;
    int64_t code_seen; /* the state of the code's folder that was counted; the looks' thread */
};

/* The user's own limit, 0 for none; -1: nobody knows now. */
static int own_limit(const struct disk_quota *q, const char *user)
{
    struct err e = {0};
    struct store *s = readers_get(q->config.readers, &e);
    int mb = 0;
    int rc = s ? auth_store_user_disk(s, user, &mb, &e) : -1;

    readers_put(q->config.readers, s);
    if (rc)
        log_warn("disk_limit_unknown", "user %s: %s", user, e.text);
    return rc ? -1 : mb;
}

/* MB that the user may keep, for a job of the virtual cluster; -1: nobody knows now. */
static int limit_of(const struct disk_quota *q, const char *user, const char *vc)
{
    int own = own_limit(q, user);

    if (own)
        return own;
    struct snapshot *now = snapshots_get(q->config.snapshots);
    const struct core_view_vc *v = now ? core_view_vc(now->view, vc) : NULL;
    int limit = !now ? -1 : v && v->spec.user_disk_mb ? v->spec.user_disk_mb : q->config.usual_mb;

    snapshots_put(q->config.snapshots, now);
    return limit;
}

static int owner(void *ctx, const char *attempt, struct quota_owner *out)
{
    const struct disk_quota *q = ctx;
    struct jobs_store_owner found = {.user = ""};
    int rc = retention_owner(q->config.readers, attempt, &found);

    if (rc <= 0)
        return rc; /* 0: of a database that was put back, nobody's */
    int limit = limit_of(q, found.user, found.vc);
    if (limit < 0)
        return -1;
    snprintf(out->user, sizeof out->user, "%s", found.user);
    out->limit = (int64_t)limit << 20;
    out->dropped = found.deleted;
    return 0;
}

static void add_upload(void *ctx, const char *user, int64_t bytes)
{
    struct disk_quota *q = ctx;

    quota_other_add(q->account, user, bytes);
}

static void others(void *ctx, struct quota *account)
{
    struct disk_quota *q = ctx;
    int64_t state = code_state(q->config.code);

    if (state == q->code_seen)
        return;
    quota_other_clear(account);
    q->code_seen = code_uploads(q->config.code, add_upload, q) ? 0 : state;
}

struct disk_quota *disk_quota_create(const struct disk_quota_config *c, struct err *e)
{
    struct disk_quota *q = calloc(1, sizeof *q);

    if (q) {
        q->config = *c;
        q->account = quota_create(&(struct quota_source){.owner = owner, .others = others, .ctx = q});
    }
    if (q && q->account)
        return q;
    free(q);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void disk_quota_destroy(struct disk_quota *q)
{
    if (!q)
        return;
    quota_destroy(q->account);
    free(q);
}

struct quota *disk_quota_account(struct disk_quota *q)
{
    return q ? q->account : NULL;
}

int disk_quota_check(struct disk_quota *q, const char *user, const char *vc, struct err *e)
{
    int limit = q ? limit_of(q, user, vc) : 0;
    int64_t used = limit > 0 ? quota_used(q->account, user) : 0;

    if (limit <= 0 || used < (int64_t)limit << 20)
        return 0;
    return err_set(e, ERR_TOO_MANY,
                   "You keep %lld MB on this node, and the limit is %d MB. Archive ended jobs that you need no more "
                   "(drover archive JOB): their files and logs are then removed within a minute, their code in a day.",
                   (long long)(used >> 20), limit);
}

void disk_quota_write(struct json_out *j, struct disk_quota *q, const char *user, int own_mb)
{
    if (!q)
        return;
    json_out_key(j, "disk");
    json_out_object(j);
    json_out_kint(j, "usedMB", quota_used(q->account, user) >> 20);
    json_out_kint(j, "limitMB", own_mb ? own_mb : q->config.usual_mb);
    json_out_object_end(j);
}

void disk_quota_deleted(struct disk_quota *q, const char *user)
{
    if (q)
        quota_ask(q->account, user);
}
