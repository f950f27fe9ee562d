/* SPDX-License-Identifier: MIT
 *
 * The thread of one shell: one loop over the client's socket, the process's terminal or socket, and its warden. Nothing
 * is read on one side that the other cannot take: output waits in the terminal while OUT_MAX bytes are queued for the
 * client, input in the socket while IN_MAX are for the process.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "base/buf.h"
#include "base/clock.h"
#include "engines/local/enter.h"
#include "server/shell_frame.h"
#include "server/shell_impl.h"
#include "server/shell_ssh.h"

enum {
    MESSAGE_MAX = 64 << 10,
    IN_MAX = 64 << 10,
    OUT_MAX = 256 << 10,
    CHUNK = 32 << 10,
    PING_MS = 5 * 1000, /* clients give up after three times as long (tui/verbs/shell.c) */
    SILENCE_MS = 60 * 1000,
    USED_MS = 60 * 1000,  /* a session is told no more often that it is in use */
    LINGER_MS = 5 * 1000, /* for the client's answer to our close */
    LINGER_STOP_MS = 1000
};

enum { CLIENT, PROCESS, WARDEN, STOP, SOURCES };

struct run {
    struct shell *sh;
    wslay_event_context_ptr ws;
    int io, ctl;
    char *in; /* for the process: IN_MAX + MESSAGE_MAX bytes */
    size_t in_len;
    bool in_ends; /* nothing comes behind that */
    bool out_ended, ended, broken;
    bool closing, close_queued;
    uint16_t close_code;
    int status;
    bool typed; /* since the session was last told to be in use */
    int64_t heard, pinged, asked, linger, used;
};

/* Whether the client is read from: what it sends must have room. */
static bool listens(const struct run *x)
{
    return x->in_len < IN_MAX || x->closing;
}

/* ---- frames ---- */

