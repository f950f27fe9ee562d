/* SPDX-License-Identifier: MIT
 *
 * An exit catalogue as read from YAML (exits.yaml says what may be in it), with its expressions compiled. Constant once
 * read.
 */
#ifndef DROVER_JOBS_EXIT_CATALOGUE_H
#define DROVER_JOBS_EXIT_CATALOGUE_H

#include <stdbool.h>
#include <stddef.h>

#include "jobs/exits.h"

struct err;
struct pattern;

#define EXIT_CATALOGUE_BYTES ((size_t)512 << 10)
#define EXIT_CATALOGUE_ENTRIES 1000
#define EXIT_MATCHES 16  /* of an entry */
#define EXIT_STATUSES 16 /* of a match */

enum exit_stream { EXIT_STREAM_ANY, EXIT_STREAM_STDOUT, EXIT_STREAM_STDERR };

/* One way to recognise an end. */
struct exit_match {
    const struct exit_entry *entry;
    int statuses[EXIT_STATUSES]; /* status_count of them; none: any but 0 */
    int status_count;
    struct pattern *log; /* NULL: the status says it all */
    enum exit_stream stream;
    int confidence; /* 1..100 */
    bool echo;      /* it tells of another process's failure: what that one said counts for more */
    int line;       /* in the file */
};

/* Words that take weight from what stands beside them. */
struct exit_doubt {
    struct pattern *log;
    int factor; /* percent */
    int around; /* lines */
};

struct exit_catalogue {
    struct exit_entry *entries;
    size_t entry_count;
    struct exit_match *matches; /* of all entries */
    size_t match_count;
    struct exit_doubt *doubts;
    size_t doubt_count;
};

/* Reads one. Every error names its line. NULL on error. */
struct exit_catalogue *exit_catalogue_parse(const char *text, size_t len, struct err *e);
/* The one that is built in. NULL on out of memory. */
struct exit_catalogue *exit_catalogue_shipped(struct err *e);
/* Frees it. NULL ok. */
void exit_catalogue_destroy(struct exit_catalogue *c);
/* The entry of exactly that code, or NULL. */
const struct exit_entry *exit_catalogue_find(const struct exit_catalogue *c, int code);
/* The entry of a code that nothing else is known of: its own, or the catch-all as exits_find has it. Statuses 1..255
 * are a command's own; only what it matches by status alone is more than UserCommandFailed. Never NULL. */
const struct exit_entry *exit_catalogue_fallback(const struct exit_catalogue *c, int code);

#endif
