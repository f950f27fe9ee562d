/* SPDX-License-Identifier: MIT
 *
 * The trace reader with any bytes: what it accepts is in order and in range.
 */
// link: drover_sim
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "sim/trace_read.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct trace t = {0};
    struct err e = {0};
    FILE *f = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;

    if (!f)
        return 0;
    if (!trace_read_stream(f, &t, &e) && !trace_read_quota(&t, 64, &e)) {
        int nodes = 0;
        for (size_t i = 0; i < t.vc_count; i++)
            nodes += t.vcs[i].nodes;
        if (nodes != 64)
            abort();
    }
    for (size_t i = 1; i < t.job_count; i++)
        if (t.jobs[i].submit_ms < t.jobs[i - 1].submit_ms || t.jobs[i].gpus < 1)
            abort();
    trace_read_fini(&t);
    fclose(f);
    return 0;
}
