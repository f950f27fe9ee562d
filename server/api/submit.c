/* SPDX-License-Identifier: MIT
 *
 * POST /api/v2/jobs: the text becomes a checked job on the HTTP thread; the core only decides whether it may enter.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/seal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "core/effect.h"
#include "jobs/job.h"
#include "jobs/spec.h"
#include "server/api/api.h"
#include "server/mailbox.h"

enum { CONFIG_MAX = 512 << 10 };

static void done(struct mail *m, const struct effect_reply *reply)
{
    struct request *r = m->ctx;
    job_destroy(m->cmd.submit.job); /* still ours only when it was refused */
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        struct api_json out;
        char *message = arena_printf(request_arena(r), "Update job %s successfully.", reply->full_name);
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kint(j, "status", 202);
        json_out_kstring(j, "message", message);
        json_out_kstring(j, "name", reply->full_name);
        json_out_kstring(j, "jobId", reply->job_id);
        json_out_object_end(j);
        api_json_send(&out, r, 202);
    }
    request_resume(r);
}

/* Seals the secrets block into the job's arena. 0 or -1. */
static int seal_secrets(const struct api *a, struct job *j, const struct buf *plain, struct err *e)
{
    struct buf sealed;
    int rc = 0;
    if (!plain->len)
        return 0;
    buf_init(&sealed, CONFIG_MAX + SEAL_OVERHEAD);
    rc = seal_make(a->keys, j->id, (struct seal_bytes){plain->data, plain->len}, &sealed, e);
    unsigned char *kept = rc ? NULL : arena_alloc(j->arena, sealed.len);
    if (kept) {
        memcpy(kept, sealed.data, sealed.len);
        j->sealed_secrets = kept;
        j->sealed_len = sealed.len;
    } else if (!rc) {
        rc = err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    buf_fini(&sealed);
    return rc;
}

static int check_vc(const struct spec *s, struct err *e)
{
    if (!strcmp(s->vc, "default"))
        return 0;
    return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found.", s->vc);
}

/* A job from the text, with its own arena; its masked text into `config`. NULL on error. */
static struct job *make_job(const struct api *a, const struct request *r, struct buf *config, struct err *e)
{
    char id[ID_SIZE];
    size_t len;
    const char *text = request_body(r, &len);
    struct arena *arena = arena_create(JOB_ARENA_BYTES);
    struct buf secrets;
    buf_init(&secrets, CONFIG_MAX);
    const struct spec_kept keep = {.masked = config, .secrets = &secrets};
    struct spec *spec = arena ? spec_submit(arena, text, len, &keep, e) : NULL;
    struct job *j = NULL;
    if (spec && !check_vc(spec, e)) {
        id_make(request_now(r).wall, id);
        j = job_create(arena, spec, request_identity(r)->user, id);
        if (!j)
            err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    if (!j) {
        arena_destroy(arena);
    } else if (seal_secrets(a, j, &secrets, e)) {
        job_destroy(j);
        j = NULL;
    }
    if (secrets.data)
        sodium_memzero(secrets.data, secrets.len);
    buf_fini(&secrets);
    return j;
}

int api_jobs_submit(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    size_t len;
    struct buf config;
    (void)request_body(r, &len);
    buf_init(&config, CONFIG_MAX);
    if (!len)
        return err_set(e, ERR_INVALID_PROTOCOL, "The body is empty; it must be a job in YAML or JSON.");
    struct mail *m = api_mail(r, COMMAND_SUBMIT, done);
    struct job *j = m ? make_job(a, r, &config, e) : NULL;
    if (j) {
        m->cmd.submit.job = j;
        m->cmd.submit.config_len = config.len;
        m->cmd.submit.config = arena_strndup(request_arena(r), buf_str(&config), config.len);
    }
    buf_fini(&config);
    if (m && !j)
        return -1;
    if (!m || !m->cmd.submit.config) {
        job_destroy(j);
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    return api_post(a, r, m, e);
}
