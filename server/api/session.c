/* SPDX-License-Identifier: MIT
 *
 * Logging in and out. The password is hashed on a worker's thread, the new token is a row that the core commits, and
 * only then the client hears of it:
 *
 *   handler: throttle, suspend ─► worker: verify, make the token ─► core: COMMIT ─► reply, resume
 */
#include <pthread.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_write.h"
#include "auth/invitation.h"
#include "auth/jwt.h"
#include "auth/login.h"
#include "auth/password.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/disk_quota.h"
#include "server/mailbox.h"
#include "server/readers.h"

enum { EXPIRATION_MIN_S = 60, EXPIRATION_MAX_S = 604800, EXPIRATION_DEFAULT_S = 86400 };

struct throttle_lock {
    pthread_mutex_t lock;
    struct login_throttle *table;
};

/* One login under way; in the request's arena. */
struct login {
    struct api *api;
    struct request *request;
    char *user, *password;
    int64_t expiration_s;
    bool session; /* for the portal: a cookie, no token */
    bool admin;
    struct auth_token row;
    struct auth_token_write write;
    char rehash[PASSWORD_HASH_SIZE];
    char secret[JWT_MAX + 1]; /* the token, or the session's id */
};

struct throttle_lock *api_throttle_create(void)
{
    struct throttle_lock *t = calloc(1, sizeof *t);
    if (!t)
        return NULL;
    pthread_mutex_init(&t->lock, NULL);
    t->table = login_throttle_create(0);
    if (!t->table) {
        api_throttle_destroy(t);
        return NULL;
    }
    return t;
}

void api_throttle_destroy(struct throttle_lock *t)
{
    if (!t)
        return;
    login_throttle_destroy(t->table);
    pthread_mutex_destroy(&t->lock);
    free(t);
}

int api_throttle_enter(struct api *a, struct request *r, const char *user, struct err *e)
{
    struct throttle_lock *t = a->throttle;
    int64_t now = request_now(r).mono;
    pthread_mutex_lock(&t->lock);
    int rc = login_throttle_check(t->table, user, request_ip(r), now, e);
    if (!rc)
        login_throttle_fail(t->table, user, request_ip(r), now);
    pthread_mutex_unlock(&t->lock);
    if (rc) {
        char seconds[16];
        snprintf(seconds, sizeof seconds, "%d", rc);
        reply_header(r, "Retry-After", seconds);
        return -1;
    }
    return 0;
}

void api_throttle_succeed(struct api *a, const struct request *r, const char *user)
{
    struct throttle_lock *t = a->throttle;
    pthread_mutex_lock(&t->lock);
    login_throttle_succeed(t->table, user, request_ip(r), request_now(r).mono);
    pthread_mutex_unlock(&t->lock);
}

/* ---- the answer ---- */

static void reply_login(struct login *l)
{
    struct request *r = l->request;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "user", l->user);
    if (!l->session)
        json_out_kstring(j, "token", l->secret);
    json_out_kbool(j, "admin", l->admin);
    if (!l->session)
        json_out_kbool(j, "hasGitHubPAT", false);
    json_out_object_end(j);
    if (l->session) {
        char cookie[SESSION_COOKIE_SIZE];
        session_cookie(l->secret, l->api->secure, cookie);
        reply_header(r, "Set-Cookie", cookie);
    }
    api_json_send(&out, r, 200);
}

static void finish(struct login *l, const struct err *e)
{
    struct request *r = l->request;
    if (e && e->code)
        reply_error(r, e);
    else
        reply_login(l);
    sodium_memzero(l->secret, sizeof l->secret);
    request_resume(r);
}

static void committed(struct mail *m, const struct effect_reply *reply)
{
    finish(m->ctx, &reply->err);
}

/* ---- the worker's part ---- */

static int make_secret(struct login *l, struct err *e)
{
    struct request *r = l->request;
    int64_t now_ms = request_now(r).wall;
    struct auth_token *row = &l->row;
    row->kind = l->session ? AUTH_TOKEN_SESSION : AUTH_TOKEN_BROWSER;
    row->issued_ms = now_ms;
    row->expires_ms = l->session ? now_ms + SESSION_MAX_MS : now_ms + l->expiration_s * 1000;
    id_make(now_ms, row->id);
    memcpy(row->user, l->user, strlen(l->user) + 1);
    if (l->session) {
        session_make_id(l->secret);
    } else {
        struct jwt_claims c = {.iat = now_ms / 1000, .exp = now_ms / 1000 + l->expiration_s};
        memcpy(c.username, row->user, sizeof c.username);
        memcpy(c.jti, row->id, sizeof c.jti);
        if (jwt_issue(l->api->keys, &c, l->secret, e))
            return -1;
    }
    session_hash(l->secret, strlen(l->secret), row->hash);
    return 0;
}

/* The same answer for an unknown user, a wrong password and a disabled user, after the same work (S7). */
static int verify(struct login *l, struct err *e)
{
    struct auth_user user = {0};
    struct err none = {0};
    bool rehash = false;
    struct store *s = readers_get(l->api->readers, e);
    if (!s)
        return -1;
    int unknown = auth_store_user_get(s, request_arena(l->request), l->user, &user, &none);
    readers_put(l->api->readers, s);
    if (unknown && none.code != ERR_NO_USER) {
        *e = none;
        return -1;
    }
    bool none_set = !unknown && !strcmp(user.password_hash, INVITATION_NO_PASSWORD);
    bool ok = password_verify(unknown || none_set ? NULL : user.password_hash, l->password, &rehash);
    if (!ok || user.disabled || (user.expires_ms && user.expires_ms <= request_now(l->request).wall))
        return err_set(e, ERR_INCORRECT_PASSWORD, "User name or password is incorrect.");
    l->admin = user.admin;
    if (rehash && password_hash(l->password, l->rehash, e))
        return -1;
    return 0;
}

