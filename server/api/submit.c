/* SPDX-License-Identifier: MIT
 *
 * POST /api/v2/jobs: the text becomes a checked job on the HTTP thread; the core only decides whether it may enter.
 *
 * With dryRun the job goes the same way, but for its secrets, which are not sealed, and its code, which is only looked
 * for; the core is asked and keeps nothing; and the reply says what would become of it. Nothing changes, so the audit
 * log holds no word of it.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/group_store.h"
#include "auth/member_store.h"
#include "auth/seal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "core/core.h"
#include "core/effect.h"
#include "core/explain.h"
#include "jobs/job.h"
#include "jobs/spec.h"
#include "server/api/api.h"
#include "server/api/explain_json.h"
#include "server/api/wait_reason.h"
#include "server/code.h"
#include "server/disk_quota.h"
#include "server/mailbox.h"
#include "server/mounts.h"
#include "server/readers.h"
#include "server/snapshot.h"

enum { CONFIG_MAX = 512 << 10 };

static void done(struct mail *m, const struct effect_reply *reply)
{
    struct request *r = m->ctx;
    const struct api *a = request_context(r);
    struct job *ours = m->cmd.submit.job; /* only when it was refused, or came before */
    if (ours && ours->spec->code)
        code_detach(a->code, ours->id);
    job_destroy(ours);
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
        if (reply->warning)
            json_out_kstring(j, "warning", reply->warning);
        json_out_kstring(j, "jobId", reply->job_id);
        json_out_object_end(j);
        api_json_send(&out, r, 202);
    }
    request_resume(r);
}

/* Seals the secrets block into the job. 0 or -1. */
static int seal_secrets(const struct api *a, struct job *j, const struct buf *plain, struct err *e)
{
    struct buf sealed;
    int rc = 0;
    if (!plain->len)
        return 0;
    buf_init(&sealed, CONFIG_MAX + SEAL_OVERHEAD);
    rc = seal_make(a->keys, j->id, (struct seal_bytes){plain->data, plain->len}, &sealed, e);
    if (!rc && job_seal(j, sealed.data, sealed.len))
        rc = err_set(e, ERR_INTERNAL, "Out of memory.");
    buf_fini(&sealed);
    return rc;
}

/* Who may submit to a virtual cluster: by group, or as admin. Everybody may to "default", which costs no look-up; of
 * one that does not exist the core will tell. */
static int check_vc(const struct api *a, const struct identity *who, const char *vc, struct err *e)
{
    struct store *s;
    int may;
    if (who->admin || !strcmp(vc, GROUP_DEFAULT))
        return 0;
    s = readers_get(a->readers, e);
    if (!s)
        return -1;
    may = member_store_has(s, MEMBER_HAS_VC, who->user, vc, e);
    if (!may) {
        int exists = group_store_vc_exists(s, vc, e);
        may = exists < 0 ? -1 : !exists;
        if (exists == 1)
            err_set(e, ERR_FORBIDDEN, "User %s is not allowed to do operation in %s", who->user, vc);
    }
    readers_put(a->readers, s);
    return may == 1 ? 0 : -1;
}

/* That the job's storages are there, mounted, and its user's to use: told now and not at its launch. */
static int check_storages(const struct api *a, struct request *r, const struct spec *spec, struct err *e)
{
    struct mounts ignored = {.arena = request_arena(r)};
    if (!spec->storage_count)
        return 0;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = mounts_of(s, spec, request_identity(r)->user, &ignored, e);
    readers_put(a->readers, s);
    return rc;
}

/* The code that the job names becomes the job's own before there is a job. 0 or -1. */
static int attach_code(const struct api *a, const struct job *j, struct err *e)
{
    return j->spec->code ? code_attach(a->code, j->user, j->spec->code, j->id, e) : 0;
}

/* What makes the job whole: its sealed secrets, its code. Of a dry run, only whether its code is there. 0 or -1. */
static int equip(const struct api *a, struct job *j, const struct buf *secrets, bool dry, struct err *e)
{
    if (dry)
        return j->spec->code ? code_check(a->code, j->user, j->spec->code, e) : 0;
    return seal_secrets(a, j, secrets, e) || attach_code(a, j, e) ? -1 : 0;
}

