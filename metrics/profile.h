/* SPDX-License-Identifier: MIT
 *
 * What kind of work a job does and what holds it up, out of the samples of its GPUs: rules over a few figures, each
 * told with the figures that made it so. What is not known is left out, and costs confidence. Pure; any thread.
 */
#ifndef DROVER_METRICS_PROFILE_H
#define DROVER_METRICS_PROFILE_H

#include <stdbool.h>
#include <stdint.h>

#include "metrics/cycle.h"

enum { PROFILE_SAMPLES_MAX = CYCLE_SAMPLES_MAX, PROFILE_GPUS_MAX = 64, PROFILE_PROOFS_MAX = 4 };

/* Series of one GPU. */
enum profile_series {
    PROFILE_BUSY,        /* percent of the last moment in which anything was computed */
    PROFILE_MEMORY_BUSY, /* percent of it in which memory was read or written */
    PROFILE_MEMORY,      /* bytes in use */
    PROFILE_POWER,       /* W */
    PROFILE_SERIES
};

/* Series of the job's share of the host. */
enum profile_host {
    PROFILE_CPU,     /* percent of the cores that the job has */
    PROFILE_IO_WAIT, /* percent of the time in which somebody waited for a disc or a network storage */
    PROFILE_HOSTS
};

struct profile_gpu {
    const float *series[PROFILE_SERIES]; /* each of input.count values, NAN: missing; NULL: not known at all */
    double power_limit;                  /* W; 0: not known */
};

/* What is known beside the samples. All zero but silent_ms -1: nothing. */
struct profile_hint {
    bool learns;       /* its log tells of losses or epochs */
    bool steps;        /* its log counts */
    bool unfinished;   /* and has not come to the end */
    bool requests;     /* its log tells of requests that were answered */
    int64_t silent_ms; /* for so long its log has told nothing; -1: not known */
};

struct profile_input {
    int64_t period_ms; /* between samples */
    int count;         /* at most PROFILE_SAMPLES_MAX */
    int gpu_count;     /* at most PROFILE_GPUS_MAX */
    const struct profile_gpu *gpus;
    const float *host[PROFILE_HOSTS]; /* as a GPU's */
    struct profile_hint hint;
};

enum profile_kind {
    PROFILE_UNKNOWN, /* too little is known */
    PROFILE_IDLE,    /* nothing is computed */
    PROFILE_TRAINING,
    PROFILE_DENSE,       /* computes all the time: training or a batch; samples do not tell which */
    PROFILE_INFERENCE,   /* answers what comes */
    PROFILE_INTERACTIVE, /* somebody works with it, and thinks between */
    PROFILE_HUNG,        /* worked, and does no more */
    PROFILE_KINDS
};

enum profile_bottleneck {
    PROFILE_NONE, /* the GPU itself */
    PROFILE_INPUT,
    PROFILE_CPU_BOUND,
    PROFILE_MEMORY_BOUND,
    PROFILE_SMALL_KERNELS,
    PROFILE_IMBALANCE,
    PROFILE_HANG,
    PROFILE_BOTTLENECKS
};

/* Figures that rules look at. */
enum profile_figure {
    PROFILE_F_BUSY,         /* percent: median of what neighbouring samples have on average */
    PROFILE_F_DUTY,         /* percent of samples in which anything was computed */
    PROFILE_F_MEMORY_BUSY,  /* percent, while it computes */
    PROFILE_F_INTENSITY,    /* percent of the power beyond idle that it might draw for being so busy */
    PROFILE_F_POWER,        /* percent of the limit, mean */
    PROFILE_F_BALANCE,      /* percent: what the GPU that works least does of what the one that works most does */
    PROFILE_F_CPU,          /* percent */
    PROFILE_F_IO_WAIT,      /* percent */
    PROFILE_F_STILL,        /* seconds, at the end, without any work being done */
    PROFILE_F_IDLE_STRETCH, /* seconds: mean time without work, between work */
    PROFILE_FIGURES
};

/* A figure that speaks for what was found, and the limit that it was held against. */
struct profile_proof {
    enum profile_figure figure;
    double value, limit;
    bool above; /* it is not below the limit; false: it is below */
};

struct profile {
    enum profile_kind kind;
    enum profile_bottleneck bottleneck;
    int kind_confidence, confidence; /* percent: of the kind, of the bottleneck */
    struct cycle cycle;              /* in samples */
    double period_s;                 /* 0: nothing repeats */
    double figures[PROFILE_FIGURES]; /* NAN: not known */
    int least_gpu;                   /* the one that works least, of input.gpus; -1: there is but one */
    struct profile_proof proofs[PROFILE_PROOFS_MAX];
    int proof_count;
};

/* What a look works with, of the caller. */
struct profile_scratch {
    struct cycle_scratch cycle;
    float busy[PROFILE_SAMPLES_MAX], power[PROFILE_SAMPLES_MAX], memory_busy[PROFILE_SAMPLES_MAX];
    float sort[PROFILE_SAMPLES_MAX];
};

/* Looks at the samples. */
void profile_make(const struct profile_input *in, struct profile_scratch *s, struct profile *out);

/* Names in the API: "training", "small-kernels", "busy". Static. */
const char *profile_kind_name(enum profile_kind k);
const char *profile_bottleneck_name(enum profile_bottleneck b);
const char *profile_figure_name(enum profile_figure f);

#endif
