/* SPDX-License-Identifier: MIT */
/* A period P shows as correlation at P, 2P, 3P and as none half-way between: the difference of both means is what a
 * lag is judged by, which a multiple of the period fails (its halves are periods) and a part of it, too. What is told
 * of a pulse train holds for a sine. Series are looked at as they are and smoothed: what repeats each few samples is
 * lost in the second, long cycles under much noise in the first. */
#include "metrics/cycle.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#define TEETH 4           /* multiples that are looked at */
#define TEETH_MIN 2       /* that a period must have had a chance to show */
#define SMOOTH 7          /* samples */
#define STRENGTH_MIN 0.36 /* of chance alone, 1 in some thousand series of 300 samples gets there */
#define CLIP 3.5          /* standard deviations */
#define PAIRS_MIN 20

struct search {
    struct cycle_scratch *s;
    int count, lag_min, lag_max;
};

/* The straight line through them is taken away, what is far off is pulled in, and the rest has variance 1; missing
 * values stay. False: nothing varies. */
static bool prepare(double *x, int count)
{
    double n = 0, st = 0, sx = 0, stt = 0, stx = 0, var = 0;

    for (int i = 0; i < count; i++) {
        if (isnan(x[i]))
            continue;
        n++;
        st += i;
        sx += x[i];
        stt += (double)i * i;
        stx += i * x[i];
    }
    const double spread = n * stt - st * st;
    if (n < 3 || spread <= 0)
        return false;
    const double slope = (n * stx - st * sx) / spread, base = (sx - slope * st) / n;
    for (int i = 0; i < count; i++) {
        x[i] -= base + slope * i;
        if (!isnan(x[i]))
            var += x[i] * x[i];
    }
    const double scale = sqrt(var / n);
    if (!(scale > 1e-9 * (1 + fabs(base))))
        return false;
    for (int i = 0; i < count; i++)
        if (!isnan(x[i]))
            x[i] = fmax(-CLIP, fmin(CLIP, x[i] / scale));
    return true;
}

/* Means of what is there of `width` neighbours. */
static void smooth(const double *x, double *out, int count, int width)
{
    for (int i = 0; i < count; i++) {
        double sum = 0;
        int n = 0;

        for (int k = i - width / 2; k <= i + width / 2; k++) {
            if (k < 0 || k >= count || isnan(x[k]))
                continue;
            sum += x[k];
            n++;
        }
        out[i] = n ? sum / n : (double)NAN;
    }
}

/* Adds the correlation of x with itself, by lag. */
static void add_acf(const struct search *q, const double *x)
{
    double zero = 0;
    int valid = 0;

    for (int i = 0; i < q->count; i++) {
        if (!isnan(x[i])) {
            zero += x[i] * x[i];
            valid++;
        }
    }
    zero /= valid ? valid : 1;
    for (int lag = 1; lag <= q->lag_max; lag++) {
        double sum = 0;
        int pairs = 0;

        for (int i = lag; i < q->count; i++) {
            const double product = x[i] * x[i - lag];

            if (!isnan(product)) {
                sum += product;
                pairs++;
            }
        }
        q->s->sum[lag] += pairs >= PAIRS_MIN && zero > 0 ? sum / pairs / zero : 0;
    }
}

/* The highest correlation near the k-th multiple of a lag: cycles are not all equally long, and lags are whole. */
static double near(const struct search *q, double lag, int multiple, int *at)
{
    const int slack = (int)(0.5 * multiple + lag * 0.02);
    double best = -1;

    for (int k = (int)lround(lag) - slack; k <= (int)lround(lag) + slack; k++) {
        if (k >= 1 && k <= q->lag_max && q->s->acf[k] > best) {
            best = q->s->acf[k];
            if (at)
                *at = k;
        }
    }
    return best;
}

static double mean_around(const struct search *q, double lag)
{
    const int k = (int)lround(lag), slack = (int)(lag * 0.05);
    double sum = 0;
    int n = 0;

    for (int i = k - slack; i <= k + slack; i++) {
        if (i >= 1 && i <= q->lag_max) {
            sum += q->s->acf[i];
            n++;
        }
    }
    return n ? sum / n : 0;
}

