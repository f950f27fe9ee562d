/* SPDX-License-Identifier: MIT
 *
 * shell, exec and ssh-proxy: standard input and output, and a WebSocket to the server. A terminal is set raw as long as
 * it lasts; its size follows ours. What the server tells beside the bytes is one JSON object a frame
 * (server/shell_frame.h). A server that is not heard of any more is given up, whatever the network says of it.
 */
#include "tui/verbs/shell.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/signalfd.h>
#include <sys/timerfd.h>
#include <termios.h>
#include <unistd.h>
#include <wslay/wslay.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/model.h"
#include "tui/verbs/logs.h"
#include "tui/verbs/verbs.h"
#include "tui/websocket.h"

#define SHELL_QUEUE_MAX (256u << 10)
#define SHELL_MESSAGE_MAX (1u << 20)
#define SHELL_CHUNK 32768
#define SHELL_TEXT_MAX 8192
#define SHELL_SILENT_S 15 /* the server pings every 5 s (server/shell_run.c), whatever else it does */

struct shell {
    const struct shell_ask *ask;
    struct websocket ws;
    wslay_event_context_ptr frames;
    bool tty, in_ended, out_broken;
    bool told; /* the exit status came, or why there is none */
    int status;
    struct err failed;
    int signals, clock; /* a signalfd; a timerfd that ticks every second */
    int silent;         /* ticks since the server was heard */
    struct termios before;
};

/* ---- frames ---- */

