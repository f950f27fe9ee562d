/* SPDX-License-Identifier: MIT
 *
 * Texts of options that stand for more than a word or a number.
 */
#include "tui/verbs/values.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cli.h"

enum { FILE_MAX = 512 << 10 };

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
