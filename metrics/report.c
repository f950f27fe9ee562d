/* SPDX-License-Identifier: MIT
 *
 * A hash of groups; what spans several days goes to each of them with its part.
 */
#include "metrics/report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/hash.h"

enum { ARENA_MAX = 64 << 20 };

static const char *const key_names[REPORT_KEYS] = {
    [REPORT_VC] = "vc",     [REPORT_USER] = "user",   [REPORT_JOB] = "job",
    [REPORT_NODE] = "node", [REPORT_MODEL] = "model", [REPORT_DAY] = "day"};

static const char *const outcome_names[REPORT_OUTCOMES] = {
    [REPORT_SUCCEEDED] = "succeeded", [REPORT_FAILED] = "failed",       [REPORT_PLATFORM] = "platform",
    [REPORT_STOPPED] = "stopped",     [REPORT_PREEMPTED] = "preempted", [REPORT_RUNNING] = "running",
    [REPORT_RESERVED] = "reserved"};

struct group {
    struct report_row row;
    int64_t *waits; /* row.started of them; malloc */
    size_t room;
};

struct report {
    struct report_range range;
    struct report *next; /* of the chain */
    bool list, overflowed;
    struct arena *arena;
    struct hash *by_key;
    struct group **groups; /* malloc */
    size_t count, room;
    struct group total;
    int64_t day_number; /* whose text `day` is, from 1; 0 = none yet */
    char day[16];
};

const char *report_key_name(enum report_key key)
{
    return key_names[key];
}

const char *report_outcome_name(enum report_outcome outcome)
{
    return outcome_names[outcome];
}

int report_keys_parse(const char *list, unsigned *by, struct err *e)
{
    *by = 0;
    while (*list) {
        size_t n = strcspn(list, ",");
        int key = 0;

        while (key < REPORT_KEYS && (strlen(key_names[key]) != n || strncmp(key_names[key], list, n) != 0))
            key++;
        if (key == REPORT_KEYS)
            return err_set(e, ERR_INVALID_PARAMETERS, "by: %.*s is none of vc, user, job, node, model, day.",
                           (int)(n < 40 ? n : 40), list);
        *by |= 1u << key;
        list += n + (list[n] == ',');
    }
    return 0;
}

void report_day_text(int64_t at_ms, char out[16])
{
    time_t seconds = (time_t)(at_ms / 1000);
    struct tm tm;

    if (!gmtime_r(&seconds, &tm) || !strftime(out, 16, "%Y-%m-%d", &tm))
        out[0] = '\0';
}

/* ---- life ---- */

struct report *report_create(const struct report_range *range, struct err *e)
{
    struct report *r;

    if (range->from_ms < 0 || range->from_ms >= range->to_ms ||
        range->to_ms - range->from_ms > REPORT_DAYS_MAX * REPORT_DAY_MS) {
        (void)err_set(e, ERR_INVALID_PARAMETERS, "from must be before to, by at most %d days.", REPORT_DAYS_MAX);
        return NULL;
    }
    r = calloc(1, sizeof(*r));
    if (r) {
        r->range = *range;
        r->arena = arena_create(ARENA_MAX);
        r->by_key = hash_create();
    }
    if (r && r->arena && r->by_key)
        return r;
    report_destroy(r);
    (void)err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void report_destroy(struct report *r)
{
    if (!r)
        return;
    for (size_t i = 0; i < r->count; i++)
        free(r->groups[i]->waits);
    free(r->total.waits);
    free(r->groups);
    hash_destroy(r->by_key);
    arena_destroy(r->arena);
    free(r);
}

/* ---- groups ---- */

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* A new group of these keys, known as `name`. NULL with `e`. */
static struct group *make(struct report *r, const char *const keys[REPORT_KEYS], const char *name, struct err *e)
{
    struct group *g;

    if (r->count == REPORT_ROWS_MAX) {
        r->overflowed = true;
        (void)err_set(e, ERR_INVALID_PARAMETERS,
                      "The report has more than %d rows: ask for a shorter time, or by less.", REPORT_ROWS_MAX);
        return NULL;
    }
    if (r->count == r->room) {
        size_t room = r->room ? 2 * r->room : 64;
        struct group **more = reallocarray(r->groups, room, sizeof(*more));

        if (!more) {
            (void)no_memory(e);
            return NULL;
        }
        r->groups = more;
        r->room = room;
    }
    g = arena_calloc(r->arena, 1, sizeof(*g));
    for (int k = 0; g && k < REPORT_KEYS; k++)
        if ((r->range.by & 1u << k) && keys[k] && !(g->row.key[k] = arena_strdup(r->arena, keys[k])))
            g = NULL;
    name = g ? arena_strdup(r->arena, name) : NULL;
    if (!name || hash_put(r->by_key, name, g)) {
        (void)no_memory(e);
        return NULL;
    }
    r->groups[r->count++] = g;
    return g;
}

/* The day's text, made when another day is asked for than before. */
static const char *day_text(struct report *r, int64_t at_ms)
{
    if (r->day_number != at_ms / REPORT_DAY_MS + 1) {
        r->day_number = at_ms / REPORT_DAY_MS + 1;
        report_day_text(at_ms, r->day);
    }
    return r->day;
}

/* The group of these keys at that day. Names have no control characters, so that a line break keeps them apart. */
static struct group *find(struct report *r, const char *const keys[REPORT_KEYS], int64_t at_ms, struct err *e)
{
    const char *own[REPORT_KEYS];
    char name[2048];
    size_t n = 0;
    struct group *g;

