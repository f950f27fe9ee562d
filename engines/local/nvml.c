/* SPDX-License-Identifier: MIT
 *
 * NVML by dlopen. The declarations follow the documented, versioned C interface (names with _v2 are stable).
 */
#include "engines/local/nvml.h"

#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "inventory/node.h"

#define NVML_NAME_SIZE 96 /* NVML_DEVICE_NAME_V2_BUFFER_SIZE */
#define NVML_UUID_SIZE 80 /* NVML_DEVICE_UUID_BUFFER_SIZE */
#define NVML_OK 0
#define NVML_NO_DRIVER 9

struct nvml_memory {
    unsigned long long total, free, used; /* bytes */
};

struct nvml_device; /* opaque */

struct nvml {
    int (*init)(void);
    int (*shutdown)(void);
    int (*count)(unsigned int *);
    int (*handle)(unsigned int, struct nvml_device **);
    int (*name)(struct nvml_device *, char *, unsigned int);
    int (*uuid)(struct nvml_device *, char *, unsigned int);
    int (*memory)(struct nvml_device *, struct nvml_memory *);
};

static int nvml_load(void *lib, struct nvml *n)
{
    const struct {
        const char *name;
        void *slot;
    } symbols[] = {
        {"nvmlInit_v2", &n->init},
        {"nvmlShutdown", &n->shutdown},
        {"nvmlDeviceGetCount_v2", &n->count},
        {"nvmlDeviceGetHandleByIndex_v2", &n->handle},
        {"nvmlDeviceGetName", &n->name},
        {"nvmlDeviceGetUUID", &n->uuid},
        {"nvmlDeviceGetMemoryInfo", &n->memory},
    };

    for (size_t i = 0; i < sizeof(symbols) / sizeof(symbols[0]); i++) {
        void *f = dlsym(lib, symbols[i].name);

        if (!f)
            return -1;
        memcpy(symbols[i].slot, &f, sizeof(f)); /* ISO C has no cast from object to function pointer */
    }
    return 0;
}

static int nvml_device(const struct nvml *n, unsigned int index, struct gpu *g, struct err *e)
{
    struct nvml_device *d = NULL;
    struct nvml_memory memory = {0};
    char name[NVML_NAME_SIZE] = "", uuid[NVML_UUID_SIZE] = "";
    int rc = n->handle(index, &d);

    g->index = (int)index;
    /* A device that fell off the bus is shown but not given out. */
    if (rc != NVML_OK) {
        g->quarantined = true;
        return 0;
    }
    if (n->name(d, name, sizeof(name)) != NVML_OK || n->uuid(d, uuid, sizeof(uuid)) != NVML_OK)
        return err_set(e, ERR_INTERNAL, "NVML does not describe GPU %u", index);
    if (n->memory(d, &memory) == NVML_OK)
        g->memory_mb = (int64_t)(memory.total >> 20);
    (void)snprintf(g->model, sizeof(g->model), "%.63s", name);
    (void)snprintf(g->uuid, sizeof(g->uuid), "%.47s", uuid);
    return 0;
}

int nvml_find(struct node *node, struct err *e)
{
    void *lib = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    struct nvml n;
    unsigned int count = 0;
    int rc;

    node->gpu_count = 0;
    if (!lib)
        return 0;
    if (nvml_load(lib, &n)) {
        (void)dlclose(lib);
        return err_set(e, ERR_INTERNAL, "libnvidia-ml.so.1 lacks functions that Drover needs");
    }
    rc = n.init();
    if (rc != NVML_OK) {
        (void)dlclose(lib);
        return rc == NVML_NO_DRIVER ? 0 : err_set(e, ERR_INTERNAL, "NVML does not start: error %d", rc);
    }
    rc = n.count(&count) == NVML_OK ? 0 : err_set(e, ERR_INTERNAL, "NVML does not count the GPUs");
    for (unsigned int i = 0; rc == 0 && i < count && i < NODE_GPU_MAX; i++)
        rc = nvml_device(&n, i, &node->gpus[node->gpu_count++], e);
    (void)n.shutdown();
    (void)dlclose(lib);
    return rc;
}
