/* SPDX-License-Identifier: MIT
 *
 * A queue and a thread. Each end costs at most two reads of LOG_TEXT_MAX bytes, some tens of milliseconds of matching,
 * and a pass over the log up to the line that proves it, for that line's number.
 */
#include "server/diagnoser.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/pattern.h"
#include "engines/local/logs.h"
#include "jobs/diagnosis.h"

#define COUNT_MAX ((int64_t)1 << 30) /* bytes of a log in which lines are counted */
#define COUNT_CHUNK 65536

struct waiting {
    struct engine_event event;
    struct waiting *next;
};

struct diagnoser {
    struct log_shelf *shelf;
    const char *path;
    struct exit_catalogue *catalogue; /* the thread's, once there is one */
    struct timespec changed;          /* of the file that was read last, right or wrong */
    off_t size;
    ino_t inode;
    struct pattern_scratch *scratch;
    char *raw; /* LOG_TEXT_MAX bytes */
    struct buf json;
    diagnoser_sink_fn *sink;
    void *ctx;
    pthread_t thread;
    pthread_mutex_t lock; /* of what follows */
    pthread_cond_t more;
    struct waiting *first, **last;
    bool running, ending, busy;
};

/* ---- the catalogue ---- */

static struct exit_catalogue *read_file(const char *path, struct err *e)
{
    struct exit_catalogue *c = NULL;
    struct buf text;

    buf_init(&text, EXIT_CATALOGUE_BYTES);
    if (!fs_read(path, EXIT_CATALOGUE_BYTES, &text, e))
        c = exit_catalogue_parse(buf_str(&text), text.len, e);
    buf_fini(&text);
    if (!c && e->line)
        (void)err_wrap(e, "exitCatalogue %s, line %d, column %d", path, e->line, e->column);
    else if (!c)
        (void)err_wrap(e, "exitCatalogue %s", path);
    return c;
}

/* Whether the file is another one than was read last; notes what it is now. */
static bool file_changed(struct diagnoser *d)
{
    struct stat st;

    if (stat(d->path, &st))
        return false;
    bool same = st.st_mtim.tv_sec == d->changed.tv_sec && st.st_mtim.tv_nsec == d->changed.tv_nsec &&
                st.st_size == d->size && st.st_ino == d->inode;
    d->changed = st.st_mtim;
    d->size = st.st_size;
    d->inode = st.st_ino;
    return !same;
}

static void refresh(struct diagnoser *d)
{
    struct err e = {0};

    if (!d->path[0] || !file_changed(d))
        return;
    struct exit_catalogue *c = read_file(d->path, &e);
    if (!c) {
        log_error("exit_catalogue_bad", "%s; the one before stays in use", e.text);
        return;
    }
    exit_catalogue_destroy(d->catalogue);
    d->catalogue = c;
    log_info("exit_catalogue_read", "%s has %zu entries", d->path, c->entry_count);
}

/* ---- one end ---- */

/* The end of a log; an empty text where there is none. 0, or -1 on out of memory. */
static int read_log(struct diagnoser *d, const char *attempt, const char *stream, struct log_text *out)
{
    struct logs f;
    int64_t size = 0, n = 0;
    bool complete;

    *out = (struct log_text){0};
    if (logs_open(&f, d->shelf, attempt, stream, NULL))
        return 0;
    if (logs_size(&f, &size, &complete, NULL))
        size = 0;
    int64_t at = size > (int64_t)LOG_TEXT_MAX ? size - (int64_t)LOG_TEXT_MAX : 0;
    while (n < size - at) {
        int64_t got = logs_read(&f, at + n, d->raw + n, LOG_TEXT_MAX - (size_t)n, NULL);
        if (got <= 0)
            break;
        n += got;
    }
    logs_close(&f);
    return log_text_init(out, d->raw, (size_t)n, at);
}

/* The number of the line at `offset`, from 1; 0 where that cannot be said. */
static int64_t line_number(struct diagnoser *d, struct logs *f, int64_t offset)
{
    int64_t at = 0, lines = 1;

    while (at < offset && at < COUNT_MAX) {
        size_t want = offset - at < COUNT_CHUNK ? (size_t)(offset - at) : COUNT_CHUNK;
        int64_t got = logs_read(f, at, d->raw, want, NULL);
        if (got <= 0)
            return 0;
        lines += logs_count_lines(d->raw, (size_t)got);
        at += got;
    }
    return at < offset ? 0 : lines;
}

static void number_line(struct diagnoser *d, const char *attempt, struct diagnosis_proof *p)
{
    struct logs f;

    if (p->stream == EXIT_STREAM_ANY ||
        logs_open(&f, d->shelf, attempt, p->stream == EXIT_STREAM_STDOUT ? "stdout" : "stderr", NULL))
        return;
    p->line = line_number(d, &f, p->offset);
    logs_close(&f);
}

