/* SPDX-License-Identifier: MIT
 *
 * The handshake of RFC 6455, client's side. Who the server is, TLS says; that it speaks WebSocket, its 101.
 */
#include "tui/websocket.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/random.h>

#include "base/clock.h"
#include "base/err.h"

#define WEBSOCKET_BODY_MS 1000 /* of a refusal */

ssize_t websocket_recv(struct websocket *w, void *out, size_t len)
{
    size_t n = w->early_len - w->early_at;
    CURLcode code;

    if (n > 0) {
        n = n < len ? n : len;
        memcpy(out, w->early + w->early_at, n);
        w->early_at += n;
        return (ssize_t)n;
    }
    code = curl_easy_recv(w->transfer.easy, out, len, &n);
    if (code == CURLE_OK)
        return (ssize_t)n;
    errno = code == CURLE_AGAIN ? EAGAIN : ECONNRESET;
    return -1;
}

ssize_t websocket_send(struct websocket *w, const void *data, size_t len)
{
    size_t n = 0;
    CURLcode code = curl_easy_send(w->transfer.easy, data, len, &n);

    if (code == CURLE_OK)
        return (ssize_t)n;
    errno = code == CURLE_AGAIN ? EAGAIN : ECONNRESET;
    return -1;
}

/* Waits for the socket until the deadline. 0 or -1. */
static int websocket_wait(const struct websocket *w, short events, int64_t until, struct err *e)
{
    struct pollfd p = {.fd = w->fd, .events = events};
    int64_t left = until - clock_read().mono;

    if (left > 0 && (poll(&p, 1, (int)left) > 0 || errno == EINTR))
        return 0;
    return err_set(e, ERR_TIMEOUT, "The server did not answer in time.");
}

static int websocket_ask(struct websocket *w, const struct endpoint *to, const char *path, struct err *e)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const int64_t until = clock_read().mono + to->timeout_ms;
    const char *host = strstr(to->url, "://") + 3;
    unsigned char noise[22];
    struct buf b;
    size_t at = 0;

    buf_init(&b, 32768);
    if (getrandom(noise, sizeof noise, 0) != (ssize_t)sizeof noise)
        return err_set(e, ERR_INTERNAL, "There are no random bytes.");
    (void)buf_addf(&b, "GET %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: drover\r\n", path, host);
    if (to->token)
        (void)buf_addf(&b, "Authorization: Bearer %s\r\n", to->token);
    (void)buf_adds(&b, "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ");
    for (size_t i = 0; i < sizeof noise - 1; i++)
        (void)buf_addc(&b, letters[noise[i] % 64]);
    (void)buf_addc(&b, "AQgw"[noise[sizeof noise - 1] % 4]); /* its last four bits are none of the 16 bytes' */
    (void)buf_adds(&b, "==\r\n\r\n");
    while (!b.bad && at < b.len) {
        ssize_t n = websocket_send(w, b.data + at, b.len - at);

        if ((n < 0 && errno != EAGAIN) || (n <= 0 && websocket_wait(w, POLLOUT, until, e)))
            break;
        at += n > 0 ? (size_t)n : 0;
    }
    if (at < b.len && e->code == ERR_NONE)
        (void)err_set(e, ERR_BUSY, "The server broke the connection.");
    buf_fini(&b);
    return e->code == ERR_NONE ? 0 : -1;
}

/* Reads more of the reply into `early`. 1, 0 at the end, -1 with `e`. */
static int websocket_more(struct websocket *w, int64_t until, struct err *e)
{
    size_t n = 0;

    while (w->early_len < sizeof w->early - 1) {
        CURLcode code =
            curl_easy_recv(w->transfer.easy, w->early + w->early_len, sizeof w->early - 1 - w->early_len, &n);

        if (code == CURLE_OK) {
            w->early_len += n;
            w->early[w->early_len] = '\0';
            return n > 0;
        }
        if (code != CURLE_AGAIN)
            return err_set(e, ERR_BUSY, "The server broke the connection.");
        if (websocket_wait(w, POLLIN, until, e))
            return -1;
    }
    return err_set(e, ERR_INTERNAL, "The server's reply is too long.");
}

/* The server's words for a refusal, as far as they come. */
static int websocket_refused(struct websocket *w, long status, const char *body, struct err *e)
{
    const int64_t until = clock_read().mono + WEBSOCKET_BODY_MS;
    const char *length = strcasestr(w->early, "\r\nContent-Length:");
    const size_t head = (size_t)(body - w->early);
    size_t want = length && length < body ? strtoul(length + 17, NULL, 10) : 0;
    struct err ignored = {0};

    while (w->early_len - head < want && websocket_more(w, until, &ignored) > 0)
        ;
    return transfer_error(status, body, w->early_len - head, e);
}

static int websocket_answer(struct websocket *w, const struct endpoint *to, struct err *e)
{
    const int64_t until = clock_read().mono + to->timeout_ms;
    char *body = NULL;
    long status;

    while (!body) {
        int more = websocket_more(w, until, e);

        if (more < 0)
            return -1;
        if (more == 0)
            return err_set(e, ERR_BUSY, "The server broke the connection.");
        body = strstr(w->early, "\r\n\r\n");
    }
    body += 4;
    status = strncmp(w->early, "HTTP/1.1 ", 9) == 0 ? strtol(w->early + 9, NULL, 10) : 0;
    w->early_at = (size_t)(body - w->early);
    return status == 101 ? 0 : websocket_refused(w, status, body, e);
}

int websocket_open(struct websocket *w, const struct endpoint *to, const char *path, struct err *e)
{
    const struct transfer_request r = {.method = "GET", .path = path};

    memset(w, 0, sizeof *w);
    *e = (struct err){0};
    if (transfer_init(&w->transfer, to, &r, e))
        return -1;
    if (transfer_connect(&w->transfer, &w->fd, e) || websocket_ask(w, to, path, e) || websocket_answer(w, to, e)) {
        websocket_close(w);
        return -1;
    }
    return 0;
}

void websocket_close(struct websocket *w)
{
    transfer_fini(&w->transfer);
}
