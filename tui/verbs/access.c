/* SPDX-License-Identifier: MIT
 *
 * login, logout, whoami, context list, context use, version.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/password.h"
#include "tui/verbs/verbs.h"

#ifndef DROVER_VERSION
#define DROVER_VERSION "0"
#endif

static int access_password(struct cli *cli, const char *user, struct buf *out, struct err *e)
{
    char prompt[160];

    snprintf(prompt, sizeof prompt, "Password of %s: ", user);
    return password_read(cli, "password-file", prompt, out, e);
}

/* The token of a fresh login, in the arena; NULL with `e`. */
static const char *access_token(struct cli *cli, const char *user, const char *password, struct err *e)
{
    struct client_body {
        struct buf text;
        struct buf reply;
    } b;
    struct json_out j;
    struct transfer_request r = {.method = "POST", .path = "/api/v2/authn/basic/login", .type = "application/json"};
    const char *token = NULL;
    cJSON *reply = NULL;

    buf_init(&b.text, 16384);
    buf_init(&b.reply, 65536);
    json_out_init(&j, &b.text);
    json_out_object(&j);
    json_out_kstring(&j, "username", user);
    json_out_kstring(&j, "password", password);
    json_out_object_end(&j);
    r.body = buf_str(&b.text);
    r.body_len = b.text.len;
    if (!client_call(&cli->server, &r, &b.reply, e))
        reply = json_parse(buf_str(&b.reply), b.reply.len, 0, e);
    token = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "token"));
    token = token ? arena_strdup(cli->arena, token) : NULL;
    if (!token && !e->code)
        (void)err_set(e, ERR_INTERNAL, "The server sent no token; is the address that of a Drover server?");
    cJSON_Delete(reply);
    explicit_bzero(b.text.data, b.text.len);
    buf_fini(&b.text);
    buf_fini(&b.reply);
    return token;
}

/* "http://127.0.0.1:7780/" as it is kept: without slashes at its end. */
static const char *access_url(struct cli *cli, const char *typed)
{
    size_t len = strlen(typed);

    while (len > 0 && typed[len - 1] == '/')
        len--;
    return arena_strndup(cli->arena, typed, len);
}

static bool access_in_the_clear(const char *url)
{
    return !strncmp(url, "http://", 7) && strncmp(url + 7, "127.", 4) && strncmp(url + 7, "localhost", 9) &&
           strncmp(url + 7, "[::1]", 5);
}

int access_login(struct cli *cli)
{
    const char *user = args_get(&cli->args, "user");
    const char *name = args_get(&cli->args, "context");
    struct context c = {.url = access_url(cli, cli->args.rest[0])};
    struct buf password;
    struct err e = {0};
    int64_t seconds = 30;
    int rc = -1;

    if (!user)
        return cli_usage(cli, "login needs -u NAME.");
    buf_init(&password, PASSWORD_MAX);
    cli->server = (struct endpoint){c.url, NULL, 0};
    if (args_int(&cli->args, "timeout", (int64_t[2]){1, 86400}, &seconds, &e) || transfer_check(&cli->server, &e)) {
        rc = cli_usage(cli, "%s", e.text);
        goto out;
    }
    cli->server.timeout_ms = seconds * 1000;
    c.name = name ? name : strstr(c.url, "://") + 3;
    c.user = user;
    if (access_in_the_clear(c.url))
        cli_say(cli, cli->err, "drover: Warning: the password goes over the network in the clear; use https.\n");
    if (context_check_name(c.name, &e) || access_password(cli, user, &password, &e) ||
        !(c.token = access_token(cli, user, buf_str(&password), &e)) || context_store(cli->arena, &c, &e)) {
        rc = cli_fail(cli, NULL, &e);
        goto out;
    }
    cli_say(cli, cli->err, "Logged in to %s as %s (context %s).\n", c.url, user, c.name);
    rc = CLI_OK;
out:
    if (password.data)
        explicit_bzero(password.data, password.len);
    buf_fini(&password);
    return rc;
}

