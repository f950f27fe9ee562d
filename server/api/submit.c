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
        struct buf out;
        struct json_out j;
        char *message = arena_printf(request_arena(r), "Update job %s successfully.", reply->full_name);
        buf_init(&out, 0);
        json_out_init(&j, &out);
        json_out_object(&j);
        json_out_kint(&j, "status", 202);
        json_out_kstring(&j, "message", message);
        json_out_kstring(&j, "name", reply->full_name);
        json_out_kstring(&j, "jobId", reply->job_id);
        json_out_object_end(&j);
        reply_json(r, 202, &out);
    }
    request_resume(r);
}

/* Seals the secrets block into the job's arena. 0 or -1. */
static int seal_secrets(const struct api *a, struct job *j, const char *text, size_t len, struct err *e)
{
    struct buf plain, sealed;
    int rc = -1;
    buf_init(&plain, CONFIG_MAX);
    buf_init(&sealed, CONFIG_MAX + SEAL_OVERHEAD);
    if (spec_secrets(text, len, &plain, e))
        goto out;
    rc = 0;
    if (!plain.len)
        goto out;
    rc = seal_make(a->keys, j->id, (struct seal_bytes){plain.data, plain.len}, &sealed, e);
    if (rc)
        goto out;
    unsigned char *kept = arena_alloc(j->arena, sealed.len);
    if (!kept) {
        rc = err_set(e, ERR_INTERNAL, "Out of memory.");
        goto out;
    }
    memcpy(kept, sealed.data, sealed.len);
    j->sealed_secrets = kept;
    j->sealed_len = sealed.len;
out:
    if (plain.data)
        sodium_memzero(plain.data, plain.len);
    buf_fini(&plain);
    buf_fini(&sealed);
    return rc;
}

static int check_vc(const struct spec *s, struct err *e)
{
    if (!strcmp(s->vc, "default"))
        return 0;
    return err_set(e, ERR_NO_VC_BAD, "Virtual cluster %s is not found.", s->vc);
}

/* A job from the text, with its own arena. NULL on error. */
static struct job *make_job(const struct api *a, const struct request *r, const char *text, size_t len, struct err *e)
{
    char id[ID_SIZE];
    struct arena *arena = arena_create(JOB_ARENA_BYTES);
    struct spec *spec = arena ? spec_parse(arena, text, len, e) : NULL;
    struct job *j = NULL;
    if (spec && !check_vc(spec, e)) {
        id_make(request_now(r).wall, id);
        j = job_create(arena, spec, request_identity(r)->user, id);
        if (!j)
            err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    if (!j) {
        arena_destroy(arena);
        return NULL;
    }
    if (seal_secrets(a, j, text, len, e)) {
        job_destroy(j);
        return NULL;
    }
    spec->secrets = NULL; /* sealed; not to be met in memory dumps by way of the spec */
    return j;
}

int api_jobs_submit(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    size_t len;
    const char *text = request_body(r, &len);
    struct buf config;
    buf_init(&config, CONFIG_MAX);
    if (!len)
        return err_set(e, ERR_INVALID_PROTOCOL, "The body is empty; it must be a job in YAML or JSON.");
    struct mail *m = api_mail(r, COMMAND_SUBMIT, done);
    struct job *j = m ? make_job(a, r, text, len, e) : NULL;
    if (!j)
        return m ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    int rc = spec_masked_config(text, len, &config, e);
    if (!rc) {
        m->cmd.submit.job = j;
        m->cmd.submit.config_len = config.len;
        m->cmd.submit.config = arena_strndup(request_arena(r), buf_str(&config), config.len);
        if (!m->cmd.submit.config)
            rc = err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    buf_fini(&config);
    if (rc) {
        job_destroy(j);
        return -1;
    }
    return api_post(a, r, m, e);
}
