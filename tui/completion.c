/* SPDX-License-Identifier: MIT
 *
 * Completion scripts. The table's words are ours (letters, digits and dashes), so they need no quoting; help texts are
 * quoted for each shell.
 */
#include "tui/completion.h"

#include <stdbool.h>
#include <string.h>

#include "tui/cli.h"
#include "tui/command.h"

#define COMPLETION_JOBS "drover jobs --limit 200 -o name 2>/dev/null"
#define COMPLETION_CONTEXTS "drover context list -o name 2>/dev/null"

/* Second words of a first word ("use list" for "context"), or nothing. */
static void completion_second(FILE *f, const char *first, size_t len)
{
    size_t count;
    const struct command *all = commands_all(&count);

    for (size_t i = 0; i < count; i++) {
        if (!strncmp(all[i].name, first, len) && all[i].name[len] == ' ')
            fprintf(f, "%s ", all[i].name + len + 1);
    }
}

/* Calls `each` once for every different first word. */
static void completion_firsts(FILE *f, void (*each)(FILE *f, const struct command *c, size_t len))
{
    size_t count;
    const struct command *all = commands_all(&count);
    size_t before = 0;

    for (size_t i = 0; i < count; i++) {
        size_t len = strcspn(all[i].name, " ");

        if (i == 0 || len != before || strncmp(all[i].name, all[i - 1].name, len))
            each(f, &all[i], len);
        before = len;
    }
}

static void completion_word(FILE *f, const struct command *c, size_t len)
{
    fprintf(f, "%.*s ", (int)len, c->name);
}

static void completion_options(FILE *f, const struct command_option *options)
{
    for (; options && options->name; options++)
        fprintf(f, "--%s ", options->name);
}

static const char *completion_source(const struct command *c)
{
    if (c->arg == COMMAND_ARG_JOB)
        return "$(" COMPLETION_JOBS ")";
    if (c->arg == COMMAND_ARG_CONTEXT)
        return "$(" COMPLETION_CONTEXTS ")";
    return c->words ? c->words : "";
}

/* What may follow the verb: arguments, and second words where the verb is the first word of others ("users"). */
static void completion_words_after(FILE *f, const struct command *c)
{
    fprintf(f, "%s ", completion_source(c));
    if (!strchr(c->name, ' '))
        completion_second(f, c->name, strlen(c->name));
}

static void completion_bash_command(FILE *f, const struct command *c)
{
    fprintf(f, "    \"%s\")\n        options=\"", c->name);
    completion_options(f, c->options);
    fprintf(f, "\"\n        words=\"");
    completion_words_after(f, c);
    fprintf(f, "\"\n        files=%d\n        ;;\n", c->arg == COMMAND_ARG_FILE);
}

static void completion_bash_group(FILE *f, const struct command *c, size_t len)
{
    if (c->name[len] != ' ')
        return;
    fprintf(f, "    \"%.*s\")\n        words=\"", (int)len, c->name);
    completion_second(f, c->name, len);
    fprintf(f, "\"\n        ;;\n");
}

static void completion_bash(FILE *f)
{
    size_t count;
    const struct command *all = commands_all(&count);

    fprintf(f, "# bash completion of drover; made by `drover completion bash`\n_drover()\n{\n"
               "    local current=\"${COMP_WORDS[COMP_CWORD]}\" command=\"${COMP_WORDS[1]}\" options=\"\" words=\"\" "
               "files=0 both\n"
               "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"");
    completion_firsts(f, completion_word);
    fprintf(f, "\" -- \"$current\"))\n        return\n    fi\n    both=\"$command ${COMP_WORDS[2]}\"\n"
               "    case \" ");
    for (size_t i = 0; i < count; i++) {
        if (strchr(all[i].name, ' '))
            fprintf(f, "|%s", all[i].name);
    }
    fprintf(f, "| \" in\n    *\"|$both|\"*) [ \"$COMP_CWORD\" -gt 2 ] && command=$both ;;\n    esac\n"
               "    case \"$command\" in\n");
    completion_firsts(f, completion_bash_group);
    for (size_t i = 0; i < count; i++)
        completion_bash_command(f, &all[i]);
    fprintf(f, "    esac\n    options=\"$options ");
    completion_options(f, commands_global());
    fprintf(f, "\"\n    case \"$current\" in\n    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")) ;;\n"
               "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
               "        [ \"$files\" = 1 ] && COMPREPLY+=($(compgen -f -- \"$current\")) ;;\n    esac\n}\n"
               "complete -o filenames -F _drover drover\n");
}

/* A single-quoted string of fish and zsh; our texts hold no quote but the apostrophe. */
static void completion_quote(FILE *f, const char *text, bool fish)
{
    fputc('\'', f);
    for (; *text; text++) {
        if (*text == '\'')
            fputs(fish ? "\\'" : "'\\''", f);
        else if (!fish && strchr("[]:", *text))
            fprintf(f, "\\%c", *text);
        else
            fputc(*text, f);
    }
    fputc('\'', f);
}

static void completion_zsh_option(FILE *f, const struct command_option *o)
{
    char text[512];

    snprintf(text, sizeof text, "%s", o->help);
    fprintf(f, "            '--%s%s['", o->name, o->arg ? "=" : "");
    completion_quote(f, text, false);
    fprintf(f, "']%s%s%s%s%s' \\\n", o->arg ? ":" : "", o->arg ? o->arg : "",
            o->values ? ":("
            : o->arg  ? ":"
                      : "",
            o->values ? o->values : "", o->values ? ")" : "");
}

