/* SPDX-License-Identifier: MIT
 *
 * One's own tokens. Only their hashes are kept, so a list names tokens by id; the token itself is shown once, when it
 * is made.
 */
#include <sodium.h>
#include <string.h>

#include "auth/auth_write.h"
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
    struct auth_token_write write;
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
    json_out_kbool(l->j, "readOnly", t->read_only);
    json_out_kstring(l->j, "hint", t->hint);
    json_out_ktime(l->j, "issued", t->issued_ms);
    json_out_ktime(l->j, "expires", t->expires_ms);
    json_out_ktime(l->j, "lastUsed", t->used_ms);
    json_out_object_end(l->j);
    return 0;
}

static int write_tokens(struct api_reading *x, struct err *e)
{
    struct listing l = {.j = x->out};
    const struct auth_token_sink sink = {.row = write_token, .ctx = &l};
    const char *user = request_identity(x->request)->user;
    int64_t now = request_now(x->request).wall;
    json_out_object(x->out);
    json_out_key(x->out, "tokens");
    json_out_array(x->out);
    int rc = auth_store_token_list(x->store, user, now, &sink, e);
    json_out_array_end(x->out);
    json_out_key(x->out, "details");
    json_out_array(x->out);
    l.whole = true;
    if (!rc)
        rc = auth_store_token_list(x->store, user, now, &sink, e);
    json_out_array_end(x->out);
    json_out_object_end(x->out);
    return rc;
}

int api_tokens_list(struct request *r, void *context, struct err *e)
{
    return api_read(context, r, write_tokens, NULL, e);
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

/* The body is optional (OpenPAI has none): when the token ends, and whether it may only read. 0 or -1. */
static int read_wishes(struct request *r, struct auth_token *row, struct err *e)
{
    static const char *const only[] = {"expires", "readOnly", NULL};
    size_t len;
    (void)request_body(r, &len);
    if (!len)
        return 0;
    cJSON *o = api_body_object(r, e);
    if (!o)
        return -1;
    const cJSON *expires = cJSON_GetObjectItemCaseSensitive(o, "expires");
    int rc = json_only_keys(o, only, e) || json_get_bool(o, "readOnly", &row->read_only, e) ? -1 : 0;
    if (!rc && expires && !cJSON_IsNull(expires)) {
        rc = json_get_int(o, "expires", &row->expires_ms, e);
        row->expires_ms -= row->expires_ms % 1000; /* the token itself counts in seconds */
        if (!rc && row->expires_ms <= request_now(r).wall)
            rc = err_set(e, ERR_INVALID_PARAMETERS, "\"expires\" must be a time to come, in ms, or null.");
    }
    cJSON_Delete(o);
    return rc;
}

int api_tokens_application(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct making *t = arena_alloc(request_arena(r), sizeof *t);
    struct mail *m = t ? api_mail_write(r, auth_write_token_add, &t->write, made) : NULL;
    if (!m)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    int64_t now = request_now(r).wall;
    if (read_wishes(r, &t->row, e))
        return -1;
    struct jwt_claims claims = {.application = true, .iat = now / 1000, .exp = t->row.expires_ms / 1000};
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
    memcpy(t->row.hint, t->token + strlen(t->token) - (sizeof t->row.hint - 1), sizeof t->row.hint - 1);
    t->write.token = &t->row;
    m->ctx = t;
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
    struct mail *m = api_mail_write(r, auth_write_token_revoke, w->found, api_done_message);
    if (api_message(m, r, 200, "Revoke token successfully."))
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    return api_post(a, r, m, e);
}
