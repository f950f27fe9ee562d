/* SPDX-License-Identifier: MIT
 *
 * All paths are opened step by step from the two folders, following no link.
 */
#include "engines/slurm/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "engines/local/record.h"

enum { KEY_BYTES = 16, SMALL_MAX = 64 };

static void key_of(const struct place *at, char out[2 * KEY_BYTES + 1])
{
    unsigned char key[KEY_BYTES];
    crypto_generichash_state st;
    crypto_generichash_init(&st, NULL, 0, sizeof key);
    crypto_generichash_update(&st, (const unsigned char *)"drover slurm place ", 19);
    crypto_generichash_update(&st, (const unsigned char *)at->attempt, strlen(at->attempt));
    crypto_generichash_update(&st, (const unsigned char *)at->nonce, strlen(at->nonce));
    crypto_generichash_final(&st, key, sizeof key);
    sodium_bin2hex(out, 2 * KEY_BYTES + 1, key, sizeof key);
}

/* ---- the two folders ---- */

static int open_folder(const char *parent, const char *name, mode_t mode, struct err *e)
{
    char path[PATH_MAX];
    const int n = snprintf(path, sizeof path, "%s/%s", parent, name);
    if (n < 0 || n >= (int)sizeof path)
        return err_set(e, ERR_INVALID_PARAMETERS, "The path %s is too long.", parent);
    if (fs_mkdir(path, mode, e))
        return -1;
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    return fd < 0 ? err_errno(e, errno, "%s", path) : fd;
}

int places_open(struct places *p, const char *folder, const char *data, struct err *e)
{
    struct stat st;
    *p = (struct places){.folder = folder, .attempts = -1, .run = -1};
    if (stat(folder, &st) || !S_ISDIR(st.st_mode))
        return err_set(e, ERR_INVALID_PARAMETERS, "folder of slurm: %s is no folder here.", folder);
    p->attempts = open_folder(folder, "attempts", 0711, e);
    if (p->attempts < 0)
        return err_wrap(e, "folder of slurm");
    p->run = open_folder(data, "run", 0700, e);
    /* Whatever the umask. Others pass through on their way to their own, and can list nothing. */
    return p->run < 0 || fchmod(p->attempts, 0711) ? -1 : 0;
}

void places_close(struct places *p)
{
    if (p->attempts >= 0)
        (void)close(p->attempts);
    if (p->run >= 0)
        (void)close(p->run);
    p->attempts = p->run = -1;
}

void place_path(const struct places *p, const struct place *at, char out[PATH_MAX])
{
    char key[2 * KEY_BYTES + 1];
    key_of(at, key);
    snprintf(out, PATH_MAX, "%s/attempts/%s/%s", p->folder, at->attempt, key);
}

