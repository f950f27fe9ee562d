/* SPDX-License-Identifier: MIT
 *
 * The store of code. What is put in place was checked and is on disk; the same content of the same user is kept once.
 * Putting in place and clearing away are done by the one thread, so neither can come between the other's look and act.
 * A job's name is made on an HTTP thread; whichever way it meets the clearing, the job has the file or is refused.
 */
#include "server/code.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/log.h"
#include "engines/local/usage.h"
#include "jobs/jobs_store.h"
#include "server/readers.h"

#define QUEUE_MAX 16
#define SWEEP_S 3600
#define UNUSED_MS (INT64_C(24) * 3600 * 1000) /* an upload waits so long for its job */
#define ORPHAN_MS (INT64_C(3600) * 1000)      /* a name for a job that is not there: its submission may be under way */
#define UNUSED_MAX 4                          /* a user's uploads without a job: at most so many times the limit */

struct code {
    struct readers *readers;
    int64_t max;
    int uploads, jobs; /* folders */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct code_work *first, **last;
    unsigned waiting;
    bool quit, started;
    pthread_t thread;
};

/* ---- names ---- */

/* "<id>-<user>"; begins with the id, so it is never "." or "..". 0 or -1. */
static int upload_name(char out[NAME_MAX + 1], const char *id, const char *user)
{
    int n = snprintf(out, NAME_MAX + 1, "%s-%s", id, user);

    return n < 0 || n > NAME_MAX || strchr(out, '/') ? -1 : 0;
}

static int disk_failed(struct err *e, const char *what)
{
    if (errno == ENOSPC || errno == EDQUOT)
        return err_set(e, ERR_NO_SPACE, "The server has no space left for the code.");
    return err_errno(e, errno, "cannot %s", what);
}

/* ---- uploads ---- */

/* Names the upload by its content. 0 or -1. */
static int digest(struct code_upload *u)
{
    return digest_file(u->fd, u->id, &u->bytes) ? err_errno(&u->work.err, errno, "cannot read the code") : 0;
}

/* A folder to list, of its own position; NULL with errno. */
static DIR *list(int folder)
{
    int fd = openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *d = fd < 0 ? NULL : fdopendir(fd);

    if (!d && fd >= 0)
        close(fd);
    return d;
}

int64_t code_state(const struct code *c)
{
    struct stat st;

    return fstat(c->uploads, &st) ? 0 : usage_when(&st);
}

int code_uploads(const struct code *c, code_upload_fn *fn, void *ctx)
{
    DIR *d = list(c->uploads);
    const struct dirent *entry;

    if (!d)
        return -1;
    while ((entry = readdir(d))) {
        struct stat st;
        const char *user = strchr(entry->d_name, '-');

        if (entry->d_name[0] != '.' && user && !fstatat(c->uploads, entry->d_name, &st, AT_SYMLINK_NOFOLLOW))
            fn(ctx, user + 1, st.st_size);
    }
    closedir(d);
    return 0;
}

/* Whether the user may leave one more upload without a job. 0 or -1. */
static int check_share(const struct code *c, struct code_upload *u)
{
    DIR *d = list(c->uploads);
    const struct dirent *entry;
    int64_t held = 0;

    if (!d)
        return err_errno(&u->work.err, errno, "cannot list the uploads");
    while ((entry = readdir(d))) {
        struct stat st;
        const char *user = strchr(entry->d_name, '-');

        if (user && !strcmp(user + 1, u->user) && !fstatat(c->uploads, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) &&
            st.st_nlink == 1)
            held += st.st_size;
    }
    closedir(d);
    if (held + u->bytes > UNUSED_MAX * c->max)
        return err_set(&u->work.err, ERR_TOO_MANY,
                       "You have %lld MB of code here that no job uses; it goes a day after it was sent.",
                       (long long)(held >> 20));
    return 0;
}

/* Puts the checked file in its place, on disk. 0 or -1. */
static int put_in_place(const struct code *c, struct code_upload *u)
{
    char name[NAME_MAX + 1], self[64], temp[ID_SIZE + 1];

    if (upload_name(name, u->id, u->user))
        return err_set(&u->work.err, ERR_INTERNAL, "bad name of a user");
    /* One that is there is dated anew and keeps its jobs. */
    if (!utimensat(c->uploads, name, NULL, AT_SYMLINK_NOFOLLOW))
        return 0;
    if (check_share(c, u))
        return -1;
    temp[0] = '.';
    id_make(clock_read().wall, temp + 1);
    snprintf(self, sizeof self, "/proc/self/fd/%d", u->fd);
    if (fchmod(u->fd, 0400) || fsync(u->fd) || linkat(AT_FDCWD, self, c->uploads, temp, AT_SYMLINK_FOLLOW))
        return disk_failed(&u->work.err, "store the code");
    if (renameat(c->uploads, temp, c->uploads, name) || fsync(c->uploads)) {
        disk_failed(&u->work.err, "store the code");
        unlinkat(c->uploads, temp, 0);
        return -1;
    }
    return 0;
}

