/* SPDX-License-Identifier: MIT
 *
 * The exit catalogue as it is shipped: a table made of exits.yaml when Drover is built. What a site's own catalogue
 * says instead is in exit_catalogue.h, and reaches the core as a verdict with the end of each task attempt.
 */
#ifndef DROVER_JOBS_EXITS_H
#define DROVER_JOBS_EXITS_H

#include <stdbool.h>
#include <stddef.h>

struct json_out;

enum exit_type {
    EXIT_TYPE_SUCCESS,
    EXIT_TYPE_STOP,
    EXIT_TYPE_USER,
    EXIT_TYPE_PLATFORM,
    EXIT_TYPE_RESOURCE,
    EXIT_TYPE_UNKNOWN
};
/* Who can do something about it. */
enum exit_category {
    EXIT_CATEGORY_NONE, /* it succeeded, or was stopped */
    EXIT_CATEGORY_USER,
    EXIT_CATEGORY_PLATFORM,
    EXIT_CATEGORY_RESOURCE, /* ask for more, or use less */
    EXIT_CATEGORY_POLICY,   /* a rule of the site or of its virtual cluster */
    EXIT_CATEGORY_UNKNOWN
};
enum exit_reaction { EXIT_NEVER_RETRY, EXIT_ALWAYS_RETRY, EXIT_BACKOFF_RETRY, EXIT_RETRY_TO_MAX };

#define EXIT_PHRASE_MAX 63
#define EXIT_SOLUTIONS 3

/* One entry. The strings are its table's or catalogue's. */
struct exit_entry {
    int code;
    const char *phrase; /* unique, "ContainerOOMKilled"-like */
    enum exit_type type;
    enum exit_category category;
    enum exit_reaction reaction;
    const char *issuer; /* wire words of OpenPAI */
    const char *causer;
    const char *stage;
    const char *behavior;
    const char *reason;                   /* one sentence for people */
    const char *solution[EXIT_SOLUTIONS]; /* sentences, NULL-terminated when fewer */
};

/* What is left of an entry when it goes with the end of a task: its catalogue may have been read anew since. */
struct exit_verdict {
    char phrase[EXIT_PHRASE_MAX + 1]; /* "" = none */
    enum exit_type type;
    enum exit_category category;
    enum exit_reaction reaction;
    bool from_log; /* words in a log said so, which the task itself may have written */
};

/* What was found out about a task's end; borrowed together with the engine's event. */
struct exit_diagnosis {
    struct exit_verdict verdict;
    const char *json; /* to be stored (diagnosis.h); NULL = none */
};

/* The codes whose entries stand for all that have none. */
enum {
    EXIT_CATCH_STATUS = 1,
    EXIT_CATCH_BEYOND = 256, /* no exit status is above 255: the platform's own end was abnormal */
    EXIT_CATCH_NEGATIVE = -8000,
};

/* The codes that the core itself gives. */
enum {
    EXIT_CODE_STOPPED = -210,           /* a user stopped the job */
    EXIT_CODE_ATTEMPT_COMPLETED = -220, /* stopped because the job's outcome was decided */
    EXIT_CODE_NODE_LOST = -1001,
    EXIT_CODE_PREEMPTED = -1003,  /* a more important job took its resources */
    EXIT_CODE_TIME_LIMIT = -1004, /* extras.drover.timeLimit */
    EXIT_CODE_IDLE = -1007,       /* stopped, as its GPUs were held and not used */
    EXIT_CODE_BAD_CONFIG = -1100, /* the stored config cannot be read any more */
    EXIT_CODE_LAUNCH_LOST = -111, /* lost between order and start: never counted */
    EXIT_CODE_PORT_CONFLICT = 253,
    EXIT_CODE_NO_IMAGE = 254,
    EXIT_CODE_ENGINE_REFUSED = -120,
    EXIT_CODE_BAD_IMAGE = -200,     /* the image leaves no place for what the task needs */
    EXIT_CODE_START_FAILED = -1204, /* its command could not be started; not for want of something that passes */
    EXIT_CODE_OOM = -1200,          /* killed at its memory limit */
    EXIT_CODE_DISK = -1230,         /* it took more of the disk than it may */
    EXIT_CODE_NO_CODE = -1220,      /* the code sent with the job cannot be had or unpacked */
    EXIT_CODE_GPU_FAILED = -1206,   /* one of its GPUs had failed when it did */
    EXIT_CODE_NO_ISOLATION = -1210, /* the node cannot keep the task apart as it requires */
};

/* The entry for a code. Codes that are not in the table give a catch-all entry, whose `code` then differs from the one
 * asked for: exit status 1..255 -> 1 (UserCommandFailed), above -> 256, negative -> -8000. Never NULL. Static. */
const struct exit_entry *exits_find(int code);
/* The table, for reports and tests. */
const struct exit_entry *exits_all(size_t *count);
/* What an entry says, without its words; `entry` NULL: that of the code's own. */
void exits_verdict(int code, const struct exit_entry *entry, struct exit_verdict *out);
/* Writes an entry as OpenPAI's exit spec, as a JSON object. */
void exits_write(struct json_out *j, const struct exit_entry *x);
/* The text of exits.yaml as it was built in. Static. */
const char *exits_yaml(size_t *len);

/* Wire word of a type: "USER_FAILURE", "PLATFORM_FAILURE", ... */
const char *exits_type_wire(enum exit_type type);
/* Wire word of a reaction: "NEVER_RETRY", ... */
const char *exits_reaction_wire(enum exit_reaction reaction);
/* "none", "user", "platform", "resource", "policy" or "unknown". */
const char *exits_category_name(enum exit_category category);
/* The words of a type, reaction and category in the order of their enums, NULL-terminated. Static. */
const char *const *exits_type_words(void);
const char *const *exits_reaction_words(void);
const char *const *exits_category_words(void);
/* The index of a word in such a list, -1 when it is not there. */
int exits_word(const char *const *words, const char *word);

#endif
