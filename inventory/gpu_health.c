/* SPDX-License-Identifier: MIT */
/* docs/HEALTH.md shows this table. */
#include "inventory/gpu_health.h"

#include <stdio.h>
#include <string.h>

static const struct gpu_cause_info causes[GPU_CAUSES] = {
    [GPU_FINE] = {"fine", GPU_STATE_OK, GPU_ACTION_TELL, false, NULL, ""},
    [GPU_XID_APP] = {"xidApp", GPU_STATE_OK, GPU_ACTION_TELL, false, NULL, "A program on it made an error."},
    [GPU_THROTTLED] = {"throttled", GPU_STATE_DEGRADED, GPU_ACTION_TELL, false, "GpuThrottled",
                       "The hardware slows it down: heat, or a lack of power."},
    [GPU_ROWS_PENDING] = {"rowsPending", GPU_STATE_DEGRADED, GPU_ACTION_TELL, false, "GpuMemoryToReplace",
                          "Faulty memory will be replaced when it is reset."},
    [GPU_XID_POWER] = {"xidPower", GPU_STATE_DEGRADED, GPU_ACTION_TELL, true, "GpuPower",
                       "Its power leads are to be checked."},
    [GPU_FOREIGN] = {"foreign", GPU_STATE_DEGRADED, GPU_ACTION_QUARANTINE, false, "GpuForeignProcess",
                     "A process that belongs to no task uses it."},
    [GPU_ZOMBIE] = {"zombie", GPU_STATE_DEGRADED, GPU_ACTION_QUARANTINE, false, "GpuZombieProcess",
                    "A process of a task that has ended uses it."},
    [GPU_ECC] = {"ecc", GPU_STATE_FAILED, GPU_ACTION_QUARANTINE, true, "GpuMemoryErrors",
                 "Memory errors could not be corrected."},
    [GPU_ROWS_FAILED] = {"rowsFailed", GPU_STATE_FAILED, GPU_ACTION_QUARANTINE, true, "GpuMemoryNotReplaced",
                         "Faulty memory could not be replaced."},
    [GPU_XID_RESET] = {"xidReset", GPU_STATE_FAILED, GPU_ACTION_QUARANTINE, true, "GpuNeedsReset",
                       "It has to be reset."},
    [GPU_XID_LINK] = {"xidLink", GPU_STATE_FAILED, GPU_ACTION_QUARANTINE, true, "GpuLinkFailed",
                      "Its links to other GPUs failed."},
    [GPU_XID_RESTART] = {"xidRestart", GPU_STATE_FAILED, GPU_ACTION_CORDON, true, "NodeNeedsRestart",
                         "The machine has to be started anew."},
    [GPU_LOST] = {"lost", GPU_STATE_LOST, GPU_ACTION_QUARANTINE, false, "GpuLost", "It has fallen off the bus."},
    [GPU_DRIVER_FAILS] = {"driverFails", GPU_STATE_FAILED, GPU_ACTION_QUARANTINE, false, "GpuDriverFails",
                          "The GPUs' driver fails."},
    [GPU_DRIVER_HANGS] = {"driverHangs", GPU_STATE_HUNG, GPU_ACTION_QUARANTINE, false, "GpuDriverHangs",
                          "The GPUs' driver does not answer."},
};

static const char *const states[] = {[GPU_STATE_OK] = "ok",
                                     [GPU_STATE_DEGRADED] = "degraded",
                                     [GPU_STATE_FAILED] = "failed",
                                     [GPU_STATE_LOST] = "lost",
                                     [GPU_STATE_HUNG] = "hung"};

static const char *const actions[GPU_ACTIONS] = {
    [GPU_ACTION_TELL] = "tell", [GPU_ACTION_QUARANTINE] = "quarantine", [GPU_ACTION_CORDON] = "cordon"};

const struct gpu_cause_info *gpu_cause_info(enum gpu_cause c)
{
    return &causes[(unsigned)c < GPU_CAUSES ? c : GPU_FINE];
}

enum gpu_cause gpu_cause_find(const char *word)
{
    unsigned c = 0;

    while (c < GPU_CAUSES && strcmp(causes[c].word, word) != 0)
        c++;
    return (enum gpu_cause)c;
}

const char *gpu_health_word(enum gpu_health_state s)
{
    return states[s];
}

const char *gpu_action_word(enum gpu_action a)
{
    return actions[a];
}

enum gpu_action gpu_action_find(const char *word)
{
    unsigned a = 0;

    while (a < GPU_ACTIONS && strcmp(actions[a], word) != 0)
        a++;
    return (enum gpu_action)a;
}

bool gpu_mark_same(const struct gpu_mark *a, const struct gpu_mark *b)
{
    return a->cause == b->cause && a->xid == b->xid && a->action == b->action;
}

void gpu_mark_text(const struct gpu_mark *m, char *out, size_t size)
{
    const char *text = gpu_cause_info(m->cause)->text;

    if (m->xid)
        (void)snprintf(out, size, "%s (Xid %d)", text, m->xid);
    else
        (void)snprintf(out, size, "%s", text);
}
