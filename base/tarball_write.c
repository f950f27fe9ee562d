/* SPDX-License-Identifier: MIT
 *
 * Writing: a folder, its entries sorted by name, owners left out. Patterns of .droverignore are matched by libarchive,
 * against the path below the folder and against each name in it.
 */
#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/tarball.h"

enum { CHUNK = 64 * 1024, IGNORE_MAX = 64 * 1024 };

struct packing {
    struct archive *archive, *ignored;
    struct tarball found;
    char *chunk;
    char path[TARBALL_PATH_MAX + 1];
};

static int pack_folder(struct packing *p, int dir, size_t len, struct err *e);

static int failed(const struct packing *p, struct err *e)
{
    const char *why = archive_error_string(p->archive);

    if (archive_errno(p->archive) == ENOSPC)
        return err_set(e, ERR_NO_SPACE, "No space is left for the archive.");
    return err_set(e, ERR_INTERNAL, "cannot pack \"%.200s\": %.150s", p->path, why ? why : "unknown");
}

/* Lines of .droverignore; blank ones and comments are none. */
static int read_ignored(const struct packing *p, const char *folder, struct err *e)
{
    struct buf path, text;
    int rc = 0;

    buf_init(&path, PATH_MAX);
    buf_init(&text, IGNORE_MAX);
    (void)buf_addf(&path, "%s/.droverignore", folder);
    if (archive_match_exclude_pattern(p->ignored, ".git") != ARCHIVE_OK)
        rc = err_set(e, ERR_INTERNAL, "Out of memory.");
    else if (!access(buf_str(&path), F_OK))
        rc = fs_read(buf_str(&path), IGNORE_MAX, &text, e);
    if (rc == 0 && text.len) {
        char *next, *line = strtok_r(text.data, "\r\n", &next);

        for (; line && rc == 0; line = strtok_r(NULL, "\r\n", &next)) {
            size_t len = strlen(line);

            while (len && line[len - 1] == '/')
                line[--len] = '\0';
            if (len && *line != '#' && archive_match_exclude_pattern(p->ignored, line) != ARCHIVE_OK)
                rc = err_set(e, ERR_INVALID_PARAMETERS, "%s: bad pattern \"%.100s\"", buf_str(&path), line);
        }
    }
    buf_fini(&text);
    buf_fini(&path);
    return rc;
}

static int pack_bytes(struct packing *p, int fd, int64_t size, struct err *e)
{
    while (size > 0) {
        ssize_t n = read(fd, p->chunk, CHUNK);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return err_set(e, ERR_INTERNAL, "\"%.200s\" became shorter while it was read", p->path);
        if (n > size)
            n = (ssize_t)size; /* it grows: what was there at first goes in */
        if (archive_write_data(p->archive, p->chunk, (size_t)n) != n)
            return failed(p, e);
        size -= n;
    }
    return 0;
}

/* The header, made of the file's. */
static int pack_header(struct packing *p, const struct stat *st, const char *target, struct err *e)
{
    struct archive_entry *entry = archive_entry_new();
    int rc = -1;

    if (!entry)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    archive_entry_copy_pathname(entry, p->path);
    archive_entry_set_filetype(entry, st->st_mode & S_IFMT);
    archive_entry_set_perm(entry, st->st_mode & 0777);
    archive_entry_set_mtime(entry, st->st_mtim.tv_sec, 0);
    archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
    if (target)
        archive_entry_copy_symlink(entry, target);
    rc = archive_write_header(p->archive, entry);
    archive_entry_free(entry);
    p->found.entries++;
    if (p->found.entries > TARBALL_ENTRIES_MAX)
        return err_set(e, ERR_TOO_LARGE, "The folder has more than %u entries.", TARBALL_ENTRIES_MAX);
    return rc == ARCHIVE_OK || rc == ARCHIVE_WARN ? 0 : failed(p, e);
}

