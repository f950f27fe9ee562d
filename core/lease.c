/* SPDX-License-Identifier: MIT
 *
 * The life of a lease. Whether one is due is asked before the task's end is taken in: a sandbox that nobody keeps has
 * to be gone before its GPUs are given back.
 */
#include "core/lease.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/internal.h"
#include "core/plan.h"
#include "jobs/policy.h"

/* Between the signal to what runs in a sandbox, and the kill. Nothing of it is to be saved. */
enum { END_GRACE_MS = 2000, MINUTE_MS = 60 * 1000, COLLECTED_MAX = 4096 };

/* ---- what stands for it ---- */

/* A job of one task that holds what the lease holds, with a copy of the lease in its arena. NULL on out of memory. */
static struct job *make_stand(const struct core *c, const struct lease *l)
{
    bool holds = l->hold == SPEC_HOLD_GPUS;
    struct spec_role role = {.name = l->role,
                             .wire_name = l->role,
                             .instances = 1,
                             .min_failed = 1,
                             .min_succeeded = -1,
                             .per_task = holds ? l->amount : (struct resources){0},
                             .command = "",
                             .image_uri = ""};
    struct spec spec = {.name = l->job,
                        .vc = l->vc,
                        .priority = l->priority,
                        .gang = true,
                        .roles = &role,
                        .role_count = 1,
                        .total_tasks = 1,
                        .total_gpus = role.per_task.gpus,
                        .preemption = SPEC_PREEMPTION_NEVER};
    struct job *j = job_create(&spec, l->owner, l->job_id);
    struct lease *own = j ? arena_alloc(j->arena, sizeof *own) : NULL;
    int *gpus = own ? arena_calloc(j->arena, (size_t)l->amount.gpus + 1, sizeof *gpus) : NULL;
    int node = cluster_find(c->cluster, l->node);
    if (!gpus) {
        job_destroy(j);
        return NULL;
    }
    if (l->amount.gpus)
        memcpy(gpus, l->gpus, (size_t)l->amount.gpus * sizeof *gpus);
    *own = *l;
    own->job = j->spec->name;
    own->owner = j->user;
    own->vc = j->spec->vc;
    own->role = j->spec->roles[0].name;
    own->node = cluster_at(c->cluster, node)->info.name;
    own->gpus = gpus;
    own->ended_by = arena_strdup(j->arena, l->ended_by);
    own->collected = arena_strdup(j->arena, l->collected);
    j->lease = own;
    if (own->ended_by && own->collected)
        return j;
    job_destroy(j);
    return NULL;
}

/* Its one task, as one that runs. */
static void fill_task(struct job *j)
{
    const struct lease *l = j->lease;
    struct task *t = j->tasks;
    t->state = STATE_RUNNING;
    t->claim = CLAIM_CONFIRMED;
    t->index = l->task_index;
    t->attempt = l->task_attempt;
    t->node = l->node;
    t->created_ms = t->launched_ms = l->created_ms;
    memcpy(t->id, l->id, ID_SIZE);
    memcpy(t->nonce, l->nonce, sizeof t->nonce);
    for (int64_t g = 0; g < t->role->per_task.gpus; g++)
        t->gpus[g] = l->gpus[g];
    j->state = l->job_state;
    j->attempt = l->job_attempt;
    j->created_ms = j->launched_ms = l->created_ms;
    j->seq = INT64_MAX; /* among equals it leaves before any job */
    j->tasks_live = 1;
}

static int list_add(struct leases *ls, struct job *stand)
{
    if (ls->count == ls->cap) {
        size_t cap = ls->cap ? ls->cap * 2 : 16;
        struct job **grown = realloc(ls->list, cap * sizeof(struct job *));
        if (!grown)
            return -1;
        ls->list = grown;
        ls->cap = cap;
    }
    ls->list[ls->count++] = stand;
    return 0;
}

static void list_drop(struct leases *ls, const struct job *stand)
{
    size_t i = 0;
    while (ls->list[i] != stand)
        i++;
    memmove(&ls->list[i], &ls->list[i + 1], (ls->count - i - 1) * sizeof(struct job *));
    ls->count--;
}

