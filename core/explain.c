/* SPDX-License-Identifier: MIT
 *
 * The plan as it is shown (a copy of the grid with the names of who holds or has reserved), and questions to it. A copy
 * is shared by the views that are made until the plan changes, or for SHOWN_MS: it costs a millisecond for some
 * thousand running jobs.
 */
#include "core/explain.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/avoid.h"
#include "core/internal.h"
#include "core/plan.h"

enum { SHOWN_MS = 250, SHOWN_LINE = 256 /* of those who wait; who comes later is taken to come after them */ };

struct core_shown {
    atomic_int refs;
    struct grid *grid;
    char **names; /* by gang; NULL: is not shown */
    int count;
    struct line_place line[SHOWN_LINE]; /* the first gangs of the line */
    size_t line_count;
    int64_t *since; /* by gang: of those who have reserved, since when they have waited */
    int64_t aged_since_ms;
    struct core_user *users; /* those with a number */
    size_t user_count;
    struct vc *vcs; /* as the plan was made of them */
    size_t vc_count;
    struct explain_chooser choosers[SHOWN_LINE]; /* those of the line who keep away from nodes, and how */
    struct shown_choice {
        struct spec spec; /* its wishes for nodes */
        struct avoid from;
    } * choices;
    size_t chooser_count;
    struct arena *wishes; /* of the choices */
};

/* ---- showing ---- */

void core_shown_put(struct core_shown *s)
{
    if (!s || atomic_fetch_sub(&s->refs, 1) > 1)
        return;
    grid_destroy(s->grid);
    for (int i = 0; s->names && i < s->count; i++)
        free(s->names[i]);
    free(s->names);
    free(s->users);
    free(s->vcs);
    free(s->choices);
    free(s->since);
    arena_destroy(s->wishes);
    free(s);
}

static bool name_gang(struct core_shown *s, const struct grid *g, int gang)
{
    const struct job *j = grid_owner(g, gang);
    if (!j || asprintf(&s->names[gang], "%s%s", j->full_name, j->lease ? " (debug reservation)" : "") < 0)
        s->names[gang] = NULL;
    return s->names[gang] != NULL;
}

/* Those who hold or have reserved something, and the first who wait. */
static bool name_gangs(struct core_shown *s, const struct core *c)
{
    size_t pos = 0;
    const struct job *j;
    bool ok = true;
    while ((j = hash_next(c->by_id, &pos)) && ok) {
        const struct core_gang *g = core_gang_of(j);
        if (!g || g->gang < 0 || grid_state_of(c->grid, g->gang) == GRID_WAITING)
            continue;
        s->since[g->gang] = g->line.since_ms;
        ok = name_gang(s, c->grid, g->gang);
    }
    for (size_t i = 0; i < c->leases.count && ok; i++) {
        const struct core_gang *g = core_gang_of(c->leases.list[i]);
        if (g && g->gang >= 0)
            ok = name_gang(s, c->grid, g->gang);
    }
    for (size_t i = 0; i < s->line_count && ok; i++)
        ok = name_gang(s, c->grid, s->line[i].gang);
    return ok;
}

static const char **copy_names(struct arena *a, const char *const *names)
{
    size_t n = 0;
    while (names && names[n])
        n++;
    const char **copy = names ? arena_calloc(a, n + 1, sizeof *copy) : NULL;
    for (size_t i = 0; copy && i < n; i++)
        if (!(copy[i] = arena_strdup(a, names[i])))
            return NULL;
    return copy;
}

/* Those of the line who go by what they keep away from: other machines would do, too. 0 or -1. */
static int list_choosers(struct core_shown *s, const struct core *c)
{
    for (size_t i = 0; i < s->line_count; i++) {
        const struct job *j = grid_owner(c->grid, s->line[i].gang);
        if (!core_avoids(j) && !j->spec->not_nodes)
            continue;
        if (!s->wishes && !(s->wishes = arena_create(0)))
            return -1;
        if (!s->choices && !(s->choices = calloc(SHOWN_LINE, sizeof *s->choices)))
            return -1;
        struct shown_choice *choice = &s->choices[s->chooser_count];
        choice->spec.nodes = copy_names(s->wishes, j->spec->nodes);
        choice->spec.not_nodes = copy_names(s->wishes, j->spec->not_nodes);
        if (core_avoids(j))
            choice->from = *j->avoid;
        s->choosers[s->chooser_count++] =
            (struct explain_chooser){.gang = s->line[i].gang, .avoids = choice->from.count};
        if ((j->spec->nodes && !choice->spec.nodes) || (j->spec->not_nodes && !choice->spec.not_nodes))
            return -1;
    }
    return 0;
}

