/* SPDX-License-Identifier: MIT
 *
 * Why a task attempt failed: its end held against the exit catalogue. A pure function of the end, the catalogue and the
 * last bytes of the logs; any thread.
 *
 * How sure a match is: its own confidence, less where it stands early in the log, before the last traceback, beside
 * words of doubt, or where the program went on as before after it. What Drover itself saw (a memory limit, a lost node)
 * needs no log and is certain.
 */
#ifndef DROVER_JOBS_DIAGNOSIS_H
#define DROVER_JOBS_DIAGNOSIS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "jobs/exit_catalogue.h"
#include "jobs/log_text.h"

struct buf;
struct pattern_scratch;

#define DIAGNOSIS_NEXT 3        /* further candidates */
#define DIAGNOSIS_PROOF 256     /* bytes of the line that proves it */
#define DIAGNOSIS_BYTES 12288   /* of it as JSON, with its NUL */
#define DIAGNOSIS_SURE 40       /* below, a match in a log is a candidate only */
#define DIAGNOSIS_RETRY_SURE 75 /* below, words in a log do not decide whether it is tried again */

/* The line of a log that says so. */
struct diagnosis_proof {
    enum exit_stream stream; /* EXIT_STREAM_ANY: there is none, the status says it */
    int64_t offset;          /* of the line's first byte in the log */
    int64_t line;            /* 1-based; 0 = not known */
    char text[DIAGNOSIS_PROOF];
};

struct diagnosis_guess {
    const struct exit_entry *entry; /* the catalogue's */
    int confidence;                 /* 1..100 */
    struct diagnosis_proof proof;
};

struct diagnosis {
    struct diagnosis_guess best;
    struct diagnosis_guess next[DIAGNOSIS_NEXT]; /* less likely ones, the best first */
    size_t next_count;
};

/* An attempt's end. */
struct diagnosis_end {
    int code;                    /* as the engine told: 1..255, or a code of the catalogue */
    bool platform;               /* the engine gave the code, not the command */
    const struct log_text *logs; /* by enum exit_stream: logs[EXIT_STREAM_STDOUT], logs[EXIT_STREAM_STDERR] */
};

/* Fills *out. 0, or -1 on out of memory. */
int diagnosis_make(const struct exit_catalogue *c, struct pattern_scratch *s, const struct diagnosis_end *end,
                   struct diagnosis *out);
/* What the core needs of it. */
void diagnosis_verdict(const struct exit_catalogue *c, int code, const struct diagnosis *d, struct exit_verdict *out);
/* Writes it as the JSON that is stored with the attempt: {"spec": OpenPAI's members, "category", "confidence", "proof",
 * "next"}, less than DIAGNOSIS_BYTES; check out->bad. */
void diagnosis_write(const struct diagnosis *d, struct buf *out);

#endif
