/* SPDX-License-Identifier: MIT
 *
 * Reading. Nothing that an entry says is believed: not its size (bytes are counted as they come), not its path. Each
 * path is opened below the folder without following a link (fs_open_beneath), so what an earlier entry made cannot lead
 * a later one out. The rule for symbolic links (rule_link) makes sure that there never is a way out at all: leading
 * ".." only, no more than there are real folders above the link.
 */
#include "base/tarball.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/err.h"
#include "base/fs.h"

enum { CHUNK = 64 * 1024 };
/* Headers and padding beside the files' own bytes: so much may be decompressed for them. */
enum { OVERHEAD_BASE = 16 << 20, OVERHEAD_ENTRY = 8192 };

struct unpacking {
    struct archive *archive;
    int dir; /* -1: only look */
    const struct tarball_rules *rules;
    struct tarball found;
    char *chunk;
    char path[TARBALL_PATH_MAX + 1]; /* of the entry, plain: "a/b" */
};

/* ---- rules ---- */

static bool is_text(const char *s)
{
    for (; *s; s++)
        if ((unsigned char)*s < 0x20 || *s == 0x7f)
            return false;
    return true;
}

/* Brings "./a//b/" to "a/b" ("" for the top itself). NULL, or what is wrong with it. */
static const char *rule_path(const char *path, char out[TARBALL_PATH_MAX + 1])
{
    size_t len = 0;
    int depth = 0;

    if (*path == '/')
        return "has an absolute path";
    if (!is_text(path))
        return "has a name with control characters";
    while (*path) {
        size_t n = strcspn(path, "/");

        if (n == 2 && !strncmp(path, "..", 2))
            return "has a path with \"..\"";
        if (n > 255 || len + n + 1 > TARBALL_PATH_MAX || depth > TARBALL_DEPTH_MAX)
            return "has too long a path";
        if (n && !(n == 1 && *path == '.')) {
            if (len)
                out[len++] = '/';
            memcpy(out + len, path, n);
            len += n;
            depth++;
        }
        path += n + (path[n] == '/');
    }
    out[len] = '\0';
    return NULL;
}

/* The target of the symbolic link at `path`: relative, ".." only at its start and never above the top. Its folder is
 * real, so those lead to real folders; what follows leads down, or along another such link. NULL, or what is wrong. */
static const char *rule_link(const char *path, const char *target)
{
    int above = 0;

    for (const char *p = path; *p; p++)
        above += *p == '/';
    if (!*target || *target == '/' || strlen(target) > TARBALL_PATH_MAX)
        return "is a link to an absolute path";
    if (!is_text(target))
        return "is a link to a name with control characters";
    while (!strncmp(target, "../", 3) || !strcmp(target, "..")) {
        if (above-- == 0)
            return "is a link out of the archive";
        target += target[2] ? 3 : 2;
    }
    for (const char *p = target; *p; p += strcspn(p, "/"), p += *p == '/')
        if (!strncmp(p, "..", 2) && (p[2] == '/' || !p[2]))
            return "is a link with \"..\" behind a name";
    return NULL;
}

static int refuse(const struct unpacking *u, const char *why, struct err *e)
{
    return err_set(e, ERR_INVALID_PARAMETERS, "The archive's entry \"%.200s\" %s.", u->path, why);
}

static int damaged(const struct unpacking *u, struct err *e)
{
    const char *why = archive_error_string(u->archive);

    return err_set(e, ERR_INVALID_PARAMETERS, "The archive cannot be read (behind entry %zu): %.150s.",
                   u->found.entries, why ? why : "it is damaged");
}

static bool stopped(const struct unpacking *u, struct err *e)
{
    if (!u->rules->stop || !atomic_load(u->rules->stop))
        return false;
    (void)err_set(e, ERR_BUSY, "It was broken off, because the server stops.");
    return true;
}

static int too_large(const struct unpacking *u, struct err *e)
{
    return err_set(e, ERR_TOO_LARGE, "The archive unpacks to more than %lld MB.", (long long)(u->rules->bytes >> 20));
}

/* ---- the disk ---- */

static int disk_failed(const struct unpacking *u, struct err *e)
{
    if (errno == ELOOP || errno == ENOTDIR || errno == EISDIR || errno == EEXIST)
        return refuse(u, "lies behind a link, or where something else of the archive is", e);
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(e, ERR_NO_SPACE, "No space is left to unpack \"%.200s\".", u->path);
    return err_errno(e, errno, "cannot unpack \"%.200s\"", u->path);
}

