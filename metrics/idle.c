/* SPDX-License-Identifier: MIT
 *
 * The life of a rule over a job:
 *
 *   not on ──► on, held grows ──► warned ──► warned again ──► acted
 *      ▲            │                │             │            │
 *      └────────────┴── used again ──┴─────────────┴────────────┘
 */
#include "metrics/idle.h"

#include <string.h>

#include "metrics/source.h"

enum { FULL = 100, HELD_MAX_S = 10 * IDLE_SECONDS_MAX };

/* ---- a sample ---- */

static bool tells(const struct idle_rule *r, const struct source_sample *s)
{
    if (s->lost || !source_has(s, SOURCE_BUSY))
        return false;
    if (r->memory && !(source_has(s, SOURCE_MEMORY_USED) && source_has(s, SOURCE_MEMORY_TOTAL)))
        return false;
    return !r->no_processes || source_has(s, SOURCE_PROCESSES);
}

/* Whether it is used by what it holds, whatever it computes. */
static bool is_excused(const struct idle_rule *r, const struct source_sample *s)
{
    if (r->no_processes && s->value[SOURCE_PROCESSES] > 0)
        return true;
    return r->memory &&
           (s->value[SOURCE_MEMORY_USED] >> 10) * FULL >= (s->value[SOURCE_MEMORY_TOTAL] >> 10) * r->memory;
}

/* ---- a window ---- */

static int64_t window_ms(const struct idle_rule *r)
{
    return (int64_t)r->window_s * 1000;
}

/* Two parts fewer than there is room for: the last is not full, the first reaches out of the window. */
static int64_t part_ms(const struct idle_rule *r)
{
    return (window_ms(r) + IDLE_PARTS - 3) / (IDLE_PARTS - 2);
}

static void drop_first(struct idle_gpu *g)
{
    g->ms -= g->part[g->first].ms;
    g->percent_ms -= (int64_t)g->part[g->first].percent_ms;
    g->first = (g->first + 1) % IDLE_PARTS;
    g->count--;
}

static void add_to_window(struct idle_gpu *g, const struct idle_rule *r, int64_t percent, int64_t ms)
{
    struct idle_part *p = &g->part[(g->first + g->count + IDLE_PARTS - 1) % IDLE_PARTS];

    if (!g->count || p->ms >= part_ms(r)) {
        p = &g->part[(g->first + g->count) % IDLE_PARTS];
        *p = (struct idle_part){0};
        g->count++;
    }
    p->ms += (uint32_t)ms;
    p->percent_ms += (uint64_t)(percent * ms);
    g->ms += ms;
    g->percent_ms += percent * ms;
    while (g->count > 1 && (g->count == IDLE_PARTS || g->ms - g->part[g->first].ms >= window_ms(r)))
        drop_first(g);
}

static bool is_low(const struct idle_gpu *g, const struct idle_rule *r)
{
    return g->ms >= window_ms(r) && g->percent_ms < g->ms * r->utilization;
}

/* ---- a GPU ---- */

static void hold(struct idle_state *s, bool on, int64_t ms)
{
    s->held_ms = on ? s->held_ms + ms : 0;
    s->on = on;
}

void idle_gpu_add(struct idle_gpu *g, const struct idle_rule *r, const struct source_sample *s, int64_t ms)
{
    if (ms <= 0 || ms > UINT16_MAX * INT64_C(1000) || !tells(r, s))
        return;
    const int64_t busy = is_excused(r, s) ? FULL : s->value[SOURCE_BUSY];

    if (r->kind == IDLE_LOW_MEAN) {
        add_to_window(g, r, busy < 0 ? 0 : busy > FULL ? FULL : busy, ms);
        const bool low = is_low(g, r);
        hold(&g->state, low, g->state.on ? ms : 0); /* it is low since this sample, not since before it */
        return;
    }
    g->used = g->used || busy > r->utilization;
    hold(&g->state, busy <= r->utilization && !(r->kind == IDLE_ZERO_FROM_START && g->used), ms);
}

void idle_fold(struct idle_state *all, const struct idle_rule *r, struct idle_state gpu, int n)
{
    if (!n)
        *all = gpu;
    else if (r->any ? gpu.on && (!all->on || gpu.held_ms > all->held_ms)
                    : all->on && (!gpu.on || gpu.held_ms < all->held_ms))
        *all = gpu;
}

