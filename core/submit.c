/* SPDX-License-Identifier: MIT
 *
 * Submission: the name must be free, the server not full; then the job waits. A submission that comes again with its
 * idempotency key gets the answer of the first and changes nothing. A dry run is asked the same questions and ends
 * before anything is changed.
 */
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"

/* What the virtual cluster allows a job to be. */
static int refuse_size(const struct core_vc *vc, const struct spec *spec, struct err *e)
{
    if (vc->spec.max_gpus && spec->total_gpus > vc->spec.max_gpus)
        return err_set(e, ERR_INVALID_PARAMETERS, "The job asks for %lld GPUs; virtual cluster %s allows a job %d.",
                       (long long)spec->total_gpus, vc->spec.name, vc->spec.max_gpus);
    if (vc->spec.max_time && spec->time_limit_ms / 1000 > vc->spec.max_time)
        return err_set(e, ERR_INVALID_PARAMETERS, "The job's time limit is %lld s; virtual cluster %s allows %d s.",
                       (long long)(spec->time_limit_ms / 1000), vc->spec.name, vc->spec.max_time);
    if (vc->spec.max_jobs && vc->live_jobs >= (size_t)vc->spec.max_jobs)
        return err_set(e, ERR_TOO_MANY,
                       "Virtual cluster %s holds %zu unfinished jobs, its limit; try again when some have ended.",
                       vc->spec.name, vc->live_jobs);
    return 0;
}

/* A gang that its virtual cluster could never hold is refused, as by OpenPAI. What "default" has changes with the
 * nodes, so that there it is a warning. */
static int over_quota(struct core *c, const struct core_vc *vc, const struct spec *spec, struct err *e)
{
    core_vc_amounts(c);
    int64_t most = (int64_t)vc->guaranteed + vc->spec.borrow;
    if (spec->priority < 0 || spec->total_gpus <= most || spec->pin || !strcmp(vc->spec.name, VC_DEFAULT))
        return 0;
    return err_set(e, ERR_INVALID_PROTOCOL,
                   "The job asks for %lld GPUs; virtual cluster %s is guaranteed %d and may borrow %d. Ask for at most "
                   "%lld, or for priority class oppo, which needs no guarantee.",
                   (long long)spec->total_gpus, vc->spec.name, vc->guaranteed, vc->spec.borrow, (long long)most);
}

/* What to tell whoever submits a job that cannot run on any node that was ever there, or asks for what its virtual
 * cluster does not give; NULL: nothing. In the batch's arena. */
static const char *warning(const struct step *s, const struct job *j)
{
    const struct core *c = s->core;
    const struct core_vc *rest = core_vc_of(c, j);
    for (size_t i = 0; i < j->spec->role_count; i++) {
        const struct spec_role *role = &j->spec->roles[i];
        const struct resources *want = &role->per_task;
        if (!c->largest.cpus ||
            (want->gpus <= c->largest.gpus && want->cpus <= c->largest.cpus && want->memory_mb <= c->largest.memory_mb))
            continue;
        return arena_printf(s->fx->arena,
                            "No node can run a task of %s: it asks for %lld GPUs, %lld CPUs and %lld MB, and the most "
                            "that a node has is %lld, %lld and %lld. The job waits until one comes.",
                            role->name, (long long)want->gpus, (long long)want->cpus, (long long)want->memory_mb,
                            (long long)c->largest.gpus, (long long)c->largest.cpus, (long long)c->largest.memory_mb);
    }
    if (j->spec->debug.on != SPEC_DEBUG_NEVER && rest->spec.debug.allow == VC_DEBUG_OFF)
        return arena_printf(s->fx->arena, "Virtual cluster %s gives no debug reservations; this job gets none.",
                            rest->spec.name);
    if (j->spec->priority < 0 || j->spec->total_gpus <= rest->guaranteed + rest->spec.borrow)
        return NULL;
    return arena_printf(s->fx->arena,
                        "The job asks for %lld GPUs; virtual cluster %s has %d. It waits until there are more.",
                        (long long)j->spec->total_gpus, rest->spec.name, rest->guaranteed);
}

