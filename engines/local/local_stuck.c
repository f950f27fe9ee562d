/* SPDX-License-Identifier: MIT
 *
 * Processes that do not die hang in the kernel, with the GPUs' driver as likely as not. They are looked after until
 * they are gone, over restarts of the server too: DATA/run/.stuck names them, a line `BOOT-ID`, then a line `ATTEMPT
 * GPU,GPU` each. A restart of the machine ends them all.
 */
#include "engines/local/local_stuck.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/log.h"
#include "engines/local/local_gpu.h"
#include "engines/local/local_impl.h"

#define STUCK_FILE ".stuck"
#define STUCK_FILE_MAX 65536u

struct local_stuck {
    char id[ID_SIZE];
    bool cleared; /* the spawner found nothing left of it */
    int gpu_count;
    int gpus[NODE_GPU_MAX];
    struct local_stuck *next;
};

static void stuck_write(struct local *l)
{
    struct err e = {0};
    struct buf b;

    buf_init(&b, STUCK_FILE_MAX);
    (void)buf_addf(&b, "%s\n", l->boot);
    for (const struct local_stuck *s = l->stuck; s; s = s->next) {
        (void)buf_addf(&b, "%s ", s->id);
        for (int i = 0; i < s->gpu_count; i++)
            (void)buf_addf(&b, i > 0 ? ",%d" : "%d", s->gpus[i]);
        (void)buf_addc(&b, '\n');
    }
    if (b.bad || fs_write_atomic_at(l->run_dir, STUCK_FILE, b.data, b.len, &e))
        log_error("stuck_not_written", "a restart of the server would forget which GPUs are quarantined: %s", e.text);
    buf_fini(&b);
}

/* Known from now on. NULL without memory. */
static struct local_stuck *stuck_new(struct local *l, const char *id)
{
    struct local_stuck *s = calloc(1, sizeof(*s));

    if (!s)
        return NULL;
    (void)snprintf(s->id, sizeof(s->id), "%s", id);
    s->next = l->stuck;
    l->stuck = s;
    return s;
}

static void stuck_hold(struct local *l, struct local_stuck *s, int gpu)
{
    if (gpu < 0 || gpu >= l->node.gpu_count || s->gpu_count >= NODE_GPU_MAX)
        return; /* the node has fewer than before */
    s->gpus[s->gpu_count++] = gpu;
    l->node.gpus[gpu].quarantined = true;
}

static void stuck_drop(struct local *l, struct local_stuck *s)
{
    struct local_stuck **p = &l->stuck;

    while (*p != s)
        p = &(*p)->next;
    *p = s->next;
    free(s);
}

void local_stuck_add(struct local *l, struct local_attempt *a)
{
    struct local_stuck *s = l->stuck;

    while (s && strcmp(s->id, a->id) != 0)
        s = s->next;
    if (s)
        stuck_drop(l, s); /* the core asked again */
    s = a->gpu_count > 0 ? stuck_new(l, a->id) : NULL;
    for (int i = 0; s && i < a->gpu_count; i++)
        stuck_hold(l, s, a->gpus[i]);
    local_gpu_release(l, a);
    if (!s)
        return;
    l->stuck_at = clock_read().mono + l->stuck_ms;
    stuck_write(l);
    local_event_node(l);
}

/* One line of the file. */
static void stuck_line(struct local *l, char *line)
{
    char *gpus = strchr(line, ' '), *end;
    struct local_stuck *s;

    if (!gpus)
        return;
    *gpus++ = '\0';
    s = id_valid(line) ? stuck_new(l, line) : NULL;
    for (; s && *gpus; gpus = *end ? end + 1 : end) {
        long index = strtol(gpus, &end, 10);

        if (end == gpus)
            return;
        stuck_hold(l, s, index >= 0 && index < NODE_GPU_MAX ? (int)index : -1);
    }
}

void local_stuck_load(struct local *l)
{
    char path[PATH_MAX], *line, *next;
    struct buf b;

    buf_init(&b, STUCK_FILE_MAX);
    if (snprintf(path, sizeof(path), "%s/run/" STUCK_FILE, l->data) < (int)sizeof(path) &&
        fs_read(path, STUCK_FILE_MAX, &b, NULL) == 0 && buf_addc(&b, '\0') == 0) {
        line = strtok_r(b.data, "\n", &next);
        if (line && strcmp(line, l->boot) == 0)
            while ((line = strtok_r(NULL, "\n", &next)))
                stuck_line(l, line);
    }
    buf_fini(&b);
    if (l->stuck)
        l->stuck_at = clock_read().mono;
}

void local_stuck_cleared(struct local *l, const char *id)
{
    for (struct local_stuck *s = l->stuck; s; s = s->next)
        if (strcmp(s->id, id) == 0) {
            s->cleared = true;
            l->stuck_at = clock_read().mono;
        }
}

int64_t local_stuck_keep(struct local *l, int64_t now)
{
    struct local_stuck *s = l->stuck, *next;
    bool changed = false;

    if (!l->stuck || now < l->stuck_at)
        return l->stuck ? l->stuck_at : 0;
    for (; s; s = next) {
        next = s->next;
        if (local_find_left(l, s->id, s->cleared) != 0)
            continue;
        for (int i = 0; i < s->gpu_count; i++)
            l->node.gpus[s->gpus[i]].quarantined = false;
        log_info("gpus_free", "the last processes of %s are gone: its GPUs are no longer quarantined", s->id);
        stuck_drop(l, s);
        changed = true;
    }
    if (changed) {
        stuck_write(l);
        local_event_node(l);
    }
    l->stuck_at = clock_read().mono + l->stuck_ms;
    return l->stuck ? l->stuck_at : 0;
}

void local_stuck_free(struct local *l)
{
    while (l->stuck)
        stuck_drop(l, l->stuck);
}
