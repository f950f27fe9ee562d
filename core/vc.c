/* SPDX-License-Identifier: MIT
 *
 * Virtual clusters: made, changed, stopped and removed while everything runs. "default" owns what is promised to nobody
 * else. A promise is checked against the nodes that are known, down or not: a node that is lost later takes from what
 * can be had, not from what was promised.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"
#include "core/plan.h"

/* ---- look-up ---- */

struct core_vc *core_vc_find(const struct core *c, const char *name)
{
    return hash_get(c->vc_by_name, name);
}

struct core_vc *core_vc_of(const struct core *c, const struct job *j)
{
    struct core_vc *v = core_vc_find(c, j->spec->vc);
    return v ? v : core_vc_find(c, VC_DEFAULT); /* its row was removed by hand */
}

int64_t core_time_limit(const struct core *c, const struct job *j)
{
    return vc_time_limit_ms(&core_vc_of(c, j)->spec, j->spec->time_limit_ms);
}

int64_t core_limit_notice(const struct core *c, const struct job *j)
{
    int64_t limit = core_time_limit(c, j), notice = 1000 * (int64_t)j->spec->checkpoint_grace_s;
    if (!limit || !j->spec->checkpoint_signal)
        return 0;
    return notice < limit / 2 ? notice : limit / 2;
}

int64_t core_limit_due(const struct core *c, const struct job *j)
{
    return core_time_limit(c, j) - core_limit_notice(c, j);
}

void core_vc_count(struct core *c, const struct task *t, int sign)
{
    struct core_vc *v = core_vc_of(c, t->job);
    const struct resources *r = &t->role->per_task;
    v->used.cpus += sign * r->cpus;
    v->used.memory_mb += sign * r->memory_mb;
    v->used.gpus += sign * r->gpus;
}

/* ---- amounts ---- */

/* GPUs of a SKU. */
static int stock_of(const struct core *c, const char *sku)
{
    char name[SKU_NAME_MAX];
    int gpus = 0;
    for (size_t i = 0; i < cluster_count(c->cluster); i++) {
        const struct node *n = &cluster_at(c->cluster, (int)i)->info;
        sku_of_node(n, name);
        gpus += strcmp(name, sku) ? 0 : n->gpu_count;
    }
    return gpus;
}

static int promised(const struct core *c, const struct vc *vc)
{
    int sum = 0;
    for (size_t i = 0; i < vc->guarantee_count; i++)
        sum += core_guarantee_gpus(c->cluster, &vc->guarantee[i]);
    return sum;
}

static bool is_default(const char *name)
{
    return !strcmp(name, VC_DEFAULT);
}

void core_vc_refresh(struct core *c)
{
    c->stale = c->amounts_stale = true;
}

void core_vc_amounts(struct core *c)
{
    if (!c->amounts_stale)
        return;
    c->amounts_stale = false;
    struct core_vc *rest = core_vc_find(c, VC_DEFAULT);
    rest->guaranteed = 0;
    for (size_t i = 0; i < cluster_count(c->cluster); i++)
        rest->guaranteed += cluster_at(c->cluster, (int)i)->info.gpu_count;
    for (size_t i = 0; i < c->vc_count; i++)
        if (c->vcs[i] != rest)
            c->vcs[i]->guaranteed = promised(c, &c->vcs[i]->spec);
    for (size_t i = 0; i < c->vc_count; i++) {
        struct core_vc *v = c->vcs[i], *up = v->spec.parent[0] ? core_vc_find(c, v->spec.parent) : NULL;
        if (v != rest)
            (up ? up : rest)->guaranteed -= promised(c, &v->spec);
    }
    for (size_t i = 0; i < c->vc_count; i++)
        if (c->vcs[i]->guaranteed < 0)
            c->vcs[i]->guaranteed = 0;
}

/* ---- users with a cap ---- */

static int user_number(struct core *c, const char *name, int *number)
{
    struct core_user *u = hash_get(c->user_numbers, name);
    if (!u) {
        struct core_user **grown = realloc(c->users, (c->user_count + 1) * sizeof(struct core_user *));
        if (!grown)
            return -1;
        c->users = grown;
        u = calloc(1, sizeof *u);
        if (!u)
            return -1;
        u->number = (int)c->user_count + 1;
        snprintf(u->name, sizeof u->name, "%s", name);
        if (hash_put(c->user_numbers, u->name, u)) {
            free(u);
            return -1;
        }
        c->users[c->user_count++] = u;
    }
    *number = u->number;
    return 0;
}

int core_ask_refresh(struct core *c, const struct job *j, struct core_gang *g)
{
    const struct vc *vc = &core_vc_of(c, j)->spec;
    g->ask.vc = vc->name;
    g->ask.lazy = vc->lazy && j->spec->lazy;
    g->ask.user = 0;
    g->ask.lasts_ms = c->windows.count ? core_time_limit(c, j) : 0; /* else it would only make more groups */
    return vc->user_cap ? user_number(c, j->user, &g->ask.user) : 0;
}

