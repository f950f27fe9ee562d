/* SPDX-License-Identifier: MIT
 *
 * Changes that a job's owner or an admin asks for: executionType and tags. Rights on the object are checked here, with
 * the truth at hand.
 */
#include <string.h>

#include "base/arena.h"
#include "core/internal.h"

/* 0 when `actor` may change the job of `user`; else the error. */
static int allowed(const struct command_actor *actor, const char *user, struct err *e)
{
    if (!actor->user || actor->admin || !strcmp(actor->user, user))
        return 0;
    return err_set(e, ERR_FORBIDDEN, "User %s is not allowed to change a job of user %s.", actor->user, user);
}

/* Id and owner of the named job, live or not. 0 or ERR_NO_JOB / ERR_FORBIDDEN. */
static int find(const struct step *s, const struct command_actor *actor, const char *full_name,
                struct command_target *t, struct err *e)
{
    const struct job *j = hash_get(s->core->by_name, full_name);
    if (!j)
        j = core_buried(s->core, full_name);
    if (j) {
        t->exists = true;
        memcpy(t->id, j->id, ID_SIZE);
        memcpy(t->user, j->user, sizeof j->user);
    }
    if (!t->exists)
        return err_set(e, ERR_NO_JOB, "Job %s is not found.", full_name);
    return allowed(actor, t->user, e);
}

void core_execution(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    struct command_target t = cmd->execution.target;
    if (!find(s, &cmd->actor, cmd->execution.full_name, &t, &e)) {
        struct job *j = hash_get(s->core->by_name, cmd->execution.full_name);
        /* As OpenPAI: a job that has ended accepts the wish and stays as it is; START never revives. */
        if (j && cmd->execution.stop)
            core_stop_job(s, j, cmd->actor.user);
    }
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}

void core_tag(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    struct command_target t = cmd->tag.target;
    if (!find(s, &cmd->actor, cmd->tag.full_name, &t, &e) && cmd->tag.drop && !cmd->tag.present)
        err_set(&e, ERR_NO_TAG, "Job %s has no tag \"%s\".", cmd->tag.full_name, cmd->tag.tag);
    if (e.code == ERR_NONE) {
        struct effect_tag *row = arena_alloc(s->fx->arena, sizeof *row);
        if (!row) {
            s->fx->failed = true;
            return;
        }
        *row = (struct effect_tag){.tag = cmd->tag.tag, .drop = cmd->tag.drop};
        memcpy(row->job_id, t.id, ID_SIZE);
        effects_add(s->fx, &(struct effect){.kind = EFFECT_TAG_ROW, .tag = row});
    }
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}
