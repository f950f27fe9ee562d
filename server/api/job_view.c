/* SPDX-License-Identifier: MIT
 *
 * Reading in one snapshot of the database: job, attempt, tasks.
 */
#include "server/api/job_view.h"

#include <stddef.h>
#include <string.h>

#include "auth/access.h"
#include "auth/member_store.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/readers.h"
#include "store/store.h"

/* Replaces each string member of a copied row by a copy in the arena. */
static int copy_strings(struct arena *a, void *row, const size_t *offsets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char **member = (const char **)((char *)row + offsets[i]);
        const char *copy = arena_strdup(a, *member);
        if (*member && !copy)
            return -1;
        *member = copy;
    }
    return 0;
}

#define COPY_STRINGS(a, row, offsets) copy_strings(a, row, offsets, sizeof(offsets) / sizeof *(offsets))

static int take_job(void *ctx, const struct job_row *row)
{
    static const size_t strings[] = {
        offsetof(struct job_row, id),          offsetof(struct job_row, user),
        offsetof(struct job_row, name),        offsetof(struct job_row, vc),
        offsetof(struct job_row, exit_phrase), offsetof(struct job_row, priority_class),
        offsetof(struct job_row, wait_reason), offsetof(struct job_row, tags),
        offsetof(struct job_row, detail),      offsetof(struct job_row, config),
        offsetof(struct job_row, held_by),     offsetof(struct job_row, avoids),
    };
    struct job_view *v = ctx;
    v->job = *row;
    v->job.secrets = NULL;
    v->full_name = arena_printf(v->arena, "%s~%s", row->user, row->name);
    return !v->full_name || COPY_STRINGS(v->arena, &v->job, strings) ? 1 : 0;
}

static int take_attempt(void *ctx, const struct job_attempt_row *row)
{
    static const size_t strings[] = {offsetof(struct job_attempt_row, job_id),
                                     offsetof(struct job_attempt_row, exit_phrase),
                                     offsetof(struct job_attempt_row, detail)};
    struct job_view *v = ctx;
    if (row->attempt != v->attempt)
        return 0;
    v->row = *row;
    v->has_attempt = true;
    return COPY_STRINGS(v->arena, &v->row, strings) ? 1 : 0;
}

int job_view_copy_task(struct arena *a, struct task_attempt_row *to, const struct task_attempt_row *from)
{
    static const size_t strings[] = {
        offsetof(struct task_attempt_row, id),    offsetof(struct task_attempt_row, job_id),
        offsetof(struct task_attempt_row, role),  offsetof(struct task_attempt_row, node),
        offsetof(struct task_attempt_row, gpus),  offsetof(struct task_attempt_row, ports),
        offsetof(struct task_attempt_row, nonce), offsetof(struct task_attempt_row, exit_phrase),
        offsetof(struct task_attempt_row, detail)};
    *to = *from;
    return COPY_STRINGS(a, to, strings);
}

static int take_task(void *ctx, const struct task_attempt_row *row)
{
    struct job_view *v = ctx;
    size_t base = 0;
    for (size_t i = 0; i < v->spec->role_count; base += (size_t)v->spec->roles[i++].instances)
        if (!strcmp(v->spec->roles[i].name, row->role) && row->task_index < v->spec->roles[i].instances)
            return job_view_copy_task(v->arena, &v->tasks[base + (size_t)row->task_index], row) ? 1 : 0;
    return 0;
}

static int read_trigger(struct job_view *v)
{
    const char *json = v->has_attempt ? v->row.detail : v->job.detail;
    cJSON *o = json ? json_parse(json, strlen(json), 0, NULL) : NULL;
    const cJSON *t = o ? cJSON_GetObjectItemCaseSensitive(o, "trigger") : NULL;
    const char *message = NULL, *role = NULL;
    if (t) {
        json_get_string(t, "message", &message, NULL);
        json_get_string(t, "role", &role, NULL);
        json_get_int(t, "index", &v->trigger.index, NULL);
    }
    v->trigger.message = arena_strdup(v->arena, message);
    v->trigger.role = arena_strdup(v->arena, role);
    cJSON_Delete(o);
    return 0;
}

