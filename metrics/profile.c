/* SPDX-License-Identifier: MIT */
/* First what each GPU works (figures), then when nobody works (stretches), then the kind, then what holds it up. The
 * driver counts a GPU as busy while any kernel runs, also one that spins for its neighbours: so power, which such a
 * kernel does not draw, tells work from waiting. */
#include "metrics/profile.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define STILL_BUSY 2.0    /* percent: no more than a driver's own work */
#define SPIN_BUSY 97.0    /* percent */
#define SPIN_MOVED 2.0    /* percent: who spins moves no memory */
#define SPIN_POWER 0.2    /* of the power beyond idle */
#define AWAKE_POWER 0.06  /* of the power beyond idle: clocks are up, whatever is computed */
#define IDLE_POWER 0.13   /* of the limit, where no idle moment was sampled */
#define BUSY_LOW 80.0     /* percent: below, the GPU waits for something */
#define BUSY_SOME 30.0    /* percent: a sample of work */
#define USED_BUSY 3.0     /* percent, mean: below, nobody uses that GPU */
#define CPU_FULL 90.0     /* percent */
#define IO_WAIT_HIGH 50.0 /* percent */
#define MOVED_HIGH 70.0   /* percent */
#define INTENSITY_LOW 35.0
#define BALANCE_LOW 60.0
#define DUTY_IDLE 2.0
#define DUTY_ONLINE 85.0 /* percent: more often than that, nobody waits for requests */
#define THINK_S 60.0     /* who answers programs does not pause so long on average */
#define THINK_SHORT_S 25.0
#define STEADY 0.15     /* standard deviation of smoothed use, as a share of its mean */
#define BEAT_SAMPLES 20 /* shorter than that, a loader's load is of its own steps */
#define VARIES 4.0      /* percent, standard deviation */
#define CHANCE 0.5      /* strength of a cycle in what comes by chance */
#define HANG_S 300.0
#define HANG_TIMES 4 /* so much longer than any pause before */
#define SAMPLES_MIN 24
#define SAMPLES_GOOD 120

static const char *const kinds[PROFILE_KINDS] = {
    [PROFILE_UNKNOWN] = "unknown", [PROFILE_IDLE] = "idle",           [PROFILE_TRAINING] = "training",
    [PROFILE_DENSE] = "dense",     [PROFILE_INFERENCE] = "inference", [PROFILE_INTERACTIVE] = "interactive",
    [PROFILE_HUNG] = "hung"};

static const char *const bottlenecks[PROFILE_BOTTLENECKS] = {[PROFILE_NONE] = "none",
                                                             [PROFILE_INPUT] = "input",
                                                             [PROFILE_CPU_BOUND] = "cpu",
                                                             [PROFILE_MEMORY_BOUND] = "memory",
                                                             [PROFILE_SMALL_KERNELS] = "small-kernels",
                                                             [PROFILE_IMBALANCE] = "imbalance",
                                                             [PROFILE_HANG] = "hang"};

static const char *const figures[PROFILE_FIGURES] = {[PROFILE_F_BUSY] = "busy",
                                                     [PROFILE_F_DUTY] = "duty",
                                                     [PROFILE_F_MEMORY_BUSY] = "memoryBusy",
                                                     [PROFILE_F_INTENSITY] = "intensity",
                                                     [PROFILE_F_POWER] = "power",
                                                     [PROFILE_F_BALANCE] = "balance",
                                                     [PROFILE_F_CPU] = "cpu",
                                                     [PROFILE_F_IO_WAIT] = "ioWait",
                                                     [PROFILE_F_STILL] = "stillSeconds",
                                                     [PROFILE_F_IDLE_STRETCH] = "idleStretchSeconds"};

