/* SPDX-License-Identifier: MIT
 *
 * The packer. What is on the disk at each step of a log, and what a reader opens then:
 *
 *   LOG                     plain
 *   LOG, LOG.zst.tmp        plain; the temporary file grows and reaches the disk
 *   LOG, LOG.zst            plain (both are whole); the new name reaches the disk
 *   LOG.zst                 packed
 *
 * A server that dies in between leaves the log plain, and the next look begins anew. The folder was within the task's
 * reach: links and strange files in place of a log are left alone.
 */
#include "engines/local/log_packer.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/failpoint.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/log.h"
#include "engines/local/log_segment.h"
#include "engines/local/logs.h"

#define PACKER_EVERY_MS 60000  /* between two looks, if they have so long to wait for; and at least ... */
#define PACKER_REST 20         /* ... so many times as long as the last took, if it found nothing */
#define PACKER_AGAIN_MS 600000 /* after a look that failed: the disk is full, say */
#define PACKER_LEAST_MS 1000
#define PACKER_NICE 19

struct log_packer {
    const char *data;
    int64_t after_ms;
    struct log_encoder *encoder;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    pthread_t thread;
    bool running;
    atomic_bool quit;
};

/* The file of one log on its way. */
struct packing {
    int dir, from, to;
    const char *stream;
    char packed[16], temp[24]; /* names */
    struct stat before;
};

/* The packed file gets its name, and only then the plain one loses its own. 0 or -1. */
static int put_in_place(struct packing *g, struct err *e)
{
    if (FAILPOINT(PACK_BEFORE_SYNC) || fsync(g->to))
        return err_errno(e, errno, "cannot write %s", g->temp);
    if (FAILPOINT(PACK_BEFORE_RENAME) || renameat(g->dir, g->temp, g->dir, g->packed))
        return err_errno(e, errno, "cannot rename %s", g->temp);
    g->temp[0] = '\0';
    if (FAILPOINT(PACK_AFTER_RENAME) || fsync(g->dir))
        return err_errno(e, errno, "cannot sync the folder of %s", g->packed);
    if (unlinkat(g->dir, g->stream, 0))
        return err_errno(e, errno, "cannot remove %s", g->stream);
    (void)FAILPOINT(PACK_AFTER_REMOVE);
    return 0;
}

