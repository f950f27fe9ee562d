/* SPDX-License-Identifier: MIT
 *
 * What a person types as a quota, as the API takes it: "a100=16, v100=2 nodes". Names of SKUs are the server's to
 * judge. Pure.
 */
#ifndef DROVER_TUI_QUOTA_H
#define DROVER_TUI_QUOTA_H

struct err;
struct json_out;

/* Writes a guarantee as a list; "" is an empty one. 0, or -1 with ERR_INVALID_PARAMETERS (the output is then of no
 * use). */
int quota_write(const char *text, struct json_out *j, struct err *e);
/* Writes a member that is a number of GPUs. 0 or -1 as above. */
int quota_number(struct json_out *j, const char *key, const char *text, struct err *e);

#endif
