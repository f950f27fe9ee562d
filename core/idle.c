/* SPDX-License-Identifier: MIT
 *
 * GPUs that are held and not used. Who watches them (server/gpu_idle.h) says what was seen and what is to follow; here
 * it follows, with an event, if the job attempt is still there. What is to be saved is saved in the same transaction:
 * nothing is told twice.
 */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "core/internal.h"

/* ---- what was found ---- */

/* The job or what stands for its debug reservation; NULL: it is over, or ends. */
static struct job *find(const struct core *c, const struct command_idle *cmd)
{
    struct job *j = cmd->reservation ? core_lease_of(c, cmd->job_id) : hash_get(c->by_id, cmd->job_id);
    if (!j || j->attempt != cmd->job_attempt)
        return NULL;
    if (cmd->reservation)
        return j->lease->state == LEASE_HELD ? j : NULL;
    return j->state == STATE_RUNNING && !j->stop_requested ? j : NULL;
}

static void tell(struct step *s, const struct job *j, const struct command_idle *cmd, const char *reason)
{
    if (cmd->dry_run)
        reason = "IdleDryRun";
    if (cmd->reservation)
        core_event_lease(s, j, reason, "%s", cmd->text);
    else
        core_event_job(s, j, reason, "%s", cmd->text);
}

/* How long it could have held its GPUs. */
static int64_t left_ms(const struct step *s, const struct job *j)
{
    int64_t until = j->launched_ms + core_time_limit(s->core, j);
    if (j->lease)
        until = j->lease->expires_ms;
    else if (!core_time_limit(s->core, j))
        return -1;
    return until > s->now.wall ? until - s->now.wall : 0;
}

static void tag(struct step *s, const struct job *j, const char *text)
{
    struct effect_tag *row = arena_alloc(s->fx->arena, sizeof *row);
    if (!row) {
        s->fx->failed = true;
        return;
    }
    *row = (struct effect_tag){.tag = text};
    memcpy(row->job_id, j->id, ID_SIZE);
    effects_add(s->fx, &(struct effect){.kind = EFFECT_TAG_ROW, .tag = row});
}

static void act(struct step *s, struct job *j, const struct command_idle *cmd)
{
    char why[sizeof j->trigger.message];
    *cmd->left_ms = left_ms(s, j);
    if (cmd->dry_run || cmd->action != IDLE_RELEASE) /* that has an event of its own */
        tell(s, j, cmd, cmd->action == IDLE_NONE ? "IdleNoted" : "IdleActed");
    if (cmd->dry_run)
        return;
    if (cmd->action == IDLE_TAG)
        tag(s, j, cmd->tag);
    if (cmd->action == IDLE_RELEASE)
        core_lease_idle(s, j, cmd->text);
    if (cmd->action != IDLE_STOP)
        return;
    snprintf(why, sizeof why, "Stopped. %s", cmd->text);
    j->stop_code = EXIT_CODE_IDLE;
    core_stop_for(s, j, why);
}

static void found(struct step *s, const struct command *cmd)
{
    const struct command_idle *what = &cmd->idle;
    struct job *j = find(s->core, what);
    if (!j) {
        effects_reply(s->fx, cmd->reply_to, &(struct err){0}, NULL);
        return;
    }
    if (what->op == COMMAND_IDLE_ACT)
        act(s, j, what);
    else if (what->op == COMMAND_IDLE_WARN)
        tell(s, j, what, what->action == IDLE_NONE ? "IdleNoted" : "IdleWarned");
    else
        tell(s, j, what, "IdleOver");
    effects_save(s->fx, cmd->reply_to, &what->save);
}

/* ---- snoozing ---- */

static int check_minutes(const struct command *cmd, const struct core_vc *vc, struct err *e)
{
    const struct command_idle *what = &cmd->idle;
    int most = vc->spec.idle.set ? vc->spec.idle.snooze_minutes : what->site_most;
    if (what->minutes <= most || cmd->actor.admin)
        return 0;
    if (!most)
        return err_set(e, ERR_FORBIDDEN, "Nobody but an admin may snooze jobs of virtual cluster %s.", vc->spec.name);
    return err_set(e, ERR_FORBIDDEN,
                   "A job of virtual cluster %s may be snoozed for %d minutes at once; an admin may for longer.",
                   vc->spec.name, most);
}

static int snooze(struct step *s, const struct command *cmd, struct err *e)
{
    const struct command_idle *what = &cmd->idle;
    struct command_target t = what->target;
    char until[CLOCK_ISO_SIZE];
    if (core_find_target(s, cmd, what->full_name, &t, e))
        return -1;
    struct job *j = hash_get(s->core->by_name, what->full_name), *stand = core_lease_of(s->core, t.id);
    if (!j && !stand)
        return err_set(e, ERR_CONFLICT_JOB, "Job %s has ended; there is nothing to snooze.", what->full_name);
    if (check_minutes(cmd, core_vc_of(s->core, j ? j : stand), e))
        return -1;
    clock_iso(s->now.wall + (int64_t)what->minutes * 60 * 1000, until);
    if (j)
        core_event_job(s, j, "IdleSnoozed", "Snoozed until %s by %s: %s", until, cmd->actor.user, what->reason);
    else
        core_event_lease(s, stand, "IdleSnoozed", "Snoozed until %s by %s: %s", until, cmd->actor.user, what->reason);
    return 0;
}

void core_idle(struct step *s, const struct command *cmd)
{
    struct err e = {0};
    if (cmd->idle.op != COMMAND_IDLE_SNOOZE)
        found(s, cmd);
    else if (snooze(s, cmd, &e))
        effects_reply(s->fx, cmd->reply_to, &e, NULL);
    else
        effects_save(s->fx, cmd->reply_to, &cmd->idle.save);
}
