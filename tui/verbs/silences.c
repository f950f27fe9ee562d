/* SPDX-License-Identifier: MIT
 *
 * The verbs about silences that need more than a row of a table: silence add, silence list. silence expire is one of
 * change.c.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/verbs.h"

enum { HOUR_MS = 3600 * 1000, HOURS_MAX = 24 * 365 };

static const struct table_column silence_columns[] = {
    {"ID", "id", 0, 36, false},    {"STATE", "state", 0, 0, false}, {"MATCHERS", "matchers", 0, 12, false},
    {"ENDS", "ends", 1, 0, false}, {"BY", "by", 2, 6, false},       {"COMMENT", "comment", 2, 8, false},
};

static const char *silence_text(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return s ? s : "";
}

static bool silence_flag(const cJSON *m, const char *key, bool usual)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(m, key);

    return cJSON_IsBool(v) ? cJSON_IsTrue(v) : usual;
}

/* `alertname="GpuLost" node_name=~"n.*"`. */
static const char *silence_matchers(struct cli *cli, const cJSON *list)
{
    static const char *const operators[2][2] = {{"!=", "!~"}, {"=", "=~"}};
    const char *all = "";
    const cJSON *m;

    cJSON_ArrayForEach(m, list)
    {
        const char *op = operators[silence_flag(m, "isEqual", true)][silence_flag(m, "isRegex", false)];
        const char *more = all ? arena_printf(cli->arena, "%s%s%s%s\"%s\"", all, *all ? " " : "",
                                              silence_text(m, "name"), op, silence_text(m, "value"))
                               : NULL;
        all = more;
    }
    return all;
}

/* ---- list ---- */

static int silence_print(struct cli *cli, const cJSON *list)
{
    size_t columns = sizeof silence_columns / sizeof *silence_columns, row = 0;
    struct output *o = output_create(cli->arena, silence_columns, columns, (size_t)cJSON_GetArraySize(list));
    const cJSON *s;

    cJSON_ArrayForEach(s, list)
    {
        const char *cells[] = {
            silence_text(s, "id"),
            silence_text(cJSON_GetObjectItemCaseSensitive(s, "status"), "state"),
            silence_matchers(cli, cJSON_GetObjectItemCaseSensitive(s, "matchers")),
            silence_text(s, "endsAt"),
            silence_text(s, "createdBy"),
            silence_text(s, "comment"),
        };

        for (size_t c = 0; o && c < columns; c++)
            output_cell(o, row, c, cells[c], COLOUR_DEFAULT);
        row++;
    }
    return cli_table(cli, o);
}

int silences_list_run(struct cli *cli)
{
    bool printed = false;
    struct err e = {0};
    cJSON *list = cli_connect(cli, &e) ? NULL : cli_get(cli, "/api/v2/silences", &printed, &e);
    int rc;

    if (!list)
        return cli_fail(cli, NULL, &e);
    rc = printed ? CLI_OK : silence_print(cli, list);
    cJSON_Delete(list);
    return rc;
}

/* ---- add ---- */

/* `name="value"` as the API takes it: the server says what is wrong with a name or a value. 0 or -1. */
static int silence_matcher(struct json_out *j, const char *text, struct err *e)
{
    const size_t n = strcspn(text, "=!");
    const char *op = text + n, *value = op[0] ? op + (op[1] == '~' || op[0] == '!' ? 2 : 1) : op;
    size_t len = strlen(value);

    if (!n || !op[0] || (op[0] == '!' && op[1] != '=' && op[1] != '~'))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.60s\" is no matcher: name=value, with =, !=, =~ or !~.", text);
    if (len >= 2 && value[0] == '"' && value[len - 1] == '"') {
        value++;
        len -= 2;
    }
    json_out_object(j);
    json_out_key(j, "name");
    json_out_string_n(j, text, n);
    json_out_key(j, "value");
    json_out_string_n(j, value, len);
    json_out_kbool(j, "isRegex", op[1] == '~');
    json_out_kbool(j, "isEqual", op[0] == '=');
    json_out_object_end(j);
    return 0;
}

static int silence_body(struct cli *cli, struct json_out *j, struct err *e)
{
    const char *hours = args_get(&cli->args, "hours"), *reason = args_get(&cli->args, "reason");
    char from[CLOCK_ISO_SIZE], to[CLOCK_ISO_SIZE], *end = NULL;
    const long n = hours ? strtol(hours, &end, 10) : 1;
    const int64_t now = clock_read().wall;

    if (n < 1 || n > HOURS_MAX || (hours && (!*hours || *end)))
        return err_set(e, ERR_INVALID_PARAMETERS, "--hours is a number from 1 to %d.", HOURS_MAX);
    if (!reason)
        return err_set(e, ERR_INVALID_PARAMETERS, "--reason says why nobody is to be told.");
    clock_iso(now, from);
    clock_iso(now + n * HOUR_MS, to);
    json_out_object(j);
    json_out_key(j, "matchers");
    json_out_array(j);
    for (int i = 0; i < cli->args.rest_count; i++)
        if (silence_matcher(j, cli->args.rest[i], e))
            return -1;
    json_out_array_end(j);
    json_out_kstring(j, "startsAt", from);
    json_out_kstring(j, "endsAt", to);
    json_out_kstring(j, "comment", reason);
    json_out_object_end(j);
    return 0;
}

int silences_add_run(struct cli *cli)
{
    struct transfer_request r = {.method = "POST", .path = "/api/v2/silences", .type = "application/json"};
    struct err e = {0};
    struct json_out j;
    struct buf body, raw;

    buf_init(&body, 65536);
    buf_init(&raw, 65536);
    json_out_init(&j, &body);
    int rc = cli_connect(cli, &e) || silence_body(cli, &j, &e) ? -1 : 0;
    if (!rc) {
        r.body = buf_str(&body);
        r.body_len = body.len;
        rc = client_call(&cli->server, &r, &raw, &e);
    }
    cJSON *answer = rc ? NULL : json_parse(buf_str(&raw), raw.len, 0, &e);
    buf_fini(&body);
    buf_fini(&raw);
    if (!answer)
        return cli_fail(cli, NULL, &e);
    cli_say(cli, cli->out, "%s\n", silence_text(answer, "silenceID"));
    cJSON_Delete(answer);
    return CLI_OK;
}