/* Opens the folder `path[0..len)` below the top, made where missing. -1 with errno. */
static int open_folder(const struct unpacking *u, const char *path, size_t len)
{
    char part[TARBALL_PATH_MAX + 1];
    int fd, parent;

    memcpy(part, path, len);
    part[len] = '\0';
    fd = fs_open_beneath(u->dir, part, O_RDONLY | O_DIRECTORY);
    if (fd >= 0 || errno != ENOENT)
        return fd;
    const char *slash = strrchr(part, '/');
    parent = open_folder(u, path, slash ? (size_t)(slash - part) : 0);
    if (parent < 0)
        return -1;
    if (mkdirat(parent, slash ? slash + 1 : part, 0777) == 0 || errno == EEXIST)
        fd = openat(parent, slash ? slash + 1 : part, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    (void)close(parent);
    return fd;
}

/* The folder that the entry goes into, and its name there. -1 with errno. */
static int open_parent(const struct unpacking *u, const char *path, const char **name)
{
    const char *slash = strrchr(path, '/');

    *name = slash ? slash + 1 : path;
    return open_folder(u, path, slash ? (size_t)(slash - path) : 0);
}

/* ---- one entry ---- */

/* The file's bytes, to `fd` or (-1) nowhere. 0 or -1. */
static int take_bytes(struct unpacking *u, int fd, struct err *e)
{
    for (;;) {
        la_ssize_t n = archive_read_data(u->archive, u->chunk, CHUNK);

        if (n == 0)
            return 0;
        if (n < 0)
            return damaged(u, e);
        if (stopped(u, e))
            return -1;
        u->found.bytes += n;
        if (u->found.bytes > u->rules->bytes)
            return too_large(u, e);
        if (fd >= 0 && fs_write_all(fd, u->chunk, (size_t)n))
            return disk_failed(u, e);
    }
}

/* Makes room for the entry: a file or link goes; in a system, where layers replace what they like, a folder, too. 0 or
 * -1 with errno. */
static int make_room(const struct unpacking *u, int parent, const char *name)
{
    if (unlinkat(parent, name, 0) == 0)
        return 0;
    return u->rules->system && errno == EISDIR ? fs_remove_tree(parent, name) : -1;
}

static int create_file(int parent, const char *name, mode_t mode)
{
    return openat(parent, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
}

static int take_file(struct unpacking *u, struct archive_entry *entry, struct err *e)
{
    const mode_t mode = (archive_entry_perm(entry) & 0777) | 0600;
    const struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = archive_entry_mtime(entry)}};
    const char *name;
    int parent, fd, rc;

    if (archive_entry_size(entry) > u->rules->bytes - u->found.bytes)
        return too_large(u, e);
    if (u->dir < 0)
        return take_bytes(u, -1, e);
    parent = open_parent(u, u->path, &name);
    if (parent < 0)
        return disk_failed(u, e);
    fd = create_file(parent, name, mode);
    if (fd < 0 && errno == EEXIST && make_room(u, parent, name) == 0)
        fd = create_file(parent, name, mode);
    (void)close(parent);
    if (fd < 0)
        return disk_failed(u, e);
    rc = take_bytes(u, fd, e);
    if (rc == 0 && archive_entry_mtime_is_set(entry))
        (void)futimens(fd, times); /* so that make sees what is newer; no harm where it is refused */
    if (close(fd) && rc == 0)
        rc = disk_failed(u, e);
    return rc;
}

/* A layer has a folder where a lower one has a file or link. 0 or -1 with errno. */
static int replace_by_folder(const struct unpacking *u)
{
    const char *name;
    int parent = open_parent(u, u->path, &name), rc;

    if (parent < 0)
        return -1;
    rc = unlinkat(parent, name, 0);
    (void)close(parent);
    return rc;
}

static int take_folder(const struct unpacking *u, struct archive_entry *entry, struct err *e)
{
    const mode_t bits = u->rules->system ? 01777 : 0777;
    int fd = u->dir < 0 ? -1 : open_folder(u, u->path, strlen(u->path));

    if (u->dir < 0)
        return 0;
    if (fd < 0 && u->rules->system && (errno == ENOTDIR || errno == ELOOP) && replace_by_folder(u) == 0)
        fd = open_folder(u, u->path, strlen(u->path));
    if (fd < 0)
        return disk_failed(u, e);
    if (*u->path)
        (void)fchmod(fd, (archive_entry_perm(entry) & bits) | 0700);
    (void)close(fd);
    return 0;
}

