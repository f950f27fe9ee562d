/* SPDX-License-Identifier: MIT
 *
 * The strip under a list of jobs: the one under the cursor in words, with what only its own reply tells (why it waits,
 * where it runs), so that most questions need no key.
 */
#ifndef DROVER_TUI_VIEWS_STRIP_H
#define DROVER_TUI_VIEWS_STRIP_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/model.h"

#define STRIP_ROWS 3

struct app;
struct canvas;
struct source_result;

/* The state. Zero-initialise; embedded. */
struct strip {
    struct arena *arena;
    struct model_detail detail;
    char asked[512]; /* whose reply is under way */
    char shown[512]; /* whose detail is here, "" = none */
    uint64_t ask;
};

/* Asks for the job's detail; one question at a time, so a cursor that runs asks only where it comes to rest. NULL ok.
 */
void strip_want(struct strip *s, struct app *app, const struct model_job *j);
/* Whether the result was its own; takes it in, and asks again when the cursor is elsewhere by now. */
bool strip_result(struct strip *s, struct app *app, const struct source_result *r, const struct model_job *now);
/* Draws on STRIP_ROWS rows. `j` NULL = only the line. */
void strip_draw(const struct strip *s, struct app *app, int row, const struct model_job *j);
/* Frees it. */
void strip_fini(struct strip *s, struct app *app);

#endif