static void take(const struct code *c, struct code_work *w)
{
    struct code_upload *u = (struct code_upload *)w;

    if (!digest(u) && !tarball_read(u->fd, -1, CODE_UNPACKED * c->max, &u->found, &w->err) && !put_in_place(c, u))
        w->err.code = ERR_NONE;
}

/* ---- looking ---- */

static int note_entry(void *ctx, const struct tarball_entry *entry)
{
    struct code_listing *l = ctx;

    if (l->count == CODE_LIST_MAX) {
        l->truncated = true;
        return 1;
    }
    l->entries[l->count] = *entry;
    l->entries[l->count].path = arena_strdup(l->arena, entry->path);
    if (l->entries[l->count++].path)
        return 0;
    return err_set(&l->work.err, ERR_INTERNAL, "Out of memory.");
}

static void look(const struct code *c, struct code_work *w)
{
    struct code_listing *l = (struct code_listing *)w;
    const struct tarball_rules rules = {
        .bytes = CODE_UNPACKED * c->max, .entries = TARBALL_ENTRIES_MAX, .seen = note_entry, .seen_ctx = l};
    struct tarball found;
    struct stat st;
    int fd = code_open(c, l->job_id, &w->err);

    if (fd < 0)
        return;
    if (fstat(fd, &st))
        err_errno(&w->err, errno, "cannot read the job's code");
    else if (!tarball_unpack(fd, -1, &rules, &found, &w->err))
        l->bytes = st.st_size;
    close(fd);
}

/* ---- clearing away ---- */

static int take_archived(void *ctx, const struct job_row *row)
{
    bool *archived = ctx;

    *archived = row->archived;
    return 0;
}

/* Whether the job has no use for its code any more. What cannot be found out is kept. */
static bool is_over(struct store *s, const char *job_id, int64_t age_ms)
{
    bool archived = false;
    struct err e = {0};

    if (!jobs_store_read_job(s, job_id, take_archived, &archived, &e))
        return archived;
    return e.code == ERR_NO_JOB && age_ms > ORPHAN_MS;
}

