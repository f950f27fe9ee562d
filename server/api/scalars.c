/* SPDX-License-Identifier: MIT
 *
 * GET /jobs/{job}/scalars: what a job's task attempts write into TensorBoard's event files (server/scalars.h), while
 * they run and as long as their folders are kept. Rights are those of logs and files.
 */
#include "server/scalars.h"

#include <math.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "base/num.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/api/task_places.h"
#include "server/readers.h"

/* Task attempts that one answer looks into, the newest. */
enum { PLACES_MAX = 64 };

struct asked {
    struct task_places places;
    int64_t attempt, index, points; /* -1: all */
    const char *role, *tag;         /* NULL: all */
    struct json_out *out;
};

static int take_place(void *ctx, const struct task_attempt_row *row)
{
    struct asked *q = ctx;
    if ((q->attempt >= 0 && row->job_attempt != q->attempt) || (q->index >= 0 && row->task_index != q->index) ||
        (q->role && strcmp(row->role, q->role) != 0))
        return 0;
    return task_places_add(&q->places, row);
}

static int read_query(struct asked *q, struct request *r, struct err *e)
{
    q->attempt = q->index = -1;
    return request_query(r, "tag", &q->tag, e) || request_query(r, "role", &q->role, e) ||
                   request_query_int(r, "points", (int64_t[]){0, EVENT_POINTS_MAX}, &q->points, e) ||
                   request_query_int(r, "attempt", (int64_t[]){0, INT32_MAX}, &q->attempt, e) ||
                   request_query_int(r, "index", (int64_t[]){0, INT32_MAX}, &q->index, e)
               ? -1
               : 0;
}

/* What the request asks for, and the attempts of its job. Whether it may be read comes before what it asks. */
static int read_request(struct asked *q, struct api *a, struct request *r, struct err *e)
{
    struct job_view v;
    struct store *store = readers_get(a->readers, e);
    if (!store)
        return -1;
    int rc = job_view_row(&v, store, r, e);
    if (!rc)
        rc = read_query(q, r, e);
    if (!rc)
        rc = jobs_store_read_task_attempts(store, v.job.id, take_place, q, e);
    readers_put(a->readers, store);
    return rc > 0 ? err_set(e, ERR_INTERNAL, "Out of memory.") : rc;
}

/* ---- the reply ---- */

/* A float as its shortest text, which is what the program meant. */
static void write_value(struct json_out *j, double value, bool single)
{
    char text[NUM_SIZE];
    if (isnan(value))
        json_out_string(j, "NaN");
    else if (isinf(value))
        json_out_string(j, value > 0 ? "Infinity" : "-Infinity");
    else if (single) {
        num_format_float((float)value, text);
        json_out_raw(j, text);
    } else
        json_out_double(j, value);
}

/* The least or the greatest with its step. */
static void write_bound(struct json_out *j, const struct event_run *run, const char *const keys[2],
                        const struct event_point *p)
{
    const bool known = run->count > run->not_finite;
    json_out_key(j, keys[0]);
    if (known)
        write_value(j, p->value, run->single);
    else
        json_out_null(j);
    json_out_key(j, keys[1]);
    if (known)
        json_out_int(j, p->step);
    else
        json_out_null(j);
}

static void write_time(struct json_out *j, int64_t ms)
{
    if (ms)
        json_out_int(j, ms);
    else
        json_out_null(j);
}

static void write_points(struct json_out *j, const struct event_run *run)
{
    json_out_key(j, "points");
    json_out_object(j);
    json_out_key(j, "step");
    json_out_array(j);
    for (int i = 0; i < run->point_count; i++)
        json_out_int(j, run->points[i].step);
    json_out_array_end(j);
    json_out_key(j, "time");
    json_out_array(j);
    for (int i = 0; i < run->point_count; i++)
        write_time(j, run->points[i].time_ms);
    json_out_array_end(j);
    json_out_key(j, "value");
    json_out_array(j);
    for (int i = 0; i < run->point_count; i++)
        write_value(j, run->points[i].value, run->single);
    json_out_array_end(j);
    json_out_object_end(j);
}

static void write_tag(void *ctx, const struct event_run *run)
{
    const struct asked *q = ctx;
    struct json_out *j = q->out;
    json_out_object(j);
    json_out_kstring(j, "tag", run->tag);
    json_out_kint(j, "count", run->count);
    json_out_kint(j, "notFinite", run->not_finite);
    json_out_kint(j, "step", run->last.step);
    json_out_ktime(j, "time", run->last.time_ms);
    json_out_key(j, "value");
    write_value(j, run->last.value, run->single);
    write_bound(j, run, (const char *const[]){"min", "minStep"}, &run->min);
    write_bound(j, run, (const char *const[]){"max", "maxStep"}, &run->max);
    if (q->points)
        write_points(j, run);
    json_out_object_end(j);
}

static void write_folder(void *ctx, const struct scalars_folder *f, const struct scalars_sums *sums)
{
    const struct asked *q = ctx;
    const struct task_place *p = f->place;
    struct json_out *j = q->out;
    json_out_kint(j, "jobAttempt", p->job_attempt);
    json_out_kstring(j, "taskRoleName", p->role);
    json_out_kint(j, "taskIndex", p->task_index);
    json_out_kint(j, "taskAttempt", p->attempt);
    json_out_kstring(j, "folder", f->path);
    json_out_kint(j, "files", f->file_count);
    json_out_kint(j, "bytes", sums->bytes);
    json_out_kint(j, "records", sums->records);
    json_out_kint(j, "damaged", sums->damaged);
    json_out_kint(j, "valuesLeftOut", sums->left_out);
    json_out_kbool(j, "complete", f->complete);
    json_out_key(j, "tags");
    json_out_array(j);
}

static int write_reply(struct api *a, struct asked *q, struct scalars_reading *found, struct err *e)
{
    const struct scalars_writer w = {.folder = write_folder, .tag = write_tag, .ctx = q};
    struct json_out *j = q->out;
    json_out_object(j);
    json_out_key(j, "runs");
    json_out_array(j);
    for (const struct scalars_folder *f = found->first; f; f = f->next) {
        json_out_object(j);
        if (scalars_write(a->scalars, found, f, &w))
            return err_set(e, ERR_BUSY, "The server is out of memory.");
        json_out_array_end(j);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_kint(j, "points", found->points);
    json_out_kbool(j, "complete", found->complete);
    json_out_kint(j, "runsLeftOut", found->left_out);
    json_out_object_end(j);
    return 0;
}

int api_job_scalars(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct asked q = {.places.arena = request_arena(r)};
    struct api_json out;
    if (read_request(&q, a, r, e))
        return -1;
    struct scalars_reading found = {.arena = q.places.arena, .tag = q.tag, .points = (int)q.points};
    struct task_place *p = q.places.first;
    for (; found.left_out < q.places.count - PLACES_MAX; found.left_out++)
        p = p->next;
    int rc = 0;
    for (; p && !rc; p = p->next)
        rc = scalars_find(a->scalars, &found, p->id, p, e);
    if (!rc) {
        scalars_follow(a->scalars, &found);
        q.out = api_json_begin(&out);
        rc = write_reply(a, &q, &found, e);
        if (rc)
            api_json_drop(&out);
        else
            api_json_send(&out, r, 200);
    }
    scalars_release(a->scalars, &found);
    return rc;
}
