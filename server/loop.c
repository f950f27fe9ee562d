/* SPDX-License-Identifier: MIT
 *
 * One batch:
 *
 *   take (all that wait, at most BATCH) ─► prepare: rows that commands name ─► core_step each ─► core_schedule
 *     ─► COMMIT ─► orders to the engine ─► replies ─► events to the hub ─► core_batch_end ─► snapshot
 *
 * Nothing of a batch is performed or confirmed before its COMMIT. When it fails, the batch's senders are told so and
 * the core is thrown away. Until the back-off is over, commands are refused with the same words and engine events
 * dropped. Then, when a trial write works, the core is loaded from the rows and the engine is asked again for every
 * placed task, because what it had told was lost.
 */
#include "server/loop.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "auth/identity_cache.h"
#include "base/clock_steady.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/log.h"
#include "core/core.h"
#include "engines/engine.h"
#include "jobs/exits.h"
#include "jobs/jobs_store.h"
#include "server/audit.h"
#include "server/diagnoser.h"
#include "server/launch.h"
#include "server/mailbox.h"
#include "server/persist.h"
#include "server/publish.h"
#include "server/snapshot.h"
#include "store/store.h"

enum {
    BATCH = 256,
    IDLE_MS = 1000,
    RETRY_FIRST_MS = 100,
    RETRY_MAX_MS = 2000,
    SNAPSHOT_MS = 50,
    SNAPSHOT_IDLE_MS = 250,
    NO_MEMORY_MS = 10
};

struct loop {
    struct loop_config config;
    struct core *core; /* NULL after a failed commit, until a write works again */
    struct effects fx;
    int64_t epoch;
    struct clock_steady clock;
    int64_t snapshot_mono; /* when the last was published */
    bool snapshot_due;
    struct err failure;             /* why there is no core */
    int64_t retry_mono, retry_wait; /* when to try for one; the back-off's current step, ms */
    struct node *nodes;             /* as last told by the engine, kept over a reload */
    size_t node_count;
    pthread_t thread;
    bool stopped; /* the owner's thread */
    atomic_uint_fast64_t batches, commits, commands, commit_failures, snapshots;
    bool adopted; /* the engine has found every placed task again */
    atomic_bool ready, healthy;
    atomic_int_fast64_t beat_mono;
};

/* The moment, for the core: its records never go back, whatever is done to the machine's clock (R6). */
static struct clock_now read_clock(struct loop *l)
{
    return clock_steady_next(&l->clock, clock_read());
}

/* ---- the engine's side ---- */

/* An event on its way to the core. */
struct engine_mail {
    struct mail mail; /* the first member: freed as one */
    struct engine_event event;
    struct exit_diagnosis diagnosis;
    char json[]; /* of the diagnosis */
};

static void engine_mail_done(struct mail *m, const struct effect_reply *reply)
{
    (void)reply;
    free(m);
}

/* Copies the event, and what was found out about it (NULL: nothing), into the lane that is never dropped. Any thread.
 */
static void post_engine_event(void *ctx, const struct engine_event *ev, const struct exit_diagnosis *why)
{
    struct loop *l = ctx;
    size_t len = why && why->json ? strlen(why->json) + 1 : 0;
    struct engine_mail *m = calloc(1, sizeof *m + len);
    if (!m) {
        log_error("engine_event_lost", "out of memory; the engine is asked again at the next start");
        return;
    }
    m->event = *ev;
    m->mail.cmd = (struct command){.kind = COMMAND_ENGINE, .engine = &m->event};
    if (why) {
        m->diagnosis.verdict = why->verdict;
        m->diagnosis.json = len ? memcpy(m->json, why->json, len) : NULL;
        m->mail.cmd.diagnosis = &m->diagnosis;
    }
    m->mail.done = engine_mail_done;
    mailbox_post_engine(l->config.mailbox, &m->mail);
}

/* The engine's sink. The engine's thread. */
static void on_engine_event(void *ctx, const struct engine_event *ev)
{
    struct loop *l = ctx;
    if (l->config.diagnoser)
        diagnoser_put(l->config.diagnoser, ev);
    else
        post_engine_event(l, ev, NULL);
}

static void send_order(struct loop *l, struct engine_order *o)
{
    l->config.engine->ops->order(l->config.engine, o);
}

