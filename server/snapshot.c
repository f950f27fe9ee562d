/* SPDX-License-Identifier: MIT */
/* Published states: a pointer and reference counts under a mutex held for a few instructions. */
#include "server/snapshot.h"

#include <pthread.h>
#include <stdlib.h>

#include "core/core.h"

struct snapshots {
    pthread_mutex_t lock;
    struct snapshot *now;
    bool wanted;
};

struct snapshots *snapshots_create(void)
{
    struct snapshots *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    pthread_mutex_init(&s->lock, NULL);
    s->wanted = true;
    return s;
}

/* Drops one reference; frees the last. Under the lock. */
static void unref(struct snapshot *snap)
{
    if (!snap || --snap->refs)
        return;
    core_view_destroy(snap->view);
    free(snap);
}

void snapshots_destroy(struct snapshots *s)
{
    if (!s)
        return;
    unref(s->now);
    pthread_mutex_destroy(&s->lock);
    free(s);
}

void snapshots_publish(struct snapshots *s, struct core_view *view, int64_t wall_ms)
{
    struct snapshot *snap = view ? calloc(1, sizeof *snap) : NULL;
    if (!snap) {
        core_view_destroy(view);
        return;
    }
    *snap = (struct snapshot){.view = view, .cluster = view->cluster, .wall_ms = wall_ms, .refs = 1};
    pthread_mutex_lock(&s->lock);
    unref(s->now);
    s->now = snap;
    s->wanted = false;
    pthread_mutex_unlock(&s->lock);
}

struct snapshot *snapshots_get(struct snapshots *s)
{
    pthread_mutex_lock(&s->lock);
    struct snapshot *snap = s->now;
    if (snap)
        snap->refs++;
    s->wanted = true;
    pthread_mutex_unlock(&s->lock);
    return snap;
}

void snapshots_put(struct snapshots *s, struct snapshot *snap)
{
    pthread_mutex_lock(&s->lock);
    unref(snap);
    pthread_mutex_unlock(&s->lock);
}

bool snapshots_wanted(struct snapshots *s)
{
    pthread_mutex_lock(&s->lock);
    bool wanted = s->wanted;
    pthread_mutex_unlock(&s->lock);
    return wanted;
}
