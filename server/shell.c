/* SPDX-License-Identifier: MIT
 *
 * A shell from the request to its thread's end:
 *
 *   shells_reply ─► promised ──upgraded──► runs on a thread ─► gone
 *                      └── the connection died ─────────────────┘
 */
#include "server/shell.h"

#include <errno.h>
#include <nettle/sha1.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/detached.h"
#include "base/log.h"
#include "server/http/request.h"
#include "server/shell_impl.h"

enum { STACK = 1 << 20, KEY_BYTES = 16, KEY_TEXT = 24 };

/* ---- their life ---- */

struct shells *shells_create(const struct shells_config *c)
{
    struct shells *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->config = *c;
    s->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    pthread_mutex_init(&s->turn, NULL);
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->idle, NULL);
    if (s->stop >= 0)
        return s;
    shells_destroy(s);
    return NULL;
}

void shells_close(struct shells *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    s->closing = true;
    (void)eventfd_write(s->stop, 1);
    while (s->running > 0)
        pthread_cond_wait(&s->idle, &s->lock);
    pthread_mutex_unlock(&s->lock);
}

void shells_destroy(struct shells *s)
{
    if (!s)
        return;
    if (s->stop >= 0)
        close(s->stop);
    pthread_cond_destroy(&s->idle);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->turn);
    free(s);
}

void shell_audit(struct shell *sh, int status)
{
    sh->call.status = status;
    sh->call.code = sh->failed.code;
    sh->call.time_ms = clock_read().wall;
    audit_note(sh->home->config.audit, &sh->call);
}

static void shell_free(struct shell *sh)
{
    free(sh->early);
    free(sh->texts);
    free(sh);
}

/* Takes it out of the list. */
static void drop(struct shell *sh, bool ran)
{
    struct shells *s = sh->home;
    pthread_mutex_lock(&s->lock);
    struct shell **p = &s->first;
    while (*p != sh)
        p = &(*p)->next;
    *p = sh->next;
    s->count--;
    s->running -= ran;
    if (ran && !s->running)
        pthread_cond_broadcast(&s->idle);
    pthread_mutex_unlock(&s->lock);
    shell_free(sh);
}

static void *thread(void *ctx)
{
    struct shell *sh = ctx;
    const struct reply_socket socket = sh->socket;
    shell_audit(sh, 101);
    shell_run(sh);
    shell_audit(sh, sh->failed.code ? err_status(sh->failed.code) : 200);
    reply_socket_close(&socket);
    drop(sh, true);
    return NULL;
}

static void begin(void *ctx, const struct reply_socket *socket)
{
    struct shell *sh = ctx;
    struct shells *s = sh->home;
    sh->socket = *socket;
    sh->early = malloc(socket->early_len + 1);
    sh->early_len = socket->early_len;
    if (sh->early && socket->early_len)
        memcpy(sh->early, socket->early, socket->early_len);
    pthread_mutex_lock(&s->lock);
    bool closing = s->closing || !sh->early;
    s->running += !closing;
    pthread_mutex_unlock(&s->lock);
    if (!closing && detached_start(STACK, thread, sh) == 0)
        return;
    log_error("shell_thread", "a shell of %s could not begin", sh->call.actor.user);
    reply_socket_close(socket);
    drop(sh, !closing);
}

static void lost(void *ctx)
{
    drop(ctx, false);
}

/* ---- the request ---- */

/* The answer to a client's key, RFC 6455 4.2.2. 0 or -1. */
static int accept_key(const char *key,
                      char out[sodium_base64_ENCODED_LEN(SHA1_DIGEST_SIZE, sodium_base64_VARIANT_ORIGINAL)])
{
    static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    unsigned char nonce[KEY_BYTES + 1], digest[SHA1_DIGEST_SIZE];
    struct sha1_ctx sha1;
    size_t len = 0;
    if (strlen(key) != KEY_TEXT ||
        sodium_base642bin(nonce, sizeof nonce, key, KEY_TEXT, NULL, &len, NULL, sodium_base64_VARIANT_ORIGINAL) ||
        len != KEY_BYTES)
        return -1;
    sha1_init(&sha1);
    sha1_update(&sha1, KEY_TEXT, (const unsigned char *)key);
    sha1_update(&sha1, sizeof guid - 1, (const unsigned char *)guid);
    sha1_digest(&sha1, sizeof digest, digest);
    sodium_bin2base64(out, sodium_base64_ENCODED_LEN(SHA1_DIGEST_SIZE, sodium_base64_VARIANT_ORIGINAL), digest,
                      sizeof digest, sodium_base64_VARIANT_ORIGINAL);
    return 0;
}

