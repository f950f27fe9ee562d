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

/* As jobs_store_find_vc. */
static int find_vc(const struct retention *r, const char *attempt, char vc[JOB_USER_MAX + 1])
{
    struct err e = {0};
    struct store *store = readers_get(r->readers, &e);
    int rc = store ? jobs_store_find_vc(store, attempt, vc, &e) : -1;

    if (store)
        readers_put(r->readers, store);
    if (rc < 0)
        log_warn("retention_unknown", "attempt %s: %s; its logs stay", attempt, e.text);
    return rc;
}

int64_t retention_logs_ms(void *ctx, const char *attempt)
{
    const struct retention *r = ctx;
    struct snapshot *now = snapshots_get(r->snapshots);
    char name[JOB_USER_MAX + 1];
    int64_t ms = now ? r->usual_ms : -1;

    if (now && any_says(now->view)) {
        int found = find_vc(r, attempt, name);
        const struct core_view_vc *vc = found > 0 ? core_view_vc(now->view, name) : NULL;

        if (found < 0)
            ms = -1;
        else if (vc && vc->spec.keep_logs_days)
            ms = vc->spec.keep_logs_days * RETENTION_DAY_MS;
    }
    snapshots_put(r->snapshots, now);
    return ms;
}