static void completion_zsh(FILE *f)
{
    size_t count;
    const struct command *all = commands_all(&count);

    fprintf(f, "#compdef drover\n# zsh completion; made by `drover completion zsh`\n_drover() {\n"
               "    local command=${words[2]} jobs\n    if (( CURRENT == 2 )); then\n        compadd -- ");
    completion_firsts(f, completion_word);
    fprintf(f, "\n        return\n    fi\n    case \"$command ${words[3]}\" in\n");
    for (size_t i = 0; i < count; i++) {
        if (strchr(all[i].name, ' '))
            fprintf(f, "    (\"%s\") (( CURRENT > 3 )) && command=\"%s\" ;;\n", all[i].name, all[i].name);
    }
    fprintf(f, "    esac\n    case $command in\n");
    for (size_t i = 0; i < count; i++) {
        fprintf(f, "    (\"%s\")\n        _arguments \\\n", all[i].name);
        for (const struct command_option *o = all[i].options; o && o->name; o++)
            completion_zsh_option(f, o);
        for (const struct command_option *o = commands_global(); o->name; o++)
            completion_zsh_option(f, o);
        if (all[i].arg == COMMAND_ARG_FILE) {
            fprintf(f, "            '*:file:_files'\n        ;;\n");
            continue;
        }
        fprintf(f, "            \"*:argument:(");
        completion_words_after(f, &all[i]);
        fprintf(f, ")\"\n        ;;\n");
    }
    fprintf(f, "    (*) compadd -- ${=$(drover completion words \"$command\" 2>/dev/null)} ;;\n    esac\n}\n"
               "_drover \"$@\"\n");
}

static void completion_fish_option(FILE *f, const char *condition, const struct command_option *o)
{
    fprintf(f, "complete -c drover %s -l %s", condition, o->name);
    if (o->letter)
        fprintf(f, " -s %c", o->letter);
    if (o->arg)
        fprintf(f, " -r");
    if (o->values)
        fprintf(f, " -f -a '%s'", o->values);
    fprintf(f, " -d ");
    completion_quote(f, o->help, true);
    fputc('\n', f);
}

static void completion_fish_command(FILE *f, const struct command *c)
{
    char condition[160];
    size_t len = strcspn(c->name, " ");

    if (c->name[len]) {
        fprintf(f, "complete -c drover -f -n '__fish_seen_subcommand_from %.*s' -a %s -d ", (int)len, c->name,
                c->name + len + 1);
        completion_quote(f, c->help, true);
        fputc('\n', f);
        snprintf(condition, sizeof condition,
                 "-n '__fish_seen_subcommand_from %.*s; and __fish_seen_subcommand_from %s'", (int)len, c->name,
                 c->name + len + 1);
    } else {
        fprintf(f, "complete -c drover -f -n __fish_use_subcommand -a %s -d ", c->name);
        completion_quote(f, c->help, true);
        fputc('\n', f);
        snprintf(condition, sizeof condition, "-n '__fish_seen_subcommand_from %s'", c->name);
    }
    for (const struct command_option *o = c->options; o && o->name; o++)
        completion_fish_option(f, condition, o);
    if (c->arg == COMMAND_ARG_JOB)
        fprintf(f, "complete -c drover -f %s -a '(" COMPLETION_JOBS ")'\n", condition);
    else if (c->arg == COMMAND_ARG_CONTEXT)
        fprintf(f, "complete -c drover -f %s -a '(" COMPLETION_CONTEXTS ")'\n", condition);
    else if (c->words)
        fprintf(f, "complete -c drover -f %s -a '%s'\n", condition, c->words);
    else if (c->arg == COMMAND_ARG_FILE)
        fprintf(f, "complete -c drover -F %s\n", condition);
}

static void completion_fish_first(FILE *f, const struct command *c, size_t len)
{
    if (c->name[len] == ' ')
        fprintf(f, "complete -c drover -f -n __fish_use_subcommand -a %.*s\n", (int)len, c->name);
}

static void completion_fish(FILE *f)
{
    size_t count;
    const struct command *all = commands_all(&count);

    fprintf(f, "# fish completion of drover; made by `drover completion fish`\n");
    completion_firsts(f, completion_fish_first);
    for (size_t i = 0; i < count; i++)
        completion_fish_command(f, &all[i]);
    for (const struct command_option *o = commands_global(); o->name; o++)
        completion_fish_option(f, "", o);
}

/* First words, or the second words of a first one: for shells that ask. */
static void completion_words(struct cli *cli)
{
    if (cli->args.rest_count > 1)
        completion_second(cli->out, cli->args.rest[1], strlen(cli->args.rest[1]));
    else
        completion_firsts(cli->out, completion_word);
    fputc('\n', cli->out);
}

int completion_run(struct cli *cli)
{
    const char *shell = cli->args.rest[0];

    if (!strcmp(shell, "bash"))
        completion_bash(cli->out);
    else if (!strcmp(shell, "zsh"))
        completion_zsh(cli->out);
    else if (!strcmp(shell, "fish"))
        completion_fish(cli->out);
    else if (!strcmp(shell, "words"))
        completion_words(cli);
    else
        return cli_usage(cli, "There is no completion for \"%s\".", shell);
    return CLI_OK;
}
