/* SPDX-License-Identifier: MIT
 *
 * Which attempt holds which GPU index of the node.
 */
#include "base/log.h"
#include "engines/local/local_impl.h"

static bool local_gpu_free(const struct local *l, int index)
{
    return index >= 0 && index < l->node.gpu_count && !l->gpu_owner[index] && !l->node.gpus[index].quarantined;
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
        if (local_gpu_free(l, wishes[i]) && !local_gpu_listed(a->gpus, found, wishes[i]))
            a->gpus[found++] = wishes[i];
    for (int i = 0; i < l->node.gpu_count && found < count; i++)
        if (local_gpu_free(l, i) && !local_gpu_listed(a->gpus, found, i))
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

void local_gpu_release(struct local *l, struct local_attempt *a)
{
    for (int i = 0; i < l->node.gpu_count; i++)
        if (l->gpu_owner[i] == a)
            l->gpu_owner[i] = NULL;
}
