/* SPDX-License-Identifier: MIT
 *
 * A recount of everything the core counts (I4, I5), for tests and assertions.
 */
#include <stdlib.h>
#include <string.h>

#include "core/avoid.h"
#include "core/internal.h"

/* Adds a job's placed tasks to the per-node sums; false when an index is unsound. */
static bool count_job(const struct core *c, const struct job *j, struct resources *used)
{
    int live = 0;
    for (int i = 0; i < j->spec->total_tasks; i++) {
        const struct task *t = &j->tasks[i];
        if (!(t->state & STATE_PLACED))
            continue;
        int node = cluster_find(c->cluster, t->node);
        if (node < 0 || hash_get(c->by_attempt, t->id) != t)
            return false;
        used[node].cpus += t->role->per_task.cpus;
        used[node].memory_mb += t->role->per_task.memory_mb;
        used[node].gpus += t->role->per_task.gpus;
        live++;
    }
    if (live != j->tasks_live || hash_get(c->by_name, j->full_name) != j)
        return false;
    return (j->state & STATE_LIVE) && (j->state != STATE_WAITING || live == 0);
}

/* Adds what a lease holds; false when an index is unsound. */
static bool count_lease(const struct core *c, const struct job *stand, struct resources *used)
{
    const struct task *t = stand->tasks;
    int node = cluster_find(c->cluster, t->node);
    const struct core_gang *g = core_gang_of(stand);
    if (node < 0 || hash_get(c->by_attempt, t->id) != t || !(stand->lease->state & LEASE_LIVE))
        return false;
    used[node].cpus += t->role->per_task.cpus;
    used[node].memory_mb += t->role->per_task.memory_mb;
    used[node].gpus += t->role->per_task.gpus;
    return stand->lease->hold == SPEC_HOLD_GPUS || !g || g->gang < 0;
}

/* Who waits for its victims has taken its part of the account already. */
static void count_reserved(const struct core *c, const struct job *j, struct resources *used)
{
    for (int i = 0; i < j->spec->total_tasks; i++) {
        int node = grid_pod(c->grid, core_gang_of(j)->gang, i, NULL);
        const struct resources *r = &j->tasks[i].role->per_task;
        if (node < 0)
            continue;
        used[node].cpus += r->cpus;
        used[node].memory_mb += r->memory_mb;
        used[node].gpus += r->gpus;
    }
}

/* Those on the list are queued and avoid something, and nobody else does. */
static bool check_avoiding(const struct core *c)
{
    size_t pos = 0, n = 0;
    const struct job *j;
    while ((j = hash_next(c->by_id, &pos)))
        n += core_avoids(j) && core_gang_of(j) && core_gang_of(j)->queued;
    for (size_t i = 0; i < c->avoiding_count; i++)
        if (!core_avoids(c->avoiding[i]) || !core_gang_of(c->avoiding[i])->queued)
            return false;
    return n == c->avoiding_count;
}

bool core_check(const struct core *c)
{
    size_t nodes = cluster_count(c->cluster), pos = 0;
    struct resources *used = calloc(nodes ? nodes : 1, sizeof *used);
    bool ok = used && cluster_check(c->cluster);
    const struct job *j;
    while (ok && (j = hash_next(c->by_id, &pos)))
        ok = count_job(c, j, used);
    for (size_t i = 0; ok && i < c->leases.count; i++)
        ok = count_lease(c, c->leases.list[i], used);
    for (size_t i = 0; ok && i < c->reserving_count; i++)
        count_reserved(c, c->reserving[i], used);
    ok = ok && check_avoiding(c);
    ok = ok && (!c->grid || grid_check(c->grid));
    for (size_t i = 0; ok && i < nodes; i++)
        ok = !memcmp(&used[i], &cluster_at(c->cluster, (int)i)->used, sizeof used[i]);
    free(used);
    return ok;
}
