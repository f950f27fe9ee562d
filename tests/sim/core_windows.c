/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows under random histories: what is stored of them, and what must hold, stated anew. Nothing starts
 * on a node where it may still be when a window begins that was made before; nodes are in maintenance from the
 * beginning to the end and at no other time.
 */
#include <stdio.h>
#include <string.h>

#include "scheduler/cluster.h"
#include "tests/sim/core_windows.h"

/* Names of the nodes of a mask, as the core is told them. */
struct names {
    char text[NODES][8];
    const char *list[NODES];
    size_t count;
};

static void write_names(uint32_t mask, struct names *out)
{
    out->count = 0;
    for (int n = 0; n < NODES && mask != UINT32_MAX; n++) {
        if (!(mask >> n & 1))
            continue;
        snprintf(out->text[out->count], sizeof out->text[0], "n%d", n);
        out->list[out->count] = out->text[out->count];
        out->count++;
    }
}

static bool covers(const struct row_window *r, int node)
{
    return r->there && !r->m.over_ms && (r->mask >> node & 1);
}

/* ---- what happens ---- */

static uint32_t draw_mask(struct world *w)
{
    uint32_t mask = 0;
    if (random_below(&w->seed, 4) == 0)
        return UINT32_MAX;
    for (int i = 1 + random_below(&w->seed, 3); i > 0; i--)
        mask |= UINT32_C(1) << random_below(&w->seed, w->node_count);
    return mask;
}

void window_event(struct world *w)
{
    int64_t made; /* nobody reads it: rows tell */
    struct names names;
    int i = random_below(&w->seed, WINDOWS);
    const struct row_window *r = &w->windows[i];
    struct maintenance m = {.reason = "", .user = "", .stop = random_below(&w->seed, 3) == 0};
    struct command_maintenance what = {.op = COMMAND_MAINTENANCE_ADD, .window = &m, .made = &made};
    m.start_ms = w->now.wall + random_below(&w->seed, 60000) - 1000;
    m.end_ms = m.start_ms + 2000 + random_below(&w->seed, 40000);
    if (r->there && !r->m.over_ms) {
        what.op = random_below(&w->seed, 2) ? COMMAND_MAINTENANCE_CHANGE : COMMAND_MAINTENANCE_REMOVE;
        what.id = r->m.id;
    }
    write_names(draw_mask(w), &names);
    m.nodes = names.list;
    m.node_count = names.count;
    w->replan = w->replan || what.op == COMMAND_MAINTENANCE_ADD;
    core_step(w->core, &(struct command){.kind = COMMAND_MAINTENANCE, .maintenance = what}, w->now, &w->fx);
}

/* ---- rows ---- */

/* Who runs there is sent away, or to wait again, by its wish for the case of preemption. */
static void send_away(struct world *w, const struct row_window *x)
{
    for (int i = 0; i < JOBS; i++) {
        struct row_job *r = &w->jobs[i];
        bool there = false;
        for (int k = 0; r->used && k < wish_tasks(&r->wish); k++) {
            const struct row_task *t = &r->tasks[k];
            there = there ||
                    (t->there && t->job_attempt == r->row.attempt && (t->told & STATE_PLACED) && covers(x, t->node));
        }
        if (!there || !(r->told & (STATE_STARTING | STATE_RUNNING)))
            continue;
        r->sent = r->wish.preemption == SPEC_PREEMPTION_STOP ? SENT_AWAY : SENT_WAITING;
        r->retries_then = r->row.retries_user + r->row.retries_platform + r->row.retries_resource;
    }
}

/* Where its row is, or can be; NULL: nowhere. */
static struct row_window *find_row(struct world *w, int64_t id)
{
    struct row_window *r = NULL;
    for (int i = 0; i < WINDOWS && !r; i++)
        r = w->windows[i].there && w->windows[i].m.id == id ? &w->windows[i] : NULL;
    for (int i = 0; i < WINDOWS && !r; i++)
        r = !w->windows[i].there || w->windows[i].m.over_ms ? &w->windows[i] : NULL;
    return r;
}

bool window_row(struct world *w, const struct maintenance *m)
{
    struct row_window *r = find_row(w, m->id);
    if (!r)
        return wrong("there are more windows than were made");
    bool known = r->there && r->m.id == m->id, begins = m->begun_ms && !(known && r->m.begun_ms);
    if (known && r->m.over_ms)
        return wrong("a window changes that is over");
    *r = (struct row_window){.there = true, .m = *m, .mask = m->node_count ? 0 : UINT32_MAX};
    for (size_t i = 0; i < m->node_count; i++)
        r->mask |= UINT32_C(1) << world_node(m->nodes[i]);
    if (begins && m->stop)
        send_away(w, r);
    if (m->id > w->last_id)
        w->last_id = m->id;
    return true;
}

bool windows_load(struct world *w)
{
    struct names names;
    for (int i = 0; i < WINDOWS; i++) {
        struct maintenance m = w->windows[i].m;
        if (!w->windows[i].there || m.over_ms)
            continue;
        write_names(w->windows[i].mask, &names);
        m.nodes = names.list;
        m.node_count = names.count;
        m.reason = m.user = "";
        if (core_load_maintenance(w->core, &m))
            return false;
    }
    return true;
}

/* ---- what must hold ---- */

bool windows_any(const struct world *w)
{
    for (int i = 0; i < WINDOWS; i++)
        if (w->windows[i].there && !w->windows[i].m.over_ms)
            return true;
    return false;
}

bool windows_allow(const struct world *w, const struct row_job *r, int node)
{
    int64_t limit = vc_time_limit_ms(&w->vcs[w->vc_there[r->wish.vc] ? r->wish.vc : 0], r->wish.limit_ms);
    for (int i = 0; i < WINDOWS; i++) {
        const struct row_window *x = &w->windows[i];
        if (!covers(x, node))
            continue;
        if (x->m.begun_ms)
            return wrong("a task starts on a node in maintenance");
        if (!limit || w->now.wall + limit > x->m.start_ms)
            return wrong("a task starts that may still run when maintenance of its node begins");
    }
    return true;
}

bool windows_hold(const struct world *w)
{
    const struct cluster *c = core_cluster(w->core);
    for (int i = 0; i < WINDOWS; i++) {
        const struct row_window *x = &w->windows[i];
        if (x->there && !x->m.over_ms &&
            (x->m.end_ms <= w->now.wall || (!x->m.begun_ms && x->m.start_ms <= w->now.wall)))
            return wrong("a window is not begun, or not over, when it should be");
    }
    for (int n = 0; n < w->node_count; n++) {
        int index = cluster_find(c, w->nodes[n].n.name);
        bool in = false;
        for (int i = 0; i < WINDOWS; i++)
            in = in || (covers(&w->windows[i], n) && w->windows[i].m.begun_ms);
        if (index >= 0 && cluster_at(c, index)->info.maintenance != in)
            return wrong("a node is in maintenance outside its windows, or is not in one");
    }
    return true;
}
