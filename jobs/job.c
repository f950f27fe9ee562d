/* SPDX-License-Identifier: MIT
 *
 * Creating a live job from its spec and putting its tasks back for another attempt.
 */
#include "jobs/job.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"

enum {
    OTHER_BYTES = 256, /* names, labels and what the core adds: of a job, and of each role */
    ARENA_WASTE = 16   /* at most, for alignment of one piece */
};

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

/* Bytes that a job takes, near enough: a waiting job should be one block without much air. */
static size_t job_bytes(const struct spec *s)
{
    size_t n = sizeof(struct job) + sizeof(*s) + OTHER_BYTES;

    for (size_t r = 0; r < s->role_count; r++) {
        const struct spec_role *role = &s->roles[r];
        size_t gpus_and_ports = (size_t)(role->per_task.gpus + role->port_total) * sizeof(int);

        n += sizeof(*role) + strlen(role->command) + OTHER_BYTES;
        n += (size_t)role->instances * (sizeof(struct task) + gpus_and_ports + 2 * ARENA_WASTE);
    }
    return n;
}

/* Fills `j`, which has its arena. 0 or -1. */
static int fill_job(struct job *j, const struct spec *spec, const char *user)
{
    struct task *t = arena_calloc(j->arena, (size_t)spec->total_tasks, sizeof(*t));

    j->spec = spec_copy(j->arena, spec);
    if (!t || !j->spec)
        return -1;
    j->tasks = t;
    j->state = STATE_WAITING;
    snprintf(j->user, sizeof(j->user), "%s", user);
    snprintf(j->full_name, sizeof(j->full_name), "%s~%s", user, spec->name);
    for (size_t r = 0; r < spec->role_count; r++) {
        if (create_role_tasks(j, t, (int)r))
            return -1;
        t += spec->roles[r].instances;
    }
    return 0;
}

struct job *job_create(const struct spec *spec, const char *user, const char id[ID_SIZE])
{
    struct arena *a;
    struct job *j;

    if (strlen(user) > JOB_USER_MAX || strlen(spec->name) > JOB_NAME_MAX)
        return NULL;
    a = arena_create_sized(JOB_ARENA_BYTES, job_bytes(spec));
    j = a ? arena_alloc(a, sizeof(*j)) : NULL;
    if (!j) {
        arena_destroy(a);
        return NULL;
    }
    j->arena = a;
    memcpy(j->id, id, ID_SIZE);
    if (!fill_job(j, spec, user))
        return j;
    job_destroy(j);
    return NULL;
}

int job_seal(struct job *j, const void *sealed, size_t len)
{
    unsigned char *kept = arena_alloc(j->arena, len);

    if (!kept)
        return -1;
    memcpy(kept, sealed, len);
    j->sealed_secrets = kept;
    j->sealed_len = len;
    return 0;
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