    memcpy(own, keys, sizeof(own));
    own[REPORT_DAY] = (r->range.by & 1u << REPORT_DAY) ? day_text(r, at_ms) : NULL;
    name[0] = '\0';
    for (int k = 0; k < REPORT_KEYS; k++) {
        const char *text = (r->range.by & 1u << k) && own[k] ? own[k] : "";
        size_t len = strlen(text);

        if (n + len + 2 > sizeof(name)) {
            (void)err_set(e, ERR_INTERNAL, "A name in the report is too long.");
            return NULL;
        }
        memcpy(name + n, text, len);
        n += len;
        name[n++] = '\n';
        name[n] = '\0';
    }
    g = hash_get(r->by_key, name);
    return g ? g : make(r, own, name, e);
}

/* ---- adding ---- */

/* A time that was used: `add` puts a part of it into a row. */
struct span {
    int64_t begin_ms, end_ms; /* end 0: it goes on */
    const char *const *keys;
    void (*add)(struct report_row *row, const void *use, int64_t ms);
    const void *use;
};

/* Whether an error is none: a list has come to its end. */
static bool cut_off(const struct report *r)
{
    return r->list && r->overflowed;
}

/* Gives each group its part of what is in the range. */
static int spread_one(struct report *r, const struct span *s, struct err *e)
{
    int64_t end = s->end_ms ? s->end_ms : r->range.now_ms;
    int64_t at = s->begin_ms > r->range.from_ms ? s->begin_ms : r->range.from_ms;

    if (end > r->range.to_ms)
        end = r->range.to_ms;
    while (at < end) {
        int64_t next = (r->range.by & 1u << REPORT_DAY) ? (at / REPORT_DAY_MS + 1) * REPORT_DAY_MS : end;
        struct group *g = find(r, s->keys, at, e);

        if (!g)
            return cut_off(r) ? 0 : -1;
        if (next > end)
            next = end;
        s->add(&g->row, s->use, next - at);
        s->add(&r->total.row, s->use, next - at);
        at = next;
    }
    return 0;
}

static int spread(struct report *r, const struct span *s, struct err *e)
{
    for (; r; r = r->next)
        if (!cut_off(r) && spread_one(r, s, e))
            return -1;
    return 0;
}

static void add_time(struct report_row *row, const void *use, int64_t ms)
{
    const struct report_use *u = use;

    row->gpu_ms[u->outcome] += u->gpus * ms;
    row->task_ms += u->outcome == REPORT_RESERVED ? 0 : ms; /* no task: it has ended */
}

int report_add_use(struct report *r, const struct report_use *u, struct err *e)
{
    const struct span s = {u->begin_ms, u->end_ms, u->key, add_time, u};

    return spread(r, &s, e);
}

/* Spread evenly over the whole time, as nobody kept when it was busy. */
static void add_busy(struct report_row *row, const void *use, int64_t ms)
{
    const struct report_busy *b = use;
    const double part = (double)ms / (double)(b->end_ms - b->begin_ms);

    row->sampled_ms += b->sampled_ms * part;
    row->idle_ms += b->idle_ms * part;
    row->busy_ms += b->busy_ms * part;
    row->memory_ms += b->memory_ms * part;
    row->memory_mib_ms += b->memory_mib_ms * part;
    row->energy_j += b->energy_j * part;
    if (b->outcome == REPORT_SUCCEEDED) {
        row->kept_sampled_ms += b->sampled_ms * part;
        row->kept_busy_ms += b->busy_ms * part;
    }
}

int report_add_busy(struct report *r, const struct report_busy *b, struct err *e)
{
    struct report_busy whole = *b;

    if (!whole.end_ms)
        whole.end_ms = r->range.now_ms;
    const struct span s = {whole.begin_ms, whole.end_ms, whole.key, add_busy, &whole};

    return spread(r, &s, e);
}

static void add_unused(struct report_row *row, const void *use, int64_t ms)
{
    const struct report_unused *u = use;

    row->unused_ms += u->gpus * ms;
}

int report_add_unused(struct report *r, const struct report_unused *u, struct err *e)
{
    const struct span s = {u->begin_ms, u->end_ms, u->key, add_unused, u};

    return spread(r, &s, e);
}

static int add_wait(struct group *g, int64_t ms)
{
    if ((size_t)g->row.started == g->room) {
        size_t room = g->room ? 2 * g->room : 16;
        int64_t *more = reallocarray(g->waits, room, sizeof(*more));

        if (!more)
            return -1;
        g->waits = more;
        g->room = room;
    }
    g->waits[g->row.started++] = ms > 0 ? ms : 0;
    return 0;
}

static bool inside(const struct report *r, int64_t at_ms)
{
    return at_ms >= r->range.from_ms && at_ms < r->range.to_ms;
}

static void add_freed(struct report_row *row, const struct report_freed *f)
{
    row->freed++;
    row->freed_idle_ms += f->idle_ms;
    if (f->left_ms < 0)
        row->freed_open++;
    else
        row->freed_left_ms += f->gpus * f->left_ms;
}

/* The group of what happened at a moment; NULL: it is outside, or behind the end of a list. 0 or -1. */
static int find_at(struct report *r, const char *const keys[REPORT_KEYS], int64_t at_ms, struct group **out,
                   struct err *e)
{
    *out = inside(r, at_ms) && !cut_off(r) ? find(r, keys, at_ms, e) : NULL;
    return *out || !inside(r, at_ms) || cut_off(r) ? 0 : -1;
}

int report_add_freed(struct report *r, const struct report_freed *f, struct err *e)
{
    struct group *g;

    for (; r; r = r->next) {
        if (find_at(r, f->key, f->at_ms, &g, e))
            return -1;
        if (!g)
            continue;
        add_freed(&g->row, f);
        add_freed(&r->total.row, f);
    }
    return 0;
}

/* The keys of what belongs to a job as a whole: it may have run on several nodes. */
static void job_keys(const char *const from[REPORT_KEYS], const char *out[REPORT_KEYS])
{
    memcpy(out, from, REPORT_KEYS * sizeof(*out));
    out[REPORT_NODE] = out[REPORT_MODEL] = NULL;
}

int report_add_preempted(struct report *r, const struct report_preempted *p, struct err *e)
{
    const char *keys[REPORT_KEYS];
    struct group *g;

    job_keys(p->key, keys);
    for (; r; r = r->next) {
        if (find_at(r, keys, p->at_ms, &g, e))
            return -1;
        if (!g)
            continue;
        g->row.preempted++;
        r->total.row.preempted++;
    }
    return 0;
}

static int add_job(struct report *r, const struct report_job *j, struct err *e)
{
    const char *keys[REPORT_KEYS];
    struct group *g;

    job_keys(j->key, keys);
    if (j->ended_ms && inside(r, j->ended_ms)) {
        g = find(r, keys, j->ended_ms, e);
        if (!g)
            return -1;
        g->row.ended++;
        r->total.row.ended++;
        g->row.succeeded += j->succeeded;
        r->total.row.succeeded += j->succeeded;
    }
    if (j->started_ms && inside(r, j->started_ms)) {
        g = find(r, keys, j->started_ms, e);
        if (!g)
            return -1;
        if (add_wait(g, j->started_ms - j->submitted_ms) || add_wait(&r->total, j->started_ms - j->submitted_ms))
            return no_memory(e);
    }
    return 0;
}

int report_add_job(struct report *r, const struct report_job *j, struct err *e)
{
    for (; r; r = r->next)
        if (!cut_off(r) && add_job(r, j, e) && !cut_off(r))
            return -1;
    return 0;
}

/* ---- chains ---- */

void report_chain(struct report *r, struct report *next)
{
    while (r->next)
        r = r->next;
    r->next = next;
}

void report_set_list(struct report *r)
{
    r->list = true;
}

bool report_overflowed(const struct report *r)
{
    return r->overflowed;
}

bool report_wants(const struct report *r, enum report_key key)
{
    while (r && !(r->range.by & 1u << key))
        r = r->next;
    return r != NULL;
}

/* ---- the result ---- */

static int by_number(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void settle(struct group *g)
{
    size_t n = (size_t)g->row.started;

    if (!n)
        return;
    qsort(g->waits, n, sizeof(*g->waits), by_number);
    g->row.wait_p50 = g->waits[(n * 50 + 99) / 100 - 1];
    g->row.wait_p95 = g->waits[(n * 95 + 99) / 100 - 1];
}

static int by_keys(const void *a, const void *b)
{
    const struct report_row *x = *(const struct report_row *const *)a, *y = *(const struct report_row *const *)b;

    for (int k = 0; k < REPORT_KEYS; k++) {
        const char *s = x->key[k] ? x->key[k] : "", *t = y->key[k] ? y->key[k] : "";
        int c = strcmp(s, t);

        if (c)
            return c;
    }
    return 0;
}

const struct report_row *const *report_rows(struct report *r, size_t *count)
{
    /* A group begins with its row, so that the array of groups is one of rows. */
    _Static_assert(offsetof(struct group, row) == 0, "the row comes first");
    for (size_t i = 0; i < r->count; i++)
        settle(r->groups[i]);
    if (r->count)
        qsort(r->groups, r->count, sizeof(*r->groups), by_keys);
    *count = r->count;
    return (const struct report_row *const *)(const void *)r->groups;
}

const struct report_row *report_total(struct report *r)
{
    settle(&r->total);
    return &r->total.row;
}
