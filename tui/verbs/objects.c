/* SPDX-License-Identifier: MIT
 *
 * The verbs that list things of one kind, by the rows of objects_tables.c, and those that show one thing, whole.
 */
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/format.h"
#include "tui/verbs/objects.h"
#include "tui/verbs/objects_tables.h"
#include "tui/verbs/verbs.h"

enum { DAY_MS = 24 * 3600 * 1000, DAYS_MAX = 36500 };

/* ---- cells ---- */

static const cJSON *find_member(struct cli *cli, const cJSON *item, const char *place)
{
    char *steps = arena_strdup(cli->arena, place), *dot;

    for (; steps && (dot = strchr(steps, '.')) != NULL; steps = dot + 1) {
        *dot = '\0';
        item = cJSON_GetObjectItemCaseSensitive(item, steps);
    }
    return steps ? cJSON_GetObjectItemCaseSensitive(item, steps) : NULL;
}

/* "a, b" of a list of strings or numbers. */
static const char *joined(struct cli *cli, const cJSON *list)
{
    const cJSON *item;
    const char *all = NULL;

    cJSON_ArrayForEach(item, list)
    {
        const char *text = cJSON_IsNumber(item) ? arena_printf(cli->arena, "%d", item->valueint) : item->valuestring;

        if (text)
            all = arena_printf(cli->arena, "%s%s%s", all ? all : "", all ? ", " : "", text);
    }
    return all;
}

/* "v100 8, a100 2 nodes" of a guarantee. */
static const char *promised(struct cli *cli, const cJSON *list)
{
    const cJSON *item;
    const char *all = NULL;

    cJSON_ArrayForEach(item, list)
    {
        const char *sku = "";
        int64_t gpus = 0, nodes = 0;

        (void)json_get_string(item, "sku", &sku, NULL);
        (void)json_get_int(item, "gpus", &gpus, NULL);
        (void)json_get_int(item, "nodes", &nodes, NULL);
        all = arena_printf(cli->arena, "%s%s%s %lld%s", all ? all : "", all ? ", " : "", sku,
                           (long long)(nodes ? nodes : gpus), nodes ? " nodes" : "");
    }
    return all;
}

static const char *number_cell(struct cli *cli, enum cell kind, double value)
{
    char text[FORMAT_SIZE];

    switch (kind) {
    case CELL_HOURS:
        return arena_printf(cli->arena, "%.2f", value);
    case CELL_TENTHS:
        return arena_printf(cli->arena, "%.1f", value);
    case CELL_WAIT:
        return arena_strdup(cli->arena, format_duration((int64_t)value, text));
    case CELL_BYTES:
        return arena_strdup(cli->arena, format_bytes((int64_t)value, text));
    case CELL_MILLI:
        return arena_printf(cli->arena, "%.0f", value / 1000);
    default:
        return arena_printf(cli->arena, "%lld", (long long)value);
    }
}

static const char *cell(struct cli *cli, const cJSON *item, const struct field *f, int64_t now)
{
    const cJSON *m = *f->place ? find_member(cli, item, f->place) : NULL;

    if (!*f->place)
        return item->string;
    if (f->kind == CELL_GPUS)
        return promised(cli, m);
    if (f->kind == CELL_TIME)
        return cJSON_IsNumber(m) ? cli_time_cell(cli, now, (int64_t)m->valuedouble) : NULL;
    if (cJSON_IsString(m))
        return *m->valuestring ? m->valuestring : NULL;
    if (cJSON_IsNumber(m))
        return number_cell(cli, f->kind, m->valuedouble);
    if (cJSON_IsBool(m))
        return cJSON_IsTrue(m) ? "yes" : "no";
    return joined(cli, m);
}

static int print_table(struct cli *cli, const struct listing *l, const cJSON *list)
{
    struct output *o = output_create(cli->arena, l->columns, l->count, (size_t)cJSON_GetArraySize(list));
    int64_t now = clock_read().wall;
    const cJSON *item;
    size_t row = 0;

    cJSON_ArrayForEach(item, list)
    {
        for (size_t c = 0; o && c < l->count; c++)
            output_cell(o, row, c, cell(cli, item, &l->fields[c], now), COLOUR_DEFAULT);
        row++;
    }
    return cli_table(cli, o);
}

/* ---- asking ---- */

/* Midnight (UTC) at the begin of a date, in ms since 1970. 0 or -1. */
static int read_date(const char *text, int64_t *out)
{
    struct tm tm = {0};
    const char *end = strptime(text, "%Y-%m-%d", &tm);
    time_t at = end && !*end ? timegm(&tm) : -1;

    *out = (int64_t)at * 1000;
    return at < 0 ? -1 : 0;
}

/* Adds what was given to an option to the query. 0, or -1 with ERR_INVALID_PARAMETERS. */
static int ask(struct cli *cli, const struct question *q, char mark, struct buf *path, struct err *e)
{
    const char *text = args_get(&cli->args, q->option);
    int64_t number = 0, most = q->kind == ASK_DAYS_AGO ? DAYS_MAX : INT64_MAX;

    (void)buf_addf(path, "%c%s=", mark, q->field);
    if (q->kind == ASK_DATE) {
        if (read_date(text, &number))
            return err_set(e, ERR_INVALID_PARAMETERS, "--%s: %.40s is no date like 2026-11-01.", q->option, text);
        (void)buf_addf(path, "%lld", (long long)number);
        return 0;
    }
    if (q->kind == ASK_TEXT) {
        transfer_escape(path, text);
        return 0;
    }
    if (args_int(&cli->args, q->option, (int64_t[2]){1, most}, &number, e))
        return -1;
    if (q->kind == ASK_DAYS_AGO)
        number = clock_read().wall - number * DAY_MS;
    (void)buf_addf(path, "%lld", (long long)(number > 0 ? number : 0));
    return 0;
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

    path = l ? list_path(cli, l, &e) : NULL;
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
