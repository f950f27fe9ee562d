/* SPDX-License-Identifier: MIT
 *
 * The options of drover-sim, once: what getopt reads, --help and the manual page are made of this table.
 */
#ifndef DROVER_SIM_MANUAL_H
#define DROVER_SIM_MANUAL_H

#include <stddef.h>
#include <stdio.h>

/* Words first, then those whose value is a number. */
enum manual_id {
    MANUAL_HELP = 256,
    MANUAL_MAN,
    MANUAL_TRACE,
    MANUAL_CLUSTER,
    MANUAL_POLICY,
    MANUAL_CLASSES,
    MANUAL_FORMAT,
    MANUAL_SCENARIOS,
    MANUAL_NUMBERS,
    MANUAL_GPUS = MANUAL_NUMBERS,
    MANUAL_CHECKPOINT,
    MANUAL_GRACE,
    MANUAL_AGE,
    MANUAL_SEED,
    MANUAL_GENERATE,
    MANUAL_LOAD,
    MANUAL_VCS,
    MANUAL_USERS,
    MANUAL_OPPO,
};

struct manual_option {
    enum manual_id id;
    const char *name, *arg; /* arg NULL: takes no value */
    const char *group;      /* set at the first of a group: its heading */
    const char *help;
};

/* All of them. */
const struct manual_option *manual_options(size_t *count);
/* `drover-sim --help`. */
void manual_help(FILE *f);
/* `drover-sim --man`: the manual page drover-sim(1) in mdoc. */
void manual_page(FILE *f);

#endif
