/* SPDX-License-Identifier: MIT
 *
 * What would let a gang start now. A smaller or other request is for whoever waits before it nothing to take, as what
 * is free now was looked at for all. What becomes free (others end, machines return, limits grow) goes through the line
 * first: the copy has those who wait before it, and they are tried before it.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scheduler/explain_internal.h"

enum { TRIES_MAX = 512 /* gangs that are thought away, one after the other */ };

/* ---- smaller, or elsewhere ---- */

/* Whether the job would start if it were submitted anew as this. Who loses a reservation by it looks for another place,
 * and may have it go in turn. */
bool explain_starts_anew(struct explain *x, const struct explain_ask *ask, const struct grid_request *r)
{
    struct explain_ask other = *ask;
    if (!explain_starts(x, EXPLAIN_NOW, ask, r))
        return false;
    if (x->copies[EXPLAIN_NOW]) /* it was not upset */
        return true;
    other.request = r;
    other.not = ask->self;
    other.self = -1;
    struct grid *g = explain_clone(x);
    x->failed = x->failed || !g;
    return g && explain_passes(x, &other, g, EXPLAIN_NO_MACHINES);
}

/* Of the first kind of pods. */
struct size {
    int pods, gpus, cpus;
};

static bool starts_as(struct explain *x, const struct explain_ask *ask, struct size s)
{
    struct grid_pods pods[GRID_PODS_MAX];
    struct grid_need needs[GRID_PODS_MAX];
    struct grid_request r = *ask->request;
    memcpy(pods, r.pods, r.pod_kinds * sizeof *pods);
    pods[0] = (struct grid_pods){.count = s.pods, .gpus = s.gpus};
    r.pods = pods;
    if (r.needs) {
        memcpy(needs, r.needs, r.pod_kinds * sizeof *needs);
        needs[0].cpus = s.cpus;
        r.needs = needs;
    }
    return explain_starts_anew(x, ask, &r);
}

/* The next smaller number of pods to be tried; 0: none. */
static int fewer(int pods)
{
    return pods > 8 ? pods / 2 : pods - 1;
}

/* Of pods and GPUs at once: the most GPUs in each. */
static void try_both(struct explain *x, const struct explain_ask *ask, const struct size *all, struct explain_help *h)
{
    for (int gpus = all->gpus - 1; gpus > 0; gpus--)
        for (int pods = fewer(all->pods); pods > 0; pods = fewer(pods))
            if (starts_as(x, ask, (struct size){.pods = pods, .gpus = gpus, .cpus = all->cpus})) {
                h->fewer_both = true;
                h->fewer_pods = pods;
                h->fewer_gpus = gpus;
                return;
            }
}

/* Fewer tasks, fewer GPUs or CPUs in each; where none does, fewer tasks with fewer GPUs. */
static void try_smaller(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    const struct grid_request *r = ask->request;
    if (r->pod_kinds > GRID_PODS_MAX)
        return;
    struct size all = {.pods = r->pods[0].count, .gpus = r->pods[0].gpus, .cpus = r->needs ? (int)r->needs[0].cpus : 0};
    struct size s = all;
    for (s.pods = fewer(s.pods); s.pods > 0 && !h->fewer_pods; s.pods = fewer(s.pods))
        h->fewer_pods = starts_as(x, ask, s) ? s.pods : 0;
    s = all;
    for (s.gpus--; s.gpus > 0 && !h->fewer_gpus; s.gpus--)
        h->fewer_gpus = starts_as(x, ask, s) ? s.gpus : 0;
    s = all;
    for (s.cpus /= 2; s.cpus > 0 && !h->fewer_cpus; s.cpus /= 2)
        h->fewer_cpus = starts_as(x, ask, s) ? s.cpus : 0;
    if (!h->fewer_pods && !h->fewer_gpus)
        try_both(x, ask, &all, h);
}