/* What a percentage or time is as far from its limit as it gets, for confidence. */
static const double ranges[PROFILE_FIGURES] = {
    [PROFILE_F_BUSY] = 40,   [PROFILE_F_DUTY] = 30,        [PROFILE_F_MEMORY_BUSY] = 20, [PROFILE_F_INTENSITY] = 25,
    [PROFILE_F_POWER] = 40,  [PROFILE_F_BALANCE] = 40,     [PROFILE_F_CPU] = 8,          [PROFILE_F_IO_WAIT] = 30,
    [PROFILE_F_STILL] = 600, [PROFILE_F_IDLE_STRETCH] = 60};

const char *profile_kind_name(enum profile_kind k)
{
    return kinds[k];
}

const char *profile_bottleneck_name(enum profile_bottleneck b)
{
    return bottlenecks[b];
}

const char *profile_figure_name(enum profile_figure f)
{
    return figures[f];
}

struct look {
    const struct profile_input *in;
    struct profile_scratch *s;
    struct profile *out;
    double idle_w;               /* what a GPU draws that does nothing; NAN: not known */
    double span_w;               /* what it may draw beyond that; NAN: not known */
    double spin_w;               /* below, one that is busy works nothing; NAN: not known */
    bool used[PROFILE_GPUS_MAX]; /* by the job */
    int used_count;
    int start; /* sample in which work began */
    bool memory_moves;
    double unsteady; /* standard deviation of smoothed use, as a share of its mean */
};

static double at(const float *series, int i)
{
    return series ? (double)series[i] : (double)NAN;
}

static double gpu_at(const struct look *l, int gpu, enum profile_series f, int i)
{
    return at(l->in->gpus[gpu].series[f], i);
}

static double mean_of(const float *series, int from, int to)
{
    double sum = 0;
    int n = 0;

    for (int i = from; i < to; i++) {
        const double v = at(series, i);

        if (!isnan(v)) {
            sum += v;
            n++;
        }
    }
    return n ? sum / n : (double)NAN;
}

static int by_value(const void *a, const void *b)
{
    const float x = *(const float *)a, y = *(const float *)b;

    return (x > y) - (x < y);
}

/* By nearest rank, of 0..1; sorts them. */
static double quantile(float *values, int count, double q)
{
    if (!count)
        return (double)NAN;
    qsort(values, (size_t)count, sizeof *values, by_value);
    return (double)values[(int)(q * count)];
}

/* ---- figures ---- */

/* Which GPUs the job uses at all. */
static void find_used(struct look *l)
{
    double most = 0;

    for (int g = 0; g < l->in->gpu_count; g++)
        most = fmax(most, mean_of(l->in->gpus[g].series[PROFILE_BUSY], 0, l->in->count));
    for (int g = 0; g < l->in->gpu_count; g++) {
        const double mean = mean_of(l->in->gpus[g].series[PROFILE_BUSY], 0, l->in->count);

        l->used[g] = mean >= fmin(USED_BUSY, most / 2) && most > 0;
        l->used_count += l->used[g];
    }
}

/* The mean of the GPUs that are used (of all, where none is), sample by sample. */
static void gather(const struct look *l, enum profile_series f, float *out)
{
    for (int i = 0; i < l->in->count; i++) {
        double sum = 0;
        int n = 0;

        for (int g = 0; g < l->in->gpu_count; g++) {
            const double v = gpu_at(l, g, f, i);

            if ((l->used[g] || !l->used_count) && !isnan(v)) {
                sum += v;
                n++;
            }
        }
        out[i] = n ? (float)(sum / n) : NAN;
    }
}

/* What power means here: idle, and at most. */
static void find_power(struct look *l)
{
    double idle = INFINITY, most = 0, limit = 0;

    for (int g = 0; g < l->in->gpu_count; g++) {
        limit = fmax(limit, l->in->gpus[g].power_limit);
        for (int i = 0; i < l->in->count; i++) {
            const double watts = gpu_at(l, g, PROFILE_POWER, i);

            if (isnan(watts))
                continue;
            most = fmax(most, watts);
            if (gpu_at(l, g, PROFILE_BUSY, i) <= STILL_BUSY)
                idle = fmin(idle, watts);
        }
    }
    l->idle_w = l->span_w = l->spin_w = (double)NAN;
    if (most <= 0)
        return;
    if (limit > 0) {
        l->idle_w = fmin(idle, limit * IDLE_POWER);
        l->span_w = fmax(limit, most) - l->idle_w;
    } else if (most > 2 * idle) { /* what it has drawn tells what it can draw, at least */
        l->idle_w = idle;
    }
    l->spin_w = l->idle_w + SPIN_POWER * (isnan(l->span_w) ? most - l->idle_w : l->span_w);
}

