/* SPDX-License-Identifier: MIT
 *
 * Help and the manual page. Whatever is said here about a command comes from its row.
 */
#include "tui/help.h"

#include <string.h>

#include "base/roff.h"
#include "tui/cli.h"
#include "tui/command.h"

static const struct {
    int status;
    const char *meaning;
} help_exits[] = {
    {CLI_OK, "All went well."},
    {CLI_FAILED, "It failed for a reason not named below; the message says which."},
    {CLI_USAGE, "The command line is wrong."},
    {CLI_NOT_FOUND, "There is no such job, context, log or other thing."},
    {CLI_AUTH, "Not logged in, or no right to do this."},
    {CLI_CONFLICT, "The name is taken, or a quota or limit is reached."},
    {CLI_UNREACHABLE, "The server cannot be reached or cannot serve now."},
    {CLI_TIMEOUT, "There was no answer, or no end of the job, in time."},
    {CLI_JOB_FAILED, "The job that was waited for or followed did not succeed."},
    {CLI_INTERRUPTED, "Interrupted by Ctrl-C."},
};

static const struct {
    const char *name;
    const char *meaning;
} help_variables[] = {
    {"DROVER_CONTEXT", "The context to use when --context is not given."},
    {"DROVER_URL", "The server's address; no context is used then."},
    {"DROVER_TOKEN", "A token, instead of the stored one."},
    {"DROVER_IMAGE", "The image of what drover sbatch submits, when --image is not given."},
    {"XDG_CONFIG_HOME", "Where drover/config.yaml and the tokens are; default ~/.config."},
    {"NO_COLOR", "Not empty: no colour. Stronger than CLICOLOR_FORCE and CLICOLOR, weaker than --color."},
};

int help_overview(struct cli *cli, FILE *f)
{
    const struct command *c;
    const char *group = "";

    (void)cli;
    fprintf(f, "drover - run jobs on the cluster\n\nUsage: drover COMMAND [OPTIONS] [ARGUMENTS]\n");
    for (size_t i = 0; (c = commands_at(i)); i++) {
        if (strcmp(group, c->group))
            fprintf(f, "\n%s\n", c->group);
        group = c->group;
        fprintf(f, "  %-15s %s\n", c->name, c->help);
    }
    fprintf(f, "\nMore about one: drover COMMAND --help. All of it: drover man | man -l -\n");
    return 0;
}

static void help_option(FILE *f, const struct command_option *o)
{
    char left[64];
    char letter[8] = "    ";

    if (o->letter)
        snprintf(letter, sizeof letter, "-%c, ", o->letter);
    snprintf(left, sizeof left, "%s--%s%s%s", letter, o->name, o->arg ? " " : "", o->arg ? o->arg : "");
    fprintf(f, "  %-26s %s", left, o->help);
    if (o->values)
        fprintf(f, " One of: %s.", o->values);
    fprintf(f, "\n");
}

int help_command(struct cli *cli, const struct command *c)
{
    FILE *f = cli->out;

    fprintf(f, "drover %s - %s\n\nUsage: drover %s [OPTIONS]%s%s\n", c->name, c->help, c->name, *c->args ? " " : "",
            c->args);
    if (c->about)
        fprintf(f, "\n%s\n", c->about);
    if (c->options && c->options->name)
        fprintf(f, "\nOptions\n");
    for (const struct command_option *o = c->options; o && o->name; o++)
        help_option(f, o);
    fprintf(f, "\nOptions of every command\n");
    for (const struct command_option *o = commands_global(); o->name; o++)
        help_option(f, o);
    fprintf(f, "\nExamples\n");
    for (size_t i = 0; i < 3; i++)
        fprintf(f, "  drover %s\n", c->examples[i]);
    return CLI_OK;
}

int help_run(struct cli *cli)
{
    const struct command *c;
    int used = 0;

    if (!cli->args.rest_count)
        return help_overview(cli, cli->out) ? CLI_FAILED : CLI_OK;
    c = commands_find(cli->args.rest_count, cli->args.rest, &used);
    if (!c || used != cli->args.rest_count)
        return cli_usage(cli, "There is no command \"%s\".", cli->args.rest[0]);
    return help_command(cli, c);
}

static void help_roff_option(FILE *f, const struct command_option *o)
{
    fprintf(f, ".It ");
    if (o->letter)
        fprintf(f, "Fl %c%s%s , ", o->letter, o->arg ? " Ar " : "", o->arg ? o->arg : "");
    fprintf(f, "Fl \\-");
    roff_text(f, o->name);
    fprintf(f, "%s%s\n", o->arg ? " Ar " : "", o->arg ? o->arg : "");
    roff_text(f, o->help);
    if (o->values)
        fprintf(f, " One of: %s.", o->values);
    fprintf(f, "\n");
}

static void help_roff_command(FILE *f, const struct command *c)
{
    fprintf(f, ".Ss drover %s%s%s\n", c->name, *c->args ? " " : "", c->args);
    roff_text(f, c->help);
    fprintf(f, ".\n");
    if (c->about) {
        fprintf(f, ".Pp\n");
        roff_text(f, c->about);
        fprintf(f, "\n");
    }
    if (c->options && c->options->name) {
        fprintf(f, ".Bl -tag -width Ds\n");
        for (const struct command_option *o = c->options; o->name; o++)
            help_roff_option(f, o);
        fprintf(f, ".El\n");
    }
    fprintf(f, ".Bd -literal -offset indent\n");
    for (size_t i = 0; i < 3; i++) {
        fprintf(f, "drover ");
        roff_text(f, c->examples[i]);
        fprintf(f, "\n");
    }
    fprintf(f, ".Ed\n");
}

int help_man(struct cli *cli)
{
    FILE *f = cli->out;
    const struct command *c;

    fprintf(f, ".\\\" Made by `drover man` from the command table; do not edit.\n"
               ".Dd $Mdocdate$\n.Dt DROVER 1\n.Os Drover\n.Sh NAME\n.Nm drover\n.Nd run jobs on the cluster\n"
               ".Sh SYNOPSIS\n.Nm\n.Ar command\n.Op Ar options\n.Op Ar arguments\n.Sh DESCRIPTION\n"
               "The client of the job server Drover. Data goes to standard output, everything said about it to\n"
               "standard error. A job is named USER~NAME; a NAME alone is one of your own.\n.Sh OPTIONS\n"
               "Every command takes these.\n.Bl -tag -width Ds\n");
    for (const struct command_option *o = commands_global(); o->name; o++)
        help_roff_option(f, o);
    fprintf(f, ".El\n.Sh COMMANDS\n");
    for (size_t i = 0; (c = commands_at(i)); i++)
        help_roff_command(f, c);
    fprintf(f, ".Sh ENVIRONMENT\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < sizeof help_variables / sizeof *help_variables; i++)
        fprintf(f, ".It Ev %s\n%s\n", help_variables[i].name, help_variables[i].meaning);
    fprintf(f, ".El\n.Sh FILES\n.Bl -tag -width Ds\n.It Pa ~/.config/drover/config.yaml\nThe contexts.\n"
               ".It Pa ~/.config/drover/tokens/\nOne token a context, readable by its owner only.\n.El\n"
               ".Sh EXIT STATUS\n.Bl -tag -width Ds\n");
    for (size_t i = 0; i < sizeof help_exits / sizeof *help_exits; i++)
        fprintf(f, ".It %d\n%s\n", help_exits[i].status, help_exits[i].meaning);
    fprintf(f, ".El\n.Sh SEE ALSO\n.Xr drover-job 5 ,\n.Xr drover 7 ,\n.Xr droverd 8\n");
    return CLI_OK;
}