static void try_skus(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    const struct topology *t = x->grid->topology;
    struct grid_request r = *ask->request;
    if (!r.model && !r.models)
        return;
    r.models = NULL;
    for (size_t c = 0; c < t->chain_count && !h->sku[0]; c++) {
        r.model = t->chains[c].level[0].name;
        if (explain_starts_anew(x, ask, &r))
            memcpy(h->sku, r.model, sizeof h->sku);
    }
}

static void try_elsewhere(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    struct explain_ask anywhere = *ask;
    struct grid_request r = *ask->request;
    anywhere.nodes = NULL;
    h->any_node = ask->nodes && explain_starts_anew(x, &anywhere, &r);
    for (size_t v = 0; ask->vcs && ask->vcs[v] && !h->vc[0] && !r.pin; v++) {
        int vc = explain_find_vc(x->grid, ask->vcs[v]);
        struct grid_request other = r;
        other.vc = ask->vcs[v];
        other.user = ask->user;
        if (vc >= 0 && explain_starts_anew(x, ask, &other))
            memcpy(h->vc, x->grid->vcs[vc].name, sizeof h->vc);
    }
    r.priority = -1;
    r.pin = NULL;
    h->opportunistic = ask->request->priority >= 0 && explain_starts_anew(x, ask, &r);
}

/* ---- copies ---- */

static struct grid *replan(const struct grid *g, const struct explain_ask *ask, struct explain_change change)
{
    change.vc = ask->request->vc;
    struct grid *to = ask->replan ? ask->replan(ask->context, g, &change) : NULL;
    if (to && ask->now_ms)
        grid_time(to, ask->now_ms);
    return to;
}

/* Down, cordoned, in maintenance, or about to be. */
static bool is_away(const struct cluster_node *n)
{
    return explain_is_bad(n) || explain_has_window(n);
}

static struct grid *clone(struct explain *x, const struct explain_ask *ask)
{
    struct grid *g = explain_clone(x);
    x->failed = x->failed || !g;
    if (g && x->cap_more)
        g->vcs[explain_find_vc(g, ask->request->vc)].user_cap += x->cap_more;
    for (size_t i = 0; g && x->mended && i < cluster_count(g->account); i++)
        if (is_away(cluster_at(g->account, (int)i)))
            explain_mend(g, (int)i);
    return g;
}

/* ---- limits, and machines more: another plan ---- */

static bool starts_after(struct explain *x, const struct explain_ask *ask, struct explain_change change)
{
    struct grid *g = replan(x->grid, ask, change);
    return g && explain_passes(x, ask, g, EXPLAIN_REPLANNED);
}

/* GPUs of its virtual cluster whose owners lost a guarantee and went on without: they are the first to borrow. */
static int lost_guarantee(const struct grid *g, int vc)
{
    int gpus = 0;
    for (int i = 0; i < g->gang_count; i++) {
        const struct gang *h = &g->gangs[i];
        if (explain_holds(g, i) && h->vc == vc && h->ask.priority >= 0 && h->oppo && !h->borrowed)
            gpus += h->total;
    }
    return gpus;
}

static int try_borrow(struct explain *x, const struct explain_ask *ask, const struct explanation *out)
{
    int vc = explain_find_vc(x->grid, ask->request->vc), more = out->use.borrowed + out->asked - out->borrow;
    int lost = vc < 0 ? 0 : lost_guarantee(x->grid, vc);
    if (more > 0 && starts_after(x, ask, (struct explain_change){.borrow_more = more}))
        return more;
    more += lost;
    return lost && more > 0 && starts_after(x, ask, (struct explain_change){.borrow_more = more}) ? more : 0;
}

static void try_quota(struct explain *x, const struct explain_ask *ask, const struct explanation *out,
                      struct explain_help *h)
{
    const struct topology *t = x->grid->topology;
    for (size_t c = 0; out->missing > 0 && c < t->chain_count && !h->quota_more; c++) {
        struct explain_change change = {.quota_more = out->missing, .sku = t->chains[c].level[0].name};
        if (!starts_after(x, ask, change))
            continue;
        h->quota_more = out->missing;
        memcpy(h->quota_sku, change.sku, sizeof h->quota_sku);
    }
}

