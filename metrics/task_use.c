/* SPDX-License-Identifier: MIT */
/* A curve of a task is one of a GPU's kind: percent, here of the cores that it asked for, and bytes. What it takes
 * beyond its share is 100 there; cores_max_milli has all of it. */
#include "metrics/task_use.h"

#include "metrics/source.h"

static void add_point(struct curve *c, const struct task_use_look *look, int64_t percent, int64_t ms, bool memory)
{
    struct source_sample s = {.wall_ms = look->wall_ms};

    source_set(&s, SOURCE_BUSY, percent > 100 ? 100 : percent);
    if (memory)
        source_set(&s, SOURCE_MEMORY_USED, look->memory);
    curve_add(c, &s, ms);
}

void task_use_skip(struct task_use *u)
{
    u->last_cpu_ms = u->last_received = u->last_sent = -1;
}

/* One way of the traffic: a count that only grows, -1 where it is not known. */
struct way {
    int64_t now, *last, *sum;
    struct curve *curve;
};

static void add_traffic(const struct way *w, int64_t wall_ms, int64_t ms)
{
    const int64_t before = *w->last;

    *w->last = w->now;
    if (w->now < 0)
        return;
    if (*w->sum < 0)
        *w->sum = 0;
    if (before < 0 || ms <= 0 || w->now < before)
        return;
    struct source_sample s = {.wall_ms = wall_ms};
    *w->sum += w->now - before;
    source_set(&s, SOURCE_MEMORY_USED, (int64_t)((double)(w->now - before) * 1000 / (double)ms));
    curve_add(w->curve, &s, ms);
}

void task_use_add(struct task_use *u, const struct task_use_look *look, int64_t ms, struct curve *curves)
{
    const int64_t before = u->last_cpu_ms;

    if (!u->began_ms)
        u->began_ms = look->wall_ms;
    u->ended_ms = look->wall_ms;
    u->last_cpu_ms = look->cpu_ms;
    if (look->read_bytes > u->read_bytes)
        u->read_bytes = look->read_bytes;
    if (look->written_bytes > u->written_bytes)
        u->written_bytes = look->written_bytes;
    if (look->memory > u->memory_max)
        u->memory_max = look->memory;
    const struct way in = {look->received_bytes, &u->last_received, &u->received_bytes, &curves[TASK_USE_RECEIVED]};
    const struct way out = {look->sent_bytes, &u->last_sent, &u->sent_bytes, &curves[TASK_USE_SENT]};
    add_traffic(&in, look->wall_ms, ms);
    add_traffic(&out, look->wall_ms, ms);
    if (before < 0 || ms <= 0)
        return;
    /* less than before: a process ended whose parent did not wait for it */
    const int64_t most = ms * look->machine_cores, more = look->cpu_ms > before ? look->cpu_ms - before : 0;
    const int64_t used = more < most ? more : most, milli = used * 1000 / ms;

    u->sampled_ms += ms;
    u->cpu_ms += used;
    u->memory_mib_ms += (look->memory >> 20) * ms;
    u->wait_ms += look->waits ? ms : 0;
    if (milli > u->cores_max_milli)
        u->cores_max_milli = milli;
    add_point(&curves[TASK_USE_CORES], look, u->cores > 0 ? milli / 10 / u->cores : 0, ms, true);
    add_point(&curves[TASK_USE_WAITS], look, look->waits ? 100 : 0, ms, false);
}

double task_use_cores(const struct task_use *u)
{
    return u->sampled_ms ? (double)u->cpu_ms / (double)u->sampled_ms : 0;
}

int64_t task_use_memory(const struct task_use *u)
{
    return u->sampled_ms ? u->memory_mib_ms / u->sampled_ms * (1 << 20) : 0;
}