static void order_task(struct loop *l, enum engine_order_kind kind, const struct task *t)
{
    struct err e = {0};
    struct launch_site site = {.store = l->config.store,
                               .keys = l->config.keys,
                               .cluster = core_cluster(l->core),
                               .image_on_host = l->config.image_on_host};
    struct engine_order *o = launch_order(&site, kind, t, &e);
    if (o) {
        send_order(l, o);
        return;
    }
    /* It cannot be started: tell the core as if the engine had refused, so that the job ends with the reason. */
    struct engine_event ev = {.kind = ENGINE_REFUSED, .epoch = t->epoch, .exit_code = EXIT_CODE_ENGINE_REFUSED};
    memcpy(ev.attempt_id, t->id, ID_SIZE);
    memcpy(ev.nonce, t->nonce, sizeof ev.nonce);
    memcpy(ev.message, e.text, sizeof ev.message - 1);
    log_error("launch_failed", "%s: %s", t->job->full_name, e.text);
    post_engine_event(l, &ev, NULL);
}

static void order_by_id(struct loop *l, enum engine_order_kind kind, const struct effect_stop *s)
{
    struct engine_order *o = engine_order_create(kind, false);
    if (!o) {
        log_error("order_lost", "out of memory for an order; it is given again at the next start");
        return;
    }
    memcpy(o->attempt_id, s->attempt_id, ID_SIZE);
    memcpy(o->nonce, s->nonce, sizeof o->nonce);
    o->epoch = l->epoch;
    o->grace_ms = s->grace_ms;
    o->signal = s->signal;
    send_order(l, o);
}

/* ---- one batch ---- */

/* Look-ups of a batch share one transaction, that of its commit: each alone would take and give back SQLite's locks. */
static struct store *look(struct loop *l, struct err *e)
{
    struct store *s = l->config.store;
    return store_in_transaction(s) || !store_begin(s, e) ? s : NULL;
}

static int find_target(struct loop *l, const char *full_name, struct command_target *t, struct err *e)
{
    struct jobs_store_target row;
    if (!full_name || core_find(l->core, full_name))
        return 0;
    struct store *s = look(l, e);
    int rc = s ? jobs_store_find_target(s, full_name, &row, e) : -1;
    if (rc == 1) {
        t->exists = true;
        memcpy(t->id, row.id, sizeof t->id);
        memcpy(t->user, row.user, sizeof t->user);
        memcpy(t->vc, row.vc, sizeof t->vc);
    }
    return rc < 0 ? -1 : 0;
}

static int has_tag(struct loop *l, const struct command_tag *t, struct err *e)
{
    struct store *s = look(l, e);
    return s ? jobs_store_has_tag(s, t->full_name, t->tag, e) : -1;
}

static int prepare_submit(struct loop *l, struct command_submit *sub, struct clock_now now, struct err *e)
{
    struct store *s = look(l, e);
    if (!s)
        return -1;
    int taken = jobs_store_name_taken(s, sub->job->full_name, e);
    int known = sub->key ? submit_key_find(s, sub->key, now.wall, &sub->before, e) : 0;
    sub->name_taken = taken == 1;
    sub->key_known = known == 1;
    return taken < 0 || known < 0 ? -1 : 0;
}

/* DESIGN 1.3: loads the ended rows that the command names, by index. 0, or -1 when they cannot be read. */
static int prepare(struct loop *l, struct command *cmd, struct clock_now now, struct err *e)
{
    int found = 0;
    switch (cmd->kind) {
    case COMMAND_SUBMIT:
        return prepare_submit(l, &cmd->submit, now, e);
    case COMMAND_EXECUTION:
        return find_target(l, cmd->execution.full_name, &cmd->execution.target, e);
    case COMMAND_HOLD:
        return find_target(l, cmd->hold.full_name, &cmd->hold.target, e);
    case COMMAND_TAG:
        found = find_target(l, cmd->tag.full_name, &cmd->tag.target, e) ? -1 : has_tag(l, &cmd->tag, e);
        cmd->tag.present = found == 1;
        break;
    case COMMAND_LEASE:
        return find_target(l, cmd->lease.full_name, &cmd->lease.target, e);
    case COMMAND_IDLE:
        return find_target(l, cmd->idle.full_name, &cmd->idle.target, e);
    default: /* they name no job that has ended */
        break;
    }
    return found < 0 ? -1 : 0;
}

/* Keeps what is known of nodes, for a reload. */
static void keep_node(struct loop *l, const struct node *n)
{
    for (size_t i = 0; i < l->node_count; i++)
        if (!strcmp(l->nodes[i].name, n->name)) {
            l->nodes[i] = *n;
            return;
        }
    struct node *grown = realloc(l->nodes, (l->node_count + 1) * sizeof *grown);
    if (!grown)
        return;
    l->nodes = grown;
    l->nodes[l->node_count++] = *n;
}

