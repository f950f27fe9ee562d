/* SPDX-License-Identifier: MIT
 *
 * The frame around a verb. Data goes to standard output, everything said about it to standard error.
 */
#include "tui/cli.h"

#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tui/again.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/help.h"

#define CLI_TIMEOUT_MS 30000

int cli_exit_of(const struct err *e)
{
    static const unsigned char exits[ERR_COUNT] = {
        [ERR_INCORRECT_PASSWORD] = CLI_AUTH, [ERR_UNAUTHORIZED] = CLI_AUTH,
        [ERR_FORBIDDEN] = CLI_AUTH,          [ERR_NO_API] = CLI_NOT_FOUND,
        [ERR_NO_JOB] = CLI_NOT_FOUND,        [ERR_NO_JOB_CONFIG] = CLI_NOT_FOUND,
        [ERR_NO_JOB_SSH] = CLI_NOT_FOUND,    [ERR_NO_TASK_LOG] = CLI_NOT_FOUND,
        [ERR_NO_FILE] = CLI_NOT_FOUND,       [ERR_NO_TAG] = CLI_NOT_FOUND,
        [ERR_NO_USER] = CLI_NOT_FOUND,       [ERR_NO_GROUP] = CLI_NOT_FOUND,
        [ERR_NO_VC] = CLI_NOT_FOUND,         [ERR_NO_VC_BAD] = CLI_NOT_FOUND,
        [ERR_NO_STORAGE] = CLI_NOT_FOUND,    [ERR_NO_NODE] = CLI_NOT_FOUND,
        [ERR_TIMEOUT] = CLI_TIMEOUT,         [ERR_CONFLICT_JOB] = CLI_CONFLICT,
        [ERR_CONFLICT_USER] = CLI_CONFLICT,  [ERR_CONFLICT_VC] = CLI_CONFLICT,
        [ERR_TOO_MANY] = CLI_CONFLICT,       [ERR_NO_SPACE] = CLI_CONFLICT,
        [ERR_BUSY] = CLI_UNREACHABLE,        [ERR_NO_TEMPLATE] = CLI_NOT_FOUND,
        [ERR_NO_IMPORT] = CLI_NOT_FOUND,     [ERR_NO_IMAGE] = CLI_NOT_FOUND,
        [ERR_NO_SSH_KEY] = CLI_NOT_FOUND,    [ERR_CONFLICT_GROUP] = CLI_CONFLICT,
        [ERR_CONFLICT_IMAGE] = CLI_CONFLICT, [ERR_CONFLICT_TEMPLATE] = CLI_CONFLICT,
    };
    int status = (unsigned)e->code < ERR_COUNT ? exits[e->code] : 0;

    return status ? status : CLI_FAILED;
}

void cli_say(struct cli *cli, FILE *f, const char *fmt, ...)
{
    struct buf text;
    struct buf safe;
    va_list ap;

    buf_init(&text, 1 << 20);
    buf_init(&safe, 0);
    va_start(ap, fmt);
    (void)buf_vaddf(&text, fmt, ap);
    va_end(ap);
    (void)utf8_safe(&safe, buf_str(&text), text.len, true, true);
    (void)fwrite(buf_str(&safe), 1, safe.len, f);
    buf_fini(&text);
    buf_fini(&safe);
    (void)cli;
}

int cli_fail(struct cli *cli, const char *file, const struct err *e)
{
    (void)fflush(cli->out);
    if (file && e->line && e->column)
        cli_say(cli, cli->err, "drover: %s:%d:%d: %s\n", file, e->line, e->column, e->text);
    else if (file && e->line)
        cli_say(cli, cli->err, "drover: %s:%d: %s\n", file, e->line, e->text);
    else if (file && !strstr(e->text, file)) /* named once is enough */
        cli_say(cli, cli->err, "drover: %s: %s\n", file, e->text);
    else
        cli_say(cli, cli->err, "drover: %s\n", e->text);
    if (e->code == ERR_UNAUTHORIZED && cli->context.url && !strstr(e->text, "drover login"))
        cli_say(cli, cli->err, "Log in again with: drover login %s%s%s\n", cli->context.url,
                cli->context.user && *cli->context.user ? " -u " : "", cli->context.user ? cli->context.user : "");
    return cli_exit_of(e);
}

