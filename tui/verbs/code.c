/* SPDX-License-Identifier: MIT
 *
 * Code on its way to the server, and back. The archive of a folder is made in an unnamed temporary file, so that its
 * length is known and memory does not matter.
 */
#include "tui/verbs/code.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/tarball.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/verbs/verbs.h"

static size_t code_read(void *ctx, char *out, size_t room)
{
    ssize_t n;

    do
        n = read(*(int *)ctx, out, room);
    while (n < 0 && errno == EINTR);
    return n < 0 ? CURL_READFUNC_ABORT : (size_t)n;
}

/* An unnamed file in TMPDIR. -1 with `e`. */
static int code_temporary(struct cli *cli, struct err *e)
{
    const char *dir = getenv("TMPDIR");
    char *name = arena_printf(cli->arena, "%s/drover-code-XXXXXX", dir && *dir ? dir : "/tmp");
    int fd = name ? mkostemp(name, O_CLOEXEC) : -1;

    if (fd < 0)
        return err_errno(e, errno, "cannot make a temporary file in %s", dir && *dir ? dir : "/tmp");
    (void)unlink(name);
    return fd;
}

/* The archive to send, to be read from its start. -1 with `e`. */
static int code_open(struct cli *cli, const char *path, struct err *e)
{
    struct tarball found;
    struct stat st;
    int fd;

    if (stat(path, &st))
        return err_errno(e, errno, "%s", path);
    if (!S_ISDIR(st.st_mode)) {
        fd = open(path, O_RDONLY | O_CLOEXEC);
        return fd < 0 ? err_errno(e, errno, "%s", path) : fd;
    }
    fd = code_temporary(cli, e);
    if (fd < 0)
        return -1;
    if (!tarball_write(path, fd, &found, e) && lseek(fd, 0, SEEK_SET) == 0)
        return fd;
    (void)err_wrap(e, "%s", path);
    (void)close(fd);
    return -1;
}

const char *code_send(struct cli *cli, const char *path, struct err *e)
{
    int fd = code_open(cli, path, e);
    struct transfer_request r = {
        .method = "POST", .path = "/api/v2/code", .type = "application/x-tar", .source = code_read, .source_ctx = &fd};
    const char *id = NULL;
    struct buf reply;
    struct stat st;
    cJSON *value = NULL;

    if (fd < 0)
        return NULL;
    buf_init(&reply, 65536);
    if (fstat(fd, &st))
        (void)err_errno(e, errno, "%s", path);
    else {
        r.source_len = st.st_size;
        if (!client_call(&cli->server, &r, &reply, e))
            value = json_parse(buf_str(&reply), reply.len, 0, e);
    }
    if (value && json_get_string(value, "id", &id, e))
        id = NULL;
    id = id ? arena_strdup(cli->arena, id) : NULL;
    cJSON_Delete(value);
    buf_fini(&reply);
    (void)close(fd);
    return id;
}

/* ---- the verb ---- */

static const struct table_column code_columns[] = {
    {"PATH", "path", 0, 12, false},
    {"TYPE", "type", 1, 0, false},
    {"SIZE", "size", 0, 0, true},
};

static int code_print(struct cli *cli, const cJSON *reply)
{
    const cJSON *files = cJSON_GetObjectItemCaseSensitive(reply, "files"), *entry;
    struct output *o = output_create(cli->arena, code_columns, 3, (size_t)cJSON_GetArraySize(files));
    size_t row = 0;
    int status;

    cJSON_ArrayForEach(entry, files)
    {
        const char *path = "", *type = "";
        char text[FORMAT_SIZE];
        int64_t size = 0;

        (void)json_get_string(entry, "path", &path, NULL);
        (void)json_get_string(entry, "type", &type, NULL);
        (void)json_get_int(entry, "size", &size, NULL);
        if (!o)
            break;
        output_cell(o, row, 0, arena_strdup(cli->arena, path), COLOUR_DEFAULT);
        output_cell(o, row, 1, arena_strdup(cli->arena, type), COLOUR_DEFAULT);
        if (!strcmp(type, "file"))
            output_cell(o, row, 2,
                        cli->format == OUTPUT_CSV ? arena_printf(cli->arena, "%lld", (long long)size)
                                                  : arena_strdup(cli->arena, format_bytes(size, text)),
                        COLOUR_DEFAULT);
        row++;
    }
    status = cli_table(cli, o);
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "truncated")))
        cli_say(cli, cli->err, "drover: There are more than these.\n");
    return status;
}

static int code_list(struct cli *cli, const char *full, struct err *e)
{
    bool printed = false;
    cJSON *reply = cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/code/files", full), &printed, e);
    int status = !reply || printed ? CLI_OK : code_print(cli, reply);

    cJSON_Delete(reply);
    return status;
}

/* An archive that is being written. */
struct code_copying {
    int fd;
    bool broken;
};

static size_t code_take(void *ctx, const char *bytes, size_t len)
{
    struct code_copying *c = ctx;

    c->broken = fs_write_all(c->fd, bytes, len) != 0;
    return c->broken ? 0 : len;
}

/* Copies the archive to a file; "-" is standard output. 0 or -1. */
static int code_copy(struct cli *cli, const char *full, const char *to, struct err *e)
{
    bool out = !strcmp(to, "-");
    struct code_copying c = {.fd = out ? STDOUT_FILENO : open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666)};
    struct transfer_request r = {.method = "GET", .sink = code_take, .ctx = &c};
    int rc;

    if (c.fd < 0)
        return err_errno(e, errno, "cannot write %s", to);
    r.path = cli_path(cli, "/api/v2/jobs/%s/code", full);
    rc = r.path ? client_call(&cli->server, &r, NULL, e) : err_set(e, ERR_INTERNAL, "Out of memory.");
    if (rc && c.broken)
        (void)err_errno(e, errno, "cannot write %s", to);
    if (!out && close(c.fd) && !rc)
        rc = err_errno(e, errno, "cannot write %s", to);
    if (rc && !out)
        (void)unlink(to); /* half an archive is worse than none */
    return rc;
}

int code_run(struct cli *cli)
{
    const char *to = cli->args.rest_count > 1 ? cli->args.rest[1] : NULL, *full = NULL;
    struct err e = {0};
    int status = CLI_OK;

    if (!cli_connect(cli, &e))
        full = cli_full_name(cli, cli->args.rest[0], &e);
    if (full && to)
        (void)code_copy(cli, full, to, &e);
    else if (full)
        status = code_list(cli, full, &e);
    return e.code ? cli_fail(cli, NULL, &e) : status;
}
