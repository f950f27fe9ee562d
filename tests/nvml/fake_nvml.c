/* SPDX-License-Identifier: MIT
 *
 * A stand-in for NVIDIA's library, which plays the file that $DROVER_FAKE_NVML names. It is read anew at each call, so
 * that a test changes it (by renaming a new one over it) while a server runs. A line each:
 *
 *   count N                     GPUs; without the file there are none
 *   init CODE                   what nvmlInit answers
 *   hang                        no call returns while this line is there
 *   xid NUMBER GPU CODE         an error, told once for each NUMBER, which grow
 *   gpu I lost                  fallen off the bus
 *   gpu I WORD NUMBERS          one figure; what no line names is "not supported":
 *       memory TOTAL USED (MiB) · util GPU MEMORY · power · temperature · clock SM MEMORY · energy · ecc CORRECTED
 *       UNCORRECTED · throttle · mig · rows PENDING FAILED · retired PENDING · process PID MIB (a line each) ·
 * processes N (more than any list holds) gpu I name TEXT
 *
 * Built twice: as drivers of today have it, and (FAKE_NVML_OLD) with the oldest names and structures only.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "metrics/nvml_library.h"

enum { INVALID = 2, NOT_SUPPORTED = 3, GPUS_MAX = 80 };

struct nvml_device {
    unsigned int index;
};

struct nvml_events {
    long told; /* the number of the last error */
};

static struct nvml_device devices[GPUS_MAX];

/* ---- the scenario ---- */

/* Calls `line` for each of the file's, until it gives something else than 0. */
static int each_line(int (*line)(const char *text, void *ctx), void *ctx)
{
    const char *path = getenv("DROVER_FAKE_NVML");
    FILE *f = path ? fopen(path, "re") : NULL;
    char text[256];
    int rc = 0;

    while (f && !rc && fgets(text, sizeof text, f)) {
        text[strcspn(text, "\n")] = '\0';
        rc = line(text, ctx);
    }
    if (f)
        (void)fclose(f);
    return rc;
}

static int is_hang(const char *text, void *ctx)
{
    (void)ctx;
    return !strcmp(text, "hang");
}

static void play(void)
{
    const struct timespec moment = {.tv_nsec = 5000000};

    while (each_line(is_hang, NULL))
        (void)nanosleep(&moment, NULL);
}

struct wanted {
    const char *head; /* "gpu 1 util" */
    char rest[256];
};

static int find_head(const char *text, void *ctx)
{
    struct wanted *w = ctx;
    size_t n = strlen(w->head);

    if (strncmp(text, w->head, n) || (text[n] && text[n] != ' '))
        return 0;
    (void)snprintf(w->rest, sizeof w->rest, "%s", text[n] ? text + n + 1 : "");
    return 1;
}

static bool find(const char *head, char rest[256])
{
    struct wanted w = {.head = head};

    if (!each_line(find_head, &w))
        return false;
    memcpy(rest, w.rest, sizeof w.rest);
    return true;
}

/* Up to two numbers of a GPU's line. NVML_OK, or what the library would say. */
static int figure(const struct nvml_device *d, const char *word, unsigned long long v[2])
{
    char head[64], rest[256], *end;

    play();
    (void)snprintf(head, sizeof head, "gpu %u lost", d->index);
    if (find(head, rest))
        return NVML_LOST;
    (void)snprintf(head, sizeof head, "gpu %u %s", d->index, word);
    if (!find(head, rest))
        return NOT_SUPPORTED;
    v[0] = strtoull(rest, &end, 10);
    v[1] = strtoull(end, NULL, 10);
    return NVML_OK;
}

/* ---- what both generations have ---- */

