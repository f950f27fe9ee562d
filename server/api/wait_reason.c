/* SPDX-License-Identifier: MIT
 *
 * Explaining tries a placement out, so each reply has its own copy of the published state. A list explains its first
 * waiting jobs for BUDGET_MS and no longer: the rest is told when it is asked for.
 */
#include "server/api/wait_reason.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "core/core.h"
#include "jobs/jobs_store.h"
#include "jobs/spec.h"
#include "scheduler/cluster.h"
#include "scheduler/pass.h"
#include "server/api/api.h"
#include "server/snapshot.h"

enum { BUDGET_MS = 20 };

struct wait_reason {
    struct snapshots *snapshots;
    struct snapshot *snap;
    struct cluster *own;
    int64_t until_mono;
};

struct wait_reason *wait_reason_begin(struct api *a)
{
    struct wait_reason *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    w->snapshots = a->snapshots;
    w->snap = snapshots_get(a->snapshots);
    w->own = w->snap ? cluster_clone(w->snap->cluster) : NULL;
    w->until_mono = clock_read().mono + BUDGET_MS;
    if (w->own)
        return w;
    wait_reason_end(w);
    return NULL;
}

void wait_reason_end(struct wait_reason *w)
{
    if (!w)
        return;
    cluster_destroy(w->own);
    snapshots_put(w->snapshots, w->snap);
    free(w);
}

void wait_reason_say(struct wait_reason *w, const struct spec *spec, int64_t submitted_ms, struct buf *out)
{
    struct arena *a = w ? arena_create(0) : NULL;
    struct sched_request *q = a ? core_request(a, spec) : NULL;
    struct buf text;
    buf_init(&text, 4096);
    /* What fits a state from before the submission may not fit the one that the job met. */
    if (q && pass_explain(w->own, q, &text) == SCHED_REASON_FITS && w->snap->wall_ms <= submitted_ms) {
        buf_reset(&text);
        buf_adds(&text, "Just submitted: its place is being looked for.");
    }
    buf_adds(out, buf_str(&text));
    buf_fini(&text);
    arena_destroy(a);
}

struct row_spec {
    struct arena *arena;
    const struct spec *spec;
};

static int take_spec(void *ctx, const struct job_row *row)
{
    struct row_spec *x = ctx;
    struct err e = {0};
    x->spec = spec_load(x->arena, row->config, strlen(row->config), &e);
    return 0;
}

void wait_reason_say_row(struct wait_reason *w, struct store *s, const struct job_row *row, struct buf *out)
{
    if (!w || clock_read().mono >= w->until_mono)
        return;
    struct err e = {0}; /* a reason that cannot be told is no failure of the list */
    struct row_spec x = {.arena = arena_create(0)};
    if (x.arena && jobs_store_read_job(s, row->id, take_spec, &x, &e) == 0 && x.spec)
        wait_reason_say(w, x.spec, row->submitted_ms, out);
    arena_destroy(x.arena);
}
