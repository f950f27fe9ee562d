/* SPDX-License-Identifier: MIT
 *
 * What listings share with verbs that ask for the same in another shape.
 */
#ifndef DROVER_TUI_VERBS_OBJECTS_H
#define DROVER_TUI_VERBS_OBJECTS_H

struct cli;
struct err;

/* The path and query that the verb's listing asks for, in the arena, with what its options say. NULL with `e`:
 * ERR_INVALID_PARAMETERS is a usage error. */
const char *objects_path(struct cli *cli, struct err *e);

#endif