/* A quantile of a series' means of some neighbours: a pause now and then does not count, what is between steps does. */
static double usual(const struct look *l, const float *series, double q)
{
    const int width = (int)fmax(5, 15000.0 / (double)l->in->period_ms);
    int n = 0;

    for (int i = l->start; i + width <= l->in->count; i++) {
        const double mean = mean_of(series, i, i + width);

        if (!isnan(mean))
            l->s->sort[n++] = (float)mean;
    }
    return quantile(l->s->sort, n, q);
}

/* How much usual use goes up and down. Pauses count. */
static double find_unsteady(const struct look *l)
{
    double n = 0, sum = 0, squares = 0;

    for (int i = l->start; i + 5 <= l->in->count; i++) {
        const double v = mean_of(l->s->busy, i, i + 5);

        if (!isnan(v)) {
            n++;
            sum += v;
            squares += v * v;
        }
    }
    if (n < 2 || sum <= 0)
        return 0;
    return sqrt(fmax(0, squares / n - sum / n * sum / n)) / (sum / n);
}

/* How much of what it might draw a GPU draws while it is busy. */
static double find_intensity(const struct look *l)
{
    int n = 0;

    for (int i = l->start; i < l->in->count; i++) {
        const double busy = (double)l->s->busy[i], watts = (double)l->s->power[i];

        if (busy >= BUSY_SOME && !isnan(watts) && !isnan(l->span_w))
            l->s->sort[n++] = (float)(1e4 * fmax(0, (watts - l->idle_w) / l->span_w - AWAKE_POWER) / busy);
    }
    return quantile(l->s->sort, n, 0.5);
}

static double find_memory_busy(const struct look *l)
{
    int n = 0;

    for (int i = l->start; i < l->in->count; i++)
        if ((double)l->s->busy[i] >= BUSY_SOME && !isnan(l->s->memory_busy[i]))
            l->s->sort[n++] = l->s->memory_busy[i];
    return quantile(l->s->sort, n, 0.5);
}

/* What the least of the GPUs works of what the most works: power beyond idle where it is known, else time. */
static double find_balance(const struct look *l)
{
    double most = 0, least = INFINITY;

    l->out->least_gpu = -1;
    if (l->in->gpu_count < 2)
        return (double)NAN;
    for (int g = 0; g < l->in->gpu_count; g++) {
        double work = mean_of(l->in->gpus[g].series[PROFILE_POWER], l->start, l->in->count) - l->idle_w;

        if (isnan(work))
            work = mean_of(l->in->gpus[g].series[PROFILE_BUSY], l->start, l->in->count);
        if (!l->used[g])
            work = 0;
        if (isnan(work))
            continue;
        most = fmax(most, work);
        if (work < least) {
            least = work;
            l->out->least_gpu = g;
        }
    }
    return most > 0 && least <= most ? 100 * fmax(0, least) / most : (double)NAN;
}

