/* SPDX-License-Identifier: MIT
 *
 * The verbs about many users at once: users import, users undo. The server checks and decides; here its report becomes
 * lines that an editor jumps to, a result file without passwords, and a sheet of invitations to print.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/verbs.h"

enum { TABLE_MAX = 2 << 20, REPLY_MAX = 8 << 20 };

static const char *users_text(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return s ? s : "";
}

static int users_number(const cJSON *o, const char *key)
{
    int64_t n = 0;

    (void)json_get_int(o, key, &n, NULL);
    return (int)n;
}

static const char *users_query(struct cli *cli)
{
    const struct args *a = &cli->args;
    const char *action = args_get(a, "action"), *invite = args_get(a, "invite");

    return arena_printf(cli->arena, "/api/v2/users/import?dryRun=%s&action=%s&mode=%s&invite=%s&allowAdmin=%s",
                        args_has(a, "dry-run") ? "true" : "false", action ? action : "create",
                        args_has(a, "good-rows") ? "rows" : "all", invite ? invite : "none",
                        args_has(a, "allow-admin") ? "true" : "false");
}

/* ---- files ---- */

/* What became of each row; never a password, never a secret. */
static void users_result(const cJSON *report, struct buf *out)
{
    const cJSON *m;
    bool applied = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "applied")) != 0;

    (void)buf_adds(out, "line,username,action,result,field,code,message\n");
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(report, "users"))
    {
        (void)buf_addf(out, "%d,", users_number(m, "line"));
        csv_put(out, users_text(m, "username"));
        (void)buf_addf(out, ",%s,%s,,,\n", users_text(m, "action"), applied ? "done" : "checked");
    }
    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(report, "errors"))
    {
        (void)buf_addf(out, "%d,,,refused,%s,%s,", users_number(m, "line"), users_text(m, "field"),
                       users_text(m, "code"));
        csv_put(out, users_text(m, "message"));
        (void)buf_addc(out, '\n');
    }
}

/* One slip a user, to print and cut apart. */
static void users_sheet(struct cli *cli, const cJSON *report, struct buf *out)
{
    const cJSON *m;

    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(report, "users"))
    {
        const char *link = users_text(m, "invitation");

        if (!*link)
            continue;
        (void)buf_addf(out, "User:   %s\nServer: %s\nSet your password here, once, within 14 days:\n\n    %s%s\n\n",
                       users_text(m, "username"), cli->server.url, *link == '/' ? cli->server.url : "", link);
        (void)buf_adds(out, "- - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - - -\n\n");
    }
}

/* Writes the files that were asked for; readable by their owner only. 0 or -1. */
static int users_files(struct cli *cli, const cJSON *report, struct err *e)
{
    const char *result = args_get(&cli->args, "result"), *sheet = args_get(&cli->args, "sheet");
    struct buf text;
    int rc = 0;

    buf_init(&text, REPLY_MAX);
    if (result) {
        users_result(report, &text);
        rc = fs_write_atomic(result, buf_str(&text), text.len, 0600, e);
    }
    if (sheet && !rc) {
        buf_reset(&text);
        users_sheet(cli, report, &text);
        rc = fs_write_atomic(sheet, buf_str(&text), text.len, 0600, e);
        explicit_bzero(text.data, text.len);
    }
    buf_fini(&text);
    return rc;
}

/* ---- saying ---- */

static void users_say_errors(struct cli *cli, const char *file, const cJSON *report)
{
    const cJSON *m;
    int said = 0, all = users_number(report, "errorCount");

    cJSON_ArrayForEach(m, cJSON_GetObjectItemCaseSensitive(report, "errors"))
    {
        const char *field = users_text(m, "field");

        cli_say(cli, cli->err, "%s:%d: %s%s%s\n", file, users_number(m, "line"), field, *field ? ": " : "",
                users_text(m, "message"));
        said++;
    }
    if (all > said)
        cli_say(cli, cli->err, "... and %d more.\n", all - said);
}

static void users_say(struct cli *cli, const cJSON *report)
{
    bool dry = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "dryRun")) != 0;
    const char *id = users_text(report, "importId");

    cli_say(cli, cli->out, "%s: %d to create, %d to update, %d to disable, %d to delete, %d refused.\n",
            dry   ? "Checked, nothing changed"
            : *id ? "Done"
                  : "Nothing changed",
            users_number(report, "create"), users_number(report, "update"), users_number(report, "disable"),
            users_number(report, "delete"), users_number(report, "badRows"));
    if (*id)
        cli_say(cli, cli->out, "To take it back: drover users undo %s\n", id);
}

/* ---- the verbs ---- */

static int users_send(struct cli *cli, const struct buf *table, struct buf *reply, struct err *e)
{
    const struct transfer_request r = {
        .method = "POST", .path = users_query(cli), .type = "text/csv", .body = buf_str(table), .body_len = table->len};

    return r.path ? client_call(&cli->server, &r, reply, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
}

int users_import(struct cli *cli)
{
    const char *file = cli->args.rest[0];
    struct buf table, reply;
    cJSON *report = NULL;
    struct err e = {0};
    int rc;

    if (args_get(&cli->args, "sheet") && (!args_get(&cli->args, "invite") || args_has(&cli->args, "dry-run")))
        return cli_usage(cli, "--sheet needs --invite sheet, and is not for a dry run.");
    buf_init(&table, TABLE_MAX + 1);
    buf_init(&reply, REPLY_MAX);
    if (fs_read(file, TABLE_MAX, &table, &e) || cli_connect(cli, &e) || users_send(cli, &table, &reply, &e) ||
        !(report = json_parse(buf_str(&reply), reply.len, REPLY_MAX, &e)) || users_files(cli, report, &e)) {
        rc = cli_fail(cli, e.line ? file : NULL, &e);
    } else if (cli->format == OUTPUT_JSON) {
        (void)fprintf(cli->out, "%s\n", buf_str(&reply));
        rc = users_number(report, "badRows") ? CLI_FAILED : CLI_OK;
    } else {
        users_say_errors(cli, file, report);
        users_say(cli, report);
        rc = users_number(report, "badRows") ? CLI_FAILED : CLI_OK;
    }
    cJSON_Delete(report);
    if (table.data)
        explicit_bzero(table.data, table.len);
    if (reply.data)
        explicit_bzero(reply.data, reply.len);
    buf_fini(&table);
    buf_fini(&reply);
    return rc;
}

int users_undo(struct cli *cli)
{
    struct transfer_request r = {.method = "POST",
                                 .path = cli_path(cli, "/api/v2/user-imports/%s/undo", cli->args.rest[0])};
    struct buf reply;
    cJSON *o = NULL;
    struct err e = {0};
    int rc = CLI_OK;

    buf_init(&reply, 65536);
    if (!r.path || cli_connect(cli, &e) || client_call(&cli->server, &r, &reply, &e) ||
        !(o = json_parse(buf_str(&reply), reply.len, 0, &e)))
        rc = cli_fail(cli, NULL, &e);
    else
        cli_say(cli, cli->out, "%d users are as they were before.\n", users_number(o, "users"));
    cJSON_Delete(o);
    buf_fini(&reply);
    return rc;
}
