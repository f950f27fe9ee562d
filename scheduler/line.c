/* SPDX-License-Identifier: MIT
 *
 * The line: groups by shape, found by a text key. A pass sorts the groups that may have a chance and takes the first
 * each time; one that was served moves back to where its next gang belongs.
 */
#include "scheduler/line.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/hash.h"
#include "jobs/avoid.h"

struct line_group {
    char *key;
    int priority;
    struct line_entry *head, *tail;
    uint64_t blocked_at; /* grid version at which its head did not fit, + 1 */
    uint64_t aged_at;    /* the same for a reservation by age */
    size_t slot;
};

struct line {
    struct grid *grid;
    int64_t age_ms;
    struct hash *by_key;
    struct line_group **groups, **order;
    size_t group_count, group_cap;
    size_t count;
};

struct line *line_create(struct grid *g, int64_t age_ms)
{
    struct line *l = calloc(1, sizeof *l);
    if (!l)
        return NULL;
    l->grid = g;
    l->age_ms = age_ms;
    l->by_key = hash_create();
    if (!l->by_key) {
        free(l);
        return NULL;
    }
    return l;
}

static void group_free(struct line_group *gr)
{
    free(gr->key);
    free(gr);
}

void line_destroy(struct line *l)
{
    if (!l)
        return;
    for (size_t i = 0; i < l->group_count; i++)
        group_free(l->groups[i]);
    hash_destroy(l->by_key);
    free(l->groups);
    free(l->order);
    free(l);
}

/* Everything that decides whether a gang fits. NULL on out of memory. */
static char *make_key(const struct grid_request *r)
{
    struct buf b;
    buf_init(&b, 0);
    buf_addf(&b, "%s|%s|%s|%d|%d|%d%d", r->vc, r->model ? r->model : "", r->pin ? r->pin : "", r->priority, r->user,
             r->lazy, r->no_stop);
    for (size_t i = 0; i < r->pod_kinds; i++) {
        const struct grid_need *n = r->needs ? &r->needs[i] : NULL;
        buf_addf(&b, "|%dx%d", r->pods[i].count, r->pods[i].gpus);
        if (n)
            buf_addf(&b, ",%lld,%lld,%d", (long long)n->cpus, (long long)n->memory_mb, n->ports);
    }
    for (size_t i = 0; r->models && r->models[i]; i++)
        buf_addf(&b, "|m%s", r->models[i]);
    if (r->only)
        buf_addf(&b, "|o%s", r->only);
    if (r->avoid) {
        buf_adds(&b, "|a");
        avoid_text(r->avoid, "+", &b);
    }
    if (r->lasts_ms)
        buf_addf(&b, "|t%lld", (long long)r->lasts_ms);
    char *key = buf_take(&b, NULL);
    buf_fini(&b);
    return key;
}

static int make_room(struct line *l)
{
    if (l->group_count < l->group_cap)
        return 0;
    size_t cap = l->group_cap ? l->group_cap * 2 : 64;
    struct line_group **groups = realloc(l->groups, cap * sizeof(struct line_group *));
    if (groups)
        l->groups = groups;
    struct line_group **order = realloc(l->order, cap * sizeof(struct line_group *));
    if (order)
        l->order = order;
    if (!groups || !order)
        return -1;
    l->group_cap = cap;
    return 0;
}

/* Takes the key over. */
static struct line_group *find_group(struct line *l, char *key, const struct grid_request *r)
{
    struct line_group *gr = key ? hash_get(l->by_key, key) : NULL;
    if (!key || gr) {
        free(key);
        return gr;
    }
    gr = calloc(1, sizeof *gr);
    if (!gr || make_room(l) || hash_put(l->by_key, key, gr)) {
        free(gr);
        free(key);
        return NULL;
    }
    *gr = (struct line_group){.key = key, .priority = r->priority, .slot = l->group_count};
    l->groups[l->group_count++] = gr;
    return gr;
}

/* The entry behind which one belongs; NULL: it is the first. Looked for from both ends at once: who comes anew is among
 * the last, who has been sent back to wait began before most that wait. */
static struct line_entry *find_place(const struct line_group *gr, int64_t seq)
{
    struct line_entry *last = gr->tail, *first = gr->head;
    while (last && last->seq > seq && first->seq < seq) {
        last = last->prev;
        first = first->next;
    }
    return !last || last->seq < seq ? last : first->prev;
}

/* Puts right since when the longest of each waits, from an entry to the front, as far as it changes. */
static void count_long(struct line_entry *en)
{
    for (; en; en = en->prev) {
        int64_t from = en->next && en->next->long_ms < en->since_ms ? en->next->long_ms : en->since_ms;
        if (en->long_ms == from)
            return;
        en->long_ms = from;
    }
}

int line_add(struct line *l, struct line_entry *en, const struct grid_request *r)
{
    struct line_group *gr = find_group(l, make_key(r), r);
    if (!gr)
        return -1;
    struct line_entry *after = find_place(gr, en->seq);
    en->group = gr;
    en->prev = after;
    en->next = after ? after->next : gr->head;
    *(after ? &after->next : &gr->head) = en;
    *(en->next ? &en->next->prev : &gr->tail) = en;
    en->long_ms = INT64_MAX;
    count_long(en);
    l->count++;
    return 0;
}

static void drop_group(struct line *l, struct line_group *gr)
{
    hash_remove(l->by_key, gr->key);
    l->groups[gr->slot] = l->groups[--l->group_count];
    l->groups[gr->slot]->slot = gr->slot;
    group_free(gr);
}

