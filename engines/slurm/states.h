/* SPDX-License-Identifier: MIT
 *
 * Slurm's words for the state of a job, the reason of its waiting and the flags of a node, in ours. Pure; any thread.
 */
#ifndef DROVER_ENGINES_SLURM_STATES_H
#define DROVER_ENGINES_SLURM_STATES_H

#include <stdbool.h>

/* Where a job is. */
enum states_phase {
    STATES_UNKNOWN, /* a word that we do not know: nothing follows from it */
    STATES_WAITS,
    STATES_RUNS,
    STATES_ENDS,  /* its processes are being ended */
    STATES_ENDED, /* nothing of it is left */
    STATES_COUNT
};

/* What an end means where the task's own exit does not say it. */
enum states_end {
    STATES_END_EXIT,      /* its exit status tells */
    STATES_END_TIMEOUT,   /* Slurm's time limit */
    STATES_END_OOM,       /* beyond its memory */
    STATES_END_NODE,      /* the node failed, or did not start it */
    STATES_END_PREEMPTED, /* by another job of Slurm */
    STATES_END_CANCELLED, /* by us, or by somebody at Slurm */
    STATES_END_COUNT
};

struct states_job {
    const char *word; /* Slurm's, "NODE_FAIL" */
    enum states_phase phase;
    enum states_end end; /* STATES_ENDED only */
};

/* What Slurm's word for a job's state means. Never NULL; of words that we do not know, phase STATES_UNKNOWN. Static. */
const struct states_job *states_find(const char *word);
/* The whole table, NULL-terminated by word. */
const struct states_job *states_all(void);
/* Our code in the exit catalogue; 0 = its exit status tells. */
int states_exit_code(enum states_end end);
/* A sentence for such an end, without a full stop. */
const char *states_end_text(enum states_end end);

/* Why a job waits in Slurm's queue: a sentence without a full stop; NULL where the word is not known. */
const char *states_reason(const char *word);

/* Whether Slurm starts new jobs on a node of this state with such a flag: "idle", "DRAIN". */
bool states_node_up(const char *state);
bool states_flag_up(const char *flag);

#endif
