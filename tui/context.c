/* SPDX-License-Identifier: MIT
 *
 * The context file and the token files. A token file that others may read is refused, as ssh does with keys: a leaked
 * token is a leaked account.
 */
#include "tui/context.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/fs.h"

#define CONTEXT_MAX 64

const char *context_folder(struct arena *a, struct err *e)
{
    const char *config = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");

    if (config && config[0] == '/')
        return arena_printf(a, "%s/drover", config);
    if (home && home[0] == '/')
        return arena_printf(a, "%s/.config/drover", home);
    (void)err_set(e, ERR_INVALID_PARAMETERS,
                  "Neither XDG_CONFIG_HOME nor HOME is set, so there is no place for "
                  "contexts; set DROVER_URL and DROVER_TOKEN instead.");
    return NULL;
}

int context_check_name(const char *name, struct err *e)
{
    size_t len = strlen(name);

    if (len < 1 || len > 64 || name[0] == '.' ||
        strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:-") != len)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "A context's name is 1 to 64 letters, digits and . _ : - , not \"%s\".", name);
    return 0;
}

static const char *context_text(const struct doc *map, const char *key)
{
    const struct doc *d = doc_get(map, key);

    return d && d->text && d->type != DOC_NULL ? d->text : "";
}

static int context_decode(struct arena *a, const struct doc *root, struct context_list *out, struct err *e)
{
    const struct doc *map = doc_get(root, "contexts");

    out->current = arena_strdup(a, context_text(root, "currentContext"));
    out->items = arena_calloc(a, CONTEXT_MAX + 1, sizeof *out->items);
    if (!out->items || !out->current)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (const struct doc *d = map ? map->first : NULL; d; d = d->next) {
        if (out->count == CONTEXT_MAX)
            return err_set(e, ERR_INVALID_PARAMETERS, "More than %d contexts.", CONTEXT_MAX);
        if (!d->key || context_check_name(d->key, e))
            return err_at(e, d->key_line, d->key_column);
        out->items[out->count++] =
            (struct context){.name = d->key, .url = context_text(d, "url"), .user = context_text(d, "user")};
    }
    return 0;
}

int context_read(struct arena *a, struct context_list *out, struct err *e)
{
    const char *folder = context_folder(a, e);
    const char *path = folder ? arena_printf(a, "%s/config.yaml", folder) : NULL;
    struct buf text;
    struct doc *root;
    int rc = -1;

    *out = (struct context_list){.current = ""};
    if (!path)
        return -1;
    if (access(path, F_OK) && errno == ENOENT) {
        out->items = arena_calloc(a, CONTEXT_MAX + 1, sizeof *out->items);
        return out->items ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    buf_init(&text, 1 << 18);
    if (!fs_read(path, 1 << 17, &text, e)) {
        root = doc_parse_yaml(a, buf_str(&text), text.len, NULL, e);
        rc = root ? context_decode(a, root, out, e) : -1;
        if (rc)
            err_wrap(e, "%s", path);
    }
    buf_fini(&text);
    return rc;
}

static struct doc *context_node(struct arena *a, struct doc *parent, const char *key, const char *text)
{
    struct doc *d = arena_alloc(a, sizeof *d);
    struct doc **end = &parent->first;

    if (!d)
        return NULL;
    *d = (struct doc){.type = text ? DOC_STRING : DOC_MAP, .key = key, .text = text};
    d->text_len = text ? strlen(text) : 0;
    while (*end)
        end = &(*end)->next;
    *end = d;
    parent->count++;
    return d;
}

int context_write(struct arena *a, const struct context_list *list, struct err *e)
{
    const char *folder = context_folder(a, e);
    char *slash = folder ? strrchr(folder, '/') : NULL;
    struct doc root = {.type = DOC_MAP};
    struct doc *map;
    struct buf text;
    int rc;

    if (!folder)
        return -1;
    *slash = '\0'; /* the folder above may be missing too */
    rc = fs_mkdir(folder, 0700, e);
    *slash = '/';
    if (rc || fs_mkdir(folder, 0700, e))
        return -1;
    buf_init(&text, 1 << 18);
    (void)context_node(a, &root, "currentContext", list->current);
    map = context_node(a, &root, "contexts", NULL);
    for (size_t i = 0; map && i < list->count; i++) {
        struct doc *item = context_node(a, map, list->items[i].name, NULL);

        if (item)
            (void)context_node(a, item, "url", list->items[i].url);
        if (item)
            (void)context_node(a, item, "user", list->items[i].user);
    }
    rc = !map || doc_write_yaml(&text, &root) || text.bad ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
    if (!rc)
        rc = fs_write_atomic(arena_printf(a, "%s/config.yaml", folder), buf_str(&text), text.len, 0600, e);
    buf_fini(&text);
    return rc;
}

struct context *context_find(const struct context_list *list, const char *name)
{
    for (size_t i = 0; i < list->count; i++) {
        if (!strcmp(list->items[i].name, name))
            return &list->items[i];
    }
    return NULL;
}

static int context_write_token(struct arena *a, const char *name, const char *token, struct err *e)
{
    const char *folder = context_folder(a, e);
    const char *tokens = folder ? arena_printf(a, "%s/tokens", folder) : NULL;
    const char *path = tokens ? arena_printf(a, "%s/%s", tokens, name) : NULL;

    if (!path || fs_mkdir(tokens, 0700, e))
        return -1;
    if (token)
        return fs_write_atomic(path, token, strlen(token), 0600, e);
    if (unlink(path) && errno != ENOENT)
        return err_errno(e, errno, "Cannot remove %s", path);
    return 0;
}

int context_store(struct arena *a, const struct context *c, struct err *e)
{
    struct context_list list;
    struct context *slot;

    if (context_check_name(c->name, e) || context_read(a, &list, e))
        return -1;
    slot = context_find(&list, c->name);
    if (!slot && list.count == CONTEXT_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "There are %d contexts already.", CONTEXT_MAX);
    if (!slot)
        slot = &list.items[list.count++];
    *slot = *c;
    list.current = c->name;
    if (context_write(a, &list, e))
        return -1;
    return context_write_token(a, c->name, c->token, e);
}

static int context_read_token(struct arena *a, const char *name, const char **token, struct err *e)
{
    const char *folder = context_folder(a, e);
    const char *path = folder ? arena_printf(a, "%s/tokens/%s", folder, name) : NULL;
    struct stat st;
    struct buf text;
    int rc = 0;

    *token = NULL;
    if (!path)
        return -1;
    if (lstat(path, &st))
        return errno == ENOENT ? 0 : err_errno(e, errno, "Cannot read %s", path);
    if (st.st_mode & 077)
        return err_set(e, ERR_UNAUTHORIZED, "Others may read the token in %s; run: chmod 600 %s", path, path);
    buf_init(&text, 8192);
    if (fs_read(path, 4096, &text, e))
        rc = -1;
    else
        *token = arena_strndup(a, buf_str(&text), strcspn(buf_str(&text), "\r\n"));
    buf_fini(&text);
    return rc;
}

static const char *context_env(const char *name)
{
    const char *value = getenv(name);

    return value && *value ? value : NULL;
}

/* The context by the environment's URL alone; a stored token of the same address is used when none is given. */
static int context_from_url(struct arena *a, const char *url, struct context *out, struct err *e)
{
    struct context_list list;

    *out = (struct context){.name = url, .url = url, .user = "", .token = context_env("DROVER_TOKEN")};
    if (out->token || context_read(a, &list, NULL))
        return 0;
    for (size_t i = 0; i < list.count; i++) {
        if (!strcmp(list.items[i].url, url)) {
            *out = list.items[i];
            return context_read_token(a, out->name, &out->token, e);
        }
    }
    return 0;
}

int context_load(struct arena *a, const char *wanted, struct context *out, struct err *e)
{
    const char *url = context_env("DROVER_URL");
    const char *name = wanted ? wanted : context_env("DROVER_CONTEXT");
    struct context_list list;
    struct context *found;

    if (!wanted && url)
        return context_from_url(a, url, out, e);
    if (context_read(a, &list, e))
        return -1;
    if (!name)
        name = list.current;
    found = context_find(&list, name);
    if (!found && *name)
        return err_set(e, ERR_INVALID_PARAMETERS, "There is no context \"%s\"; see: drover context list", name);
    if (!found)
        return err_set(e, ERR_UNAUTHORIZED, "You are not logged in; run: drover login URL -u NAME");
    *out = *found;
    out->token = context_env("DROVER_TOKEN");
    return out->token ? 0 : context_read_token(a, out->name, &out->token, e);
}
