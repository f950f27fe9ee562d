/* SPDX-License-Identifier: MIT
 *
 * The batch script of a task attempt. Its first act is to take the latch on the shared folder: a link that names
 * Slurm's job, which the file system makes for one taker only. Who comes second, be it the same job requeued, a
 * submission that was thought lost, or the engine that wants to prove that nothing will start, starts nothing.
 */
#ifndef DROVER_ENGINES_SLURM_SCRIPT_H
#define DROVER_ENGINES_SLURM_SCRIPT_H

#include <stdbool.h>
#include <stdint.h>

struct buf;
struct engine_launch;
struct err;

#define SCRIPT_MAX ((size_t)3 << 20) /* slurmctld's max_script_size is 4 MiB */

/* Exit statuses of the script itself, before the command runs. */
enum {
    SCRIPT_NO_PLACE = 73,  /* it cannot make the folders where the command works */
    SCRIPT_NO_FOLDER = 74, /* the shared folder is not there, or does not let it in */
    SCRIPT_LATCHED = 75,   /* the latch was taken before */
};

/* Where it runs. */
struct script_place {
    const char *attempt; /* task attempt's id */
    const char *folder;  /* of the attempt on the shared file system, as nodes see it; no quotes in it */
    const char *token;   /* of this submission, hex: no two have the same */
};

/* Appends the script. 0, or -1 with the error, as where the command is too long. */
int script_write(struct buf *out, const struct script_place *p, const struct engine_launch *launch, struct err *e);

/* Who holds a latch: "123.TOKEN.UUID" of a job. */
struct script_latch {
    int64_t job_id; /* 0 = the engine: nothing will start */
};

/* Reads what a latch names. 0, or -1 when it is damaged. */
int script_latch_read(const char *text, struct script_latch *out);
/* What the engine writes there. */
#define SCRIPT_LATCH_ENGINE "drover"
/* Reads the file `exit`: a status of 0..255 and a newline. 0 or -1. */
int script_exit_read(const char *text, int *status);

#endif
