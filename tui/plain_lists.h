/* SPDX-License-Identifier: MIT
 *
 * The lists of objects_tables.c as lines: a sentence a row, empty members left out.
 */
#ifndef DROVER_TUI_PLAIN_LISTS_H
#define DROVER_TUI_PLAIN_LISTS_H

struct cells;
struct cJSON;
struct cli;
struct err;
struct listing;

/* The list that a command of line mode names ("users"), or NULL. */
const struct listing *plain_listing(const char *word);
/* All such commands, for the help: "users, groups, ...". */
const char *plain_listings(void);
/* The path for a list and what was typed behind its name: what it is about, or questions ("by:user days:7"). In the
 * arena; NULL with words. */
const char *plain_path(const struct cells *c, const struct listing *l, const char *typed, struct err *e);
/* Says the rows of a reply. */
void plain_rows(struct cli *cli, const struct cells *c, const struct listing *l, const struct cJSON *reply);

#endif
