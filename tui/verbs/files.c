/* SPDX-License-Identifier: MIT
 *
 * files and cp: what a task left in its working folder. The server's names are used as names only: one step each, and
 * below a folder that is open, so that no listing can make us write elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/verbs/logs.h"
#include "tui/verbs/verbs.h"

#define FILES_DEPTH 32

/* The task attempt whose files are meant: the start of its path in the API. NULL with `e`. */
static const char *files_place(struct cli *cli, const char *name, struct err *e)
{
    struct logs_choice c;
    struct model_detail d;
    const struct model_task *t;
    const char *path;

    if (logs_choose(cli, &c, e) || cli_connect(cli, e))
        return NULL;
    c.full = cli_full_name(cli, name, e);
    t = c.full ? logs_pick(cli, &c, &d, e) : NULL;
    if (!t)
        return NULL;
    path = logs_attempt_path(cli, &c, &d, t);
    if (!path)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    return path;
}

/* place + route + "?path=" + escaped path, in the arena; NULL when out of memory. */
static const char *files_url(struct cli *cli, const char *place, const char *route, const char *path)
{
    struct buf b;
    const char *url;

    buf_init(&b, 0);
    (void)buf_addf(&b, "%s/%s?path=", place, route);
    transfer_escape(&b, path);
    url = b.bad ? NULL : arena_strdup(cli->arena, buf_str(&b));
    buf_fini(&b);
    return url;
}

/* ---- files ---- */

static const struct table_column files_columns[] = {
    {"NAME", "name", 0, 12, false},
    {"TYPE", "type", 1, 0, false},
    {"SIZE", "size", 0, 0, true},
    {"MODIFIED", "modified", 1, 0, false},
};

static const char *files_size(struct cli *cli, const cJSON *entry)
{
    char text[FORMAT_SIZE];
    int64_t size = 0;

    (void)json_get_int(entry, "size", &size, NULL);
    if (cli->format == OUTPUT_CSV)
        return arena_printf(cli->arena, "%lld", (long long)size);
    return arena_strdup(cli->arena, format_bytes(size, text));
}

static int files_print(struct cli *cli, const cJSON *reply)
{
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(reply, "files");
    const cJSON *entry;
    size_t columns = sizeof files_columns / sizeof *files_columns, row = 0;
    struct output *o = output_create(cli->arena, files_columns, columns, (size_t)cJSON_GetArraySize(files));
    int64_t now = clock_read().wall;
    int status;

    cJSON_ArrayForEach(entry, files)
    {
        const char *name = "", *type = "";
        int64_t at = 0;

        (void)json_get_string(entry, "name", &name, NULL);
        (void)json_get_string(entry, "type", &type, NULL);
        (void)json_get_int(entry, "modifiedTime", &at, NULL);
        bool folder = !strcmp(type, "folder");
        const char *cells[] = {arena_printf(cli->arena, "%s%s", name, folder ? "/" : ""), type,
                               folder ? NULL : files_size(cli, entry), cli_time(cli, now, at)};

        for (size_t c = 0; o && c < columns; c++)
            output_cell(o, row, c, cells[c], COLOUR_DEFAULT);
        row++;
    }
    status = cli_table(cli, o);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "truncated")))
        cli_say(cli, cli->err, "drover: There are more than these.\n");
    return status;
}

int files_list(struct cli *cli)
{
    const char *folder = cli->args.rest_count > 1 ? cli->args.rest[1] : "";
    const char *place, *url;
    struct err e = {0};
    bool printed = false;
    cJSON *reply;
    int status;

    place = files_place(cli, cli->args.rest[0], &e);
    if (!place)
        return cli_fail(cli, NULL, &e);
    url = files_url(cli, place, "files", folder);
    reply = url ? cli_get(cli, url, &printed, &e) : NULL;
    if (!reply)
        return cli_fail(cli, NULL, &e);
    status = printed ? CLI_OK : files_print(cli, reply);
    cJSON_Delete(reply);
    return status;
}

/* ---- cp ---- */

/* A copy under way. */
struct files_copying {
    struct cli *cli;
    const char *place;
    int fd;      /* of the file that is being written */
    bool broken; /* it cannot be written */
};

static size_t files_take(void *ctx, const char *bytes, size_t len)
{
    struct files_copying *c = ctx;

    c->broken = fs_write_all(c->fd, bytes, len) != 0;
    return c->broken ? 0 : len;
}

/* Writes the file `path` to the descriptor. 0 or -1. */
static int files_fetch(struct files_copying *c, const char *path, int fd, struct err *e)
{
    struct transfer_request r = {.method = "GET", .sink = files_take, .ctx = c};

    r.path = files_url(c->cli, c->place, "files/content", path);
    c->fd = fd;
    c->broken = false;
    if (!r.path)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (client_call(&c->cli->server, &r, NULL, e))
        return c->broken ? err_errno(e, errno, "cannot write %s", path) : -1;
    return 0;
}

/* Copies one file to `name` below the folder. 0 or -1. */
static int files_copy_file(struct files_copying *c, const char *path, int folder, const char *name, struct err *e)
{
    int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
    int rc;

    if (fd < 0)
        return err_errno(e, errno, "cannot write %s", name);
    rc = files_fetch(c, path, fd, e);
    if (close(fd) && rc == 0)
        rc = err_errno(e, errno, "cannot write %s", name);
    if (rc)
        (void)unlinkat(folder, name, 0); /* half a file is worse than none */
    return rc;
}