/* One machine, or one for each of its pods. */
static void try_nodes_more(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    const struct topology *t = x->grid->topology;
    int pods = 0;
    for (size_t i = 0; i < ask->request->pod_kinds; i++)
        pods += ask->request->pods[i].count;
    for (size_t c = 0; c < t->chain_count && !h->nodes_more; c++)
        for (int n = 1; n <= pods && n <= EXPLAIN_NODES_MAX && !h->nodes_more; n = n < pods ? pods : n + 1) {
            struct explain_change change = {.nodes_more = n, .sku = t->chains[c].level[0].name};
            if (!starts_after(x, ask, change))
                continue;
            h->nodes_more = n;
            memcpy(h->nodes_sku, change.sku, sizeof h->nodes_sku);
        }
}

static void try_limits(struct explain *x, const struct explain_ask *ask, const struct explanation *out,
                       struct explain_help *h)
{
    int over = out->user_held + out->asked - out->user_cap;
    if (out->then == EXPLAIN_USER_CAP) {
        h->cap_more = starts_after(x, ask, (struct explain_change){.cap_more = over}) ? over : 0;
        return;
    }
    try_nodes_more(x, ask, h);
    if (ask->request->priority < 0 || ask->request->pin || !out->asked)
        return;
    h->borrow_more = try_borrow(x, ask, out);
    try_quota(x, ask, out, h);
}

/* ---- machines ---- */

/* Whether it starts when these machines (of the list, but for one) are up, and no maintenance of them is ahead. */
static bool starts_with(struct explain *x, const struct explain_ask *ask, const int *machines, int count, int but)
{
    struct grid *g = clone(x, ask);
    for (int i = 0; g && i < count; i++)
        if (i != but)
            explain_mend(g, machines[i]);
    return g && explain_passes(x, ask, g, EXPLAIN_MACHINES);
}

/* Machines that are away; -1 on out of memory. */
static int list_away(const struct cluster *c, int **out)
{
    int *away = calloc(cluster_count(c) + 1, sizeof *away), n = 0;
    for (size_t i = 0; away && i < cluster_count(c); i++)
        if (is_away(cluster_at(c, (int)i)))
            away[n++] = (int)i;
    *out = away;
    return away ? n : -1;
}

static void name_machines(const struct cluster *c, const int *machines, int n, struct explain_help *h)
{
    h->nodes_in_all = (size_t)n;
    for (; h->node_count < (size_t)n && h->node_count < EXPLAIN_NODES_MAX; h->node_count++)
        memcpy(h->nodes[h->node_count], cluster_at(c, machines[h->node_count])->info.name, NODE_NAME_MAX);
}

static void try_machines(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    int *away, n = list_away(x->grid->account, &away);
    x->failed = x->failed || n < 0;
    if (n > 0 && starts_with(x, ask, away, n, -1)) {
        for (int i = n; i-- > 0 && n <= TRIES_MAX;)
            if (starts_with(x, ask, away, n, i))
                memmove(&away[i], &away[i + 1], (size_t)(--n - i) * sizeof *away);
        name_machines(x->grid->account, away, n, h);
    }
    free(away);
}

/* ---- who is in the way ---- */

/* Gangs that may be thought away: those that hold something, the youngest first, then those that wait before it, from
 * the last on; those that are. */
struct candidates {
    struct candidate {
        int gang;
        int64_t seq;
        bool gone;
    } * list;
    int count;
};

enum who { WHO_RESERVES, WHO_SAME_USER, WHO_SAME_VC, WHO_HOLDS };