static int take_symlink(const struct unpacking *u, const char *target, struct err *e)
{
    const char *why = !target || !*target ? "is a link to a name that is no text"
                      : u->rules->system  ? NULL
                                          : rule_link(u->path, target);
    const char *name;
    int parent, rc;

    if (why)
        return refuse(u, why, e);
    if (u->dir < 0)
        return 0;
    parent = open_parent(u, u->path, &name);
    if (parent < 0)
        return disk_failed(u, e);
    rc = symlinkat(target, parent, name);
    if (rc && errno == EEXIST && make_room(u, parent, name) == 0)
        rc = symlinkat(target, parent, name);
    if (rc)
        rc = disk_failed(u, e);
    (void)close(parent);
    return rc;
}

/* A second name for a file that came before. Not for a link: elsewhere it would lead elsewhere. */
static int take_hard_link(const struct unpacking *u, const char *target, struct err *e)
{
    char plain[TARBALL_PATH_MAX + 1];
    const char *why = rule_path(target, plain), *name, *old;
    int parent, from, rc = -1;
    struct stat st;

    if (why || !*plain)
        return refuse(u, "is a hard link to what is not in the archive", e);
    if (u->dir < 0 || !strcmp(plain, u->path))
        return 0;
    parent = open_parent(u, u->path, &name);
    from = parent < 0 ? -1 : open_parent(u, plain, &old);
    if (from < 0) {
        rc = disk_failed(u, e);
    } else if (fstatat(from, old, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode)) {
        rc = refuse(u, "is a hard link to what is no file before it", e);
    } else {
        (void)unlinkat(parent, name, 0);
        rc = linkat(from, old, parent, name, 0) ? disk_failed(u, e) : 0;
    }
    if (from >= 0)
        (void)close(from);
    if (parent >= 0)
        (void)close(parent);
    return rc;
}

/* What the folder holds by now goes. 0 or -1 with errno. */
static int empty_folder(const struct unpacking *u, int folder)
{
    struct dirent **names = NULL;
    int n = scandirat(folder, ".", &names, NULL, NULL), rc = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        if (strcmp(names[i]->d_name, ".") != 0 && strcmp(names[i]->d_name, "..") != 0)
            rc = make_room(u, folder, names[i]->d_name) ? -1 : rc;
        free(names[i]);
    }
    free(names);
    return rc;
}

/* A whiteout of a layer: `.wh.NAME` for what lower layers have of that name, `.wh..wh..opq` for all they have in the
 * folder. 0, or -1; *is tells whether it was one. */
static int take_whiteout(const struct unpacking *u, bool *is, struct err *e)
{
    const char *slash = strrchr(u->path, '/'), *base = slash ? slash + 1 : u->path, *name = "";
    int parent, rc = 0;

    *is = u->rules->layer && strncmp(base, ".wh.", 4) == 0;
    if (!*is || u->dir < 0)
        return 0;
    parent = open_parent(u, u->path, &name);
    if (parent < 0)
        return disk_failed(u, e);
    if (strcmp(base, ".wh..wh..opq") == 0)
        rc = empty_folder(u, parent);
    else if (base[4] && strcmp(base + 4, ".") != 0 && strcmp(base + 4, "..") != 0)
        rc = make_room(u, parent, base + 4);
    rc = rc && errno != ENOENT ? disk_failed(u, e) : 0;
    (void)close(parent);
    return rc;
}

/* Names come as UTF-8 or, where an old tar holds something else, as bytes. */
static const char *either(const char *utf8, const char *bytes)
{
    return utf8 ? utf8 : bytes;
}

