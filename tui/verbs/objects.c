/* SPDX-License-Identifier: MIT
 *
 * The verbs that list things of one kind, by the rows of objects_tables.c, and those that show one thing, whole.
 */
#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cells.h"
#include "tui/cli.h"
#include "tui/verbs/objects.h"
#include "tui/verbs/objects_tables.h"
#include "tui/verbs/verbs.h"

static int print_table(struct cli *cli, const struct listing *l, const cJSON *list)
{
    struct output *o = output_create(cli->arena, l->columns, l->count, (size_t)cJSON_GetArraySize(list));
    const struct cells made = cli_cells(cli);
    const cJSON *item;
    size_t row = 0;

    cJSON_ArrayForEach(item, list)
    {
        for (size_t c = 0; o && c < l->count; c++)
            output_cell(o, row, c, cells_text(&made, item, &l->fields[c]), COLOUR_DEFAULT);
        row++;
    }
    return cli_table(cli, o);
}

/* ---- asking ---- */

/* Adds what was given to an option to the query. 0, or -1 with ERR_INVALID_PARAMETERS. */
static int ask(struct cli *cli, const struct question *q, char mark, struct buf *path, struct err *e)
{
    struct err why = {0};

    (void)buf_addc(path, mark);
    if (!cells_ask(q, args_get(&cli->args, q->option), clock_read().wall, path, &why))
        return 0;
    return err_set(e, why.code, "--%s", why.text);
}

/* The path and query of a listing, in the arena; NULL with `e`. */
static const char *list_path(struct cli *cli, const struct listing *l, struct err *e)
{
    const char *about = cli->args.rest_count ? cli->args.rest[0] : "", *path = cli_path(cli, l->path, about);
    struct buf b;
    char mark = '?';

    buf_init(&b, 65536);
    (void)buf_adds(&b, path ? path : "");
    for (const struct question *q = l->questions; q && q->option && !e->code; q++) {
        if (!args_has(&cli->args, q->option))
            continue;
        (void)ask(cli, q, mark, &b, e);
        mark = '&';
    }
    path = path && !b.bad && !e->code ? arena_strdup(cli->arena, buf_str(&b)) : NULL;
    if (!path && !e->code)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    buf_fini(&b);
    return path;
}

/* How to get at what a page left out. */
static void say_more(struct cli *cli, const struct listing *l, const cJSON *reply)
{
    const cJSON *next = l->more ? cJSON_GetObjectItemCaseSensitive(reply, l->more) : NULL;

    if (cli->err_term.tty && next && cJSON_IsNumber(next))
        cli_say(cli, cli->err, "There is more with --%s %lld.\n", l->more_option, (long long)next->valuedouble);
}

static const struct listing *find_listing(const struct cli *cli)
{
    size_t count;
    const struct listing *listings = objects_listings(&count);

    for (size_t i = 0; i < count; i++)
        if (!strcmp(listings[i].verb, cli->command->name))
            return &listings[i];
    return NULL;
}

const char *objects_path(struct cli *cli, struct err *e)
{
    const struct listing *l = find_listing(cli);

    return l ? list_path(cli, l, e) : NULL;
}

int objects_list(struct cli *cli)
{
    const struct listing *l = find_listing(cli);
    struct err e = {0};
    const char *path;
    cJSON *reply = NULL;
    bool printed = false;
    int status;

    assert(l); /* the command table has no verb without a row */
    path = list_path(cli, l, &e);
    if (e.code == ERR_INVALID_PARAMETERS)
        return cli_usage(cli, "%s", e.text);
    if (path && !cli_connect(cli, &e))
        reply = cli_get(cli, path, &printed, &e);
    if (!reply)
        status = cli_fail(cli, NULL, &e);
    else if (printed)
        status = CLI_OK;
    else
        status = print_table(cli, l, l->inside ? cJSON_GetObjectItemCaseSensitive(reply, l->inside) : reply);
    if (status == CLI_OK && !printed)
        say_more(cli, l, reply);
    cJSON_Delete(reply);
    return status;
}

/* ---- one thing ---- */

/* Whole things have no columns: people read them as YAML. */
static int print_yaml(struct cli *cli, const cJSON *value, struct err *e)
{
    struct buf out;
    int rc;

    buf_init(&out, TRANSFER_MAX_BODY);
    rc = output_yaml(value, &out) || output_foreign(&cli->term, buf_str(&out), out.len, cli->out) ? -1 : 0;
    buf_fini(&out);
    return rc ? err_set(e, ERR_INTERNAL, "Cannot write the output.") : 0;
}

/* Where it is to be had, in the arena; NULL with `e`. */
static const char *show_path(struct cli *cli, const char *about, struct err *e)
{
    const char *path = NULL;
    size_t count;
    const struct showing *showings = objects_showings(&count);

    if (about && cli->command->arg == COMMAND_ARG_JOB)
        about = cli_full_name(cli, about, e);
    for (size_t i = 0; i < count && !e->code; i++)
        if (!strcmp(showings[i].verb, cli->command->name))
            path = cli_path(cli, showings[i].path, about ? about : "");
    if (!path && !e->code)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    return path;
}

int objects_show(struct cli *cli)
{
    const char *about = cli->args.rest_count ? cli->args.rest[0] : NULL, *path = NULL;
    struct err e = {0};
    cJSON *reply = NULL;
    bool printed = false;
    int status = CLI_OK;

    if (!cli_connect(cli, &e))
        path = show_path(cli, about, &e);
    if (path)
        reply = cli_get(cli, path, &printed, &e);
    if (!reply)
        status = cli_fail(cli, NULL, &e);
    else if (!printed && cli->format == OUTPUT_NAME && about)
        cli_say(cli, cli->out, "%s\n", about);
    else if (!printed && print_yaml(cli, reply, &e))
        status = cli_fail(cli, NULL, &e);
    cJSON_Delete(reply);
    return status;
}