/* ---- adding and dropping ---- */

static struct core_vc *add(struct core *c, const struct vc *spec)
{
    struct core_vc **grown = realloc(c->vcs, (c->vc_count + 1) * sizeof(struct core_vc *));
    struct core_vc *v = grown ? calloc(1, sizeof *v) : NULL;
    if (grown)
        c->vcs = grown;
    if (!v)
        return NULL;
    v->spec = *spec;
    if (hash_put(c->vc_by_name, v->spec.name, v)) {
        free(v);
        return NULL;
    }
    c->vcs[c->vc_count++] = v;
    return v;
}

static void drop(struct core *c, struct core_vc *v)
{
    size_t i = 0;
    hash_remove(c->vc_by_name, v->spec.name);
    while (c->vcs[i] != v)
        i++;
    memmove(&c->vcs[i], &c->vcs[i + 1], (c->vc_count - i - 1) * sizeof(struct core_vc *));
    c->vc_count--;
    free(v);
}

int core_vc_init(struct core *c)
{
    static const struct vc first = {.name = VC_DEFAULT};
    c->vc_by_name = hash_create();
    c->user_numbers = hash_create();
    return c->vc_by_name && c->user_numbers && add(c, &first) ? 0 : -1;
}

void core_vc_fini(struct core *c)
{
    for (size_t i = 0; i < c->vc_count; i++)
        free(c->vcs[i]);
    for (size_t i = 0; i < c->user_count; i++)
        free(c->users[i]);
    free(c->users);
    free(c->vcs);
    hash_destroy(c->user_numbers);
    hash_destroy(c->vc_by_name);
}

int core_load_vc(struct core *c, const struct vc *vc)
{
    struct core_vc *v = core_vc_find(c, vc->name);
    if (v)
        v->spec = *vc;
    else
        v = add(c, vc);
    if (!v)
        return -1;
    core_vc_refresh(c);
    return 0;
}

/* ---- rules ---- */

int core_vc_promised(const struct cluster *nodes, const struct vc *vc, const char *sku)
{
    for (size_t i = 0; i < vc->guarantee_count; i++)
        if (!strcmp(vc->guarantee[i].sku, sku))
            return core_guarantee_gpus(nodes, &vc->guarantee[i]);
    return 0;
}

/* What the siblings of `vc` (those below `parent`) are promised of a SKU, without `vc` itself. */
static int given_away(const struct core *c, const struct vc *vc, const char *parent, const char *sku)
{
    int sum = 0;
    for (size_t i = 0; i < c->vc_count; i++) {
        const struct vc *other = &c->vcs[i]->spec;
        if (strcmp(other->name, vc->name) != 0 && !strcmp(other->parent, parent))
            sum += core_vc_promised(c->cluster, other, sku);
    }
    return sum;
}

/* Whether a promise of one SKU can be kept: there are so many, and nobody else was promised them. */
static int check_promise(const struct core *c, const struct vc *vc, const struct vc_guarantee *g, struct err *e)
{
    const struct core_vc *up = vc->parent[0] ? core_vc_find(c, vc->parent) : NULL;
    int stock = stock_of(c, g->sku), want = core_vc_promised(c->cluster, vc, g->sku);
    int has = up ? core_vc_promised(c->cluster, &up->spec, g->sku) : stock;
    int away = given_away(c, vc, vc->parent, g->sku);
    if (!stock)
        return err_set(e, ERR_INVALID_PARAMETERS, "The cluster has no GPU of SKU \"%s\".", g->sku);
    if (want <= has - away)
        return 0;
    return err_set(e, ERR_INVALID_PARAMETERS,
                   "%s cannot be promised %d GPUs of SKU \"%s\": %s has %d, of which %d are promised to others.",
                   vc->name, want, g->sku, up ? up->spec.name : "the cluster", has, away);
}

/* What a virtual cluster promises to those below it stays within what it has. */
static int check_children(const struct core *c, const struct vc *vc, struct err *e)
{
    for (size_t i = 0; i < c->vc_count; i++) {
        const struct vc *child = &c->vcs[i]->spec;
        for (size_t k = 0; !strcmp(child->parent, vc->name) && k < child->guarantee_count; k++) {
            const char *sku = child->guarantee[k].sku;
            int need = given_away(c, &(struct vc){.name = ""}, vc->name, sku);
            if (core_vc_promised(c->cluster, vc, sku) < need)
                return err_set(e, ERR_INVALID_PARAMETERS,
                               "%s promises %d GPUs of SKU \"%s\" to the virtual clusters below it; it needs at least "
                               "that many itself.",
                               vc->name, need, sku);
        }
    }
    return 0;
}