int access_logout(struct cli *cli)
{
    struct transfer_request r = {.method = "DELETE", .path = "/api/v2/authn/basic/logout"};
    struct err e = {0};
    struct context c;

    if (cli_connect(cli, &e))
        return cli_fail(cli, NULL, &e);
    if (!cli->context.token) {
        cli_say(cli, cli->err, "Not logged in to %s.\n", cli->context.url);
        return CLI_OK;
    }
    /* A token that the server no longer takes is gone as well; any other failure leaves a live token behind. */
    if (client_call(&cli->server, &r, NULL, &e) && e.code != ERR_UNAUTHORIZED)
        return cli_fail(cli, NULL, &e);
    e = (struct err){0};
    c = cli->context;
    c.token = NULL;
    if (strcmp(c.name, c.url) && context_store(cli->arena, &c, &e))
        return cli_fail(cli, NULL, &e);
    cli_say(cli, cli->err, "Logged out of %s.\n", c.url);
    return CLI_OK;
}

/* What one keeps on the node, where the site limits it. */
static void say_disk(struct cli *cli, const cJSON *disk)
{
    const cJSON *used = cJSON_GetObjectItemCaseSensitive(disk, "usedMB");
    const cJSON *limit = cJSON_GetObjectItemCaseSensitive(disk, "limitMB");

    if (cJSON_IsNumber(used) && cJSON_IsNumber(limit))
        cli_say(cli, cli->out, "disk: %.0f of %.0f MB\n", used->valuedouble, limit->valuedouble);
}

int access_whoami(struct cli *cli)
{
    struct err e = {0};
    bool printed = false;
    cJSON *reply = NULL;
    const char *user;

    if (!cli_connect(cli, &e))
        reply = cli_get(cli, "/api/v2/session", &printed, &e);
    if (!reply)
        return cli_fail(cli, NULL, &e);
    user = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "user"));
    if (!printed && cli->format == OUTPUT_NAME)
        cli_say(cli, cli->out, "%s\n", user ? user : "?");
    else if (!printed)
        cli_say(cli, cli->out, "%s%s at %s\n", user ? user : "?",
                cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "admin")) ? " (admin)" : "", cli->context.url);
    if (!printed && cli->format != OUTPUT_NAME)
        say_disk(cli, cJSON_GetObjectItemCaseSensitive(reply, "disk"));
    cJSON_Delete(reply);
    return CLI_OK;
}

int access_contexts(struct cli *cli)
{
    static const struct table_column columns[] = {
        {"NAME", "name", 0, 0, false},
        {"CURRENT", "current", 1, 0, false},
        {"URL", "url", 0, 10, false},
        {"USER", "user", 2, 0, false},
    };
    struct context_list list;
    struct err e = {0};
    struct output *o;

    if (context_read(cli->arena, &list, &e))
        return cli_fail(cli, NULL, &e);
    o = output_create(cli->arena, columns, 4, list.count);
    for (size_t i = 0; o && i < list.count; i++) {
        output_cell(o, i, 0, list.items[i].name, COLOUR_DEFAULT);
        output_cell(o, i, 1, strcmp(list.items[i].name, list.current) ? "" : "*", COLOUR_GREEN);
        output_cell(o, i, 2, list.items[i].url, COLOUR_DEFAULT);
        output_cell(o, i, 3, list.items[i].user, COLOUR_DEFAULT);
    }
    return cli_table(cli, o);
}

int access_use(struct cli *cli)
{
    const char *name = cli->args.rest[0];
    struct context_list list;
    struct err e = {0};

    if (context_read(cli->arena, &list, &e))
        return cli_fail(cli, NULL, &e);
    if (!context_find(&list, name)) {
        cli_say(cli, cli->err, "drover: There is no context \"%s\"; see: drover context list\n", name);
        return CLI_NOT_FOUND;
    }
    list.current = name;
    if (context_write(cli->arena, &list, &e))
        return cli_fail(cli, NULL, &e);
    cli_say(cli, cli->err, "The context is now %s.\n", name);
    return CLI_OK;
}

int access_version(struct cli *cli)
{
    struct buf b;
    struct json_out j;

    buf_init(&b, 256);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_kstring(&j, "version", DROVER_VERSION);
    json_out_object_end(&j);
    if (cli->format == OUTPUT_JSON)
        fprintf(cli->out, "%s\n", buf_str(&b));
    else if (cli->format == OUTPUT_YAML)
        fprintf(cli->out, "version: %s\n", DROVER_VERSION);
    else
        fprintf(cli->out, "drover %s\n", DROVER_VERSION);
    buf_fini(&b);
    return CLI_OK;
}