static int arm(struct core *c, const struct lease *l, struct clock_now now)
{
    struct timer t = {.at_mono = now.mono + l->expires_ms - now.wall, .kind = TIMER_LEASE, .number = l->extended};
    memcpy(t.id, l->id, ID_SIZE);
    return timers_add(&c->timers, &t);
}

/* Takes a lease in: from a row, or one that begins. NULL on out of memory. */
static struct job *take_in(struct core *c, const struct lease *l, struct clock_now now)
{
    struct job *stand = make_stand(c, l);
    if (!stand)
        return NULL;
    if (list_add(&c->leases, stand)) {
        job_destroy(stand);
        return NULL;
    }
    fill_task(stand);
    const struct task *t = stand->tasks;
    cluster_retake(c->cluster, cluster_find(c->cluster, t->node), &t->role->per_task, NULL, 0);
    core_vc_count(c, t, 1);
    core_vc_of(c, stand)->leases++;
    c->changes++;
    return hash_put(c->by_attempt, t->id, stand->tasks) || arm(c, stand->lease, now) ? NULL : stand;
}

int core_lease_seat(struct core *c, struct job *stand)
{
    return stand->lease->hold == SPEC_HOLD_GPUS ? core_plan_adopt(c, stand) : 0;
}

int core_load_lease(struct core *c, const struct lease *l, struct clock_now now)
{
    struct node gone = {0};
    snprintf(gone.name, sizeof gone.name, "%s", l->node);
    if (cluster_find(c->cluster, l->node) < 0 && cluster_put_node(c->cluster, &gone) < 0)
        return -1;
    return take_in(c, l, now) ? 0 : -1;
}

void core_lease_adopt(const struct core *c, struct effects *fx)
{
    for (size_t i = 0; i < c->leases.count; i++) {
        struct job *stand = c->leases.list[i];
        effects_add(fx, &(struct effect){.kind = EFFECT_ADOPT, .task = stand->tasks});
        if (stand->lease->state == LEASE_ENDING)
            effects_stop(fx, stand->tasks, END_GRACE_MS, 0);
    }
}

void core_lease_fini(struct core *c)
{
    for (size_t i = 0; i < c->leases.count; i++)
        job_destroy(c->leases.list[i]);
    free(c->leases.list);
}

void core_lease_follow(struct core *c, const struct job *j)
{
    for (size_t i = 0; i < c->leases.count; i++)
        if (!strcmp(c->leases.list[i]->id, j->id))
            c->leases.list[i]->state = c->leases.list[i]->lease->job_state = j->state;
}

/* ---- whether there is one ---- */

struct spec_debug core_lease_wish(const struct core *c, const struct job *j)
{
    static const struct spec_debug none = {.on = SPEC_DEBUG_NEVER};
    static const struct spec_debug by_vc = {.on = SPEC_DEBUG_USER_FAILURE, .hold = SPEC_HOLD_SANDBOX};
    switch (core_vc_of(c, j)->spec.debug.allow) {
    case VC_DEBUG_OFF:
        return none;
    case VC_DEBUG_USER_FAILURE:
        return j->spec->debug.on == SPEC_DEBUG_NEVER ? by_vc : j->spec->debug;
    case VC_DEBUG_ASKED:
        break;
    }
    return j->spec->debug;
}

/* When maintenance of a node ends what is held there at the latest; INT64_MAX: none is ahead. In it, that is now. */
static int64_t open_until(const struct step *s, const char *node)
{
    int index = cluster_find(s->core->cluster, node);
    const struct cluster_node *n = index < 0 ? NULL : cluster_at(s->core->cluster, index);
    if (n && n->info.maintenance)
        return s->now.wall;
    return n && n->closes_ms ? n->closes_ms : INT64_MAX;
}

