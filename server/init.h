/* SPDX-License-Identifier: MIT
 *
 * `droverd init`: a new data folder with its key, its database and the first admin.
 */
#ifndef DROVER_SERVER_INIT_H
#define DROVER_SERVER_INIT_H

struct err;

struct init_options {
    const char *data;          /* folder to make; may exist when it is empty of a database */
    const char *admin;         /* name of the first admin */
    const char *password_file; /* its first line is the password; mode 0600 */
};

/* Makes everything or nothing that a second try could trip over. 0 or -1. */
int init_run(const struct init_options *o, struct err *e);

#endif