int cli_usage(struct cli *cli, const char *fmt, ...)
{
    struct err e = {0};
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(e.text, sizeof e.text, fmt, ap);
    va_end(ap);
    cli_say(cli, cli->err, "drover: %s\n", e.text);
    if (cli->command)
        cli_say(cli, cli->err, "Usage: drover %s [OPTIONS]%s%s\nMore: drover %s --help\n", cli->command->name,
                *cli->command->args ? " " : "", cli->command->args, cli->command->name);
    else
        cli_say(cli, cli->err, "More: drover help\n");
    return CLI_USAGE;
}

int cli_connect(struct cli *cli, struct err *e)
{
    int64_t seconds = CLI_TIMEOUT_MS / 1000;

    if (args_int(&cli->args, "timeout", (int64_t[2]){1, 86400}, &seconds, e))
        return -1;
    if (context_load(cli->arena, args_get(&cli->args, "context"), &cli->context, e))
        return -1;
    cli->server = (struct endpoint){cli->context.url, cli->context.token, seconds * 1000};
    return transfer_check(&cli->server, e);
}

const char *cli_full_name(struct cli *cli, const char *typed, struct err *e)
{
    const char *user = cli->context.user;

    if (strchr(typed, '~'))
        return typed;
    if (!user || !*user) {
        /* With DROVER_URL and DROVER_TOKEN alone, the server knows whose token it is. */
        cJSON *reply = client_get(&cli->server, "/api/v2/session", NULL, e);
        const char *name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "user"));

        cli->context.user = name ? arena_strdup(cli->arena, name) : NULL;
        cJSON_Delete(reply);
        user = cli->context.user;
        if (!reply)
            return NULL;
    }
    if (!user) {
        (void)err_set(e, ERR_INTERNAL, "The server does not say who you are; write USER~%s.", typed);
        return NULL;
    }
    return arena_printf(cli->arena, "%s~%s", user, typed);
}

const char *cli_path(struct cli *cli, const char *pattern, ...)
{
    struct buf b;
    const char *copy;
    va_list ap;

    buf_init(&b, 16384);
    va_start(ap, pattern);
    for (; *pattern; pattern++) {
        if (pattern[0] == '%' && pattern[1] == 's') {
            transfer_escape(&b, va_arg(ap, const char *));
            pattern++;
        } else {
            (void)buf_addc(&b, *pattern);
        }
    }
    va_end(ap);
    copy = b.bad ? NULL : arena_strdup(cli->arena, buf_str(&b));
    buf_fini(&b);
    return copy;
}

static int cli_print_value(struct cli *cli, const cJSON *value, const struct buf *raw)
{
    struct buf out;
    int rc;

    buf_init(&out, 0);
    if (cli->format == OUTPUT_YAML)
        (void)output_yaml(value, &out);
    else
        (void)buf_add(&out, buf_str(raw), raw->len);
    if (out.len && out.data[out.len - 1] != '\n')
        (void)buf_addc(&out, '\n');
    rc = out.bad ? -1 : output_foreign(&cli->term, buf_str(&out), out.len, cli->out);
    buf_fini(&out);
    return rc;
}

