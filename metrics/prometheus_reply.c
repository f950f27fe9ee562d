/* SPDX-License-Identifier: MIT */
/* Units are DCGM's: MiB, W, mJ, MHz. */
#include "metrics/prometheus_reply.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"

#define PREFIX "DCGM_FI_DEV_"

enum { FREE = SOURCE_FIELDS, RESERVED, TOTAL }; /* no fields of a sample */

static const struct {
    const char *name; /* behind PREFIX */
    int field;
    double unit, max; /* one of it is so many of ours; more than `max` of ours cannot be */
} figures[] = {{"GPU_UTIL", SOURCE_BUSY, 1, 100},
               {"MEM_COPY_UTIL", SOURCE_MEMORY_BUSY, 1, 100},
               {"FB_USED", SOURCE_MEMORY_USED, 1 << 20, 1e15},
               {"FB_FREE", FREE, 1 << 20, 1e15},
               {"FB_RESERVED", RESERVED, 1 << 20, 1e15},
               {"FB_TOTAL", TOTAL, 1 << 20, 1e15},
               {"POWER_USAGE", SOURCE_POWER, 1000, 1e8},
               {"ENFORCED_POWER_LIMIT", SOURCE_POWER_LIMIT, 1000, 1e8},
               {"GPU_TEMP", SOURCE_TEMPERATURE, 1, 1000},
               {"SM_CLOCK", SOURCE_CLOCK, 1, 1e6},
               {"MEM_CLOCK", SOURCE_CLOCK_MEMORY, 1, 1e6},
               {"TOTAL_ENERGY_CONSUMPTION", SOURCE_ENERGY, 1, 1e18},
               {"ECC_SBE_VOL_TOTAL", SOURCE_ECC_CORRECTED, 1, 1e15},
               {"ECC_DBE_VOL_TOTAL", SOURCE_ECC_UNCORRECTED, 1, 1e15},
               {"CLOCK_THROTTLE_REASONS", SOURCE_THROTTLE, 1, 1e15},
               {"CLOCKS_EVENT_REASONS", SOURCE_THROTTLE, 1, 1e15},
               {"XID_ERRORS", SOURCE_XID, 1, 1e6},
               {"ROW_REMAP_PENDING", SOURCE_ROWS_PENDING, 1, 1},
               {"ROW_REMAP_FAILURE", SOURCE_ROWS_FAILED, 1, 1}};

enum { FIGURES = sizeof figures / sizeof *figures };

void prometheus_reply_names(struct buf *out)
{
    for (int i = 0; i < FIGURES; i++)
        (void)buf_addf(out, "%s%s", i ? "|" : PREFIX "(?:", figures[i].name);
    (void)buf_addc(out, ')');
}

static int find_figure(const char *name)
{
    for (int i = 0; i < FIGURES && !strncmp(name, PREFIX, sizeof PREFIX - 1); i++)
        if (!strcmp(name + sizeof PREFIX - 1, figures[i].name))
            return i;
    return -1;
}

static const char *label(const cJSON *metric, const char *name)
{
    const cJSON *l = cJSON_GetObjectItemCaseSensitive(metric, name);

    return cJSON_IsString(l) ? l->valuestring : "";
}

/* A whole number below `max`; -1: it is none. */
static int to_index(const char *text, int max)
{
    char *end;
    const long n = text[0] >= '0' && text[0] <= '9' && strlen(text) <= 4 ? strtol(text, &end, 10) : -1;

    return n >= 0 && n < max && !*end ? (int)n : -1;
}

/* Foreign text as a name: printable ASCII. Whether it says what is there already. */
static bool take_name(char *to, size_t size, const char *from)
{
    char name[sizeof((struct gpu *)0)->model] = "";

    for (size_t i = 0; from[i] && i + 1 < size && i + 1 < sizeof name; i++)
        name[i] = (char)(from[i] >= ' ' && from[i] <= '~' ? from[i] : '?');
    if (!to[0])
        (void)snprintf(to, size, "%s", name);
    return !strcmp(to, name);
}

