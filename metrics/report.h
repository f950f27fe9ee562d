/* SPDX-License-Identifier: MIT
 *
 * Where the GPU hours of a time went: grouped by virtual cluster, user, job, node, GPU model, day,
 * or several of them. Pure: it is fed what was used and which jobs there were (report_store.h), and adds up.
 * report_figures.h makes figures of the sums; docs/REPORTS.md has the formulas.
 */
#ifndef DROVER_METRICS_REPORT_H
#define DROVER_METRICS_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct report;

#define REPORT_ROWS_MAX 50000
#define REPORT_DAYS_MAX 3660 /* of a range, grouped by day or not */
#define REPORT_DAY_MS (INT64_C(24) * 3600 * 1000)

/* What rows may be told apart by; a set of them is a mask of 1 << key. */
enum report_key { REPORT_VC, REPORT_USER, REPORT_JOB, REPORT_NODE, REPORT_MODEL, REPORT_DAY, REPORT_KEYS };

/* What became of the work that GPUs were held for. */
enum report_outcome {
    REPORT_SUCCEEDED,
    REPORT_FAILED,    /* by the job's own fault, or nobody knows whose */
    REPORT_PLATFORM,  /* lost to the platform: a node, an engine, a disk of ours */
    REPORT_STOPPED,   /* by a person, or a rule about GPUs that are not used */
    REPORT_PREEMPTED, /* for somebody more important */
    REPORT_RUNNING,   /* not decided yet */
    REPORT_RESERVED,  /* held after the end, by debug reservations */
    REPORT_OUTCOMES
};

/* The time asked for, in ms since 1970: from `from_ms` on, before `to_ms`. What is not over ends at `now_ms`. */
struct report_range {
    int64_t from_ms, to_ms, now_ms;
    unsigned by;
};

/* GPUs held for a task attempt, from its placement to its end. Texts are borrowed for the call. */
struct report_use {
    const char *key[REPORT_KEYS];   /* REPORT_DAY is not looked at */
    int64_t gpus, begin_ms, end_ms; /* end 0: it holds them still */
    enum report_outcome outcome;
};

/* What is known of how busy a GPU was that a task attempt held: so much of that time was sampled, in so much nothing
 * was computed, and `busy_ms` is utilisation (0..1) by time. */
struct report_busy {
    const char *key[REPORT_KEYS];
    int64_t begin_ms, end_ms; /* as of the use */
    enum report_outcome outcome;
    double sampled_ms, idle_ms, busy_ms;
    double memory_ms, memory_mib_ms; /* of so much time memory is known; MiB in use by time */
    double energy_j;
};

/* GPUs of a debug reservation in which nothing was computed, so far as they were sampled: in one span of time. */
struct report_unused {
    const char *key[REPORT_KEYS];
    int64_t begin_ms, end_ms, gpus;
};

/* A job attempt made room for somebody more important. */
struct report_preempted {
    const char *key[REPORT_KEYS]; /* as of a job */
    int64_t at_ms;
};

/* A rule about GPUs that are held and not used has taken them from a job or a debug reservation. */
struct report_freed {
    const char *key[REPORT_KEYS]; /* REPORT_DAY is not looked at */
    int64_t at_ms, gpus;
    int64_t idle_ms; /* of all its GPUs, until then */
    int64_t left_ms; /* each could have been held for so long; -1: for ever */
};

/* A job. Times 0: not yet. */
struct report_job {
    const char *key[REPORT_KEYS];               /* REPORT_NODE, REPORT_MODEL and REPORT_DAY are not looked at */
    int64_t submitted_ms, started_ms, ended_ms; /* started: the first time */
    bool succeeded;
};

/* A group. Times are sums in ms; a GPU held for an hour is 3,600,000 GPU ms. */
struct report_row {
    const char *key[REPORT_KEYS]; /* NULL: not asked for, or (node, model) not known */
    int64_t gpu_ms[REPORT_OUTCOMES];
    double sampled_ms, idle_ms, busy_ms;  /* GPU ms of those that were sampled */
    double kept_sampled_ms, kept_busy_ms; /* the same, of what succeeded */
    double memory_ms, memory_mib_ms;      /* GPU ms of which memory is known; MiB in use by time */
    double energy_j;
    int64_t unused_ms;                 /* GPU ms of REPORT_RESERVED in which nothing was computed, as far as known */
    int64_t task_ms;                   /* of all tasks, with GPUs or without */
    int64_t freed, freed_idle_ms;      /* times that a rule took GPUs that were not used; GPU ms until then */
    int64_t freed_left_ms, freed_open; /* GPU ms for which they could have been held; times without a limit to that */
    int64_t preempted;                 /* job attempts */
    int64_t ended, succeeded;          /* jobs that ended in the range; of these, well */
    int64_t started, wait_p50,
        wait_p95; /* jobs that started in the range, and how long they had waited (nearest rank) */
};

/* The names of the keys and outcomes in the API. */
const char *report_key_name(enum report_key key);
const char *report_outcome_name(enum report_outcome outcome);
/* The mask of a comma list of keys. 0, or -1 with ERR_INVALID_PARAMETERS. */
int report_keys_parse(const char *list, unsigned *by, struct err *e);
/* The text of a day: "2026-11-27", UTC. */
void report_day_text(int64_t at_ms, char out[16]);

/* An empty report. NULL with `e`: out of memory, or the range is none. */
struct report *report_create(const struct report_range *range, struct err *e);
void report_destroy(struct report *r);
/* 0, or -1 with `e`: out of memory, or more than REPORT_ROWS_MAX groups. */
int report_add_use(struct report *r, const struct report_use *u, struct err *e);
int report_add_busy(struct report *r, const struct report_busy *b, struct err *e);
int report_add_freed(struct report *r, const struct report_freed *f, struct err *e);
int report_add_unused(struct report *r, const struct report_unused *u, struct err *e);
int report_add_preempted(struct report *r, const struct report_preempted *p, struct err *e);
int report_add_job(struct report *r, const struct report_job *j, struct err *e);
/* What is added to `r` is from now on added to `next`, too (borrowed, of the same range): several reports of one
 * reading. A `list` that gets too long is cut off and not an error: report_overflowed. */
void report_chain(struct report *r, struct report *next);
void report_set_list(struct report *r);
bool report_overflowed(const struct report *r);
/* Whether a report of the chain tells rows apart by this. */
bool report_wants(const struct report *r, enum report_key key);
/* The groups, ordered by their keys, and the sum of all; nothing may be added any more. Borrowed. */
const struct report_row *const *report_rows(struct report *r, size_t *count);
const struct report_row *report_total(struct report *r);

#endif