int nvmlShutdown(void);
int nvmlDeviceGetName(struct nvml_device *d, char *name, unsigned int size);
int nvmlDeviceGetUUID(struct nvml_device *d, char *uuid, unsigned int size);
int nvmlDeviceGetMemoryInfo(struct nvml_device *d, struct nvml_memory *m);
int nvmlDeviceGetUtilizationRates(struct nvml_device *d, struct nvml_utilization *u);
int nvmlDeviceGetPowerUsage(struct nvml_device *d, unsigned int *mw);
int nvmlDeviceGetPowerManagementLimit(struct nvml_device *d, unsigned int *mw);
int nvmlDeviceGetTemperature(struct nvml_device *d, int sensor, unsigned int *celsius);
int nvmlDeviceGetClockInfo(struct nvml_device *d, int which, unsigned int *mhz);
int nvmlDeviceGetTotalEccErrors(struct nvml_device *d, int kind, int since, unsigned long long *n);
int nvmlDeviceGetRetiredPagesPendingStatus(struct nvml_device *d, unsigned int *pending);
int nvmlEventSetCreate(struct nvml_events **set);
int nvmlDeviceRegisterEvents(struct nvml_device *d, unsigned long long types, struct nvml_events *set);
int nvmlEventSetFree(struct nvml_events *set);

static int fake_init(void)
{
    char rest[256];

    play();
    return find("init", rest) ? (int)strtol(rest, NULL, 10) : 0;
}

static int fake_count(unsigned int *count)
{
    char rest[256];

    play();
    *count = find("count", rest) ? (unsigned int)strtoul(rest, NULL, 10) : 0;
    return NVML_OK;
}

static int fake_device(unsigned int index, struct nvml_device **device)
{
    unsigned long long v[2];

    if (index >= GPUS_MAX)
        return INVALID;
    devices[index].index = index;
    if (figure(&devices[index], "there", v) == NVML_LOST)
        return NVML_LOST;
    *device = &devices[index];
    return NVML_OK;
}

int nvmlShutdown(void)
{
    play();
    return NVML_OK;
}

int nvmlDeviceGetName(struct nvml_device *d, char *name, unsigned int size)
{
    char head[64], rest[256];

    play();
    (void)snprintf(head, sizeof head, "gpu %u name", d->index);
    if (!find(head, rest))
        (void)snprintf(rest, sizeof rest, "NVIDIA Fake %u", d->index);
    memcpy(name, rest, size < sizeof rest ? size : sizeof rest); /* without an end where it does not fit */
    return NVML_OK;
}

int nvmlDeviceGetUUID(struct nvml_device *d, char *uuid, unsigned int size)
{
    play();
    return snprintf(uuid, size, "GPU-00000000-0000-0000-0000-%012u", d->index) < (int)size ? NVML_OK : NVML_NO_SIZE;
}

int nvmlDeviceGetMemoryInfo(struct nvml_device *d, struct nvml_memory *m)
{
    unsigned long long v[2];
    int rc = figure(d, "memory", v);

    if (!rc)
        *m = (struct nvml_memory){.total = v[0] << 20, .free = (v[0] - v[1]) << 20, .used = v[1] << 20};
    return rc;
}

int nvmlDeviceGetUtilizationRates(struct nvml_device *d, struct nvml_utilization *u)
{
    unsigned long long v[2];
    int rc = figure(d, "util", v);

    if (!rc)
        *u = (struct nvml_utilization){(unsigned int)v[0], (unsigned int)v[1]};
    return rc;
}

static int one(const struct nvml_device *d, const char *word, unsigned int *out)
{
    unsigned long long v[2];
    int rc = figure(d, word, v);

    if (!rc)
        *out = (unsigned int)v[0];
    return rc;
}

int nvmlDeviceGetPowerUsage(struct nvml_device *d, unsigned int *mw)
{
    return one(d, "power", mw);
}

int nvmlDeviceGetPowerManagementLimit(struct nvml_device *d, unsigned int *mw)
{
    return one(d, "limit", mw);
}

int nvmlDeviceGetTemperature(struct nvml_device *d, int sensor, unsigned int *celsius)
{
    return sensor ? INVALID : one(d, "temperature", celsius);
}

int nvmlDeviceGetClockInfo(struct nvml_device *d, int which, unsigned int *mhz)
{
    unsigned long long v[2];
    int rc = figure(d, "clock", v);

    if (!rc)
        *mhz = (unsigned int)v[which == NVML_CLOCK_MEMORY];
    return rc;
}