static int pack_file(struct packing *p, int dir, const char *name, struct err *e)
{
    struct stat st;
    int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    int rc = -1;

    if (fd < 0 || fstat(fd, &st))
        (void)err_errno(e, errno, "cannot read \"%.200s\"", p->path);
    else if (!pack_header(p, &st, NULL, e))
        rc = pack_bytes(p, fd, st.st_size, e);
    if (rc == 0)
        p->found.bytes += st.st_size;
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int pack_link(struct packing *p, int dir, const char *name, const struct stat *st, struct err *e)
{
    char target[TARBALL_PATH_MAX + 1];
    ssize_t n = readlinkat(dir, name, target, sizeof(target) - 1);

    if (n < 0)
        return err_errno(e, errno, "cannot read the link \"%.200s\"", p->path);
    target[n] = '\0';
    return pack_header(p, st, target, e);
}

/* The entry `name` of the open folder whose path takes up `len` bytes of p->path. */
static int pack_entry(struct packing *p, int dir, size_t len, const char *name, struct err *e)
{
    const char *slash = len ? "/" : "";
    size_t more = strlen(slash) + strlen(name);
    struct archive_entry *probe;
    struct stat st;
    bool out;
    int rc;

    if (len + more > TARBALL_PATH_MAX)
        return err_set(e, ERR_TOO_LARGE, "\"%.200s/%.100s\" has too long a path", p->path, name);
    memcpy(p->path + len, slash, strlen(slash));
    memcpy(p->path + len + strlen(slash), name, strlen(name) + 1);
    probe = archive_entry_new();
    if (!probe)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    archive_entry_copy_pathname(probe, p->path);
    out = archive_match_path_excluded(p->ignored, probe) == 1;
    archive_entry_free(probe);
    if (out)
        return 0;
    if (fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW))
        return err_errno(e, errno, "cannot read \"%.200s\"", p->path);
    if (S_ISREG(st.st_mode))
        return pack_file(p, dir, name, e);
    if (S_ISLNK(st.st_mode))
        return pack_link(p, dir, name, &st, e);
    if (!S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%.200s\" is no file, folder or link; name it in .droverignore",
                       p->path);
    rc = pack_header(p, &st, NULL, e);
    if (rc == 0) {
        int below = openat(dir, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        rc = below < 0 ? err_errno(e, errno, "cannot read \"%.200s\"", p->path) : pack_folder(p, below, len + more, e);
    }
    return rc;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Names of the folder's entries; both are the caller's to free. -1 with errno. */
static ssize_t list_folder(DIR *d, char ***out)
{
    size_t n = 0, cap = 0;
    const struct dirent *entry;

    *out = NULL;
    while ((entry = readdir(d))) {
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
            continue;
        if (n == cap) {
            char **grown = realloc(*out, (cap = cap ? 2 * cap : 64) * sizeof(**out));

            if (!grown)
                break;
            *out = grown;
        }
        (*out)[n] = strdup(entry->d_name);
        if (!(*out)[n])
            break;
        n++;
    }
    if (entry) {
        for (size_t i = 0; i < n; i++)
            free((*out)[i]);
        free(*out);
        errno = ENOMEM;
        return -1;
    }
    if (n)
        qsort(*out, n, sizeof(**out), by_name);
    return (ssize_t)n;
}

/* Closes `dir`. */
static int pack_folder(struct packing *p, int dir, size_t len, struct err *e)
{
    DIR *d = fdopendir(dir);
    char **names = NULL;
    ssize_t n = d ? list_folder(d, &names) : -1;
    int rc = n < 0 ? err_errno(e, errno, "cannot list \"%.200s\"", p->path) : 0;
    int depth = 0;

    for (size_t i = 0; i < len; i++)
        depth += p->path[i] == '/';
    if (rc == 0 && depth > TARBALL_DEPTH_MAX)
        rc = err_set(e, ERR_TOO_LARGE, "\"%.200s\" lies deeper than %d folders", p->path, TARBALL_DEPTH_MAX);
    for (ssize_t i = 0; i < n; i++) {
        if (rc == 0)
            rc = pack_entry(p, dir, len, names[i], e);
        p->path[len] = '\0';
        free(names[i]);
    }
    if (n >= 0)
        free(names);
    if (d)
        (void)closedir(d);
    else
        (void)close(dir);
    return rc;
}

static int pack(struct packing *p, const char *path, int fd, struct err *e)
{
    int dir, rc;

    if (archive_write_set_format_pax_restricted(p->archive) != ARCHIVE_OK ||
        archive_write_set_options(p->archive, "pax:hdrcharset=BINARY") != ARCHIVE_OK ||
        archive_write_add_filter_zstd(p->archive) != ARCHIVE_OK ||
        archive_write_set_bytes_in_last_block(p->archive, 1) != ARCHIVE_OK ||
        archive_write_open_fd(p->archive, fd) != ARCHIVE_OK)
        return failed(p, e);
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return err_errno(e, errno, "cannot open %s", path);
    rc = pack_folder(p, dir, 0, e);
    if (rc == 0 && archive_write_close(p->archive) != ARCHIVE_OK)
        rc = failed(p, e);
    return rc;
}

int tarball_write(const char *path, int fd, struct tarball *out, struct err *e)
{
    struct packing p = {
        .archive = archive_write_new(), .ignored = archive_match_new(), .chunk = malloc(CHUNK), .path = ""};
    int rc = -1;

    if (!p.archive || !p.ignored || !p.chunk)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    else if (!read_ignored(&p, path, e))
        rc = pack(&p, path, fd, e);
    if (p.archive)
        (void)archive_write_free(p.archive);
    if (p.ignored)
        (void)archive_match_free(p.ignored);
    free(p.chunk);
    *out = p.found;
    return rc;
}
