/* SPDX-License-Identifier: MIT
 *
 * What `droverd doctor` looks at where tasks run on Slurm.
 */
#ifndef DROVER_SERVER_DOCTOR_SLURM_H
#define DROVER_SERVER_DOCTOR_SLURM_H

#include "server/doctor_say.h"

struct slurm_settings;

/* One check's line: its name and what was found, with what to do where that is not good. */
typedef void doctor_tell_fn(void *ctx, enum doctor_verdict v, const char *name, const char *text);

/* Looks at the token, slurmrestd and slurmctld, versions, clocks, rights, nodes, the shared folder and scontrol, and
 * tells each in a line. Asks the cluster at most five things, each for 20 s at most; changes nothing. */
void doctor_slurm(const struct slurm_settings *site, doctor_tell_fn *tell, void *ctx);

#endif
