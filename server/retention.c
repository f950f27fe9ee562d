/* SPDX-License-Identifier: MIT
 *
 * The settings are those of the newest snapshot; whose job an attempt was is asked of the database, and only where some
 * virtual cluster has a setting of its own.
 */
#include "server/retention.h"

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "base/log.h"
#include "core/core.h"
#include "jobs/jobs_store.h"
#include "server/readers.h"
#include "server/snapshot.h"

static bool any_says(const struct core_view *v)
{
    for (size_t i = 0; i < v->vc_count; i++)
        if (v->vcs[i].spec.keep_logs_days)
            return true;
    return false;
}

int retention_owner(struct readers *readers, const char *attempt, struct jobs_store_owner *out)
{
    struct err e = {0};
    struct store *store = readers_get(readers, &e);
    int rc = store ? jobs_store_find_owner(store, attempt, out, &e) : -1;

    if (store)
        readers_put(readers, store);
    if (rc < 0)
        log_warn("owner_unknown", "attempt %s: %s; what it left stays, and is not counted", attempt, e.text);
    return rc;
}

int64_t retention_logs_ms(void *ctx, const char *attempt)
{
    const struct retention *r = ctx;
    struct snapshot *now = snapshots_get(r->snapshots);
    struct jobs_store_owner owner;
    int64_t ms = now ? r->usual_ms : -1;

    if (now && any_says(now->view)) {
        int found = retention_owner(r->readers, attempt, &owner);
        const struct core_view_vc *vc = found > 0 ? core_view_vc(now->view, owner.vc) : NULL;

        if (found < 0)
            ms = -1;
        else if (vc && vc->spec.keep_logs_days)
            ms = vc->spec.keep_logs_days * RETENTION_DAY_MS;
    }
    snapshots_put(r->snapshots, now);
    return ms;
}
