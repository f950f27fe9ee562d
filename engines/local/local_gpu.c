/* SPDX-License-Identifier: MIT
 *
 * Which attempt holds which GPU index of the node. One that has ended keeps its GPUs until it is to be forgotten, as
 * the core hears of an end later than of what began after it (the logs are read first), and would have two on one GPU.
 * Until then they are given to others only where no other is free: then the core knows.
 */
#include "engines/local/local_gpu.h"

#include "base/log.h"
#include "engines/local/local_impl.h"

/* Whether an attempt has ended, or has given its GPUs back. */
static bool local_gpu_ended(const struct local_attempt *a)
{
    return a->state == LOCAL_DONE || (a->state == LOCAL_HELD && a->end.held && a->record.held == ENGINE_HOLD_SANDBOX);
}

static bool local_gpu_free(const struct local *l, int index, bool ended)
{
    const struct local_attempt *owner;

    if (index < 0 || index >= l->node.gpu_count || !gpu_given(&l->node.gpus[index]))
        return false;
    owner = l->gpu_owner[index];
    return !owner || (ended && local_gpu_ended(owner));
}

static bool local_gpu_listed(const int *gpus, int count, int index)
{
    int i = 0;

    while (i < count && gpus[i] != index)
        i++;
    return i < count;
}

int local_gpu_take(struct local *l, struct local_attempt *a, const int *wishes, int count)
{
    int found = 0;

    for (int i = 0; wishes && i < count; i++)
        if (local_gpu_free(l, wishes[i], false) && !local_gpu_listed(a->gpus, found, wishes[i]))
            a->gpus[found++] = wishes[i];
    for (int ended = 0; ended < 2; ended++)
        for (int i = 0; i < l->node.gpu_count && found < count; i++)
            if (local_gpu_free(l, i, ended) && !local_gpu_listed(a->gpus, found, i))
                a->gpus[found++] = i;
    if (found < count)
        return -1;
    local_gpu_reserve(l, a, a->gpus, count);
    return 0;
}

void local_gpu_reserve(struct local *l, struct local_attempt *a, const int *gpus, int count)
{
    a->gpu_count = 0;
    for (int i = 0; i < count; i++) {
        int index = gpus[i];

        if (index < 0 || index >= l->node.gpu_count)
            continue; /* not known, or the node has fewer than before */
        if (l->gpu_owner[index] && l->gpu_owner[index] != a && !local_gpu_ended(l->gpu_owner[index]))
            log_error("gpu_conflict", "GPU %d is held by %s and by %s", index, l->gpu_owner[index]->id, a->id);
        l->gpu_owner[index] = a;
        a->gpus[a->gpu_count++] = index;
    }
}

void local_gpu_mark(struct local *l, const struct gpu_mark *marks, int count)
{
    bool other = false;

    for (int i = 0; i < count && i < l->node.gpu_count; i++) {
        other |= !gpu_mark_same(&l->node.gpus[i].health, &marks[i]);
        l->node.gpus[i].health = marks[i];
    }
    if (other)
        local_event_node(l);
}

void local_gpu_linger(struct local *l, struct local_attempt *a, const int *gpus, int count)
{
    for (int i = 0; i < count; i++)
        if (gpus[i] >= 0 && gpus[i] < l->node.gpu_count && !l->gpu_owner[gpus[i]])
            l->gpu_owner[gpus[i]] = a;
}

void local_gpu_release(struct local *l, struct local_attempt *a)
{
    for (int i = 0; i < l->node.gpu_count; i++)
        if (l->gpu_owner[i] == a)
            l->gpu_owner[i] = NULL;
}