/* Others' jobs are read by the policy of their virtual cluster. 0, or -1 with ERR_FORBIDDEN. */
static int check_read(const struct job_view *v, struct store *s, const struct identity *who, struct err *e)
{
    struct access_object o = {.owner = v->job.user, .what = v->full_name};
    if (!who->admin && strcmp(who->user, v->job.user) != 0) {
        int open = member_store_reads(s, who->user, v->job.vc, e);
        if (open < 0)
            return -1;
        o.open = open == 1;
    }
    return access_check_object(ACCESS_JOB_READ, who, &o, e);
}

int job_view_row(struct job_view *v, struct store *s, struct request *r, struct err *e)
{
    *v = (struct job_view){.arena = request_arena(r)};
    int rc = jobs_store_read_job(s, api_job_param(r), take_job, v, e);
    if (rc > 0)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return rc ? -1 : check_read(v, s, request_identity(r), e);
}

static int read_rows(struct job_view *v, struct store *s, struct request *r, int attempt, struct err *e)
{
    if (job_view_row(v, s, r, e))
        return -1;
    v->spec = spec_load(v->arena, v->job.config, strlen(v->job.config), e);
    if (!v->spec && (v->job.state & STATE_FINAL)) { /* shown without its tasks: it may have failed of its config */
        v->spec = arena_calloc(v->arena, 1, sizeof *v->spec);
        *e = (struct err){0};
    }
    if (!v->spec)
        return -1;
    v->attempt = attempt < 0 ? v->job.attempt : attempt;
    if (v->attempt > v->job.attempt)
        return err_set(e, ERR_NO_JOB, "Job %s has no attempt %d.", v->full_name, v->attempt);
    v->tasks = arena_calloc(v->arena, (size_t)v->spec->total_tasks, sizeof *v->tasks);
    if (!v->tasks)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (jobs_store_read_attempts(s, v->job.id, take_attempt, v, e) ||
        jobs_store_each_task(s, &(struct jobs_store_attempt){v->job.id, v->attempt}, take_task, v, e))
        return e->code ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    return read_trigger(v);
}

int job_view_read(struct job_view *v, struct api *a, struct request *r, int attempt, struct err *e)
{
    int rc = -1;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    if (!store_begin(s, e)) {
        rc = read_rows(v, s, r, attempt, e);
        store_rollback(s); /* a reader's snapshot: nothing to keep */
    }
    readers_put(a->readers, s);
    return rc;
}

/* Which task attempt is wanted. */
struct wanted {
    int64_t task_attempt;
    struct task_attempt_row *row; /* id NULL: not found */
    struct arena *arena;
};

static int take_wanted(void *ctx, const struct task_attempt_row *row)
{
    struct wanted *w = ctx;
    return row->attempt == w->task_attempt ? job_view_copy_task(w->arena, w->row, row) : 0;
}

int job_view_task_attempt(struct api *a, struct request *r, struct task_attempt_row *out, enum err_code missing,
                          struct err *e)
{
    struct job_view v;
    struct wanted w = {.row = out, .arena = request_arena(r)};
    int64_t attempt, index;
    *out = (struct task_attempt_row){0};
    if (request_param_int(r, "attempt", 0, &attempt, e) || request_param_int(r, "index", 0, &index, e) ||
        request_param_int(r, "taskAttempt", 0, &w.task_attempt, e))
        return -1;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = job_view_row(&v, s, r, e);
    if (!rc) {
        struct jobs_store_task_key key = {.job_id = v.job.id,
                                          .job_attempt = (int)attempt,
                                          .role = request_param(r, "role"),
                                          .task_index = (int)index};
        rc = jobs_store_read_history(s, &key, take_wanted, &w, e);
    }
    readers_put(a->readers, s);
    if (!rc && !out->id)
        return err_set(e, missing, "Task %s-%lld has no such attempt.", request_param(r, "role"), (long long)index);
    return rc;
}
