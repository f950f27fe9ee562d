/* SPDX-License-Identifier: MIT
 *
 * The environment of a task. One variable of each kind of OpenPAI; where a variable exists for every task of the job,
 * it is made in a loop over the tasks.
 *
 * A large job has more of them than a process may be given: above ENV_TASKS_MAX of them, the variables of single other
 * tasks are left out, and a list that is longer than the kernel takes in one string (128 KiB) is left out, too.
 */
#include "jobs/env.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "jobs/job.h"

/* Variables of single tasks, all together. */
#define ENV_TASKS_MAX 3000
#define ENV_STRING_MAX ((size_t)120 * 1024)

struct env {
    struct arena *arena;
    const struct job *job;
    env_address_fn *address;
    void *ctx;
    const char **list;
    size_t count, cap;
    bool bad;
};

static void add(struct env *v, const char *text)
{
    if (!text || v->bad) {
        v->bad = true;
        return;
    }
    if (v->count + 1 >= v->cap) {
        size_t cap = v->cap ? v->cap * 2 : 64;
        const char **list = arena_calloc(v->arena, cap, sizeof(*list));

        if (!list) {
            v->bad = true;
            return;
        }
        if (v->count)
            memcpy(list, v->list, v->count * sizeof(*list));
        v->list = list;
        v->cap = cap;
    }
    v->list[v->count++] = text;
}

#define ADD(v, ...) add(v, arena_printf((v)->arena, __VA_ARGS__))

/* Adds what a buffer holds unless it is too long; ends the buffer. */
static void add_buf(struct env *v, struct buf *b)
{
    if (!b->bad)
        add(v, arena_strndup(v->arena, buf_str(b), b->len));
    buf_fini(b);
}

static const char *address_of(const struct env *v, const struct task *t)
{
    return v->address(v->ctx, t->node);
}

/* The first port of a label (port_kinds index), and how many: spec.h groups them in the order of role->ports. */
static const int *ports_of(const struct task *t, size_t kind, int *count)
{
    int at = 0;

    for (size_t i = 0; i < kind; i++)
        at += t->role->ports[i].count;
    *count = t->role->ports[kind].count;
    return t->ports + at;
}

static int first_port(const struct task *t, const char *label)
{
    for (size_t k = 0; k < t->role->port_kinds; k++) {
        int count = 0;
        const int *ports = ports_of(t, k, &count);

        if (!strcmp(t->role->ports[k].label, label))
            return ports[0];
    }
    return 0;
}

static void write_ports(struct buf *out, const int *ports, int count)
{
    for (int i = 0; i < count; i++)
        buf_addf(out, i ? ",%d" : "%d", ports[i]);
}

/* ---- the job ---- */

static void add_role_list(struct env *v, const char *key)
{
    struct buf b;

    buf_init(&b, ENV_STRING_MAX);
    buf_addf(&b, "%s=", key);
    for (size_t r = 0; r < v->job->spec->role_count; r++)
        buf_addf(&b, r ? ",%s" : "%s", v->job->spec->roles[r].name);
    add_buf(v, &b);
}

/* role:index for every task */
static void add_instances(struct env *v)
{
    struct buf b;

    buf_init(&b, ENV_STRING_MAX);
    buf_adds(&b, "PAI_TASK_ROLE_INSTANCES=");
    for (int i = 0; i < v->job->spec->total_tasks; i++)
        buf_addf(&b, i ? ",%s:%d" : "%s:%d", v->job->tasks[i].role->name, v->job->tasks[i].index);
    add_buf(v, &b);
}

static void add_job(struct env *v)
{
    const struct job *j = v->job;
    const struct spec *s = j->spec;

    ADD(v, "PAI_JOB_NAME=%s", j->full_name);
    ADD(v, "PAI_FRAMEWORK_NAME=%s", j->full_name);
    ADD(v, "PAI_USER_NAME=%s", j->user);
    ADD(v, "PAI_USERNAME=%s", j->user);
    ADD(v, "PAI_VIRTUAL_CLUSTER=%s", s->vc);
    ADD(v, "PAI_DEFAULT_FS_URI=");
    ADD(v, "PAI_JOB_TASK_COUNT=%d", s->total_tasks);
    ADD(v, "PAI_TASKS_NUM=%d", s->total_tasks);
    ADD(v, "PAI_JOB_TASK_ROLE_COUNT=%zu", s->role_count);
    ADD(v, "PAI_TASK_ROLES_NUM=%zu", s->role_count);
    ADD(v, "PAI_TASK_ROLE_COUNT=%zu", s->role_count);
    add_role_list(v, "PAI_TASK_ROLE_LIST");
    add_role_list(v, "PAI_JOB_TASK_ROLE_LIST");
    add_instances(v);
}

/* ---- roles ---- */