static ssize_t shell_on_recv(wslay_event_context_ptr frames, uint8_t *out, size_t len, int flags, void *ctx)
{
    struct shell *s = ctx;
    ssize_t n = websocket_recv(&s->ws, out, len);

    (void)flags;
    if (n > 0) {
        s->silent = 0;
        return n;
    }
    wslay_event_set_error(frames, n < 0 && errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static ssize_t shell_on_send(wslay_event_context_ptr frames, const uint8_t *data, size_t len, int flags, void *ctx)
{
    struct shell *s = ctx;
    ssize_t n = websocket_send(&s->ws, data, len);

    (void)flags;
    if (n >= 0)
        return n;
    wslay_event_set_error(frames, errno == EAGAIN ? WSLAY_ERR_WOULDBLOCK : WSLAY_ERR_CALLBACK_FAILURE);
    return -1;
}

static int shell_on_mask(wslay_event_context_ptr frames, uint8_t *out, size_t len, void *ctx)
{
    (void)frames;
    (void)ctx;
    return getrandom(out, len, 0) == (ssize_t)len ? 0 : -1;
}

/* {"exit": N} or {"error": {"code": C, "message": M}}. */
static void shell_hear(struct shell *s, const char *text, size_t len)
{
    cJSON *o = json_parse(text, len, SHELL_TEXT_MAX, NULL);
    const cJSON *end = cJSON_GetObjectItemCaseSensitive(o, "exit");
    const cJSON *error = cJSON_GetObjectItemCaseSensitive(o, "error");

    if (cJSON_IsNumber(end)) {
        s->told = true;
        s->status = end->valueint;
    } else if (cJSON_IsObject(error)) {
        char *again = cJSON_PrintUnformatted(error);

        s->told = true;
        (void)transfer_error(500, again ? again : "", again ? strlen(again) : 0, &s->failed);
        cJSON_free(again);
    }
    cJSON_Delete(o);
}

static void shell_on_message(wslay_event_context_ptr frames, const struct wslay_event_on_msg_recv_arg *m, void *ctx)
{
    struct shell *s = ctx;

    (void)frames;
    if (m->opcode == WSLAY_TEXT_FRAME)
        shell_hear(s, (const char *)m->msg, m->msg_length);
    else if (m->opcode == WSLAY_BINARY_FRAME && !s->out_broken)
        s->out_broken = (s->ask->write ? s->ask->write(s->ask->ctx, m->msg, m->msg_length)
                                       : fs_write_all(STDOUT_FILENO, m->msg, m->msg_length)) != 0;
}

static void shell_say(struct shell *s, enum wslay_opcode opcode, const char *data, size_t len)
{
    const struct wslay_event_msg m = {.opcode = (uint8_t)opcode, .msg = (const uint8_t *)data, .msg_length = len};

    (void)wslay_event_queue_msg(s->frames, &m);
}

/* ---- our side ---- */

static void shell_read_input(struct shell *s)
{
    static const char eof[] = "{\"eof\": true}";
    char chunk[SHELL_CHUNK];
    ssize_t n = read(STDIN_FILENO, chunk, sizeof chunk);

    if (n > 0)
        shell_say(s, WSLAY_BINARY_FRAME, chunk, (size_t)n);
    if (n > 0 || (n < 0 && (errno == EINTR || errno == EAGAIN)))
        return;
    s->in_ended = true;
    if (s->tty)
        shell_say(s, WSLAY_BINARY_FRAME, "\4", 1); /* as a terminal says it */
    else
        shell_say(s, WSLAY_TEXT_FRAME, eof, sizeof eof - 1);
}

static void shell_take_signals(struct shell *s)
{
    struct signalfd_siginfo info;
    struct winsize size;
    struct buf text;

    buf_init(&text, 256);
    while (read(s->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        buf_reset(&text);
        if (info.ssi_signo != SIGWINCH)
            (void)buf_addf(&text, "{\"signal\": \"%s\"}", sigabbrev_np((int)info.ssi_signo));
        else if (s->tty && ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
            (void)buf_addf(&text, "{\"resize\": [%u, %u]}", size.ws_row, size.ws_col);
        if (text.len)
            shell_say(s, WSLAY_TEXT_FRAME, buf_str(&text), text.len);
    }
    buf_fini(&text);
}

/* One however late it is looked at: we may have been stopped meanwhile, or the whole machine, and not the server. */
static void shell_tick(struct shell *s)
{
    uint64_t ticks;

    if (read(s->clock, &ticks, sizeof ticks) == (ssize_t)sizeof ticks)
        s->silent++;
}

/* Reads and writes what can be: what curl or we hold already shows on no descriptor. Whether there is more to come. */
static bool shell_exchange(struct shell *s)
{
    if (wslay_event_recv(s->frames) || wslay_event_send(s->frames) || s->out_broken || s->silent > SHELL_SILENT_S)
        return false;
    return wslay_event_want_read(s->frames) || wslay_event_want_write(s->frames);
}

/* Until the connection ends, one way or the other. */
static void shell_serve(struct shell *s)
{
    while (shell_exchange(s)) {
        const bool room = wslay_event_get_queued_msg_length(s->frames) < SHELL_QUEUE_MAX;
        struct pollfd p[] = {
            {.fd = s->ws.fd, .events = (short)(POLLIN | (wslay_event_want_write(s->frames) ? POLLOUT : 0))},
            {.fd = s->signals, .events = POLLIN},
            {.fd = s->in_ended || !room ? -1 : STDIN_FILENO, .events = POLLIN},
            {.fd = s->clock, .events = POLLIN}};

        if (poll(p, sizeof p / sizeof *p, -1) < 0 && errno != EINTR)
            return;
        if (p[3].revents)
            shell_tick(s);
        if (p[1].revents)
            shell_take_signals(s);
        if (p[2].revents)
            shell_read_input(s);
    }
}

static int shell_begin(struct shell *s)
{
    static const int taken[] = {SIGWINCH, SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    static const struct wslay_event_callbacks callbacks = {.recv_callback = shell_on_recv,
                                                           .send_callback = shell_on_send,
                                                           .genmask_callback = shell_on_mask,
                                                           .on_msg_recv_callback = shell_on_message};
    static const struct itimerspec second = {.it_value.tv_sec = 1, .it_interval.tv_sec = 1};
    struct termios raw;
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
        sigaddset(&set, taken[i]);
    (void)signal(SIGPIPE, SIG_IGN);
    if (sigprocmask(SIG_BLOCK, &set, NULL) || wslay_event_context_client_init(&s->frames, &callbacks, s))
        return -1;
    wslay_event_config_set_max_recv_msg_length(s->frames, SHELL_MESSAGE_MAX);
    s->signals = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    s->clock = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    if (s->signals < 0 || s->clock < 0 || timerfd_settime(s->clock, 0, &second, NULL))
        return -1;
    if (s->tty) {
        raw = s->before;
        cfmakeraw(&raw);
        (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
    }
    return 0;
}

static int shell_end(struct cli *cli, struct shell *s)
{
    const uint16_t code = wslay_event_get_status_code_received(s->frames);
    struct err e = {0};

    if (s->told && !s->failed.code)
        return s->status;
    if (s->out_broken)
        return CLI_FAILED;
    if (s->tty)
        cli_say(cli, cli->err, "\n"); /* it stopped in the middle of a line */
    if (s->told)
        e = s->failed;
    else if (code == WSLAY_CODE_GOING_AWAY)
        (void)err_set(&e, ERR_BUSY, "The server is shutting down; the process in the task has been ended.");
    else if (code == WSLAY_CODE_POLICY_VIOLATION)
        (void)err_set(&e, ERR_UNAUTHORIZED,
                      "Your login does not hold any more; the process in the task has been ended.");
    else if (s->silent > SHELL_SILENT_S)
        (void)err_set(&e, ERR_BUSY,
                      "The server was not heard of for %d s: the connection is lost, and with it the process in the "
                      "task as soon as the server finds out.",
                      SHELL_SILENT_S);
    else
        (void)err_set(&e, ERR_BUSY, "The connection to the server was lost, and with it the process in the task.");
    return cli_fail(cli, NULL, &e);
}

/* The path of the shell with its query; NULL with `e`. */
static const char *shell_path(struct cli *cli, const struct shell *s, struct err *e)
{
    const char *term = getenv("TERM"), *path = NULL;
    struct winsize size = {0};
    struct logs_choice c;
    struct model_detail d;
    const struct model_task *t;
    struct buf b;

    if (logs_choose(cli, &c, e) || cli_connect(cli, e))
        return NULL;
    c.full = cli_full_name(cli, cli->args.rest[0], e);
    t = c.full ? logs_pick(cli, &c, &d, e) : NULL;
    path = t ? logs_attempt_path(cli, &c, &d, t) : NULL;
    if (!path)
        return NULL;
    buf_init(&b, 0);
    (void)buf_addf(&b, "%s/shell?%s=", path, s->ask->ssh ? "ssh" : "command");
    transfer_escape(&b, s->ask->ssh ? s->ask->ssh : s->ask->command);
    if (s->tty) {
        (void)buf_adds(&b, "&tty=true&term=");
        transfer_escape(&b, term ? term : "");
        if (ioctl(STDIN_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col)
            (void)buf_addf(&b, "&rows=%u&columns=%u", size.ws_row, size.ws_col);
    }
    path = b.bad ? NULL : arena_strdup(cli->arena, buf_str(&b));
    buf_fini(&b);
    return path;
}

int shell_run(struct cli *cli, const struct shell_ask *ask)
{
    struct shell *s = arena_calloc(cli->arena, 1, sizeof *s);
    struct err e = {0};
    const char *path;
    int status = CLI_FAILED;

    if (!s)
        return CLI_FAILED;
    s->ask = ask;
    s->tty = ask->tty && tcgetattr(STDIN_FILENO, &s->before) == 0;
    s->signals = s->clock = -1;
    path = shell_path(cli, s, &e);
    if (!path && e.code == ERR_NONE)
        (void)err_set(&e, ERR_INTERNAL, "Out of memory.");
    if (!path || websocket_open(&s->ws, &cli->server, path, &e))
        return cli_fail(cli, NULL, &e);
    if (shell_begin(s) == 0) {
        shell_serve(s);
        if (s->tty)
            (void)tcsetattr(STDIN_FILENO, TCSADRAIN, &s->before);
        status = shell_end(cli, s);
    }
    if (s->signals >= 0)
        (void)close(s->signals);
    if (s->clock >= 0)
        (void)close(s->clock);
    wslay_event_context_free(s->frames);
    websocket_close(&s->ws);
    return status;
}

int shell_run_shell(struct cli *cli)
{
    return shell_run(cli, &(struct shell_ask){.command = "", .tty = true});
}

/* Several words as a line that the shell reads as them. */
int shell_run_exec(struct cli *cli)
{
    const char *line;
    struct buf b;

    buf_init(&b, 65536);
    for (int i = 1; i < cli->args.rest_count; i++) {
        const char *word = cli->args.rest[i];

        if (cli->args.rest_count == 2) {
            (void)buf_adds(&b, word);
            break;
        }
        (void)buf_adds(&b, i > 1 ? " '" : "'");
        for (; *word; word++)
            (void)buf_adds(&b, *word == '\'' ? "'\\''" : (const char[]){*word, '\0'});
        (void)buf_addc(&b, '\'');
    }
    line = b.bad ? NULL : arena_strdup(cli->arena, buf_str(&b));
    buf_fini(&b);
    if (!line)
        return cli_usage(cli, "The command is too long.");
    return shell_run(cli, &(struct shell_ask){.command = line, .tty = args_has(&cli->args, "tty")});
}
