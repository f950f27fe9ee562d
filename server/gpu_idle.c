/* SPDX-License-Identifier: MIT
 *
 * A look: who holds what ─► whose rules ─► count ─► tell the core (one thing of a subject at a time; what was told
 * holds once the core has taken it in, else the next look tells it again).
 */
#include "server/gpu_idle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/log.h"
#include "core/core.h"
#include "core/effect.h"
#include "jobs/lease_store.h"
#include "metrics/source.h"
#include "server/gpu_account.h"
#include "server/gpu_holders.h"
#include "server/gpu_idle_impl.h"
#include "server/readers.h"
#include "server/snapshot.h"
#include "store/store.h"

struct gpu_idle {
    struct gpu_idle_config config;
    struct arena *arena; /* of one look */
    bool resumed;        /* the rows of the life before were read */
    bool counted;        /* something, since it was written */
    int64_t unwritten_ms;
    struct idle_watched gpus[NODE_GPU_MAX];
    struct idle_subject subjects[NODE_GPU_MAX];
};

/* A look under way. */
struct look {
    struct gpu_idle *idle;
    const struct source_reading *readings;
    int64_t ms, now_ms;
    struct store *store;
    const struct core_view *view;
    struct err *e;
};

/* ---- orders ---- */

static int save(struct store *s, void *what, struct clock_now now, struct err *e)
{
    struct idle_order *o = what;
    o->told.time_ms = now.wall;
    if (idle_store_put_told(s, &o->told, e) || (o->acts && idle_store_put_act(s, &o->told, &o->act, e)))
        return -1;
    for (int i = 0; i < o->count; i++)
        if (idle_store_put_gpu(s, &o->rows[i], e))
            return -1;
    return 0;
}

static void taken(struct mail *m, const struct effect_reply *reply)
{
    struct idle_order *o = (struct idle_order *)m;
    if (reply->err.code)
        log_warn("gpu_idle_not_told", "%s", reply->err.text);
    atomic_store(&o->outcome, reply->err.code ? -1 : 1);
}

static void fill_row(const struct idle_watched *w, int gpu, const struct idle_rule *r, struct idle_gpu_row *row)
{
    *row = (struct idle_gpu_row){.gpu = gpu};
    memcpy(row->attempt_id, w->attempt_id, sizeof row->attempt_id);
    idle_rule_name(r, row->rule);
    row->len = idle_gpu_encode(&w->of[r->kind].gpu, r, row->data);
}

/* About a subject, by a rule, which then was told so much. NULL on out of memory. */
static struct idle_order *make_order(const struct gpu_idle *g, const struct idle_subject *s, const struct idle_rule *r,
                                     struct idle_told told)
{
    struct idle_order *o = calloc(1, sizeof *o + (size_t)s->count * sizeof(struct idle_gpu_row));
    const char *node = gpu_account_node(g->config.account);
    if (!o)
        return NULL;
    o->kind = r->kind;
    o->rule = *r;
    o->told = (struct idle_told_row){.job_attempt = s->job_attempt, .told = told, .text = o->text};
    memcpy(o->told.job_id, s->job_id, sizeof o->told.job_id);
    idle_rule_name(r, o->told.rule);
    snprintf(o->node, sizeof o->node, "%s", node ? node : "");
    for (int i = 0; i < s->count; i++)
        fill_row(&g->gpus[s->gpus[i]], s->gpus[i], r, &o->rows[o->count++]);
    return o;
}

static void post(struct gpu_idle *g, struct idle_subject *s, struct idle_order *o, enum command_idle_op op)
{
    struct err e = {0};
    o->mail.cmd.kind = COMMAND_IDLE;
    o->mail.cmd.idle = (struct command_idle){.op = op,
                                             .job_id = o->told.job_id,
                                             .job_attempt = o->told.job_attempt,
                                             .reservation = s->of == IDLE_OF_RESERVATIONS,
                                             .action = o->rule.action,
                                             .dry_run = o->told.dry_run,
                                             .tag = o->rule.tag,
                                             .text = o->text,
                                             .left_ms = &o->act.left_ms,
                                             .save = {save, o}};
    o->mail.cmd.reply_to = &o->mail;
    o->mail.done = taken;
    if (!mailbox_post(g->config.mailbox, &o->mail, &e)) {
        s->order = o;
        return;
    }
    log_warn("gpu_idle_not_told", "%s", e.text);
    free(o);
}

