/* SPDX-License-Identifier: MIT
 *
 * What we use of libnvidia-ml.so.1: structures and calls by their documented, versioned binary interface. A function
 * that the library lacks is NULL; of those that came in several versions the newest that is there is taken.
 */
#ifndef DROVER_METRICS_NVML_LIBRARY_H
#define DROVER_METRICS_NVML_LIBRARY_H

#include <stdbool.h>
#include <stdint.h>

struct err;

#define NVML_NAME_SIZE 96 /* of a device's name; the largest that the interface names */
#define NVML_UUID_SIZE 96

enum nvml_result {
    NVML_OK = 0,
    NVML_NO_SIZE = 7,
    NVML_NO_DRIVER = 9,
    NVML_TIMEOUT = 10,
    NVML_LOST = 15,
};

enum nvml_word {
    NVML_CORRECTED = 0,
    NVML_UNCORRECTED = 1,
    NVML_SINCE_LOAD = 0,
    NVML_CLOCK_SM = 1,
    NVML_CLOCK_MEMORY = 2
};
#define NVML_EVENT_XID 0x8ull
#define NVML_MEMORY_UNKNOWN UINT64_MAX

struct nvml_device; /* the library's own */
struct nvml_events;

struct nvml_utilization {
    unsigned int gpu, memory; /* percent */
};

struct nvml_memory {
    unsigned long long total, free, used; /* bytes; what the driver keeps for itself is used */
};

struct nvml_memory_2 {
    unsigned int version; /* NVML_MEMORY_2 */
    unsigned long long total, reserved, free, used;
};
#define NVML_MEMORY_2 ((unsigned int)sizeof(struct nvml_memory_2) | 2u << 24)

struct nvml_process_1 {
    unsigned int pid;
    unsigned long long memory; /* bytes, or NVML_MEMORY_UNKNOWN */
};

/* Of versions 2 and 3. */
struct nvml_process_2 {
    unsigned int pid;
    unsigned long long memory;
    unsigned int gpu_instance, compute_instance;
};

/* Version 1 ends behind `data`. */
struct nvml_event {
    struct nvml_device *device;
    unsigned long long type, data;
    unsigned int gpu_instance, compute_instance;
};

struct nvml_library {
    void *handle;
    bool processes_1; /* `processes` fills struct nvml_process_1 */
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned int *);
    int (*device)(unsigned int, struct nvml_device **);
    int (*name)(struct nvml_device *, char *, unsigned int);
    int (*uuid)(struct nvml_device *, char *, unsigned int);
    /* Those below may be NULL. */
    int (*memory)(struct nvml_device *, struct nvml_memory *);
    int (*memory_2)(struct nvml_device *, struct nvml_memory_2 *);
    int (*utilization)(struct nvml_device *, struct nvml_utilization *);
    int (*power)(struct nvml_device *, unsigned int *);
    int (*power_limit)(struct nvml_device *, unsigned int *);
    int (*temperature)(struct nvml_device *, int sensor, unsigned int *);
    int (*clock)(struct nvml_device *, int which, unsigned int *);
    int (*energy)(struct nvml_device *, unsigned long long *);
    int (*ecc)(struct nvml_device *, int kind, int since, unsigned long long *);
    int (*throttle)(struct nvml_device *, unsigned long long *);
    int (*rows)(struct nvml_device *, unsigned int *corrected, unsigned int *uncorrected, unsigned int *pending,
                unsigned int *failed);
    int (*pages_pending)(struct nvml_device *, unsigned int *);
    int (*mig)(struct nvml_device *, unsigned int *now, unsigned int *pending);
    int (*processes)(struct nvml_device *, unsigned int *count, void *list);
    int (*events_create)(struct nvml_events **);
    int (*events_register)(struct nvml_device *, unsigned long long types, struct nvml_events *);
    int (*events_wait)(struct nvml_events *, struct nvml_event *, unsigned int ms);
    int (*events_free)(struct nvml_events *);
};

/* Loads it. 1 when there is none on this machine, 0, or -1 when it lacks what Drover cannot do without. */
int nvml_library_open(struct nvml_library *n, struct err *e);
/* Nothing loaded: nothing is done. */
void nvml_library_close(struct nvml_library *n);

#endif
