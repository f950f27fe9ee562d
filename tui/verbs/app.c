/* SPDX-License-Identifier: MIT
 *
 * app: the web apps of a job, or a link that opens one of them, once.
 */
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/verbs.h"

static const struct table_column app_columns[] = {
    {"NAME", "name", 0, 12, false},
    {"READY", "ready", 0, 0, false},
    {"TASK", "task", 1, 0, false},
    {"ADDRESS", "url", 1, 12, false},
};
#define APP_COLUMNS (sizeof(app_columns) / sizeof *app_columns)

/* An address as it is, or that of the server before a path. */
static const char *app_address(struct cli *cli, const char *url)
{
    return url[0] == '/' ? arena_printf(cli->arena, "%s%s", cli->server.url, url) : arena_strdup(cli->arena, url);
}

static int app_list(struct cli *cli, const char *full, struct err *e)
{
    bool printed = false;
    cJSON *job = cli_get(cli, cli_path(cli, "/api/v2/jobs/%s", full), &printed, e);
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(job, "apps"), *app;
    size_t row = 0;

    if (!job)
        return cli_fail(cli, NULL, e);
    if (printed) {
        cJSON_Delete(job);
        return CLI_OK;
    }
    struct output *o = output_create(cli->arena, app_columns, APP_COLUMNS, (size_t)cJSON_GetArraySize(list));

    cJSON_ArrayForEach(app, list)
    {
        const char *name = "", *role = "", *url = "";
        int64_t index = 0;

        (void)json_get_string(app, "name", &name, NULL);
        (void)json_get_string(app, "taskRoleName", &role, NULL);
        (void)json_get_string(app, "url", &url, NULL);
        (void)json_get_int(app, "taskIndex", &index, NULL);
        const char *const cells[APP_COLUMNS] = {
            arena_strdup(cli->arena, name), cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(app, "ready")) ? "yes" : "no",
            arena_printf(cli->arena, "%s-%lld", role, (long long)index), app_address(cli, url)};

        for (size_t c = 0; o && c < APP_COLUMNS; c++)
            output_cell(o, row, c, cells[c], COLOUR_DEFAULT);
        row++;
    }
    cJSON_Delete(job);
    return cli_table(cli, o);
}

static int app_open(struct cli *cli, const char *full, const char *name, struct err *e)
{
    const struct transfer_request r = {.method = "POST", .path = cli_path(cli, "/api/v2/jobs/%s/apps/%s", full, name)};
    const char *url = NULL;
    struct buf reply;
    cJSON *value = NULL;

    buf_init(&reply, 65536);
    if (r.path && !client_call(&cli->server, &r, &reply, e))
        value = json_parse(buf_str(&reply), reply.len, 0, e);
    if (value && !json_get_string(value, "url", &url, e))
        cli_say(cli, cli->out, "%s\n", app_address(cli, url ? url : ""));
    cJSON_Delete(value);
    buf_fini(&reply);
    return url ? CLI_OK : cli_fail(cli, NULL, e);
}

int app_run(struct cli *cli)
{
    struct err e = {0};
    const char *full = cli_connect(cli, &e) ? NULL : cli_full_name(cli, cli->args.rest[0], &e);

    if (!full)
        return cli_fail(cli, NULL, &e);
    return cli->args.rest_count > 1 ? app_open(cli, full, cli->args.rest[1], &e) : app_list(cli, full, &e);
}
