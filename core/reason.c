/* SPDX-License-Identifier: MIT
 *
 * A change of the reason for which a job waits, as an explainer outside has found it (DESIGN 1.8). How often that is
 * told is bounded here: at most once in TOLD_MS, and each time the longer the job waits, so that a job that waits for a
 * week between two reasons gets some forty events and not thousands.
 */
#include <stdio.h>
#include <string.h>

#include "core/internal.h"

enum { TOLD_MS = 30 * 1000, SHARE = 4 /* of the time until the last: so much must have passed since */ };

static bool is_soon(const struct step *s, const struct job *j)
{
    int64_t since = j->due_ms ? j->due_ms : j->submitted_ms, waited = j->reason_ms - since;
    int64_t least = waited / SHARE > TOLD_MS ? waited / SHARE : TOLD_MS;
    return j->reason_ms && s->now.wall - j->reason_ms < least;
}

void core_reason(struct step *s, const struct command *cmd)
{
    const struct command_reason *r = &cmd->reason;
    struct job *j = hash_get(s->core->by_name, r->full_name);
    if (!j || j->state != STATE_WAITING || j->attempt != r->attempt || !strcmp(j->wait_reason, r->reason))
        return;
    if (is_soon(s, j))
        return;
    snprintf(j->wait_reason, sizeof j->wait_reason, "%s", r->reason);
    j->reason_ms = s->now.wall;
    effects_job(s->fx, j);
    core_event_job(s, j, "JobWaits", "%s", r->text);
}
