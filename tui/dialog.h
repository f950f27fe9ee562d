/* SPDX-License-Identifier: MIT
 *
 * A question before something is done that cannot be undone. The focus is on Cancel; for more than one thing the number
 * has to be typed.
 */
#ifndef DROVER_TUI_DIALOG_H
#define DROVER_TUI_DIALOG_H

#include <stdbool.h>
#include <stddef.h>

struct canvas;

enum dialog_end { DIALOG_GOES_ON, DIALOG_YES, DIALOG_NO };

/* The dialog. Embedded; closed while `open` is false. */
struct dialog {
    bool open;
    bool on_yes; /* the focus */
    char text[4096];
    char verb[16]; /* "Stop" */
    size_t count;  /* more than 1: to be typed */
    char typed[16];
};

/* Opens it. `text` may hold line feeds. */
void dialog_ask(struct dialog *d, const char *text, const char *verb, size_t count);
/* Takes a key; it is closed when the answer is not DIALOG_GOES_ON. */
enum dialog_end dialog_key(struct dialog *d, int key);
/* Draws it in the middle; of a text that does not fit it says how many lines are missing. */
void dialog_draw(const struct dialog *d, struct canvas *c);

#endif