static struct core_shown *make(const struct core *c, int64_t now_mono)
{
    struct core_shown *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    atomic_init(&s->refs, 1);
    s->count = grid_gangs(c->grid);
    s->aged_since_ms = now_mono - c->config.age_ms;
    s->line_count = line_first(c->line, s->line, SHOWN_LINE);
    s->grid = grid_clone(c->grid, s->line, s->line_count);
    s->since = calloc((size_t)s->count + 1, sizeof *s->since);
    s->names = calloc((size_t)s->count + 1, sizeof(char *));
    s->users = calloc(c->user_count + 1, sizeof *s->users);
    s->vcs = calloc(c->vc_count + 1, sizeof *s->vcs);
    for (; s->vcs && s->vc_count < c->vc_count; s->vc_count++)
        s->vcs[s->vc_count] = c->vcs[s->vc_count]->spec;
    for (; s->users && s->user_count < c->user_count; s->user_count++)
        s->users[s->user_count] = *c->users[s->user_count];
    if (s->grid && s->since && s->names && s->users && s->vcs && name_gangs(s, c) && !list_choosers(s, c))
        return s;
    core_shown_put(s);
    return NULL;
}

struct core_shown *core_shown_get(struct core *c, int64_t now_mono)
{
    bool fresh = c->shown && c->shown_at == c->changes;
    if (!fresh && !c->stale && (!c->shown || now_mono - c->shown_mono >= SHOWN_MS)) {
        struct core_shown *s = make(c, now_mono);
        if (s) {
            core_shown_put(c->shown);
            c->shown = s;
            c->shown_at = c->changes;
            c->shown_mono = now_mono;
        }
    }
    if (c->shown)
        atomic_fetch_add(&c->shown->refs, 1);
    return c->shown;
}

/* ---- what else might be ---- */

static size_t choose(const void *context, size_t n, int gone_back, const struct cluster *c, const char **out)
{
    const struct core_shown *s = context;
    struct avoid from = s->choices[n].from;
    avoid_drop(&from, gone_back);
    return core_wishes(c, &s->choices[n].spec, &from, out);
}

/* A promise more, where there is one already or room for it. Whether a PUT would be accepted: it is kept to what nobody
 * was promised, and to virtual clusters without a parent. */
static bool promise(const struct core_shown *s, struct vc *vc, const struct explain_change *change)
{
    int left = 0;
    const struct cluster *c = grid_account_of(s->grid);
    char sku[SKU_NAME_MAX];
    size_t i = 0;
    for (size_t n = 0; n < cluster_count(c); n++) {
        sku_of_node(&cluster_at(c, (int)n)->info, sku);
        left += strcmp(sku, change->sku) ? 0 : cluster_at(c, (int)n)->info.gpu_count;
    }
    for (size_t v = 0; v < s->vc_count; v++)
        left -= s->vcs[v].parent[0] ? 0 : core_vc_promised(c, &s->vcs[v], change->sku);
    if (change->quota_more > left || vc->parent[0] || !strcmp(vc->name, VC_DEFAULT))
        return false;
    while (i < vc->guarantee_count && strcmp(vc->guarantee[i].sku, change->sku) != 0)
        i++;
    if (i == VC_GUARANTEES_MAX)
        return false;
    if (i == vc->guarantee_count) {
        vc->guarantee[i] = (struct vc_guarantee){.sku = ""};
        snprintf(vc->guarantee[i].sku, SKU_NAME_MAX, "%s", change->sku);
        vc->guarantee_count++;
    }
    vc->guarantee[i].gpus += change->quota_more;
    return true;
}

