/* SPDX-License-Identifier: MIT
 *
 * What the library says is foreign: counts are bounded, texts are made printable, figures that cannot be are not valid.
 * A GPU that is lost is asked for anew at each look, in case it comes back.
 */
#include "metrics/nvml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/log.h"
#include "metrics/nvml_library.h"
#include "metrics/source.h"

enum { EVENTS_MAX = 64, TEMPERATURE_MAX = 1000 };

struct nvml {
    struct source base;
    struct nvml_library lib;
    bool on; /* init was called */
    struct nvml_events *events;
    int count;
    struct nvml_gpu {
        struct nvml_device *device; /* NULL: lost */
        bool listens;               /* the driver tells its errors */
        unsigned long long xid;     /* the last */
        int xid_count;              /* as in struct source_reading */
        int xids[SOURCE_XIDS_MAX];
    } gpus[NODE_GPU_MAX];
};

/* ---- finding ---- */

/* Foreign text as a name: printable ASCII, with an end. */
static void text_take(char *to, size_t size, const char *from, size_t from_size)
{
    size_t n = strnlen(from, from_size);

    n = n < size ? n : size - 1;
    for (size_t i = 0; i < n; i++)
        to[i] = (char)(from[i] >= ' ' && from[i] <= '~' ? from[i] : '?');
    to[n] = '\0';
}

static bool memory_read(const struct nvml_library *l, struct nvml_device *d, struct nvml_memory *out)
{
    struct nvml_memory_2 two = {.version = NVML_MEMORY_2};

    if (l->memory_2 && l->memory_2(d, &two) == NVML_OK) {
        *out = (struct nvml_memory){.total = two.total, .used = two.used};
        return true;
    }
    return l->memory && l->memory(d, out) == NVML_OK;
}

/* The device's handle, and its errors listened for. Whether it is there. */
static bool gpu_open(struct nvml *n, int index)
{
    struct nvml_gpu *g = &n->gpus[index];

    if (!g->device && n->lib.device((unsigned int)index, &g->device) != NVML_OK)
        g->device = NULL;
    if (g->device && !g->listens && n->events)
        g->listens = n->lib.events_register(g->device, NVML_EVENT_XID, n->events) == NVML_OK;
    return g->device != NULL;
}

static int gpu_describe(struct nvml *n, int index, struct gpu *g, struct err *e)
{
    char name[NVML_NAME_SIZE] = "", uuid[NVML_UUID_SIZE] = "";
    struct nvml_memory memory = {0};

    *g = (struct gpu){.index = index};
    /* A device that fell off the bus is shown but not given out. */
    if (!gpu_open(n, index)) {
        g->quarantined = true;
        return 0;
    }
    if (n->lib.name(n->gpus[index].device, name, sizeof name) != NVML_OK ||
        n->lib.uuid(n->gpus[index].device, uuid, sizeof uuid) != NVML_OK)
        return err_set(e, ERR_INTERNAL, "NVML does not describe GPU %d", index);
    if (memory_read(&n->lib, n->gpus[index].device, &memory))
        g->memory_mb = (int64_t)(memory.total >> 20);
    text_take(g->model, sizeof g->model, name, sizeof name);
    text_take(g->uuid, sizeof g->uuid, uuid, sizeof uuid);
    return 0;
}

static void events_open(struct nvml *n)
{
    const struct nvml_library *l = &n->lib;

    if (!l->events_create || !l->events_register || !l->events_wait || !l->events_free)
        return;
    if (l->events_create(&n->events) != NVML_OK)
        n->events = NULL;
}

static int find(struct source *s, struct gpu gpus[NODE_GPU_MAX], struct err *e)
{
    struct nvml *n = (struct nvml *)s;
    unsigned int count = 0;
    int rc = nvml_library_open(&n->lib, e);

    if (rc)
        return rc > 0 ? 0 : -1;
    rc = n->lib.init();
    if (rc == NVML_NO_DRIVER)
        return 0;
    if (rc != NVML_OK)
        return err_set(e, ERR_INTERNAL, "NVML does not start: error %d", rc);
    n->on = true;
    if (n->lib.count(&count) != NVML_OK)
        return err_set(e, ERR_INTERNAL, "NVML does not count the GPUs");
    if (count > NODE_GPU_MAX) {
        log_warn("gpus_many", "NVML tells of %u GPUs; the first %d are used", count, NODE_GPU_MAX);
        count = NODE_GPU_MAX;
    }
    events_open(n);
    for (n->count = 0; n->count < (int)count; n->count++)
        if (gpu_describe(n, n->count, &gpus[n->count], e))
            return -1;
    return n->count;
}

