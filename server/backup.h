/* SPDX-License-Identifier: MIT
 *
 * Backup and restore of a data folder: the database as one file, and by choice the key file beside it. Logs and
 * sandboxes of tasks (DATA/run) are no part of it.
 */
#ifndef DROVER_SERVER_BACKUP_H
#define DROVER_SERVER_BACKUP_H

#include <stdbool.h>
#include <stdint.h>

struct err;

/* What a restored folder holds. */
struct backup_report {
    int64_t jobs, users, records; /* records: of the audit log */
    bool with_keys;               /* then the audit log's chain was checked, too */
    int64_t ms;                   /* copying and checking */
};

/* Writes DATA's database to `file`, which must not exist, with mode 0600; with `with_keys` also DATA/secret.key to
 * `file`.key. The server may run. 0, or -1 with nothing left behind. */
int backup_make(const char *data, const char *file, bool with_keys, struct err *e);
/* Makes a data folder of a backup: copies, brings the schema up to date, checks integrity, references and, with keys,
 * the audit log. Refuses a folder that holds a database. Without `file`.key a DATA/secret.key that is there stays; with
 * neither it fails. 0, or -1. */
int backup_restore(const char *file, const char *data, struct backup_report *report, struct err *e);
/* The same into a folder of its own beside `file`, which is removed again: a drill. Needs no keys. */
int backup_check(const char *file, struct backup_report *report, struct err *e);

#endif
