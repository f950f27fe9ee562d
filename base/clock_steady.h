/* SPDX-License-Identifier: MIT
 *
 * A wall clock for records: it follows the machine's, but never goes back. After the machine's was set back it runs at
 * half speed until that has caught up.
 */
#ifndef DROVER_BASE_CLOCK_STEADY_H
#define DROVER_BASE_CLOCK_STEADY_H

#include "base/clock.h"

/* Zero-initialise, or begin with a moment that must not be undercut. */
struct clock_steady {
    int64_t wall, mono; /* the last moment given out */
};

/* The next moment of `c`, from both clocks as read. Pure. */
struct clock_now clock_steady_next(struct clock_steady *c, struct clock_now read);

#endif