/* Whether nothing is on its way. */
static bool settle(struct idle_subject *s)
{
    struct idle_order *o = s->order;
    const int outcome = o ? atomic_load(&o->outcome) : 0;
    if (!outcome)
        return !o;
    if (outcome > 0)
        s->told[o->kind] = o->told.told;
    s->order = NULL;
    free(o);
    return true;
}

/* ---- judging ---- */

static void change(struct look *l, struct idle_subject *s, const struct idle_say *say, enum idle_change what)
{
    struct idle_order *o = make_order(l->idle, s, say->rule, say->told);
    if (!o)
        return; /* the next look tells */
    o->told.dry_run = say->dry_run;
    if (what == IDLE_USED) {
        snprintf(o->text, sizeof o->text, "%s used again.", s->count == 1 ? "Its GPU is" : "Its GPUs are");
        post(l->idle, s, o, COMMAND_IDLE_USED);
        return;
    }
    idle_say(say, o->text);
    o->acts = what == IDLE_ACT;
    o->act = (struct idle_act_row){.action = say->rule->action, .node = o->node, .gpus = s->count, .left_ms = -1};
    for (int i = 0; i < s->count; i++)
        o->act.idle_ms += l->idle->gpus[s->gpus[i]].of[say->rule->kind].gpu.state.held_ms;
    post(l->idle, s, o, o->acts ? COMMAND_IDLE_ACT : COMMAND_IDLE_WARN);
}

static void judge(struct look *l, struct idle_subject *s, const struct idle_policy *p, const struct idle_rule *r)
{
    struct gpu_idle *g = l->idle;
    struct idle_state all = {0};
    struct idle_say say = {
        .subject = s, .rule = r, .told = s->told[r->kind], .own = p != g->config.site, .dry_run = p->dry_run};
    const uint64_t print = idle_rule_print(r);
    for (int i = 0; i < s->count; i++) {
        struct idle_watched *w = &g->gpus[s->gpus[i]];
        if (w->of[r->kind].print != print) {
            w->of[r->kind].gpu = (struct idle_gpu){0};
            w->of[r->kind].print = print;
        }
        idle_gpu_add(&w->of[r->kind].gpu, r, &l->readings[s->gpus[i]].sample, l->ms);
        idle_fold(&all, r, w->of[r->kind].gpu.state, i);
    }
    g->counted = true;
    if (s->order)
        return;
    const enum idle_change what = idle_look(&say.told, r, all);
    say.acts = what == IDLE_ACT;
    if (what != IDLE_SAME)
        change(l, s, &say, what);
}

/* Nothing is counted of it: what was is forgotten, and what was told is taken back. */
static void leave_alone(struct look *l, struct idle_subject *s, enum idle_kind kind, const char *why)
{
    for (int i = 0; i < s->count; i++)
        l->idle->gpus[s->gpus[i]].of[kind].gpu = (struct idle_gpu){0};
    if (s->order || !(s->told[kind].warned || s->told[kind].acted))
        return;
    const struct idle_rule rule = {.kind = kind, .of = s->of};
    struct idle_order *o = make_order(l->idle, s, &rule, (struct idle_told){0});
    if (!o)
        return;
    snprintf(o->text, sizeof o->text, "%s", why);
    post(l->idle, s, o, COMMAND_IDLE_USED);
}

static const struct idle_policy *policy_of(const struct look *l, const char *vc)
{
    const struct core_view_vc *v = l->view ? core_view_vc(l->view, vc) : NULL;
    return v && v->spec.idle.set ? &v->spec.idle : l->idle->config.site;
}

/* Why a subject is left alone; NULL: it is not, or that is not known. */
static const char *excuse(const struct look *l, const struct idle_subject *s, const struct idle_policy *p)
{
    const struct idle_whom whom = {s->job_id, s->name, s->user};
    bool exempt = false;
    int64_t until = 0;
    if (idle_store_exempt(l->store, p, &whom, &exempt, l->e) || idle_store_snoozed(l->store, s->job_id, &until, l->e))
        return NULL;
    if (exempt)
        return "It is exempt now.";
    return until > l->now_ms ? "It is snoozed." : NULL;
}

