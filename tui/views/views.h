/* SPDX-License-Identifier: MIT
 *
 * The kinds of views. Their tables are constant.
 */
#ifndef DROVER_TUI_VIEWS_VIEWS_H
#define DROVER_TUI_VIEWS_VIEWS_H

#include "tui/view.h"

/* The list of jobs; argument NULL or "all". */
const struct view_ops *jobs_view(void);
/* One job, "user~name". */
const struct view_ops *detail_view(void);
/* A log: "user~name", or "user~name role index". */
const struct view_ops *log_view(void);
/* The nodes. */
const struct view_ops *nodes_view(void);
/* The keys of the view below. */
const struct view_ops *keyhelp_view(void);

#endif
