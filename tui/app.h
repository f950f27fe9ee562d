/* SPDX-License-Identifier: MIT
 *
 * The TUI without a terminal: a stack of views over a canvas, fed with keys, answers and the time. The loop around it
 * (verbs/screen.c) brings those; a test brings its own.
 */
#ifndef DROVER_TUI_APP_H
#define DROVER_TUI_APP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "tui/canvas.h"
#include "tui/dialog.h"
#include "tui/head.h"
#include "tui/inputs.h"
#include "tui/live.h"
#include "tui/prompt.h"
#include "tui/view.h"

struct source_request;

#define APP_DEPTH 8
#define APP_MIN_COLS 60
#define APP_MIN_ROWS 16

/* What to begin with. Strings are borrowed for the app's life. */
struct app_config {
    struct source *source; /* stays the caller's; outlives the app */
    const char *context;
    const char *user; /* "" = not known */
    bool readonly;
    bool ascii;
    bool recorded; /* the source is a recording */
    bool no_mouse;
    bool all;          /* begin with everybody's jobs */
    bool by_role;      /* admins begin with the overview */
    const char *begin; /* the word of a view to begin with, NULL = the jobs */
    struct clock_now now;
};

/* A shell that is to be opened, which takes the terminal away from the app for a while. */
struct app_shell {
    bool wanted; /* the loop opens it and sets this back */
    char job[512];
    char role[128]; /* "" = the first task */
    int index;
};

/* The app. Views read it; only app.c writes it but for app_say. */
struct app {
    struct app_config config;
    struct canvas canvas;
    struct clock_now now;
    struct head head;
    struct live live;
    struct prompt prompt;
    struct dialog dialog;
    struct inputs inputs;
    struct app_shell shell;
    struct view *stack[APP_DEPTH];
    size_t depth;
    char message[512];
    enum word_colour message_colour;
    int64_t message_until;
    int64_t refreshed;    /* mono ms when the top view was asked for last */
    bool undecided;       /* it is not known yet whether to begin with the overview */
    int64_t drawn_minute; /* relative times were drawn in this minute */
    int64_t drawn_age;    /* seconds of age on the screen */
    char theme[16];       /* name; the loop gives it to the terminal */
    bool dirty;           /* the canvas is behind */
    bool mouse;           /* wanted of the terminal */
    bool redraw;          /* the whole terminal is to be drawn again */
    bool quit;
};

/* Begins with the job list. 0 or -1. */
int app_init(struct app *a, const struct app_config *config, struct err *e);
/* Frees everything but the source. */
void app_fini(struct app *a);
/* The size of the screen. */
void app_resize(struct app *a, int rows, int cols);
/* A press of the mouse's button on a row. */
void app_click(struct app *a, int row, bool again);
/* One key. */
void app_key(struct app *a, int key);
/* Takes in all answers that have come. */
void app_take(struct app *a);
/* The time is `now`: asks for fresh data where it is due. */
void app_tick(struct app *a, struct clock_now now);
/* Draws the canvas; clears `dirty`. */
void app_draw(struct app *a);
/* Milliseconds that the loop may sleep when nothing comes. */
int app_wait(const struct app *a);

/* For views: asks (the number of the question), opens a view on top, says a sentence in the last line for some seconds,
 * asks for a text (view_ops.answered gets it), asks before `count` things are done (view_ops.confirmed), opens the
 * inputs that the view has begun (view_ops.submitted). */
uint64_t app_get(struct app *a, const char *path);
/* For views: source_ask; says so where that fails (0). */
uint64_t app_send(struct app *a, const struct source_request *r);
void app_push(struct app *a, const struct view_ops *ops, const char *arg);
void app_say(struct app *a, enum word_colour colour, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void app_ask(struct app *a, const char *label, const char *text);
void app_confirm(struct app *a, const char *text, const char *verb, size_t count);
void app_inputs(struct app *a);
/* For views: wants a shell in a task of the job; `role` "" is the first one. */
void app_open_shell(struct app *a, const char *job, const char *role, int index);

#endif
