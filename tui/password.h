/* SPDX-License-Identifier: MIT
 *
 * Passwords that a verb needs: from a file, standard input or the terminal, never from the command line, where every
 * user of the machine could read them.
 */
#ifndef DROVER_TUI_PASSWORD_H
#define DROVER_TUI_PASSWORD_H

struct buf;
struct cli;
struct err;

#define PASSWORD_MAX 4096 /* the cap of the buffer to read into */

/* Appends the first line of the file that was given to --option ("-": the next line of standard input), or else the
 * answer to `prompt` on the terminal. Whoever called wipes the buffer. 0, or -1 with `e`. Main thread. */
int password_read(struct cli *cli, const char *option, const char *prompt, struct buf *out, struct err *e);

#endif
