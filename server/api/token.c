/* SPDX-License-Identifier: MIT
 *
 * One's own tokens. Only their hashes are kept, so a list names tokens by id; the token itself is shown once, when it
 * is made.
 */
#include <sodium.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/jwt.h"
#include "auth/session.h"
#include "base/arena.h"
#include "base/err.h"
#include "core/effect.h"
#include "server/api/api.h"
#include "server/mailbox.h"
#include "server/readers.h"

/* A token being made; in the request's arena. */
struct making {
    struct request *request;
    struct auth_token row;
    char token[JWT_MAX + 1];
};

/* ---- list ---- */

struct listing {
    struct json_out *j;
    bool whole; /* second round: objects instead of ids */
};

static int write_token(void *ctx, const struct auth_token *t)
{
    struct listing *l = ctx;
    if (!l->whole) {
        json_out_string(l->j, t->id);
        return 0;
    }
    json_out_object(l->j);
    json_out_kstring(l->j, "id", t->id);
    json_out_kstring(l->j, "kind", auth_store_kind_name(t->kind));
    json_out_kbool(l->j, "application", t->kind == AUTH_TOKEN_APPLICATION);
    json_out_ktime(l->j, "issued", t->issued_ms);
    json_out_ktime(l->j, "expires", t->expires_ms);
    json_out_ktime(l->j, "lastUsed", t->used_ms);
    json_out_object_end(l->j);
    return 0;
}

int api_tokens_list(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct api_json out;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    struct listing l = {.j = api_json_begin(&out)};
    struct auth_token_sink sink = {.row = write_token, .ctx = &l};
    const char *user = request_identity(r)->user;
    int64_t now = request_now(r).wall;
    json_out_object(l.j);
    json_out_key(l.j, "tokens");
    json_out_array(l.j);
    int rc = auth_store_token_list(s, user, now, &sink, e);
    json_out_array_end(l.j);
    json_out_key(l.j, "details");
    json_out_array(l.j);
    l.whole = true;
    if (!rc)
        rc = auth_store_token_list(s, user, now, &sink, e);
    json_out_array_end(l.j);
    json_out_object_end(l.j);
    readers_put(a->readers, s);
    if (rc) {
        api_json_drop(&out);
        return -1;
    }
    api_json_send(&out, r, 200);
    return 0;
}

/* ---- make ---- */

static void made(struct mail *m, const struct effect_reply *reply)
{
    struct making *t = m->ctx;
    struct request *r = t->request;
    if (reply->err.code) {
        reply_error(r, &reply->err);
    } else {
        struct api_json out;
        struct json_out *j = api_json_begin(&out);
        json_out_object(j);
        json_out_kstring(j, "token", t->token);
        json_out_kbool(j, "application", true);
        json_out_kstring(j, "id", t->row.id);
        json_out_object_end(j);
        api_json_send(&out, r, 200);
    }
    sodium_memzero(t->token, sizeof t->token);
    request_resume(r);
}

int api_tokens_application(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct making *t = arena_alloc(request_arena(r), sizeof *t);
    struct mail *m = t ? api_mail(r, COMMAND_TOKEN, made) : NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    int64_t now = request_now(r).wall;
    struct jwt_claims claims = {.application = true, .iat = now / 1000};
    t->request = r;
    t->row.kind = AUTH_TOKEN_APPLICATION;
    t->row.issued_ms = now;
    id_make(now, t->row.id);
    memcpy(t->row.user, request_identity(r)->user, sizeof t->row.user);
    memcpy(claims.username, t->row.user, sizeof claims.username);
    memcpy(claims.jti, t->row.id, sizeof claims.jti);
    if (jwt_issue(a->keys, &claims, t->token, e))
        return -1;
    session_hash(t->token, strlen(t->token), t->row.hash);
    m->ctx = t;
    m->cmd.token = (struct command_token){.op = COMMAND_TOKEN_ADD, .token = &t->row, .user = t->row.user};
    return api_post(a, r, m, e);
}

/* ---- revoke ---- */

/* Looks for one of the caller's tokens, by id or by hash. */
struct wanted {
    const char *name;
    char hash[IDENTITY_HASH_SIZE];
    char found[IDENTITY_HASH_SIZE]; /* "" = not yet */
};

static int match_token(void *ctx, const struct auth_token *t)
{
    struct wanted *w = ctx;
    if (strcmp(t->id, w->name) != 0 && strcmp(t->hash, w->hash) != 0)
        return 0;
    memcpy(w->found, t->hash, sizeof w->found);
    return 1;
}

/* DELETE /tokens/{token}: the token itself, as OpenPAI, or its id from the list; only one's own. */
int api_tokens_revoke(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct wanted *w = arena_alloc(request_arena(r), sizeof *w);
    struct auth_token_sink sink = {.row = match_token, .ctx = w};
    struct store *s = w ? readers_get(a->readers, e) : NULL;
    if (!s)
        return w ? -1 : err_set(e, ERR_INTERNAL, "Out of memory.");
    w->name = request_param(r, "token");
    session_hash(w->name, strlen(w->name), w->hash);
    int rc = auth_store_token_list(s, request_identity(r)->user, request_now(r).wall, &sink, e);
    readers_put(a->readers, s);
    if (rc < 0)
        return -1;
    if (!w->found[0])
        return err_set(e, ERR_FORBIDDEN, "The token is not one of yours.");
    struct mail *m = api_mail(r, COMMAND_TOKEN, api_done_message);
    if (api_message(m, r, 200, "Revoke token successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->cmd.token = (struct command_token){.op = COMMAND_TOKEN_REVOKE, .hash = w->found};
    return api_post(a, r, m, e);
}
