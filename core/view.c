/* SPDX-License-Identifier: MIT
 *
 * What readers on other threads are shown.
 */
#include <stdlib.h>
#include <string.h>

#include "core/internal.h"

struct core_view *core_view_create(struct core *c, int64_t now_mono)
{
    struct core_view *v = calloc(1, sizeof *v);
    if (!v)
        return NULL;
    core_vc_amounts(c);
    v->cluster = cluster_clone(c->cluster);
    v->shown = core_shown_get(c, now_mono);
    v->behind = !v->shown || c->shown_at != c->changes;
    v->vcs = calloc(c->vc_count, sizeof *v->vcs);
    if (!v->cluster || !v->vcs) {
        core_view_destroy(v);
        return NULL;
    }
    for (size_t i = 0; i < c->vc_count; i++) {
        /* The plan numbers them alike; it is stale only between a step and its pass. */
        struct grid_use use = c->stale ? (struct grid_use){0} : grid_use_of(c->grid, i);
        v->vcs[i] = (struct core_view_vc){.spec = c->vcs[i]->spec,
                                          .guaranteed = c->vcs[i]->guaranteed,
                                          .held = use.held + use.borrowed,
                                          .used = c->vcs[i]->used,
                                          .live_jobs = c->vcs[i]->live_jobs,
                                          .leases = c->vcs[i]->leases};
    }
    v->vc_count = c->vc_count;
    v->live_jobs = core_live_jobs(c);
    v->waiting_jobs = core_waiting_jobs(c);
    return v;
}

void core_view_destroy(struct core_view *v)
{
    if (!v)
        return;
    cluster_destroy(v->cluster);
    core_shown_put(v->shown);
    free(v->vcs);
    free(v);
}

const struct core_view_vc *core_view_vc(const struct core_view *v, const char *name)
{
    for (size_t i = 0; i < v->vc_count; i++)
        if (!strcmp(v->vcs[i].spec.name, name))
            return &v->vcs[i];
    return NULL;
}
