/* SPDX-License-Identifier: MIT
 *
 * One table: where a function goes, and its names from the newest to the oldest.
 */
#include "metrics/nvml_library.h"

#include <dlfcn.h>
#include <string.h>

#include "base/err.h"

enum { NAMES_MAX = 3 };

struct symbol {
    void *slot;
    bool must;
    const char *names[NAMES_MAX];
};

/* Which of its names was found, -1 for none. */
static int find(void *library, const struct symbol *s)
{
    for (int i = 0; i < NAMES_MAX && s->names[i]; i++) {
        void *f = dlsym(library, s->names[i]);

        if (!f)
            continue;
        memcpy(s->slot, &f, sizeof f); /* ISO C has no cast from object to function pointer */
        return i;
    }
    return -1;
}

int nvml_library_open(struct nvml_library *n, struct err *e)
{
    memset(n, 0, sizeof *n);
    const struct symbol symbols[] = {
        {&n->init, true, {"nvmlInit_v2", "nvmlInit"}},
        {&n->shutdown, true, {"nvmlShutdown"}},
        {&n->count, true, {"nvmlDeviceGetCount_v2", "nvmlDeviceGetCount"}},
        {&n->device, true, {"nvmlDeviceGetHandleByIndex_v2", "nvmlDeviceGetHandleByIndex"}},
        {&n->name, true, {"nvmlDeviceGetName"}},
        {&n->uuid, true, {"nvmlDeviceGetUUID"}},
        {&n->memory, false, {"nvmlDeviceGetMemoryInfo"}},
        {&n->memory_2, false, {"nvmlDeviceGetMemoryInfo_v2"}},
        {&n->utilization, false, {"nvmlDeviceGetUtilizationRates"}},
        {&n->power, false, {"nvmlDeviceGetPowerUsage"}},
        {&n->power_limit, false, {"nvmlDeviceGetEnforcedPowerLimit", "nvmlDeviceGetPowerManagementLimit"}},
        {&n->temperature, false, {"nvmlDeviceGetTemperature"}},
        {&n->clock, false, {"nvmlDeviceGetClockInfo"}},
        {&n->energy, false, {"nvmlDeviceGetTotalEnergyConsumption"}},
        {&n->ecc, false, {"nvmlDeviceGetTotalEccErrors"}},
        {&n->throttle, false, {"nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons"}},
        {&n->rows, false, {"nvmlDeviceGetRemappedRows"}},
        {&n->pages_pending, false, {"nvmlDeviceGetRetiredPagesPendingStatus"}},
        {&n->mig, false, {"nvmlDeviceGetMigMode"}},
        {&n->events_create, false, {"nvmlEventSetCreate"}},
        {&n->events_register, false, {"nvmlDeviceRegisterEvents"}},
        {&n->events_wait, false, {"nvmlEventSetWait_v2", "nvmlEventSetWait"}},
        {&n->events_free, false, {"nvmlEventSetFree"}},
    };
    const struct symbol processes = {&n->processes,
                                     false,
                                     {"nvmlDeviceGetComputeRunningProcesses_v3",
                                      "nvmlDeviceGetComputeRunningProcesses_v2",
                                      "nvmlDeviceGetComputeRunningProcesses"}};

    n->handle = dlopen("libnvidia-ml.so.1", RTLD_NOW | RTLD_LOCAL);
    if (!n->handle)
        return 1;
    for (size_t i = 0; i < sizeof symbols / sizeof *symbols; i++)
        if (find(n->handle, &symbols[i]) < 0 && symbols[i].must) {
            err_set(e, ERR_INTERNAL, "libnvidia-ml.so.1 has no %s", symbols[i].names[0]);
            nvml_library_close(n);
            return -1;
        }
    n->processes_1 = find(n->handle, &processes) == 2;
    return 0;
}

void nvml_library_close(struct nvml_library *n)
{
    if (n->handle)
        (void)dlclose(n->handle);
    memset(n, 0, sizeof *n);
}