static void run(void *ctx)
{
    struct login *l = ctx;
    struct err e = {0};
    struct mail *m = NULL;
    int rc = verify(l, &e);
    sodium_memzero(l->password, strlen(l->password));
    if (!rc) {
        api_throttle_succeed(l->api, l->request, l->user);
        rc = make_secret(l, &e);
    }
    if (!rc) {
        l->write = (struct auth_token_write){.token = &l->row, .rehash = l->rehash[0] ? l->rehash : NULL};
        m = api_mail_write(l->request, auth_write_token_add, &l->write, committed);
        rc = m ? 0 : err_set(&e, ERR_INTERNAL, "Out of memory.");
    }
    if (m) {
        m->ctx = l;
        m->cmd.actor.user = l->row.user;
        rc = mailbox_post(l->api->mailbox, m, &e);
    }
    if (rc)
        finish(l, &e);
}

/* ---- the handler's part ---- */

static int read_json(struct login *l, struct err *e)
{
    static const char *const only[] = {"username", "password", "expiration", NULL};
    struct arena *a = request_arena(l->request);
    const char *user = NULL, *password = NULL;
    cJSON *o = api_body_object(l->request, e);
    if (!o)
        return -1;
    int rc = json_only_keys(o, only, e) || json_get_string(o, "username", &user, e) ||
             json_get_string(o, "password", &password, e) || json_get_int(o, "expiration", &l->expiration_s, e);
    l->user = arena_strdup(a, user);
    l->password = arena_strdup(a, password);
    cJSON_Delete(o);
    return rc ? -1 : 0;
}

static int read_form(struct login *l, struct err *e)
{
    struct arena *a = request_arena(l->request);
    const char *user = NULL, *password = NULL, *expiration = NULL;
    if (request_form(l->request, "username", &user, e) || request_form(l->request, "password", &password, e) ||
        request_form(l->request, "expiration", &expiration, e))
        return -1;
    l->user = arena_strdup(a, user);
    l->password = arena_strdup(a, password);
    if (expiration) {
        char *end;
        l->expiration_s = strtoll(expiration, &end, 10);
        if (*end || end == expiration)
            return err_set(e, ERR_INVALID_PARAMETERS, "\"expiration\" must be a number of seconds.");
    }
    return 0;
}

static int check(struct login *l, struct err *e)
{
    if (!l->user || !l->password)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"username\" and \"password\" are needed.");
    if (strlen(l->password) > PASSWORD_MAX * 4 || strlen(l->user) >= IDENTITY_USER_SIZE)
        return err_set(e, ERR_INCORRECT_PASSWORD, "User name or password is incorrect.");
    if (l->expiration_s < EXPIRATION_MIN_S || l->expiration_s > EXPIRATION_MAX_S)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"expiration\" must be from %d to %d seconds.", EXPIRATION_MIN_S,
                       EXPIRATION_MAX_S);
    return 0;
}

static int begin(struct request *r, struct api *a, bool session, struct err *e)
{
    struct login *l = arena_alloc(request_arena(r), sizeof *l);
    struct err full = {0};
    if (!l)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    l->api = a;
    l->request = r;
    l->session = session;
    l->expiration_s = EXPIRATION_DEFAULT_S;
    int rc = request_media(r) == HTTP_MEDIA_FORM ? read_form(l, e) : read_json(l, e);
    if (rc || check(l, e) || api_throttle_enter(l->api, l->request, l->user, e))
        return -1;
    request_suspend(r);
    if (password_gate_run(a->passwords, run, l, &full))
        finish(l, &full);
    return 0;
}

int api_login(struct request *r, void *context, struct err *e)
{
    return begin(r, context, false, e);
}

int api_session_open(struct request *r, void *context, struct err *e)
{
    return begin(r, context, true, e);
}

/* ---- out, and who am I ---- */

static int revoke(struct request *r, struct api *a, const char *message, struct err *e)
{
    char *hash = arena_strdup(request_arena(r), request_identity(r)->hash);
    struct mail *m = api_mail_write(r, auth_write_token_revoke, hash, api_done_message);
    if (!hash || api_message(m, r, 200, message))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return api_post(a, r, m, e);
}

int api_logout(struct request *r, void *context, struct err *e)
{
    return revoke(r, context, "Logout successfully.", e);
}

int api_session_close(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    char cookie[SESSION_COOKIE_SIZE];
    session_cookie(NULL, a->secure, cookie);
    reply_header(r, "Set-Cookie", cookie);
    return revoke(r, a, "Logged out.", e);
}

int api_session_get(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const struct identity *who = request_identity(r);
    struct auth_user user = {0};
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = auth_store_user_get(s, request_arena(r), who->user, &user, e);
    readers_put(a->readers, s);
    if (rc)
        return -1;
    struct api_json out;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "user", who->user);
    json_out_kbool(j, "admin", who->admin);
    json_out_kstring(j, "email", user.email);
    disk_quota_write(j, a->quota, who->user, user.disk_mb);
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

int api_tokens_check(struct request *r, void *context, struct err *e)
{
    const struct identity *who = request_identity(r);
    struct api_json out;
    (void)context;
    (void)e;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "username", who->user);
    json_out_kbool(j, "application", who->application);
    json_out_kbool(j, "jobSpecific", false);
    json_out_kstring(j, "encodedFrameworkName", "");
    json_out_kint(j, "iat", who->created_ms / 1000);
    if (who->expires_ms)
        json_out_kint(j, "exp", who->expires_ms / 1000);
    json_out_kbool(j, "admin", who->admin);
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}
