/* SPDX-License-Identifier: MIT
 *
 * Invitations: setting the first password with the secret of a link, inviting once more, and how the mail went.
 */
#include "auth/invitation.h"

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/mailer.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/api/invitation.h"
#include "server/mailbox.h"
#include "server/readers.h"

/* ---- setting the password ---- */

/* One under way; in the request's arena. */
struct accepting {
    struct api *api;
    struct request *request;
    struct mail *mail;
    struct invitation_accept write;
    char *password;
    char hash[PASSWORD_HASH_SIZE];
};

static void accepted(struct mail *m, const struct effect_reply *reply)
{
    const struct accepting *a = m->ctx;
    if (reply->err.code) {
        reply_error(a->request, &reply->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kstring(j, "user", a->write.user);
        json_out_object_end(j);
        api_json_send(&out, a->request, 201);
    }
    request_resume(a->request);
}

/* On a worker's thread, with the request suspended. */
static void hash_and_post(void *ctx)
{
    struct accepting *a = ctx;
    struct err e = {0};
    int rc = password_hash(a->password, a->hash, &e);
    sodium_memzero(a->password, strlen(a->password));
    a->write.password_hash = a->hash;
    if (!rc)
        rc = mailbox_post(a->api->mailbox, a->mail, &e);
    if (rc) {
        reply_error(a->request, &e);
        request_resume(a->request);
    }
}

static int read_body(struct accepting *a, struct err *e)
{
    static const char *const only[] = {"invitation", "password", NULL};
    const char *secret = NULL, *password = NULL;
    cJSON *o = api_body_object(a->request, e);
    if (!o)
        return -1;
    int rc = json_only_keys(o, only, e) || json_get_string(o, "invitation", &secret, e) ||
                     json_get_string(o, "password", &password, e)
                 ? -1
                 : 0;
    if (!rc && (!secret || !password))
        rc = err_set(e, ERR_INVALID_PARAMETERS, "\"invitation\" and \"password\" are needed.");
    if (!rc && secret && password) {
        session_hash(secret, strlen(secret), a->write.hash);
        a->password = arena_strdup(request_arena(a->request), password);
        rc = a->password ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    cJSON_Delete(o);
    return rc;
}

/* Looked up before anything is hashed: a secret that is none costs one look-up. */
static int find(struct accepting *a, struct err *e)
{
    struct store *s = readers_get(a->api->readers, e);
    if (!s)
        return -1;
    int found = invitation_find(s, a->write.hash, request_now(a->request).wall, a->write.user, e);
    readers_put(a->api->readers, s);
    if (found < 0)
        return -1;
    return found ? 0 : err_set(e, ERR_INVALID_PARAMETERS, "The invitation is not valid any more.");
}

int api_invitation_accept(struct request *r, void *context, struct err *e)
{
    struct accepting *a = arena_alloc(request_arena(r), sizeof *a);
    struct err full = {0};
    struct mail *m = a ? api_mail_write(r, invitation_write_accept, &a->write, accepted) : NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *a = (struct accepting){.api = context, .request = r, .mail = m};
    m->ctx = a;
    if (read_body(a, e) || find(a, e) || password_check_rules(a->password, a->write.user, e))
        return -1;
    m->cmd.actor.user = a->write.user;
    request_suspend(r);
    if (password_gate_run(a->api->passwords, hash_and_post, a, &full)) {
        reply_error(r, &full);
        request_resume(r);
    }
    return 0;
}

/* ---- how the mail went ---- */

struct sent_mail {
    struct mail mail; /* the first member: freed as one */
    struct invitation_sent sent;
    char hash[IDENTITY_HASH_SIZE];
    char problem[256];
};

static void noted(struct mail *m, const struct effect_reply *reply)
{
    (void)reply;
    free(m);
}

void api_invitation_sent(void *context, const char *hash, const char *problem, bool for_good)
{
    (void)for_good; /* an admin invites once more, or corrects the address */
    struct api *a = context;
    struct sent_mail *s = calloc(1, sizeof *s);
    if (!s)
        return;
    snprintf(s->hash, sizeof s->hash, "%s", hash);
    snprintf(s->problem, sizeof s->problem, "%s", problem ? problem : "");
    s->sent = (struct invitation_sent){.hash = s->hash, .problem = problem ? s->problem : NULL};
    s->mail.cmd.kind = COMMAND_WRITE;
    s->mail.cmd.write = (struct command_write){.run = invitation_write_sent, .what = &s->sent};
    s->mail.done = noted;
    if (mailbox_post(a->mailbox, &s->mail, NULL))
        free(s);
}

/* ---- inviting ---- */

char *api_invitation_link(const struct api *a, struct arena *arena, const char *secret)
{
    return arena_printf(arena, "%s/#/invite/%s", a->public_url, secret);
}

int api_invitation_can_mail(const struct api *a, struct err *e)
{
    if (a->mailer && a->public_url[0])
        return 0;
    return err_set(e, ERR_INVALID_PARAMETERS,
                   "The server sends no mail (smtpUrl, smtpFrom and publicUrl in its configuration); use "
                   "invite=sheet.");
}

void api_invitation_mail(struct api *a, struct arena *arena, const struct invitation_mail *m)
{
    const char *link = api_invitation_link(a, arena, m->secret);
    const char *text = link
                           ? arena_printf(arena,
                                          "Hello %s,\n\nan account was made for you. Set your password here, within 14 "
                                          "days:\n\n%s\n\nThe link works once. If you did not expect this mail, leave "
                                          "it alone.\n",
                                          m->user, link)
                           : NULL;
    const struct mailer_message message = {.to = m->email, .subject = "Your account", .text = text, .tag = m->hash};
    struct err e = {0};
    if (!text || mailer_send(a->mailer, &message, &e))
        api_invitation_sent(a, m->hash, text ? e.text : "out of memory", false);
}

/* Another invitation under way; in the request's arena. */
struct inviting {
    struct api *api;
    struct request *request;
    struct invitation_again write;
    char secret[INVITATION_SECRET_SIZE];
};

static void invited(struct mail *m, const struct effect_reply *reply)
{
    struct inviting *v = m->ctx;
    const struct invitation_mail mail = {v->write.user, v->write.email, v->secret, v->write.hash};
    struct api_json out;
    struct json_out *j;
    if (reply->err.code) {
        reply_error(v->request, &reply->err);
        request_resume(v->request);
        return;
    }
    if (v->write.need_email)
        api_invitation_mail(v->api, request_arena(v->request), &mail);
    j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "username", v->write.user);
    json_out_kbool(j, "mailed", v->write.need_email);
    /* the link only where it goes on paper, and this once */
    json_out_kstring(j, "invitation",
                     v->write.need_email ? NULL : api_invitation_link(v->api, request_arena(v->request), v->secret));
    json_out_object_end(j);
    api_json_send(&out, v->request, 201);
    sodium_memzero(v->secret, sizeof v->secret);
    request_resume(v->request);
}

int api_invitation_again(struct request *r, void *context, struct err *e)
{
    struct inviting *v = arena_alloc(request_arena(r), sizeof *v);
    struct mail *m = v ? api_mail_write(r, invitation_write_again, &v->write, invited) : NULL;
    const char *how = NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    *v = (struct inviting){.api = context, .request = r};
    if (request_query(r, "invite", &how, e))
        return -1;
    if (how && strcmp(how, "mail") != 0 && strcmp(how, "sheet") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"invite\" is mail or sheet.");
    v->write.user = request_param(r, "user");
    v->write.need_email = how && !strcmp(how, "mail");
    if (v->write.need_email && api_invitation_can_mail(context, e))
        return -1;
    invitation_make(v->secret, v->write.hash);
    m->ctx = v;
    return api_post(context, r, m, e);
}