/* ---- reading ---- */

/* One look at one GPU. */
struct look {
    const struct nvml_library *lib;
    struct nvml_device *device;
    struct source_sample *sample;
    bool lost;
};

/* Whether the call gave something; one that says so has found the GPU lost. */
static bool gave(struct look *k, int rc)
{
    k->lost |= rc == NVML_LOST;
    return rc == NVML_OK;
}

/* What the driver tells as an unsigned number, where it is at most `max`. */
static void put(struct look *k, enum source_field f, unsigned long long value, unsigned long long max)
{
    if (value <= max)
        source_set(k->sample, f, (int64_t)value);
}

static void read_use(struct look *k)
{
    const struct nvml_library *l = k->lib;
    struct nvml_utilization u;
    struct nvml_memory m;

    if (l->utilization && gave(k, l->utilization(k->device, &u))) {
        put(k, SOURCE_BUSY, u.gpu, 100);
        put(k, SOURCE_MEMORY_BUSY, u.memory, 100);
    }
    if (memory_read(l, k->device, &m) && m.used <= m.total) {
        put(k, SOURCE_MEMORY_TOTAL, m.total, INT64_MAX);
        put(k, SOURCE_MEMORY_USED, m.used, INT64_MAX);
    }
}

static void read_power(struct look *k)
{
    const struct nvml_library *l = k->lib;
    unsigned int u;
    unsigned long long v;

    if (l->power && gave(k, l->power(k->device, &u)))
        put(k, SOURCE_POWER, u, UINT32_MAX);
    if (l->power_limit && gave(k, l->power_limit(k->device, &u)))
        put(k, SOURCE_POWER_LIMIT, u, UINT32_MAX);
    if (l->energy && gave(k, l->energy(k->device, &v)))
        put(k, SOURCE_ENERGY, v, INT64_MAX);
}

static void read_state(struct look *k)
{
    const struct nvml_library *l = k->lib;
    unsigned int u, pending;
    unsigned long long v;

    if (l->temperature && gave(k, l->temperature(k->device, 0, &u)))
        put(k, SOURCE_TEMPERATURE, u, TEMPERATURE_MAX);
    if (l->clock && gave(k, l->clock(k->device, NVML_CLOCK_SM, &u)))
        put(k, SOURCE_CLOCK, u, UINT32_MAX);
    if (l->clock && gave(k, l->clock(k->device, NVML_CLOCK_MEMORY, &u)))
        put(k, SOURCE_CLOCK_MEMORY, u, UINT32_MAX);
    if (l->throttle && gave(k, l->throttle(k->device, &v)))
        put(k, SOURCE_THROTTLE, v, INT64_MAX);
    if (l->mig && gave(k, l->mig(k->device, &u, &pending)))
        put(k, SOURCE_MIG, u, 1);
}

static void read_ecc(struct look *k)
{
    unsigned long long v;

    if (!k->lib->ecc)
        return;
    if (gave(k, k->lib->ecc(k->device, NVML_CORRECTED, NVML_SINCE_LOAD, &v)))
        put(k, SOURCE_ECC_CORRECTED, v, INT64_MAX);
    if (gave(k, k->lib->ecc(k->device, NVML_UNCORRECTED, NVML_SINCE_LOAD, &v)))
        put(k, SOURCE_ECC_UNCORRECTED, v, INT64_MAX);
}

/* Of newer cards rows are remapped, of older ones pages are retired. */
static void read_rows(struct look *k)
{
    const struct nvml_library *l = k->lib;
    unsigned int n, m, pending, failed;

    if (l->rows && gave(k, l->rows(k->device, &n, &m, &pending, &failed))) {
        put(k, SOURCE_ROWS_PENDING, pending, 1);
        put(k, SOURCE_ROWS_FAILED, failed, 1);
    } else if (l->pages_pending && gave(k, l->pages_pending(k->device, &pending)))
        put(k, SOURCE_ROWS_PENDING, pending, 1);
}

