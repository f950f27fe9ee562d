/* SPDX-License-Identifier: MIT
 *
 * One submission: the place first, so that nothing that runs can miss it; then the request. Whether it was taken is
 * known only from an answer that names a job: everything else is a doubt, or a refusal in Slurm's own words.
 */
#include <pwd.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"
#include "engines/slurm/slurm_impl.h"
#include "engines/slurm/states.h"
#include "jobs/exits.h"

enum {
    ENV_MAX = 4096,
    ENV_OWN = 12,
    LATER_MS = 1000,
    DOUBT_MS = 200,       /* slurmrestd may still be handing it over */
    DOUBT_LATE_MS = 2000, /* it was slow already */
    HTTP_UNAUTHORIZED = 401
};

/* What Slurm refuses for good; everything else that it refuses may pass. */
static const int permanent[] = {2000, 2001, 2004, 2006, 2014, 2023, 2029, 2035, 2036, 2045, 2048, 2057, 2072};

static int code_of(int error)
{
    for (size_t i = 0; i < sizeof permanent / sizeof *permanent; i++)
        if (permanent[i] == error)
            return EXIT_CODE_BAD_IMAGE; /* -200: refused because of what the job asks for */
    return EXIT_CODE_ENGINE_REFUSED;
}

static void accepted(struct slurm_attempt *a, int64_t job_id, int64_t now)
{
    const struct place at = {a->id, a->nonce};
    a->job_id = a->ours = job_id;
    a->state = SLURM_KNOWN;
    a->due = now;
    a->wait_ms = 0;
    if (place_note_job(&a->slurm->places, &at, job_id))
        log_warn("slurm_note_failed", "job %lld of %s: it is looked up by name after a restart", (long long)job_id,
                 a->id);
}

static void on_submitted(void *ctx, const struct rest_answer *answer)
{
    struct slurm_attempt *a = ctx;
    const int64_t now = clock_read().mono;
    struct shape_reply r;
    a->busy = false;
    shape_v38_reply(answer->text, answer->len, &r);
    if (answer->status && r.valid && r.job_id > 0) {
        accepted(a, r.job_id, now);
    } else if (answer->status == HTTP_UNAUTHORIZED) {
        a->submits--; /* it was not looked at */
        a->due = now + LATER_MS;
    } else if (answer->down || !r.valid) {
        a->state = SLURM_DOUBT;
        a->doubt_at = now + (strstr(answer->why, "timed out") ? DOUBT_LATE_MS : DOUBT_MS);
    } else {
        char text[160];
        snprintf(text, sizeof text, "Slurm refused it: %.120s (%d)", r.text, r.error);
        slurm_end_refuse(a, code_of(r.error), text);
    }
}

/* ---- what is sent ---- */

/* What is asked for and this engine cannot give. */
static bool fits(struct slurm_attempt *a)
{
    const struct engine_launch *l = a->order->launch;
    if (!l->image_on_host && l->image_uri) {
        slurm_end_refuse(a, EXIT_CODE_NO_IMAGE, "the nodes of Slurm cannot run images (see unknownImage)");
        return false;
    }
    if (l->isolation) {
        slurm_end_refuse(a, EXIT_CODE_NO_ISOLATION,
                         "Slurm keeps tasks apart as its site has it, and does not tell how");
        return false;
    }
    if (l->code) {
        slurm_end_refuse(a, EXIT_CODE_NO_CODE, "code sent with a job does not reach the nodes of Slurm");
        return false;
    }
    for (size_t i = 0; i < l->mount_count; i++)
        if (strcmp(l->mounts[i].source, l->mounts[i].target) != 0) {
            slurm_end_refuse(a, EXIT_CODE_NO_ISOLATION, "Slurm can show storages only where the nodes have them");
            return false;
        }
    return true;
}

static bool has(const char *const *env, size_t count, const char *name)
{
    const size_t n = strlen(name);
    for (size_t i = 0; i < count; i++)
        if (!strncmp(env[i], name, n) && env[i][n] == '=')
            return true;
    return false;
}

/* The task's variables and ours; nothing of slurmrestd's is inherited. NULL on out of memory. */
static const char **build_env(struct slurm_attempt *a)
{
    const struct engine_launch *l = a->order->launch;
    struct arena *arena = a->order->arena;
    size_t n = 0;
    while (l->env && l->env[n] && n < ENV_MAX)
        n++;
    const char **env = arena_calloc(arena, n + ENV_OWN + 1, sizeof *env);
    if (!env)
        return NULL;
    if (n)
        memcpy(env, l->env, n * sizeof *env);
    const struct {
        const char *name, *value;
    } own[] = {{"PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"},
               {"LANG", "C.UTF-8"},
               {"USER", l->user ? l->user : ""},
               {"DROVER_JOB", l->full_name ? l->full_name : ""},
               {"DROVER_TASK_ATTEMPT", a->id},
               {"DROVER_CHECKPOINT_DIR", a->checkpoint}};
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        if (own[i].value && !has(env, n, own[i].name)) {
            env[n] = arena_printf(arena, "%s=%s", own[i].name, own[i].value);
            if (!env[n++])
                return NULL;
        }
    return env;
}

