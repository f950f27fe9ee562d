/* SPDX-License-Identifier: MIT
 *
 * Pieces of a job's JSON that lists and details share: OpenPAI's field names.
 */
#ifndef DROVER_SERVER_API_JOB_JSON_H
#define DROVER_SERVER_API_JOB_JSON_H

#include <stdbool.h>
#include <stddef.h>

struct job_row;
struct json_out;

/* Hex MD5 of "user~name" into `out`: OpenPAI's debugId. Not a secret, only a name. */
void job_json_debug_id(const char *user, const char *name, char out[33]);
/* The members that the list's items and a detail's jobStatus have in common, "username" to "completedTime". */
void job_json_status(struct json_out *j, const struct job_row *row);

/* An end as its row has it. */
struct job_json_end {
    bool ended;
    int code;
    const char *detail; /* the task attempt's column, with its diagnosis; NULL = the code says it all */
};

/* How the members are called. */
struct job_json_exit_keys {
    const char *spec, *diagnosis; /* NULL both: neither is written */
    const char *type;             /* NULL = none */
};

/* Why it ended so: OpenPAI's exit spec, what else was found out (category, confidence, proof, next), and OpenPAI's type
 * alone; nulls while it goes on. */
void job_json_exit(struct json_out *j, const struct job_json_exit_keys *keys, const struct job_json_end *end);

#endif
