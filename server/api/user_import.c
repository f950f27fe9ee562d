/* SPDX-License-Identifier: MIT
 *
 * Users by the hundred: POST /users/import with a CSV, and undoing one.
 *
 *   handler: read, check ─► dry run, or not to be applied: report
 *        └─► [worker: hash passwords] ─► core: check again, write, COMMIT ─► report, mails
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "auth/invitation.h"
#include "auth/password.h"
#include "auth/user_import.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/api/invitation.h"
#include "server/mailbox.h"
#include "server/readers.h"

enum { IMPORT_MEMORY = 48 << 20 };

/* One import under way; in the request's arena. */
struct importing {
    struct api *api;
    struct request *request;
    struct mail *mail;
    struct arena *arena; /* of the import: more than a request may have */
    struct user_import *import;
    bool dry_run, by_mail;
};

/* ---- options ---- */

/* A word of a list: its place, or -1 with `e`. 0 when it is not given. */
static int read_word(struct request *r, const char *key, const char *const *words, struct err *e)
{
    const char *text = NULL;
    if (request_query(r, key, &text, e))
        return -1;
    for (int i = 0; text && words[i]; i++)
        if (!strcmp(text, words[i]))
            return i;
    return text ? err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" cannot be \"%.40s\".", key, text) : 0;
}

static int read_options(struct importing *im, struct user_import_options *o, struct err *e)
{
    static const char *const modes[] = {"all", "rows", NULL}, *const invites[] = {"none", "mail", "sheet", NULL};
    static const char *const actions[] = {"create", "update", "disable", "delete", NULL};
    struct request *r = im->request;
    int action = read_word(r, "action", actions, e), mode = action < 0 ? -1 : read_word(r, "mode", modes, e);
    int invite = mode < 0 ? -1 : read_word(r, "invite", invites, e);
    if (invite < 0 || request_query_bool(r, "dryRun", &im->dry_run, e) ||
        request_query_bool(r, "allowAdmin", &o->allow_admin, e))
        return -1;
    im->by_mail = invite == 1;
    if (im->by_mail && api_invitation_can_mail(im->api, e))
        return -1;
    o->action = (enum user_import_action)action;
    o->per_row = mode == 1;
    o->invite = invite != 0;
    o->need_email = im->by_mail;
    o->by = request_identity(r)->user;
    return 0;
}

/* ---- the report ---- */

static void write_error(struct json_out *j, const struct user_import_error *err)
{
    json_out_object(j);
    json_out_kint(j, "line", err->line);
    json_out_kstring(j, "field", err->field);
    json_out_kstring(j, "code", err_name(err->code));
    json_out_kstring(j, "message", err->message);
    json_out_object_end(j);
}

/* What was, or would be, done with each good row; the links only once, and only where they go on a sheet. */
static void write_rows(struct json_out *j, const struct importing *im)
{
    json_out_key(j, "users");
    json_out_array(j);
    for (size_t i = 0; i < im->import->count; i++) {
        const struct user_import_row *row = &im->import->rows[i];
        if (row->bad || row->bad_now)
            continue;
        json_out_object(j);
        json_out_kint(j, "line", row->line);
        json_out_kstring(j, "username", row->write.name);
        json_out_kstring(j, "action", user_import_action_name(row->action));
        if (im->import->applied && row->invitation && !im->by_mail)
            json_out_kstring(j, "invitation", api_invitation_link(im->api, im->arena, row->invitation));
        json_out_object_end(j);
    }
    json_out_array_end(j);
}

static void report(const struct importing *im)
{
    const struct user_import *u = im->import;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kbool(j, "dryRun", im->dry_run);
    json_out_kbool(j, "applied", u->applied);
    json_out_kstring(j, "importId", u->applied ? u->id : NULL);
    json_out_kint(j, "rows", (int64_t)u->count);
    json_out_kint(j, "badRows", (int64_t)u->bad_rows);
    for (int a = 0; a < USER_IMPORT_ACTION_COUNT; a++)
        json_out_kint(j, user_import_action_name((enum user_import_action)a), (int64_t)u->counts[a]);
    json_out_kint(j, "errorCount", (int64_t)u->error_count);
    json_out_key(j, "errors");
    json_out_array(j);
    for (size_t i = 0; i < u->error_count && i < USER_IMPORT_ERRORS_MAX; i++)
        write_error(j, &u->errors[i]);
    json_out_array_end(j);
    write_rows(j, im);
    json_out_object_end(j);
    api_json_send(&out, im->request, 200);
}

/* ---- invitations ---- */