/* What the engine tells once and no row keeps; noted also while there is no core. */
static void note(struct loop *l, const struct mail *m)
{
    if (m->cmd.kind != COMMAND_ENGINE)
        return;
    if (m->cmd.engine->kind == ENGINE_NODE)
        keep_node(l, &m->cmd.engine->node);
    else if (m->cmd.engine->kind == ENGINE_READY)
        l->adopted = true;
}

/* Once all was found again and the batch that said so, with the nodes it brought, is stored and shown. */
static void tell_ready(struct loop *l)
{
    if (l->core && l->adopted && !atomic_exchange(&l->ready, true) && l->config.ready)
        l->config.ready(l->config.ctx);
}

static int step_one(struct loop *l, struct mail *m, struct clock_now now, struct err *e)
{
    if (prepare(l, &m->cmd, now, e))
        return -1;
    core_step(l->core, &m->cmd, now, &l->fx);
    if (m->cmd.kind == COMMAND_SUBMIT && core_find(l->core, m->cmd.submit.job->full_name) == m->cmd.submit.job)
        m->cmd.submit.job = NULL; /* the core's now, even if the commit fails */
    return 0;
}

static void perform_orders(struct loop *l)
{
    for (size_t i = 0; i < l->fx.count; i++) {
        const struct effect *f = &l->fx.list[i];
        if (f->kind == EFFECT_LAUNCH)
            order_task(l, ENGINE_LAUNCH, f->task);
        else if (f->kind == EFFECT_ADOPT)
            order_task(l, ENGINE_ADOPT, f->task);
        else if (f->kind == EFFECT_STOP || f->kind == EFFECT_FORGET)
            order_by_id(l, f->kind == EFFECT_STOP ? ENGINE_STOP : ENGINE_FORGET, f->stop);
    }
}

/* The batch is on disk: each sender gets its reply; mails that want none (the engine's) are given back. */
static void answer(struct loop *l, struct mail *list)
{
    for (struct mail *m = list, *next; m; m = next) {
        next = m->next;
        if (!m->cmd.reply_to)
            m->done(m, NULL);
    }
    for (size_t i = 0; i < l->fx.count; i++) {
        const struct effect *f = &l->fx.list[i];
        if (f->kind == EFFECT_REPLY) {
            struct mail *m = f->reply->to;
            if (m->cmd.actor.recorded && l->config.audit)
                *m->cmd.actor.recorded = true; /* before the request may end */
            m->done(m, f->reply);
        }
    }
}

/* Nothing of the batch is on disk: everybody hears why. */
static void answer_failed(struct mail *list, const struct err *e)
{
    struct effect_reply reply = {.err = *e};
    for (struct mail *m = list, *next; m; m = next) {
        next = m->next;
        m->done(m, &reply);
    }
}

/* ---- failure and recovery ---- */

/* There is no core from now on; `why` is what everybody hears until there is one again. */
static void lose_core(struct loop *l, const struct err *why)
{
    core_destroy(l->core);
    l->core = NULL;
    effects_reset(&l->fx);
    l->failure = *why;
    l->retry_wait = l->retry_wait ? l->retry_wait * 2 : RETRY_FIRST_MS;
    if (l->retry_wait > RETRY_MAX_MS)
        l->retry_wait = RETRY_MAX_MS;
    l->retry_mono = clock_read().mono + l->retry_wait;
    if (atomic_exchange(&l->healthy, false))
        log_error("commit_failed", "%s", why->text);
}

/* The batch could not be committed: throw it away, and plan to begin again from the rows, later each time. */
static void fail_batch(struct loop *l, struct mail *list, const struct err *e)
{
    if (store_fsync_failed(l->config.store))
        l->config.fsync_failed(l->config.ctx, e);
    atomic_fetch_add(&l->commit_failures, 1);
    lose_core(l, e);
    answer_failed(list, e);
}

static struct core *load_core(struct loop *l, struct clock_now now, struct err *e)
{
    struct core *c = persist_load_core(l->config.store, l->epoch, l->config.seed, now, e);
    if (c && l->config.placement)
        core_weigh(c, l->config.placement);
    return c;
}

