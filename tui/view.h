/* SPDX-License-Identifier: MIT
 *
 * What a view of the TUI is: it draws on the canvas, reacts to keys and to answers, and says with bits what the app has
 * to do. It never waits and never touches a terminal.
 */
#ifndef DROVER_TUI_VIEW_H
#define DROVER_TUI_VIEW_H

#include <stdbool.h>
#include <stddef.h>

#include "tui/keys.h"

struct app;
struct canvas;
struct source_result;
struct view;

/* Reactions. */
enum {
    VIEW_IGNORED = 0,
    VIEW_HANDLED = 1 << 0, /* nobody else needs to see it */
    VIEW_DRAW = 1 << 1,    /* something on the screen changed */
    VIEW_FETCH = 1 << 2,   /* ask for its data again */
    VIEW_BACK = 1 << 3,    /* leave this view */
};

/* Rows of the canvas that a view may draw on. */
struct view_area {
    int top;
    int rows;
};

/* A kind of view. Constant. */
struct view_ops {
    const char *name; /* crumb and command: "jobs" */
    struct keys keys;
    /* A view for `arg` ("ana~x" for a job, NULL for a list). NULL when out of memory. */
    struct view *(*create)(struct app *app, const char *arg);
    void (*destroy)(struct view *v);
    /* Asks for its data. */
    void (*fetch)(struct view *v);
    /* An action of its key table. */
    unsigned (*act)(struct view *v, int action);
    /* An answer that may be its own (by id). */
    unsigned (*result)(struct view *v, const struct source_result *r);
    void (*draw)(struct view *v, struct canvas *c, struct view_area area);
    /* The text behind the crumb ("‹vc:vision› [37/1,204]") into `out`. */
    void (*crumb)(const struct view *v, char *out, size_t size);
    /* A filter or search was typed; NULL when the view has none. Returns reactions. */
    unsigned (*filter)(struct view *v, const char *text);
    /* The filter in force, "" when none; NULL as above. */
    const char *(*filter_text)(const struct view *v);
    /* A text that it asked for with app_ask; not called when the question was left. May be NULL. */
    unsigned (*answered)(struct view *v, const char *text);
    /* A click on a row of its area, counted from the top; `again` on a second one. May be NULL. */
    unsigned (*click)(struct view *v, int row, bool again);
    /* An answer of a dialog it opened: yes or no. May be NULL. */
    unsigned (*confirmed)(struct view *v, bool yes);
    /* The app's inputs were filled in (app_inputs): asks the server, and ends them by inputs_close or inputs_refuse.
     * May be NULL. */
    unsigned (*submitted)(struct view *v);
    /* Its data come without an event: they are asked for so often while it is on top; 0 = as the rest. */
    int refresh_ms;
    /* `:sort FIELD`; false when it has no such field. May be NULL. */
    bool (*sort)(struct view *v, const char *field);
};

/* First member of every view. */
struct view {
    const struct view_ops *ops;
    struct app *app;
};

#endif
