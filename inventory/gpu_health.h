/* SPDX-License-Identifier: MIT
 *
 * What can be wrong with a GPU: one closed table, for who judges (metrics/health.h), who acts and who shows it.
 */
#ifndef DROVER_INVENTORY_GPU_HEALTH_H
#define DROVER_INVENTORY_GPU_HEALTH_H

#include <stdbool.h>
#include <stddef.h>

/* The graver one counts where several hold: the later. */
enum gpu_cause {
    GPU_FINE,
    GPU_XID_APP,      /* a program's own fault */
    GPU_THROTTLED,    /* the hardware slows it down: heat, power brake */
    GPU_ROWS_PENDING, /* memory to be replaced at the next reset */
    GPU_XID_POWER,    /* power leads */
    GPU_FOREIGN,      /* a process of no task computes on it */
    GPU_ZOMBIE,       /* a process of a task that has ended does */
    GPU_ECC,          /* memory errors that could not be corrected */
    GPU_ROWS_FAILED,  /* memory that could not be replaced */
    GPU_XID_RESET,    /* an error after which it has to be reset */
    GPU_XID_LINK,     /* of its links to others */
    GPU_XID_RESTART,  /* after which the machine has to be started anew */
    GPU_LOST,         /* fallen off the bus */
    GPU_DRIVER_FAILS,
    GPU_DRIVER_HANGS,
    GPU_CAUSES
};

enum gpu_health_state { GPU_STATE_OK, GPU_STATE_DEGRADED, GPU_STATE_FAILED, GPU_STATE_LOST, GPU_STATE_HUNG };

/* What follows; the stricter one counts where several hold: the later. */
enum gpu_action {
    GPU_ACTION_TELL,       /* it is shown, and who runs on it is told */
    GPU_ACTION_QUARANTINE, /* and it is given to nobody */
    GPU_ACTION_CORDON,     /* and nothing new starts on its machine */
    GPU_ACTIONS
};

struct gpu_cause_info {
    const char *word; /* in configuration, API and rows */
    enum gpu_health_state state;
    enum gpu_action action; /* unless configured */
    bool stays;             /* until the GPU is reset, or an admin says so: that it reads well proves nothing */
    const char *alert;      /* its name; NULL = none */
    const char *text;       /* a sentence */
};

/* What a GPU was found to be. Plain data; zeroed, nothing is wrong. */
struct gpu_mark {
    enum gpu_cause cause; /* the gravest */
    int xid;              /* the driver's code for it; 0 = none */
    enum gpu_action action;
};

/* Of anything that is no cause: as GPU_FINE. Never NULL. */
const struct gpu_cause_info *gpu_cause_info(enum gpu_cause c);
/* The cause of that name, or GPU_CAUSES. */
enum gpu_cause gpu_cause_find(const char *word);
/* Words of states and actions. Never NULL; gpu_action_find gives GPU_ACTIONS for none. */
const char *gpu_health_word(enum gpu_health_state s);
const char *gpu_action_word(enum gpu_action a);
enum gpu_action gpu_action_find(const char *word);
bool gpu_mark_same(const struct gpu_mark *a, const struct gpu_mark *b);
/* The sentence, with the driver's code where there is one. */
void gpu_mark_text(const struct gpu_mark *m, char *out, size_t size);

#endif
