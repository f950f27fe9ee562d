/* SPDX-License-Identifier: MIT
 *
 * Stopping jobs from a view: the question, the calls, and how they went.
 */
#ifndef DROVER_TUI_VIEWS_STOP_H
#define DROVER_TUI_VIEWS_STOP_H

#include <stdbool.h>

#include "tui/views/marks.h"

struct app;
struct source_result;

#define STOP_MAX 200 /* jobs in one go */

/* The calls under way. Zero-initialise; embedded. */
struct stop {
    struct marks names; /* what was asked about */
    unsigned long long ids[STOP_MAX];
    size_t waiting; /* calls without an answer yet */
    size_t done;
    size_t failed;
};

/* Asks whether to stop these (or, when nothing is marked, this one). */
void stop_ask(struct stop *s, struct app *app, const struct marks *marked, const char *one);
/* The dialog's answer. */
void stop_answer(struct stop *s, struct app *app, bool yes);
/* Whether the result was one of its calls; `*over` when all have answered. */
bool stop_result(struct stop *s, struct app *app, const struct source_result *r, bool *over);

#endif