static ssize_t on_recv(wslay_event_context_ptr ws, uint8_t *out, size_t len, int flags, void *ctx)
{
    struct run *x = ctx;
    struct shell *sh = x->sh;
    ssize_t n;
    (void)flags;
    if (!listens(x)) {
        wslay_event_set_error(ws, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    if (sh->early_at < sh->early_len) {
        n = (ssize_t)(len < sh->early_len - sh->early_at ? len : sh->early_len - sh->early_at);
        memcpy(out, sh->early + sh->early_at, (size_t)n);
        sh->early_at += (size_t)n;
        return n;
    }
    do
        n = recv(sh->socket.fd, out, len, 0);
    while (n < 0 && errno == EINTR);
    if (n > 0) {
        x->heard = clock_read().mono;
        return n;
    }
    wslay_event_set_error(ws, n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t on_send(wslay_event_context_ptr ws, const uint8_t *data, size_t len, int flags, void *ctx)
{
    const struct run *x = ctx;
    ssize_t n;
    do
        n = send(x->sh->socket.fd, data, len, MSG_NOSIGNAL | (flags & WSLAY_MSG_MORE ? MSG_MORE : 0));
    while (n < 0 && errno == EINTR);
    if (n < 0)
        wslay_event_set_error(ws, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return n;
}

static void say(struct run *x, enum wslay_opcode opcode, const void *data, size_t len)
{
    const struct wslay_event_msg m = {.opcode = (uint8_t)opcode, .msg = data, .msg_length = len};
    if (!x->closing && wslay_event_queue_msg(x->ws, &m))
        x->broken = true;
}

/* Control frames overtake others, so a close waits until all before it was sent. */
static void close_in_turn(struct run *x)
{
    if (!x->closing || x->close_queued || wslay_event_get_queued_msg_count(x->ws) > 0)
        return;
    x->close_queued = true;
    x->linger = clock_read().mono + LINGER_MS;
    if (wslay_event_queue_close(x->ws, x->close_code, NULL, 0))
        x->broken = true;
}

static void say_close(struct run *x, uint16_t code)
{
    if (x->closing)
        return;
    x->closing = true;
    x->close_code = code;
    close_in_turn(x);
}

/* At once, and not for long: the server stops, or the client may not be here any more. */
static void say_end(struct run *x, uint16_t code)
{
    x->closing = x->close_queued = true;
    x->linger = clock_read().mono + LINGER_STOP_MS;
    if (wslay_event_queue_close(x->ws, code, NULL, 0))
        x->broken = true;
}

/* It went wrong: tells the client, and ends. */
static void fail(struct run *x, uint16_t code)
{
    struct buf text;
    buf_init(&text, 4096);
    shell_frame_write_error(&text, &x->sh->failed);
    if (!text.bad)
        say(x, WSLAY_TEXT_FRAME, text.data, text.len);
    buf_fini(&text);
    say_close(x, code);
}

static void resize(const struct run *x, int rows, int columns)
{
    const struct winsize size = {.ws_row = (unsigned short)rows, .ws_col = (unsigned short)columns};
    if (x->sh->order.tty)
        (void)ioctl(x->io, TIOCSWINSZ, &size);
}

static void take_text(struct run *x, const char *text, size_t len)
{
    struct shell_frame f;
    if (shell_frame_read(text, len, &f, &x->sh->failed)) {
        fail(x, WSLAY_CODE_POLICY_VIOLATION);
        return;
    }
    if (f.kind == SHELL_FRAME_RESIZE)
        resize(x, f.rows, f.columns);
    else if (f.kind == SHELL_FRAME_SIGNAL)
        (void)enter_signal(x->ctl, f.signal);
    else
        x->in_ends = true;
}

static void on_message(wslay_event_context_ptr ws, const struct wslay_event_on_msg_recv_arg *m, void *ctx)
{
    struct run *x = ctx;
    (void)ws;
    if (x->closing)
        return;
    if (m->opcode == WSLAY_TEXT_FRAME) {
        take_text(x, (const char *)m->msg, m->msg_length);
    } else if (m->opcode == WSLAY_BINARY_FRAME && !x->in_ends && x->in_len + m->msg_length <= IN_MAX + MESSAGE_MAX &&
               m->msg_length) {
        memcpy(x->in + x->in_len, m->msg, m->msg_length);
        x->in_len += m->msg_length;
        x->typed = true;
    }
}

/* ---- the process ---- */

/* A terminal whose slave becomes the process's, or a pair of sockets. Its end, or -1; ours is x->io. */
static int open_io(struct run *x)
{
    int pair[2];
    if (!x->sh->order.tty) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair))
            return -1;
        (void)fcntl(pair[0], F_SETFL, O_NONBLOCK);
        x->io = pair[0];
        return pair[1];
    }
    x->io = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (x->io < 0 || grantpt(x->io) || unlockpt(x->io))
        return -1;
    resize(x, x->sh->order.rows, x->sh->order.columns);
    return ioctl(x->io, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static int enter_with(struct run *x, const char *command)
{
    const struct shell_order *o = &x->sh->order;
    int theirs = open_io(x);
    if (theirs < 0)
        return err_errno(&x->sh->failed, errno, "cannot open a terminal");
    const struct enter_order order = {.data = x->sh->home->config.data,
                                      .attempt = o->attempt,
                                      .command = command,
                                      .term = o->tty ? o->term : "",
                                      .io = theirs,
                                      .turn = &x->sh->home->turn,
                                      .cancel = x->sh->home->stop};
    x->ctl = enter_open(&order, &x->sh->failed);
    close(theirs);
    return x->ctl < 0 ? -1 : 0;
}

/* With sshd, what it needs goes before the client's bytes. */
static int enter(struct run *x)
{
    const struct shell_order *o = &x->sh->order;
    if (!o->ssh[0])
        return enter_with(x, o->command);
    struct buf command, first;
    buf_init(&command, ENTER_COMMAND_MAX);
    buf_init(&first, IN_MAX);
    int rc = shell_ssh_order(o->ssh, &command, &first, &x->sh->failed);
    if (rc == 0) {
        memcpy(x->in, first.data, first.len);
        x->in_len = first.len;
        rc = enter_with(x, buf_str(&command));
    }
    buf_fini(&command);
    buf_fini(&first);
    return rc;
}

static void read_process(struct run *x)
{
    char chunk[CHUNK];
    ssize_t n = read(x->io, chunk, sizeof chunk);
    if (n > 0)
        say(x, WSLAY_BINARY_FRAME, chunk, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        x->out_ended = true;
    else if (errno == EAGAIN && x->ended)
        x->out_ended = true; /* what its children still hold open is not waited for */
}

static void write_process(struct run *x)
{
    ssize_t n = x->in_len ? write(x->io, x->in, x->in_len) : 0;
    if (n < 0 && errno != EAGAIN && errno != EINTR)
        n = (ssize_t)x->in_len; /* it does not read any more: as with a pipe of a shell, nobody is told */
    if (n > 0) {
        x->in_len -= (size_t)n;
        memmove(x->in, x->in + n, x->in_len);
    }
    if (x->in_ends && !x->in_len && !x->sh->order.tty)
        (void)shutdown(x->io, SHUT_WR);
}

static void hear_warden(struct run *x)
{
    enum enter_news news = enter_read(x->ctl, &x->status, &x->sh->failed);
    if (news == ENTER_ENDED)
        x->ended = true;
    else if (news == ENTER_LOST)
        err_set(&x->sh->failed, ERR_CONFLICT_JOB, "The process in the task was lost.");
    if (news == ENTER_LOST || news == ENTER_FAILED)
        fail(x, WSLAY_CODE_INTERNAL_SERVER_ERROR);
}

/* ---- the loop ---- */

static void tell_end(struct run *x)
{
    struct buf text;
    buf_init(&text, 256);
    shell_frame_write_exit(&text, x->status);
    say(x, WSLAY_TEXT_FRAME, text.data, text.len);
    buf_fini(&text);
    say_close(x, WSLAY_CODE_NORMAL_CLOSURE);
}

/* Whoever has lost the right to begin a shell may not keep one. */
static void ask_login(struct run *x, int64_t now)
{
    const struct shells_config *c = &x->sh->home->config;
    x->asked = now;
    if (!c->stands || c->stands(c->ctx, &x->sh->who)) {
        /* A page that is only left open answers pings, too: that is no use. */
        if (x->typed && c->used && x->sh->who.kind == IDENTITY_SESSION && now - x->used >= USED_MS) {
            x->typed = false;
            x->used = now;
            c->used(c->used_ctx, &x->sh->who);
        }
        return;
    }
    err_set(&x->sh->failed, ERR_UNAUTHORIZED, "The login that it began with does not hold any more.");
    say_end(x, WSLAY_CODE_POLICY_VIOLATION);
}

static int keep_time(struct run *x)
{
    int64_t now = clock_read().mono;
    if (now - x->asked >= SHELL_ASK_MS && !x->close_queued)
        ask_login(x, now);
    if (x->close_queued)
        return x->linger > now ? (int)(x->linger - now) : 0;
    if (!listens(x))
        x->heard = now; /* it cannot be heard */
    if (now - x->heard > SILENCE_MS && !wslay_event_want_write(x->ws)) {
        err_set(&x->sh->failed, ERR_TIMEOUT, "The client was not heard of for %d s.", SILENCE_MS / 1000);
        x->broken = true;
    }
    if (now - x->pinged >= PING_MS) {
        x->pinged = now;
        if (!wslay_event_want_write(x->ws)) /* else it has enough to hear */
            say(x, WSLAY_PING, NULL, 0);
    }
    int64_t ping = x->pinged + PING_MS - now, ask = x->asked + SHELL_ASK_MS - now;
    return (int)(ping < ask ? ping : ask);
}

/* What is worth waiting for. */
static void choose(const struct run *x, struct pollfd p[SOURCES])
{
    const bool in = listens(x);
    const bool out = !x->out_ended && !x->closing && wslay_event_get_queued_msg_length(x->ws) < OUT_MAX;
    p[CLIENT] = (struct pollfd){.fd = x->sh->socket.fd};
    p[CLIENT].events =
        (short)((in && wslay_event_want_read(x->ws) ? POLLIN : 0) | (wslay_event_want_write(x->ws) ? POLLOUT : 0));
    p[PROCESS] = (struct pollfd){.fd = x->io};
    p[PROCESS].events = (short)((out ? POLLIN : 0) | (x->in_len && !x->closing ? POLLOUT : 0));
    if (!p[PROCESS].events)
        p[PROCESS].fd = -1; /* its end would be told again and again */
    p[WARDEN] = (struct pollfd){.fd = x->ended || x->closing ? -1 : x->ctl, .events = POLLIN};
    p[STOP] = (struct pollfd){.fd = x->close_queued ? -1 : x->sh->home->stop, .events = POLLIN};
}

/* What came of whom. */
static void hear(struct run *x, const struct pollfd p[SOURCES])
{
    if (p[WARDEN].revents)
        hear_warden(x);
    if (p[PROCESS].revents & (POLLIN | POLLHUP | POLLERR) || (x->ended && p[PROCESS].events & POLLIN))
        read_process(x);
    if (p[CLIENT].revents & POLLIN && wslay_event_recv(x->ws))
        x->broken = true;
    if (!x->closing)
        write_process(x);
    if (p[STOP].revents)
        say_end(x, WSLAY_CODE_GOING_AWAY);
    if (x->ended && x->out_ended && !x->closing)
        tell_end(x);
}

static void answer(struct run *x, const struct pollfd *client)
{
    if (wslay_event_want_write(x->ws) && wslay_event_send(x->ws))
        x->broken = true;
    close_in_turn(x);
    if (client->revents & (POLLHUP | POLLERR))
        x->broken = true;
    if (wslay_event_get_close_received(x->ws))
        say_close(x, WSLAY_CODE_NORMAL_CLOSURE);
}

static void serve(struct run *x)
{
    struct pollfd p[SOURCES];
    if (x->sh->early_len && wslay_event_recv(x->ws))
        return;
    while (!x->broken && (wslay_event_want_read(x->ws) || wslay_event_want_write(x->ws))) {
        int wait_ms = keep_time(x);
        choose(x, p);
        if (x->close_queued && wait_ms <= 0)
            return;
        if (poll(p, SOURCES, wait_ms) < 0)
            continue;
        hear(x, p);
        answer(x, &p[CLIENT]);
    }
}

void shell_run(struct shell *sh)
{
    static const struct wslay_event_callbacks callbacks = {
        .recv_callback = on_recv, .send_callback = on_send, .on_msg_recv_callback = on_message};
    struct run x = {.sh = sh,
                    .io = -1,
                    .ctl = -1,
                    .heard = clock_read().mono,
                    .pinged = clock_read().mono,
                    .asked = clock_read().mono};
    x.in = malloc(IN_MAX + MESSAGE_MAX);
    if (x.in && wslay_event_context_server_init(&x.ws, &callbacks, &x) == 0) {
        wslay_event_config_set_max_recv_msg_length(x.ws, MESSAGE_MAX);
        if (enter(&x))
            fail(&x, WSLAY_CODE_INTERNAL_SERVER_ERROR);
        serve(&x);
        wslay_event_context_free(x.ws);
    } else {
        err_set(&sh->failed, ERR_INTERNAL, "out of memory");
    }
    if (x.ctl >= 0)
        close(x.ctl);
    if (x.io >= 0)
        close(x.io);
    free(x.in);
}