/* How much a lag is a period. */
static double judge(const struct search *q, int lag)
{
    int teeth = q->lag_max / lag;
    double high = 0, low = 0;

    if (teeth > TEETH)
        teeth = TEETH;
    if (teeth < TEETH_MIN)
        return 0;
    for (int k = 1; k <= teeth; k++) {
        high += near(q, (double)k * lag, k, NULL);
        low += mean_around(q, (k - 0.5) * lag);
    }
    return (high - low) / teeth;
}

/* From the peak at a multiple that is still clear, which tells it finer than the first. */
static double refine(const struct search *q, int lag)
{
    double period = lag;

    for (int k = 1; k <= TEETH && k * period <= q->lag_max; k++) {
        int at = 0;

        if (near(q, k * period, 1, &at) < 0.5 * q->s->acf[lag] || !at)
            break;
        period = (double)at / k;
    }
    return period;
}

/* The shortest lag of which the best one is a multiple, if it does nearly as well: cycles that are not equally long
 * are more alike after three of them, by chance. */
static int fundamental(const struct search *q, int best, double strength)
{
    for (int part = 6; part >= 2; part--) {
        const int lag = (int)lround((double)best / part), slack = 1 + lag / 16;

        for (int k = lag - slack; k <= lag + slack; k++)
            if (k >= q->lag_min && q->s->acf[k] > STRENGTH_MIN / 2 && judge(q, k) >= 0.6 * strength)
                return k;
    }
    return best;
}

static struct cycle search(const struct search *q)
{
    struct cycle found = {0};
    int lag = 0;

    for (int k = q->lag_min; k <= q->lag_max / TEETH_MIN; k++) {
        /* only tops: beside one the judgement is nearly as high */
        if (q->s->acf[k] < q->s->acf[k - 1] || (k < q->lag_max && q->s->acf[k] < q->s->acf[k + 1]))
            continue;
        const double strength = judge(q, k);

        if (strength > found.strength && q->s->acf[k] > STRENGTH_MIN / 2) {
            found.strength = strength;
            lag = k;
        }
    }
    if (!lag || found.strength < STRENGTH_MIN)
        return (struct cycle){0};
    lag = fundamental(q, lag, found.strength);
    found.period = refine(q, lag);
    found.seen = (int)(q->count / found.period);
    if (found.strength > 1)
        found.strength = 1;
    return found.seen >= CYCLE_SEEN_MIN ? found : (struct cycle){0};
}

struct cycle cycle_find(const float *const series[CYCLE_SERIES_MAX], int count, struct cycle_scratch *s)
{
    return cycle_find_long(series, count, CYCLE_LAG_MIN, s);
}

struct cycle cycle_find_long(const float *const series[CYCLE_SERIES_MAX], int count, int least, struct cycle_scratch *s)
{
    const int from = count > CYCLE_SAMPLES_MAX ? count - CYCLE_SAMPLES_MAX : 0;
    struct search q = {.s = s, .count = count - from, .lag_min = least, .lag_max = (count - from) / 2};
    struct cycle best = {0};

    for (int width = 1; width <= SMOOTH; width += SMOOTH - 1) {
        int used = 0;

        memset(s->sum, 0, sizeof s->sum);
        for (int f = 0; f < CYCLE_SERIES_MAX; f++) {
            if (!series[f])
                continue;
            for (int i = 0; i < q.count; i++)
                s->x[i] = (double)series[f][from + i];
            if (!prepare(s->x, q.count))
                continue;
            smooth(s->x, s->smooth, q.count, width);
            add_acf(&q, s->smooth);
            used++;
        }
        s->acf[0] = 1;
        for (int lag = 1; lag <= q.lag_max; lag++)
            s->acf[lag] = used ? s->sum[lag] / used : 0;
        const struct cycle found = used ? search(&q) : (struct cycle){0};
        if (found.strength > best.strength)
            best = found;
    }
    return best;
}