static bool counts(const struct grid *g, int gang, enum who who, const struct grid_request *r)
{
    const struct gang *h = &g->gangs[gang];
    int vc = explain_find_vc(g, r->vc);
    if (!explain_holds(g, gang))
        return false;
    switch (who) {
    case WHO_RESERVES:
        return h->state == GRID_PREEMPTING;
    case WHO_SAME_USER:
        return h->vc == vc && h->ask.user == r->user;
    case WHO_SAME_VC:
        return h->vc == vc;
    default:
        return true;
    }
}

static int younger(const void *a, const void *b)
{
    int64_t x = ((const struct candidate *)a)->seq, y = ((const struct candidate *)b)->seq;
    return x > y ? -1 : x < y;
}

static void list_candidates(const struct explain *x, const struct explain_ask *ask, enum who who,
                            struct candidates *all)
{
    for (int i = 0; i < x->grid->gang_count; i++)
        if (counts(x->grid, i, who, ask->request))
            all->list[all->count++] = (struct candidate){.gang = i, .seq = x->grid->gangs[i].ask.seq};
    qsort(all->list, (size_t)all->count, sizeof *all->list, younger);
    if (all->count > TRIES_MAX)
        all->count = TRIES_MAX;
    for (size_t i = ask->ahead_count; i-- > 0;)
        all->list[all->count++] = (struct candidate){.gang = ask->ahead[i].gang};
}

/* A copy without those that are gone. */
static struct grid *without(struct explain *x, const struct explain_ask *ask, const struct candidates *all)
{
    struct grid *g = clone(x, ask);
    for (int i = 0; g && i < all->count; i++)
        if (all->list[i].gone)
            grid_remove(g, all->list[i].gang);
    return g;
}

static bool starts_without(struct explain *x, const struct explain_ask *ask, const struct candidates *all)
{
    struct grid *g = without(x, ask, all), *from = g;
    if (g && x->cap_more) { /* the cap comes last: the plan is made anew of who is left */
        g = replan(from, ask, (struct explain_change){.cap_more = x->cap_more});
        grid_destroy(from);
    }
    return g && explain_passes(x, ask, g,
                               x->cap_more ? EXPLAIN_REPLANNED
                               : x->mended ? EXPLAIN_MACHINES
                                           : EXPLAIN_NO_MACHINES);
}

/* Has one after the other go until it starts. A copy from which they are removed says when that may be; then the line
 * is asked. How many are gone then; 0: it does not start. */
static int remove_until(struct explain *x, const struct explain_ask *ask, struct candidates *all)
{
    struct grid *g = clone(x, ask);
    bool yes = false;
    int i = 0;
    for (; g && i < all->count && !yes; i++) {
        uint64_t upsets = g->upsets;
        grid_remove(g, all->list[i].gang);
        all->list[i].gone = true;
        yes = explain_try(g, ask, ask->request) && starts_without(x, ask, all);
        if (g->upsets != upsets) {
            grid_destroy(g);
            g = without(x, ask, all);
        }
    }
    grid_destroy(g);
    return yes ? i : 0;
}

/* Whether it starts when some that are gone stay after all; then they do. */
static bool put_back(struct explain *x, const struct explain_ask *ask, struct candidates *all, int first, int count)
{
    for (int i = first; i < first + count; i++)
        all->list[i].gone = false;
    if (starts_without(x, ask, all))
        return true;
    for (int i = first; i < first + count; i++)
        all->list[i].gone = true;
    return false;
}

/* Of the first `n`, all of which are gone, as few as can be: by halves while they are many, then each. */
static void put_back_some(struct explain *x, const struct explain_ask *ask, struct candidates *all, int n)
{
    int first = 0;
    for (int half = n / 2; half > 0 && n - first > EXPLAIN_BLOCKERS_MAX; half /= 2)
        if (first + half < n && put_back(x, ask, all, first, half))
            first += half;
    for (int i = first; i < n && n - first <= 2 * EXPLAIN_BLOCKERS_MAX; i++)
        put_back(x, ask, all, i, 1);
}

