/* SPDX-License-Identifier: MIT
 *
 * Which devices the processes of a control group may open: rules, and for groups of version 2, where no file takes
 * them, the small program that the kernel asks instead.
 */
#ifndef DROVER_ENGINES_LOCAL_DEVICES_H
#define DROVER_ENGINES_LOCAL_DEVICES_H

#include <stddef.h>

#define DEVICES_ANY (-1)
#define DEVICES_RULES_MAX 160u /* what every task has, and TASKSPEC_DEVICES_MAX */
#define DEVICES_TEXT_MAX 48u

/* What may be done with devices of that type and number: nothing that no rule allows. */
struct devices_rule {
    char type;          /* 'c' or 'b' */
    int major, minor;   /* DEVICES_ANY: whichever */
    const char *access; /* of "rwm" */
};

/* What every task may open, and the character devices of these paths. How many rules; -1 with errno (ENODEV: a path is
 * none). */
int devices_rules(const char *const *paths, size_t count, struct devices_rule out[DEVICES_RULES_MAX]);
/* A rule as the files of version 1 want it. */
void devices_text(const struct devices_rule *r, char out[DEVICES_TEXT_MAX]);
/* Attaches the rules to the group (version 2) whose folder `dir` is. 0, or -1 with errno: EPERM where we have no right
 * to, ENOSYS where the kernel cannot. */
int devices_attach(int dir, const struct devices_rule *rules, size_t count);

#endif
