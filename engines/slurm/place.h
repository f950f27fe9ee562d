/* SPDX-License-Identifier: MIT
 *
 * The folder of a task attempt on the shared file system, and its mirror in DATA/run, where logs are read, packed,
 * searched and kept as those of any engine.
 *
 *   FOLDER/attempts/<attempt>/        0711, droverd's; nobody else can list it
 *     job                             Slurm's id of the last submission, for a restart
 *     <key>/                          the job's user writes here, whoever does not know the key finds nothing
 *       latch, script, work, tmp, stdout, stderr, exit
 *
 * The key comes from the attempt's nonce, which stands in no job of Slurm that others see. A server that is root gives
 * the folder to the job's user (0700); one that is not, or whose root is nobody on that file system, opens it to all
 * who know the key (sticky). Bytes of foreign files: links, devices and others' files are not read.
 */
#ifndef DROVER_ENGINES_SLURM_PLACE_H
#define DROVER_ENGINES_SLURM_PLACE_H

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "engines/slurm/script.h"

struct err;
struct passwd;
struct record;

/* Where attempts are. Plain data; the descriptors are the engine's. */
struct places {
    const char *folder; /* FOLDER */
    int attempts;       /* FOLDER/attempts */
    int run;            /* DATA/run */
    int64_t log_max;    /* bytes of each log; 0 = no limit */
};

/* One of them. */
struct place {
    const char *attempt, *nonce;
};

enum place_latch { PLACE_NONE, PLACE_ENGINE, PLACE_JOB, PLACE_FAILED };

/* FOLDER/attempts and DATA/run, made where they are not there. 0 or -1. */
int places_open(struct places *p, const char *folder, const char *data, struct err *e);
void places_close(struct places *p);

/* The path of the folder that the script works in, as nodes see it. */
void place_path(const struct places *p, const struct place *at, char out[PATH_MAX]);
/* Makes it for a job of this Unix user. An existing one is no error. 0 or -1. */
int place_make(const struct places *p, const struct place *at, uid_t uid, gid_t gid, struct err *e);
/* Makes FOLDER/checkpoints/USER/NAME, the last for this Unix user, and writes its path. 0 or -1. */
int place_checkpoint(const struct places *p, const char *const names[2], const struct passwd *user, char out[PATH_MAX],
                     struct err *e);
/* Notes Slurm's id; reads it, 0 = none is there. */
int place_note_job(const struct places *p, const struct place *at, int64_t job_id);
int64_t place_job(const struct places *p, const struct place *at);
/* Who holds the latch (of PLACE_JOB: which job). PLACE_FAILED when the file system does not tell now. */
enum place_latch place_look(const struct places *p, const struct place *at, int64_t *job_id);
/* Takes it for the engine; what it is afterwards. */
enum place_latch place_take(const struct places *p, const struct place *at, int64_t *job_id);
/* The status that the script noted. 0, -1 when there is none (yet). */
int place_exit(const struct places *p, const struct place *at, int *status);

/* Begins the mirror: its folder and the record `shim`. 0 or -1. */
int place_mirror(const struct places *p, const struct record *r);
/* Copies what the logs grew by, at most 1 MiB of each. 1 = there may be more, 0, or -1. */
int place_pull(const struct places *p, const struct place *at);
/* Ends the mirror: the record `exit`. 0 or -1. */
int place_end(const struct places *p, const struct record *r);

#endif