static void add_blocker(struct explain_help *h, int gang)
{
    if (h->blocker_count < EXPLAIN_BLOCKERS_MAX)
        h->blockers[h->blocker_count++] = gang;
    h->blockers_in_all++;
}

/* The gangs of a kind that must be gone for it; the youngest rather than the oldest. */
static void find_blockers(struct explain *x, const struct explain_ask *ask, enum who who, struct explain_help *h)
{
    struct candidates all = {.list = calloc((size_t)x->grid->gang_count + ask->ahead_count + 1, sizeof *all.list)};
    x->failed = x->failed || !all.list;
    if (!all.list)
        return;
    list_candidates(x, ask, who, &all);
    int n = remove_until(x, ask, &all);
    put_back_some(x, ask, &all, n);
    for (int i = 0; i < n; i++)
        if (all.list[i].gone)
            add_blocker(h, all.list[i].gang);
    free(all.list);
}

/* Those that run on what it has reserved, or hold CPUs and memory there. */
static void name_users(struct explain *x, int gang, struct explain_help *h)
{
    size_t max = (size_t)grid_gangs(x->grid);
    int *all = calloc(max + 1, sizeof *all);
    size_t n = all ? grid_in_way(x->grid, gang, all, max) : 0;
    x->failed = x->failed || !all;
    for (size_t i = 0; i < n; i++)
        add_blocker(h, all[i]);
    free(all);
}

/* ---- nothing alone ---- */

/* A changed request, submitted anew, when others are gone: it is then the last of its priority. */
static bool ends_too(struct explain *x, const struct explain_ask *ask, const struct grid_request *r,
                     struct explain_help *h)
{
    struct explain_ask other = *ask;
    other.request = r;
    other.not = ask->self;
    other.self = -1;
    other.ahead_count = ask->line_count;
    if (explain_starts(x, EXPLAIN_ALONE, &other, r))
        find_blockers(x, &other, WHO_HOLDS, h);
    return h->blockers_in_all > 0;
}

/* The job as it is, with the user's cap raised or all machines up, when others are gone. */
static bool lift_too(struct explain *x, const struct explain_ask *ask, const struct explanation *out,
                     struct explain_help *h)
{
    if (out->then == EXPLAIN_USER_CAP) {
        x->cap_more = out->user_held + out->asked - out->user_cap;
        find_blockers(x, ask, WHO_HOLDS, h);
        h->cap_more = h->blockers_in_all ? x->cap_more : 0;
        x->cap_more = 0;
    }
    if (out->then == EXPLAIN_UNHEALTHY || out->then == EXPLAIN_MAINTENANCE) {
        int *away, n = list_away(x->grid->account, &away);
        x->mended = true;
        find_blockers(x, ask, WHO_HOLDS, h);
        x->mended = false;
        if (n > 0 && h->blockers_in_all)
            name_machines(x->grid->account, away, n, h);
        free(away);
    }
    return h->blockers_in_all > 0;
}

static bool elsewhere_too(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    struct explain_ask anywhere = *ask;
    struct grid_request r = *ask->request;
    anywhere.nodes = NULL;
    h->any_node = ask->nodes && ends_too(x, &anywhere, &r, h);
    if (h->any_node)
        return true;
    for (size_t v = 0; ask->vcs && ask->vcs[v] && !r.pin; v++) {
        struct grid_request other = r;
        other.vc = ask->vcs[v];
        other.user = ask->user;
        if (!ends_too(x, ask, &other, h))
            continue;
        snprintf(h->vc, sizeof h->vc, "%s", other.vc);
        return true;
    }
    for (size_t c = 0; (r.model || r.models) && c < x->grid->topology->chain_count; c++) {
        struct grid_request other = r;
        other.models = NULL;
        other.model = x->grid->topology->chains[c].level[0].name;
        if (!ends_too(x, ask, &other, h))
            continue;
        snprintf(h->sku, sizeof h->sku, "%s", other.model);
        return true;
    }
    r.priority = -1;
    r.pin = NULL;
    h->opportunistic = ask->request->priority >= 0 && ends_too(x, ask, &r, h);
    return h->opportunistic;
}