static const struct idle_rule *rule_of(const struct idle_policy *p, enum idle_of of, enum idle_kind kind)
{
    for (int i = 0; i < p->rule_count; i++)
        if (p->rules[i].of == of && p->rules[i].kind == kind)
            return &p->rules[i];
    return NULL;
}

static void judge_subject(struct look *l, struct idle_subject *s)
{
    const struct idle_policy *p = policy_of(l, s->vc);
    const char *why = p->rule_count ? excuse(l, s, p) : "No rule is left.";
    (void)settle(s);
    if (l->e->code)
        return; /* what is not known of it is no reason to act */
    for (int k = 0; k < IDLE_KINDS; k++) {
        const struct idle_rule *r = rule_of(p, s->of, (enum idle_kind)k);
        if (why || !r)
            leave_alone(l, s, (enum idle_kind)k, why ? why : "No such rule is left.");
        else
            judge(l, s, p, r);
    }
}

/* ---- who holds what ---- */

/* A holder as it is found: strings of the arena. */
struct holding {
    const char *attempt_id, *job_id, *user, *name, *vc;
    enum idle_of of;
    int job_attempt; /* -1: to be read */
};

static int read_attempt(const struct look *l, const char *job_id)
{
    static const struct store_sql sql = {"SELECT attempt FROM job WHERE id = ?"};
    struct stmt *st = store_stmt(l->store, &sql, l->e);
    stmt_text(st, 1, job_id);
    const int found = stmt_step(st, l->e) == STMT_ROW ? (int)stmt_col_int(st, 0) : -1;
    stmt_reset(st);
    return found;
}

static bool is_it(const struct idle_subject *s, const struct holding *h)
{
    return s->of == h->of && s->job_attempt == h->job_attempt && !strcmp(s->job_id, h->job_id);
}

/* The subject of a holder, a new one where there is none; there are as many as GPUs, and one more only while an order
 * about one that is over is on its way. NULL: not now. */
static struct idle_subject *subject_of(struct gpu_idle *g, const struct holding *h)
{
    struct idle_subject *free_one = NULL;
    for (int i = 0; i < NODE_GPU_MAX; i++) {
        struct idle_subject *s = &g->subjects[i];
        if (s->job_id[0] && is_it(s, h))
            return s;
        if (!s->job_id[0] && !free_one)
            free_one = s;
    }
    if (!free_one || strlen(h->job_id) >= sizeof free_one->job_id)
        return NULL;
    *free_one = (struct idle_subject){.job_attempt = h->job_attempt, .of = h->of};
    memcpy(free_one->job_id, h->job_id, strlen(h->job_id) + 1);
    return free_one;
}

static void hold(struct look *l, int gpu, const struct holding *h)
{
    struct idle_watched *w = &l->idle->gpus[gpu];
    struct holding own = *h;
    if (own.job_attempt < 0)
        own.job_attempt = read_attempt(l, h->job_id);
    struct idle_subject *s = own.job_attempt < 0 ? NULL : subject_of(l->idle, &own);
    if (!s)
        return;
    if (!s->seen)
        s->count = 0;
    s->seen = true;
    s->user = h->user;
    s->name = h->name;
    s->vc = h->vc;
    s->gpus[s->count++] = gpu;
    if (strcmp(w->attempt_id, h->attempt_id) != 0) {
        *w = (struct idle_watched){.attempt_id = ""};
        snprintf(w->attempt_id, sizeof w->attempt_id, "%s", h->attempt_id);
    }
}

