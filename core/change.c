/* SPDX-License-Identifier: MIT
 *
 * Changes that a job's owner or an admin asks for: executionType, hold and tags. Rights on the object are checked here,
 * with the truth at hand.
 */
#include <stdio.h>
#include <string.h>

#include "auth/access.h"
#include "base/arena.h"
#include "base/err.h"
#include "core/internal.h"

/* 0 when the actor may change the job; else the error. The server itself may. */
/* Whether the virtual cluster is one of those that the caller manages. */
static bool is_managed(const struct command_actor *who, const char *vc)
{
    const char *const *m = who->managed;
    while (m && *m && strcmp(*m, vc) != 0)
        m++;
    return m && *m;
}

static int check_rights(const struct command_actor *actor, enum access need, const struct command_target *t,
                        struct err *e)
{
    char what[sizeof t->user + 16];
    struct access_object o = {.owner = t->user, .what = what};
    struct identity who = {.kind = IDENTITY_TOKEN, .admin = actor->admin};
    if (!actor->user)
        return 0;
    snprintf(who.user, sizeof who.user, "%s", actor->user);
    snprintf(what, sizeof what, "a job of user %s", t->user);
    o.managed = is_managed(actor, t->vc);
    return access_check_object(need, &who, &o, e);
}

int core_find_target(const struct step *s, const struct command *cmd, const char *full_name, struct command_target *t,
                     struct err *e)
{
    const struct job *j = hash_get(s->core->by_name, full_name);
    if (!j)
        j = core_buried(s->core, full_name);
    if (j) {
        t->exists = true;
        memcpy(t->id, j->id, ID_SIZE);
        memcpy(t->user, j->user, sizeof j->user);
        snprintf(t->vc, sizeof t->vc, "%s", j->spec->vc);
    }
    if (!t->exists)
        return err_set(e, ERR_NO_JOB, "Job %s is not found.", full_name);
    return check_rights(&cmd->actor, cmd->kind == COMMAND_TAG ? ACCESS_JOB_CHANGE : ACCESS_JOB_STOP, t, e);
}

void core_execution(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    struct command_target t = cmd->execution.target;
    if (!core_find_target(s, cmd, cmd->execution.full_name, &t, &e)) {
        struct job *j = hash_get(s->core->by_name, cmd->execution.full_name);
        /* As OpenPAI: a job that has ended accepts the wish and stays as it is; START never revives. */
        if (j && cmd->execution.stop)
            core_stop_job(s, j, cmd->actor.user);
    }
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}

/* ---- hold and release ---- */

/* What somebody else holds, the owner alone does not release. */
static bool is_kept_from(const struct command_actor *who, const struct job *j)
{
    bool manages = !who->user || who->admin || is_managed(who, j->spec->vc);
    return j->held_by[0] && strcmp(j->held_by, j->user) != 0 && !manages;
}

static void hold(struct step *s, struct job *j, const struct command_actor *who)
{
    const char *by = who->user ? who->user : "the server";
    if (is_kept_from(who, j) || !strcmp(j->held_by, by)) /* it stays the other's */
        return;
    snprintf(j->held_by, sizeof j->held_by, "%s", by);
    core_dequeue(s->core, j);
    effects_job(s->fx, j);
    core_event_job(s, j, "JobHeld", "Held by %s: it is not considered until it is released.", j->held_by);
}

/* It waits since now: what it was held for is no reason to be served before others. A retry that is due later still is;
 * its timer may have run out meanwhile, where the wall clock was set back. */
static void release(struct step *s, struct job *j, const struct command_actor *who)
{
    j->held_by[0] = '\0';
    if (j->due_ms > s->now.wall) {
        core_arm(s, TIMER_RETRY, j->id, j->attempt, s->now.mono + j->due_ms - s->now.wall);
    } else {
        j->due_ms = s->now.wall;
        if (core_enqueue(s->core, j, s->now.mono))
            s->fx->failed = true;
    }
    effects_job(s->fx, j);
    core_event_job(s, j, "JobReleased", "Released by %s.", who->user ? who->user : "the server");
}

static void keep(struct step *s, const struct command *cmd, struct err *e)
{
    struct job *j = hash_get(s->core->by_name, cmd->hold.full_name);
    if (!j || j->state != STATE_WAITING)
        err_set(e, ERR_CONFLICT_JOB, "Job %s does not wait; only a job that waits can be held or released.",
                cmd->hold.full_name);
    else if (!cmd->hold.release)
        hold(s, j, &cmd->actor);
    else if (is_kept_from(&cmd->actor, j))
        err_set(e, ERR_FORBIDDEN, "Job %s is held by %s; an admin can release it.", j->full_name, j->held_by);
    else if (j->held_by[0])
        release(s, j, &cmd->actor);
}

void core_keep(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    struct command_target t = cmd->hold.target;
    if (!core_find_target(s, cmd, cmd->hold.full_name, &t, &e))
        keep(s, cmd, &e);
    effects_reply(s->fx, cmd->reply_to, &e, NULL);
}

void core_tag(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    struct command_target t = cmd->tag.target;
    if (!core_find_target(s, cmd, cmd->tag.full_name, &t, &e) && cmd->tag.drop && !cmd->tag.present)
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