static int check_parent(const struct core *c, const struct vc *vc, struct err *e)
{
    const struct core_vc *up = vc->parent[0] ? core_vc_find(c, vc->parent) : NULL;
    if (vc->parent[0] && (!up || is_default(vc->parent)))
        return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found, or cannot be a parent.", vc->parent);
    for (int depth = 0; up; depth++) {
        if (!strcmp(up->spec.name, vc->name) || depth > VC_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "%s would be its own ancestor.", vc->name);
        up = up->spec.parent[0] ? core_vc_find(c, up->spec.parent) : NULL;
    }
    return 0;
}

static int check_pins(const struct core *c, const struct vc *vc, struct err *e)
{
    for (size_t i = 0; i < vc->pin_count; i++) {
        if (cluster_find(c->cluster, vc->pins[i]) < 0)
            return err_set(e, ERR_INVALID_PARAMETERS, "There is no node %s to pin.", vc->pins[i]);
        for (size_t k = 0; k < c->vc_count; k++)
            for (size_t n = 0; c->vcs[k]->spec.pin_count > n; n++)
                if (strcmp(c->vcs[k]->spec.name, vc->name) != 0 && !strcmp(c->vcs[k]->spec.pins[n], vc->pins[i]))
                    return err_set(e, ERR_CONFLICT_VC, "Node %s is pinned to %s already.", vc->pins[i],
                                   c->vcs[k]->spec.name);
    }
    return 0;
}

/* Promised cells that are not there, with `vc` as it shall be (NULL: as things are); -1 on out of memory. */
static int missing(const struct core *c, const struct vc *vc)
{
    const struct vc **vcs = calloc(c->vc_count + 1, sizeof(struct vc *));
    struct core_plan_from from = {.cluster = c->cluster, .vcs = vcs};
    struct core_plan plan = {.vcs = NULL};
    bool there = !vc;
    for (size_t i = 0; vcs && i < c->vc_count; i++) {
        bool me = vc && !strcmp(c->vcs[i]->spec.name, vc->name);
        vcs[from.vc_count++] = me ? vc : &c->vcs[i]->spec;
        there = there || me;
    }
    if (vcs && !there)
        vcs[from.vc_count++] = vc;
    int n = vcs && !core_plan_draw(&from, &plan) ? plan.missing : -1;
    core_plan_drop(&plan);
    free(vcs);
    return n;
}

/* Whether there are so many whole sockets, racks and pods: GPUs enough are no proof of that. */
static int check_shapes(const struct core *c, const struct vc *vc, struct err *e)
{
    bool shapes = false;
    for (size_t i = 0; i < vc->guarantee_count; i++)
        shapes = shapes || vc->guarantee[i].sockets || vc->guarantee[i].racks || vc->guarantee[i].pods;
    int now = shapes ? missing(c, NULL) : 0, then = shapes ? missing(c, vc) : 0;
    if (now < 0 || then < 0)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (then <= now)
        return 0;
    return err_set(
        e, ERR_INVALID_PARAMETERS,
        "%s cannot be promised all of its sockets, nodes, racks and pods: %d of what is promised then would not be "
        "there in one piece.",
        vc->name, then);
}

static int check_put(const struct core *c, const struct vc *vc, struct err *e)
{
    if (is_default(vc->name) && (vc->guarantee_count || vc->pin_count || vc->parent[0]))
        return err_set(e, ERR_FORBIDDEN,
                       "Virtual cluster default owns what is promised to no other; it takes no "
                       "guarantee of its own.");
    if (!core_vc_find(c, vc->name) && c->vc_count >= VC_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "There are %d virtual clusters, the most there can be.", VC_MAX);
    if (check_parent(c, vc, e) || check_pins(c, vc, e) || check_children(c, vc, e))
        return -1;
    for (size_t i = 0; i < vc->guarantee_count; i++)
        if (check_promise(c, vc, &vc->guarantee[i], e))
            return -1;
    return check_shapes(c, vc, e);
}

static int check_remove(const struct core *c, const struct core_vc *v, struct err *e)
{
    if (is_default(v->spec.name))
        return err_set(e, ERR_FORBIDDEN, "Virtual cluster default cannot be removed.");
    for (size_t i = 0; i < c->vc_count; i++)
        if (!strcmp(c->vcs[i]->spec.parent, v->spec.name))
            return err_set(e, ERR_CONFLICT_VC, "Virtual cluster %s lies below %s; remove it first.",
                           c->vcs[i]->spec.name, v->spec.name);
    if (v->leases)
        return err_set(e, ERR_CONFLICT_VC, "Virtual cluster %s has %zu debug reservation%s; release %s first.",
                       v->spec.name, v->leases, v->leases == 1 ? "" : "s", v->leases == 1 ? "it" : "them");
    if (v->live_jobs)
        return err_set(e, ERR_CONFLICT_VC,
                       "Virtual cluster %s has %zu unfinished job%s; stop it, and remove it when "
                       "they have ended.",
                       v->spec.name, v->live_jobs, v->live_jobs == 1 ? "" : "s");
    return 0;
}