/* Loads the core anew and puts back what the engine told of its nodes; then orders to find every placed task again. */
static int reload(struct loop *l, struct clock_now now, struct err *e)
{
    /* A COMMIT that failed may have been done all the same: the audit log's end is what the rows say, too. */
    if (l->config.audit && audit_load(l->config.audit, l->config.store, e))
        return -1;
    l->core = load_core(l, now, e);
    for (size_t i = 0; l->core && i < l->node_count; i++)
        if (core_load_node(l->core, &l->nodes[i]))
            return err_set(e, ERR_BUSY, "Out of memory for node %s.", l->nodes[i].name);
    if (!l->core)
        return -1;
    core_adopt(l->core, &l->fx);
    return l->fx.failed ? err_set(e, ERR_BUSY, "Out of memory for the tasks that run.") : 0;
}

/* After a failure, when the back-off is over. The trial write keeps a full disk from costing a reload each time, and
 * makes the server ready again without waiting for a command. */
static void recover(struct loop *l, struct clock_now now)
{
    struct err e = {0};
    if (l->core || now.mono < l->retry_mono)
        return;
    if (persist_probe(l->config.store, l->epoch, &e) || reload(l, now, &e)) {
        if (store_fsync_failed(l->config.store))
            l->config.fsync_failed(l->config.ctx, &e);
        lose_core(l, &e);
        return;
    }
    /* At once and not with the next batch's orders: a task of it may have moved on by then. */
    perform_orders(l);
    effects_reset(&l->fx);
    l->snapshot_due = true;
    atomic_store(&l->healthy, true);
    log_info("commit_recovered", "the database takes writes again");
}

/* ---- the thread ---- */

/* When the changes since the last snapshot are to be shown: soon while somebody looks, in a moment otherwise, so that
 * who looks next does not see an old state. */
static int64_t snapshot_at(struct loop *l)
{
    if (!l->snapshot_due || !l->core)
        return INT64_MAX;
    return l->snapshot_mono + (snapshots_wanted(l->config.snapshots) ? SNAPSHOT_MS : SNAPSHOT_IDLE_MS);
}

static void snapshot(struct loop *l, struct clock_now now)
{
    struct core_view *view = core_view_create(l->core, now.mono);
    bool behind = view && view->behind;
    snapshots_publish(l->config.snapshots, view, now.wall);
    atomic_fetch_add(&l->snapshots, 1);
    l->snapshot_mono = now.mono;
    l->snapshot_due = behind;
}

/* Before the answers: who was told that a right is gone must not meet it again. */
static void forget_identities(struct loop *l)
{
    for (size_t i = 0; l->config.identities && i < l->fx.count; i++)
        if (l->fx.list[i].kind == EFFECT_WRITE) {
            identity_cache_stale(l->config.identities);
            return;
        }
}

/* Whether the audit log has something to write, with the batch or without one. */
static bool records(struct loop *l, struct clock_now now, bool last)
{
    return l->config.audit && audit_needed(l->config.audit, &l->fx, now.wall, last);
}

static void run_batch(struct loop *l, struct mail *list, struct clock_now now)
{
    static const struct command tick = {.kind = COMMAND_TICK};
    struct err e = {0};
    uint64_t n = 0;
    for (struct mail *m = list; m && !e.code; m = m->next, n++)
        (void)step_one(l, m, now, &e);
    if (core_deadline(l->core) <= now.mono)
        core_step(l->core, &tick, now, &l->fx);
    core_schedule(l->core, now, &l->fx);
    atomic_fetch_add(&l->commands, n);
    if (l->fx.failed && !e.code)
        err_set(&e, ERR_BUSY, "Out of memory; nothing was changed.");
    bool record = !e.code && records(l, now, false); /* asked in any case: it takes what waits */
    bool write = record || (!e.code && persist_needed(&l->fx));
    bool failed = e.code || (write && persist_commit(l->config.store, &l->fx, l->config.audit, l->epoch, &e));
    store_rollback(l->config.store); /* where look() began one and nothing was written */
    if (failed) {
        fail_batch(l, list, &e);
        return;
    }
    if (write) {
        atomic_fetch_add(&l->commits, 1);
        l->retry_wait = 0;
    }
    forget_identities(l);
    if (l->fx.count)
        l->snapshot_due = true;
    (void)FAILPOINT(LOOP_BEFORE_ORDERS);
    perform_orders(l);
    core_batch_end(l->core, &l->fx);
    if (effects_shown_at_once(&l->fx))
        snapshot(l, now);
    (void)FAILPOINT(LOOP_BEFORE_ANSWERS);
    answer(l, list);
    publish_batch(l->config.hub, l->config.tally, &l->fx);
}

