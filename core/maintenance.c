/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows. The account knows the next window of each node, and the grid starts nobody there who might run
 * into it; while one lasts its nodes are as if cordoned, by a mark of their own, so that an admin's marks stay what
 * they were.
 *
 *   made ─► planned ─► (start) ─► active ─► (end) ─► over
 *                └────► removed ◄────┘
 *
 * Windows go by the wall clock: it is looked at before each pass whether one is due, and the loop wakes when the
 * monotonic clock says that one should be. What passed wholly while the server was down is over without having begun.
 */
#include "core/maintenance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "core/internal.h"
#include "jobs/exits.h"

enum { WINDOW_ARENA_MAX = 1 << 20 };

void core_maintenance_when(int64_t wall_ms, char out[32])
{
    time_t at = (time_t)(wall_ms / 1000);
    struct tm tm;
    if (!gmtime_r(&at, &tm) || !strftime(out, 32, "%Y-%m-%d %H:%M UTC", &tm))
        snprintf(out, 32, "%lld", (long long)wall_ms);
}

/* ---- the list ---- */

/* Takes a copy in. NULL on out of memory. */
static struct maintenance *take_in(struct core_windows *w, const struct maintenance *m)
{
    if (w->count == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : 8;
        struct core_window *grown = realloc(w->list, cap * sizeof *grown);
        if (!grown)
            return NULL;
        w->list = grown;
        w->cap = cap;
    }
    struct core_window fresh = {.arena = arena_create(WINDOW_ARENA_MAX)};
    fresh.m = fresh.arena ? maintenance_dup(fresh.arena, m) : NULL;
    if (!fresh.m) {
        arena_destroy(fresh.arena);
        return NULL;
    }
    w->list[w->count++] = fresh;
    return fresh.m;
}

static void drop(struct core_windows *w, size_t i)
{
    arena_destroy(w->list[i].arena);
    memmove(&w->list[i], &w->list[i + 1], (--w->count - i) * sizeof *w->list);
}

void core_maintenance_fini(struct core *c)
{
    while (c->windows.count)
        drop(&c->windows, c->windows.count - 1);
    free(c->windows.list);
    c->windows.list = NULL;
}

bool core_maintenance_covers(const struct core *c, const char *node)
{
    for (size_t i = 0; i < c->windows.count; i++)
        if (c->windows.list[i].m->begun_ms && maintenance_covers(c->windows.list[i].m, node))
            return true;
    return false;
}

/* ---- what the account and the grid go by ---- */

void core_maintenance_mark(struct core *c, int index)
{
    const struct node *n = &cluster_at(c->cluster, index)->info;
    int64_t closes = 0, opens = 0, until = 0;
    for (size_t i = 0; i < c->windows.count; i++) {
        const struct maintenance *m = c->windows.list[i].m;
        if (!maintenance_covers(m, n->name))
            continue;
        if (m->begun_ms) {
            until = m->end_ms > until ? m->end_ms : until;
        } else if (!closes || m->start_ms < closes) {
            closes = m->start_ms;
            opens = m->end_ms;
        }
    }
    cluster_close(c->cluster, index, closes, until ? until : opens);
}

static void mark_all(struct core *c)
{
    for (size_t i = 0; i < cluster_count(c->cluster); i++)
        core_maintenance_mark(c, (int)i);
    if (!c->stale)
        grid_touch(c->grid);
    c->avoid_stale = true;
    c->changes++;
}

static void find_due(struct core_windows *w, struct clock_now now)
{
    w->due_wall = w->due_mono = INT64_MAX;
    for (size_t i = 0; i < w->count; i++) {
        const struct maintenance *m = w->list[i].m;
        int64_t at = m->begun_ms ? m->end_ms : m->start_ms;
        w->due_wall = at < w->due_wall ? at : w->due_wall;
    }
    if (w->due_wall != INT64_MAX)
        w->due_mono = now.mono + w->due_wall - now.wall;
}

/* Nodes enter or leave maintenance; of each that is told. `by` did it; NULL: the clock. */
static void flip(struct step *s, const struct maintenance *m, const char *by)
{
    struct core *c = s->core;
    for (size_t i = 0; i < cluster_count(c->cluster); i++) {
        struct node n = cluster_at(c->cluster, (int)i)->info;
        bool in = core_maintenance_covers(c, n.name);
        if (n.maintenance == in)
            continue;
        n.maintenance = in;
        if (core_node_put(c, &n))
            s->fx->failed = true;
        effects_node_event(s->fx, &(struct node_event){.id = c->next_event_id++,
                                                       .time_ms = s->now.wall,
                                                       .kind = in ? NODE_MAINTENANCE_BEGUN : NODE_MAINTENANCE_OVER,
                                                       .node = n.name,
                                                       .user = by ? by : "",
                                                       .reason = m->reason});
    }
}

/* ---- who is there ---- */

