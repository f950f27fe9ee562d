/* SPDX-License-Identifier: MIT
 *
 * Copies of rows in a request's arena.
 */
#include "server/api/task_places.h"

#include <string.h>

#include "base/arena.h"
#include "jobs/jobs_store.h"

int task_places_add(struct task_places *p, const struct task_attempt_row *row)
{
    struct task_place *own = arena_alloc(p->arena, sizeof *own);
    if (!own || !(own->role = arena_strdup(p->arena, row->role)))
        return 1;
    memcpy(own->id, row->id, strnlen(row->id, ID_SIZE - 1));
    own->job_attempt = row->job_attempt;
    own->task_index = row->task_index;
    own->attempt = row->attempt;
    *(p->last ? &p->last->next : &p->first) = own;
    p->last = own;
    p->count++;
    return 0;
}
