/* SPDX-License-Identifier: MIT
 *
 * Who calls: a bearer token, Basic with an application token, or the portal's cookie. Rights are those of the database
 * at each request (auth/identity_cache.h). server/http/dispatch.c then asks a change made with the cookie for our
 * header (S9).
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "auth/auth_write.h"
#include "auth/identity_cache.h"
#include "auth/jwt_cache.h"
#include "auth/session.h"
#include "base/err.h"
#include "server/api/api.h"
#include "server/api/authenticate.h"
#include "server/mailbox.h"
#include "server/readers.h"

static int invalid(struct err *e)
{
    return err_set(e, ERR_UNAUTHORIZED, "Your token is invalid.");
}

static int find(struct api *a, const char *hash, int64_t now_ms, struct identity *out, struct err *e)
{
    if (identity_cache_get(a->identities, hash, now_ms, out))
        return 0;
    uint64_t began = identity_cache_begin(a->identities);
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = auth_store_token_find(s, hash, now_ms, out, e);
    readers_put(a->readers, s);
    if (!rc)
        identity_cache_keep(a->identities, began, now_ms, out);
    return rc;
}

static int by_token(struct api *a, const struct request *r, const char *token, struct identity *out, struct err *e)
{
    struct jwt_cache_hit hit;
    int64_t now_ms = request_now(r).wall;
    if (jwt_cache_verify(a->tokens, token, now_ms / 1000, &hit, e) || find(a, hit.hash, now_ms, out, e))
        return -1;
    if (out->kind == IDENTITY_SESSION || strcmp(out->user, hit.claims.username) != 0)
        return invalid(e);
    return 0;
}

/* "Basic base64(user:application token)": OpenPAI's form for tools that know nothing else. */
static int by_basic(struct api *a, const struct request *r, const char *text, struct identity *out, struct err *e)
{
    char plain[JWT_MAX + IDENTITY_USER_SIZE + 2];
    size_t len = 0;
    if (sodium_base642bin((unsigned char *)plain, sizeof plain - 1, text, strlen(text), NULL, &len, NULL,
                          sodium_base64_VARIANT_ORIGINAL))
        return invalid(e);
    plain[len] = '\0';
    char *colon = strchr(plain, ':');
    if (!colon || strlen(plain) != len)
        return invalid(e);
    *colon = '\0';
    if (by_token(a, r, colon + 1, out, e))
        return -1;
    return out->application && !strcmp(out->user, plain) ? 0 : invalid(e);
}

static int by_cookie(struct api *a, const struct request *r, const char *id, struct identity *out, struct err *e)
{
    char hash[IDENTITY_HASH_SIZE];
    session_hash(id, strlen(id), hash);
    if (find(a, hash, request_now(r).wall, out, e))
        return -1;
    if (out->kind != IDENTITY_SESSION)
        return invalid(e);
    return 0;
}

static void touched(struct mail *m, const struct effect_reply *reply)
{
    (void)reply;
    free(m);
}

void api_touch(struct api *a, const struct identity *who)
{
    struct touch_mail {
        struct mail mail; /* the first member: freed as one */
        char hash[IDENTITY_HASH_SIZE];
    } *t = calloc(1, sizeof *t);
    if (!t)
        return;
    memcpy(t->hash, who->hash, sizeof t->hash);
    t->mail.cmd.kind = COMMAND_WRITE;
    t->mail.cmd.write = (struct command_write){auth_write_token_touch, t->hash};
    t->mail.done = touched;
    if (mailbox_post(a->mailbox, &t->mail, NULL))
        free(t);
}

int api_authenticate(void *context, const struct request *r, struct identity *out, struct err *e)
{
    struct api *a = context;
    const char *header = request_header(r, "Authorization");
    char id[SESSION_ID_SIZE];
    if (header) {
        int rc = !strncasecmp(header, "Bearer ", 7)  ? by_token(a, r, header + 7, out, e)
                 : !strncasecmp(header, "Basic ", 6) ? by_basic(a, r, header + 6, out, e)
                                                     : invalid(e);
        if (rc)
            return -1;
    } else if (session_parse_cookie(request_header(r, "Cookie"), a->secure, id)) {
        if (by_cookie(a, r, id, out, e))
            return -1;
    }
    if (out->touch)
        api_touch(a, out);
    return 0;
}