int nvmlDeviceGetTotalEccErrors(struct nvml_device *d, int kind, int since, unsigned long long *n)
{
    unsigned long long v[2];
    int rc = since == NVML_SINCE_LOAD ? figure(d, "ecc", v) : INVALID;

    if (!rc)
        *n = v[kind == NVML_UNCORRECTED];
    return rc;
}

int nvmlDeviceGetRetiredPagesPendingStatus(struct nvml_device *d, unsigned int *pending)
{
    return one(d, "retired", pending);
}

/* ---- processes ---- */

struct process_list {
    char head[64];
    unsigned int room, count;
    struct nvml_process_2 *two;
    struct nvml_process_1 *one;
};

static int add_process(const char *text, void *ctx)
{
    struct process_list *p = ctx;
    struct wanted w = {.head = p->head};
    char *end;

    if (!find_head(text, &w))
        return 0;
    unsigned int pid = (unsigned int)strtoul(w.rest, &end, 10);
    unsigned long long memory = *end ? strtoull(end, NULL, 10) << 20 : NVML_MEMORY_UNKNOWN;
    if (p->count < p->room && p->two)
        p->two[p->count] = (struct nvml_process_2){.pid = pid, .memory = memory};
    if (p->count < p->room && p->one)
        p->one[p->count] = (struct nvml_process_1){.pid = pid, .memory = memory};
    p->count++;
    return 0;
}

static int processes(struct nvml_device *d, unsigned int *count, struct process_list *list)
{
    unsigned long long v[2];
    int rc = figure(d, "processes", v);

    if (rc == NVML_LOST)
        return rc;
    if (rc == NVML_OK) {
        *count = (unsigned int)v[0];
        return NVML_NO_SIZE;
    }
    list->room = *count;
    (void)snprintf(list->head, sizeof list->head, "gpu %u process", d->index);
    (void)each_line(add_process, list);
    *count = list->count;
    return list->count > list->room ? NVML_NO_SIZE : NVML_OK;
}

/* ---- errors ---- */

int nvmlEventSetCreate(struct nvml_events **set)
{
    play();
    *set = calloc(1, sizeof **set);
    return *set ? NVML_OK : INVALID;
}

int nvmlDeviceRegisterEvents(struct nvml_device *d, unsigned long long types, struct nvml_events *set)
{
    play();
    return d && set && types == NVML_EVENT_XID ? NVML_OK : INVALID;
}

int nvmlEventSetFree(struct nvml_events *set)
{
    play();
    free(set);
    return NVML_OK;
}

struct next_event {
    long after, gpu;
    unsigned long long code;
};

static int find_event(const char *text, void *ctx)
{
    struct next_event *n = ctx;
    struct wanted w = {.head = "xid"};
    char *end;

    if (!find_head(text, &w))
        return 0;
    long number = strtol(w.rest, &end, 10);
    if (number <= n->after)
        return 0;
    n->after = number;
    n->gpu = strtol(end, &end, 10);
    n->code = strtoull(end, NULL, 10);
    return 1;
}

static int next_event(struct nvml_events *set, struct next_event *n)
{
    play();
    *n = (struct next_event){.after = set->told};
    if (!each_line(find_event, n) || n->gpu < 0 || n->gpu >= GPUS_MAX)
        return NVML_TIMEOUT;
    set->told = n->after;
    return NVML_OK;
}

/* ---- the two generations ---- */

#ifdef FAKE_NVML_OLD

/* As nvmlEventSetWait fills it. */
struct event_1 {
    struct nvml_device *device;
    unsigned long long type, data;
};

int nvmlInit(void);
int nvmlDeviceGetCount(unsigned int *count);
int nvmlDeviceGetHandleByIndex(unsigned int index, struct nvml_device **device);
int nvmlDeviceGetComputeRunningProcesses(struct nvml_device *d, unsigned int *count, struct nvml_process_1 *list);
int nvmlEventSetWait(struct nvml_events *set, struct event_1 *ev, unsigned int ms);

int nvmlInit(void)
{
    return fake_init();
}

