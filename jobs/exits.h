/* SPDX-License-Identifier: MIT
 *
 * The exit catalogue: OpenPAI's 62 codes with our own words and three of ours (1, 126, 127), one table.
 */
#ifndef DROVER_JOBS_EXITS_H
#define DROVER_JOBS_EXITS_H

#include <stddef.h>

enum exit_type {
    EXIT_TYPE_SUCCESS,
    EXIT_TYPE_STOP,
    EXIT_TYPE_USER,
    EXIT_TYPE_PLATFORM,
    EXIT_TYPE_RESOURCE,
    EXIT_TYPE_UNKNOWN
};
enum exit_reaction { EXIT_NEVER_RETRY, EXIT_ALWAYS_RETRY, EXIT_BACKOFF_RETRY, EXIT_RETRY_TO_MAX };

/* One entry. All strings static. */
struct exit_entry {
    int code;
    const char *phrase; /* unique, "ContainerOOMKilled"-like */
    enum exit_type type;
    enum exit_reaction reaction;
    const char *issuer; /* wire words of OpenPAI */
    const char *causer;
    const char *stage;
    const char *behavior;
    const char *reason;      /* one sentence for people, or NULL */
    const char *solution[3]; /* sentences, NULL-terminated when fewer */
};

/* The codes that the core itself gives. */
enum {
    EXIT_CODE_STOPPED = -210,           /* a user stopped the job */
    EXIT_CODE_ATTEMPT_COMPLETED = -220, /* stopped because the job's outcome was decided */
    EXIT_CODE_NODE_LOST = -1001,
    EXIT_CODE_TIME_LIMIT = -1004, /* extras.drover.timeLimit */
    EXIT_CODE_BAD_CONFIG = -1100, /* the stored config cannot be read any more */
    EXIT_CODE_LAUNCH_LOST = -111, /* lost between order and start: never counted */
    EXIT_CODE_PORT_CONFLICT = 253,
    EXIT_CODE_NO_IMAGE = 254,
    EXIT_CODE_ENGINE_REFUSED = -120,
};

/* The entry for a code. Codes that are not in the table give a catch-all entry, whose `code` then differs from the one
 * asked for: exit status 1..255 -> 1 (UserCommandFailed), above -> 256, negative -> -8000. Never NULL. */
const struct exit_entry *exits_find(int code);
/* The table, for reports and tests. */
const struct exit_entry *exits_all(size_t *count);
/* Wire word of a type: "USER_FAILURE", "PLATFORM_FAILURE", ... */
const char *exits_type_wire(enum exit_type type);
/* Wire word of a reaction: "NEVER_RETRY", ... */
const char *exits_reaction_wire(enum exit_reaction reaction);

#endif
