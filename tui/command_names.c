/* SPDX-License-Identifier: MIT
 *
 * Names for completion: the listing verb is run with -o name into memory. A shell waits for it at a key, so it has
 * little time and says nothing when it fails.
 */
#include "tui/command_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "tui/cli.h"

#define NAMES_TIMEOUT "3"
#define NAMES_SAFE "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._~:@/+-"

/* The listing of each kind. */
static const struct {
    const char *word;
    const char *verb[3]; /* the words of its row */
    const char *limit;   /* --limit, where the verb has it */
} names[COMMAND_ARG_COUNT] = {
    [COMMAND_ARG_JOB] = {"jobs", {"jobs"}, "200"},
    [COMMAND_ARG_CONTEXT] = {"contexts", {"context", "list"}, NULL},
    [COMMAND_ARG_NODE] = {"nodes", {"nodes"}, NULL},
    [COMMAND_ARG_VC] = {"vcs", {"vcs"}, NULL},
    [COMMAND_ARG_USER] = {"users", {"users"}, NULL},
    [COMMAND_ARG_GROUP] = {"groups", {"groups"}, NULL},
    [COMMAND_ARG_STORAGE] = {"storages", {"storages"}, NULL},
    [COMMAND_ARG_TEMPLATE] = {"templates", {"templates"}, NULL},
    [COMMAND_ARG_IMAGE] = {"images", {"image", "list"}, NULL},
    [COMMAND_ARG_WEBHOOK] = {"webhooks", {"webhooks"}, NULL},
    [COMMAND_ARG_TOKEN] = {"tokens", {"tokens"}, NULL},
    [COMMAND_ARG_KEY] = {"ssh-keys", {"ssh-keys"}, NULL},
    [COMMAND_ARG_SILENCE] = {"silences", {"silence", "list"}, NULL},
    [COMMAND_ARG_WINDOW] = {"windows", {"maintenance", "list"}, NULL},
};

const char *command_names_word(enum command_arg kind)
{
    return kind < COMMAND_ARG_COUNT ? names[kind].word : NULL;
}

enum command_arg command_names_of_option(const char *option)
{
    static const struct {
        const char *option;
        enum command_arg kind;
    } options[] = {
        {"context", COMMAND_ARG_CONTEXT},
        {"vc", COMMAND_ARG_VC},
        {"vcs", COMMAND_ARG_VC},
        {"manages", COMMAND_ARG_VC},
        {"parent", COMMAND_ARG_VC},
        {"partition", COMMAND_ARG_VC},
        {"user", COMMAND_ARG_USER},
        {"node", COMMAND_ARG_NODE},
        {"pin", COMMAND_ARG_NODE},
        {"group", COMMAND_ARG_GROUP},
        {"groups", COMMAND_ARG_GROUP},
        {"storages", COMMAND_ARG_STORAGE},
        {"idle-file", COMMAND_ARG_FILE},
        {"result", COMMAND_ARG_FILE},
        {"sheet", COMMAND_ARG_FILE},
        {"code", COMMAND_ARG_FILE},
        {"password-file", COMMAND_ARG_FILE},
    };

    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        if (!strcmp(options[i].option, option))
            return options[i].kind;
    return COMMAND_ARG_NONE;
}

/* Runs the row's verb as `drover VERB -o name` into `out`. The exit status. */
static int names_run(struct cli *cli, enum command_arg kind, FILE *out, FILE *none)
{
    char *argv[] = {(char *)names[kind].verb[0], (char *)names[kind].verb[1], NULL};
    char *given[] = {
        "drover", "--timeout", NAMES_TIMEOUT, names[kind].limit ? "--limit" : NULL, (char *)names[kind].limit, NULL};
    struct cli inner = *cli;
    struct err e = {0};
    int used = 0;

    inner.command = commands_find(argv[1] ? 2 : 1, argv, &used);
    if (!inner.command)
        return CLI_FAILED;
    /* What was said of the server before the verb (--context) holds. */
    if (args_parse(&inner.args, inner.command->options, given, false, &e))
        return CLI_FAILED;
    inner.format = OUTPUT_NAME;
    inner.out = out;
    inner.err = none;
    return inner.command->run(&inner);
}

int command_names_print(struct cli *cli, const char *word)
{
    enum command_arg kind = COMMAND_ARG_NONE;
    char *text = NULL, *line, *rest;
    size_t len = 0;
    FILE *out, *none;

    for (size_t i = 0; i < COMMAND_ARG_COUNT; i++)
        if (names[i].word && !strcmp(names[i].word, word))
            kind = (enum command_arg)i;
    if (kind == COMMAND_ARG_NONE)
        return cli_usage(cli, "There are no names \"%s\".", word);
    out = open_memstream(&text, &len);
    none = fopen("/dev/null", "we");
    if (out && none)
        (void)names_run(cli, kind, out, none);
    if (none)
        (void)fclose(none);
    if (out)
        (void)fclose(out);
    for (line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest))
        if (strspn(line, NAMES_SAFE) == strlen(line) && *line != '-')
            (void)fprintf(cli->out, "%s\n", line);
    free(text);
    return CLI_OK;
}
