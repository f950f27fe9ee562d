/* SPDX-License-Identifier: MIT
 *
 * What a shim writes down of a sandbox that may stay, between the failure of its command and the end of anything else
 * in it: the variables that the command was given, what else runs there, and whether the kernel left a core dump. One
 * JSON document in the file COLLECTED_FILE of the attempt's folder, which lives as long as the attempt's logs do.
 *
 * The folder may be within the task's reach, so nothing in the file is believed beyond its form. It may hold secrets,
 * in command lines: whoever shows it masks them first (jobs/secret_mask.h).
 */
#ifndef DROVER_ENGINES_LOCAL_COLLECTED_H
#define DROVER_ENGINES_LOCAL_COLLECTED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

#define COLLECTED_FILE "collected"
#define COLLECTED_MAX (320u * 1024u)     /* bytes of the document */
#define COLLECTED_SECTION (128u * 1024u) /* of it, in either list; what does not fit is counted */
#define COLLECTED_PROCESSES 256u         /* in the list */
#define COLLECTED_VARIABLES 4096u
#define COLLECTED_COMMAND 512u /* bytes of a command line */
#define COLLECTED_VALUE 1024u  /* of a variable's value */
#define COLLECTED_CORES 8u

struct collected_variable {
    const char *name, *value; /* value NULL: hidden */
    bool cut;                 /* there was more of the value */
};

/* Process ids are those that the sandbox shows; parent 0: outside of it. */
struct collected_process {
    int64_t pid, parent, uid, cpu_ms, rss_bytes, start_ms;
    const char *state;   /* the kernel's letter */
    const char *command; /* its words, parted by spaces; "[name]" where there are none */
    bool cut;
};

struct collected_core {
    const char *name; /* in the folder where the command was started */
    int64_t bytes, time_ms;
};

/* Pure data in an arena. */
struct collected {
    int64_t time_ms; /* wall */
    struct collected_variable *variables;
    size_t variable_count;
    struct collected_process *processes;
    size_t process_count;
    struct collected_core cores[COLLECTED_CORES];
    size_t core_count;
    int64_t variables_left, processes_left; /* not in the lists */
    const char *core_pattern;               /* the node's; begins with "|" where a program gets the dumps */
};

/* Whether the value of a variable of this name is not to be written down: it says that it is a secret. Drover's own
 * names say nothing but DROVER_NONCE. */
bool collected_hides(const char *name);
/* Reads a document. Members that are not known are skipped (a newer shim may write more). 0, or -1 with `out`
 * undefined. Any thread. */
int collected_parse(struct arena *a, const char *text, size_t len, struct collected *out, struct err *e);
/* That of an attempt: 1, 0 where there is none (any more), or -1. */
int collected_read(struct arena *a, const char *data, const char *attempt, struct collected *out, struct err *e);

#endif
