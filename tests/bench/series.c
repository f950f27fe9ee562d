/* SPDX-License-Identifier: MIT
 *
 * Series of GPUs as droverd keeps them: samples each five seconds, sealed by quarters of an hour, stored and rolled up
 * in one transaction for all GPUs. A third of the GPUs idle, a third train, a third wait for their input now and then;
 * what is measured has noise to the last digit, as power and energy have. The same samples are also counted as Gorilla
 * would write them (delta of deltas of times, XOR of doubles), which keeps times with each series. CPU time is that of
 * sealing and storing, not of making samples up. usage: series DB GPUS QUARTERS
 */
// link: drover_metrics
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "metrics/series_store.h"
#include "store/store.h"

enum { PERIOD_MS = 5000, QUARTER_MS = 900000, SAMPLES = QUARTER_MS / PERIOD_MS };

struct gpu_state {
    uint64_t seed;
    int kind; /* 0 idles, 1 trains, 2 waits now and then */
    double heat, energy;
};

struct bench {
    struct store *store;
    struct gpu_state *gpus;
    int count;
    struct series_batch *batches;
    double seal_s, store_s;
    uint64_t samples, sealed_bytes, gorilla_bits;
};

static double cpu_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---- samples ---- */

static double uniform(uint64_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    return (double)(*seed >> 11) / 9007199254740992.0;
}

/* Mean 0, deviation 1. */
static double noise(uint64_t *seed)
{
    double sum = -6;

    for (int i = 0; i < 12; i++)
        sum += uniform(seed);
    return sum;
}

static int64_t percent(double v)
{
    return v < 0 ? 0 : v > 100 ? 100 : (int64_t)v;
}

static void sample(struct gpu_state *g, int64_t at_ms, struct source_sample *out)
{
    const bool waits = g->kind == 2 && at_ms / PERIOD_MS % 40 < 9;
    const double busy = g->kind == 0 || waits ? 0 : 97 + 2 * noise(&g->seed);
    const double watts = busy > 0 ? 560 + 12 * noise(&g->seed) : 71 + 0.3 * noise(&g->seed);

    g->heat += (30 + watts / 16 - g->heat) * 0.05;
    g->energy += (watts + (busy > 0 ? 4 : 0.1) * noise(&g->seed)) * PERIOD_MS;
    *out = (struct source_sample){.wall_ms = at_ms + (int64_t)(4 * uniform(&g->seed))};
    source_set(out, SOURCE_BUSY, percent(busy));
    source_set(out, SOURCE_MEMORY_BUSY, busy > 0 ? percent(52 + 4 * noise(&g->seed)) : 0);
    source_set(out, SOURCE_MEMORY_USED, g->kind ? INT64_C(71) << 30 : INT64_C(3) << 20);
    source_set(out, SOURCE_POWER, (int64_t)(watts * 1000));
    source_set(out, SOURCE_TEMPERATURE, (int64_t)(g->heat + 0.3 * noise(&g->seed)));
    source_set(out, SOURCE_CLOCK, busy > 0 ? 1980 - 15 * (int64_t)(4 * uniform(&g->seed)) : 345);
    source_set(out, SOURCE_CLOCK_MEMORY, 2619);
    source_set(out, SOURCE_ENERGY, (int64_t)g->energy);
    source_set(out, SOURCE_ECC_CORRECTED, 0);
    source_set(out, SOURCE_ECC_UNCORRECTED, 0);
    source_set(out, SOURCE_THROTTLE, g->kind == 0 ? 1 : uniform(&g->seed) < 0.05 ? 4 : 0);
    source_set(out, SOURCE_PROCESSES, g->kind != 0);
}

/* ---- Gorilla ---- */

static unsigned time_bits(int64_t dod)
{
    const int64_t d = llabs(dod);

    return d == 0 ? 1 : d <= 63 ? 9 : d <= 255 ? 12 : d <= 2047 ? 16 : 36;
}

