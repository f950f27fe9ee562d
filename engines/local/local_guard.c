/* SPDX-License-Identifier: MIT
 *
 * How a task is kept apart: what the spawner offers, what the site allows, what the job requires.
 */
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "engines/local/images.h"
#include "engines/local/level.h"
#include "engines/local/local.h"
#include "engines/local/local_hold.h"
#include "engines/local/local_impl.h"
#include "engines/local/taskspec.h"
#include "jobs/exits.h"

/* What a task with real GPUs opens beside their own devices. */
static const char *const guard_nvidia[] = {"/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools",
                                           "/dev/nvidia-modeset"};

static unsigned guard_of(const struct local *l)
{
    return level_of_task(l->spawner.guards, false);
}

void local_guard_found(struct local *l, int64_t guards)
{
    char was[sizeof(l->node.isolation)];

    l->spawner.guards = (unsigned)guards & l->allowed;
    (void)snprintf(was, sizeof(was), "%s", l->node.isolation);
    level_text(l->spawner.guards, l->node.isolation);
    if (strcmp(was, l->node.isolation) != 0)
        local_event_node(l);
}

const char *local_guard_image(struct local *l, struct local_attempt *a)
{
    const char *uri = a->order->launch->image_uri, *path;
    char name[NAME_MAX + 1];
    struct stat st;

    if (!uri || !(l->spawner.guards & (LEVEL_BWRAP | LEVEL_RUNC)) || images_name(uri, name, NULL))
        return NULL;
    path = arena_printf(a->order->arena, "%s/images/%s/rootfs", l->data, name);
    return path && lstat(path, &st) == 0 && S_ISDIR(st.st_mode) ? path : NULL;
}

bool local_guard_fits(struct local *l, struct local_attempt *a)
{
    const struct engine_launch *launch = a->order->launch;
    char text[200];

    if ((l->spawner.guards & LEVEL_USERS) && !(guard_of(l) & LEVEL_NAMESPACES)) {
        /* The way to the attempt's folder is the server's alone; who is somebody else needs a view of its own. */
        local_attempt_refuse(l, a, EXIT_CODE_NO_ISOLATION,
                             "this node runs tasks as Unix users of their own, which needs namespaces");
        return false;
    }
    if (launch->mount_count > 0 && !(guard_of(l) & LEVEL_NAMESPACES)) {
        (void)snprintf(text, sizeof(text), "the job's storages cannot be mounted: this node has %.40s only",
                       l->node.isolation);
        local_attempt_refuse(l, a, EXIT_CODE_NO_ISOLATION, text);
        return false;
    }
    if (!launch->image_on_host && !local_guard_image(l, a)) {
        (void)snprintf(text, sizeof(text), "this node cannot run the image %.120s (see unknownImage)",
                       launch->image_uri ? launch->image_uri : "");
        local_attempt_refuse(l, a, EXIT_CODE_NO_IMAGE, text);
        return false;
    }
    if (level_meets(guard_of(l), launch->isolation))
        return true;
    (void)snprintf(text, sizeof(text), "the job requires the isolation \"%.40s\"; this node has %.40s",
                   launch->isolation, l->node.isolation);
    local_attempt_refuse(l, a, EXIT_CODE_NO_ISOLATION, text);
    return false;
}

static int guard_device(struct local *l, struct local_attempt *a, struct taskspec *t, int index)
{
    const char *mark = strchr(l->gpu_device, '%');
    const char *path =
        arena_printf(a->order->arena, "%.*s%d%s", (int)(mark - l->gpu_device), l->gpu_device, index, mark + 1);

    if (!path)
        return -1;
    t->devices[t->device_count++] = path;
    return 0;
}

int local_guard_fill(struct local *l, struct local_attempt *a, struct taskspec *t, struct err *e)
{
    const struct engine_launch *launch = a->order->launch;
    const bool simulated = a->gpu_count > 0 && l->node.gpus[a->gpus[0]].simulated;

    t->rootfs = local_guard_image(l, a);
    t->on_host = !t->rootfs;
    t->guards = level_of_task(l->spawner.guards, t->rootfs != NULL);
    t->user = launch->user ? launch->user : "";
    t->memory_mb = launch->limits.memory_mb;
    t->cpus = launch->limits.cpus;
    t->pids = LOCAL_TASK_PROCESSES;
    t->shm_mb = launch->shm_mb;
    t->checkpoint = launch->checkpoint_name;
    t->code = launch->code;
    t->log_mb = l->log_max_mb;
    for (size_t i = 0; i < launch->mount_count && i < TASKSPEC_MOUNTS_MAX; i++)
        t->mounts[t->mount_count++] = (struct taskspec_mount){.source = launch->mounts[i].source,
                                                              .target = launch->mounts[i].target,
                                                              .read_only = launch->mounts[i].read_only};
    /* Simulated GPUs have devices only where the site names stand-ins. */
    for (int i = 0; i < a->gpu_count && l->gpu_device; i++)
        if (guard_device(l, a, t, a->gpus[i]))
            return err_set(e, ERR_INTERNAL, "out of memory");
    for (size_t i = 0; a->gpu_count > 0 && !simulated && i < sizeof(guard_nvidia) / sizeof(guard_nvidia[0]); i++)
        if (access(guard_nvidia[i], F_OK) == 0)
            t->devices[t->device_count++] = guard_nvidia[i];
    local_hold_fill(l, a, t);
    return 0;
}
