/* SPDX-License-Identifier: MIT
 *
 * The generic option parser: a command's option table over getopt_long. Main thread (getopt keeps state).
 */
#ifndef DROVER_TUI_ARGS_H
#define DROVER_TUI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/command.h"

#define ARGS_MAX 64 /* options given on one command line */

struct err;

/* A parsed command line. Everything is borrowed from argv and the tables. */
struct args {
    struct {
        const struct command_option *option;
        const char *value; /* NULL for a switch */
    } given[ARGS_MAX];
    size_t count;
    char **rest; /* positional arguments */
    int rest_count;
};

/* Parses argv[1..] (argv[0] is skipped, argv ends with NULL) by the tables `own` (may be NULL) and the global one,
 * adding to `out`; an own option hides the global one of its name or letter. With `stop_early` the first positional
 * argument ends it, else options may stand anywhere; `--` ends options. -1 with a sentence in `e`. Reorders argv. */
int args_parse(struct args *out, const struct command_option *own, char **argv, bool stop_early, struct err *e);
/* The last value given to --name, or NULL. */
const char *args_get(const struct args *a, const char *name);
/* Whether --name was given. */
bool args_has(const struct args *a, const char *name);
/* The values of a repeated option, one a call; start with *pos = 0. NULL at the end. */
const char *args_each(const struct args *a, const char *name, size_t *pos);
/* Puts the integer given to --name into *value, which keeps its content when it was not given. -1 when it is no number
 * from range[0] to range[1]. */
int args_int(const struct args *a, const char *name, int64_t range[2], int64_t *value, struct err *e);

#endif
