/* SPDX-License-Identifier: MIT
 *
 * The rows of the exit catalogue as exits_main.c makes them of exits.yaml, and its text. For exits.c only.
 */
#ifndef DROVER_JOBS_EXITS_TABLE_H
#define DROVER_JOBS_EXITS_TABLE_H

#include "jobs/exits.h"

/* All entries in the file's order, each code once. Static. */
extern const struct exit_entry exits_table[];
extern const size_t exits_table_count;
extern const char exits_table_yaml[];
extern const size_t exits_table_yaml_len;

#endif