static int take_entry(struct unpacking *u, struct archive_entry *entry, struct err *e)
{
    const char *path = either(archive_entry_pathname_utf8(entry), archive_entry_pathname(entry));
    const char *hard = either(archive_entry_hardlink_utf8(entry), archive_entry_hardlink(entry));
    const char *why = path ? rule_path(path, u->path) : "has a name that is no text";
    const mode_t type = archive_entry_filetype(entry);
    bool whiteout = false;

    if (why) {
        (void)snprintf(u->path, sizeof(u->path), "%.200s", path ? path : "?");
        return refuse(u, why, e);
    }
    if (take_whiteout(u, &whiteout, e))
        return -1;
    if (whiteout)
        return 0;
    if (hard)
        return *u->path ? take_hard_link(u, hard, e) : refuse(u, "is no folder", e);
    if (type == AE_IFDIR)
        return take_folder(u, entry, e);
    if (!*u->path)
        return refuse(u, "is no folder", e);
    if (type == AE_IFREG)
        return take_file(u, entry, e);
    if (type == AE_IFLNK)
        return take_symlink(u, either(archive_entry_symlink_utf8(entry), archive_entry_symlink(entry)), e);
    if (u->rules->system)
        return 0;
    return refuse(u, "is a device, a FIFO or something else that is no file, folder or link", e);
}

/* ---- all of them ---- */

/* Tells who asked of the entry that was taken. 0 to go on. */
static int tell(const struct unpacking *u, struct archive_entry *entry, int64_t bytes)
{
    const mode_t type = archive_entry_hardlink(entry) ? AE_IFREG : archive_entry_filetype(entry);
    const struct tarball_entry seen = {
        .path = u->path, .file = type == AE_IFREG, .folder = type == AE_IFDIR, .bytes = bytes};

    return u->rules->seen && *u->path ? u->rules->seen(u->rules->seen_ctx, &seen) : 0;
}

static int take_all(struct unpacking *u, struct err *e)
{
    struct archive_entry *entry;

    for (;;) {
        const int64_t before = u->found.bytes;
        int rc = archive_read_next_header(u->archive, &entry);

        if (rc == ARCHIVE_EOF)
            return 0;
        if (rc != ARCHIVE_OK && rc != ARCHIVE_WARN)
            return damaged(u, e);
        if (++u->found.entries > u->rules->entries)
            return err_set(e, ERR_TOO_LARGE, "The archive has more than %zu entries.", u->rules->entries);
        if (stopped(u, e))
            return -1;
        /* Headers that unpack to very much are counted here: their bytes are no file's. */
        if (archive_filter_bytes(u->archive, 0) - u->found.bytes >
            OVERHEAD_BASE + (int64_t)u->found.entries * OVERHEAD_ENTRY)
            return too_large(u, e);
        if (take_entry(u, entry, e))
            return -1;
        if (tell(u, entry, u->found.bytes - before))
            return 0;
    }
}

static int open_archive(const struct unpacking *u, int fd, struct err *e)
{
    struct archive *a = u->archive;

    /* ARCHIVE_WARN would mean that a program is started to decompress. */
    if (archive_read_support_filter_gzip(a) != ARCHIVE_OK || archive_read_support_filter_zstd(a) != ARCHIVE_OK ||
        (u->rules->system && archive_read_support_filter_xz(a) != ARCHIVE_OK) ||
        archive_read_support_format_tar(a) != ARCHIVE_OK)
        return err_set(e, ERR_INTERNAL, "libarchive lacks tar, gzip or zstd");
    if (lseek(fd, 0, SEEK_SET))
        return err_errno(e, errno, "cannot read the archive");
    if (archive_read_open_fd(a, fd, CHUNK) != ARCHIVE_OK)
        return damaged(u, e);
    if (archive_filter_count(a) > 2) /* itself is one, too */
        return err_set(e, ERR_INVALID_PARAMETERS, "The archive is compressed more than once.");
    return 0;
}

int tarball_unpack(int fd, int dir, const struct tarball_rules *rules, struct tarball *out, struct err *e)
{
    struct unpacking u = {.archive = archive_read_new(), .dir = dir, .rules = rules, .chunk = malloc(CHUNK)};
    int rc = -1;

    if (!u.archive || !u.chunk)
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    else if (!open_archive(&u, fd, e))
        rc = take_all(&u, e);
    if (u.archive)
        (void)archive_read_free(u.archive);
    free(u.chunk);
    *out = u.found;
    return rc;
}

int tarball_read(int fd, int dir, int64_t bytes, struct tarball *out, struct err *e)
{
    const struct tarball_rules rules = {.bytes = bytes, .entries = TARBALL_ENTRIES_MAX};

    return tarball_unpack(fd, dir, &rules, out, e);
}
