/* SPDX-License-Identifier: MIT
 *
 * Code sent with jobs: POST /code takes an archive, and a job names what that answered. GET gives a job's back, or says
 * what is in it.
 */
#include "server/code.h"

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "inventory/vc.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/disk_quota.h"
#include "server/http/tail.h"
#include "server/readers.h"

typedef void write_fn(struct json_out *j, const struct code_work *w);

/* Answers with what the work came to, or with its error. The store's thread. */
static void answer(const struct code_work *w, int status, write_fn *write)
{
    struct request *r = w->ctx;

    if (w->err.code) {
        reply_error(r, &w->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        write(j, w);
        json_out_object_end(j);
        api_json_send(&out, r, status);
    }
    request_resume(r);
}

static void write_upload(struct json_out *j, const struct code_work *w)
{
    const struct code_upload *u = (const struct code_upload *)w;

    json_out_kstring(j, "id", u->id);
    json_out_kint(j, "size", u->bytes);
    json_out_kint(j, "unpackedSize", u->found.bytes);
    json_out_kint(j, "entries", (int64_t)u->found.entries);
}

static void stored(struct code_work *w)
{
    answer(w, 201, write_upload);
}

int api_code_add(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct code_upload *u = arena_calloc(request_arena(r), 1, sizeof *u);
    if (request_spool(r) < 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "The body is empty; it must be a tar archive.");
    if (!u)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *u = (struct code_upload){
        .work = {.done = stored, .ctx = r}, .fd = request_spool(r), .user = request_identity(r)->user};
    if (disk_quota_check(a->quota, u->user, VC_DEFAULT, e))
        return -1;
    request_suspend(r);
    if (!code_store(a->code, u, e))
        return 0;
    reply_error(r, e);
    request_resume(r);
    return 0;
}

/* The request's job, whose code the caller may read. 0 or -1. */
static int read_job(struct job_view *v, const struct api *a, struct request *r, struct err *e)
{
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = job_view_row(v, s, r, e);
    readers_put(a->readers, s);
    return rc;
}

int api_job_code(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    struct tail_source src;
    int fd = read_job(&v, a, r, e) ? -1 : code_open(a->code, v.job.id, e);
    if (fd < 0 || tail_open_file(&(struct tail_file){.fd = fd}, &src, e))
        return -1;
    reply_header(r, "Content-Disposition", "attachment");
    struct tail_range range = {.limit = -1, .type = "application/octet-stream"};
    return tail_reply(a->tail, r, &src, &range, e);
}

static void write_listing(struct json_out *j, const struct code_work *w)
{
    const struct code_listing *l = (const struct code_listing *)w;

    json_out_kint(j, "size", l->bytes);
    json_out_key(j, "files");
    json_out_array(j);
    for (size_t i = 0; i < l->count; i++) {
        const struct tarball_entry *entry = &l->entries[i];
        json_out_object(j);
        json_out_kstring(j, "path", entry->path);
        json_out_kstring(j, "type", entry->file ? "file" : entry->folder ? "folder" : "other");
        json_out_kint(j, "size", entry->bytes);
        json_out_object_end(j);
    }
    json_out_array_end(j);
    json_out_kbool(j, "truncated", l->truncated);
}

static void looked(struct code_work *w)
{
    answer(w, 200, write_listing);
}

int api_job_code_files(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct job_view v;
    struct code_listing *l = arena_alloc(request_arena(r), sizeof *l);
    if (read_job(&v, a, r, e))
        return -1;
    if (!l)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    l->work.done = looked;
    l->work.ctx = r;
    l->job_id = v.job.id;
    l->arena = request_arena(r);
    request_suspend(r);
    if (!code_list(a->code, l, e))
        return 0;
    reply_error(r, e);
    request_resume(r);
    return 0;
}
