/* SPDX-License-Identifier: MIT
 *
 * The terminal: paints a canvas with curses and reads keys. The only file that includes curses. Main thread.
 */
#ifndef DROVER_TUI_SCREEN_H
#define DROVER_TUI_SCREEN_H

#include <stdbool.h>

struct canvas;
struct err;
struct screen;

/* Takes the terminal over. NULL with `e` when it cannot be used. */
struct screen *screen_open(bool colour, struct err *e);
/* Gives it back. NULL ok. */
void screen_close(struct screen *s);
/* Gives it back for a while, for another program; and takes it over again, after which all is to be drawn anew. */
void screen_leave(struct screen *s);
void screen_return(struct screen *s);
/* Its size. */
void screen_size(const struct screen *s, int *rows, int *cols);
/* Chooses colours: "default", "light", "contrast" or "mono". */
void screen_theme(struct screen *s, const char *name);
/* Shows the canvas; writes only cells that changed, or all of them when `whole`. */
void screen_paint(struct screen *s, const struct canvas *c, bool whole);
/* Asks the terminal for the mouse, or gives it back. */
void screen_mouse(struct screen *s, bool on);
/* The row of the last KEYS_CLICK. */
int screen_click(const struct screen *s);
/* The next key that has come (keys.h), KEYS_NONE when there is none. Never waits. */
int screen_key(struct screen *s);

#endif
