/* SPDX-License-Identifier: MIT
 *
 * Which attempt holds which GPU index of the node.
 */
#include "base/log.h"
#include "engines/local/local_impl.h"

int local_gpu_take(struct local *l, struct local_attempt *a, int count)
{
    int found = 0;

    for (int i = 0; i < l->node.gpu_count && found < count; i++)
        if (!l->gpu_owner[i] && !l->node.gpus[i].quarantined)
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
        if (l->gpu_owner[index] && l->gpu_owner[index] != a)
            log_error("gpu_conflict", "GPU %d is held by %s and by %s", index, l->gpu_owner[index]->id, a->id);
        l->gpu_owner[index] = a;
        a->gpus[a->gpu_count++] = index;
    }
}

void local_gpu_release(struct local *l, struct local_attempt *a, bool quarantine)
{
    bool changed = false;

    for (int i = 0; i < l->node.gpu_count; i++) {
        if (l->gpu_owner[i] != a)
            continue;
        l->gpu_owner[i] = NULL;
        if (quarantine)
            l->node.gpus[i].quarantined = changed = true;
    }
    if (changed)
        local_event_node(l);
}
