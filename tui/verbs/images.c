/* SPDX-License-Identifier: MIT
 *
 * The verbs about images: image import, image list, image remove. The server does the work; an import is looked at
 * until it has ended.
 */
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/verbs/verbs.h"

enum { POLL_FIRST_MS = 100, POLL_LAST_MS = 2000 };

static const struct table_column image_columns[] = {
    {"IMAGE", "image", 0, 12, false},   {"STATE", "state", 0, 0, false},     {"SIZE", "size", 2, 0, true},
    {"ENTRIES", "entries", 4, 0, true}, {"CREATED", "created", 3, 0, false}, {"PROBLEM", "problem", 1, 12, false},
};

static const char *image_text(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return s ? s : "";
}

static int64_t image_number(const cJSON *o, const char *key)
{
    int64_t n = 0;

    (void)json_get_int(o, key, &n, NULL);
    return n;
}

/* The path of one image; its name as its folder is called, because a step of a path has no slash. */
static const char *image_path(struct cli *cli, const char *uri)
{
    char *name = arena_strdup(cli->arena, uri);

    for (char *c = name; c && *c; c++)
        *c = *c == '/' ? '+' : *c == ':' ? '=' : *c;
    return name ? cli_path(cli, "/api/v2/images/%s", name) : NULL;
}

/* ---- list ---- */

static int image_print(struct cli *cli, const cJSON *list)
{
    size_t columns = sizeof image_columns / sizeof *image_columns, row = 0;
    struct output *o = output_create(cli->arena, image_columns, columns, (size_t)cJSON_GetArraySize(list));
    int64_t now = clock_read().wall;
    const cJSON *m;

    cJSON_ArrayForEach(m, list)
    {
        bool ready = strcmp(image_text(m, "state"), "ready") == 0;
        char size[FORMAT_SIZE];
        const char *cells[] = {
            image_text(m, "uri"),
            image_text(m, "state"),
            ready ? arena_strdup(cli->arena, format_bytes(image_number(m, "bytes"), size)) : NULL,
            ready ? arena_printf(cli->arena, "%lld", (long long)image_number(m, "entries")) : NULL,
            cli_time(cli, now, image_number(m, "createdTime")),
            image_text(m, "problem"),
        };

        for (size_t c = 0; o && c < columns; c++)
            output_cell(o, row, c, cells[c], COLOUR_DEFAULT);
        row++;
    }
    return cli_table(cli, o);
}

int images_list_run(struct cli *cli)
{
    bool printed = false;
    struct err e = {0};
    cJSON *list = cli_connect(cli, &e) ? NULL : cli_get(cli, "/api/v2/images", &printed, &e);
    int rc;

    if (!list)
        return cli_fail(cli, NULL, &e);
    rc = printed ? CLI_OK : image_print(cli, list);
    cJSON_Delete(list);
    return rc;
}

/* ---- import ---- */

static int image_begin(struct cli *cli, const char *uri, const char *source, struct err *e)
{
    struct transfer_request r = {.method = "POST", .path = "/api/v2/images", .type = "application/json"};
    struct json_out j;
    struct buf body;
    int rc;

    buf_init(&body, 65536);
    json_out_init(&j, &body);
    json_out_object(&j);
    json_out_kstring(&j, "uri", uri);
    json_out_kstring(&j, "source", source);
    if (args_get(&cli->args, "ref"))
        json_out_kstring(&j, "ref", args_get(&cli->args, "ref"));
    json_out_object_end(&j);
    r.body = buf_str(&body);
    r.body_len = body.len;
    rc =
        body.bad ? err_set(e, ERR_INVALID_PARAMETERS, "The path is too long.") : client_call(&cli->server, &r, NULL, e);
    buf_fini(&body);
    return rc;
}

/* Until the import has ended. 0, or -1 with the error. */
static int image_await(struct cli *cli, const char *uri, struct err *e)
{
    const char *path = image_path(cli, uri);

    for (long ms = POLL_FIRST_MS; path; ms = ms * 2 < POLL_LAST_MS ? ms * 2 : POLL_LAST_MS) {
        const struct timespec pause = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
        cJSON *o = client_get(&cli->server, path, NULL, e);
        const char *state = image_text(o, "state");
        bool ready = strcmp(state, "ready") == 0, failed = strcmp(state, "failed") == 0;

        if (failed)
            (void)err_set(e, ERR_INVALID_PARAMETERS, "%s", image_text(o, "problem"));
        if (ready)
            cli_say(cli, cli->out, "Imported %s, %lld MiB in %lld files.\n", uri,
                    (long long)(image_number(o, "bytes") >> 20), (long long)image_number(o, "entries"));
        cJSON_Delete(o);
        if (!o || failed)
            return -1;
        if (ready)
            return 0;
        (void)nanosleep(&pause, NULL);
    }
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

int images_import_run(struct cli *cli)
{
    const char *uri = cli->args.rest[0], *source = cli->args.rest[1];
    struct err e = {0};

    if (cli_connect(cli, &e) || image_begin(cli, uri, source, &e) || image_await(cli, uri, &e))
        return cli_fail(cli, NULL, &e);
    return CLI_OK;
}

/* ---- remove ---- */

int images_remove_run(struct cli *cli)
{
    struct transfer_request r = {.method = "DELETE", .path = image_path(cli, cli->args.rest[0])};
    struct err e = {0};

    if (!r.path || cli_connect(cli, &e) || client_call(&cli->server, &r, NULL, &e))
        return cli_fail(cli, NULL, &e);
    cli_say(cli, cli->out, "Removed %s.\n", cli->args.rest[0]);
    return CLI_OK;
}
