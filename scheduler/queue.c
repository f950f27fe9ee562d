/* SPDX-License-Identifier: MIT
 *
 * Groups are found by a chained hash over their shape; empty groups are freed at once.
 */
#include "scheduler/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { TABLE = 4096 };

struct sched_queue {
    struct sched_group *table[TABLE];
    struct sched_group **groups;
    size_t group_count, group_cap;
    size_t count;
};

struct sched_queue *queue_create(void)
{
    return calloc(1, sizeof(struct sched_queue));
}

static void group_free(struct sched_group *g)
{
    free((void *)g->request.roles);
    free(g);
}

void queue_destroy(struct sched_queue *q)
{
    if (!q)
        return;
    for (size_t i = 0; i < q->group_count; i++)
        group_free(q->groups[i]);
    free(q->groups);
    free(q);
}

static uint64_t mix(uint64_t h, int64_t v)
{
    h ^= (uint64_t)v;
    h *= UINT64_C(0x9E3779B97F4A7C15);
    return h ^ (h >> 29);
}

static size_t slot_of(const struct sched_request *r)
{
    uint64_t h = mix(0, r->priority);
    for (size_t i = 0; i < r->role_count; i++) {
        const struct sched_role *s = &r->roles[i];
        h = mix(mix(mix(mix(mix(h, s->instances), s->ports), s->per_task.cpus), s->per_task.memory_mb),
                s->per_task.gpus);
    }
    return h % TABLE;
}

static bool same_role(const struct sched_role *a, const struct sched_role *b)
{
    return a->instances == b->instances && a->ports == b->ports && a->per_task.cpus == b->per_task.cpus &&
           a->per_task.memory_mb == b->per_task.memory_mb && a->per_task.gpus == b->per_task.gpus;
}

static bool same_shape(const struct sched_request *a, const struct sched_request *b)
{
    if (a->priority != b->priority || a->role_count != b->role_count)
        return false;
    for (size_t i = 0; i < a->role_count; i++)
        if (!same_role(&a->roles[i], &b->roles[i]))
            return false;
    return true;
}

/* Makes room for one more group. 0 or -1. */
static int reserve(struct sched_queue *q)
{
    if (q->group_count < q->group_cap)
        return 0;
    size_t cap = q->group_cap ? q->group_cap * 2 : 64;
    struct sched_group **grown = realloc(q->groups, cap * sizeof(struct sched_group *));
    if (!grown)
        return -1;
    q->groups = grown;
    q->group_cap = cap;
    return 0;
}

static struct sched_group *group_make(struct sched_queue *q, const struct sched_request *r, size_t slot)
{
    struct sched_group *g = calloc(1, sizeof *g);
    struct sched_role *roles = calloc(r->role_count, sizeof *roles);
    if (!g || !roles || reserve(q)) {
        free(g);
        free(roles);
        return NULL;
    }
    memcpy(roles, r->roles, r->role_count * sizeof *roles);
    g->request = (struct sched_request){.roles = roles, .role_count = r->role_count, .priority = r->priority};
    g->hash_next = q->table[slot];
    q->table[slot] = g;
    g->slot = q->group_count;
    q->groups[q->group_count++] = g;
    return g;
}

static struct sched_group *group_find(struct sched_queue *q, const struct sched_request *r)
{
    size_t slot = slot_of(r);
    for (struct sched_group *g = q->table[slot]; g; g = g->hash_next)
        if (same_shape(&g->request, r))
            return g;
    return group_make(q, r, slot);
}

int queue_add(struct sched_queue *q, struct sched_entry *en)
{
    struct sched_group *g = group_find(q, en->request);
    if (!g)
        return -1;
    struct sched_entry *after = g->tail;
    while (after && after->seq > en->seq)
        after = after->prev;
    en->group = g;
    en->prev = after;
    en->next = after ? after->next : g->head;
    if (after)
        after->next = en;
    else
        g->head = en;
    if (en->next)
        en->next->prev = en;
    else
        g->tail = en;
    g->count++;
    q->count++;
    return 0;
}

static void group_drop(struct sched_queue *q, struct sched_group *g)
{
    struct sched_group **link = &q->table[slot_of(&g->request)];
    while (*link != g)
        link = &(*link)->hash_next;
    *link = g->hash_next;
    struct sched_group *last = q->groups[--q->group_count];
    q->groups[g->slot] = last;
    last->slot = g->slot;
    group_free(g);
}

void queue_remove(struct sched_queue *q, struct sched_entry *en)
{
    struct sched_group *g = en->group;
    assert(g);
    if (en->prev)
        en->prev->next = en->next;
    else
        g->head = en->next;
    if (en->next)
        en->next->prev = en->prev;
    else
        g->tail = en->prev;
    en->group = NULL;
    en->next = en->prev = NULL;
    q->count--;
    if (--g->count == 0)
        group_drop(q, g);
}

size_t queue_count(const struct sched_queue *q)
{
    return q->count;
}

size_t queue_groups(const struct sched_queue *q)
{
    return q->group_count;
}

struct sched_group *queue_group(const struct sched_queue *q, size_t i)
{
    return q->groups[i];
}