/* Of one series; the window of bits that changed is used again where it fits. */
static uint64_t gorilla(const struct source_sample *s, int count, enum source_field f)
{
    uint64_t bits = 2 * 64, before = 0;
    int leading = 65, trailing = 0;

    for (int i = 0; i < count; i++) {
        const double v = (double)s[i].value[f];
        uint64_t word;

        memcpy(&word, &v, sizeof word);
        const uint64_t x = word ^ before;
        before = word;
        if (i == 0)
            continue;
        if (i > 1)
            bits += time_bits(s[i].wall_ms - 2 * s[i - 1].wall_ms + s[i - 2].wall_ms);
        if (!x) {
            bits++;
            continue;
        }
        const int l = __builtin_clzll(x) < 31 ? __builtin_clzll(x) : 31, t = __builtin_ctzll(x);
        if (l >= leading && t >= trailing) {
            bits += 2 + (unsigned)(64 - leading - trailing);
            continue;
        }
        leading = l;
        trailing = t;
        bits += 2 + 5 + 6 + (unsigned)(64 - l - t);
    }
    return bits;
}

/* ---- the run ---- */

static void fail(const struct err *e, const char *what)
{
    (void)fprintf(stderr, "series: %s: %s\n", what, e->text);
    exit(1);
}

static void seal_all(struct bench *b, int64_t begin_ms)
{
    struct source_sample samples[SAMPLES];
    struct err e = {.text = "out of memory"};

    for (int g = 0; g < b->count; g++) {
        char uuid[GPU_UUID_SIZE];

        (void)snprintf(uuid, sizeof uuid, "GPU-%08d-0000-0000-0000-000000000000", g);
        for (int i = 0; i < SAMPLES; i++)
            sample(&b->gpus[g], begin_ms + (int64_t)i * PERIOD_MS, &samples[i]);
        for (int f = 0; f < SERIES_COUNT; f++)
            b->gorilla_bits += gorilla(samples, SAMPLES, series_field[f]);
        const double begin = cpu_s();
        if (series_batch_init(&b->batches[g], uuid, samples, SAMPLES))
            fail(&e, "seal");
        b->seal_s += cpu_s() - begin;
        b->samples += (uint64_t)SAMPLES * SERIES_COUNT;
        b->sealed_bytes += b->batches[g].sealed.len;
    }
}

static void store_all(struct bench *b)
{
    struct err e = {0};
    const double begin = cpu_s();

    if (store_begin(b->store, &e))
        fail(&e, "begin");
    for (int g = 0; g < b->count; g++)
        if (series_store_add(b->store, &b->batches[g], &e))
            fail(&e, "store");
    if (store_commit(b->store, &e))
        fail(&e, "commit");
    b->store_s += cpu_s() - begin;
    for (int g = 0; g < b->count; g++)
        series_batch_fini(&b->batches[g]);
}

int main(int argc, char **argv)
{
    struct bench b = {.count = argc == 4 ? (int)strtol(argv[2], NULL, 10) : 0};
    const int quarters = argc == 4 ? (int)strtol(argv[3], NULL, 10) : 0;
    struct err e = {0};

    if (b.count < 1 || quarters < 1) {
        (void)fputs("usage: series DB GPUS QUARTERS\n", stderr);
        return 2;
    }
    b.gpus = calloc((size_t)b.count, sizeof *b.gpus);
    b.batches = calloc((size_t)b.count, sizeof *b.batches);
    b.store = store_open(argv[1], STORE_WRITER, &e);
    if (!b.gpus || !b.batches || !b.store)
        fail(&e, "start");
    for (int g = 0; g < b.count; g++)
        b.gpus[g] = (struct gpu_state){.seed = 88172645463325252u + (uint64_t)g, .kind = g % 3, .heat = 40};
    for (int q = 0; q < quarters; q++) {
        seal_all(&b, INT64_C(1799280000000) + (int64_t)q * QUARTER_MS);
        store_all(&b);
    }
    if (store_checkpoint(b.store, STORE_CHECKPOINT_TRUNCATE, &e))
        fail(&e, "checkpoint");
    store_close(b.store);
    printf(
        "{\"samples\": %llu, \"sealed_bytes\": %llu, \"gorilla_bytes\": %llu, \"seal_s\": %.6f, \"store_s\": %.6f}\n",
        (unsigned long long)b.samples, (unsigned long long)b.sealed_bytes, (unsigned long long)(b.gorilla_bits / 8),
        b.seal_s, b.store_s);
    free(b.gpus);
    free(b.batches);
    return 0;
}
