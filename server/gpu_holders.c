/* SPDX-License-Identifier: MIT */
/* A task's GPUs are a JSON list of indices in its row. */
#include "server/gpu_holders.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "jobs/jobs_store.h"

struct holders {
    struct arena *arena;
    struct gpu_holder *out;
};

int gpu_holders_list(const char *json, int gpu_count, int out[NODE_GPU_MAX])
{
    cJSON *list = json ? json_parse(json, strlen(json), 0, NULL) : NULL;
    int n = 0;
    for (const cJSON *g = list ? list->child : NULL; g && n < NODE_GPU_MAX; g = g->next)
        if (g->valueint >= 0 && g->valueint < gpu_count)
            out[n++] = g->valueint;
    cJSON_Delete(list);
    return n;
}

static int add_holder(void *ctx, const struct jobs_store_placed *t)
{
    const struct holders *h = ctx;
    int gpus[NODE_GPU_MAX], count = gpu_holders_list(t->gpus, NODE_GPU_MAX, gpus);
    const struct gpu_holder holder = {.user = arena_strdup(h->arena, t->user),
                                      .name = arena_strdup(h->arena, t->name),
                                      .vc = arena_strdup(h->arena, t->vc),
                                      .job_id = arena_strdup(h->arena, t->job_id),
                                      .role = arena_strdup(h->arena, t->role),
                                      .attempt_id = arena_strdup(h->arena, t->attempt_id),
                                      .task_index = t->task_index};
    for (int i = 0; i < count; i++)
        h->out[gpus[i]] = holder;
    return 0;
}

int gpu_holders_read(struct store *s, const struct gpu_holders_of *of, struct gpu_holder out[NODE_GPU_MAX],
                     struct err *e)
{
    const struct jobs_store_on_node where = {.node = of->node, .reader = of->reader};
    struct holders h = {.arena = of->arena, .out = out};
    memset(out, 0, NODE_GPU_MAX * sizeof *out);
    return jobs_store_each_placed(s, &where, add_holder, &h, e);
}