static void put(struct prometheus_gpu *g, int figure, double value)
{
    const int field = figures[figure].field;
    const double ours = value * figures[figure].unit;

    if (!isfinite(ours) || ours < 0 || ours > figures[figure].max)
        return;
    const int64_t n = (int64_t)(ours + 0.5);
    if (field >= FREE) {
        if (n > g->memory[field - FREE])
            g->memory[field - FREE] = n;
    } else if (!source_has(&g->sample, (enum source_field)field) || n > g->sample.value[field]) {
        source_set(&g->sample, (enum source_field)field, n);
    }
}

/* One series. 0 or -1. */
static int take(const cJSON *series, const char *gpu_label, struct prometheus_gpu *gpus, struct err *e)
{
    const cJSON *metric = cJSON_GetObjectItemCaseSensitive(series, "metric");
    const cJSON *value = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(series, "value"), 1);
    const int figure = find_figure(label(metric, "__name__")), index = to_index(label(metric, gpu_label), NODE_GPU_MAX);
    char *end = NULL;

    if (figure < 0 || index < 0 || !cJSON_IsString(value) || label(metric, "GPU_I_ID")[0])
        return 0;
    struct prometheus_gpu *g = &gpus[index];
    const double number = strtod(value->valuestring, &end);
    g->there = true;
    if (!take_name(g->gpu.uuid, sizeof g->gpu.uuid, label(metric, "UUID")))
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "Prometheus tells of two GPUs %d (%s is one): narrow down which are this node's", index,
                       g->gpu.uuid);
    (void)take_name(g->gpu.model, sizeof g->gpu.model, label(metric, "modelName"));
    if (end != value->valuestring && !*end)
        put(g, figure, number);
    return 0;
}

/* What the figures of memory come to. */
static void end_gpu(struct prometheus_gpu *g)
{
    const int64_t reserved = g->memory[RESERVED - FREE] > 0 ? g->memory[RESERVED - FREE] : 0;
    int64_t all = g->memory[TOTAL - FREE];

    if (all < 0 && g->memory[0] >= 0 && source_has(&g->sample, SOURCE_MEMORY_USED))
        all = g->memory[0] + reserved + g->sample.value[SOURCE_MEMORY_USED];
    if (all < 0)
        return;
    source_set(&g->sample, SOURCE_MEMORY_TOTAL, all);
    g->gpu.memory_mb = all >> 20;
}

static int take_all(const cJSON *root, const char *gpu_label, struct prometheus_gpu *gpus, struct err *e)
{
    const cJSON *data = cJSON_GetObjectItemCaseSensitive(root, "data"), *series;
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(data, "result");
    int count = 0, left = PROMETHEUS_SERIES_MAX;

    if (strcmp(label(root, "status"), "success") != 0 || strcmp(label(data, "resultType"), "vector") != 0 ||
        !cJSON_IsArray(list))
        return err_set(e, ERR_INVALID_PARAMETERS, "Prometheus does not answer a vector");
    cJSON_ArrayForEach(series, list)
    {
        if (!left--)
            return err_set(e, ERR_INVALID_PARAMETERS, "Prometheus answers more than %d series of one node",
                           PROMETHEUS_SERIES_MAX);
        if (take(series, gpu_label, gpus, e))
            return -1;
    }
    for (int i = 0; i < NODE_GPU_MAX; i++) {
        gpus[i].gpu.index = i;
        if (gpus[i].there)
            end_gpu(&gpus[i]);
        count += gpus[i].there;
    }
    return count;
}

int prometheus_reply_read(const char *text, size_t len, const char *gpu_label, struct prometheus_gpu gpus[NODE_GPU_MAX],
                          struct err *e)
{
    cJSON *root = json_parse(text, len, PROMETHEUS_REPLY_MAX, e);

    for (int i = 0; i < NODE_GPU_MAX; i++)
        gpus[i] = (struct prometheus_gpu){.memory = {-1, -1, -1}};
    const int rc = root ? take_all(root, gpu_label, gpus, e) : -1;
    cJSON_Delete(root);
    return rc;
}
