/* SPDX-License-Identifier: MIT
 *
 * Sending a job: for submit, and for the verbs that make one of something else.
 */
#ifndef DROVER_TUI_VERBS_SUBMIT_H
#define DROVER_TUI_VERBS_SUBMIT_H

#define SUBMIT_MAX (1 << 20) /* bytes of a job's file */

struct buf;
struct cli;
struct err;

/* Appends a file, or standard input for "-". 0 or -1. */
int submit_read(const char *file, struct buf *out, struct err *e);
/* POSTs the document, prints the reply with -o json, and gives the job's full name, in the arena; NULL with `e`. */
const char *submit_post(struct cli *cli, const struct buf *text, struct err *e);

#endif
