/* SPDX-License-Identifier: MIT
 *
 * The API's replies as plain structs, for CLI and TUI. Decoding is lenient about what is missing (a server may be
 * older or newer) and strict about what is there but of another kind at the top. Strings live in the arena and are
 * never NULL unless said. Times are ms since 1970, 0 = none. Any thread.
 */
#ifndef DROVER_TUI_MODEL_H
#define DROVER_TUI_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/words.h"

struct arena;
struct cJSON;
struct err;

/* One job as a list shows it. */
struct model_job {
    const char *user;
    const char *name; /* without "user~" */
    const char *full; /* "user~name" */
    const char *id;
    const char *vc;
    const char *priority;    /* "" = the default */
    const char *wait_reason; /* "" = none */
    const char *exit_phrase; /* "" = none */
    const char *tags;        /* joined by blanks */
    enum word_state state;
    int gpus;
    int tasks;
    int retries;
    int64_t submitted, launched, completed;
    bool has_exit;
    int exit_code;
};

struct model_jobs {
    struct model_job *items;
    size_t count;
    int64_t total; /* on the server, for this filter; -1 = not told */
};

/* One task, with its current attempt. */
struct model_task {
    const char *role;
    int index;
    int attempt;
    enum word_state state;
    const char *node; /* "" = none */
    const char *ip;
    const char *gpus;  /* "0,1", "" = none */
    const char *uuids; /* of the GPUs: "GPU-1,GPU-2"; "" when they have none */
    const char *ports; /* "http:15000 ssh:15001" */
    bool simulated;    /* the GPUs are simulated */
    bool on_host;      /* its image was not run */
    const char *isolation;
    int64_t cpus, memory_mb, shm_mb; /* what it gets; 0 = not told */
    bool has_exit;
    int exit_code;
    const char *exit_phrase;
    int retries;
    int64_t launched, completed;
};

/* One job in full. */
struct model_detail {
    struct model_job job;
    int attempt;
    const char *exit_type;    /* "USER_FAILURE", "" = none */
    const char *exit_reason;  /* a sentence, "" = none */
    const char *category;     /* who can do something about it: "user", ...; "" = none */
    const char *proof;        /* "stderr, line 12: ...", the line that says so; "" = none */
    int confidence;           /* of what the exit is called, 1 to 100; 0 = none */
    const char *diagnostics;  /* "" = none */
    const char *trigger;      /* the sentence that ended it, "" = none */
    const char *solutions[4]; /* up to NULL */
    const char *avoids;       /* nodes that it keeps away from after a fault, "" = none */
    const char *kept_on;      /* the node of its debug reservation, while it has one; "" = none */
    int64_t kept_until;       /* ms since 1970 */
    const char *code;         /* the archive that came with it; "" = none */
    int64_t time_limit_s;     /* of an attempt; 0 = none */
    int64_t processes;        /* of a task; 0 = not told */
    int64_t disk_mb;          /* of a task, where it works; 0 = no limit */
    struct model_task *tasks;
    size_t task_count;
};

struct model_node {
    const char *name;
    const char *state;
    const char *isolation;
    const char *gpu_model;
    bool simulated;
    int64_t cpus, cpus_used, memory_mb, memory_used_mb, gpus, gpus_used;
    int64_t quarantined; /* GPUs besides, which nobody may have */
};

struct model_nodes {
    struct model_node *items;
    size_t count;
};

struct model_event {
    const char *time; /* ISO */
    const char *type; /* Normal, Warning */
    const char *reason;
    const char *message;
    const char *task; /* "worker-0", "" = the job */
    int64_t times;    /* how often */
};

struct model_events {
    struct model_event *items;
    size_t count;
};

/* Each decodes a reply: 0, or -1 when it is not of the right kind. */
int model_read_jobs(struct arena *a, const struct cJSON *reply, struct model_jobs *out, struct err *e);
int model_read_detail(struct arena *a, const struct cJSON *reply, struct model_detail *out, struct err *e);
int model_read_nodes(struct arena *a, const struct cJSON *reply, struct model_nodes *out, struct err *e);
int model_read_events(struct arena *a, const struct cJSON *reply, struct model_events *out, struct err *e);

/* A member, NULL when absent (borrowed); its text, copied, "" when it is none; its number, 0 when it is none or beyond
 * what an integer of JSON holds. */
const struct cJSON *model_get(const struct cJSON *o, const char *key);
const char *model_text(struct arena *a, const struct cJSON *o, const char *key);
int64_t model_number(const struct cJSON *o, const char *key);

/* What stands in the WHERE / WHY column of a job: the reason for waiting, or how it ended; "" when nothing is to be
 * said. In the arena. */
const char *model_why(struct arena *a, const struct model_job *j);
/* The limits of the job, and what each of a task's kind gets, as one line of parts between `gap`; "" when the server
 * tells none. `t` may be NULL. In the arena. */
const char *model_limits(struct arena *a, const struct model_detail *d, const struct model_task *t, const char *gap);
/* How long it waits, runs or ran, in ms at `now`. */
int64_t model_span(const struct model_job *j, int64_t now);

#endif