static void find_figures(struct look *l)
{
    double *f = l->out->figures;
    int known = 0, working = 0;

    for (int i = l->start; i < l->in->count; i++) {
        known += !isnan(l->s->busy[i]);
        working += (double)l->s->busy[i] > STILL_BUSY;
    }
    f[PROFILE_F_BUSY] = usual(l, l->s->busy, 0.5);
    f[PROFILE_F_DUTY] = known ? 100.0 * working / known : (double)NAN;
    f[PROFILE_F_MEMORY_BUSY] = find_memory_busy(l);
    f[PROFILE_F_INTENSITY] = find_intensity(l);
    f[PROFILE_F_POWER] = 100 * mean_of(l->s->power, l->start, l->in->count) / (l->idle_w + l->span_w);
    f[PROFILE_F_BALANCE] = find_balance(l);
    /* a loader rests in each pause, so that its usual load is not the median */
    f[PROFILE_F_CPU] = usual(l, l->in->host[PROFILE_CPU], 0.75);
    f[PROFILE_F_IO_WAIT] = usual(l, l->in->host[PROFILE_IO_WAIT], 0.75);
    l->unsteady = find_unsteady(l);
}

/* Whether what the job holds of memory goes up and down, as it does with what somebody tries. */
static bool find_memory_moves(const struct look *l)
{
    int moves = 0;
    double last = (double)NAN, most = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (int i = l->start; i < l->in->count; i++) {
            const double held = l->used_count ? gpu_at(l, 0, PROFILE_MEMORY, i) : (double)NAN;

            if (isnan(held))
                continue;
            most = fmax(most, held);
            if (pass && !isnan(last) && fabs(held - last) > 0.02 * most)
                moves++;
            last = held;
        }
    }
    return moves >= 4;
}

/* ---- stretches in which nobody works ---- */

enum still { WORKS, RESTS, SPINS, MISSING };

static enum still still_at(const struct look *l, int i)
{
    enum still all = MISSING;

    for (int g = 0; g < l->in->gpu_count; g++) {
        const double busy = gpu_at(l, g, PROFILE_BUSY, i), watts = gpu_at(l, g, PROFILE_POWER, i);
        const double moved = gpu_at(l, g, PROFILE_MEMORY_BUSY, i);

        if ((l->used_count && !l->used[g]) || isnan(busy))
            continue;
        const bool spins = busy >= SPIN_BUSY && watts < l->spin_w && !(moved > SPIN_MOVED);
        const enum still one = busy <= STILL_BUSY ? RESTS : spins ? SPINS : WORKS;

        if (one == WORKS)
            return WORKS;
        if (all != SPINS)
            all = one;
    }
    return all;
}

struct stretches {
    int tail;         /* samples at the end without work */
    bool spins;       /* in the tail kernels ran all the same */
    int longest;      /* before it */
    double mean;      /* of those between work */
    int worked, seen; /* samples before the tail, from the start on */
};

static struct stretches find_stretches(const struct look *l)
{
    struct stretches t = {0};
    int run = 0, runs = 0, sum = 0, spinning = 0;

    for (int i = l->start; i < l->in->count; i++) {
        const enum still now = still_at(l, i);

        if (now == WORKS) {
            t.worked++;
            if (run) {
                t.longest = run > t.longest ? run : t.longest;
                sum += run;
                runs++;
            }
            run = spinning = 0;
        } else if (now != MISSING || run) {
            run++;
            spinning += now == SPINS;
        }
    }
    t.tail = run;
    t.spins = 2 * spinning > run;
    t.seen = l->in->count - l->start - run;
    t.mean = runs ? (double)sum / runs : run;
    return t;
}

/* ---- rules ---- */

/* Notes that a figure is below a limit, or not; false where it is not so, or not known. */
static bool prove(struct look *l, enum profile_figure f, bool above, double limit)
{
    const double v = l->out->figures[f];

    if (isnan(v) || (v >= limit) != above)
        return false;
    if (l->out->proof_count < PROFILE_PROOFS_MAX)
        l->out->proofs[l->out->proof_count++] = (struct profile_proof){f, v, limit, above};
    return true;
}

/* How far from their limits the figures are; less of it where there are few samples. */
static int confidence(const struct look *l)
{
    double margin = 1;

    for (int i = 0; i < l->out->proof_count; i++) {
        const struct profile_proof *p = &l->out->proofs[i];

        margin = fmin(margin, fabs(p->value - p->limit) / ranges[p->figure]);
    }
    return (int)((55 + 40 * margin) * fmin(1, 0.5 + 0.5 * (l->in->count - l->start) / SAMPLES_GOOD));
}

