/* SPDX-License-Identifier: MIT
 *
 * What a Prometheus answers about GPUs: texts have an end, figures are within bounds.
 */
// link: drover_metrics
#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/err.h"
#include "metrics/prometheus_reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct prometheus_gpu gpus[NODE_GPU_MAX];
    struct err e = {0};
    const int rc = prometheus_reply_read((const char *)data, size, "gpu", gpus, &e);

    assert(rc <= NODE_GPU_MAX && (rc >= 0 || e.code));
    for (int i = 0; i < NODE_GPU_MAX && rc >= 0; i++) {
        const struct source_sample *s = &gpus[i].sample;

        assert(memchr(gpus[i].gpu.uuid, '\0', sizeof gpus[i].gpu.uuid));
        assert(memchr(gpus[i].gpu.model, '\0', sizeof gpus[i].gpu.model));
        assert(gpus[i].there || !s->valid);
        assert(!source_has(s, SOURCE_BUSY) || (s->value[SOURCE_BUSY] >= 0 && s->value[SOURCE_BUSY] <= 100));
        for (int f = 0; f < SOURCE_FIELDS; f++)
            assert(s->value[f] >= 0);
    }
    return 0;
}
