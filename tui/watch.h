/* SPDX-License-Identifier: MIT
 *
 * Waiting for a job's end over REST: polls with back-off, says changes of state on standard error, and lives through a
 * restart of the server.
 */
#ifndef DROVER_TUI_WATCH_H
#define DROVER_TUI_WATCH_H

#include <stdbool.h>
#include <stdint.h>

struct cli;
struct err;
struct model_detail;

/* What to wait for. */
struct watch {
    const char *full;   /* "user~name" */
    int64_t timeout_ms; /* 0 = for ever */
    bool quiet;         /* say nothing */
    bool until_started; /* enough when it is no longer waiting */
    unsigned until;     /* enough in one of these states, a bit each (1 << WORD_RUNNING); 0 = its end */
};

/* Fetches the job once. Strings live in the cli's arena. 0 or -1. */
int watch_fetch(struct cli *cli, const char *full, struct model_detail *out, struct err *e);
/* Waits. 0 with the job as the answer that ended the wait shows it, or -1: ERR_TIMEOUT after the time-out, ERR_BUSY
 * when the server stayed away for a minute. */
int watch_job(struct cli *cli, const struct watch *w, struct model_detail *out, struct err *e);
/* The exit status of a job that ended: 0, or 8, or the task's own code when `propagate`. */
int watch_exit(const struct model_detail *d, bool propagate);
/* "ana~x Failed: exit 1: ..." with the sentences about it, on standard error. */
void watch_say_end(struct cli *cli, const struct model_detail *d);

#endif
