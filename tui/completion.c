/* SPDX-License-Identifier: MIT
 *
 * Completion scripts. The table's words are ours (letters, digits and dashes), so they need no quoting; help texts are
 * quoted for each shell. Live names come from `drover completion names KIND`, which prints none that a shell would read
 * otherwise.
 */
#include "tui/completion.h"

#include <stdbool.h>
#include <string.h>

#include "tui/cli.h"
#include "tui/command.h"
#include "tui/command_names.h"

#define COMPLETION_NAMES "drover completion names"

/* Second words of a first word ("use list" for "context"), or nothing. */
static void completion_second(FILE *f, const char *first, size_t len)
{
    const struct command *c;

    for (size_t i = 0; (c = commands_at(i)); i++) {
        if (!strncmp(c->name, first, len) && c->name[len] == ' ')
            fprintf(f, "%s ", c->name + len + 1);
    }
}

/* Calls `each` once for every different first word. */
static void completion_firsts(FILE *f, void (*each)(FILE *f, const struct command *c, size_t len))
{
    const struct command *c, *before = NULL;

    for (size_t i = 0; (c = commands_at(i)); before = c, i++) {
        size_t len = strcspn(c->name, " ");

        if (!before || len != strcspn(before->name, " ") || strncmp(c->name, before->name, len))
            each(f, c, len);
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

/* A shell's word that becomes the names of the kind; nothing where they are not to be had. */
static void completion_live(FILE *f, enum command_arg kind)
{
    const char *word = command_names_word(kind);

    if (word)
        fprintf(f, "$(" COMPLETION_NAMES " %s 2>/dev/null) ", word);
}

/* What may follow the verb: arguments, and second words where the verb is the first word of others ("users"). */
static void completion_words_after(FILE *f, const struct command *c)
{
    completion_live(f, c->arg);
    if (c->rest != c->arg)
        completion_live(f, c->rest);
    fprintf(f, "%s ", c->words ? c->words : "");
    if (!strchr(c->name, ' '))
        completion_second(f, c->name, strlen(c->name));
}

static bool completion_takes_files(const struct command *c)
{
    return c->arg == COMMAND_ARG_FILE || c->rest == COMMAND_ARG_FILE;
}

/* ---- bash ---- */

/* The values of the options that take known ones: a branch each, by the word before. */
static void completion_bash_values(FILE *f, const struct command_option *o)
{
    for (; o && o->name; o++) {
        enum command_arg kind = command_names_of_option(o->name);

        if (!o->arg || (!o->values && kind == COMMAND_ARG_NONE))
            continue;
        fprintf(f, "        --%s", o->name);
        if (o->letter)
            fprintf(f, "|-%c", o->letter);
        fprintf(f, ") valued=1 files=%d values=\"%s ", kind == COMMAND_ARG_FILE, o->values ? o->values : "");
        completion_live(f, kind);
        fprintf(f, "\" ;;\n");
    }
}

static void completion_bash_command(FILE *f, const struct command *c)
{
    fprintf(f, "    \"%s\")\n        options=\"", c->name);
    completion_options(f, c->options);
    fprintf(f, "\"\n        files=%d\n        case \"$before\" in\n", completion_takes_files(c));
    completion_bash_values(f, c->options);
    fprintf(f, "        esac\n        [ -n \"$valued\" ] || case \"$current\" in -*) ;; *) words=\"");
    completion_words_after(f, c);
    fprintf(f, "\" ;; esac\n        ;;\n");
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
    const struct command *c;

    fprintf(f, "# bash completion of drover; made by `drover completion bash`\n_drover()\n{\n"
               "    local current=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n"
               "    local command=\"${COMP_WORDS[1]}\" options=\"\" words=\"\" values=\"\" valued=\"\" files=0 both\n"
               "    COMPREPLY=()\n    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W \"");
    completion_firsts(f, completion_word);
    fprintf(f, "\" -- \"$current\"))\n        return\n    fi\n    both=\"$command ${COMP_WORDS[2]}\"\n"
               "    case \" ");
    for (size_t i = 0; (c = commands_at(i)); i++) {
        if (strchr(c->name, ' '))
            fprintf(f, "|%s", c->name);
    }
    fprintf(f, "| \" in\n    *\"|$both|\"*) [ \"$COMP_CWORD\" -gt 2 ] && command=$both ;;\n    esac\n"
               "    case \"$command\" in\n");
    completion_firsts(f, completion_bash_group);
    for (size_t i = 0; (c = commands_at(i)); i++)
        completion_bash_command(f, c);
    fprintf(f, "    esac\n    options=\"$options ");
    completion_options(f, commands_global());
    fprintf(f, "\"\n    [ -n \"$valued\" ] || case \"$before\" in\n");
    completion_bash_values(f, commands_global());
    fprintf(f, "    esac\n    [ -n \"$valued\" ] && words=$values\n    case \"$current\" in\n"
               "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$current\")) ;;\n"
               "    *) COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
               "        [ \"$files\" = 1 ] && COMPREPLY+=($(compgen -f -- \"$current\")) ;;\n    esac\n}\n"
               "complete -o filenames -F _drover drover\n");
}

/* ---- zsh ---- */

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

/* "'--vc=['help']:NAMES:(...)'": the values, or the names, of an option. */
static void completion_zsh_option(FILE *f, const struct command_option *o)
{
    enum command_arg kind = command_names_of_option(o->name);
    char text[512];

    snprintf(text, sizeof text, "%s", o->help);
    fprintf(f, "            '--%s%s['", o->name, o->arg ? "=" : "");
    completion_quote(f, text, false);
    fprintf(f, "']");
    if (o->arg)
        fprintf(f, ":%s:", o->arg);
    if (o->values)
        fprintf(f, "(%s)", o->values);
    else if (o->arg && kind == COMMAND_ARG_FILE)
        fprintf(f, "_files");
    else if (o->arg && command_names_word(kind))
        fprintf(f, "($(" COMPLETION_NAMES " %s 2>/dev/null))", command_names_word(kind));
    fprintf(f, "' \\\n");
}

static void completion_zsh_command(FILE *f, const struct command *c)
{
    fprintf(f, "    (\"%s\")\n        _arguments \\\n", c->name);
    for (const struct command_option *o = c->options; o && o->name; o++)
        completion_zsh_option(f, o);
    for (const struct command_option *o = commands_global(); o->name; o++)
        completion_zsh_option(f, o);
    if (completion_takes_files(c)) {
        fprintf(f, "            '*:file:_files'\n        ;;\n");
        return;
    }
    fprintf(f, "            \"*:argument:(");
    completion_words_after(f, c);
    fprintf(f, ")\"\n        ;;\n");
}

static void completion_zsh(FILE *f)
{
    const struct command *c;

    fprintf(f, "#compdef drover\n# zsh completion; made by `drover completion zsh`\n_drover() {\n"
               "    local command=${words[2]} jobs\n    if (( CURRENT == 2 )); then\n        compadd -- ");
    completion_firsts(f, completion_word);
    fprintf(f, "\n        return\n    fi\n    case \"$command ${words[3]}\" in\n");
    for (size_t i = 0; (c = commands_at(i)); i++) {
        if (strchr(c->name, ' '))
            fprintf(f, "    (\"%s\") (( CURRENT > 3 )) && command=\"%s\" ;;\n", c->name, c->name);
    }
    fprintf(f, "    esac\n    case $command in\n");
    for (size_t i = 0; (c = commands_at(i)); i++)
        completion_zsh_command(f, c);
    fprintf(f, "    (*) compadd -- ${=$(drover completion words \"$command\" 2>/dev/null)} ;;\n    esac\n}\n"
               "_drover \"$@\"\n");
}

/* ---- fish ---- */

static void completion_fish_option(FILE *f, const char *condition, const struct command_option *o)
{
    const char *names = o->arg ? command_names_word(command_names_of_option(o->name)) : NULL;

    fprintf(f, "complete -c drover %s -l %s", condition, o->name);
    if (o->letter)
        fprintf(f, " -s %c", o->letter);
    if (o->arg)
        fprintf(f, " -r");
    if (o->values)
        fprintf(f, " -f -a '%s'", o->values);
    else if (names)
        fprintf(f, " -f -a '(" COMPLETION_NAMES " %s 2>/dev/null)'", names);
    fprintf(f, " -d ");
    completion_quote(f, o->help, true);
    fputc('\n', f);
}

static void completion_fish_argument(FILE *f, const char *condition, enum command_arg kind)
{
    if (command_names_word(kind))
        fprintf(f, "complete -c drover -f %s -a '(" COMPLETION_NAMES " %s 2>/dev/null)'\n", condition,
                command_names_word(kind));
    else if (kind == COMMAND_ARG_FILE)
        fprintf(f, "complete -c drover -F %s\n", condition);
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
    completion_fish_argument(f, condition, c->arg);
    if (c->rest != c->arg)
        completion_fish_argument(f, condition, c->rest);
    if (c->words)
        fprintf(f, "complete -c drover -f %s -a '%s'\n", condition, c->words);
}

static void completion_fish_first(FILE *f, const struct command *c, size_t len)
{
    if (c->name[len] == ' ')
        fprintf(f, "complete -c drover -f -n __fish_use_subcommand -a %.*s\n", (int)len, c->name);
}

static void completion_fish(FILE *f)
{
    const struct command *c;

    fprintf(f, "# fish completion of drover; made by `drover completion fish`\n");
    completion_firsts(f, completion_fish_first);
    for (size_t i = 0; (c = commands_at(i)); i++)
        completion_fish_command(f, c);
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
    else if (!strcmp(shell, "names") && cli->args.rest_count > 1)
        return command_names_print(cli, cli->args.rest[1]);
    else
        return cli_usage(cli, "There is no completion for \"%s\".", shell);
    return CLI_OK;
}
