/* SPDX-License-Identifier: MIT
 *
 * top: the jobs that hold GPUs, by what they make of them, out of the map of all GPUs.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/verbs/verbs.h"

/* Sums over the GPUs of one job. */
struct top_job {
    const char *user, *name, *vc, *nodes;
    int64_t gpus;
    int64_t told; /* GPUs that told their utilization, whose sum this is: */
    int64_t utilization;
    int64_t memory_told, memory;
    bool wrong; /* something is wrong with one of them */
};

static const char *top_text(const cJSON *item, const char *key)
{
    const char *text = "";

    (void)json_get_string(item, key, &text, NULL);
    return text;
}

/* Takes one GPU of `node` into the job that holds it. */
static void top_take(struct cli *cli, struct top_job *j, const cJSON *node, int gpu)
{
    const cJSON *use = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(node, "utilization"), gpu);
    const cJSON *memory = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(node, "memory"), gpu);
    const char *name = top_text(node, "name"), *last = strrchr(j->nodes, ' ');

    j->gpus++;
    if (cJSON_IsNumber(use)) {
        j->told++;
        j->utilization += (int64_t)use->valuedouble;
    }
    if (cJSON_IsNumber(memory)) {
        j->memory_told++;
        j->memory += (int64_t)memory->valuedouble;
    }
    j->wrong |= cJSON_IsString(cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(node, "wrong"), gpu));
    if (strcmp(last ? last + 1 : j->nodes, name) != 0) {
        const char *all = arena_printf(cli->arena, "%s%s%s", j->nodes, *j->nodes ? ", " : "", name);

        j->nodes = all ? all : j->nodes;
    }
}

static void top_add_node(struct cli *cli, struct top_job *jobs, size_t count, const cJSON *node)
{
    const cJSON *holder;
    int gpu = 0;

    cJSON_ArrayForEach(holder, cJSON_GetObjectItemCaseSensitive(node, "job"))
    {
        if (cJSON_IsNumber(holder) && holder->valuedouble >= 0 && holder->valuedouble < (double)count)
            top_take(cli, &jobs[(size_t)holder->valuedouble], node, gpu);
        gpu++;
    }
}

/* What is used of all its GPUs, in percent of one; those that tell nothing come last. */
static int top_compare(const void *a, const void *b)
{
    const struct top_job *x = a, *y = b;

    if (x->utilization != y->utilization)
        return x->utilization > y->utilization ? -1 : 1;
    if (x->gpus != y->gpus)
        return x->gpus > y->gpus ? -1 : 1;
    return strcmp(x->name, y->name);
}

static const char *top_mean(struct cli *cli, int64_t sum, int64_t count)
{
    return count ? arena_printf(cli->arena, "%lld", (long long)((sum + count / 2) / count)) : NULL;
}

static int top_print(struct cli *cli, const struct top_job *jobs, size_t count)
{
    static const struct table_column columns[] = {
        {"JOB", "job", 0, 12, false},      {"USER", "user", 3, 6, false},   {"VC", "vc", 4, 6, false},
        {"GPUS", "gpus", 0, 0, true},      {"USE %", "use", 0, 0, true},    {"MEMORY %", "memory", 1, 0, true},
        {"GPUS USED", "used", 0, 0, true}, {"NODES", "nodes", 2, 8, false}, {"WRONG", "wrong", 5, 0, false},
    };
    struct output *o = output_create(cli->arena, columns, 9, count);

    for (size_t i = 0; o && i < count; i++) {
        const struct top_job *j = &jobs[i];
        const char *const cells[] = {
            arena_printf(cli->arena, "%s~%s", j->user, j->name),
            j->user,
            j->vc,
            arena_printf(cli->arena, "%lld", (long long)j->gpus),
            top_mean(cli, j->utilization, j->told),
            top_mean(cli, j->memory, j->memory_told),
            j->told ? arena_printf(cli->arena, "%.1f", (double)j->utilization / 100) : NULL,
            j->nodes,
            j->wrong ? "yes" : "no",
        };

        for (size_t c = 0; c < 9; c++)
            output_cell(o, i, c, cells[c], c == 8 && j->wrong ? COLOUR_VERMILLION : COLOUR_DEFAULT);
    }
    return cli_table(cli, o);
}

static int top_show(struct cli *cli, const cJSON *reply)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(reply, "jobs"), *item;
    size_t count = (size_t)cJSON_GetArraySize(list), i = 0;
    struct top_job *jobs = arena_calloc(cli->arena, count + 1, sizeof *jobs);

    if (!jobs)
        return CLI_FAILED;
    cJSON_ArrayForEach(item, list)
    {
        jobs[i].user = top_text(item, "username");
        jobs[i].name = top_text(item, "name");
        jobs[i].vc = top_text(item, "virtualCluster");
        jobs[i++].nodes = "";
    }
    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(reply, "nodes")) top_add_node(cli, jobs, count, item);
    qsort(jobs, count, sizeof *jobs, top_compare);
    return top_print(cli, jobs, count);
}

int top_run(struct cli *cli)
{
    struct err e = {0};
    cJSON *reply = NULL;
    bool printed = false;
    int status;

    if (!cli_connect(cli, &e))
        reply = cli_get(cli, "/api/v2/gpus", &printed, &e);
    if (!reply)
        status = cli_fail(cli, NULL, &e);
    else
        status = printed ? CLI_OK : top_show(cli, reply);
    cJSON_Delete(reply);
    return status;
}
