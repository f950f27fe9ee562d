/* SPDX-License-Identifier: MIT
 *
 * The admin's commands of the line mode: the cluster in sentences, and what is changed of it.
 */
#ifndef DROVER_TUI_PLAIN_CLUSTER_H
#define DROVER_TUI_PLAIN_CLUSTER_H

#include <stdbool.h>

struct plain;

/* Performs a command; false when it is none of these, or lacks what has to follow it. */
bool plain_cluster(struct plain *p, const char *command, const char *arg);
/* What they are, for the help; ends with ", ". Static. */
const char *plain_cluster_help(void);

#endif