static int check_upgrade(struct request *r, struct err *e)
{
    char answer[sodium_base64_ENCODED_LEN(SHA1_DIGEST_SIZE, sodium_base64_VARIANT_ORIGINAL)];
    const char *upgrade = request_header(r, "Upgrade"), *connection = request_header(r, "Connection");
    const char *version = request_header(r, "Sec-WebSocket-Version"), *key = request_header(r, "Sec-WebSocket-Key");
    if (!upgrade || strcasecmp(upgrade, "websocket") != 0 || !connection || !strcasestr(connection, "upgrade") ||
        !version || strcmp(version, "13") != 0 || !key || accept_key(key, answer))
        return err_set(e, ERR_BAD_REQUEST,
                       "A shell is reached by a WebSocket of version 13 (drover shell, drover exec).");
    reply_header(r, "Sec-WebSocket-Accept", answer);
    return 0;
}

/* A copy of what outlives the request. NULL on out of memory. */
static struct shell *copy(struct request *r, const struct shell_order *o)
{
    const char *from[] = {o->attempt,    o->command,        o->ssh,       o->term, request_identity(r)->user,
                          request_ip(r), request_object(r), request_id(r)};
    struct shell *sh = calloc(1, sizeof *sh);
    if (!sh)
        return NULL;
    sh->order = *o;
    sh->who = *request_identity(r);
    sh->call.actor.method = "GET";
    sh->call.actor.route = request_route(r)->path;
    const char **to[] = {&sh->order.attempt,   &sh->order.command, &sh->order.ssh,         &sh->order.term,
                         &sh->call.actor.user, &sh->call.actor.ip, &sh->call.actor.object, &sh->call.actor.request_id};
    size_t size = 0;
    for (size_t i = 0; i < sizeof from / sizeof *from; i++)
        size += strlen(from[i]) + 1;
    sh->texts = malloc(size);
    char *at = sh->texts;
    for (size_t i = 0; at && i < sizeof from / sizeof *from; i++) {
        size_t len = strlen(from[i]) + 1;
        memcpy(at, from[i], len);
        *to[i] = at;
        at += len;
    }
    if (sh->texts)
        return sh;
    free(sh);
    return NULL;
}

/* Puts it into the list. 0, or -1 with `e`. */
static int promise(struct shells *s, struct shell *sh, struct err *e)
{
    unsigned own = 0;
    int rc = 0;
    pthread_mutex_lock(&s->lock);
    for (const struct shell *other = s->first; other; other = other->next)
        own += strcmp(other->call.actor.user, sh->call.actor.user) == 0;
    if (s->closing)
        rc = err_set(e, ERR_BUSY, "The server is shutting down.");
    else if (own >= SHELLS_PER_USER || s->count >= SHELLS_MAX)
        rc =
            err_set(e, ERR_TOO_MANY, "There are %u shells open, %u of them yours; %d in all and %d of one user may be.",
                    s->count, own, SHELLS_MAX, SHELLS_PER_USER);
    if (rc == 0) {
        sh->home = s;
        sh->next = s->first;
        s->first = sh;
        s->count++;
    }
    pthread_mutex_unlock(&s->lock);
    return rc;
}

int shells_reply(struct shells *s, struct request *r, const struct shell_order *o, struct err *e)
{
    if (check_upgrade(r, e))
        return -1;
    struct shell *sh = copy(r, o);
    if (!sh)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (promise(s, sh, e)) {
        shell_free(sh);
        return -1;
    }
    const struct reply_protocol p = {.name = "websocket", .ctx = sh, .begin = begin, .lost = lost};
    if (reply_upgrade(r, &p, e)) {
        drop(sh, false);
        return -1;
    }
    return 0;
}