static void process_take(struct source_reading *out, unsigned int pid, unsigned long long memory)
{
    out->processes[out->process_count++] =
        (struct source_process){.pid = (int)pid, .memory_used = memory > INT64_MAX ? -1 : (int64_t)memory};
}

static void read_processes(struct look *k, struct source_reading *out)
{
    union {
        struct nvml_process_1 one[SOURCE_PROCESSES_MAX];
        struct nvml_process_2 two[SOURCE_PROCESSES_MAX];
    } list;
    unsigned int count = SOURCE_PROCESSES_MAX;
    int rc = k->lib->processes ? k->lib->processes(k->device, &count, &list) : -1;

    if (rc == NVML_NO_SIZE) /* says only how many */
        put(k, SOURCE_PROCESSES, count, INT32_MAX);
    if (!gave(k, rc) || count > SOURCE_PROCESSES_MAX)
        return;
    put(k, SOURCE_PROCESSES, count, SOURCE_PROCESSES_MAX);
    for (unsigned int i = 0; i < count; i++)
        if (k->lib->processes_1)
            process_take(out, list.one[i].pid, list.one[i].memory);
        else
            process_take(out, list.two[i].pid, list.two[i].memory);
}

static void take_xid(struct nvml *n, int index, unsigned long long code)
{
    struct nvml_gpu *g = &n->gpus[index];

    g->xid = code;
    if (code <= INT32_MAX && g->xid_count < INT32_MAX)
        g->xids[g->xid_count++ % SOURCE_XIDS_MAX] = (int)code;
    log_warn("gpu_xid", "GPU %d: Xid %llu", index, code);
}

/* The errors that the driver has reported since the last look. */
static void read_events(struct nvml *n)
{
    struct nvml_event ev = {0};

    for (int k = 0; n->events && k < EVENTS_MAX && n->lib.events_wait(n->events, &ev, 0) == NVML_OK; k++)
        for (int i = 0; ev.device && ev.type == NVML_EVENT_XID && i < n->count; i++)
            if (n->gpus[i].device == ev.device)
                take_xid(n, i, ev.data);
}

static void read_gpu(struct nvml *n, int index, struct source_reading *out)
{
    struct nvml_gpu *g = &n->gpus[index];
    struct look k = {.lib = &n->lib, .sample = &out->sample, .lost = !gpu_open(n, index)};

    out->xid_count = g->xid_count;
    memcpy(out->xids, g->xids, sizeof out->xids);
    if (!k.lost) {
        k.device = g->device;
        read_use(&k);
        read_power(&k);
        read_state(&k);
        read_ecc(&k);
        read_rows(&k);
        read_processes(&k, out);
    }
    if (!k.lost) {
        if (g->listens)
            put(&k, SOURCE_XID, g->xid, INT64_MAX);
        return;
    }
    out->sample = (struct source_sample){.lost = true};
    out->process_count = 0;
    g->device = NULL;
    g->listens = false;
}

static int read_all(struct source *s, struct source_reading *out, int count, struct err *e)
{
    struct nvml *n = (struct nvml *)s;

    if (!n->on || count > n->count)
        return err_set(e, ERR_INTERNAL, "NVML was not asked for these GPUs");
    read_events(n);
    for (int i = 0; i < count; i++) {
        out[i].sample = (struct source_sample){0};
        out[i].process_count = 0;
        read_gpu(n, i, &out[i]);
    }
    return 0;
}

static void destroy(struct source *s)
{
    struct nvml *n = (struct nvml *)s;

    if (n->events)
        (void)n->lib.events_free(n->events);
    if (n->on)
        (void)n->lib.shutdown();
    nvml_library_close(&n->lib);
    free(n);
}

struct source *nvml_create(struct err *e)
{
    static const struct source_ops ops = {.name = "nvml", .find = find, .read = read_all, .destroy = destroy};
    struct nvml *n = calloc(1, sizeof *n);

    if (!n) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    n->base.ops = &ops;
    return &n->base;
}