/* Whether the job fails by this end of the task, and is not tried again. */
static bool fails_for_good(struct task *t, const struct exit_info *exit)
{
    struct job *j = t->job;
    struct task was = *t;
    struct exit_trigger why;
    int code;
    int64_t delay_ms;
    if (t->stop_sent || j->outcome || j->stop_requested || t->claim != CLAIM_CONFIRMED || !exit->code ||
        policy_task_retry(t, &exit->verdict) != POLICY_NO_RETRY)
        return false;
    t->state = STATE_FAILED; /* as it will be; the policy looks at the tasks themselves */
    t->exit = *exit;
    enum run_state outcome = policy_completion(j, t, &why, &code);
    *t = was;
    return outcome == STATE_FAILED && policy_job_retry(j, &exit->verdict, &delay_ms) == POLICY_NO_RETRY;
}

/* Why an end of this kind makes none; NULL when it does. A command that failed without a word is its author's: most
 * that are worth looking at fail so. */
static const char *wrong_kind(const struct spec_debug *wish, enum exit_category category)
{
    if (category == EXIT_CATEGORY_PLATFORM)
        return "the failure is the platform's, and nothing of it is in the sandbox";
    if (wish->on == SPEC_DEBUG_USER_FAILURE && category == EXIT_CATEGORY_RESOURCE)
        return "it is for failures of the command itself, and this one had too little to run with";
    return NULL;
}

/* The cap that is in the way; NULL when none is. */
static const char *over_cap(const struct core *c, const struct job *j)
{
    const struct core_vc *vc = core_vc_of(c, j);
    int mine = 0;
    for (size_t i = 0; i < c->leases.count; i++)
        mine += !strcmp(c->leases.list[i]->user, j->user) && !strcmp(c->leases.list[i]->spec->vc, j->spec->vc);
    if (mine >= vc_debug_per_user(&vc->spec.debug))
        return "its user has as many there as one user may have";
    if ((int)vc->leases >= vc_debug_total(&vc->spec.debug))
        return "its virtual cluster has as many as it may have";
    return NULL;
}

bool core_lease_due(struct step *s, struct task *t, const struct exit_info *exit)
{
    struct spec_debug wish = core_lease_wish(s->core, t->job);
    struct exit_info known = *exit;
    if (!known.verdict.phrase[0])
        exits_verdict(known.code, NULL, &known.verdict);
    if (!fails_for_good(t, &known))
        return false;
    const char *why = wish.on == SPEC_DEBUG_NEVER ? "its virtual cluster gives none any more"
                                                  : wrong_kind(&wish, known.verdict.category);
    if (!why)
        why = over_cap(s->core, t->job);
    if (!why && open_until(s, t->node) < s->now.wall + MINUTE_MS)
        why = "maintenance of its node is about to begin, or has begun";
    if (why)
        core_event_task(s, t, "LeaseRefused", "No debug reservation: %s.", why);
    return !why;
}

/* ---- beginning ---- */

/* What is known of the end. In the batch's arena; NULL on out of memory. */
static const char *collect(struct step *s, const struct task *t)
{
    struct buf text;
    struct json_out j;
    buf_init(&text, COLLECTED_MAX);
    json_out_init(&j, &text);
    json_out_object(&j);
    json_out_kint(&j, "exitCode", t->exit.code);
    json_out_kint(&j, "signal", t->exit.signal);
    json_out_kstring(&j, "reason", t->exit.verdict.phrase);
    json_out_kstring(&j, "category", exits_category_name(t->exit.verdict.category));
    json_out_kstring(&j, "message", t->exit.message);
    json_out_object_end(&j);
    const char *kept = text.bad ? NULL : arena_strdup(s->fx->arena, buf_str(&text));
    buf_fini(&text);
    return kept;
}

/* What it holds may be taken back where the virtual cluster says so; then it is nobody's guarantee. */
static int priority_of(const struct core *c, const struct job *j)
{
    return core_vc_of(c, j)->spec.debug.kept ? j->spec->priority : -1;
}