static int diagnose(struct diagnoser *d, const struct engine_event *ev, struct exit_diagnosis *out)
{
    struct log_text logs[EXIT_STREAM_STDERR + 1] = {{0}};
    struct diagnosis found;
    int rc = -1;

    if (read_log(d, ev->attempt_id, "stdout", &logs[EXIT_STREAM_STDOUT]) ||
        read_log(d, ev->attempt_id, "stderr", &logs[EXIT_STREAM_STDERR]))
        goto out;
    const struct diagnosis_end end = {.code = ev->exit_code, .platform = ev->kind == ENGINE_REFUSED, .logs = logs};
    if (diagnosis_make(d->catalogue, d->scratch, &end, &found))
        goto out;
    number_line(d, ev->attempt_id, &found.best.proof);
    for (size_t i = 0; i < found.next_count; i++)
        number_line(d, ev->attempt_id, &found.next[i].proof);
    buf_reset(&d->json);
    diagnosis_write(&found, &d->json);
    diagnosis_verdict(d->catalogue, ev->exit_code, &found, &out->verdict);
    out->json = d->json.bad ? NULL : buf_str(&d->json);
    rc = 0;
out:
    log_text_fini(&logs[EXIT_STREAM_STDOUT]);
    log_text_fini(&logs[EXIT_STREAM_STDERR]);
    return rc;
}

/* ---- the thread ---- */

static bool wants(const struct engine_event *ev)
{
    return (ev->kind == ENGINE_EXITED || ev->kind == ENGINE_REFUSED) && ev->exit_code != 0;
}

/* The next event, or NULL when all is to end. */
static struct waiting *take(struct diagnoser *d)
{
    struct waiting *w = NULL;

    pthread_mutex_lock(&d->lock);
    d->busy = false;
    while (!d->ending && !d->first)
        pthread_cond_wait(&d->more, &d->lock);
    if (!d->ending) {
        w = d->first;
        d->first = w->next;
        if (!d->first)
            d->last = &d->first;
        d->busy = true;
    }
    pthread_mutex_unlock(&d->lock);
    return w;
}

static void *thread_main(void *ctx)
{
    struct diagnoser *d = ctx;
    struct waiting *w;

    while ((w = take(d))) {
        struct exit_diagnosis why = {.json = NULL};
        bool known = false;

        if (wants(&w->event)) {
            refresh(d);
            known = !diagnose(d, &w->event, &why);
        }
        d->sink(d->ctx, &w->event, known ? &why : NULL);
        free(w);
    }
    return NULL;
}

void diagnoser_put(struct diagnoser *d, const struct engine_event *ev)
{
    struct waiting *w = NULL;

    pthread_mutex_lock(&d->lock);
    if (wants(ev) || (ev->kind == ENGINE_READY && (d->first || d->busy)))
        w = calloc(1, sizeof *w);
    if (w) {
        w->event = *ev;
        *d->last = w;
        d->last = &w->next;
        pthread_cond_signal(&d->more);
    }
    pthread_mutex_unlock(&d->lock);
    if (!w)
        d->sink(d->ctx, ev, NULL);
}

/* ---- life ---- */

struct diagnoser *diagnoser_create(const struct diagnoser_config *config, struct err *e)
{
    struct diagnoser *d = calloc(1, sizeof *d);

    if (!d) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    d->shelf = config->shelf;
    d->path = config->catalogue;
    d->last = &d->first;
    buf_init(&d->json, DIAGNOSIS_BYTES);
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->more, NULL);
    d->scratch = pattern_scratch_create();
    d->raw = malloc(LOG_TEXT_MAX);
    if (!d->scratch || !d->raw) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        goto fail;
    }
    if (d->path[0])
        (void)file_changed(d);
    d->catalogue = d->path[0] ? read_file(d->path, e) : exit_catalogue_shipped(e);
    if (d->catalogue)
        return d;
fail:
    diagnoser_destroy(d);
    return NULL;
}

int diagnoser_start(struct diagnoser *d, diagnoser_sink_fn *sink, void *ctx, struct err *e)
{
    d->sink = sink;
    d->ctx = ctx;
    d->running = !pthread_create(&d->thread, NULL, thread_main, d);
    return d->running ? 0 : err_set(e, ERR_INTERNAL, "No thread for diagnoses.");
}

void diagnoser_stop(struct diagnoser *d)
{
    if (!d || !d->running)
        return;
    pthread_mutex_lock(&d->lock);
    d->ending = true;
    pthread_cond_signal(&d->more);
    pthread_mutex_unlock(&d->lock);
    pthread_join(d->thread, NULL);
    d->running = false;
}

void diagnoser_destroy(struct diagnoser *d)
{
    if (!d)
        return;
    diagnoser_stop(d);
    while (d->first) {
        struct waiting *w = d->first;
        d->first = w->next;
        free(w);
    }
    exit_catalogue_destroy(d->catalogue);
    pattern_scratch_destroy(d->scratch);
    free(d->raw);
    buf_fini(&d->json);
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->more);
    free(d);
}
