/* SPDX-License-Identifier: MIT
 *
 * Maintenance windows in the world of core_world.h.
 */
#ifndef DROVER_TESTS_SIM_CORE_WINDOWS_H
#define DROVER_TESTS_SIM_CORE_WINDOWS_H

#include "tests/sim/core_world.h"

/* core_windows.c. One is made, changed or removed; a row; the rows go into a core. */
void window_event(struct world *w);
bool window_row(struct world *w, const struct maintenance *m);
bool windows_load(struct world *w);
/* Whether any is not over; whether a job may start on a node now; whether nodes are as they say. */
bool windows_any(const struct world *w);
bool windows_allow(const struct world *w, const struct row_job *r, int node);
bool windows_hold(const struct world *w);

#endif