/* A placed task of the job on one of its nodes; NULL: none. */
static const struct task *task_on(const struct maintenance *m, const struct job *j)
{
    for (int i = 0; i < j->spec->total_tasks; i++)
        if ((j->tasks[i].state & STATE_PLACED) && maintenance_covers(m, j->tasks[i].node))
            return &j->tasks[i];
    return NULL;
}

/* Whether the time that it may run ends before the window begins. */
static bool ends_before(const struct core *c, const struct job *j, const struct maintenance *m)
{
    int64_t limit = core_time_limit(c, j), from = j->launched_ms ? j->launched_ms : j->created_ms;
    return limit && from + limit <= m->start_ms;
}

/* Who may still be there when it begins: it did not know. */
static void tell_planned(struct step *s, struct job *j, const struct maintenance *m)
{
    const struct task *t = task_on(m, j);
    char when[32];
    if (!t || j->outcome || j->stop_requested || ends_before(s->core, j, m))
        return;
    core_maintenance_when(m->start_ms, when);
    core_event_task(s, t, "MaintenancePlanned", "Maintenance of node %s begins at %s%s%s; %s.", t->node, when,
                    m->reason[0] ? ": " : "", m->reason,
                    m->stop ? "what runs there then is stopped" : "what runs there then goes on to its end");
}

static void tell_begun(struct step *s, struct job *j, const struct maintenance *m)
{
    const struct task *t = task_on(m, j);
    struct exit_trigger why = {.message = ""};
    if (!t || j->outcome || j->stop_requested)
        return;
    if (!m->stop) {
        core_event_task(s, t, "MaintenanceBegun", "Maintenance of node %s has begun; it may run to its end.", t->node);
        return;
    }
    snprintf(why.message, sizeof why.message, "Stopped for the maintenance of node %.63s%s%.100s.", t->node,
             m->reason[0] ? ": " : "", m->reason);
    if (j->spec->preemption == SPEC_PREEMPTION_STOP)
        core_stop_for(s, j, why.message);
    else /* as if preempted: it waits again, and that counts as no retry */
        core_decide(s, j, STATE_FAILED, EXIT_CODE_PREEMPTED, &why);
}

typedef void told_fn(struct step *s, struct job *j, const struct maintenance *m);

/* Each live job, in the order of submission. */
static void tell_jobs(struct step *s, const struct maintenance *m, told_fn *fn)
{
    size_t n;
    struct job **all = core_by_seq(s->core, &n);
    if (!all)
        s->fx->failed = true;
    for (size_t i = 0; all && i < n; i++)
        fn(s, all[i], m);
    free(all);
}

static void tell_leases(struct step *s, const struct maintenance *m)
{
    for (size_t i = 0; i < s->core->leases.count; i++) {
        struct job *stand = s->core->leases.list[i];
        if (maintenance_covers(m, stand->lease->node))
            core_lease_maintenance(s, stand, m);
    }
}

/* ---- time ---- */

static void begin(struct step *s, struct maintenance *m)
{
    m->begun_ms = s->now.wall;
    effects_maintenance(s->fx, m);
    flip(s, m, NULL);
    tell_jobs(s, m, tell_begun);
    tell_leases(s, m);
}

static void end(struct step *s, size_t i, const char *by)
{
    struct core_windows *w = &s->core->windows;
    struct core_window gone = w->list[i];
    gone.m->over_ms = s->now.wall;
    gone.m->removed = by != NULL;
    effects_maintenance(s->fx, gone.m);
    memmove(&w->list[i], &w->list[i + 1], (--w->count - i) * sizeof *w->list);
    flip(s, gone.m, by);
    arena_destroy(gone.arena);
}

void core_maintenance_look(struct step *s)
{
    struct core_windows *w = &s->core->windows;
    if (s->now.wall < w->due_wall && s->now.mono < w->due_mono)
        return;
    for (size_t i = 0; i < w->count;) {
        if (w->list[i].m->end_ms <= s->now.wall) {
            end(s, i, NULL);
            continue;
        }
        if (!w->list[i].m->begun_ms && w->list[i].m->start_ms <= s->now.wall)
            begin(s, w->list[i].m);
        i++;
    }
    mark_all(s->core);
    find_due(w, s->now);
}

int core_load_maintenance(struct core *c, const struct maintenance *m)
{
    struct maintenance *own = take_in(&c->windows, m);
    if (!own)
        return -1;
    c->windows.due_wall = c->windows.due_mono = 0; /* to be looked at before the first pass */
    for (size_t i = 0; own->begun_ms && i < cluster_count(c->cluster); i++) {
        struct node n = cluster_at(c->cluster, (int)i)->info;
        n.maintenance = core_maintenance_covers(c, n.name);
        if (core_node_put(c, &n))
            return -1;
    }
    return 0;
}

/* ---- commands ---- */