/* One pod instead of many, with one GPU, without guarantee. */
static bool smaller_too(struct explain *x, const struct explain_ask *ask, struct explain_help *h)
{
    struct grid_pods pods[GRID_PODS_MAX];
    struct grid_request r = *ask->request;
    if (r.pod_kinds > GRID_PODS_MAX)
        return false;
    memcpy(pods, r.pods, r.pod_kinds * sizeof *pods);
    r.pods = pods;
    pods[0].count = 1;
    if (ask->request->pods[0].count > 1 && ends_too(x, ask, &r, h)) {
        h->fewer_pods = 1;
        return true;
    }
    pods[0].gpus = pods[0].gpus ? 1 : 0;
    if (!ends_too(x, ask, &r, h)) {
        r.priority = -1;
        r.pin = NULL;
        h->opportunistic = ask->request->priority >= 0 && ends_too(x, ask, &r, h);
        if (!h->opportunistic)
            return false;
    }
    h->fewer_gpus = ask->request->pods[0].gpus > 1;
    h->fewer_pods = ask->request->pods[0].count > 1;
    h->fewer_both = h->fewer_gpus && h->fewer_pods;
    return true;
}

static bool names_nothing(const struct explain_help *h)
{
    bool ends = h->blockers_in_all || h->nodes_in_all, smaller = h->fewer_pods || h->fewer_gpus || h->fewer_cpus;
    bool more = h->quota_more || h->nodes_more || h->borrow_more || h->cap_more;
    return !ends && !smaller && !more && !h->shorter_ms && !h->any_node && !h->sku[0] && !h->vc[0] && !h->opportunistic;
}

/* What would have to be over: that machines are away, that a window is too near, that others are there. */
static void try_ends(struct explain *x, const struct explain_ask *ask, const struct explanation *out,
                     struct explain_help *h)
{
    static const enum who first[EXPLAIN_REASONS] = {
        [EXPLAIN_USER_CAP] = WHO_SAME_USER, [EXPLAIN_RESERVED] = WHO_RESERVES, [EXPLAIN_QUOTA] = WHO_SAME_VC,
        [EXPLAIN_PRIORITY] = WHO_SAME_VC,   [EXPLAIN_FRAGMENTED] = WHO_HOLDS,  [EXPLAIN_BUSY] = WHO_HOLDS,
        [EXPLAIN_UNHEALTHY] = WHO_HOLDS,    [EXPLAIN_AVOIDS] = WHO_HOLDS,      [EXPLAIN_MAINTENANCE] = WHO_HOLDS,
    };
    if (out->then == EXPLAIN_UNHEALTHY || out->then == EXPLAIN_MAINTENANCE)
        try_machines(x, ask, h);
    if (out->then == EXPLAIN_MAINTENANCE)
        h->shorter_ms = explain_shorter(x, ask);
    if (out->then != EXPLAIN_NEVER)
        find_blockers(x, ask, first[out->then], h);
    if (out->then != EXPLAIN_NEVER && !h->blockers_in_all && first[out->then] != WHO_HOLDS)
        find_blockers(x, ask, WHO_HOLDS, h);
}

int explain_help(struct explain *x, const struct explain_ask *ask, struct explanation *out)
{
    struct explain_help *h = &out->help;
    if (explain_reserves(x, ask))
        name_users(x, ask->self, h);
    if (explain_reserves(x, ask) || out->then == EXPLAIN_STARTS)
        return x->failed ? -1 : 0;
    try_smaller(x, ask, h);
    try_skus(x, ask, h);
    try_elsewhere(x, ask, h);
    try_limits(x, ask, out, h);
    try_ends(x, ask, out, h);
    if (names_nothing(h))
        h->together = lift_too(x, ask, out, h) || elsewhere_too(x, ask, h) || smaller_too(x, ask, h);
    return x->failed ? -1 : 0;
}
