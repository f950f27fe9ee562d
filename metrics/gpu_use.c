/* SPDX-License-Identifier: MIT */
/* A histogram of times: mean and quantiles follow from it, and two of them add up. */
#include "metrics/gpu_use.h"

#include "metrics/source.h"

void gpu_use_add(struct gpu_use *u, const struct source_sample *s, int64_t ms)
{
    if (s->lost || ms <= 0)
        return;
    if (!u->began_ms)
        u->began_ms = s->wall_ms;
    u->ended_ms = s->wall_ms;
    if (source_has(s, SOURCE_BUSY) && s->value[SOURCE_BUSY] >= 0 && s->value[SOURCE_BUSY] < GPU_USE_BINS)
        u->busy_ms[s->value[SOURCE_BUSY]] += ms;
    if (source_has(s, SOURCE_MEMORY_USED)) {
        const int64_t used = s->value[SOURCE_MEMORY_USED];

        u->memory_ms += ms;
        u->memory_mib_ms += (used >> 20) * ms;
        u->memory_max = used > u->memory_max ? used : u->memory_max;
        u->memory_total = s->value[SOURCE_MEMORY_TOTAL];
    }
    if (source_has(s, SOURCE_POWER))
        u->energy_uj += s->value[SOURCE_POWER] * ms;
}

/* The least percent that it was at or below for that share of the time. */
static int quantile(const struct gpu_use *u, int64_t all, int percent)
{
    int64_t rank = (all * percent + 99) / 100, below = 0;
    int bin = 0;

    while (bin < GPU_USE_BINS - 1 && (below += u->busy_ms[bin]) < rank)
        bin++;
    return bin;
}

struct gpu_use_sum gpu_use_sum(const struct gpu_use *u)
{
    struct gpu_use_sum s = {.idle_ms = u->busy_ms[0],
                            .memory_max = u->memory_max,
                            .memory_total = u->memory_total,
                            .energy_uj = u->energy_uj};
    int64_t percent_ms = 0;

    for (int i = 0; i < GPU_USE_BINS; i++) {
        s.sampled_ms += u->busy_ms[i];
        percent_ms += u->busy_ms[i] * i;
        if (u->busy_ms[i])
            s.max = i;
    }
    if (u->memory_ms)
        s.memory_mean = u->memory_mib_ms / u->memory_ms * (1 << 20);
    if (!s.sampled_ms)
        return s;
    s.mean = (double)percent_ms / (double)s.sampled_ms;
    s.p50 = quantile(u, s.sampled_ms, 50);
    s.p95 = quantile(u, s.sampled_ms, 95);
    return s;
}

void gpu_use_encode(const struct gpu_use *u, unsigned char out[GPU_USE_BLOB])
{
    for (int i = 0; i < GPU_USE_BLOB; i++)
        out[i] = (unsigned char)((uint64_t)u->busy_ms[i / 8] >> (i % 8 * 8));
}

int gpu_use_decode(struct gpu_use *u, const void *blob, size_t len)
{
    const unsigned char *in = blob;

    if (!in || len != GPU_USE_BLOB)
        return -1;
    for (int k = 0; k < GPU_USE_BINS; k++) {
        uint64_t v = 0;

        for (int i = 7; i >= 0; i--)
            v = v << 8 | in[k * 8 + i];
        if (v > INT64_MAX / GPU_USE_BINS / 100)
            return -1;
        u->busy_ms[k] = (int64_t)v;
    }
    return 0;
}