static int check(const struct step *s, const struct maintenance *m, struct err *e)
{
    if (m->end_ms <= m->start_ms || m->end_ms <= s->now.wall)
        return err_set(e, ERR_INVALID_PARAMETERS, "A maintenance window ends after it has begun, and after now.");
    for (size_t i = 0; i < m->node_count; i++)
        if (cluster_find(s->core->cluster, m->nodes[i]) < 0)
            return err_set(e, ERR_NO_NODE, "Node %.100s is not found.", m->nodes[i]);
    return 0;
}

static struct core_window *find(struct core_windows *w, int64_t id, struct err *e)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->list[i].m->id == id)
            return &w->list[i];
    err_set(e, ERR_NO_MAINTENANCE, "There is no maintenance window %lld that is planned or active.", (long long)id);
    return NULL;
}

/* It is as it shall be: who runs is told, and it begins with the next pass where it is due. */
static void settle(struct step *s, const struct maintenance *m)
{
    effects_maintenance(s->fx, m);
    if (!m->begun_ms && m->start_ms > s->now.wall) {
        tell_jobs(s, m, tell_planned);
        tell_leases(s, m);
    }
    mark_all(s->core);
    find_due(&s->core->windows, s->now);
}

static int add(struct step *s, const struct command *cmd, struct err *e)
{
    struct core *c = s->core;
    struct maintenance fresh = *cmd->maintenance.window;
    if (c->windows.count >= MAINTENANCE_WINDOWS_MAX)
        return err_set(e, ERR_CONFLICT_WINDOW, "There are %d maintenance windows already; no more are kept.",
                       MAINTENANCE_WINDOWS_MAX);
    if (check(s, &fresh, e))
        return -1;
    fresh.id = c->next_event_id++;
    fresh.created_ms = s->now.wall;
    fresh.begun_ms = fresh.over_ms = 0;
    fresh.removed = false;
    fresh.user = cmd->actor.user ? cmd->actor.user : "";
    const struct maintenance *m = take_in(&c->windows, &fresh);
    if (!m) {
        s->fx->failed = true;
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    if (c->windows.count == 1)
        core_vc_refresh(c); /* from now on the line tells jobs apart by their time limits */
    *cmd->maintenance.made = m->id;
    settle(s, m);
    return 0;
}

static bool same_nodes(const struct maintenance *a, const struct maintenance *b)
{
    if (a->node_count != b->node_count)
        return false;
    for (size_t i = 0; i < a->node_count; i++)
        if (strcmp(a->nodes[i], b->nodes[i]) != 0)
            return false;
    return true;
}

/* The window `was` as it shall be, made in `arena`; NULL on out of memory. Who was not told of an earlier beginning, or
 * of another node, started before it was made. */
static struct maintenance *changed(struct arena *arena, const struct maintenance *was, const struct maintenance *wish,
                                   int64_t now_ms)
{
    struct maintenance *m = arena ? maintenance_dup(arena, wish) : NULL;
    if (!m || !(m->user = arena_strdup(arena, was->user)))
        return NULL;
    m->id = was->id;
    m->begun_ms = was->begun_ms;
    m->created_ms = m->start_ms < was->start_ms || !same_nodes(m, was) ? now_ms : was->created_ms;
    return m;
}

/* A window that has begun keeps its beginning and its nodes. */
static int change(struct step *s, const struct command *cmd, struct err *e)
{
    struct core_window *at = find(&s->core->windows, cmd->maintenance.id, e);
    if (!at || check(s, cmd->maintenance.window, e))
        return -1;
    struct arena *arena = arena_create(WINDOW_ARENA_MAX);
    struct maintenance *m = changed(arena, at->m, cmd->maintenance.window, s->now.wall);
    if (!m) {
        s->fx->failed = true;
        err_set(e, ERR_INTERNAL, "Out of memory.");
    } else if (m->begun_ms && (m->start_ms != at->m->start_ms || !same_nodes(m, at->m))) {
        err_set(e, ERR_CONFLICT_WINDOW,
                "The maintenance has begun: its nodes and its beginning cannot be changed any more.");
    }
    if (e->code) {
        arena_destroy(arena);
        return -1;
    }
    arena_destroy(at->arena);
    *at = (struct core_window){.arena = arena, .m = m};
    settle(s, m);
    return 0;
}

static int cancel(struct step *s, const struct command *cmd, struct err *e)
{
    const struct core_window *at = find(&s->core->windows, cmd->maintenance.id, e);
    if (!at)
        return -1;
    end(s, (size_t)(at - s->core->windows.list), cmd->actor.user ? cmd->actor.user : "");
    mark_all(s->core);
    find_due(&s->core->windows, s->now);
    return 0;
}

void core_maintenance(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    switch (cmd->maintenance.op) {
    case COMMAND_MAINTENANCE_ADD:
        (void)add(s, cmd, &e);
        break;
    case COMMAND_MAINTENANCE_CHANGE:
        (void)change(s, cmd, &e);
        break;
    case COMMAND_MAINTENANCE_REMOVE:
        (void)cancel(s, cmd, &e);
        break;
    }
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}