/* When the thread must come round again without mail. */
static int64_t next_wake(struct loop *l, int64_t now_mono)
{
    int64_t at = now_mono + IDLE_MS;
    if (snapshot_at(l) < at)
        at = snapshot_at(l);
    int64_t due = l->core ? core_deadline(l->core) : l->retry_mono;
    return due < at ? due : at;
}

static void *thread_main(void *ctx)
{
    struct loop *l = ctx;
    for (;;) {
        struct mail *list = mailbox_take(l->config.mailbox, BATCH, next_wake(l, clock_read().mono));
        if (!list && mailbox_closed(l->config.mailbox))
            return NULL;
        struct clock_now now = read_clock(l);
        atomic_store(&l->beat_mono, now.mono);
        atomic_fetch_add(&l->batches, 1);
        for (const struct mail *m = list; m; m = m->next)
            note(l, m);
        recover(l, now);
        if (!l->core) {
            answer_failed(list, &l->failure);
            continue;
        }
        run_batch(l, list, now);
        effects_reset(&l->fx);
        tell_ready(l);
        now = read_clock(l);
        if (now.mono >= snapshot_at(l))
            snapshot(l, now);
    }
}

/* ---- life ---- */

struct loop *loop_create(const struct loop_config *config, struct err *e)
{
    struct loop *l = calloc(1, sizeof *l);
    if (!l || effects_init(&l->fx)) {
        free(l);
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    l->config = *config;
    atomic_store(&l->healthy, true);
    l->epoch = persist_new_epoch(config->store, e);
    if (l->epoch < 0)
        goto fail;
    l->clock.wall = persist_last_moment(config->store, e);
    if (l->clock.wall < 0)
        goto fail;
    l->core = load_core(l, read_clock(l), e);
    if (!l->core || (config->audit && audit_load(config->audit, config->store, e)))
        goto fail;
    if (FAILPOINT(LOOP_AFTER_LOAD)) {
        err_errno(e, errno, "cannot load the jobs");
        goto fail;
    }
    core_adopt(l->core, &l->fx);
    perform_orders(l); /* queued before the engine starts: it answers them first */
    effects_reset(&l->fx);
    snapshot(l, clock_read()); /* who asks while the server starts is shown the rows' state */
    if (config->diagnoser && diagnoser_start(config->diagnoser, post_engine_event, l, e))
        goto fail;
    if (config->engine->ops->start(config->engine, on_engine_event, l, e))
        goto fail_diagnoser;
    if (pthread_create(&l->thread, NULL, thread_main, l)) {
        config->engine->ops->stop(config->engine);
        err_set(e, ERR_INTERNAL, "No thread for the core.");
        goto fail_diagnoser;
    }
    return l;
fail_diagnoser:
    diagnoser_stop(config->diagnoser);
fail:
    core_destroy(l->core);
    effects_fini(&l->fx);
    free(l);
    return NULL;
}

void loop_stop(struct loop *l)
{
    if (!l || l->stopped)
        return;
    l->stopped = true;
    mailbox_close(l->config.mailbox);
    pthread_join(l->thread, NULL);
    l->config.engine->ops->stop(l->config.engine);
    diagnoser_stop(l->config.diagnoser);
    struct mail *rest; /* what the engine said in its last moments: it will say it again */
    while ((rest = mailbox_take(l->config.mailbox, BATCH, 0)))
        answer_failed(rest, &(struct err){.code = ERR_BUSY});
    atomic_store(&l->ready, false);
}

void loop_destroy(struct loop *l)
{
    if (!l)
        return;
    loop_stop(l);
    struct err e = {0};
    if (records(l, clock_read(), true) && persist_commit(l->config.store, &l->fx, l->config.audit, l->epoch, &e))
        log_error("audit_lost", "the last refused calls are not in the audit log: %s", e.text);
    core_destroy(l->core);
    effects_fini(&l->fx);
    free(l->nodes);
    free(l);
}

void loop_stats(struct loop *l, struct loop_stats *out)
{
    *out = (struct loop_stats){.batches = atomic_load(&l->batches),
                               .commits = atomic_load(&l->commits),
                               .commands = atomic_load(&l->commands),
                               .commit_failures = atomic_load(&l->commit_failures),
                               .snapshots = atomic_load(&l->snapshots),
                               .ready = atomic_load(&l->ready) && atomic_load(&l->healthy),
                               .beat_mono = atomic_load(&l->beat_mono)};
}