/* Machines more, like one of the SKU. False: there is none. */
static bool add_nodes(struct cluster *c, const struct explain_change *change)
{
    char sku[SKU_NAME_MAX] = "";
    size_t i = 0, count = cluster_count(c);
    for (; i < count && strcmp(sku, change->sku) != 0; i++)
        sku_of_node(&cluster_at(c, (int)i)->info, sku);
    if (strcmp(sku, change->sku) != 0)
        return false;
    for (int n = 0; n < change->nodes_more; n++) {
        struct node fresh = cluster_at(c, (int)i - 1)->info;
        struct node_topology lies = cluster_at(c, (int)i - 1)->lies;
        lies.rack[0] = '\0'; /* a rack of its own */
        if (fresh.labels[0])
            node_topology_write(&lies, &fresh);
        snprintf(fresh.name, sizeof fresh.name, " %d", n); /* no node is called so */
        fresh.up = true;
        fresh.cordoned = fresh.draining = fresh.maintenance = false;
        for (int g = 0; g < fresh.gpu_count; g++) {
            fresh.gpus[g].quarantined = false;
            fresh.gpus[g].health = (struct gpu_mark){0};
        }
        if (cluster_put_node(c, &fresh) < 0)
            return false;
    }
    return true;
}

/* The virtual clusters with the change. NULL where it would be refused, or on out of memory. */
static struct vc *change_vcs(const struct core_shown *s, const struct explain_change *change)
{
    struct vc *vcs = calloc(s->vc_count + 1, sizeof *vcs);
    bool ok = vcs != NULL;
    for (size_t i = 0; i < s->vc_count && ok; i++) {
        vcs[i] = s->vcs[i];
        if (strcmp(vcs[i].name, change->vc) != 0)
            continue;
        vcs[i].borrow += change->borrow_more;
        vcs[i].user_cap += change->cap_more;
        ok = !change->quota_more || promise(s, &vcs[i], change);
    }
    if (ok)
        return vcs;
    free(vcs);
    return NULL;
}

static struct grid *replan(const void *context, const struct grid *g, const struct explain_change *change)
{
    const struct core_shown *s = context;
    struct vc *vcs = change_vcs(s, change);
    const struct vc **list = calloc(s->vc_count + 1, sizeof(struct vc *));
    struct cluster *account = vcs && list ? cluster_clone(grid_account_of(g)) : NULL;
    struct core_plan plan = {.vcs = NULL};
    struct grid *to = NULL;
    for (size_t i = 0; account && i < s->vc_count; i++)
        list[i] = &vcs[i];
    if (account && (!change->nodes_more || add_nodes(account, change)) &&
        !core_plan_draw(&(struct core_plan_from){.cluster = account, .vcs = list, .vc_count = s->vc_count}, &plan))
        to = grid_replan(g, &(struct grid_plan){&plan.topology, plan.vcs, account});
    core_plan_drop(&plan);
    if (!to)
        cluster_destroy(account);
    free(list);
    free(vcs);
    return to;
}

/* ---- asking ---- */

struct core_explainer {
    const struct core_view *view;
    struct explain *explain;
};

/* The question in the grid's terms, in an arena of its own. */
struct asking {
    struct arena *arena;
    struct explain_ask ask;
};

/* The nodes that will do: those that its spec allows, and of these what it does not avoid. 0 or -1. */
static int list_nodes(struct asking *a, struct core_explainer *x, const struct core_question *q)
{
    const struct cluster *c = x->view->cluster;
    const char **allowed, **names;
    struct avoid from = q->avoid;
    if (!q->spec->nodes && !q->spec->not_nodes && !from.count)
        return 0;
    allowed = arena_calloc(a->arena, cluster_count(c) + 1, sizeof(char *));
    names = arena_calloc(a->arena, cluster_count(c) + 1, sizeof(char *));
    if (!allowed || !names)
        return -1;
    const struct core_avoid_ask ask = {x->explain, &a->ask, c, q->spec, names};
    if (from.count) /* as the core will, when it is considered */
        avoid_drop(&from, core_avoid_excess(&ask, &from));
    a->ask.avoids = from.count > 0;
    a->ask.allowed = allowed;
    a->ask.allowed_count = core_wishes(c, q->spec, NULL, allowed);
    a->ask.nodes = names;
    a->ask.node_count = core_wishes(c, q->spec, &from, names);
    return 0;
}

/* Its gang in what is shown; -1 where it is not. */
static int find_gang(const struct core_shown *s, const char *full_name)
{
    for (int i = 0; i < s->count; i++)
        if (s->names[i] && !strcmp(s->names[i], full_name))
            return i;
    return -1;
}

