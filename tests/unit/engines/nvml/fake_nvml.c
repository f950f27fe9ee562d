/* SPDX-License-Identifier: MIT
 *
 * A stand-in for NVIDIA's library: three GPUs, the last of which has fallen off the bus.
 */
#include <stdio.h>
#include <stdlib.h>

struct memory {
    unsigned long long total, free, used;
};

int nvmlInit_v2(void);
int nvmlShutdown(void);
int nvmlDeviceGetCount_v2(unsigned int *count);
int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device);
int nvmlDeviceGetName(const int *device, char *name, unsigned int size);
int nvmlDeviceGetUUID(const int *device, char *uuid, unsigned int size);
int nvmlDeviceGetMemoryInfo(const int *device, struct memory *memory);

static int devices[3] = {0, 1, 2};

int nvmlInit_v2(void)
{
    const char *error = getenv("FAKE_NVML_INIT");

    return error ? (int)strtol(error, NULL, 10) : 0;
}

int nvmlShutdown(void)
{
    return 0;
}

int nvmlDeviceGetCount_v2(unsigned int *count)
{
    *count = 3;
    return 0;
}

int nvmlDeviceGetHandleByIndex_v2(unsigned int index, void **device)
{
    if (index >= 2)
        return 15; /* NVML_ERROR_GPU_IS_LOST */
    *device = &devices[index];
    return 0;
}

int nvmlDeviceGetName(const int *device, char *name, unsigned int size)
{
    return snprintf(name, size, "NVIDIA Fake %d", *device) < (int)size ? 0 : 7;
}

int nvmlDeviceGetUUID(const int *device, char *uuid, unsigned int size)
{
    return snprintf(uuid, size, "GPU-00000000-0000-0000-0000-00000000000%d", *device) < (int)size ? 0 : 7;
}

int nvmlDeviceGetMemoryInfo(const int *device, struct memory *memory)
{
    *memory = (struct memory){.total = (80ull << 30) * (unsigned)(*device + 1)};
    return 0;
}
