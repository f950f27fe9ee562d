/* SPDX-License-Identifier: MIT
 *
 * `drover tui`: the loop between terminal, source and app. At most ten frames a second; nothing is drawn while nothing
 * changes.
 */
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "tui/app.h"
#include "tui/cli.h"
#include "tui/demo.h"
#include "tui/fetch.h"
#include "tui/plain.h"
#include "tui/screen.h"
#include "tui/verbs/away.h"
#include "tui/verbs/verbs.h"

#define LOOP_FRAME_MS 100
#define LOOP_AGAIN_MS 500 /* two clicks within it open a row */

/* What the loop remembers between rounds. */
struct loop {
    struct app app;
    struct screen *screen;
    struct cli *cli;
    int64_t shift;   /* of the wall clock, for a recording */
    int64_t painted; /* mono ms of the last frame */
    int64_t clicked; /* mono ms of the last click */
    int click;       /* its row */
    bool mouse;      /* what the terminal was told */
    char theme[16];
};

static struct clock_now loop_now(const struct loop *l)
{
    struct clock_now now = clock_read();

    now.wall += l->shift;
    return now;
}

static void loop_resize(struct loop *l)
{
    int rows = 0;
    int cols = 0;

    screen_size(l->screen, &rows, &cols);
    app_resize(&l->app, rows, cols);
}

static void loop_click(struct loop *l)
{
    int row = screen_click(l->screen);
    int64_t now = loop_now(l).mono;
    bool again = row == l->click && now - l->clicked < LOOP_AGAIN_MS;

    l->click = row;
    l->clicked = again ? 0 : now;
    app_click(&l->app, row, again);
}

static void loop_keys(struct loop *l)
{
    int key;

    while ((key = screen_key(l->screen)) != KEYS_NONE && !l->app.quit) {
        if (key == KEYS_RESIZE)
            loop_resize(l);
        else if (key == KEYS_CLICK)
            loop_click(l);
        else
            app_key(&l->app, key);
    }
}

static void loop_paint(struct loop *l)
{
    if (strcmp(l->theme, l->app.theme)) {
        memcpy(l->theme, l->app.theme, sizeof l->theme);
        screen_theme(l->screen, l->theme);
    }
    if (l->mouse != l->app.mouse)
        screen_mouse(l->screen, l->mouse = l->app.mouse);
    app_draw(&l->app);
    screen_paint(l->screen, &l->app.canvas, l->app.redraw);
    l->app.redraw = false;
    l->painted = l->app.now.mono;
}

/* A shell has the terminal until it ends. What came meanwhile is taken in before it is judged how old it is, and the
 * window may have another size by now. */
static void loop_shell(struct loop *l)
{
    screen_leave(l->screen);
    away_shell(l->cli, &l->app.shell);
    l->app.shell.wanted = false;
    screen_return(l->screen);
    l->app.now = loop_now(l);
    app_take(&l->app);
    loop_resize(l);
}

static void loop_round(struct loop *l)
{
    struct pollfd fds[2] = {{.fd = STDIN_FILENO, .events = POLLIN},
                            {.fd = source_fd(l->app.config.source), .events = POLLIN}};
    int wait = app_wait(&l->app);

    if (l->app.dirty) {
        int64_t rest = l->painted + LOOP_FRAME_MS - loop_now(l).mono;

        wait = rest > 0 ? (int)rest : 0;
    }
    (void)poll(fds, 2, wait);
    if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
        l->app.quit = true;
    app_tick(&l->app, loop_now(l));
    app_take(&l->app);
    loop_keys(l);
    if (l->app.shell.wanted)
        loop_shell(l);
    if (l->app.dirty && loop_now(l).mono - l->painted >= LOOP_FRAME_MS)
        loop_paint(l);
}

static int loop_screen(struct cli *cli, struct app_config *config, int64_t shift)
{
    struct loop l = {.cli = cli, .shift = shift, .painted = -LOOP_FRAME_MS};
    const char *theme = args_get(&cli->args, "theme");
    struct err e = {0};

    config->now = loop_now(&l);
    l.screen = screen_open(cli->term.colour, &e);
    if (!l.screen)
        return cli_fail(cli, NULL, &e);
    if (!app_init(&l.app, config, &e)) {
        snprintf(l.app.theme, sizeof l.app.theme, "%s", theme ? theme : "default");
        loop_resize(&l);
        while (!l.app.quit)
            loop_round(&l);
        app_fini(&l.app);
    }
    screen_close(l.screen);
    return e.code ? cli_fail(cli, NULL, &e) : CLI_OK;
}

/* Whether lines are better than a screen here. */
static bool loop_wants_plain(struct cli *cli)
{
    const char *term = getenv("TERM");

    return args_has(&cli->args, "plain") || !term || !*term || !strcmp(term, "dumb");
}

int loop_run(struct cli *cli)
{
    struct app_config config = {.readonly = args_has(&cli->args, "readonly"),
                                .ascii = args_has(&cli->args, "ascii") || !cli->term.utf8,
                                .no_mouse = args_has(&cli->args, "no-mouse"),
                                .recorded = args_has(&cli->args, "demo"),
                                .begin = args_get(&cli->args, "view"),
                                .by_role = !args_has(&cli->args, "all") && !args_get(&cli->args, "view"),
                                .all = args_has(&cli->args, "all") || args_has(&cli->args, "demo")};
    bool plain = loop_wants_plain(cli);
    int64_t shift = 0;
    struct err e = {0};
    int status;

    if (!plain && (!cli->term.tty || !isatty(STDIN_FILENO)))
        return cli_usage(cli, "The screen needs a terminal; lines do with --plain.");
    if (config.recorded) {
        config.source = demo_create(NULL, 0, &e);
        config.context = "demo";
        config.user = "ana";
        shift = config.source ? demo_now(config.source) - clock_read().wall : 0;
    } else if (!cli_connect(cli, &e)) {
        config.source = fetch_create(&cli->server, &e);
        config.context = cli->context.name;
        config.user = cli->context.user;
    }
    if (!config.source)
        return cli_fail(cli, NULL, &e);
    config.now.wall = clock_read().wall + shift;
    status = plain ? plain_run(cli, &config) : loop_screen(cli, &config, shift);
    source_destroy(config.source);
    return status;
}