/* A job from the text; its masked text into `config`. NULL on error. */
static struct job *make_job(const struct api *a, struct request *r, bool dry, struct buf *config, struct err *e)
{
    char id[ID_SIZE];
    size_t len;
    const char *text = request_body(r, &len);
    struct arena *arena = arena_pool_take(a->job_arenas);
    struct buf secrets;
    buf_init(&secrets, CONFIG_MAX);
    const struct spec_kept keep = {.masked = config, .secrets = &secrets};
    struct spec *spec = arena ? spec_submit(arena, text, len, &keep, e) : NULL;
    struct job *j = NULL;
    if (spec && !check_vc(a, request_identity(r), spec->vc, e) &&
        !disk_quota_check(a->quota, request_identity(r)->user, spec->vc, e) && !check_storages(a, r, spec, e)) {
        id_make(request_now(r).wall, id);
        j = job_create(spec, request_identity(r)->user, id);
        if (!j)
            err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    arena_pool_give(a->job_arenas, arena);
    if (j && equip(a, j, &secrets, dry, e)) {
        job_destroy(j);
        j = NULL;
    }
    if (secrets.data)
        sodium_memzero(secrets.data, secrets.len);
    buf_fini(&secrets);
    return j;
}

/* The Idempotency-Key of the request into the command, if there is one. 0 or -1. */
static int take_key(struct request *r, struct command_submit *sub, struct err *e)
{
    const char *text = request_header(r, "Idempotency-Key");
    size_t len;
    if (!text)
        return 0;
    if (submit_key_check(text, e))
        return -1;
    struct submit_key *k = arena_alloc(request_arena(r), sizeof *k);
    if (!k)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *k = (struct submit_key){.user = request_identity(r)->user, .key = text};
    const char *body = request_body(r, &len);
    crypto_hash_sha256(k->hash, (const unsigned char *)body, len);
    sub->key = k;
    return 0;
}

/* ---- dry run ---- */

/* A dry run under way. */
struct dry {
    struct request *request;
    struct buf why; /* an object: what would become of the job, as things are */
};

static void dry_done(struct mail *m, const struct effect_reply *reply)
{
    struct dry *d = m->ctx;
    struct request *r = d->request;
    job_destroy(m->cmd.submit.job);
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kint(j, "status", 200);
        json_out_kbool(j, "dryRun", true);
        json_out_kstring(j, "name", reply->full_name);
        if (reply->warning)
            json_out_kstring(j, "warning", reply->warning);
        json_out_key(j, "would");
        json_out_raw(j, d->why.len ? buf_str(&d->why) : "null");
        json_out_object_end(j);
        api_json_send(&out, r, 200);
    }
    buf_fini(&d->why);
    request_resume(r);
}

/* Whether it would start, or why not: an object, or nothing where it cannot be told just now. */
static void foretell(struct api *a, struct request *r, const struct job *job, struct buf *out)
{
    struct err ignored = {0};
    struct explanation x;
    struct json_out j;
    struct core_question q = {.spec = job->spec, .user = job->user, .full_name = job->full_name};
    q.vcs = explain_json_vcs(a, request_arena(r), job->user, &ignored);
    struct snapshot *s = q.vcs ? api_snapshot(a, &ignored) : NULL;
    struct core_explainer *one = s ? core_explainer_create(s->view) : NULL;
    if (one && !core_explain_whole(one, &q, &x)) {
        json_out_init(&j, out);
        json_out_object(&j);
        explain_json_answer(&j, &q, s->view, &x);
        json_out_object_end(&j);
    }
    core_explainer_destroy(one);
    if (s)
        snapshots_put(a->snapshots, s);
}

static int try_out(struct api *a, struct request *r, struct err *e)
{
    struct dry *d = arena_alloc(request_arena(r), sizeof *d);
    struct mail *m = d ? api_mail(r, COMMAND_SUBMIT, dry_done) : NULL;
    struct buf config;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *request_recorded(r) = true; /* it changes nothing: no record, whatever the answer */
    buf_init(&config, CONFIG_MAX);
    struct job *j = make_job(a, r, true, &config, e);
    buf_fini(&config);
    if (!j)
        return -1;
    d->request = r;
    buf_init(&d->why, CONFIG_MAX);
    foretell(a, r, j, &d->why);
    m->ctx = d;
    m->cmd.actor.method = NULL;
    m->cmd.submit.dry_run = true;
    m->cmd.submit.job = j;
    return api_post(a, r, m, e);
}

int api_jobs_submit(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    size_t len;
    bool dry = false;
    if (request_query_bool(r, "dryRun", &dry, e))
        return -1;
    struct buf config;
    (void)request_body(r, &len);
    buf_init(&config, CONFIG_MAX);
    if (!len)
        return err_set(e, ERR_INVALID_PROTOCOL, "The body is empty; it must be a job in YAML or JSON.");
    if (dry)
        return try_out(a, r, e);
    struct mail *m = api_mail(r, COMMAND_SUBMIT, done);
    if (m && take_key(r, &m->cmd.submit, e))
        return -1;
    struct job *j = m ? make_job(a, r, false, &config, e) : NULL;
    if (j) {
        m->cmd.submit.job = j;
        m->cmd.submit.config_len = config.len;
        m->cmd.submit.config = arena_strndup(request_arena(r), buf_str(&config), config.len);
    }
    buf_fini(&config);
    if (m && !j)
        return -1;
    if (!m || !m->cmd.submit.config) {
        if (j && j->spec->code)
            code_detach(a->code, j->id);
        job_destroy(j);
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    return api_post(a, r, m, e);
}