/* ---- a job ---- */

static int64_t next_ms(const struct idle_told *t, const struct idle_rule *r)
{
    return 1000 * (int64_t)(t->warned < r->warn_count ? r->warn_s[t->warned] : r->after_s);
}

enum idle_change idle_look(struct idle_told *t, const struct idle_rule *r, struct idle_state now)
{
    if (!now.on) {
        const bool told = t->warned || t->acted;

        *t = (struct idle_told){0};
        return told ? IDLE_USED : IDLE_SAME;
    }
    if (t->acted || now.held_ms < next_ms(t, r))
        return IDLE_SAME;
    if (t->warned < r->warn_count) {
        t->warned++;
        return IDLE_WARN;
    }
    t->acted = true;
    return IDLE_ACT;
}

int64_t idle_left_ms(const struct idle_told *t, const struct idle_rule *r, struct idle_state now)
{
    const int64_t left = next_ms(t, r) - now.held_ms;

    return t->acted ? -1 : left > 0 ? left : 0;
}

/* ---- storing ---- */

uint64_t idle_rule_print(const struct idle_rule *r)
{
    const int of[] = {(int)r->kind, (int)r->of, r->any, r->no_processes, r->utilization, r->memory, r->window_s};
    uint64_t h = UINT64_C(14695981039346656037); /* FNV-1a */

    for (size_t i = 0; i < sizeof of / sizeof *of; i++)
        for (int shift = 0; shift < 32; shift += 8)
            h = (h ^ ((uint32_t)of[i] >> shift & 0xff)) * UINT64_C(1099511628211);
    return h;
}

static unsigned char *put(unsigned char *at, uint64_t v, int bytes)
{
    for (int i = 0; i < bytes; i++)
        at[i] = (unsigned char)(v >> (i * 8));
    return at + bytes;
}

static uint64_t get(const unsigned char **at, int bytes)
{
    uint64_t v = 0;

    for (int i = bytes - 1; i >= 0; i--)
        v = v << 8 | (*at)[i];
    *at += bytes;
    return v;
}

size_t idle_gpu_encode(const struct idle_gpu *g, const struct idle_rule *r, unsigned char out[IDLE_GPU_BLOB])
{
    unsigned char *at = put(out, idle_rule_print(r), 8);

    at = put(at, (uint64_t)g->state.held_ms, 8);
    at = put(at, (uint64_t)(g->state.on | g->used << 1), 1);
    at = put(at, (uint64_t)g->count, 1);
    for (int i = 0; i < g->count; i++) {
        const struct idle_part *p = &g->part[(g->first + i) % IDLE_PARTS];

        at = put(at, p->ms, 4);
        at = put(at, p->percent_ms, 8);
    }
    return (size_t)(at - out);
}

static int read_parts(struct idle_gpu *g, const unsigned char *at)
{
    for (int i = 0; i < g->count; i++) {
        struct idle_part *p = &g->part[i];

        p->ms = (uint32_t)get(&at, 4);
        p->percent_ms = get(&at, 8);
        if (p->percent_ms > (uint64_t)p->ms * FULL)
            return -1;
        g->ms += p->ms;
        g->percent_ms += (int64_t)p->percent_ms;
    }
    return 0;
}

int idle_gpu_decode(struct idle_gpu *g, const struct idle_rule *r, const void *blob, size_t len)
{
    const unsigned char *at = blob;

    *g = (struct idle_gpu){0};
    if (!blob || len < 18 || get(&at, 8) != idle_rule_print(r))
        return -1;
    const uint64_t held = get(&at, 8), flags = get(&at, 1), count = get(&at, 1);
    if (held > HELD_MAX_S * UINT64_C(1000) || flags > 3 || count >= IDLE_PARTS || len != 18 + count * 12)
        return -1;
    g->state = (struct idle_state){.on = flags & 1, .held_ms = (int64_t)held};
    g->used = flags & 2;
    g->count = (int)count;
    if (!read_parts(g, at))
        return 0;
    *g = (struct idle_gpu){0};
    return -1;
}