static int files_copy_folder(struct files_copying *c, const char *path, const cJSON *list, int folder, struct err *e);

/* One entry of a listing of the server's. 0 or -1. */
static int files_copy_entry(struct files_copying *c, const char *parent, const cJSON *entry, int folder, struct err *e)
{
    const char *name = "", *type = "", *path;
    int below, rc = -1;
    cJSON *list;

    if (json_get_string(entry, "name", &name, e) || json_get_string(entry, "type", &type, e))
        return -1;
    if (!*name || strchr(name, '/') || !strcmp(name, ".") || !strcmp(name, ".."))
        return err_set(e, ERR_INTERNAL, "The server lists a file with the name \"%.100s\".", name);
    path = *parent ? arena_printf(c->cli->arena, "%s/%s", parent, name) : name;
    if (!strcmp(type, "file"))
        return files_copy_file(c, path, folder, name, e);
    if (strcmp(type, "folder")) {
        cli_say(c->cli, c->cli->err, "drover: %s is no plain file; it is left out.\n", path);
        return 0;
    }
    if (mkdirat(folder, name, 0777) && errno != EEXIST)
        return err_errno(e, errno, "cannot make the folder %s", name);
    below = openat(folder, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (below < 0)
        return err_errno(e, errno, "cannot open the folder %s", name);
    list = cli_get(c->cli, files_url(c->cli, c->place, "files", path), NULL, e);
    if (list)
        rc = files_copy_folder(c, path, list, below, e);
    cJSON_Delete(list);
    (void)close(below);
    return rc;
}

/* What a listing of the folder `path` names, into `folder`. 0 or -1. */
static int files_copy_folder(struct files_copying *c, const char *path, const cJSON *list, int folder, struct err *e)
{
    const cJSON *entry;
    int depth = 0;

    for (const char *p = path; *p; p++)
        depth += *p == '/';
    if (depth > FILES_DEPTH)
        return err_set(e, ERR_TOO_LARGE, "%s lies deeper than %d folders.", path, FILES_DEPTH);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(list, "truncated")))
        cli_say(c->cli, c->cli->err, "drover: %s has more than the server lists; the rest is left out.\n", path);
    cJSON_ArrayForEach(entry, cJSON_GetObjectItemCaseSensitive(list, "files"))
    {
        if (files_copy_entry(c, path, entry, folder, e))
            return -1;
    }
    return 0;
}

/* The last step of a path. */
static const char *files_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* Opens where the copy goes: the folder, and the name in it. -1 with `e`. */
static int files_target(const char *to, const char *path, const char **name, struct err *e)
{
    struct stat st;
    int fd;

    *name = files_name(path);
    if (stat(to, &st) == 0 && S_ISDIR(st.st_mode))
        fd = open(to, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    else {
        *name = to;
        fd = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    }
    return fd < 0 ? err_errno(e, errno, "cannot open %s", to) : fd;
}

static int files_copy_to(struct files_copying *c, const char *path, const char *to, struct err *e)
{
    const char *name;
    cJSON *list;
    int folder, below, rc = -1;

    if (!strcmp(to, "-"))
        return fflush(c->cli->out) ? -1 : files_fetch(c, path, STDOUT_FILENO, e);
    folder = files_target(to, path, &name, e);
    if (folder < 0)
        return -1;
    /* A folder is what can be listed. */
    list = cli_get(c->cli, files_url(c->cli, c->place, "files", path), NULL, e);
    if (!list && e->code == ERR_NO_FILE) {
        *e = (struct err){0};
        rc = files_copy_file(c, path, folder, name, e);
    } else if (list && *name && mkdirat(folder, name, 0777) && errno != EEXIST) {
        err_errno(e, errno, "cannot make the folder %s", name);
    } else if (list) {
        below = openat(folder, *name ? name : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        rc = below < 0 ? err_errno(e, errno, "cannot open the folder %s", name)
                       : files_copy_folder(c, path, list, below, e);
        if (below >= 0)
            (void)close(below);
    }
    cJSON_Delete(list);
    (void)close(folder);
    return rc;
}

int files_copy(struct cli *cli)
{
    struct files_copying c = {.cli = cli};
    const char *from = cli->args.rest[0], *colon = strchr(from, ':');
    const char *to = cli->args.rest_count > 1 ? cli->args.rest[1] : ".";
    struct err e = {0};
    char *path;
    size_t len;

    if (!colon || colon == from)
        return cli_usage(cli, "What to copy is named NAME:PATH, not \"%s\".", from);
    path = arena_strdup(cli->arena, colon + 1);
    from = arena_strndup(cli->arena, from, (size_t)(colon - from));
    if (!path || !from)
        return CLI_FAILED;
    for (len = strlen(path); len && path[len - 1] == '/'; len--)
        path[len - 1] = '\0';
    c.place = files_place(cli, from, &e);
    if (!c.place || files_copy_to(&c, path, to, &e))
        return cli_fail(cli, NULL, &e);
    return CLI_OK;
}
