/* SPDX-License-Identifier: MIT
 *
 * The heap of ends.
 */
#include "sim/ends.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

int ends_init(struct ends *h, size_t max)
{
    h->heap = calloc(max + 1, sizeof(struct end *));
    h->count = 0;
    return h->heap ? 0 : -1;
}

void ends_fini(struct ends *h)
{
    free(h->heap);
    h->heap = NULL;
}

static bool before(const struct end *a, const struct end *b)
{
    return a->at_ms != b->at_ms ? a->at_ms < b->at_ms : a->seq < b->seq;
}

static void put(struct ends *h, size_t i, struct end *en)
{
    h->heap[i] = en;
    en->slot = i + 1;
}

static void sift_up(struct ends *h, struct end *en, size_t i)
{
    for (; i && before(en, h->heap[(i - 1) / 2]); i = (i - 1) / 2)
        put(h, i, h->heap[(i - 1) / 2]);
    put(h, i, en);
}

static void sift_down(struct ends *h, struct end *en, size_t i)
{
    for (;;) {
        size_t c = 2 * i + 1;
        if (c >= h->count)
            break;
        if (c + 1 < h->count && before(h->heap[c + 1], h->heap[c]))
            c++;
        if (!before(h->heap[c], en))
            break;
        put(h, i, h->heap[c]);
        i = c;
    }
    put(h, i, en);
}

void ends_set(struct ends *h, struct end *en, int64_t at_ms)
{
    size_t i = en->slot ? en->slot - 1 : h->count++;
    bool earlier = !en->slot || at_ms < en->at_ms;
    en->at_ms = at_ms;
    if (earlier)
        sift_up(h, en, i);
    else
        sift_down(h, en, i);
}

struct end *ends_next(const struct ends *h)
{
    return h->count ? h->heap[0] : NULL;
}

struct end *ends_pop(struct ends *h)
{
    assert(h->count);
    struct end *top = h->heap[0], *last = h->heap[--h->count];
    top->slot = 0;
    if (last != top)
        sift_down(h, last, 0);
    return top;
}
