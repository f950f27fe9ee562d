/* SPDX-License-Identifier: MIT
 *
 * The rows of the exit catalogue. For exits.c only; everybody else goes through jobs/exits.h.
 */
#ifndef DROVER_JOBS_EXITS_TABLE_H
#define DROVER_JOBS_EXITS_TABLE_H

#include "jobs/exits.h"

/* All entries, OpenPAI's first, each code once. Static. */
extern const struct exit_entry exits_table[];
extern const size_t exits_table_count;

#endif
