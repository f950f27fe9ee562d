/* SPDX-License-Identifier: MIT
 *
 * Sorted anew each time: the lists are short.
 */
#include "tests/sim/turns.h"

#include <stdlib.h>

#include "scheduler/grid.h"

static int compare(const void *a, const void *b)
{
    const struct turn *x = a, *y = b;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    return x->seq < y->seq ? -1 : x->seq > y->seq;
}

void turns_take(struct grid *g, struct turn *list, size_t count)
{
    qsort(list, count, sizeof *list, compare);
    for (size_t i = 0; i < count; i++)
        grid_try(g, list[i].gang);
}
