/* SPDX-License-Identifier: MIT
 *
 * The command table: one row a verb. Help, man page, completion and dispatch all read it and nothing else.
 */
#ifndef DROVER_TUI_COMMAND_H
#define DROVER_TUI_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

struct cli;

/* What an argument names, for completion; command_names.h says how the names of each kind are had. */
enum command_arg {
    COMMAND_ARG_NONE,
    COMMAND_ARG_FILE,
    COMMAND_ARG_WORD,
    COMMAND_ARG_JOB,
    COMMAND_ARG_CONTEXT,
    COMMAND_ARG_NODE,
    COMMAND_ARG_VC,
    COMMAND_ARG_USER,
    COMMAND_ARG_GROUP,
    COMMAND_ARG_STORAGE,
    COMMAND_ARG_TEMPLATE,
    COMMAND_ARG_IMAGE,
    COMMAND_ARG_WEBHOOK,
    COMMAND_ARG_TOKEN,
    COMMAND_ARG_KEY,
    COMMAND_ARG_SILENCE,
    COMMAND_ARG_WINDOW, /* of maintenance */
    COMMAND_ARG_COUNT
};

/* One option. A table of them ends with a row of zeros. */
struct command_option {
    char letter;        /* 'o', or 0 */
    const char *name;   /* "output" */
    const char *arg;    /* "FORMAT"; NULL = a switch */
    const char *values; /* the only legal ones, separated by blanks; NULL = any */
    const char *help;   /* one sentence */
};

/* One verb. Constant. */
struct command {
    const char *name;  /* "submit", "context use" */
    const char *group; /* heading in the help */
    const char *args;  /* "FILE", "NAME...", "" */
    const char *help;  /* one line */
    const char *about; /* a paragraph more for the manual, or NULL */
    const struct command_option *options;
    const char *examples[3]; /* without "drover " */
    int min_args;
    int max_args;                /* -1 = any number */
    enum command_arg arg;        /* of the first argument, and of all where `rest` is 0 */
    enum command_arg rest;       /* of those behind it */
    bool lists;                  /* it prints what there is, and can do so again: --watch */
    bool foreign;                /* another program's verb: its options hide those of every command of the same name */
    bool ends;                   /* the first argument ends the options: what follows is somebody else's */
    const char *words;           /* legal words of COMMAND_ARG_WORD, separated by blanks, or NULL */
    int (*run)(struct cli *cli); /* returns the exit status */
};

/* The i-th row of the table, which is grouped; NULL behind the last. */
const struct command *commands_at(size_t i);
/* Options that every verb takes. */
const struct command_option *commands_global(void);
/* The row that argv names (one or two words; `*used` gets how many), or NULL. */
const struct command *commands_find(int argc, char *const *argv, int *used);
/* The verbs of two words that begin with `word`, "context list, context use", in the arena; "" when there are none. */
struct arena;
const char *commands_under(struct arena *a, const char *word);

#endif