void core_lease_hold(struct step *s, const struct task *t)
{
    const struct job *j = t->job;
    struct spec_debug wish = core_lease_wish(s->core, j);
    int most = vc_debug_minutes(&core_vc_of(s->core, j)->spec.debug);
    int minutes = wish.minutes && wish.minutes < most ? wish.minutes : most;
    struct lease l = {.job = j->spec->name,
                      .job_state = j->state,
                      .owner = j->user,
                      .vc = j->spec->vc,
                      .role = t->role->name,
                      .node = t->node,
                      .job_attempt = j->attempt,
                      .task_index = t->index,
                      .task_attempt = t->attempt,
                      .hold = t->hold ? t->hold : wish.hold,
                      .amount = t->role->per_task,
                      .gpus = t->gpus,
                      .priority = priority_of(s->core, j),
                      .state = LEASE_HELD,
                      .created_ms = s->now.wall,
                      .expires_ms = s->now.wall + (int64_t)minutes * MINUTE_MS,
                      .ended_by = "",
                      .collected = collect(s, t)};
    if (open_until(s, l.node) < l.expires_ms) {
        l.expires_ms = open_until(s, l.node);
        minutes = (int)((l.expires_ms - s->now.wall) / MINUTE_MS);
    }
    memcpy(l.id, t->id, ID_SIZE);
    memcpy(l.nonce, t->nonce, sizeof l.nonce);
    memcpy(l.job_id, j->id, ID_SIZE);
    struct job *stand = l.collected ? take_in(s->core, &l, s->now) : NULL;
    if (!stand || (!s->core->stale && core_lease_seat(s->core, stand))) {
        s->fx->failed = true;
        return;
    }
    effects_lease(s->fx, stand->lease);
    core_event_lease(s, stand, "LeaseHeld", "Its sandbox%s on %s stays for %d minute%s.",
                     l.hold == SPEC_HOLD_GPUS ? " and its place" : "", l.node, minutes, minutes == 1 ? "" : "s");
}

/* ---- ending ---- */

/* Its end is ordered; who or what did it is kept. */
static void order_end(struct step *s, struct job *stand, const char *by)
{
    lease_move(&stand->lease->state, LEASE_ENDING);
    stand->lease->ended_by = arena_strdup(stand->arena, by);
    if (!stand->lease->ended_by)
        s->fx->failed = true;
    effects_lease(s->fx, stand->lease);
    effects_stop(s->fx, stand->tasks, END_GRACE_MS, 0);
}

/* Nothing of its sandbox is left, or nothing will ever be heard of it. It leaves memory when the batch ends. */
static void finish(struct step *s, struct job *stand, enum lease_state to, const char *by)
{
    struct lease *l = stand->lease;
    struct core *c = s->core;
    lease_move(&l->state, to);
    l->ended_ms = s->now.wall;
    if (!l->ended_by[0])
        l->ended_by = by;
    effects_lease(s->fx, l);
    effects_forget(s->fx, l->id, l->nonce);
    hash_remove(c->by_attempt, l->id);
    core_release(c, stand->tasks);
    core_vc_of(c, stand)->leases--;
    list_drop(&c->leases, stand);
    if (to == LEASE_LOST)
        core_event_lease(s, stand, "LeaseEnded", "Its sandbox was lost with node %s.", l->node);
    else
        core_event_lease(s, stand, "LeaseEnded", "Nothing of its sandbox on %s is left.", l->node);
    stand->queue_entry = c->graveyard;
    c->graveyard = stand;
}

void core_lease_told(struct step *s, struct job *stand, const struct engine_event *ev)
{
    if (ev->kind == ENGINE_EXITED && !ev->held)
        finish(s, stand, LEASE_ENDED, "sandbox");
    else if (ev->kind == ENGINE_LOST || ev->kind == ENGINE_REFUSED)
        finish(s, stand, LEASE_LOST, "node");
}

void core_lease_expired(struct step *s, const struct timer *timer)
{
    const struct task *t = hash_get(s->core->by_attempt, timer->id);
    struct job *stand = t ? t->job : NULL;
    if (!stand || !stand->lease || stand->lease->state != LEASE_HELD || stand->lease->extended != timer->number)
        return;
    if (stand->lease->expires_ms > s->now.wall) { /* the wall clock was set back */
        if (arm(s->core, stand->lease, s->now))
            s->fx->failed = true;
        return;
    }
    order_end(s, stand, "expiry");
    core_event_lease(s, stand, "LeaseExpired", "Its time is over.");
}

