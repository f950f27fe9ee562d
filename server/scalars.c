/* SPDX-License-Identifier: MIT
 *
 * A shelf of files that are being followed, by attempt and path. The lock is held while a window of one file is taken
 * in or a folder is told, never while a file is read; a file that one thread reads is left alone by the others.
 * Files that nobody asks about make room for new ones.
 */
#include "server/scalars.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/crc32c.h"
#include "base/err.h"
#include "base/hash.h"
#include "base/id.h"
#include "engines/local/outputs.h"
#include "metrics/event_follow.h"

#define NAME_BEGIN "events.out.tfevents."
#define SHELF_BYTES ((size_t)64 << 20) /* what all files on the shelf may take */
#define WORK_MAX (INT64_C(96) << 20)   /* bytes that one question may look at: half a second of short records */

enum {
    FILES_MAX = 256,     /* of one question */
    FOLDERS_MAX = 2000,  /* of one question, with and without event files */
    DEPTH_MAX = 8,       /* of folders */
    SHELF_FILES = 2048,  /* on the shelf */
    POINTS_MAX = 100000, /* of all tags of one answer */
    TAGS_MAX = 5000,     /* of one answer */
    AT_ONCE = 3,         /* threads that read */
    HEAD_BYTES = 32,     /* by which a file is known again: length, checksum and time of its first record */
};

/* A file on the shelf. All under the lock, but that `busy` keeps `events` for one thread to change. */
struct scalars_file {
    char *key; /* ATTEMPT/PATH */
    dev_t device;
    ino_t inode;
    unsigned char head[HEAD_BYTES];
    size_t head_len;
    struct event_file events;
    size_t accounted;  /* bytes of `events` that the shelf has counted */
    bool busy, broken; /* broken: out of memory in the middle; begin anew */
    int users;         /* questions that hold it */
    uint64_t asked;    /* when last, counted in files asked for */
};

struct scalars {
    const char *data_dir;
    struct crc32c crc;
    pthread_mutex_t lock;
    struct hash *by_key;
    size_t memory;
    int reading;
    uint64_t asked;
};

struct scalars *scalars_create(const char *data_dir)
{
    struct scalars *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->by_key = hash_create();
    if (!s->by_key) {
        free(s);
        return NULL;
    }
    s->data_dir = data_dir;
    crc32c_init(&s->crc);
    pthread_mutex_init(&s->lock, NULL);
    return s;
}

static void free_file(struct scalars *s, struct scalars_file *f)
{
    s->memory -= f->accounted;
    event_file_fini(&f->events);
    free(f->key);
    free(f);
}