cJSON *cli_get(struct cli *cli, const char *path, bool *printed, struct err *e)
{
    struct buf raw;
    cJSON *value;

    if (!path) {
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    buf_init(&raw, TRANSFER_MAX_BODY + 1);
    value = client_get(&cli->server, path, &raw, e);
    if (value && printed && (cli->format == OUTPUT_JSON || cli->format == OUTPUT_YAML)) {
        *printed = true;
        if (cli_print_value(cli, value, &raw)) {
            cJSON_Delete(value);
            value = NULL;
            (void)err_set(e, ERR_INTERNAL, "Cannot write the output.");
        }
    }
    buf_fini(&raw);
    return value;
}

int cli_table(struct cli *cli, struct output *o)
{
    const char *columns = args_get(&cli->args, "columns");
    struct err e = {0};
    struct buf out;
    int rc;

    if (o && columns && output_choose(o, columns, &e))
        return cli_usage(cli, "%s", e.text);
    buf_init(&out, 256u << 20);
    rc = o ? output_render(o, cli->format, &cli->term, &out) : -1;
    if (!rc)
        rc = fwrite(buf_str(&out), 1, out.len, cli->out) == out.len ? 0 : -1;
    buf_fini(&out);
    if (!rc)
        return CLI_OK;
    cli_say(cli, cli->err, "drover: Cannot write the output.\n");
    return CLI_FAILED;
}

const char *cli_time(struct cli *cli, int64_t now, int64_t at)
{
    char text[FORMAT_SIZE];
    const char *copy;

    copy = arena_strdup(cli->arena, cli->absolute ? format_local(at, text) : format_ago(now, at, text));
    return copy ? copy : "";
}

struct cells cli_cells(const struct cli *cli)
{
    return (struct cells){.arena = cli->arena,
                          .now = clock_read().wall,
                          .time = cli->format == OUTPUT_CSV ? CELLS_ISO
                                  : cli->absolute           ? CELLS_LOCAL
                                                            : CELLS_AGO};
}

const char *cli_time_cell(struct cli *cli, int64_t now, int64_t at)
{
    struct cells made = cli_cells(cli);

    made.now = now;
    return cells_moment(&made, at);
}

static int cli_prepare(struct cli *cli, struct err *e)
{
    /* sbatch --output is another one */
    const char *format = cli->command && cli->command->foreign ? NULL : args_get(&cli->args, "output");
    const char *colour = args_get(&cli->args, "color");

    if (args_has(&cli->args, "no-color"))
        colour = "never";
    term_probe(&cli->term, STDOUT_FILENO, colour);
    term_probe(&cli->err_term, STDERR_FILENO, colour);
    if (format && output_format_parse(format, &cli->format))
        return err_set(e, ERR_INVALID_PARAMETERS, "There is no output format \"%s\".", format);
    cli->absolute = args_has(&cli->args, "absolute");
    return 0;
}

static int cli_perform(struct cli *cli, char **argv)
{
    const struct command *c = cli->command;
    struct err e = {0};

    if (args_parse(&cli->args, c->options, argv, c->ends, &e) || cli_prepare(cli, &e))
        return cli_usage(cli, "%s", e.text);
    if (args_has(&cli->args, "help"))
        return help_command(cli, c);
    if (cli->args.rest_count < c->min_args)
        return cli_usage(cli, "%s needs %s.", c->name, c->args);
    if (c->max_args >= 0 && cli->args.rest_count > c->max_args)
        return cli_usage(cli, "%s is one argument too many for %s.", cli->args.rest[c->max_args], c->name);
    if (!args_has(&cli->args, "watch"))
        return c->run(cli);
    return c->lists ? again_run(cli) : cli_usage(cli, "%s lists nothing that --watch could follow.", c->name);
}

static int cli_dispatch(struct cli *cli, char **argv)
{
    struct err e = {0};
    char version[] = "version"; /* the option that every program has, as well as the command */
    int used = 0;

    if (argv[1] && !strcmp(argv[1], "--version"))
        argv[1] = version;
    if (args_parse(&cli->args, NULL, argv, true, &e) || cli_prepare(cli, &e))
        return cli_usage(cli, "%s", e.text);
    if (!cli->args.rest_count) {
        (void)help_overview(cli, args_has(&cli->args, "help") ? cli->out : cli->err);
        return args_has(&cli->args, "help") ? CLI_OK : CLI_USAGE;
    }
    cli->command = commands_find(cli->args.rest_count, cli->args.rest, &used);
    if (!cli->command && *commands_under(cli->arena, cli->args.rest[0]))
        return cli_usage(cli, "%s is one of: %s.", cli->args.rest[0], commands_under(cli->arena, cli->args.rest[0]));
    if (!cli->command)
        return cli_usage(cli, "There is no command \"%s\".", cli->args.rest[0]);
    return cli_perform(cli, cli->args.rest + used - 1);
}

static void cli_on_interrupt(int signal_number)
{
    (void)signal_number;
    _exit(CLI_INTERRUPTED);
}

int cli_main(char **argv)
{
    struct cli cli = {.out = stdout, .err = stderr};
    struct sigaction interrupt = {.sa_handler = cli_on_interrupt};
    int status;

    (void)sigaction(SIGINT, &interrupt, NULL);
    cli.arena = arena_create(512u << 20);
    if (!cli.arena || curl_global_init(CURL_GLOBAL_DEFAULT))
        return CLI_FAILED;
    status = cli_dispatch(&cli, argv);
    if (fflush(cli.out) && status == CLI_OK) {
        cli_say(&cli, cli.err, "drover: Cannot write the output.\n");
        status = CLI_FAILED;
    }
    curl_global_cleanup();
    arena_destroy(cli.arena);
    return status;
}
