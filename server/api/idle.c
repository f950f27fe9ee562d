/* SPDX-License-Identifier: MIT
 *
 * A snooze: the owner of a job says for how long and why its GPUs are not used. The core checks how long that may be.
 */
#include "server/api/idle.h"

#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "metrics/idle_store.h"
#include "server/api/api.h"
#include "server/gpu_watch.h"
#include "server/mailbox.h"

enum { REASON_MAX = 200 };

/* The body into `z`, its text in the arena. 0 or -1. */
static int read_body(struct request *r, struct idle_snooze *z, struct err *e)
{
    static const char *const keys[] = {"minutes", "reason", NULL};
    const char *reason = NULL;
    cJSON *body = api_body_object(r, e);
    if (!body)
        return -1;
    int rc = json_only_keys(body, keys, e) || json_get_int(body, "minutes", &z->minutes, e) ||
                     json_get_string(body, "reason", &reason, e)
                 ? -1
                 : 0;
    z->reason = reason ? arena_strdup(request_arena(r), reason) : NULL;
    cJSON_Delete(body);
    if (rc)
        return -1;
    if (z->minutes < 1 || z->minutes > IDLE_SECONDS_MAX / 60)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"minutes\" must be between 1 and %d.", IDLE_SECONDS_MAX / 60);
    if (!z->reason || !z->reason[0] || strlen(z->reason) > REASON_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"reason\" must have 1 to %d bytes.", REASON_MAX);
    for (const char *c = z->reason; *c; c++)
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"reason\" must be one line.");
    return 0;
}

int api_job_snooze(struct request *r, void *context, struct err *e)
{
    const struct api *a = context;
    struct idle_snooze *z = arena_calloc(request_arena(r), 1, sizeof *z);
    struct mail *m = api_mail(r, COMMAND_IDLE, api_done_message);
    if (!z)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (read_body(r, z, e))
        return -1;
    z->full_name = api_job_param(r);
    z->by = request_identity(r)->user;
    if (api_message(m, r, 200, arena_printf(request_arena(r), "Snooze job %s successfully.", z->full_name)))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (api_managed(context, r, &m->cmd.actor.managed, e))
        return -1;
    m->cmd.idle = (struct command_idle){.op = COMMAND_IDLE_SNOOZE,
                                        .full_name = z->full_name,
                                        .reason = z->reason,
                                        .minutes = (int)z->minutes,
                                        .site_most = gpu_watch_snooze(a->watch),
                                        .save = {idle_store_snooze, z}};
    return api_post(context, r, m, e);
}
