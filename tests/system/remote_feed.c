/* SPDX-License-Identifier: MIT
 *
 * An hour of ten GPUs with stated times, each five seconds and ending at a given moment: stored in the database of a
 * data folder as droverd stores samples, and sent from rings to a receiver as droverd sends them. Ten figures of each
 * GPU, so 100 series. The GPUs are those that the stand-in for NVIDIA's library has. Says what became of the samples.
 * usage: remote_feed DATA NODE END_MS URL; DATA "-": stores nothing
 */
// link: drover_server
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "metrics/remote_config.h"
#include "metrics/remote_writer.h"
#include "metrics/ring.h"
#include "metrics/series_store.h"
#include "server/api/gpu_figures.h"
#include "store/store.h"

enum { GPUS = 10, PERIOD_MS = 5000, SAMPLES = 720, PATIENCE_S = 120 };

struct feed {
    const char *node;
    struct gpu gpus[GPUS];
    struct ring rings[GPUS];
};

static void fail(const struct err *e)
{
    fprintf(stderr, "remote_feed: %s\n", e->text);
    exit(1);
}

/* Odd numbers of each figure, so that nothing that is mixed up looks the same. */
static struct source_sample make(int gpu, int i, int64_t at_ms)
{
    static const enum source_field fields[] = {
        SOURCE_BUSY,  SOURCE_MEMORY_BUSY,  SOURCE_MEMORY_USED, SOURCE_POWER,         SOURCE_TEMPERATURE,
        SOURCE_CLOCK, SOURCE_CLOCK_MEMORY, SOURCE_ENERGY,      SOURCE_ECC_CORRECTED, SOURCE_ECC_UNCORRECTED};
    struct source_sample s = {.wall_ms = at_ms};
    uint64_t x = (uint64_t)gpu * 7919 + (uint64_t)i * 104729 + 1;
    for (size_t f = 0; f < sizeof fields / sizeof *fields; f++) {
        x = x * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
        const int64_t drawn = (int64_t)(x >> 33);
        source_set(&s, fields[f],
                   fields[f] == SOURCE_BUSY || fields[f] == SOURCE_MEMORY_BUSY ? drawn % 101
                   : fields[f] == SOURCE_ENERGY || fields[f] >= SOURCE_ECC_CORRECTED
                       ? (int64_t)gpu * 1000003 + (int64_t)i * (997 + (int64_t)f)
                       : drawn % 700001);
    }
    return s;
}

static void fill(struct feed *f, int64_t end_ms)
{
    for (int g = 0; g < GPUS; g++) {
        f->gpus[g].index = g;
        snprintf(f->gpus[g].uuid, sizeof f->gpus[g].uuid, "GPU-00000000-0000-0000-0000-%012d", g);
        snprintf(f->gpus[g].model, sizeof f->gpus[g].model, "NVIDIA Fake %d", g);
        if (ring_init(&f->rings[g], SAMPLES))
            exit(1);
        for (int i = 0; i < SAMPLES; i++) {
            const struct source_sample s = make(g, i, end_ms - (int64_t)(SAMPLES - i) * PERIOD_MS);
            ring_put(&f->rings[g], &s);
        }
    }
}

/* The samples of a ring, the oldest first. */
static void list(const struct ring *r, struct source_sample out[SAMPLES])
{
    for (int i = 0; i < SAMPLES; i++)
        out[i] = *ring_at(r, SAMPLES - 1 - i);
}

static void store(const struct feed *f, const char *data, struct err *e)
{
    static struct source_sample samples[SAMPLES];
    struct store *s = store_open_folder(data, STORE_WRITER, e);
    int rc = s ? store_begin(s, e) : -1;
    for (int g = 0; g < GPUS && !rc; g++) {
        struct series_batch b;
        list(&f->rings[g], samples);
        rc = series_batch_init(&b, f->gpus[g].uuid, samples, SAMPLES) || series_store_add(s, &b, e) ? -1 : 0;
        series_batch_fini(&b);
    }
    if (rc || store_commit(s, e))
        fail(e);
    store_close(s);
}

/* remote_look_fn */
static int look(void *ctx, struct remote *to, int64_t at_ms, int64_t after_ms, struct err *e)
{
    const struct feed *f = ctx;
    struct source_sample *samples = calloc(SAMPLES, sizeof *samples);
    (void)at_ms;
    (void)after_ms;
    if (!samples)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    for (int g = 0; g < GPUS; g++) {
        list(&f->rings[g], samples);
        gpu_figures_send(
            to, &(struct gpu_sampled){.node = f->node, .gpu = &f->gpus[g], .samples = samples, .count = SAMPLES});
    }
    free(samples);
    return 0;
}

int main(int argc, char **argv)
{
    static struct feed f;
    static struct remote_settings settings;
    const struct timespec moment = {.tv_nsec = 10000000};
    struct remote_stats stats = {0};
    struct err e = {0};
    if (argc != 5)
        return 2;
    f.node = argv[2];
    fill(&f, strtoll(argv[3], NULL, 10));
    if (strcmp(argv[1], "-") != 0)
        store(&f, argv[1], &e);
    remote_config_defaults(&settings);
    settings.interval_s = 3600;
    snprintf(settings.url, sizeof settings.url, "%s", argv[4]);
    const struct remote_writer_config c = {.settings = &settings, .look = look, .ctx = &f};
    struct remote_writer *w = remote_writer_create(&c, &e);
    if (!w || remote_writer_start(w, &e))
        fail(&e);
    for (int i = 0; i < PATIENCE_S * 100 && (!(stats.taken + stats.refused) || stats.waiting); i++) {
        (void)nanosleep(&moment, NULL);
        remote_writer_stats(w, &stats);
    }
    remote_writer_stop(w);
    remote_writer_stats(w, &stats);
    printf("{\"taken\": %llu, \"refused\": %llu, \"dropped\": %llu, \"retries\": %llu, \"waiting\": %llu}\n",
           (unsigned long long)stats.taken, (unsigned long long)stats.refused, (unsigned long long)stats.dropped,
           (unsigned long long)stats.retries, (unsigned long long)stats.waiting);
    remote_writer_destroy(w);
    for (int g = 0; g < GPUS; g++)
        ring_fini(&f.rings[g]);
    return 0;
}