void core_lease_reclaim(struct step *s, struct job *stand, const struct job *by)
{
    order_end(s, stand, "need");
    core_event_lease(s, stand, "LeaseReclaimed", "%.120s needs what it holds.", by->full_name);
}

void core_lease_idle(struct step *s, struct job *stand, const char *text)
{
    order_end(s, stand, "idle");
    core_event_lease(s, stand, "LeaseReleased", "%s", text);
}

void core_lease_maintenance(struct step *s, struct job *stand, const struct maintenance *m)
{
    char when[32];
    if (stand->lease->state != LEASE_HELD || stand->lease->expires_ms <= m->start_ms)
        return;
    core_maintenance_when(m->start_ms, when);
    if (m->begun_ms && m->stop) {
        order_end(s, stand, "maintenance");
        core_event_lease(s, stand, "LeaseReleased", "Ended for the maintenance of node %s.", stand->lease->node);
    } else {
        core_event_lease(s, stand, "LeaseMaintenance", "Maintenance of node %s begins at %s%s.", stand->lease->node,
                         when, m->stop ? ", and ends it then" : "");
    }
}

/* ---- commands ---- */

static int extend(struct step *s, struct job *stand, const struct command *cmd, struct err *e)
{
    struct lease *l = stand->lease;
    int64_t until = l->expires_ms + (int64_t)cmd->lease.minutes * MINUTE_MS;
    int64_t most = l->created_ms + (int64_t)vc_debug_minutes(&core_vc_of(s->core, stand)->spec.debug) * MINUTE_MS;
    const struct command_actor *who = &cmd->actor;
    if (until > most && who->user && !who->admin)
        return err_set(
            e, ERR_FORBIDDEN,
            "A debug reservation of virtual cluster %s lasts %d minutes at most, of which %lld can be added; "
            "an admin can extend it further.",
            l->vc, vc_debug_minutes(&core_vc_of(s->core, stand)->spec.debug),
            (long long)(most > l->expires_ms ? (most - l->expires_ms) / MINUTE_MS : 0));
    if (until > open_until(s, l->node))
        return err_set(e, ERR_CONFLICT_LEASE,
                       "Maintenance of node %s is ahead, and would begin before the end of the debug reservation.",
                       l->node);
    l->expires_ms = until;
    l->extended++;
    if (arm(s->core, l, s->now))
        s->fx->failed = true;
    effects_lease(s->fx, l);
    core_event_lease(s, stand, "LeaseExtended", "Extended by %d minute%s by %s.", cmd->lease.minutes,
                     cmd->lease.minutes == 1 ? "" : "s", who->user ? who->user : "the server");
    return 0;
}

struct job *core_lease_of(const struct core *c, const char *job_id)
{
    for (size_t i = 0; i < c->leases.count; i++)
        if (!strcmp(c->leases.list[i]->id, job_id))
            return c->leases.list[i];
    return NULL;
}

static int change(struct step *s, const struct command *cmd, struct err *e)
{
    const struct command_lease *what = &cmd->lease;
    struct command_target t = what->target;
    if (core_find_target(s, cmd, what->full_name, &t, e))
        return -1;
    struct job *stand = core_lease_of(s->core, t.id);
    if (!stand)
        return err_set(e, ERR_CONFLICT_LEASE, "Job %s has no debug reservation.", what->full_name);
    if (stand->lease->state != LEASE_HELD)
        return what->release
                   ? 0
                   : err_set(e, ERR_CONFLICT_LEASE, "The debug reservation of job %s is ending.", what->full_name);
    if (!what->release)
        return extend(s, stand, cmd, e);
    order_end(s, stand, cmd->actor.user ? cmd->actor.user : "the server");
    core_event_lease(s, stand, "LeaseReleased", "Released by %s.", stand->lease->ended_by);
    return 0;
}

void core_lease(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    (void)change(s, cmd, &e);
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}
