/* SPDX-License-Identifier: MIT */
/* Where the next sample goes follows from how many there ever were. */
#include "metrics/ring.h"

#include <stdlib.h>

int ring_init(struct ring *r, int room)
{
    *r = (struct ring){.slots = calloc((size_t)room, sizeof *r->slots), .room = room};
    return r->slots ? 0 : -1;
}

void ring_fini(struct ring *r)
{
    free(r->slots);
    *r = (struct ring){0};
}

void ring_put(struct ring *r, const struct source_sample *s)
{
    r->slots[r->put++ % r->room] = *s;
}

int ring_count(const struct ring *r)
{
    return r->put < r->room ? (int)r->put : r->room;
}

const struct source_sample *ring_at(const struct ring *r, int back)
{
    return &r->slots[(r->put - 1 - back) % r->room];
}