static void send_mails(const struct importing *im)
{
    for (size_t i = 0; i < im->import->count; i++) {
        const struct user_import_row *row = &im->import->rows[i];
        const struct invitation_mail m = {row->write.name, row->write.email, row->invitation, row->invitation_hash};
        if (row->invitation && !row->bad && !row->bad_now)
            api_invitation_mail(im->api, im->arena, &m);
    }
}

/* ---- the way ---- */

static void done(struct mail *m, const struct effect_reply *reply)
{
    struct importing *im = m->ctx;
    if (reply->err.code) {
        reply_error(im->request, &reply->err);
    } else {
        if (im->import->applied && im->by_mail)
            send_mails(im);
        report(im);
    }
    arena_destroy(im->arena);
    request_resume(im->request);
}

static void refuse(struct importing *im, const struct err *e)
{
    reply_error(im->request, e);
    arena_destroy(im->arena);
    request_resume(im->request);
}

/* On a worker's thread, with the request suspended. */
static void hash_and_post(void *ctx)
{
    struct importing *im = ctx;
    struct err e = {0};
    int rc = 0;
    for (size_t i = 0; i < im->import->count && !rc; i++) {
        struct user_import_row *row = &im->import->rows[i];
        char *hash = row->password ? arena_alloc(im->arena, PASSWORD_HASH_SIZE) : NULL;
        if (!row->password)
            continue;
        rc = hash ? password_hash(row->password, hash, &e) : err_set(&e, ERR_INTERNAL, "Out of memory.");
        sodium_memzero(row->password, strlen(row->password));
        row->write.password_hash = hash;
    }
    if (!rc)
        rc = mailbox_post(im->api->mailbox, im->mail, &e);
    if (rc)
        refuse(im, &e);
}

static int apply(struct importing *im, struct err *e)
{
    struct err full = {0};
    user_import_invite(im->import);
    id_make(request_now(im->request).wall, im->import->id);
    im->mail = api_mail_write(im->request, user_import_apply, im->import, done);
    if (!im->mail)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    im->mail->ctx = im;
    if (!im->import->passwords)
        return api_post(im->api, im->request, im->mail, e);
    request_suspend(im->request);
    if (password_gate_run(im->api->passwords, hash_and_post, im, &full))
        refuse(im, &full);
    return 0;
}

static int check(struct importing *im, struct err *e)
{
    struct store *s = readers_get(im->api->readers, e);
    if (!s)
        return -1;
    int rc = user_import_check(im->import, s, e);
    readers_put(im->api->readers, s);
    return rc;
}

/* 0 when the arena is in other hands; 1 when the report was sent; -1 with `e`. */
static int run(struct importing *im, const struct user_import_options *options, struct err *e)
{
    size_t len;
    const char *body = request_body(im->request, &len);
    im->import = user_import_read(im->arena, body, len, options, e);
    if (!im->import || check(im, e))
        return -1;
    if (!im->dry_run && user_import_may_apply(im->import))
        return apply(im, e);
    report(im);
    return 1;
}

int api_user_import(struct request *r, void *context, struct err *e)
{
    struct importing *im = arena_alloc(request_arena(r), sizeof *im);
    struct user_import_options options = {0};
    if (!im)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    im->api = context;
    im->request = r;
    if (read_options(im, &options, e))
        return -1;
    im->arena = arena_create(IMPORT_MEMORY);
    if (!im->arena)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    struct arena *arena = im->arena; /* `im` may be gone once it was posted */
    int rc = run(im, &options, e);
    if (rc)
        arena_destroy(arena);
    return rc < 0 ? -1 : 0;
}

/* ---- undo ---- */

struct undoing {
    struct request *request;
    struct user_undo undo;
};

static void undone(struct mail *m, const struct effect_reply *reply)
{
    const struct undoing *u = m->ctx;
    if (reply->err.code) {
        reply_error(u->request, &reply->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kstring(j, "importId", u->undo.id);
        json_out_kint(j, "users", (int64_t)u->undo.count);
        json_out_object_end(j);
        api_json_send(&out, u->request, 200);
    }
    request_resume(u->request);
}

int api_user_import_undo(struct request *r, void *context, struct err *e)
{
    struct undoing *u = arena_alloc(request_arena(r), sizeof *u);
    struct mail *m = u ? api_mail_write(r, user_import_undo, &u->undo, undone) : NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    u->request = r;
    u->undo = (struct user_undo){.id = request_param(r, "import"), .by = request_identity(r)->user};
    m->ctx = u;
    return api_post(context, r, m, e);
}
