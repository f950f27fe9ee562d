/* SPDX-License-Identifier: MIT
 *
 * Changes of a job: executionType, hold, tags, and putting an ended one away.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "jobs/jobs_write.h"
#include "server/api/api.h"
#include "server/disk_quota.h"
#include "server/mailbox.h"

int api_job_execution(struct request *r, void *context, struct err *e)
{
    const char *value = api_body_value(r, e);
    if (!value)
        return -1;
    bool stop = !strcmp(value, "STOP");
    if (!stop && strcmp(value, "START") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"value\" must be START or STOP.");
    struct mail *m = api_mail(r, COMMAND_EXECUTION, api_done_message);
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (api_managed(context, r, &m->cmd.actor.managed, e))
        return -1;
    const char *name = api_job_param(r);
    if (api_message(m, r, 202, arena_printf(request_arena(r), "Execute job %s successfully.", name)))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->cmd.execution = (struct command_execution){.full_name = name, .stop = stop};
    return api_post(context, r, m, e);
}

static int change_hold(struct request *r, void *context, bool release, struct err *e)
{
    const char *name = api_job_param(r);
    struct mail *m = api_mail(r, COMMAND_HOLD, api_done_message);
    const char *text = arena_printf(request_arena(r), "%s job %s successfully.", release ? "Release" : "Hold", name);
    if (api_message(m, r, 200, text))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (api_managed(context, r, &m->cmd.actor.managed, e))
        return -1;
    m->cmd.hold = (struct command_hold){.full_name = name, .release = release};
    return api_post(context, r, m, e);
}

int api_job_hold(struct request *r, void *context, struct err *e)
{
    return change_hold(r, context, false, e);
}

int api_job_release(struct request *r, void *context, struct err *e)
{
    return change_hold(r, context, true, e);
}

static int change_tag(struct request *r, void *context, bool drop, struct err *e)
{
    const char *tag = api_body_value(r, e);
    if (!tag)
        return -1;
    if (!tag[0] || strlen(tag) > 255 || strchr(tag, ','))
        return err_set(e, ERR_INVALID_PARAMETERS, "A tag has 1 to 255 bytes and no comma.");
    struct mail *m = api_mail(r, COMMAND_TAG, api_done_message);
    const char *name = api_job_param(r);
    const char *text = arena_printf(request_arena(r), "%s tag %s %s job %s successfully.", drop ? "Delete" : "Add", tag,
                                    drop ? "from" : "for", name);
    if (api_message(m, r, 200, text))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->cmd.tag = (struct command_tag){.full_name = name, .tag = tag, .drop = drop};
    return api_post(context, r, m, e);
}

int api_job_tag_put(struct request *r, void *context, struct err *e)
{
    return change_tag(r, context, false, e);
}

int api_job_tag_drop(struct request *r, void *context, struct err *e)
{
    return change_tag(r, context, true, e);
}

static void archived(struct mail *m, const struct effect_reply *reply)
{
    const struct api_message *text = m->ctx;
    const struct api *a = request_context(text->request);
    const struct jobs_archive *what = m->cmd.write.what;
    if (!reply->err.code)
        disk_quota_deleted(a->quota, what->user);
    api_done_message(m, reply);
}

/* DELETE of a job archives it: its name is free, and nothing that it left is lost, but where users may keep so much and
 * no more. */
int api_job_archive(struct request *r, void *context, struct err *e)
{
    struct jobs_archive *what = arena_alloc(request_arena(r), sizeof *what);
    struct mail *m = api_mail_write(r, jobs_write_archive, what, archived);
    const char *text = arena_printf(request_arena(r), "Delete job %s successfully.", api_job_param(r));
    if (!what || api_message(m, r, 200, text))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *what = (struct jobs_archive){
        .job = api_job_param(r), .by = request_identity(r)->user, .admin = request_identity(r)->admin};
    return api_post(context, r, m, e);
}
