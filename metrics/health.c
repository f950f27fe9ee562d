/* SPDX-License-Identifier: MIT
 *
 * The life of a cause:
 *
 *                shown                      a good sample, `check` times
 *   not held ──────────► held (left = check) ─────────────────────────────► not held
 *                              │ stays: not counted before a reset ▲
 *                              └───────────────────────────────────┘
 *
 * Codes are those of NVIDIA's catalogue of Xid errors, by the action that it names.
 */
#include "metrics/health.h"

#include <stddef.h>
#include <string.h>

#include "metrics/source.h"

enum { CHECK = 12 };

/* The driver's bits for clocks that the hardware lowers: slow-down, heat, power brake. */
#define THROTTLE_HARDWARE 0xc8

static const struct {
    short first, last;
    enum gpu_cause cause;
} xids[] = {
    {8, 8, GPU_XID_APP},       {11, 11, GPU_XID_APP},     {13, 13, GPU_XID_APP},     {25, 25, GPU_XID_APP},
    {31, 32, GPU_XID_APP},     {39, 41, GPU_XID_APP},     {46, 46, GPU_XID_RESET},   {48, 48, GPU_XID_RESET},
    {54, 54, GPU_XID_POWER},   {60, 60, GPU_XID_APP},     {62, 62, GPU_XID_RESET},   {63, 63, GPU_ROWS_PENDING},
    {64, 64, GPU_ROWS_FAILED}, {68, 72, GPU_XID_APP},     {74, 74, GPU_XID_LINK},    {75, 77, GPU_XID_APP},
    {79, 79, GPU_XID_RESTART}, {80, 80, GPU_XID_APP},     {82, 86, GPU_XID_APP},     {88, 89, GPU_XID_APP},
    {94, 94, GPU_XID_APP},     {95, 95, GPU_XID_RESET},   {109, 110, GPU_XID_RESET}, {119, 120, GPU_XID_RESET},
    {136, 136, GPU_XID_RESET}, {140, 140, GPU_XID_RESET}, {143, 143, GPU_XID_RESET}, {144, 150, GPU_XID_LINK},
    {155, 156, GPU_XID_RESET}, {158, 158, GPU_XID_RESET},
};

void health_rules_default(struct health_rules *r)
{
    *r = (struct health_rules){.check = CHECK};
    for (int c = 0; c < GPU_CAUSES; c++)
        r->of[c] = gpu_cause_info((enum gpu_cause)c)->action;
}

enum gpu_cause health_xid(int64_t code)
{
    for (size_t i = 0; i < sizeof xids / sizeof *xids; i++)
        if (code >= xids[i].first && code <= xids[i].last)
            return xids[i].cause;
    return GPU_FINE;
}

static void hold(struct health *h, const struct health_rules *r, enum gpu_cause c, int xid)
{
    if (c == GPU_FINE)
        return;
    h->left[c] = r->check + 1; /* the sample that shows it is no good one */
    if (xid)
        h->xid[c] = xid;
    if (gpu_cause_info(c)->stays)
        h->waits |= UINT32_C(1) << c;
}

/* Counters since the driver was loaded have begun anew, or it is back on the bus: it was reset. What it had in the
 * first look is old: it would be told again after each restart. */
static void look_counters(struct health *h, const struct health_rules *r, const struct source_sample *s)
{
    const int64_t ecc = source_has(s, SOURCE_ECC_UNCORRECTED) ? s->value[SOURCE_ECC_UNCORRECTED] : h->ecc;
    const int64_t energy = source_has(s, SOURCE_ENERGY) ? s->value[SOURCE_ENERGY] : h->energy;

    if (h->lost || ecc < h->ecc || energy < h->energy)
        h->waits = 0;
    if (h->counted && ecc > h->ecc)
        hold(h, r, GPU_ECC, 0);
    h->lost = false;
    h->ecc = ecc;
    h->energy = energy;
    h->counted |= source_has(s, SOURCE_ECC_UNCORRECTED);
}

static void look_memory(struct health *h, const struct health_rules *r, const struct source_sample *s)
{
    if (source_has(s, SOURCE_ROWS_PENDING) && s->value[SOURCE_ROWS_PENDING])
        hold(h, r, GPU_ROWS_PENDING, 0);
    if (source_has(s, SOURCE_ROWS_FAILED) && s->value[SOURCE_ROWS_FAILED])
        hold(h, r, GPU_ROWS_FAILED, 0);
}

static void look_throttle(struct health *h, const struct health_rules *r, const struct source_sample *s)
{
    const bool now = source_has(s, SOURCE_THROTTLE) && (s->value[SOURCE_THROTTLE] & THROTTLE_HARDWARE);

    if (now && h->throttled)
        hold(h, r, GPU_THROTTLED, 0);
    h->throttled = now;
}

/* All that are new; of a flood, the newest. */
static void look_xids(struct health *h, const struct health_rules *r, const struct source_reading *reading)
{
    if (h->xid_count < reading->xid_count - SOURCE_XIDS_MAX)
        h->xid_count = reading->xid_count - SOURCE_XIDS_MAX;
    for (; h->xid_count < reading->xid_count; h->xid_count++) {
        const int code = reading->xids[h->xid_count % SOURCE_XIDS_MAX];
        hold(h, r, health_xid(code), code);
    }
}

static void look_reading(struct health *h, const struct health_rules *r, const struct source_reading *reading)
{
    const struct source_sample *s = &reading->sample;

    if (!s->lost)
        look_counters(h, r, s);
    look_xids(h, r, reading);
    if (s->lost) {
        h->lost = true;
        hold(h, r, GPU_LOST, 0);
        return;
    }
    look_memory(h, r, s);
    look_throttle(h, r, s);
}

void health_look(struct health *h, const struct health_rules *r, const struct health_seen *seen)
{
    if (seen->answer == HEALTH_HANGS)
        hold(h, r, GPU_DRIVER_HANGS, 0);
    else if (seen->answer == HEALTH_FAILS)
        hold(h, r, GPU_DRIVER_FAILS, 0);
    else
        look_reading(h, r, seen->reading);
    if (seen->foreign)
        hold(h, r, GPU_FOREIGN, 0);
    if (seen->zombies)
        hold(h, r, GPU_ZOMBIE, 0);
    const bool good = seen->answer == HEALTH_READ && !seen->reading->sample.lost;
    for (int c = 0; c < GPU_CAUSES; c++) {
        const bool shown = h->left[c] > r->check;
        if (h->left[c] && (shown || (good && !(h->waits >> c & 1))))
            h->left[c]--;
    }
}

void health_resume(struct health *h, const struct health_rules *r, const struct gpu_mark *m, bool reset)
{
    hold(h, r, m->cause, m->xid);
    if (m->cause)
        h->left[m->cause] = r->check;
    if (reset)
        h->waits = 0;
}

void health_forgive(struct health *h)
{
    memset(h->left, 0, sizeof h->left);
    h->waits = 0;
}

struct gpu_mark health_mark(const struct health *h, const struct health_rules *r)
{
    struct gpu_mark m = {.cause = GPU_FINE};

    for (int c = GPU_FINE + 1; c < GPU_CAUSES; c++) {
        if (!h->left[c])
            continue;
        m.cause = (enum gpu_cause)c;
        m.xid = h->xid[c];
        if (r->of[c] > m.action)
            m.action = r->of[c];
    }
    return m;
}