static int open_outer(const struct places *p, const struct place *at)
{
    return openat(p->attempts, at->attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

static int open_inner(const struct places *p, const struct place *at)
{
    char key[2 * KEY_BYTES + 1];
    const int outer = open_outer(p, at);
    key_of(at, key);
    const int inner = outer < 0 ? -1 : openat(outer, key, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    const int saved = errno;
    if (outer >= 0)
        (void)close(outer);
    errno = saved;
    return inner;
}

static int make_inner(int outer, const char *key, uid_t uid, gid_t gid)
{
    if (mkdirat(outer, key, 0700) && errno != EEXIST)
        return -1;
    const int inner = openat(outer, key, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    if (inner < 0)
        return -1;
    int rc = uid == geteuid() || !fchown(inner, uid, gid) ? 0 : fchmod(inner, 01733);
    const int saved = errno;
    (void)close(inner);
    errno = saved;
    return rc;
}

int place_make(const struct places *p, const struct place *at, uid_t uid, gid_t gid, struct err *e)
{
    char key[2 * KEY_BYTES + 1];
    int rc = -1;
    if (mkdirat(p->attempts, at->attempt, 0711) && errno != EEXIST)
        return err_errno(e, errno, "the shared folder of Slurm");
    const int outer = open_outer(p, at);
    key_of(at, key);
    if (outer >= 0 && !fchmod(outer, 0711))
        rc = make_inner(outer, key, uid, gid);
    rc = rc ? err_errno(e, errno, "the shared folder of Slurm") : 0;
    if (outer >= 0)
        (void)close(outer);
    return rc;
}

/* ---- what stands there ---- */

/* A small file. Bytes without the NUL, -1. */
static int read_small(int dir, const char *name, char out[SMALL_MAX])
{
    struct stat st;
    const int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0)
        return -1;
    const ssize_t n = fstat(fd, &st) || !S_ISREG(st.st_mode) ? -1 : read(fd, out, SMALL_MAX - 1);
    (void)close(fd);
    if (n < 0)
        return -1;
    out[n] = '\0';
    return (int)n;
}

int place_note_job(const struct places *p, const struct place *at, int64_t job_id)
{
    char text[SMALL_MAX];
    struct err e = {0};
    const int outer = open_outer(p, at);
    const int n = snprintf(text, sizeof text, "%lld\n", (long long)job_id);
    if (outer < 0)
        return -1;
    const int rc = fs_write_atomic_at(outer, "job", text, (size_t)n, &e);
    (void)close(outer);
    return rc;
}

int64_t place_job(const struct places *p, const struct place *at)
{
    char text[SMALL_MAX];
    const int outer = open_outer(p, at);
    const int n = outer < 0 ? -1 : read_small(outer, "job", text);
    if (outer >= 0)
        (void)close(outer);
    const long long id = n > 0 ? strtoll(text, NULL, 10) : 0;
    return id > 0 ? id : 0;
}

static enum place_latch look_in(int inner, int64_t *job_id)
{
    char text[SMALL_MAX];
    struct script_latch latch;
    const ssize_t n = readlinkat(inner, "latch", text, sizeof text - 1);
    if (n < 0)
        return errno == ENOENT ? PLACE_NONE : PLACE_FAILED;
    text[n] = '\0';
    if (script_latch_read(text, &latch))
        return PLACE_FAILED;
    *job_id = latch.job_id;
    return latch.job_id ? PLACE_JOB : PLACE_ENGINE;
}

enum place_latch place_look(const struct places *p, const struct place *at, int64_t *job_id)
{
    const int inner = open_inner(p, at);
    *job_id = 0;
    if (inner < 0)
        return errno == ENOENT ? PLACE_NONE : PLACE_FAILED;
    const enum place_latch l = look_in(inner, job_id);
    (void)close(inner);
    return l;
}

/* Without the folder a script cannot take the latch either: it is made by nobody but the engine. */
enum place_latch place_take(const struct places *p, const struct place *at, int64_t *job_id)
{
    const int inner = open_inner(p, at);
    enum place_latch l;
    *job_id = 0;
    if (inner < 0)
        return errno == ENOENT ? PLACE_ENGINE : PLACE_FAILED;
    if (!symlinkat(SCRIPT_LATCH_ENGINE, inner, "latch"))
        l = PLACE_ENGINE;
    else
        l = errno == EEXIST ? look_in(inner, job_id) : PLACE_FAILED;
    (void)close(inner);
    return l;
}

int place_exit(const struct places *p, const struct place *at, int *status)
{
    char text[SMALL_MAX];
    const int inner = open_inner(p, at);
    const int n = inner < 0 ? -1 : read_small(inner, "exit", text);
    if (inner >= 0)
        (void)close(inner);
    return n > 0 ? script_exit_read(text, status) : -1;
}

/* ---- the mirror ---- */

static int write_record(const struct places *p, const struct record *r, const char *name)
{
    struct err e = {0};
    struct buf b;
    buf_init(&b, RECORD_MAX);
    const int dir = openat(p->run, r->attempt, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
    const int rc = dir < 0 || record_format(&b, r) ? -1 : fs_write_atomic_at(dir, name, b.data, b.len, &e);
    if (dir >= 0)
        (void)close(dir);
    buf_fini(&b);
    return rc;
}

int place_mirror(const struct places *p, const struct record *r)
{
    if (mkdirat(p->run, r->attempt, 0700) && errno != EEXIST)
        return -1;
    return write_record(p, r, "shim");
}

int place_end(const struct places *p, const struct record *r)
{
    return write_record(p, r, "exit");
}