/* Those of the line who come before it: all of what is shown, when it is not among them. */
static size_t count_ahead(const struct core_shown *s, int gang)
{
    size_t i = 0;
    while (i < s->line_count && s->line[i].gang != gang)
        i++;
    return i;
}

/* Whether a virtual cluster would accept the job as it is. */
static bool takes(const struct core_view_vc *vc, const struct spec *spec)
{
    const struct vc *v = &vc->spec;
    return !v->stopped && strcmp(v->name, spec->vc) != 0 && (!v->max_gpus || spec->total_gpus <= v->max_gpus) &&
           (!v->max_time || spec->time_limit_ms / 1000 <= v->max_time) &&
           (!v->max_jobs || vc->live_jobs < (size_t)v->max_jobs);
}

/* The other virtual clusters that its user may have it in. 0 or -1. */
static int list_vcs(struct asking *a, const struct core_view *v, const struct core_question *q)
{
    const char **names = arena_calloc(a->arena, v->vc_count + 1, sizeof(char *));
    size_t n = 0;
    if (!names)
        return -1;
    for (size_t i = 0; i < v->vc_count; i++) {
        bool may = !q->vcs;
        for (size_t k = 0; q->vcs && q->vcs[k]; k++)
            may = may || !strcmp(q->vcs[k], v->vcs[i].spec.name);
        if (may && takes(&v->vcs[i], q->spec))
            names[n++] = v->vcs[i].spec.name;
    }
    a->ask.vcs = names;
    return 0;
}

static int begin(struct asking *a, struct core_explainer *x, const struct core_question *q)
{
    const struct core_view *v = x->view;
    const struct core_shown *s = v->shown;
    a->arena = arena_create(0);
    struct grid_request *r = a->arena ? core_ask(a->arena, q->spec) : NULL;
    if (!r)
        return -1;
    const struct core_view_vc *vc = core_view_vc(v, q->spec->vc);
    int gang = find_gang(s, q->full_name), user = 0;
    if (!vc)
        r->vc = VC_DEFAULT; /* as core_vc_of */
    r->seq = INT64_MAX;
    r->lasts_ms = vc ? vc_time_limit_ms(&vc->spec, q->spec->time_limit_ms) : q->spec->time_limit_ms;
    for (size_t i = 0; i < s->user_count; i++)
        if (!strcmp(s->users[i].name, q->user))
            user = s->users[i].number;
    if (vc && vc->spec.user_cap)
        r->user = user;
    a->ask = (struct explain_ask){
        .request = r, .self = gang, .not = -1, .user = user, .ahead = s->line, .replan = replan, .context = s};
    a->ask.choosers = s->choosers;
    a->ask.chooser_count = s->chooser_count;
    a->ask.choice = choose;
    a->ask.held = q->held_by != NULL;
    a->ask.backs_off = q->backoff_ms > 0;
    a->ask.now_ms = q->now_ms;
    a->ask.aged_since_ms = s->aged_since_ms;
    a->ask.reserving_since = s->since;
    a->ask.ahead_count = count_ahead(s, gang);
    a->ask.line_count = s->line_count;
    return list_nodes(a, x, q) || list_vcs(a, v, q) ? -1 : 0;
}

struct core_explainer *core_explainer_create(const struct core_view *v)
{
    struct core_explainer *x = v->shown ? calloc(1, sizeof *x) : NULL;
    if (!x)
        return NULL;
    x->view = v;
    x->explain = explain_begin(v->shown->grid);
    if (x->explain)
        return x;
    free(x);
    return NULL;
}

void core_explainer_destroy(struct core_explainer *x)
{
    if (x)
        explain_end(x->explain);
    free(x);
}

int core_explain_brief(struct core_explainer *x, const struct core_question *q, struct explanation *out)
{
    struct asking a = {.arena = NULL};
    int rc = begin(&a, x, q) || explain_brief(x->explain, &a.ask, out) ? -1 : 0;
    arena_destroy(a.arena);
    return rc;
}

int core_explain_whole(struct core_explainer *x, const struct core_question *q, struct explanation *out)
{
    struct asking a = {.arena = NULL};
    int rc = begin(&a, x, q) || explain_whole(x->explain, &a.ask, out) ? -1 : 0;
    arena_destroy(a.arena);
    return rc;
}

const char *core_explain_job(const struct core_view *v, int gang)
{
    return v->shown->names[gang] ? v->shown->names[gang] : "";
}
