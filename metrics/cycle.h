/* SPDX-License-Identifier: MIT
 *
 * The period of what repeats in samples taken at equal distances, by autocorrelation: samples may be missing, noise and
 * a drift are borne, and where nothing repeats there is none. Pure; any thread.
 */
#ifndef DROVER_METRICS_CYCLE_H
#define DROVER_METRICS_CYCLE_H

enum {
    CYCLE_SAMPLES_MAX = 1000,
    CYCLE_LAG_MIN = 4,   /* samples: what is shorter cannot be told from chance */
    CYCLE_SEEN_MIN = 4,  /* it must have come so often */
    CYCLE_SERIES_MAX = 4 /* of the same thing */
};

struct cycle {
    double period;   /* samples; 0: nothing repeats */
    double strength; /* 0..1: how much higher the correlation is at its multiples than half-way between them */
    int seen;        /* so often it came */
};

/* What a search works with; some 50 KiB, of the caller. */
struct cycle_scratch {
    double x[CYCLE_SAMPLES_MAX], smooth[CYCLE_SAMPLES_MAX];
    double acf[CYCLE_SAMPLES_MAX], sum[CYCLE_SAMPLES_MAX];
};

/* The period that `series` have together, each of `count` values, NAN where a sample is missing; a NULL one is left
 * out. Of more than CYCLE_SAMPLES_MAX values the last are looked at. */
struct cycle cycle_find(const float *const series[CYCLE_SERIES_MAX], int count, struct cycle_scratch *s);
/* Likewise, but of periods from so many samples on. */
struct cycle cycle_find_long(const float *const series[CYCLE_SERIES_MAX], int count, int least,
                             struct cycle_scratch *s);

#endif