int nvmlDeviceGetCount(unsigned int *count)
{
    return fake_count(count);
}

int nvmlDeviceGetHandleByIndex(unsigned int index, struct nvml_device **device)
{
    return fake_device(index, device);
}

int nvmlDeviceGetComputeRunningProcesses(struct nvml_device *d, unsigned int *count, struct nvml_process_1 *list)
{
    return processes(d, count, &(struct process_list){.one = list});
}

int nvmlEventSetWait(struct nvml_events *set, struct event_1 *ev, unsigned int ms)
{
    struct next_event n;
    int rc = ms ? INVALID : next_event(set, &n);

    if (!rc)
        *ev = (struct event_1){&devices[n.gpu], NVML_EVENT_XID, n.code};
    return rc;
}

#else

int nvmlInit_v2(void);
int nvmlDeviceGetCount_v2(unsigned int *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, struct nvml_device **device);
int nvmlDeviceGetMemoryInfo_v2(struct nvml_device *d, struct nvml_memory_2 *m);
int nvmlDeviceGetTotalEnergyConsumption(struct nvml_device *d, unsigned long long *mj);
int nvmlDeviceGetCurrentClocksEventReasons(struct nvml_device *d, unsigned long long *reasons);
int nvmlDeviceGetMigMode(struct nvml_device *d, unsigned int *now, unsigned int *pending);
int nvmlDeviceGetRemappedRows(struct nvml_device *d, unsigned int *corrected, unsigned int *uncorrected,
                              unsigned int *pending, unsigned int *failed);
int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *d, unsigned int *count, struct nvml_process_2 *list);
int nvmlEventSetWait_v2(struct nvml_events *set, struct nvml_event *ev, unsigned int ms);

int nvmlInit_v2(void)
{
    return fake_init();
}

int nvmlDeviceGetCount_v2(unsigned int *count)
{
    return fake_count(count);
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, struct nvml_device **device)
{
    return fake_device(index, device);
}

int nvmlDeviceGetMemoryInfo_v2(struct nvml_device *d, struct nvml_memory_2 *m)
{
    unsigned long long v[2];
    int rc = m->version == NVML_MEMORY_2 ? figure(d, "memory", v) : 25; /* another version */

    if (!rc)
        *m = (struct nvml_memory_2){.version = m->version, .total = v[0] << 20, .used = v[1] << 20};
    return rc;
}

int nvmlDeviceGetTotalEnergyConsumption(struct nvml_device *d, unsigned long long *mj)
{
    unsigned long long v[2];
    int rc = figure(d, "energy", v);

    if (!rc)
        *mj = v[0];
    return rc;
}

int nvmlDeviceGetCurrentClocksEventReasons(struct nvml_device *d, unsigned long long *reasons)
{
    unsigned long long v[2];
    int rc = figure(d, "throttle", v);

    if (!rc)
        *reasons = v[0];
    return rc;
}

int nvmlDeviceGetRemappedRows(struct nvml_device *d, unsigned int *corrected, unsigned int *uncorrected,
                              unsigned int *pending, unsigned int *failed)
{
    unsigned long long v[2];
    int rc = figure(d, "rows", v);

    *corrected = *uncorrected = 0;
    if (!rc) {
        *pending = (unsigned int)v[0];
        *failed = (unsigned int)v[1];
    }
    return rc;
}

int nvmlDeviceGetMigMode(struct nvml_device *d, unsigned int *now, unsigned int *pending)
{
    *pending = 0;
    return one(d, "mig", now);
}

int nvmlDeviceGetComputeRunningProcesses_v3(struct nvml_device *d, unsigned int *count, struct nvml_process_2 *list)
{
    return processes(d, count, &(struct process_list){.two = list});
}

int nvmlEventSetWait_v2(struct nvml_events *set, struct nvml_event *ev, unsigned int ms)
{
    struct next_event n;
    int rc = ms ? INVALID : next_event(set, &n);

    if (!rc)
        *ev = (struct nvml_event){.device = &devices[n.gpu], .type = NVML_EVENT_XID, .data = n.code};
    return rc;
}

#endif
