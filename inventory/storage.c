/* SPDX-License-Identifier: MIT
 *
 * The kinds of storages, one table.
 */
#include "inventory/storage.h"

#include <string.h>

#include "base/err.h"

enum { FIELDS_MAX = 4 };

static const struct {
    const char *name, *wire;
    const char *need[FIELDS_MAX], *may[FIELDS_MAX]; /* NULL-terminated */
} kinds[STORAGE_KIND_COUNT] = {
    [STORAGE_LOCAL] = {"local", "other", {"path"}, {NULL}},
    [STORAGE_NFS] = {"nfs", "nfs", {"server", "path"}, {NULL}},
    [STORAGE_SMB] = {"smb", "samba", {"address"}, {NULL}},
    [STORAGE_S3] = {"s3", "other", {"endpoint", "bucket"}, {"prefix"}},
    [STORAGE_HDFS] = {"hdfs", "other", {"address", "path"}, {NULL}},
};

const char *storage_kind_name(enum storage_kind kind)
{
    return (unsigned)kind < STORAGE_KIND_COUNT ? kinds[kind].name : "";
}

enum storage_kind storage_kind_parse(const char *name)
{
    unsigned k = 0;
    while (k < STORAGE_KIND_COUNT && strcmp(kinds[k].name, name) != 0)
        k++;
    return (enum storage_kind)k;
}

const char *storage_kind_wire(enum storage_kind kind)
{
    return (unsigned)kind < STORAGE_KIND_COUNT ? kinds[kind].wire : "unknown";
}

int storage_check_name(const char *name, struct err *e)
{
    size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.");
    if (!n || n > STORAGE_NAME_MAX || name[n] || name[0] == '.')
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A storage's name has 1 to %d letters, digits, '_', '-' and '.', and no dot first.",
                       STORAGE_NAME_MAX);
    return 0;
}

bool storage_path_ok(const char *path)
{
    if (path[0] != '/' || !path[1] || strlen(path) > STORAGE_PATH_MAX)
        return false;
    for (const char *s = path; *s;) {
        size_t n = strcspn(s + 1, "/");
        if (!n || (n == 1 && s[1] == '.') || (n == 2 && s[1] == '.' && s[2] == '.'))
            return false;
        s += 1 + n;
    }
    return true;
}

static int check_member(const cJSON *data, const char *key, bool need, struct err *e)
{
    const char *text = NULL;
    if (json_get_string(data, key, &text, e))
        return -1;
    if (!text)
        return need ? err_set(e, ERR_INVALID_PARAMETERS, "\"data\" needs \"%s\".", key) : 0;
    if (!*text || strlen(text) > STORAGE_PATH_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" has 1 to %d bytes.", key, STORAGE_PATH_MAX);
    return 0;
}

int storage_check_data(enum storage_kind kind, const cJSON *data, struct err *e)
{
    const char *known[2 * FIELDS_MAX + 1] = {NULL};
    size_t n = 0;
    for (size_t i = 0; i < FIELDS_MAX && kinds[kind].need[i]; i++)
        known[n++] = kinds[kind].need[i];
    size_t needed = n;
    for (size_t i = 0; i < FIELDS_MAX && kinds[kind].may[i]; i++)
        known[n++] = kinds[kind].may[i];
    if (!cJSON_IsObject(data))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"data\" must be an object.");
    if (json_only_keys(data, known, e))
        return -1;
    for (size_t i = 0; i < n; i++)
        if (check_member(data, known[i], i < needed, e))
            return -1;
    const cJSON *path = cJSON_GetObjectItemCaseSensitive(data, "path");
    if (path && !storage_path_ok(path->valuestring))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"path\" must be an absolute path without \".\" and \"..\".");
    return 0;
}