static bool is_hung(struct look *l, const struct stretches *t)
{
    const double period_s = (double)l->in->period_ms / 1000;
    const double tail_s = t->tail * period_s;

    l->out->figures[PROFILE_F_STILL] = tail_s;
    l->out->figures[PROFILE_F_IDLE_STRETCH] = t->mean * period_s;
    if (tail_s < HANG_S || t->tail < HANG_TIMES * t->longest)
        return false;
    if (l->in->hint.silent_ms >= 0 && (double)l->in->hint.silent_ms < tail_s * 500)
        return false; /* it talks */
    /* of what was before all samples, only its log can tell */
    return t->worked >= SAMPLES_MIN ? 2 * t->worked >= t->seen : t->spins || l->in->hint.unfinished;
}

static void set_kind(struct look *l, enum profile_kind kind, int sure)
{
    l->out->kind = kind;
    l->out->kind_confidence = sure;
}

/* Whether pauses are a person's. */
static bool thinks(const struct look *l)
{
    const double pause = l->out->figures[PROFILE_F_IDLE_STRETCH];

    return pause >= THINK_S || (pause >= THINK_SHORT_S && l->memory_moves);
}

static void find_kind(struct look *l)
{
    const double *f = l->out->figures;
    const struct profile_hint *hint = &l->in->hint;

    if (hint->learns)
        set_kind(l, PROFILE_TRAINING, 95);
    else if (hint->requests)
        set_kind(l, PROFILE_INFERENCE, 90);
    else if (l->out->period_s > 0 && f[PROFILE_F_DUTY] >= DUTY_IDLE * 10)
        set_kind(l, PROFILE_TRAINING, 60 + (int)(30 * l->out->cycle.strength));
    else if (hint->steps)
        set_kind(l, PROFILE_DENSE, 80);
    else if (f[PROFILE_F_CPU] >= CPU_FULL && f[PROFILE_F_DUTY] >= DUTY_IDLE * 5)
        set_kind(l, PROFILE_TRAINING, 60); /* who answers requests does not decode data on all cores */
    else if (f[PROFILE_F_DUTY] < DUTY_ONLINE && thinks(l))
        set_kind(l, PROFILE_INTERACTIVE, l->memory_moves ? 85 : 60);
    else if (f[PROFILE_F_BUSY] >= BUSY_LOW || l->unsteady < STEADY)
        set_kind(l, PROFILE_DENSE, 70);
    else
        set_kind(l, PROFILE_INFERENCE, 60);
}

static bool is_small(struct look *l)
{
    return l->out->figures[PROFILE_F_BUSY] >= BUSY_SOME / 2 && !(l->out->figures[PROFILE_F_CPU] >= CPU_FULL) &&
           prove(l, PROFILE_F_INTENSITY, false, INTENSITY_LOW);
}

/* The first rule that holds. */
static void find_bottleneck(struct look *l)
{
    struct profile *p = l->out;

    if (prove(l, PROFILE_F_BALANCE, false, BALANCE_LOW))
        p->bottleneck = PROFILE_IMBALANCE;
    else if (is_small(l))
        p->bottleneck = PROFILE_SMALL_KERNELS;
    else if (prove(l, PROFILE_F_BUSY, false, BUSY_LOW))
        p->bottleneck = prove(l, PROFILE_F_CPU, true, CPU_FULL) ? PROFILE_CPU_BOUND : PROFILE_INPUT;
    else if (prove(l, PROFILE_F_MEMORY_BUSY, true, MOVED_HIGH))
        p->bottleneck = PROFILE_MEMORY_BOUND;
    else
        (void)prove(l, PROFILE_F_BUSY, true, BUSY_LOW);
    p->confidence = confidence(l);
    if (p->bottleneck == PROFILE_INPUT) {
        if (!prove(l, PROFILE_F_IO_WAIT, true, IO_WAIT_HIGH) && isnan(p->figures[PROFILE_F_CPU]))
            p->confidence -= 20; /* the cores may be what is missing */
        (void)prove(l, PROFILE_F_CPU, false, CPU_FULL);
    }
}

