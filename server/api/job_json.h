/* SPDX-License-Identifier: MIT
 *
 * Pieces of a job's JSON that lists and details share: OpenPAI's field names.
 */
#ifndef DROVER_SERVER_API_JOB_JSON_H
#define DROVER_SERVER_API_JOB_JSON_H

#include <stddef.h>

struct exit_entry;
struct job_row;
struct json_out;

/* Hex MD5 of "user~name" into `out`: OpenPAI's debugId. Not a secret, only a name. */
void job_json_debug_id(const char *user, const char *name, char out[33]);
/* The members that the list's items and a detail's jobStatus have in common, "username" to "completedTime". */
void job_json_status(struct json_out *j, const struct job_row *row);
/* Key and the catalogue's entry as an object, or null. */
void job_json_exit_spec(struct json_out *j, const char *key, const struct exit_entry *entry);

#endif
