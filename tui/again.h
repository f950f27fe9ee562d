/* SPDX-License-Identifier: MIT
 *
 * --watch: a verb that lists, again and again.
 */
#ifndef DROVER_TUI_AGAIN_H
#define DROVER_TUI_AGAIN_H

#include <stddef.h>
#include <stdio.h>

struct cli;

/* Runs the command until Ctrl-C, or until it fails for another reason than a server that is away or slow, and prints
 * what changed: on a terminal all of it anew, elsewhere the lines that were not there before (of JSON and YAML, the
 * whole). The exit status. Main thread. */
int again_run(struct cli *cli);
/* Prints the lines of `now` that are not among those of `before`. Both end with a newline, or are empty. */
void again_print_new(const char *before, const char *now, FILE *f);

#endif
