/* SPDX-License-Identifier: MIT
 *
 * Orders: made by the core, freed by the engine that took them.
 */
#include "engines/engine.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"

struct engine_order *engine_order_create(enum engine_order_kind kind, bool with_launch)
{
    struct engine_order *o = calloc(1, sizeof(*o));

    if (!o)
        return NULL;
    o->kind = kind;
    if (!with_launch)
        return o;
    o->arena = arena_create(0);
    if (o->arena)
        o->launch = arena_alloc(o->arena, sizeof(*o->launch));
    if (!o->launch) {
        engine_order_destroy(o);
        return NULL;
    }
    return o;
}

struct engine_order *engine_order_mark(const struct gpu_mark *marks, int count)
{
    struct engine_order *o = engine_order_create(ENGINE_MARK, false);
    struct gpu_mark *own;

    if (!o)
        return NULL;
    o->arena = arena_create(0);
    own = o->arena ? arena_calloc(o->arena, (size_t)count + 1, sizeof(*own)) : NULL;
    if (!own) {
        engine_order_destroy(o);
        return NULL;
    }
    memcpy(own, marks, (size_t)count * sizeof(*own));
    o->marks = own;
    o->mark_count = count;
    return o;
}

void engine_order_destroy(struct engine_order *o)
{
    if (!o)
        return;
    /* The script holds the user's secrets, filled in; it is in writable memory of the arena. */
    if (o->launch && o->launch->script)
        explicit_bzero((char *)(uintptr_t)o->launch->script, strlen(o->launch->script));
    arena_destroy(o->arena);
    free(o);
}
