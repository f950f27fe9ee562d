/* SPDX-License-Identifier: MIT
 *
 * The kinds of views. Their tables are constant.
 */
#ifndef DROVER_TUI_VIEWS_VIEWS_H
#define DROVER_TUI_VIEWS_VIEWS_H

#include "tui/view.h"

/* A word behind ":" and the view that it opens. Constant. */
struct views_row {
    const char *word;
    const char *needs; /* what has to follow: "a name"; NULL: nothing */
    const struct view_ops *(*ops)(void);
};

/* The row of a word, or NULL. */
const struct views_row *views_find(const char *word);
/* All that may stand behind ":", for Tab; NULL-terminated, static. */
const char *const *views_words(void);

/* The list of jobs; argument NULL, "all" or a filter of everybody's. */
const struct view_ops *jobs_view(void);
/* One job, "user~name". */
const struct view_ops *detail_view(void);
/* A log: "user~name", or "user~name role index". */
const struct view_ops *log_view(void);
/* The nodes. */
const struct view_ops *nodes_view(void);
/* What an admin keeps: users (and one from a file, "import FILE"), groups and the members of one, debug reservations,
 * what was used, what is wrong, who did what. */
const struct view_ops *users_view(void);
const struct view_ops *import_view(void);
const struct view_ops *groups_view(void);
const struct view_ops *members_view(void);
const struct view_ops *reservations_view(void);
const struct view_ops *reports_view(void);
const struct view_ops *alerts_view(void);
const struct view_ops *audit_view(void);
/* A form: "user NAME", "group NAME", "silence ..." (form.h). */
const struct view_ops *form_view(void);
/* A thing in full, as YAML: a path of the API, or a title and, on the lines below it, the text. */
const struct view_ops *text_view(void);
/* The cluster at a glance. */
const struct view_ops *overview_view(void);
/* The virtual clusters. */
const struct view_ops *vcs_view(void);
/* Every GPU of every node. */
const struct view_ops *fleet_view(void);
/* The GPUs of a node, by its name. */
const struct view_ops *node_view(void);
/* The keys of the view below. */
const struct view_ops *keyhelp_view(void);

#endif
