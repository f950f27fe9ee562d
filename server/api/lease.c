/* SPDX-License-Identifier: MIT
 *
 * Debug reservations: their list, and the changes that their owners make. A job has one at most, so that it is named by
 * its job.
 */
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "inventory/vc.h"
#include "jobs/lease_store.h"
#include "server/api/api.h"
#include "server/api/collected_json.h"
#include "server/api/job_view.h"
#include "server/api/lease_json.h"
#include "server/mailbox.h"
#include "server/readers.h"

enum { LIST_MAX = 1000 };

/* ---- reading ---- */

/* All but what was collected. */
static void write_members(struct json_out *j, const struct lease *l)
{
    json_out_kstring(j, "id", l->id);
    json_out_kstring(j, "jobId", l->job_id);
    json_out_kstring(j, "jobName", l->job);
    json_out_kstring(j, "username", l->owner);
    json_out_kstring(j, "virtualCluster", l->vc);
    json_out_kint(j, "jobAttemptId", l->job_attempt);
    json_out_kstring(j, "taskRoleName", l->role);
    json_out_kint(j, "taskIndex", l->task_index);
    json_out_kstring(j, "node", l->node);
    json_out_kstring(j, "hold", lease_hold_name(l->hold));
    json_out_kint(j, "gpus", l->hold == SPEC_HOLD_GPUS ? l->amount.gpus : 0);
    json_out_kbool(j, "reclaimable", l->hold == SPEC_HOLD_GPUS && l->priority < 0);
    json_out_kstring(j, "state", lease_state_name(l->state));
    json_out_ktime(j, "createdTime", l->created_ms);
    json_out_ktime(j, "expiresTime", l->expires_ms);
    json_out_ktime(j, "endedTime", l->ended_ms);
    json_out_kstring(j, "endedBy", l->ended_by[0] ? l->ended_by : NULL);
}

static int write_lease(void *ctx, const struct lease *l)
{
    struct json_out *j = ctx;
    json_out_object(j);
    write_members(j, l);
    json_out_key(j, "collected");
    json_out_raw(j, l->collected);
    json_out_object_end(j);
    return 0;
}

int lease_json_list(struct json_out *j, struct store *s, const struct lease_store_which *which, struct err *e)
{
    json_out_array(j);
    int rc = lease_store_each(s, which, write_lease, j, e);
    json_out_array_end(j);
    return rc;
}

static int write_list(struct api_reading *x, struct err *e)
{
    const struct identity *who = request_identity(x->request);
    struct lease_store_which which = {.limit = LIST_MAX, .reader = who->admin ? NULL : who->user};
    const char *state = NULL;
    if (request_query(x->request, "state", &state, e))
        return -1;
    if (state && strcmp(state, "all") != 0 && strcmp(state, "live") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"state\" must be \"live\" or \"all\".");
    which.ended = state && !strcmp(state, "all");
    return lease_json_list(x->out, x->store, &which, e);
}

int api_leases(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_list, NULL, e);
}

/* ---- one, with all that is known ---- */

struct wanted {
    struct arena *arena;
    struct lease lease;
    struct collected_of of;
};

/* The newest there is; a job has one. */
static int take_lease(void *ctx, const struct lease *l)
{
    struct wanted *w = ctx;
    struct lease *own = &w->lease;
    size_t gpus = (size_t)l->amount.gpus * sizeof *l->gpus;
    int *list = arena_alloc(w->arena, gpus + 1);
    if (!list)
        return 1;
    if (gpus)
        memcpy(list, l->gpus, gpus);
    *own = *l;
    own->gpus = list;
    own->job = arena_strdup(w->arena, l->job);
    own->owner = arena_strdup(w->arena, l->owner);
    own->vc = arena_strdup(w->arena, l->vc);
    own->role = arena_strdup(w->arena, l->role);
    own->node = arena_strdup(w->arena, l->node);
    own->ended_by = arena_strdup(w->arena, l->ended_by);
    own->collected = arena_strdup(w->arena, l->collected);
    w->of.lease = own;
    return own->job && own->owner && own->vc && own->role && own->node && own->ended_by && own->collected ? 0 : 1;
}

static int take_secrets(void *ctx, const struct job_row *row)
{
    struct wanted *w = ctx;
    void *copy = row->secrets ? arena_alloc(w->arena, row->secrets_len) : NULL;
    if (row->secrets && !copy)
        return 1;
    if (copy)
        memcpy(copy, row->secrets, row->secrets_len);
    w->of.sealed = copy;
    w->of.sealed_len = copy ? row->secrets_len : 0;
    return 0;
}

/* What the database has of it. 0 or -1. */
static int read_wanted(struct wanted *w, struct store *s, struct request *r, struct err *e)
{
    struct job_view v;
    if (job_view_row(&v, s, r, e))
        return -1;
    int rc = lease_store_each(s, &(struct lease_store_which){.job_id = v.job.id}, take_lease, w, e);
    if (!rc && !w->of.lease)
        return err_set(e, ERR_NO_LEASE, "Job %s has no debug reservation, and had none.", v.full_name);
    if (!rc)
        rc = jobs_store_read_job(s, v.job.id, take_secrets, w, e);
    return rc > 0 ? err_set(e, ERR_INTERNAL, "Out of memory.") : rc;
}

int api_job_lease(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct wanted w = {.arena = request_arena(r), .of.arena = request_arena(r)};
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = read_wanted(&w, s, r, e);
    readers_put(a->readers, s);
    if (rc)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    write_members(j, w.of.lease);
    json_out_key(j, "collected");
    if (collected_json(j, a, &w.of, e)) {
        api_json_drop(&out);
        return -1;
    }
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

/* ---- changing ---- */

static int post(struct request *r, void *context, const struct command_lease *what, struct err *e)
{
    const char *name = api_job_param(r);
    struct mail *m = api_mail(r, COMMAND_LEASE, api_done_message);
    const char *text = arena_printf(request_arena(r), "%s the debug reservation of job %s successfully.",
                                    what->release ? "Release" : "Extend", name);
    if (api_message(m, r, 200, text))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (api_managed(context, r, &m->cmd.actor.managed, e))
        return -1;
    m->cmd.lease = *what;
    m->cmd.lease.full_name = name;
    return api_post(context, r, m, e);
}

int api_job_lease_extend(struct request *r, void *context, struct err *e)
{
    static const char *const keys[] = {"minutes", NULL};
    int64_t minutes = 0;
    cJSON *body = api_body_object(r, e);
    if (!body)
        return -1;
    int rc = json_only_keys(body, keys, e) || json_get_int(body, "minutes", &minutes, e) ? -1 : 0;
    cJSON_Delete(body);
    if (rc)
        return -1;
    if (minutes < 1 || minutes > VC_DEBUG_MINUTES_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"minutes\" must be between 1 and %d.", VC_DEBUG_MINUTES_MAX);
    return post(r, context, &(struct command_lease){.minutes = (int)minutes}, e);
}

int api_job_lease_release(struct request *r, void *context, struct err *e)
{
    return post(r, context, &(struct command_lease){.release = true}, e);
}