/* Goes through one folder: `s` NULL = uploads. The inode's ctime is that of its youngest name, or later. */
static int sweep_folder(int folder, struct store *s, int64_t now_ms, struct err *e)
{
    DIR *d = list(folder);
    const struct dirent *entry;
    int gone = 0;

    if (!d)
        return err_errno(e, errno, "cannot list DATA/code");
    while ((entry = readdir(d))) {
        struct stat st;

        if (fstatat(folder, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISREG(st.st_mode))
            continue;
        int64_t age = now_ms - (int64_t)st.st_ctim.tv_sec * 1000;
        if (s ? is_over(s, entry->d_name, age) : st.st_nlink == 1 && age > UNUSED_MS)
            gone += !unlinkat(folder, entry->d_name, 0);
    }
    closedir(d);
    if (gone)
        log_info("code_swept", "removed %d %s", gone,
                 s ? "archives of jobs that are gone" : "uploads that no job used");
    return 0;
}

int code_sweep(const struct code *c, int64_t now_ms, struct err *e)
{
    struct store *s = readers_get(c->readers, e);
    int rc = s ? sweep_folder(c->jobs, s, now_ms, e) : -1;

    if (s)
        readers_put(c->readers, s);
    return rc || sweep_folder(c->uploads, NULL, now_ms, e) ? -1 : 0;
}

/* ---- the thread ---- */

/* The next piece of work; NULL when it is time to sweep, or to end. */
static struct code_work *next_work(struct code *c, struct timespec *until)
{
    struct code_work *w;
    int rc = 0;

    pthread_mutex_lock(&c->lock);
    while (!c->quit && !c->first && rc != ETIMEDOUT)
        rc = pthread_cond_timedwait(&c->wake, &c->lock, until);
    w = c->first;
    if (w) {
        c->first = w->next;
        if (!c->first)
            c->last = &c->first;
        c->waiting--;
    }
    bool quit = c->quit;
    pthread_mutex_unlock(&c->lock);
    if (!w || !quit)
        return w;
    err_set(&w->err, ERR_BUSY, "The server is shutting down.");
    w->done(w);
    return NULL;
}

static bool is_over_with(struct code *c)
{
    pthread_mutex_lock(&c->lock);
    bool over = c->quit && !c->first;
    pthread_mutex_unlock(&c->lock);
    return over;
}

static void *code_main(void *ctx)
{
    struct code *c = ctx;
    struct timespec until, now;
    struct err e = {0};

    clock_gettime(CLOCK_MONOTONIC, &until);
    while (!is_over_with(c)) {
        struct code_work *w = next_work(c, &until);

        if (w) {
            w->run(c, w);
            w->done(w);
        }
        clock_gettime(CLOCK_MONOTONIC, &now);
        if (now.tv_sec < until.tv_sec || is_over_with(c))
            continue;
        if (code_sweep(c, clock_read().wall, &e))
            log_warn("code_sweep_failed", "%s", e.text);
        until = now;
        until.tv_sec += SWEEP_S;
    }
    return NULL;
}

/* ---- from outside ---- */

static int make_folder(int parent, const char *name, struct err *e)
{
    int fd;

    if (mkdirat(parent, name, 0700) && errno != EEXIST)
        return err_errno(e, errno, "cannot make the folder %s", name);
    fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    return fd < 0 ? err_errno(e, errno, "cannot open the folder %s", name) : fd;
}

static int open_folders(struct code *c, const char *data, struct err *e)
{
    int top = open(data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int code = top < 0 ? err_errno(e, errno, "cannot open %s", data) : make_folder(top, "code", e);

    if (code >= 0) {
        c->uploads = make_folder(code, "uploads", e);
        c->jobs = c->uploads < 0 ? -1 : make_folder(code, "jobs", e);
        close(code);
    }
    if (top >= 0)
        close(top);
    return c->jobs < 0 ? -1 : 0;
}

struct code *code_create(const char *data, int64_t max, struct readers *readers, struct err *e)
{
    struct code *c = calloc(1, sizeof *c);
    pthread_condattr_t attr;
    int rc;

    if (!c) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    *c = (struct code){.readers = readers, .max = max, .uploads = -1, .jobs = -1};
    c->last = &c->first;
    pthread_mutex_init(&c->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&c->wake, &attr);
    pthread_condattr_destroy(&attr);
    if (open_folders(c, data, e)) {
        code_destroy(c);
        return NULL;
    }
    rc = pthread_create(&c->thread, NULL, code_main, c);
    if (rc) {
        err_errno(e, rc, "no thread for the store of code");
        code_destroy(c);
        return NULL;
    }
    c->started = true;
    return c;
}

void code_close(struct code *c)
{
    if (!c)
        return;
    pthread_mutex_lock(&c->lock);
    c->quit = true;
    pthread_cond_signal(&c->wake);
    pthread_mutex_unlock(&c->lock);
    if (c->started)
        pthread_join(c->thread, NULL);
    c->started = false;
}

void code_destroy(struct code *c)
{
    if (!c)
        return;
    code_close(c);
    if (c->uploads >= 0)
        close(c->uploads);
    if (c->jobs >= 0)
        close(c->jobs);
    pthread_cond_destroy(&c->wake);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static int queue(struct code *c, struct code_work *w, struct err *e)
{
    int rc = 0;

    w->next = NULL;
    pthread_mutex_lock(&c->lock);
    if (c->quit || c->waiting >= QUEUE_MAX) {
        rc = err_set(e, ERR_BUSY, c->quit ? "The server is shutting down." : "Too much code is being read; try again.");
    } else {
        *c->last = w;
        c->last = &w->next;
        c->waiting++;
        pthread_cond_signal(&c->wake);
    }
    pthread_mutex_unlock(&c->lock);
    return rc;
}

int code_store(struct code *c, struct code_upload *u, struct err *e)
{
    u->work.run = take;
    return queue(c, &u->work, e);
}

int code_list(struct code *c, struct code_listing *l, struct err *e)
{
    l->work.run = look;
    return queue(c, &l->work, e);
}

static int not_sent(const char *id, struct err *e)
{
    return err_set(
        e, ERR_INVALID_PROTOCOL,
        "extras.drover.code names %.12s..., which you have not sent (or it was removed, a day later, because "
        "no job used it). Send it first: POST /api/v2/code, or drover submit --code.",
        id);
}

int code_check(const struct code *c, const char *user, const char *id, struct err *e)
{
    char name[NAME_MAX + 1];

    if (upload_name(name, id, user))
        return err_set(e, ERR_INTERNAL, "bad name of a user");
    if (faccessat(c->uploads, name, F_OK, 0) == 0)
        return 0;
    return errno == ENOENT ? not_sent(id, e) : err_errno(e, errno, "cannot look for the job's code");
}

int code_attach(const struct code *c, const char *user, const char *id, const char *job_id, struct err *e)
{
    char name[NAME_MAX + 1];

    if (upload_name(name, id, user))
        return err_set(e, ERR_INTERNAL, "bad name of a user");
    if (linkat(c->uploads, name, c->jobs, job_id, 0) == 0)
        return fsync(c->jobs) ? err_errno(e, errno, "cannot store the job's code") : 0;
    if (errno != ENOENT)
        return disk_failed(e, "store the job's code");
    return not_sent(id, e);
}

void code_detach(const struct code *c, const char *job_id)
{
    (void)unlinkat(c->jobs, job_id, 0);
}

int code_open(const struct code *c, const char *job_id, struct err *e)
{
    int fd = openat(c->jobs, job_id, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0 && errno == ENOENT)
        return err_set(e, ERR_NO_FILE, "No code was sent with the job.");
    return fd < 0 ? err_errno(e, errno, "cannot open the job's code") : fd;
}