static int add_lease(void *ctx, const struct lease *lease)
{
    struct look *l = ctx;
    struct arena *a = l->idle->arena;
    const char *node = gpu_account_node(l->idle->config.account);
    const struct holding h = {.attempt_id = arena_strdup(a, lease->id),
                              .job_id = arena_strdup(a, lease->job_id),
                              .user = arena_strdup(a, lease->owner),
                              .name = arena_strdup(a, lease->job),
                              .vc = arena_strdup(a, lease->vc),
                              .of = IDLE_OF_RESERVATIONS,
                              .job_attempt = lease->job_attempt};
    if (!h.attempt_id || !h.job_id || !h.user || !h.name || !h.vc)
        return 1;
    if (lease->hold != SPEC_HOLD_GPUS || lease->state != LEASE_HELD || !node || strcmp(lease->node, node) != 0)
        return 0;
    for (int i = 0; i < lease->amount.gpus; i++)
        if (lease->gpus[i] >= 0 && lease->gpus[i] < l->idle->config.count)
            hold(l, lease->gpus[i], &h);
    return 0;
}

/* 0, or -1 where it is not known. */
static int gather(struct look *l, const struct gpu_holder *holders)
{
    const struct lease_store_which live = {0};
    struct gpu_idle *g = l->idle;
    for (int i = 0; i < NODE_GPU_MAX; i++)
        g->subjects[i].seen = false;
    for (int i = 0; i < g->config.count; i++)
        if (holders[i].attempt_id)
            hold(l, i,
                 &(struct holding){.attempt_id = holders[i].attempt_id,
                                   .job_id = holders[i].job_id,
                                   .user = holders[i].user,
                                   .name = holders[i].name,
                                   .vc = holders[i].vc,
                                   .job_attempt = -1});
    if (lease_store_each(l->store, &live, add_lease, l, l->e))
        return -1;
    for (int i = 0; i < NODE_GPU_MAX; i++)
        if (!g->subjects[i].seen && settle(&g->subjects[i]))
            g->subjects[i] = (struct idle_subject){.job_id = ""};
    return l->e->code ? -1 : 0;
}

/* ---- after a restart ---- */

/* The rule of that name, as the subject that holds the GPU is judged by; NULL: of none. */
static const struct idle_rule *rule_named(const struct look *l, const struct idle_subject *s, const char *name)
{
    return idle_policy_find(policy_of(l, s->vc), name);
}

static int resume_gpu(void *ctx, const struct idle_gpu_row *row)
{
    struct look *l = ctx;
    struct gpu_idle *g = l->idle;
    if (row->gpu < 0 || row->gpu >= g->config.count || strcmp(g->gpus[row->gpu].attempt_id, row->attempt_id) != 0)
        return 0;
    for (int i = 0; i < NODE_GPU_MAX; i++) {
        const struct idle_subject *s = &g->subjects[i];
        const struct idle_rule *r = s->seen ? rule_named(l, s, row->rule) : NULL;
        for (int k = 0; r && r->of == s->of && k < s->count; k++)
            if (s->gpus[k] == row->gpu) {
                (void)idle_gpu_decode(&g->gpus[row->gpu].of[r->kind].gpu, r, row->data, row->len);
                g->gpus[row->gpu].of[r->kind].print = idle_rule_print(r);
            }
    }
    return 0;
}

static int resume_told(void *ctx, const struct idle_told_row *row)
{
    struct look *l = ctx;
    for (int i = 0; i < NODE_GPU_MAX; i++) {
        struct idle_subject *s = &l->idle->subjects[i];
        char name[IDLE_RULE_NAME];
        for (int k = 0; s->seen && k < IDLE_KINDS; k++) {
            idle_rule_name(&(struct idle_rule){.kind = (enum idle_kind)k, .of = s->of}, name);
            if (!strcmp(name, row->rule) && s->job_attempt == row->job_attempt && !strcmp(s->job_id, row->job_id))
                s->told[k] = row->told;
        }
    }
    return 0;
}

/* ---- a look ---- */

struct flush {
    struct mail mail; /* the first member: freed as one */
    int count;
    struct idle_gpu_row rows[];
};

static int write_all(struct store *s, void *what, struct clock_now now, struct err *e)
{
    const struct flush *f = what;
    if (idle_store_clear(s, now, e))
        return -1;
    for (int i = 0; i < f->count; i++)
        if (idle_store_put_gpu(s, &f->rows[i], e))
            return -1;
    return 0;
}

static void written(struct mail *m, const struct effect_reply *reply)
{
    if (reply->err.code)
        log_warn("gpu_idle_not_written", "%s", reply->err.text);
    free(m);
}

