/* SPDX-License-Identifier: MIT
 *
 * The same call for one thing or for all that are marked: the question first, then the calls, and how they went, in the
 * server's words where it refuses.
 */
#ifndef DROVER_TUI_VIEWS_CALLS_H
#define DROVER_TUI_VIEWS_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/views/marks.h"

struct app;
struct json_out;
struct source_result;

#define CALLS_MAX 200 /* things in one go */

/* What is done. Constant. */
struct calls_kind {
    const char *verb;     /* of the question and the button: "Stop" */
    const char *many;     /* what they are: "jobs" */
    const char *one;      /* before a single name: "user "; "" for jobs, whose names say it */
    const char *said[2];  /* "job is being stopped", "jobs are being stopped" */
    const char *not_done; /* "Nothing was stopped." */
    const char *warning;  /* a line below the question, or NULL */
    const char *method;
    const char *path; /* %s: the name, escaped */
    bool owners;      /* names are "user~name": say of how many users */
    /* Writes the body; NULL when there is none. `arg` is what calls_ask was told. */
    void (*body)(struct json_out *j, const char *name, const char *arg);
};

/* The calls under way. Zero-initialise; embedded. */
struct calls {
    const struct calls_kind *kind;
    struct marks names; /* what was asked about */
    char arg[160];
    uint64_t ids[CALLS_MAX];
    size_t waiting; /* calls without an answer yet */
    size_t done;
    size_t failed;
};

/* What is to be asked about: those marked or, when nothing is, this one. */
struct calls_question {
    const struct calls_kind *kind;
    const struct marks *marked; /* or NULL */
    const char *one;            /* or NULL */
    const char *arg;            /* for the body, or NULL */
};

/* Asks; the app's dialog opens, and its view gets the answer. */
void calls_ask(struct calls *c, struct app *app, const struct calls_question *q);
/* The dialog's answer. */
void calls_answer(struct calls *c, struct app *app, bool yes);
/* Whether the result was one of its calls; `*over` when all have answered. */
bool calls_result(struct calls *c, struct app *app, const struct source_result *r, bool *over);
/* Frees the names. */
void calls_fini(struct calls *c);

/* Stopping jobs. */
const struct calls_kind *calls_stop(void);

#endif
