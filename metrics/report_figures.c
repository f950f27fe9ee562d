/* SPDX-License-Identifier: MIT */
/* The table; docs/REPORTS.md says the same at more length. */
#include "metrics/report_figures.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR_MS 3.6e6

static double gpu_ms(const struct report_row *r)
{
    double all = 0;

    for (int o = 0; o < REPORT_OUTCOMES; o++)
        all += (double)r->gpu_ms[o];
    return all;
}

static double percent(double part, double whole)
{
    return whole > 0 ? 100 * part / whole : (double)NAN;
}

static double of_all(const struct report_row *r)
{
    return gpu_ms(r) / HOUR_MS;
}

static double of_succeeded(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_SUCCEEDED] / HOUR_MS;
}

static double of_failed(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_FAILED] / HOUR_MS;
}

static double of_platform(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_PLATFORM] / HOUR_MS;
}

static double of_stopped(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_STOPPED] / HOUR_MS;
}

static double of_preempted(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_PREEMPTED] / HOUR_MS;
}

static double of_running(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_RUNNING] / HOUR_MS;
}

static double of_reserved(const struct report_row *r)
{
    return (double)r->gpu_ms[REPORT_RESERVED] / HOUR_MS;
}

static double of_unused(const struct report_row *r)
{
    return (double)r->unused_ms / HOUR_MS;
}

static double of_wasted(const struct report_row *r)
{
    return of_failed(r) + of_platform(r) + of_preempted(r) + of_unused(r);
}

static double of_sampled(const struct report_row *r)
{
    return r->sampled_ms / HOUR_MS;
}

static double of_busy(const struct report_row *r)
{
    return r->busy_ms / HOUR_MS;
}

static double of_idle(const struct report_row *r)
{
    return r->idle_ms / HOUR_MS;
}

static double of_utilization(const struct report_row *r)
{
    return percent(r->busy_ms, r->sampled_ms);
}

static double of_memory(const struct report_row *r)
{
    return r->memory_ms > 0 ? r->memory_mib_ms / r->memory_ms / 1024 : (double)NAN;
}

static double of_energy(const struct report_row *r)
{
    return r->energy_j / 3.6e6;
}

static double of_goodput(const struct report_row *r)
{
    return percent((double)r->gpu_ms[REPORT_SUCCEEDED], gpu_ms(r) - (double)r->gpu_ms[REPORT_RUNNING]) *
           percent(r->kept_busy_ms, r->kept_sampled_ms) / 100;
}

static double of_jobs(const struct report_row *r)
{
    return (double)r->ended;
}

static double of_success(const struct report_row *r)
{
    return percent((double)r->succeeded, (double)r->ended);
}

static double of_preemptions(const struct report_row *r)
{
    return (double)r->preempted;
}

static double of_wait_p50(const struct report_row *r)
{
    return r->started ? (double)r->wait_p50 / 1000 : (double)NAN;
}

static double of_wait_p95(const struct report_row *r)
{
    return r->started ? (double)r->wait_p95 / 1000 : (double)NAN;
}