/* Takes an entry out; the group stays. */
static void unlink_entry(struct line *l, struct line_entry *en)
{
    struct line_group *gr = en->group;
    *(en->prev ? &en->prev->next : &gr->head) = en->next;
    *(en->next ? &en->next->prev : &gr->tail) = en->prev;
    count_long(en->prev);
    en->group = NULL;
    en->next = en->prev = NULL;
    l->count--;
}

void line_remove(struct line *l, struct line_entry *en)
{
    struct line_group *gr = en->group;
    unlink_entry(l, en);
    if (!gr->head)
        drop_group(l, gr);
}

size_t line_count(const struct line *l)
{
    return l->count;
}

static bool before(const struct line_group *a, const struct line_group *b)
{
    if (a->priority != b->priority)
        return a->priority > b->priority;
    return a->head->seq < b->head->seq;
}

static int compare(const void *a, const void *b)
{
    const struct line_group *x = *(struct line_group *const *)a, *y = *(struct line_group *const *)b;
    return before(x, y) ? -1 : before(y, x) ? 1 : 0;
}

/* Whether one of it has waited for long, and nothing was tried for it since something changed. */
static bool may_reserve(const struct line *l, const struct line_group *gr, int64_t now_ms)
{
    return l->age_ms && now_ms - gr->head->long_ms >= l->age_ms && gr->aged_at != grid_version(l->grid) + 1;
}

/* Tries a group's head; when one of the group has waited for long, has it reserve. */
static enum grid_state try_head(struct line *l, struct line_group *gr, int64_t now_ms)
{
    const struct line_entry *en = gr->head;
    enum grid_state state = GRID_WAITING;
    bool reserve = may_reserve(l, gr, now_ms);
    if (gr->blocked_at != grid_version(l->grid) + 1)
        state = grid_try(l->grid, en->gang);
    if (state == GRID_WAITING && reserve)
        state = grid_reserve(l->grid, en->gang);
    if (state == GRID_WAITING)
        gr->blocked_at = grid_version(l->grid) + 1;
    if (state == GRID_WAITING && reserve)
        gr->aged_at = grid_version(l->grid) + 1;
    return state;
}

/* Moves the group at `at` behind those that come before its new head. */
static void move_back(struct line *l, size_t at, size_t count)
{
    for (; at + 1 < count && before(l->order[at + 1], l->order[at]); at++) {
        struct line_group *t = l->order[at];
        l->order[at] = l->order[at + 1];
        l->order[at + 1] = t;
    }
}

/* All groups in order. Also those that are blocked: what is placed in this pass may take a reservation over, and what
 * that frees is for the next in order at once, not at the next event of whoever. */
static size_t make_order(struct line *l)
{
    size_t n = l->group_count;
    if (n)
        memcpy(l->order, l->groups, n * sizeof(struct line_group *));
    if (n > 1)
        qsort(l->order, n, sizeof(struct line_group *), compare);
    return n;
}

int line_pass(struct line *l, int64_t now_ms, line_fn *fn, void *ctx)
{
    size_t n = make_order(l), at = 0;
    int served = 0;
    while (at < n) {
        struct line_group *gr = l->order[at];
        struct line_entry *en = gr->head;
        enum grid_state state = try_head(l, gr, now_ms);
        if (state == GRID_WAITING) {
            at++;
            continue;
        }
        unlink_entry(l, en);
        served++;
        if (gr->head) {
            move_back(l, at, n);
        } else {
            memmove(&l->order[at], &l->order[at + 1], (n - at - 1) * sizeof(struct line_group *));
            n--;
            drop_group(l, gr);
        }
        fn(ctx, en, state);
    }
    return served;
}

static bool entry_before(const struct line_entry *a, const struct line_entry *b)
{
    int x = a->group->priority, y = b->group->priority;
    return x != y ? x > y : a->seq < b->seq;
}

static int compare_entries(const void *a, const void *b)
{
    const struct line_entry *x = *(struct line_entry *const *)a, *y = *(struct line_entry *const *)b;
    return entry_before(x, y) ? -1 : entry_before(y, x) ? 1 : 0;
}

size_t line_first(const struct line *l, struct line_place *out, size_t max)
{
    size_t n = l->group_count, count = 0;
    struct line_entry **next = calloc(n + 1, sizeof(struct line_entry *));
    for (size_t i = 0; next && i < n; i++)
        next[i] = l->groups[i]->head;
    if (next && n > 1)
        qsort(next, n, sizeof(struct line_entry *), compare_entries);
    for (size_t at = 0; next && at < n && count < max;) {
        assert(next[at]); /* a group has a head, and one that is through is passed */
        out[count++] = (struct line_place){.gang = next[at]->gang, .since_ms = next[at]->long_ms};
        next[at] = next[at]->next;
        at += !next[at];
        for (size_t i = at; i + 1 < n && next[i] && entry_before(next[i + 1], next[i]); i++) {
            struct line_entry *t = next[i];
            next[i] = next[i + 1];
            next[i + 1] = t;
        }
    }
    free(next);
    return count;
}

int64_t line_deadline(const struct line *l, int64_t now_ms)
{
    int64_t next = INT64_MAX;
    for (size_t i = 0; l->age_ms && i < l->group_count; i++) {
        int64_t at = l->groups[i]->head->long_ms + l->age_ms;
        if (at > now_ms && at < next)
            next = at;
    }
    return next;
}
