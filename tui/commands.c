/* SPDX-License-Identifier: MIT
 *
 * The command table.
 */
#include <string.h>

#include "base/arena.h"
#include "tui/command.h"
#include "tui/completion.h"
#include "tui/help.h"
#include "tui/verbs/verbs.h"

#define GROUP_JOBS "Jobs"
#define GROUP_CLUSTER "Cluster"
#define GROUP_ACCESS "Access"
#define GROUP_HELP "Help"

#define STATES "waiting running stopping succeeded failed stopped"

static const struct command_option global_options[] = {
    {'o', "output", "FORMAT", "table wide json yaml name csv", "How to print."},
    {0, "columns", "LIST", NULL, "Only these columns of a table, in this order, separated by commas."},
    {0, "context", "NAME", NULL, "The context to use, see drover context."},
    {0, "timeout", "SECONDS", NULL, "How long to wait for an answer (30)."},
    {0, "absolute", NULL, NULL, "Times in full instead of relative to now."},
    {0, "color", "WHEN", "always never auto", "Colour."},
    {0, "no-color", NULL, NULL, "The same as --color never."},
    {'h', "help", NULL, NULL, "Help for this command."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option submit_options[] = {
    {0, "name", "NAME", NULL, "Submit under this name instead of the one in the file."},
    {0, "suffix", NULL, NULL, "Add a dash and four random characters to the name."},
    {'p', "parameter", "KEY=VALUE", NULL, "Set a parameter of the job; may be repeated."},
    {0, "wait", NULL, NULL, "Wait for the job's end; exit 8 unless it succeeds."},
    {'f', "follow", NULL, NULL, "Print the log while it runs; implies --wait."},
    {0, "propagate-exit-code", NULL, NULL, "Exit with the failed task's own code instead of 8."},
    {0, "wait-timeout", "SECONDS", NULL, "Stop waiting after this long, with exit 7; the job goes on."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option jobs_options[] = {
    {'u', "user", "NAMES", NULL, "Jobs of these users, separated by commas."},
    {'a', "all", NULL, NULL, "Jobs of everybody, not only your own."},
    {0, "vc", "NAMES", NULL, "Jobs of these virtual clusters."},
    {'s', "state", "STATES", NULL, "Jobs in these states: " STATES "."},
    {'k', "keyword", "TEXT", NULL, "Jobs with this in the name, user or virtual cluster."},
    {0, "sort", "FIELD", "name submitted user vc retries tasks gpus state completed priority", "Order; newest first."},
    {'r', "reverse", NULL, NULL, "The other way round."},
    {'n', "limit", "N", NULL, "At most so many (50)."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option logs_options[] = {
    {'f', "follow", NULL, NULL, "Go on printing until the task ends; exit 8 if the job failed."},
    {0, "role", "ROLE", NULL, "Only tasks of this role."},
    {0, "index", "N", NULL, "Only the task of this index."},
    {0, "attempt", "N", NULL, "This attempt of the job (the last)."},
    {0, "task-attempt", "N", NULL, "This attempt of the task (the last)."},
    {0, "stream", "WHICH", "all stdout stderr", "Which stream."},
    {0, "tail", NULL, NULL, "Only the last 16 KiB."},
    {0, "raw", NULL, NULL, "Every byte as it is, on a terminal too."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option wait_options[] = {
    {0, "propagate-exit-code", NULL, NULL, "Exit with the failed task's own code instead of 8."},
    {0, "wait-timeout", "SECONDS", NULL, "Stop waiting after this long, with exit 7."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option events_options[] = {
    {0, "type", "TYPE", "Normal Warning", "Only events of this type."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option login_options[] = {
    {'u', "user", "NAME", NULL, "Your name on the server."},
    {0, "password-file", "FILE", NULL, "Read the password from the first line of a file; - is standard input."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command_option tui_options[] = {
    {0, "demo", NULL, NULL, "Recorded replies instead of a server."},
    {0, "readonly", NULL, NULL, "Nothing that changes anything."},
    {0, "plain", NULL, NULL, "Lines instead of a screen, for screen readers; default where TERM is dumb."},
    {0, "ascii", NULL, NULL, "No character beyond ASCII in the frame."},
    {0, "theme", "NAME", "default light contrast mono", "Colours."},
    {'a', "all", NULL, NULL, "Begin with the jobs of everybody."},
    {0, NULL, NULL, NULL, NULL},
};

static const struct command commands[] = {
    {.name = "submit",
     .group = GROUP_JOBS,
     .args = "FILE",
     .help = "Submit a job.",
     .about = "Prints the job's name, where it runs or why it waits, and the command that follows it. - as FILE is "
              "standard input. Without --name, --suffix and --parameter the file is sent byte by byte.",
     .options = submit_options,
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_FILE,
     .run = submit_run,
     .examples = {"submit examples/hello.yaml", "submit train.yaml --suffix -p epochs=20 --wait",
                  "submit train.yaml --follow --propagate-exit-code"}},
    {.name = "jobs",
     .group = GROUP_JOBS,
     .args = "",
     .help = "List jobs.",
     .options = jobs_options,
     .max_args = 0,
     .run = list_jobs,
     .examples = {"jobs", "jobs --all --state running,waiting", "jobs -o csv --limit 1000"}},
    {.name = "job",
     .group = GROUP_JOBS,
     .args = "NAME",
     .help = "Show one job: its state, why, and its tasks.",
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_JOB,
     .run = one_show,
     .examples = {"job train-7", "job ana~train-7 --absolute", "job train-7 -o json"}},
    {.name = "explain",
     .group = GROUP_JOBS,
     .args = "NAME",
     .help = "Say why a job waits, or how it ended.",
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_JOB,
     .run = one_explain,
     .examples = {"explain train-7", "explain ana~train-7", "explain train-7 --absolute"}},
    {.name = "logs",
     .group = GROUP_JOBS,
     .args = "NAME",
     .help = "Print what a job wrote.",
     .about = "Every byte goes to standard output. On a terminal, control characters are shown as escapes unless --raw "
              "is given. Of several tasks, one log comes after the other, each announced on standard error; with "
              "--follow, they come as they are written, each line begun with its task, unless --role and --index "
              "choose one.",
     .options = logs_options,
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_JOB,
     .run = logs_run,
     .examples = {"logs train-7 -f", "logs train-7 --role worker --index 1 --stream stderr",
                  "logs train-7 > train-7.log"}},
    {.name = "stop",
     .group = GROUP_JOBS,
     .args = "NAME...",
     .help = "Stop jobs.",
     .min_args = 1,
     .max_args = -1,
     .arg = COMMAND_ARG_JOB,
     .run = one_stop,
     .examples = {"stop train-7", "stop train-7 train-8", "stop ana~train-7"}},
    {.name = "wait",
     .group = GROUP_JOBS,
     .args = "NAME",
     .help = "Wait for a job's end.",
     .options = wait_options,
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_JOB,
     .run = one_wait,
     .examples = {"wait train-7", "wait train-7 --wait-timeout 600", "wait train-7 --propagate-exit-code"}},
    {.name = "events",
     .group = GROUP_JOBS,
     .args = "NAME",
     .help = "List what happened to a job, newest first.",
     .options = events_options,
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_JOB,
     .run = list_events,
     .examples = {"events train-7", "events train-7 --type Warning", "events train-7 -o json"}},
    {.name = "config",
     .group = GROUP_JOBS,
     .args = "NAME",
     .help = "Print the job's file as the server keeps it.",
     .about = "Secrets are masked.",
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_JOB,
     .run = one_config,
     .examples = {"config train-7", "config train-7 > again.yaml", "config ana~train-7"}},
    {.name = "nodes",
     .group = GROUP_CLUSTER,
     .args = "",
     .help = "List nodes and what is free on them.",
     .max_args = 0,
     .run = list_nodes,
     .examples = {"nodes", "nodes -o wide", "nodes -o json"}},
    {.name = "tui",
     .group = GROUP_CLUSTER,
     .args = "",
     .help = "The screen: jobs, a job, its log, live.",
     .about = "Press ? for the keys of a view.",
     .options = tui_options,
     .max_args = 0,
     .run = loop_run,
     .examples = {"tui", "tui --demo", "tui --readonly --theme light"}},
    {.name = "login",
     .group = GROUP_ACCESS,
     .args = "URL",
     .help = "Log in and remember the server as a context.",
     .about = "The context's name is the one of --context, else the server's host and port. The password is asked for "
              "when no file is named; it is never an argument.",
     .options = login_options,
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_WORD,
     .run = access_login,
     .examples = {"login http://127.0.0.1:7780 -u ana", "login https://drover.lab -u ana --context lab",
                  "login http://127.0.0.1:7780 -u ana --password-file pw"}},
    {.name = "logout",
     .group = GROUP_ACCESS,
     .args = "",
     .help = "Revoke and forget the token.",
     .max_args = 0,
     .run = access_logout,
     .examples = {"logout", "logout --context lab", "logout --timeout 5"}},
    {.name = "whoami",
     .group = GROUP_ACCESS,
     .args = "",
     .help = "Say who you are to which server.",
     .max_args = 0,
     .run = access_whoami,
     .examples = {"whoami", "whoami -o json", "whoami --context lab"}},
    {.name = "context list",
     .group = GROUP_ACCESS,
     .args = "",
     .help = "List the known servers.",
     .max_args = 0,
     .run = access_contexts,
     .examples = {"context list", "context list -o name", "context list -o csv"}},
    {.name = "context use",
     .group = GROUP_ACCESS,
     .args = "NAME",
     .help = "Make a context the current one.",
     .min_args = 1,
     .max_args = 1,
     .arg = COMMAND_ARG_CONTEXT,
     .run = access_use,
     .examples = {"context use lab", "context use 127.0.0.1:7780", "context use lab --no-color"}},
    {.name = "help",
     .group = GROUP_HELP,
     .args = "[COMMAND]",
     .help = "Help.",
     .max_args = 2,
     .arg = COMMAND_ARG_WORD,
     .run = help_run,
     .examples = {"help", "help submit", "help context use"}},
    {.name = "version",
     .group = GROUP_HELP,
     .args = "",
     .help = "Print the version.",
     .max_args = 0,
     .run = access_version,
     .examples = {"version", "version -o json", "version -o name"}},
    {.name = "completion",
     .group = GROUP_HELP,
     .args = "SHELL",
     .help = "Print the completion of a shell.",
     .min_args = 1,
     .max_args = 2,
     .arg = COMMAND_ARG_WORD,
     .words = "bash zsh fish",
     .run = completion_run,
     .examples = {"completion bash > ~/.local/share/bash-completion/completions/drover",
                  "completion zsh > ~/.zfunc/_drover", "completion fish > ~/.config/fish/completions/drover.fish"}},
    {.name = "man",
     .group = GROUP_HELP,
     .args = "",
     .help = "Print the manual page (mdoc).",
     .max_args = 0,
     .run = help_man,
     .examples = {"man | man -l -", "man > drover.1", "man --help"}},
};

const struct command *commands_all(size_t *count)
{
    *count = sizeof commands / sizeof *commands;
    return commands;
}

const struct command_option *commands_global(void)
{
    return global_options;
}

/* How many words of argv spell `name`: 1, 2, or 0 when they do not. */
static int commands_match(const char *name, int argc, char *const *argv)
{
    size_t len = strcspn(name, " ");

    if (strlen(argv[0]) != len || strncmp(name, argv[0], len))
        return 0;
    if (!name[len])
        return 1;
    return argc > 1 && !strcmp(name + len + 1, argv[1]) ? 2 : 0;
}

const struct command *commands_find(int argc, char *const *argv, int *used)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        *used = commands_match(commands[i].name, argc, argv);
        if (*used)
            return &commands[i];
    }
    return NULL;
}

const char *commands_under(struct arena *a, const char *word)
{
    size_t len = strlen(word);
    const char *all = "";

    for (size_t i = 0; all && i < sizeof commands / sizeof *commands; i++) {
        const char *name = commands[i].name;

        if (len && !strncmp(name, word, len) && name[len] == ' ')
            all = arena_printf(a, "%s%s%s", all, *all ? ", " : "", name);
    }
    return all ? all : "";
}