static const struct figure {
    struct report_figure_info info;
    double (*of)(const struct report_row *row);
} figures[REPORT_FIGURES] = {
    [REPORT_FIGURE_ALL] = {{"gpuHours", "GPU hours", REPORT_HOURS,
                            "GPUs held x hours, from placement to end, of what lies within the time."},
                           of_all},
    [REPORT_FIGURE_SUCCEEDED] = {{"succeededGpuHours", "Succeeded", REPORT_HOURS,
                                  "GPU hours of job attempts that succeeded, without tasks that were tried again."},
                                 of_succeeded},
    [REPORT_FIGURE_FAILED] = {{"failedGpuHours", "Failed", REPORT_HOURS,
                               "GPU hours of attempts that failed by their own fault, or nobody knows whose."},
                              of_failed},
    [REPORT_FIGURE_PLATFORM] = {{"platformGpuHours", "Lost to the platform", REPORT_HOURS,
                                 "GPU hours of attempts that a node, an engine or a disk of ours ended."},
                                of_platform},
    [REPORT_FIGURE_STOPPED] = {{"stoppedGpuHours", "Stopped", REPORT_HOURS,
                                "GPU hours of attempts that a person stopped, or a rule about GPUs not used."},
                               of_stopped},
    [REPORT_FIGURE_PREEMPTED] = {{"preemptedGpuHours", "Preempted", REPORT_HOURS,
                                  "GPU hours of attempts that made room; what a checkpoint saved is not known."},
                                 of_preempted},
    [REPORT_FIGURE_RUNNING] = {{"runningGpuHours", "Running", REPORT_HOURS,
                                "GPU hours of attempts whose outcome is not decided, until now."},
                               of_running},
    [REPORT_FIGURE_RESERVED] = {{"reservedGpuHours", "Reserved", REPORT_HOURS,
                                 "GPU hours held by debug reservations after the end."},
                                of_reserved},
    [REPORT_FIGURE_UNUSED] = {{"unusedGpuHours", "Reserved, unused", REPORT_HOURS,
                               "Of reserved, the time in which nothing was computed, as far as it was sampled."},
                              of_unused},
    [REPORT_FIGURE_WASTED] = {{"wastedGpuHours", "Wasted", REPORT_HOURS,
                               "failed + lost to the platform + preempted + reserved, unused."},
                              of_wasted},
    [REPORT_FIGURE_SAMPLED] = {{"sampledGpuHours", "Sampled", REPORT_HOURS,
                                "GPU hours (without reserved) of which it is known how busy the GPUs were."},
                               of_sampled},
    [REPORT_FIGURE_BUSY] = {{"busyGpuHours", "Busy", REPORT_HOURS, "Sum of utilisation x time over sampled."}, of_busy},
    [REPORT_FIGURE_IDLE] = {{"idleGpuHours", "Idle", REPORT_HOURS, "Sampled time at utilisation 0."}, of_idle},
    [REPORT_FIGURE_UTILIZATION] = {{"utilization", "Utilisation", REPORT_PERCENT,
                                    "busy / sampled: a mean weighted by time."},
                                   of_utilization},
    [REPORT_FIGURE_MEMORY] = {{"memoryGiB", "GPU memory", REPORT_GIB,
                               "Memory in use of a GPU, a mean weighted by the time of which it is known."},
                              of_memory},
    [REPORT_FIGURE_ENERGY] = {{"energyKWh", "Energy", REPORT_KWH, "Sum of power x time over samples of GPUs held."},
                              of_energy},
    [REPORT_FIGURE_GOODPUT] = {{"goodput", "Goodput", REPORT_PERCENT,
                                "succeeded / (GPU hours - running) x utilisation of what succeeded."},
                               of_goodput},
    [REPORT_FIGURE_JOBS] = {{"jobs", "Jobs", REPORT_COUNT, "Jobs that ended within the time."}, of_jobs},
    [REPORT_FIGURE_SUCCESS] = {{"success", "Success rate", REPORT_PERCENT, "Jobs that succeeded / jobs that ended."},
                               of_success},
    [REPORT_FIGURE_PREEMPTIONS] = {{"preemptions", "Preemptions", REPORT_COUNT,
                                    "Job attempts that ended by making room."},
                                   of_preemptions},
    [REPORT_FIGURE_WAIT_P50] = {{"waitP50", "Wait p50", REPORT_SECONDS,
                                 "From submission to first start, of jobs started within the time; nearest rank."},
                                of_wait_p50},
    [REPORT_FIGURE_WAIT_P95] = {{"waitP95", "Wait p95", REPORT_SECONDS, "The wait that 95 of 100 did not exceed."},
                                of_wait_p95},
};

const struct report_figure_info *report_figure_info(enum report_figure f)
{
    return &figures[f].info;
}

double report_figure(const struct report_row *row, enum report_figure f)
{
    return figures[f].of(row);
}

enum report_figure report_figure_parse(const char *name)
{
    int f = 0;

    while (f < REPORT_FIGURES && strcmp(figures[f].info.name, name) != 0)
        f++;
    return (enum report_figure)f;
}

static void duration_text(double seconds, char out[32])
{
    const long long s = llround(seconds);

    if (s < 60)
        (void)snprintf(out, 32, "%lld s", s);
    else if (s < 3600)
        (void)snprintf(out, 32, "%lld min", (s + 30) / 60);
    else
        (void)snprintf(out, 32, "%lld h %lld min", (s + 30) / 3600, (s + 30) / 60 % 60);
}

void report_figure_text(enum report_figure f, double value, char out[32])
{
    static const struct {
        int digits;
        const char *behind;
    } units[] = {[REPORT_HOURS] = {1, ""},
                 [REPORT_PERCENT] = {1, " %"},
                 [REPORT_COUNT] = {0, ""},
                 [REPORT_GIB] = {1, " GiB"},
                 [REPORT_KWH] = {1, " kWh"}};
    const enum report_unit unit = figures[f].info.unit;

    if (isnan(value))
        (void)snprintf(out, 32, "-");
    else if (unit == REPORT_SECONDS)
        duration_text(value, out);
    else
        (void)snprintf(out, 32, "%.*f%s", units[unit].digits, value, units[unit].behind);
}

/* ---- lists ---- */

struct ranked {
    const struct report_row *row;
    double value;
    size_t before; /* its place among equals */
};

static int by_value(const void *a, const void *b)
{
    const struct ranked *x = a, *y = b;

    if (x->value != y->value)
        return x->value < y->value ? 1 : -1;
    return (x->before > y->before) - (x->before < y->before);
}

const struct report_row **report_ranked(struct report *r, enum report_figure f, size_t top, size_t *count)
{
    size_t n;
    const struct report_row *const *rows = report_rows(r, &n);
    struct ranked *all = calloc(n ? n : 1, sizeof(*all));
    const struct report_row **out;

    *count = top && top < n ? top : n;
    out = *count ? calloc(*count, sizeof(*out)) : NULL;
    if (!all || !out) {
        free(all);
        free(out);
        return NULL;
    }
    for (size_t i = 0; i < n; i++) {
        const double value = report_figure(rows[i], f);

        all[i] = (struct ranked){rows[i], isnan(value) ? -HUGE_VAL : value, i};
    }
    qsort(all, n, sizeof(*all), by_value);
    for (size_t i = 0; i < *count; i++)
        out[i] = all[i].row;
    free(all);
    return out;
}