/* Whether a series of percentages goes up and down by more than chance and rounding. */
static bool varies(const float *series, int count)
{
    const double mean = mean_of(series, 0, count);
    double sum = 0;
    int n = 0;

    for (int i = 0; series && i < count; i++) {
        const double off = at(series, i) - mean;

        if (!isnan(off)) {
            sum += off * off;
            n++;
        }
    }
    return n && sum / n > VARIES * VARIES;
}

/* Where the use of GPUs does not vary, power does not count either: it is a sample of a moment, and steps that are a
 * little longer than the time between samples make beats. */
static void find_cycle(struct look *l)
{
    const int from = l->start, count = l->in->count - from;
    const float *const all[CYCLE_SERIES_MAX] = {l->s->busy + from, l->s->power + from, l->s->memory_busy + from};

    if (varies(all[0], count)) {
        const struct cycle apart = cycle_find((const float *const[CYCLE_SERIES_MAX]){all[0]}, count, &l->s->cycle);

        l->out->cycle = cycle_find(all, count, &l->s->cycle);
        if (apart.strength > l->out->cycle.strength)
            l->out->cycle = apart;
    }
    for (int h = 0; h < PROFILE_HOSTS; h++) { /* a loader's rest may be clearer than a GPU's */
        const float *const host[CYCLE_SERIES_MAX] = {l->in->host[h] ? l->in->host[h] + from : NULL};
        const struct cycle found =
            varies(host[0], count) ? cycle_find_long(host, count, BEAT_SAMPLES, &l->s->cycle) : (struct cycle){0};

        if (found.strength > l->out->cycle.strength)
            l->out->cycle = found;
    }
    l->out->period_s = l->out->cycle.period * (double)l->in->period_ms / 1000;
}

/* Of a job that never works, the first sample. */
static int find_start(const struct look *l)
{
    int i = 0;

    while (i < l->in->count && !((double)l->s->busy[i] > STILL_BUSY))
        i++;
    return i < l->in->count ? i : 0;
}

void profile_make(const struct profile_input *in, struct profile_scratch *s, struct profile *out)
{
    struct look l = {.in = in, .s = s, .out = out};

    *out = (struct profile){.least_gpu = -1};
    for (int f = 0; f < PROFILE_FIGURES; f++)
        out->figures[f] = (double)NAN;
    find_used(&l);
    gather(&l, PROFILE_BUSY, s->busy);
    gather(&l, PROFILE_POWER, s->power);
    gather(&l, PROFILE_MEMORY_BUSY, s->memory_busy);
    find_power(&l);
    l.start = find_start(&l);
    if (in->count - l.start < SAMPLES_MIN)
        return;
    find_figures(&l);
    const struct stretches stretches = find_stretches(&l);
    if (is_hung(&l, &stretches)) {
        set_kind(&l, PROFILE_HUNG, 80);
        out->bottleneck = PROFILE_HANG;
        (void)prove(&l, PROFILE_F_STILL, true, HANG_S);
        out->confidence = confidence(&l);
        return;
    }
    if (isnan(out->figures[PROFILE_F_DUTY]))
        return;
    if (out->figures[PROFILE_F_DUTY] < DUTY_IDLE) {
        set_kind(&l, PROFILE_IDLE, 90);
        (void)prove(&l, PROFILE_F_DUTY, false, DUTY_IDLE);
        out->confidence = confidence(&l);
        return;
    }
    l.memory_moves = find_memory_moves(&l);
    find_cycle(&l);
    find_kind(&l);
    if (out->kind == PROFILE_TRAINING || out->kind == PROFILE_DENSE)
        find_bottleneck(&l);
    else if (out->cycle.strength < CHANCE)
        out->period_s = 0;
}