static int create_temp(struct packing *g, struct err *e)
{
    struct stat st;

    if (fstatat(g->dir, g->packed, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
        return err_set(e, ERR_INTERNAL, "%s is a folder", g->packed);
    if (unlinkat(g->dir, g->temp, 0) && errno != ENOENT)
        return err_errno(e, errno, "cannot remove %s", g->temp);
    g->to = openat(g->dir, g->temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    return g->to < 0 ? err_errno(e, errno, "cannot create %s", g->temp) : 0;
}

static int pack(struct log_packer *p, struct packing *g, int64_t *bytes, struct err *e)
{
    struct stat after;

    if (create_temp(g, e))
        return -1;
    *bytes = log_encoder_pack(p->encoder, g->from, g->before.st_size, g->to, e);
    if (*bytes < 0)
        return -1;
    if (fstat(g->from, &after))
        return err_errno(e, errno, "cannot stat %s", g->stream);
    if (after.st_size != g->before.st_size || after.st_mtim.tv_sec != g->before.st_mtim.tv_sec ||
        after.st_mtim.tv_nsec != g->before.st_mtim.tv_nsec)
        return err_set(e, ERR_INTERNAL, "%s still changes", g->stream);
    return put_in_place(g, e);
}

/* One log, if there is a plain one to pack. */
static void pack_log(struct log_packer *p, int dir, const char *stream, struct log_packer_result *out, struct err *e)
{
    struct packing g = {.dir = dir, .to = -1, .stream = stream};
    int64_t bytes = 0;

    g.from = logs_open_file(dir, stream);
    if (g.from < 0)
        return;
    (void)snprintf(g.packed, sizeof(g.packed), "%s" LOGS_PACKED, stream);
    (void)snprintf(g.temp, sizeof(g.temp), "%s.tmp", g.packed);
    if (fstat(g.from, &g.before) == 0 && g.before.st_size > LOG_PACKER_LEAST && g.before.st_size <= LOG_SEGMENT_MAX) {
        if (pack(p, &g, &bytes, e) == 0) {
            out->packed++;
            out->bytes_in += g.before.st_size;
            out->bytes_packed += bytes;
        } else {
            out->failed++;
            if (g.temp[0])
                (void)unlinkat(dir, g.temp, 0);
        }
        if (g.to >= 0)
            (void)close(g.to);
    }
    (void)close(g.from);
}

static void look_at_attempt(struct log_packer *p, int dir, int64_t now_ms, struct log_packer_result *out, struct err *e)
{
    int64_t ended = logs_ended(dir);

    if (!ended || now_ms - ended < p->after_ms || logs_kept(dir))
        return;
    for (size_t i = 0; i < LOGS_STREAMS && !atomic_load(&p->quit); i++)
        pack_log(p, dir, logs_streams[i], out, e);
}

int log_packer_look(struct log_packer *p, int64_t now_ms, struct log_packer_result *out, struct err *e)
{
    const struct dirent *entry;
    int run, dir;
    DIR *d = logs_list(p->data, &run);

    *out = (struct log_packer_result){0};
    if (!d)
        return errno == ENOENT ? 0 : err_errno(e, errno, "cannot list %s/run", p->data);
    while (!atomic_load(&p->quit) && (entry = readdir(d))) {
        size_t failed = out->failed;

        dir = id_valid(entry->d_name) ? fs_open_beneath(run, entry->d_name, O_RDONLY | O_DIRECTORY) : -1;
        if (dir < 0)
            continue;
        look_at_attempt(p, dir, now_ms, out, e);
        (void)close(dir);
        if (out->failed > failed)
            (void)err_wrap(e, "attempt %s", entry->d_name);
    }
    (void)closedir(d);
    return 0;
}

/* ---- the thread ---- */

/* Until the end, or so long. False: the end. */
static bool packer_sleep(struct log_packer *p, int64_t ms)
{
    struct timespec until;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    pthread_mutex_lock(&p->lock);
    while (!atomic_load(&p->quit) && pthread_cond_timedwait(&p->wake, &p->lock, &until) != ETIMEDOUT)
        ;
    pthread_mutex_unlock(&p->lock);
    return !atomic_load(&p->quit);
}

/* How long to sleep at least: an attempt need not be found to the second. */
static int64_t packer_pause(const struct log_packer *p)
{
    int64_t half = p->after_ms / 2;

    return half < PACKER_LEAST_MS ? PACKER_LEAST_MS : half < PACKER_EVERY_MS ? half : PACKER_EVERY_MS;
}

/* How long to sleep after a look that took so long. */
static int64_t packer_told(const struct log_packer *p, const struct log_packer_result *r, const struct err *e,
                           int64_t took_ms)
{
    int64_t pause = packer_pause(p);

    if (r->packed)
        log_info("logs_packed", "packed %zu logs of %lld bytes into %lld", r->packed, (long long)r->bytes_in,
                 (long long)r->bytes_packed);
    if (atomic_load(&p->quit))
        return pause;
    if (r->failed)
        log_warn("pack_failed", "%zu logs stay as they are: %s", r->failed, e->text);
    if (r->failed && pause < PACKER_AGAIN_MS)
        return PACKER_AGAIN_MS;
    return r->packed || took_ms * PACKER_REST < pause ? pause : took_ms * PACKER_REST;
}

static void *packer_main(void *ctx)
{
    struct log_packer *p = ctx;
    int64_t pause = packer_pause(p);

    /* Of this thread alone, on Linux. Where a service manager forbids it, it goes on as it is. */
    (void)setpriority(PRIO_PROCESS, 0, PACKER_NICE);
    while (packer_sleep(p, pause)) {
        struct log_packer_result r;
        struct err e = {0};
        struct clock_now began = clock_read();

        if (log_packer_look(p, began.wall, &r, &e))
            log_warn("pack_failed", "%s", e.text);
        pause = packer_told(p, &r, &e, clock_read().mono - began.mono);
    }
    return NULL;
}

struct log_packer *log_packer_create(const char *data, int64_t after_ms, struct err *e)
{
    struct log_packer *p = calloc(1, sizeof(*p));
    pthread_condattr_t attr;

    if (p)
        p->encoder = log_encoder_create(&p->quit);
    if (!p || !p->encoder) {
        free(p);
        (void)err_set(e, ERR_INTERNAL, "out of memory");
        return NULL;
    }
    p->data = data;
    p->after_ms = after_ms;
    atomic_init(&p->quit, false);
    pthread_mutex_init(&p->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&p->wake, &attr);
    pthread_condattr_destroy(&attr);
    return p;
}

int log_packer_start(struct log_packer *p, struct err *e)
{
    int rc = pthread_create(&p->thread, NULL, packer_main, p);

    if (rc)
        return err_errno(e, rc, "no thread for packing logs");
    p->running = true;
    return 0;
}

void log_packer_destroy(struct log_packer *p)
{
    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    atomic_store(&p->quit, true);
    pthread_cond_signal(&p->wake);
    pthread_mutex_unlock(&p->lock);
    if (p->running)
        (void)pthread_join(p->thread, NULL);
    pthread_cond_destroy(&p->wake);
    pthread_mutex_destroy(&p->lock);
    log_encoder_destroy(p->encoder);
    free(p);
}
