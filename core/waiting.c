/* SPDX-License-Identifier: MIT
 *
 * Jobs in the waiting queue: what the scheduler is asked for a spec, and the entry that links a job into the queue.
 */
#include "base/arena.h"
#include "core/internal.h"

struct sched_request *core_request(struct arena *a, const struct spec *spec)
{
    struct sched_request *r = arena_alloc(a, sizeof *r);
    struct sched_role *roles = arena_calloc(a, spec->role_count, sizeof *roles);
    if (!r || !roles)
        return NULL;
    for (size_t i = 0; i < spec->role_count; i++)
        roles[i] = (struct sched_role){.instances = spec->roles[i].instances,
                                       .ports = spec->roles[i].port_total,
                                       .per_task = spec->roles[i].per_task};
    *r = (struct sched_request){.roles = roles, .role_count = spec->role_count, .priority = spec->priority};
    return r;
}

int core_enqueue(struct core *c, struct job *j)
{
    struct sched_entry *en = j->queue_entry;
    if (!en) {
        en = arena_alloc(j->arena, sizeof *en);
        if (!en || !(en->request = core_request(j->arena, j->spec)))
            return -1;
        j->queue_entry = en;
    }
    en->seq = j->seq;
    en->owner = j;
    return queue_add(c->queue, en);
}

void core_dequeue(struct core *c, struct job *j)
{
    struct sched_entry *en = j->queue_entry;
    if (en && en->group)
        queue_remove(c->queue, en);
}