void scalars_destroy(struct scalars *s)
{
    if (!s)
        return;
    size_t pos = 0;
    for (struct scalars_file *f; (f = hash_next(s->by_key, &pos));)
        free_file(s, f);
    hash_destroy(s->by_key);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

/* ---- the shelf; under the lock ---- */

static void account(struct scalars *s, struct scalars_file *f)
{
    s->memory += f->events.memory - f->accounted;
    f->accounted = f->events.memory;
}

/* Takes away what was not asked for the longest; false when all is in use. */
static bool make_room(struct scalars *s)
{
    struct scalars_file *oldest = NULL;
    size_t pos = 0;
    for (struct scalars_file *f; (f = hash_next(s->by_key, &pos));)
        if (!f->users && (!oldest || f->asked < oldest->asked))
            oldest = f;
    if (!oldest)
        return false;
    hash_remove(s->by_key, oldest->key);
    free_file(s, oldest);
    return true;
}

/* The file of that key, for this question; NULL on out of memory. */
static struct scalars_file *hold_file(struct scalars *s, const char *key)
{
    struct scalars_file *f = hash_get(s->by_key, key);
    while (!f && hash_count(s->by_key) >= SHELF_FILES && make_room(s))
        ;
    if (!f) {
        f = calloc(1, sizeof *f);
        if (!f || event_file_init(&f->events, &s->crc) || !(f->key = strdup(key)) || hash_put(s->by_key, f->key, f)) {
            if (f) {
                event_file_fini(&f->events);
                free(f->key);
            }
            free(f);
            return NULL;
        }
        account(s, f);
    }
    f->users++;
    f->asked = ++s->asked;
    return f;
}

/* ---- finding ---- */

/* A folder still to be looked into. */
struct visit {
    struct visit *next;
    const char *path;
    int depth;
};

struct search {
    struct scalars *s;
    struct scalars_reading *r;
    const char *attempt;
    const void *place;
    struct visit *first, **last;
};

static int add_visit(struct search *w, const char *path, int depth)
{
    struct visit *v = arena_alloc(w->r->arena, sizeof *v);
    if (!v || !path)
        return -1;
    *v = (struct visit){.path = path, .depth = depth};
    *w->last = v;
    w->last = &v->next;
    return 0;
}

static const char *join(struct arena *a, const char *path, const char *name)
{
    return *path ? arena_printf(a, "%s/%s", path, name) : arena_strdup(a, name);
}

static bool is_event_file(const struct outputs_entry *entry)
{
    return entry->type == OUTPUTS_FILE && strncmp(entry->name, NAME_BEGIN, sizeof(NAME_BEGIN) - 1) == 0;
}

/* The event files of one listing, in the order of their names: that is how old they are. 0 or -1. */
static int take_files(struct search *w, const char *path, const struct outputs_list *list, int count)
{
    struct scalars_reading *r = w->r;
    struct scalars_folder *f = arena_alloc(r->arena, sizeof *f);
    if (!f)
        return -1;
    f->place = w->place;
    f->path = path;
    f->files = arena_calloc(r->arena, (size_t)count, sizeof(struct scalars_file *));
    if (!f->files)
        return -1;
    *r->last = f;
    r->last = &f->next;
    for (size_t i = 0; i < list->count; i++) {
        if (!is_event_file(&list->entries[i]))
            continue;
        if (r->file_count == FILES_MAX) {
            r->left_out++;
            continue;
        }
        const char *key = join(r->arena, path, list->entries[i].name);
        key = key ? arena_printf(r->arena, "%s/%s", w->attempt, key) : NULL;
        pthread_mutex_lock(&w->s->lock);
        struct scalars_file *file = key ? hold_file(w->s, key) : NULL;
        pthread_mutex_unlock(&w->s->lock);
        if (!file)
            return -1;
        f->files[f->file_count++] = file;
        r->file_count++;
    }
    return 0;
}

/* 0 or -1. */
static int visit_folder(struct search *w, const struct visit *v, struct arena *scratch)
{
    struct scalars_reading *r = w->r;
    struct outputs_list list = {.arena = scratch};
    struct err gone = {0};
    int files = 0, rc = 0;
    if (r->folders_seen++ >= FOLDERS_MAX) {
        r->left_out++;
        return 0;
    }
    arena_reset(scratch);
    if (outputs_read_folder(w->s->data_dir, w->attempt, v->path, &list, &gone))
        return gone.code == ERR_NO_FILE ? 0 : -1; /* not there yet, or no longer */
    r->left_out += list.truncated;
    for (size_t i = 0; i < list.count && !rc; i++) {
        const struct outputs_entry *entry = &list.entries[i];
        files += is_event_file(entry);
        if (entry->type != OUTPUTS_FOLDER || entry->name[0] == '.')
            continue;
        if (v->depth == DEPTH_MAX || r->folders_seen >= FOLDERS_MAX)
            r->left_out++;
        else
            rc = add_visit(w, join(r->arena, v->path, entry->name), v->depth + 1);
    }
    return !rc && files ? take_files(w, v->path, &list, files) : rc;
}

int scalars_find(struct scalars *s, struct scalars_reading *r, const char *attempt, const void *place, struct err *e)
{
    struct search w = {.s = s, .r = r, .attempt = attempt, .place = place, .last = &w.first};
    struct arena *scratch = arena_create(0);
    if (!r->last)
        r->last = &r->first;
    int rc = scratch ? add_visit(&w, "", 0) : -1;
    for (const struct visit *v = w.first; v && !rc; v = v->next)
        rc = visit_folder(&w, v, scratch);
    arena_destroy(scratch);
    return rc ? err_set(e, ERR_BUSY, "The server is out of memory.") : 0;
}

/* ---- reading on ---- */

/* Forgets what was read: it is another file now, or the same one written anew. Under the lock. */
static int begin_anew(struct scalars *s, struct scalars_file *f)
{
    event_file_fini(&f->events);
    int rc = event_file_init(&f->events, &s->crc);
    account(s, f);
    f->broken = rc != 0;
    f->head_len = 0;
    return rc;
}

/* Whether what is open is the file that was read before. */
static bool is_same(const struct scalars_file *f, const struct stat *st, const unsigned char *head, size_t len)
{
    return !f->broken && f->device == st->st_dev && f->inode == st->st_ino && f->events.offset <= st->st_size &&
           f->head_len <= len && memcmp(f->head, head, f->head_len) == 0;
}

/* Reads on in a file that is this thread's. 0, or -1 when it cannot. */
static int read_on(struct scalars *s, struct scalars_file *f, int64_t *work, bool *complete)
{
    unsigned char head[HEAD_BYTES];
    struct stat st;
    struct err e = {0};
    char attempt[ID_SIZE] = "";
    memcpy(attempt, f->key, ID_SIZE - 1);
    int fd = outputs_open(s->data_dir, attempt, f->key + ID_SIZE, &e);
    if (fd < 0)
        return -1;
    ssize_t n = pread(fd, head, sizeof head, 0);
    int rc = n < 0 || fstat(fd, &st) ? -1 : 0;
    if (!rc) {
        pthread_mutex_lock(&s->lock);
        if (!is_same(f, &st, head, (size_t)n))
            rc = begin_anew(s, f);
        f->device = st.st_dev;
        f->inode = st.st_ino;
        f->head_len = (size_t)n;
        memcpy(f->head, head, (size_t)n);
        pthread_mutex_unlock(&s->lock);
    }
    if (!rc)
        rc = event_follow(&f->events, fd, &s->lock, work, complete);
    if (rc && errno == ENOMEM)
        f->broken = true;
    (void)close(fd);
    return rc;
}

/* One file of a question; whether it is read to its end. */
static bool follow_file(struct scalars *s, struct scalars_file *f, int64_t *work)
{
    pthread_mutex_lock(&s->lock);
    while (s->memory > SHELF_BYTES && make_room(s))
        ;
    const bool mine = !f->busy && *work > 0 && s->memory <= SHELF_BYTES;
    f->busy = f->busy || mine;
    pthread_mutex_unlock(&s->lock);
    if (!mine)
        return false;
    bool complete = false;
    if (read_on(s, f, work, &complete))
        complete = false;
    pthread_mutex_lock(&s->lock);
    account(s, f);
    f->busy = false;
    pthread_mutex_unlock(&s->lock);
    return complete;
}

/* Whether that series is told. */
static bool is_told(const struct scalars_reading *r, const struct event_series *series)
{
    return series->count && (!r->tag || strcmp(r->tag, series->tag) == 0);
}

/* Shares the points of an answer among its tags. */
static void share_points(struct scalars *s, struct scalars_reading *r)
{
    int tags = 1;
    pthread_mutex_lock(&s->lock);
    for (const struct scalars_folder *f = r->first; f; f = f->next)
        for (int i = 0; i < f->file_count; i++)
            for (int k = 0; k < f->files[i]->events.series_count; k++)
                tags += is_told(r, f->files[i]->events.series[k]);
    pthread_mutex_unlock(&s->lock);
    if (r->points > POINTS_MAX / tags)
        r->points = POINTS_MAX / tags;
    if (r->points == 1)
        r->points = 2; /* the first and the last */
}

void scalars_follow(struct scalars *s, struct scalars_reading *r)
{
    int64_t work = WORK_MAX;
    pthread_mutex_lock(&s->lock);
    const bool entered = s->reading++ < AT_ONCE;
    pthread_mutex_unlock(&s->lock);
    r->complete = !r->left_out;
    for (struct scalars_folder *f = r->first; f; f = f->next) {
        f->complete = entered;
        for (int i = 0; i < f->file_count && entered; i++)
            f->complete = follow_file(s, f->files[i], &work) && f->complete;
        r->complete = r->complete && f->complete;
    }
    pthread_mutex_lock(&s->lock);
    s->reading--;
    pthread_mutex_unlock(&s->lock);
    if (r->points)
        share_points(s, r);
}

/* ---- telling ---- */

/* A series and the place of its file. */
struct told {
    const struct event_series *series;
    int file;
};

static int by_tag(const void *one, const void *other)
{
    const struct told *a = one, *b = other;
    const int order = strcmp(a->series->tag, b->series->tag);
    return order ? order : a->file - b->file;
}

/* Tells each tag of a sorted list. 0, or -1 on out of memory. */
static int write_tags(struct scalars_reading *r, const struct told *all, size_t count, const struct scalars_writer *w)
{
    const struct event_series *of_tag[FILES_MAX];
    for (size_t i = 0; i < count;) {
        struct event_run run;
        int n = 0;
        while (i < count && (!n || strcmp(all[i].series->tag, of_tag[0]->tag) == 0))
            of_tag[n++] = all[i++].series;
        if (r->tags_told == TAGS_MAX) {
            r->left_out++;
            r->complete = false;
            continue;
        }
        r->tags_told++;
        if (event_run_join(&run, of_tag, n, r->points))
            return -1;
        w->tag(w->ctx, &run);
        free(run.points);
    }
    return 0;
}

/* Under the lock. 0, or -1 on out of memory. */
static int write_folder(struct scalars_reading *r, const struct scalars_folder *f, const struct scalars_writer *w)
{
    struct scalars_sums sums = {0};
    size_t room = 1, count = 0;
    for (int i = 0; i < f->file_count; i++) {
        const struct event_file *events = &f->files[i]->events;
        sums.bytes += events->offset;
        sums.records += events->records;
        sums.damaged += events->damaged;
        sums.left_out += events->left_out;
        room += (size_t)events->series_count;
    }
    struct told *all = calloc(room, sizeof *all);
    if (!all)
        return -1;
    for (int i = 0; i < f->file_count; i++)
        for (int k = 0; k < f->files[i]->events.series_count; k++)
            if (is_told(r, f->files[i]->events.series[k]))
                all[count++] = (struct told){.series = f->files[i]->events.series[k], .file = i};
    qsort(all, count, sizeof *all, by_tag);
    w->folder(w->ctx, f, &sums);
    int rc = write_tags(r, all, count, w);
    free(all);
    return rc;
}

int scalars_write(struct scalars *s, struct scalars_reading *r, const struct scalars_folder *f,
                  const struct scalars_writer *w)
{
    pthread_mutex_lock(&s->lock);
    int rc = write_folder(r, f, w);
    pthread_mutex_unlock(&s->lock);
    return rc;
}

void scalars_release(struct scalars *s, struct scalars_reading *r)
{
    pthread_mutex_lock(&s->lock);
    for (struct scalars_folder *f = r->first; f; f = f->next)
        for (int i = 0; i < f->file_count; i++)
            f->files[i]->users--;
    pthread_mutex_unlock(&s->lock);
    r->first = NULL;
}