/* ip:httpport of every placed task of a role */
static void add_host_list(struct env *v, const struct spec_role *role)
{
    bool any = false;
    struct buf b;

    buf_init(&b, ENV_STRING_MAX);
    buf_addf(&b, "PAI_TASK_ROLE_%s_HOST_LIST=", role->name);
    for (int i = 0; i < v->job->spec->total_tasks; i++) {
        const struct task *t = &v->job->tasks[i];

        if (t->role != role || !t->node)
            continue;
        buf_addf(&b, any ? ",%s:%d" : "%s:%d", address_of(v, t), first_port(t, "http"));
        any = true;
    }
    add_buf(v, &b);
}

static void add_role(struct env *v, const struct spec_role *r)
{
    ADD(v, "PAI_TASK_ROLE_TASK_COUNT_%s=%d", r->name, r->instances);
    ADD(v, "PAI_RESOURCE_%s=%lld,%lld,%lld,%d", r->name, (long long)r->per_task.gpus, (long long)r->per_task.cpus,
        (long long)r->per_task.memory_mb, r->shm_mb);
    ADD(v, "PAI_MIN_FAILED_TASK_COUNT_%s=%d", r->name, r->min_failed);
    ADD(v, "PAI_MIN_SUCCEEDED_TASK_COUNT_%s=%d", r->name, r->min_succeeded);
    add_host_list(v, r);
}

/* ---- tasks ---- */

/* "15000,15001" in the arena; NULL on out of memory. */
static const char *port_text(struct env *v, const struct task *t, size_t kind)
{
    int count = 0;
    const int *ports = ports_of(t, kind, &count);
    const char *text;
    struct buf b;

    buf_init(&b, ENV_STRING_MAX);
    write_ports(&b, ports, count);
    text = arena_strdup(v->arena, buf_str(&b));
    buf_fini(&b);
    return text ? text : "";
}

static void add_task(struct env *v, const struct task *t)
{
    const char *role = t->role->name;

    if (!t->node)
        return;
    ADD(v, "PAI_HOST_IP_%s_%d=%s", role, t->index, address_of(v, t));
    for (size_t k = 0; k < t->role->port_kinds; k++) {
        const char *label = t->role->ports[k].label;
        const char *ports = port_text(v, t, k);

        ADD(v, "PAI_PORT_LIST_%s_%d_%s=%s", role, t->index, label, ports);
        ADD(v, "PAI_%s_%d_%s_PORT=%s", role, t->index, label, ports);
    }
}

static void add_tasks(struct env *v, const struct task *current)
{
    const struct spec *s = v->job->spec;
    size_t all = 0;

    for (size_t r = 0; r < s->role_count; r++)
        all += (size_t)s->roles[r].instances * (1 + 2 * s->roles[r].port_kinds);
    if (all > ENV_TASKS_MAX) {
        add_task(v, current);
        return;
    }
    for (int i = 0; i < s->total_tasks; i++)
        add_task(v, &v->job->tasks[i]);
}

/* ---- the current task ---- */

/* label:port for every port */
static void add_port_list(struct env *v, const struct task *t)
{
    bool any = false;
    struct buf b;

    buf_init(&b, ENV_STRING_MAX);
    buf_adds(&b, "PAI_CONTAINER_HOST_PORT_LIST=");
    for (size_t k = 0; k < t->role->port_kinds; k++) {
        int count = 0;
        const int *ports = ports_of(t, k, &count);

        for (int i = 0; i < count; i++) {
            buf_addf(&b, any ? ",%s:%d" : "%s:%d", t->role->ports[k].label, ports[i]);
            any = true;
        }
    }
    add_buf(v, &b);
}

static void add_current(struct env *v, const struct task *t)
{
    ADD(v, "PAI_CURRENT_TASK_ROLE_NAME=%s", t->role->name);
    ADD(v, "PAI_CURRENT_TASK_ROLE_CURRENT_TASK_INDEX=%d", t->index);
    ADD(v, "PAI_TASK_INDEX=%d", t->index);
    if (t->role->per_task.gpus == 0)
        ADD(v, "NVIDIA_VISIBLE_DEVICES=none");
    if (!t->node)
        return;
    ADD(v, "PAI_CURRENT_CONTAINER_IP=%s", address_of(v, t));
    ADD(v, "PAI_CURRENT_CONTAINER_PORT=%d", first_port(t, "http"));
    ADD(v, "PAI_CONTAINER_HOST_IP=%s", address_of(v, t));
    ADD(v, "PAI_CONTAINER_HOST_PORT=%d", first_port(t, "http"));
    ADD(v, "PAI_CONTAINER_SSH_PORT=%d", first_port(t, "ssh"));
    add_port_list(v, t);
    for (size_t k = 0; k < t->role->port_kinds; k++)
        ADD(v, "PAI_CONTAINER_HOST_%s_PORT_LIST=%s", t->role->ports[k].label, port_text(v, t, k));
}

const char *const *env_build(struct arena *a, const struct task *t, env_address_fn *address, void *ctx, size_t *count)
{
    struct env v = {.arena = a, .job = t->job, .address = address, .ctx = ctx};

    add_job(&v);
    for (size_t r = 0; r < v.job->spec->role_count; r++)
        add_role(&v, &v.job->spec->roles[r]);
    add_tasks(&v, t);
    add_current(&v, t);
    if (v.bad)
        return NULL;
    *count = v.count;
    return v.list;
}
