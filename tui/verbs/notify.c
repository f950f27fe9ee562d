/* SPDX-License-Identifier: MIT
 *
 * Notifications: what one is told by mail, tests, and webhooks, whose secret is printed once.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/verbs.h"

#define SETTINGS "/api/v2/users/me/notifications"
#define WEBHOOK "/api/v2/users/me/webhooks/%s"

enum { WEEK_MIN = 7 * 24 * 60 };

/* ---- bodies ---- */

/* "a,b" or "none" of an option, as a list. */
static void put_list(struct cli *cli, struct json_out *j, const char *key, const char *text)
{
    const size_t end = strlen(text);
    json_out_key(j, key);
    json_out_array(j);
    for (size_t at = 0; strcmp(text, "none") != 0 && at < end;) {
        const size_t len = strcspn(text + at, ",");
        if (len)
            json_out_string(j, arena_strndup(cli->arena, text + at, len));
        at += len + 1;
    }
    json_out_array_end(j);
}

static int put_minutes(struct cli *cli, struct json_out *j, const char *option, const char *key, struct err *e)
{
    int64_t n = 0;
    if (!args_has(&cli->args, option))
        return 0;
    if (args_int(&cli->args, option, (int64_t[2]){0, WEEK_MIN}, &n, e))
        return -1;
    json_out_kint(j, key, n);
    return 0;
}

/* "22:00-07:00", "none". */
static int put_quiet(struct cli *cli, struct json_out *j, struct err *e)
{
    const char *text = args_get(&cli->args, "quiet"), *mark = text ? strchr(text, '-') : NULL;
    if (!text)
        return 0;
    json_out_key(j, "quietHours");
    if (!strcmp(text, "none")) {
        json_out_null(j);
        return 0;
    }
    if (!mark)
        return err_set(e, ERR_INVALID_PARAMETERS, "--quiet is written 22:00-07:00, or none.");
    json_out_object(j);
    json_out_kstring(j, "from", arena_strndup(cli->arena, text, (size_t)(mark - text)));
    json_out_kstring(j, "to", mark + 1);
    json_out_object_end(j);
    return 0;
}

static int settings_body(struct cli *cli, struct json_out *j, struct err *e)
{
    const char *mail = args_get(&cli->args, "mail"), *offset = args_get(&cli->args, "utc-offset");
    json_out_object(j);
    if (mail)
        put_list(cli, j, "mail", mail);
    if (offset)
        json_out_kstring(j, "utcOffset", offset);
    if (put_minutes(cli, j, "started-after", "startedAfterMinutes", e) ||
        put_minutes(cli, j, "digest", "digestMinutes", e) || put_quiet(cli, j, e))
        return -1;
    json_out_object_end(j);
    return 0;
}

static void webhook_body(struct cli *cli, struct json_out *j)
{
    const char *kinds = args_get(&cli->args, "kinds"), *shape = args_get(&cli->args, "shape");
    json_out_object(j);
    json_out_kstring(j, "url", cli->args.rest[1]);
    json_out_kstring(j, "shape", shape ? shape : "json");
    put_list(cli, j, "kinds", kinds ? kinds : "failed");
    json_out_kbool(j, "quietHours", args_has(&cli->args, "quiet"));
    json_out_kbool(j, "enabled", !args_has(&cli->args, "off"));
    json_out_kbool(j, "newSecret", args_has(&cli->args, "new-secret"));
    json_out_object_end(j);
}

/* ---- calls ---- */

/* The reply as JSON where that is wanted, else its secret on standard output or what was done. */
static int tell(struct cli *cli, const struct buf *reply, const char *done, struct err *e)
{
    const char *secret = NULL;
    if (cli->format == OUTPUT_JSON) {
        (void)fprintf(cli->out, "%s\n", buf_str(reply));
        return 0;
    }
    cJSON *o = json_parse(buf_str(reply), reply->len, 0, e);
    if (!o)
        return -1;
    secret = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, "secret"));
    if (secret && (output_foreign(&cli->term, secret, strlen(secret), cli->out) || fputc('\n', cli->out) == EOF))
        err_set(e, ERR_INTERNAL, "Cannot write the output.");
    cJSON_Delete(o);
    if (!e->code)
        cli_say(cli, cli->err, "%s\n", done);
    return e->code ? -1 : 0;
}

static int call(struct cli *cli, struct transfer_request *r, const char *done)
{
    struct err e = {0};
    struct buf reply;
    int status = CLI_OK;
    buf_init(&reply, TRANSFER_MAX_BODY + 1);
    r->body_len = r->body ? strlen(r->body) : 0;
    r->type = r->body ? "application/json" : NULL;
    if (cli_connect(cli, &e) || !r->path || client_call(&cli->server, r, &reply, &e) || tell(cli, &reply, done, &e))
        status = cli_fail(cli, NULL, &e);
    if (reply.data)
        explicit_bzero(reply.data, reply.len);
    buf_fini(&reply);
    return status;
}

int notify_set(struct cli *cli)
{
    struct transfer_request r = {.method = "PUT", .path = SETTINGS};
    struct json_out j;
    struct err e = {0};
    struct buf body;
    int status;
    buf_init(&body, 0);
    json_out_init(&j, &body);
    if (settings_body(cli, &j, &e)) {
        status = cli_usage(cli, "%s", e.text);
    } else {
        r.body = buf_str(&body);
        status = call(cli, &r, "Your notifications are set; drover notify show shows them.");
    }
    buf_fini(&body);
    return status;
}

int notify_test(struct cli *cli)
{
    const bool mail = cli->args.rest_count == 0;
    struct transfer_request r = {.method = "POST"};
    r.path = mail ? SETTINGS "/test" : cli_path(cli, WEBHOOK "/test", cli->args.rest[0]);
    return call(cli, &r,
                mail ? "A mail is on its way." : "A test is on its way; drover webhook log says what came of it.");
}

int notify_webhook(struct cli *cli)
{
    struct transfer_request r = {.method = "PUT"};
    struct json_out j;
    struct buf body;
    buf_init(&body, 0);
    json_out_init(&j, &body);
    webhook_body(cli, &j);
    r.path = cli_path(cli, WEBHOOK, cli->args.rest[0]);
    r.body = buf_str(&body);
    const int status = call(cli, &r, "The webhook is set.");
    buf_fini(&body);
    return status;
}