static int write_body(struct slurm_attempt *a, struct buf *body, struct err *e)
{
    const struct slurm *s = a->slurm;
    const struct engine_launch *l = a->order->launch;
    const struct place at = {a->id, a->nonce};
    char path[PATH_MAX], name[64], comment[160];
    struct buf script;
    place_path(&s->places, &at, path);
    buf_init(&script, SCRIPT_MAX + 4096);
    id_random_hex(a->token, 16);
    const struct script_place place = {.attempt = a->id, .folder = path, .token = a->token};
    const char **env = build_env(a);
    snprintf(name, sizeof name, SLURM_NAME "%s", a->id);
    snprintf(comment, sizeof comment, "drover attempt=%s job=%.40s", a->id, l->job_id ? l->job_id : "");
    int rc = env ? script_write(&script, &place, l, e) : err_set(e, ERR_INTERNAL, "out of memory");
    const struct shape_submit submit = {.name = name,
                                        .comment = comment,
                                        .script = buf_str(&script),
                                        .partition = s->site->partition,
                                        .node = l->node,
                                        .folder = "/",
                                        .env = (const char *const *)env,
                                        .cpus = l->limits.cpus,
                                        .memory_mb = l->limits.memory_mb,
                                        .gpus = l->limits.gpus};
    if (!rc && shape_v38_submit(body, &submit))
        rc = err_set(e, ERR_TOO_LARGE, "the task is too large for a submission to Slurm");
    if (script.data)
        sodium_memzero(script.data, script.cap);
    buf_fini(&script);
    return rc;
}

static int make_checkpoint(struct slurm_attempt *a, const struct passwd *user, struct err *e)
{
    const struct engine_launch *l = a->order->launch;
    const char *const names[] = {l->user, l->checkpoint_name};
    char path[PATH_MAX];
    a->checkpoint = NULL;
    if (!l->checkpoint_name)
        return 0;
    if (place_checkpoint(&a->slurm->places, names, user, path, e))
        return -1;
    a->checkpoint = arena_strdup(a->order->arena, path);
    return a->checkpoint ? 0 : err_set(e, ERR_INTERNAL, "out of memory");
}

static int make_place(struct slurm_attempt *a, const char *user, struct err *e)
{
    const struct place at = {a->id, a->nonce};
    struct passwd p, *found = NULL;
    char text[4096];
    if (getpwnam_r(user, &p, text, sizeof text, &found) || !found)
        return err_set(e, ERR_INVALID_PARAMETERS, "there is no Unix user %.60s here", user);
    if (p.pw_uid == 0)
        return err_set(e, ERR_FORBIDDEN, "jobs do not run as root");
    if (place_make(&a->slurm->places, &at, p.pw_uid, p.pw_gid, e))
        return -1;
    return make_checkpoint(a, &p, e);
}

/* The mirror of its logs; without it the task runs all the same. */
static void make_mirror(struct slurm_attempt *a)
{
    struct record *r = &a->record;
    memcpy(r->attempt, a->id, sizeof r->attempt);
    memcpy(r->nonce, a->nonce, sizeof r->nonce);
    snprintf(r->boot, sizeof r->boot, "slurm"); /* no process of this machine */
    r->on_host = true;
    if (place_mirror(&a->slurm->places, r))
        log_error("slurm_mirror_failed", "the logs of %s will not be there", a->id);
}

static int send_it(struct slurm_attempt *a, const char *user, struct err *e)
{
    struct buf body;
    buf_init(&body, 2 * SCRIPT_MAX + ((size_t)2 << 20));
    int rc = write_body(a, &body, e);
    const struct rest_call call = {.method = "POST",
                                   .path = SHAPE_V38_PATH "/job/submit",
                                   .body = buf_str(&body),
                                   .user = user,
                                   .done = on_submitted,
                                   .ctx = a};
    if (!rc && rest_send(a->slurm->rest, &call))
        rc = err_set(e, ERR_INTERNAL, "out of memory");
    if (body.data)
        sodium_memzero(body.data, body.cap);
    buf_fini(&body);
    return rc;
}

int slurm_submit(struct slurm_attempt *a, int64_t now)
{
    struct err e = {0};
    char user[64];
    if (!fits(a))
        return -1;
    if (slurm_user_find(a->slurm, a->order->launch->user, user, sizeof user, &e)) {
        slurm_end_refuse(a, EXIT_CODE_START_FAILED, e.text);
        return -1;
    }
    if (make_place(a, user, &e)) {
        log_error("slurm_place_failed", "%s", e.text);
        slurm_end_refuse(a, EXIT_CODE_ENGINE_REFUSED, e.text);
        return -1;
    }
    make_mirror(a);
    if (send_it(a, user, &e)) {
        slurm_end_refuse(a, EXIT_CODE_ENGINE_REFUSED, e.text);
        return -1;
    }
    a->submits++;
    a->busy = true;
    a->due = now;
    return 0;
}