/* What was counted of a GPU, and by which rule: the rows name it, the encoding needs it. */
static void add_rows(const struct look *l, const struct idle_subject *s, struct flush *f)
{
    const struct idle_policy *p = policy_of(l, s->vc);
    for (int k = 0; k < IDLE_KINDS; k++) {
        const struct idle_rule *r = rule_of(p, s->of, (enum idle_kind)k);
        for (int i = 0; r && i < s->count; i++)
            if (l->idle->gpus[s->gpus[i]].of[k].print == idle_rule_print(r))
                fill_row(&l->idle->gpus[s->gpus[i]], s->gpus[i], r, &f->rows[f->count++]);
    }
}

static void flush(const struct look *l)
{
    struct gpu_idle *g = l->idle;
    struct err e = {0};
    size_t room = (size_t)g->config.count * IDLE_KINDS;
    struct flush *f = g->counted ? calloc(1, sizeof *f + room * sizeof(struct idle_gpu_row)) : NULL;
    g->unwritten_ms = 0;
    if (!f)
        return;
    g->counted = false;
    for (int i = 0; i < NODE_GPU_MAX; i++)
        if (g->subjects[i].seen)
            add_rows(l, &g->subjects[i], f);
    f->mail.cmd.kind = COMMAND_WRITE;
    f->mail.cmd.write = (struct command_write){write_all, f};
    f->mail.cmd.reply_to = &f->mail; /* how it went is to be told */
    f->mail.done = written;
    if (!mailbox_post(g->config.mailbox, &f->mail, &e))
        return;
    log_warn("gpu_idle_not_written", "%s", e.text);
    free(f);
}

static int look(struct look *l, const struct gpu_holder *holders)
{
    struct gpu_idle *g = l->idle;
    if (gather(l, holders))
        return -1;
    if (!g->resumed &&
        (idle_store_each_gpu(l->store, resume_gpu, l, l->e) || idle_store_each_told(l->store, resume_told, l, l->e)))
        return -1;
    g->resumed = true;
    for (int i = 0; i < NODE_GPU_MAX; i++)
        if (g->subjects[i].seen)
            judge_subject(l, &g->subjects[i]);
    g->unwritten_ms += l->ms;
    if (g->unwritten_ms >= g->config.flush_ms)
        flush(l);
    return l->e->code ? -1 : 0;
}

void gpu_idle_take(struct gpu_idle *g, const struct source_reading *readings, int64_t ms)
{
    const struct gpu_holder *holders = gpu_account_holders(g->config.account);
    struct err e = {0};
    if (!readings || !holders)
        return; /* a gap */
    arena_reset(g->arena);
    struct snapshot *snap = snapshots_get(g->config.snapshots);
    struct look l = {.idle = g,
                     .readings = readings,
                     .ms = ms,
                     .now_ms = readings[0].sample.wall_ms,
                     .store = readers_get(g->config.readers, &e),
                     .view = snap ? snap->view : NULL,
                     .e = &e};
    if (l.view && l.store && look(&l, holders))
        log_warn("gpu_idle_unknown", "GPUs are not judged now: %s", e.text);
    readers_put(g->config.readers, l.store);
    snapshots_put(g->config.snapshots, snap);
}

/* ---- life ---- */

struct gpu_idle *gpu_idle_create(const struct gpu_idle_config *c, struct err *e)
{
    struct gpu_idle *g = calloc(1, sizeof *g);
    if (g) {
        g->config = *c;
        g->arena = arena_create(0);
    }
    if (g && g->arena)
        return g;
    free(g);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void gpu_idle_close(struct gpu_idle *g)
{
    struct snapshot *snap = snapshots_get(g->config.snapshots);
    const struct look l = {.idle = g, .view = snap ? snap->view : NULL};
    flush(&l);
    snapshots_put(g->config.snapshots, snap);
}

void gpu_idle_destroy(struct gpu_idle *g)
{
    if (!g)
        return;
    for (int i = 0; i < NODE_GPU_MAX; i++)
        free(g->subjects[i].order);
    arena_destroy(g->arena);
    free(g);
}
