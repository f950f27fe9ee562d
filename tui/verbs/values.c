/* SPDX-License-Identifier: MIT
 *
 * Texts of options that stand for more than a word or a number.
 */
#include "tui/verbs/values.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/password.h"

enum { FILE_MAX = 512 << 10, DAY_MS = 24 * 3600 * 1000 };

cJSON *values_list(struct cli *cli, const char *text)
{
    cJSON *list = cJSON_CreateArray();

    while (list && *text) {
        size_t n = strcspn(text, ",");
        const char *item = arena_strndup(cli->arena, text, n);

        if (n)
            (void)cJSON_AddItemToArray(list, cJSON_CreateString(item ? item : ""));
        text += n + (text[n] == ',');
    }
    return list;
}

cJSON *values_gpus(struct cli *cli, const char *text, struct err *e)
{
    cJSON *list = cJSON_CreateArray();

    while (list && *text) {
        size_t n = strcspn(text, ",");
        char *item = arena_strndup(cli->arena, text, n), *end = NULL;
        char *mark = item ? strchr(item, '=') : NULL;
        cJSON *row = cJSON_CreateObject();
        long count = mark ? strtol(mark + 1, &end, 10) : -1;

        (void)cJSON_AddItemToArray(list, row);
        if (!mark || mark == item || count < 0 || end == mark + 1 || *end) {
            (void)err_set(e, ERR_INVALID_PARAMETERS, "--gpus takes SKU=COUNT, separated by commas, not \"%.*s\".",
                          (int)n, text);
            cJSON_Delete(list);
            return NULL;
        }
        *mark = '\0';
        (void)cJSON_AddStringToObject(row, "sku", item);
        (void)cJSON_AddNumberToObject(row, "gpus", (double)count);
        text += n + (text[n] == ',');
    }
    return list;
}

cJSON *values_file(const char *path, struct err *e)
{
    cJSON *value = NULL;
    struct buf b;

    if (!strcmp(path, "none"))
        return cJSON_CreateNull();
    buf_init(&b, FILE_MAX);
    if (!fs_read(path, FILE_MAX, &b, e))
        value = json_parse(buf_str(&b), b.len, FILE_MAX, e);
    buf_fini(&b);
    if (!value)
        (void)err_wrap(e, "%s", path);
    return value;
}

/* "90m": milliseconds; -1: it is none, or too long. */
static int64_t read_span(const char *text)
{
    static const struct {
        char unit;
        int64_t ms;
    } units[] = {{'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    char *end = NULL;
    long n = *text >= '0' && *text <= '9' ? strtol(text, &end, 10) : -1;

    for (size_t i = 0; n >= 0 && n < 1000000 && i < sizeof units / sizeof *units; i++)
        if (*end == units[i].unit && !end[1])
            return n * units[i].ms;
    return -1;
}

cJSON *values_moment(const char *option, const char *text, struct err *e)
{
    struct tm tm = {0};
    int64_t span = *text == '+' ? read_span(text + 1) : strcmp(text, "now") != 0 ? -1 : 0;
    const char *end = span < 0 ? strptime(text, "%Y-%m-%d %H:%M", &tm) : NULL;
    time_t at = end && !*end ? timegm(&tm) : -1;

    if (span >= 0)
        return cJSON_CreateNumber((double)(clock_read().wall + span));
    if (at < 0) {
        err_set(e, ERR_INVALID_PARAMETERS, "--%s: %.40s is no time like \"2026-12-01 08:00\" (UTC), +2h or now.",
                option, text);
        return NULL;
    }
    return cJSON_CreateNumber((double)at * 1000);
}

cJSON *values_secret(struct cli *cli, const char *option, const char *asks, struct err *e)
{
    cJSON *value = NULL;
    struct buf b;

    buf_init(&b, PASSWORD_MAX);
    if (!password_read(cli, option, asks, &b, e))
        value = cJSON_CreateString(buf_str(&b));
    if (b.data)
        explicit_bzero(b.data, b.len);
    buf_fini(&b);
    return value;
}

cJSON *values_days(struct cli *cli, const char *option, int64_t least, struct err *e)
{
    int64_t n = 0;

    if (args_int(&cli->args, option, (int64_t[2]){least, 36500}, &n, e))
        return NULL;
    return n ? cJSON_CreateNumber((double)(clock_read().wall + n * DAY_MS)) : cJSON_CreateNull();
}

cJSON *values_number(struct cli *cli, const char *option, const int64_t bounds[3], struct err *e)
{
    int64_t n = 0;

    if (args_int(&cli->args, option, (int64_t[2]){bounds[0], bounds[1]}, &n, e))
        return NULL;
    return cJSON_CreateNumber((double)(n * bounds[2]));
}