static int refuse(const struct step *s, const struct command_submit *sub, struct err *e)
{
    const struct core *c = s->core;
    if (sub->name_taken || hash_get(c->by_name, sub->job->full_name) || core_buried(c, sub->job->full_name))
        return err_set(e, ERR_CONFLICT_JOB, "Job name %s already exists.", sub->job->full_name);
    const struct core_vc *vc = core_vc_find(c, sub->job->spec->vc);
    if (!vc)
        return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found.", sub->job->spec->vc);
    if (vc->spec.stopped)
        return err_set(e, ERR_INVALID_PARAMETERS, "Virtual cluster %s is stopped; it accepts no jobs.", vc->spec.name);
    if (refuse_size(vc, sub->job->spec, e))
        return -1;
    if (over_quota(s->core, vc, sub->job->spec, e))
        return -1;
    if (hash_count(c->by_id) >= c->config.max_live_jobs)
        return err_set(e, ERR_BUSY, "The server holds %zu unfinished jobs, its limit; try again when some have ended.",
                       hash_count(c->by_id));
    return 0;
}

/* The job that was accepted under the key in this batch, of which the rows say nothing yet. */
static const struct effect_key *key_of_batch(const struct effects *fx, const struct submit_key *key)
{
    for (size_t i = 0; i < fx->count; i++) {
        const struct effect *f = &fx->list[i];
        if (f->kind == EFFECT_KEY_ROW && !strcmp(f->key->key->key, key->key) && !strcmp(f->key->key->user, key->user))
            return f->key;
    }
    return NULL;
}

/* Answers a submission that came before. False: it did not. */
static bool answer_again(const struct step *s, const struct command *cmd)
{
    const struct command_submit *sub = &cmd->submit;
    struct err e = {0};
    if (!sub->key)
        return false;
    const struct effect_key *now = sub->key_known ? NULL : key_of_batch(s->fx, sub->key);
    if (!now && !sub->key_known)
        return false;
    if (memcmp(now ? now->key->hash : sub->before.hash, sub->key->hash, SUBMIT_KEY_HASH)) {
        err_set(&e, ERR_KEY_REUSED, "The Idempotency-Key came with another job before; use a new one.");
        effects_reply(s->fx, cmd->reply_to, &e, NULL);
    } else {
        effects_reply_again(s->fx, cmd->reply_to, now ? now->job_id : sub->before.job_id,
                            now ? now->full_name : sub->before.full_name);
    }
    return true;
}

void core_submit(struct step *s, const struct command *cmd)
{
    struct core *c = s->core;
    struct job *j = cmd->submit.job;
    struct err e = {0};
    if (answer_again(s, cmd))
        return;
    if (refuse(s, &cmd->submit, &e)) {
        effects_reply(s->fx, cmd->reply_to, &e, NULL);
        return;
    }
    if (cmd->submit.dry_run) {
        effects_reply_warned(s->fx, cmd->reply_to, j, c->largest.cpus ? warning(s, j) : NULL);
        return;
    }
    j->seq = c->next_seq++;
    j->submitted_ms = s->now.wall;
    if (hash_put(c->by_name, j->full_name, j) || hash_put(c->by_id, j->id, j) || core_enqueue(c, j, s->now.mono)) {
        /* The state is reloaded; the job stays the sender's. */
        hash_remove(c->by_name, j->full_name);
        hash_remove(c->by_id, j->id);
        s->fx->failed = true;
        return;
    }
    core_vc_of(c, j)->live_jobs++;
    j->row_pending = true;
    effects_add(
        s->fx, &(struct effect){.kind = EFFECT_JOB_INSERT,
                                .job = {.job = j, .config = cmd->submit.config, .config_len = cmd->submit.config_len}});
    if (cmd->submit.key)
        effects_key(s->fx, cmd->submit.key, j);
    core_event_job(s, j, "JobSubmitted", "Submitted by %s.", cmd->actor.user ? cmd->actor.user : j->user);
    effects_reply_warned(s->fx, cmd->reply_to, j, c->largest.cpus ? warning(s, j) : NULL);
}
