/* SPDX-License-Identifier: MIT
 *
 * The table of rights as people read it: docs/RIGHTS.md, which `droverd rights` prints.
 */
#ifndef DROVER_SERVER_API_RIGHTS_H
#define DROVER_SERVER_API_RIGHTS_H

struct buf;
struct err;

/* Writes the whole page: every route of the table with its cell for each role. -1 with `e` for a row that does not say
 * who may. */
int rights_page(struct buf *out, struct err *e);

#endif
