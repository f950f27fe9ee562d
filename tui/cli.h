/* SPDX-License-Identifier: MIT
 *
 * What every verb has in hand: options, streams, the context and the connection; and the exit statuses.
 */
#ifndef DROVER_TUI_CLI_H
#define DROVER_TUI_CLI_H

#include <stdbool.h>
#include <stdio.h>

#include "tui/args.h"
#include "tui/cells.h"
#include "tui/context.h"
#include "tui/output.h"
#include "tui/term.h"
#include "tui/transfer.h"

struct arena;
struct cJSON;
struct err;

/* Documented in the manual; scripts rely on them. */
enum cli_exit {
    CLI_OK = 0,
    CLI_FAILED = 1,
    CLI_USAGE = 2,
    CLI_NOT_FOUND = 3,
    CLI_AUTH = 4,
    CLI_CONFLICT = 5, /* or over a quota or limit */
    CLI_UNREACHABLE = 6,
    CLI_TIMEOUT = 7,
    CLI_JOB_FAILED = 8,
    CLI_INTERRUPTED = 130,
};

/* One run of the program. */
struct cli {
    const struct command *command;
    struct args args;
    struct arena *arena; /* freed when the verb returns */
    FILE *out;
    FILE *err;
    struct term term;     /* of `out` */
    struct term err_term; /* of `err` */
    enum output_format format;
    bool absolute; /* times in full */
    struct context context;
    struct endpoint server; /* filled by cli_connect */
};

/* Runs the program: finds the verb, parses, performs. argv ends with NULL. The exit status. Main thread. */
int cli_main(char **argv);
/* The exit status of an error, from one table. */
int cli_exit_of(const struct err *e);
/* Says the error on `err` ("drover: [PLACE:]text") and returns its exit status. `file` may be NULL. */
int cli_fail(struct cli *cli, const char *file, const struct err *e);
/* Says a usage error, with how to get help, and returns CLI_USAGE. */
int cli_usage(struct cli *cli, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Loads the context and fills `server`. 0, or -1 with `e`. */
int cli_connect(struct cli *cli, struct err *e);
/* "user~name" from what was typed; a name alone is one of the own user. NULL with `e` when the own name is unknown. */
const char *cli_full_name(struct cli *cli, const char *typed, struct err *e);
/* A path below the API made of escaped pieces: each %s of the pattern is one of the strings, percent-encoded. NULL when
 * out of memory. In the arena. */
const char *cli_path(struct cli *cli, const char *pattern, ...);
/* GET and parse; NULL with `e`. The caller frees with cJSON_Delete. With -o json or yaml the value is printed and
 * `*printed` is set. */
struct cJSON *cli_get(struct cli *cli, const char *path, bool *printed, struct err *e);
/* Prints a filled table in the chosen format, columns as --columns says. Exit status. */
int cli_table(struct cli *cli, struct output *o);
/* Prints printf output made harmless, on `out` or `err` of the cli. */
void cli_say(struct cli *cli, FILE *f, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
/* A time as the user wants it: relative at `now`, or in full with --absolute. In the arena. */
const char *cli_time(struct cli *cli, int64_t now, int64_t at);
/* The same for a table's cell: in CSV, which is for machines, always in full and in UTC. */
const char *cli_time_cell(struct cli *cli, int64_t now, int64_t at);
/* What the cells of a list are made with: in the cli's arena, with times as above. */
struct cells cli_cells(const struct cli *cli);

#endif
