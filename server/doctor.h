/* SPDX-License-Identifier: MIT
 *
 * `droverd doctor`: looks at a data folder and its surroundings and says what is wrong, before the server does.
 */
#ifndef DROVER_SERVER_DOCTOR_H
#define DROVER_SERVER_DOCTOR_H

#include <stdio.h>

/* Checks configuration (a file, or NULL: the defaults), folder, keys, database, disk, clock, programs and certificate,
 * and where tasks run on Slurm that (server/doctor_slurm.h), a line each to `out`: "ok", "warn" or "FAIL". Changes
 * nothing; the server may run. The number of FAILs. */
int doctor_run(const char *data, const char *config_file, FILE *out);

#endif
