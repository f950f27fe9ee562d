/* SPDX-License-Identifier: MIT
 *
 * What the terminal (or the pipe) can show, and asking it for a password.
 */
#ifndef DROVER_TUI_TERM_H
#define DROVER_TUI_TERM_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

/* Abilities of one output stream. Plain data. */
struct term {
    bool tty;
    bool colour; /* flag > NO_COLOR > CLICOLOR_FORCE > CLICOLOR > isatty */
    bool many;   /* 256 colours */
    bool utf8;   /* the locale's character set */
    int width;   /* columns; 0 = no limit (not a terminal) */
};

/* Environment look-up, so that a test brings its own. */
typedef const char *term_env(const char *name);

/* Whether to colour. `flag` is "always", "never", "auto" or NULL. NO_COLOR counts only when it is not empty. */
bool term_wants_colour(const char *flag, term_env *env, bool tty);
/* Looks at descriptor `fd`, the environment and the locale. Main thread. */
void term_probe(struct term *t, int fd, const char *colour_flag);
/* Asks on the controlling terminal without echo; appends the answer without its newline. -1 when there is no terminal
 * (`e` says what to use instead). Main thread. */
int term_ask_password(const char *prompt, struct buf *out, struct err *e);

#endif
