/* SPDX-License-Identifier: MIT
 *
 * Changes of a job: executionType and tags.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/mailbox.h"

/* The member "value" of the body, copied into the request's arena; the only member allowed. NULL on error. */
static const char *body_value(struct request *r, struct err *e)
{
    static const char *const only[] = {"value", NULL};
    const char *value = NULL, *copy = NULL;
    cJSON *o = api_body_object(r, e);
    if (!o)
        return NULL;
    if (!json_only_keys(o, only, e) && !json_get_string(o, "value", &value, e)) {
        if (value)
            copy = arena_strdup(request_arena(r), value);
        else
            err_set(e, ERR_INVALID_PARAMETERS, "\"value\" is missing.");
    }
    cJSON_Delete(o);
    return copy;
}

int api_job_execution(struct request *r, void *context, struct err *e)
{
    const char *value = body_value(r, e);
    if (!value)
        return -1;
    bool stop = !strcmp(value, "STOP");
    if (!stop && strcmp(value, "START") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"value\" must be START or STOP.");
    struct mail *m = api_mail(r, COMMAND_EXECUTION, api_done_message);
    const char *name = api_job_param(r);
    if (api_message(m, r, 202, arena_printf(request_arena(r), "Execute job %s successfully.", name)))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->cmd.execution = (struct command_execution){.full_name = name, .stop = stop};
    return api_post(context, r, m, e);
}

static int change_tag(struct request *r, void *context, bool drop, struct err *e)
{
    const char *tag = body_value(r, e);
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
