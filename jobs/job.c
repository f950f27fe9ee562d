/* SPDX-License-Identifier: MIT
 *
 * Creating a live job from its spec and putting its tasks back for another attempt.
 */
#include "jobs/job.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

/* A task as it is before its first attempt; keeps what belongs to the task itself and its arrays. */
static void reset_task(struct task *t)
{
    struct task fresh = {
        .role = t->role,
        .role_index = t->role_index,
        .index = t->index,
        .state = STATE_WAITING,
        .claim = CLAIM_NONE,
        .gpus = t->gpus,
        .ports = t->ports,
        .job = t->job,
    };

    for (int64_t i = 0; i < t->role->per_task.gpus; i++)
        fresh.gpus[i] = -1;
    for (int i = 0; i < t->role->port_total; i++)
        fresh.ports[i] = 0;
    *t = fresh;
}

/* Fills the tasks of one role, starting at `t`. */
static int create_role_tasks(struct job *j, struct task *t, int role_index)
{
    const struct spec_role *role = &j->spec->roles[role_index];

    for (int i = 0; i < role->instances; i++, t++) {
        t->role = role;
        t->role_index = role_index;
        t->index = i;
        t->job = j;
        t->gpus = arena_calloc(j->arena, (size_t)role->per_task.gpus + 1, sizeof(*t->gpus));
        t->ports = arena_calloc(j->arena, (size_t)role->port_total + 1, sizeof(*t->ports));
        if (!t->gpus || !t->ports)
            return -1;
        reset_task(t);
    }
    return 0;
}

struct job *job_create(struct arena *a, struct spec *spec, const char *user, const char id[ID_SIZE])
{
    struct job *j = arena_alloc(a, sizeof(*j));
    struct task *tasks = arena_calloc(a, (size_t)spec->total_tasks + 1, sizeof(*tasks));
    struct task *t = tasks;

    if (!j || !tasks || strlen(user) > JOB_USER_MAX || strlen(spec->name) > JOB_NAME_MAX)
        return NULL;
    j->arena = a;
    j->spec = spec;
    j->state = STATE_WAITING;
    j->tasks = tasks;
    memcpy(j->id, id, ID_SIZE);
    snprintf(j->user, sizeof(j->user), "%s", user);
    snprintf(j->full_name, sizeof(j->full_name), "%s~%s", user, spec->name);
    for (size_t r = 0; r < spec->role_count; r++) {
        if (create_role_tasks(j, t, (int)r))
            return NULL;
        t += spec->roles[r].instances;
    }
    return j;
}

void job_destroy(struct job *j)
{
    if (j)
        arena_destroy(j->arena);
}

void job_reset_tasks(struct job *j)
{
    for (int i = 0; i < j->spec->total_tasks; i++)
        reset_task(&j->tasks[i]);
    j->tasks_live = 0;
}
