/* SPDX-License-Identifier: MIT
 *
 * What each option of sbatch means: for sbatch.c alone.
 */
#ifndef DROVER_TUI_SBATCH_VALUES_H
#define DROVER_TUI_SBATCH_VALUES_H

#include <stdbool.h>

struct err;
struct sbatch;

/* Takes one option into `s`. 0, or -1 with a sentence that names it: also where it is not yet supported, and where
 * nothing here knows it (then it is of the command line alone). */
int sbatch_values_set(struct sbatch *s, const char *name, const char *value, int line, struct err *e);
/* Whether an option of this name can stand in a script; also those that are refused. */
bool sbatch_values_known(const char *name);

#endif
