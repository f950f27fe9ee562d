/* SPDX-License-Identifier: MIT
 *
 * Submission: the name must be free, the server not full; then the job waits.
 */
#include "core/internal.h"

static int refuse(const struct step *s, const struct command_submit *sub, struct err *e)
{
    const struct core *c = s->core;
    if (sub->name_taken || hash_get(c->by_name, sub->job->full_name) || core_buried(c, sub->job->full_name))
        return err_set(e, ERR_CONFLICT_JOB, "Job name %s already exists.", sub->job->full_name);
    if (hash_count(c->by_id) >= c->config.max_live_jobs)
        return err_set(e, ERR_BUSY, "The server holds %zu unfinished jobs, its limit; try again when some have ended.",
                       hash_count(c->by_id));
    return 0;
}

void core_submit(struct step *s, const struct command *cmd)
{
    struct core *c = s->core;
    struct job *j = cmd->submit.job;
    struct err e = {0};
    if (refuse(s, &cmd->submit, &e)) {
        effects_reply(s->fx, cmd->reply_to, &e, NULL);
        return;
    }
    j->seq = c->next_seq++;
    j->submitted_ms = s->now.wall;
    if (hash_put(c->by_name, j->full_name, j) || hash_put(c->by_id, j->id, j) || core_enqueue(c, j)) {
        /* The state is reloaded; the job stays the sender's. */
        hash_remove(c->by_name, j->full_name);
        hash_remove(c->by_id, j->id);
        s->fx->failed = true;
        return;
    }
    j->row_pending = true;
    effects_add(
        s->fx, &(struct effect){.kind = EFFECT_JOB_INSERT,
                                .job = {.job = j, .config = cmd->submit.config, .config_len = cmd->submit.config_len}});
    core_event_job(s, j, "JobSubmitted", "Submitted by %s.", cmd->actor.user ? cmd->actor.user : j->user);
    effects_reply(s->fx, cmd->reply_to, NULL, j);
}