/* ---- commands ---- */

static void put_row(struct step *s, const struct vc *vc, bool gone)
{
    struct effect_vc *row = arena_alloc(s->fx->arena, sizeof *row);
    if (!row) {
        s->fx->failed = true;
        return;
    }
    *row = (struct effect_vc){.vc = *vc, .drop = gone};
    effects_add(s->fx, &(struct effect){.kind = EFFECT_VC_ROW, .vc = row});
}

#define MEMBER(m)                                                                                                      \
    {                                                                                                                  \
        offsetof(struct vc, m), sizeof((struct vc *)NULL)->m                                                           \
    }

/* Takes over what `want` has other than `base`: two admins who change two members at once both have their way. */
static void merge(struct vc *to, const struct vc *base, const struct vc *want)
{
    static const struct {
        size_t at, size;
    } members[] = {
        MEMBER(parent),
        MEMBER(borrow),
        MEMBER(user_cap),
        MEMBER(cpus),
        MEMBER(max_time),
        MEMBER(max_gpus),
        MEMBER(max_jobs),
        MEMBER(keep_logs_days),
        MEMBER(user_disk_mb),
        MEMBER(own),
        MEMBER(lazy),
        MEMBER(description),
        MEMBER(external_name),
        MEMBER(debug.allow),
        MEMBER(debug.max_minutes),
        MEMBER(debug.per_user),
        MEMBER(debug.total),
        MEMBER(debug.kept),
        MEMBER(idle),
    };
    for (size_t i = 0; i < sizeof members / sizeof members[0]; i++)
        if (memcmp((const char *)base + members[i].at, (const char *)want + members[i].at, members[i].size) != 0)
            memcpy((char *)to + members[i].at, (const char *)want + members[i].at, members[i].size);
    if (base->guarantee_count != want->guarantee_count ||
        memcmp(base->guarantee, want->guarantee, want->guarantee_count * sizeof want->guarantee[0]) != 0) {
        memcpy(to->guarantee, want->guarantee, sizeof to->guarantee);
        to->guarantee_count = want->guarantee_count;
    }
    if (base->pin_count != want->pin_count ||
        memcmp(base->pins, want->pins, want->pin_count * sizeof want->pins[0]) != 0) {
        memcpy(to->pins, want->pins, sizeof to->pins);
        to->pin_count = want->pin_count;
    }
}

static int put(struct step *s, const struct command_vc *cmd, struct err *e)
{
    struct core_vc *v = core_vc_find(s->core, cmd->vc->name);
    struct vc next = v && cmd->base ? v->spec : *cmd->vc;
    const struct vc *vc = &next;
    if (cmd->base && cmd->base->created_ms && !v) /* it was there */
        return err_set(e, ERR_NO_VC, "Virtual cluster %s is not found.", vc->name);
    if (cmd->base && v)
        merge(&next, cmd->base, cmd->vc);
    if (check_put(s->core, vc, e))
        return -1;
    if (v) {
        bool stopped = v->spec.stopped;
        int64_t created_ms = v->spec.created_ms;
        v->spec = *vc;
        v->spec.stopped = stopped;
        v->spec.created_ms = created_ms;
    } else if (!(v = add(s->core, vc))) {
        s->fx->failed = true;
        return 0;
    } else {
        v->spec.created_ms = s->now.wall;
    }
    put_row(s, &v->spec, false);
    return 0;
}

static int change(struct step *s, const struct command_vc *cmd, struct err *e)
{
    struct core_vc *v = core_vc_find(s->core, cmd->name);
    if (!v)
        return err_set(e, ERR_NO_VC, "Virtual cluster %s is not found.", cmd->name);
    if (cmd->op == COMMAND_VC_REMOVE) {
        if (check_remove(s->core, v, e))
            return -1;
        put_row(s, &v->spec, true);
        drop(s->core, v);
        return 0;
    }
    if (is_default(cmd->name))
        return err_set(e, ERR_FORBIDDEN, "Virtual cluster default cannot be stopped.");
    v->spec.stopped = cmd->op == COMMAND_VC_STOP;
    put_row(s, &v->spec, false);
    return 0;
}

void core_vc(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    int rc = cmd->vc.op == COMMAND_VC_PUT ? put(s, &cmd->vc, &e) : change(s, &cmd->vc, &e);
    if (!rc)
        core_vc_refresh(s->core);
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}
