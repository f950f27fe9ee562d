/* SPDX-License-Identifier: MIT
 *
 * The first line of the screen: where, who, how many jobs, how many GPUs, the time.
 */
#ifndef DROVER_TUI_HEAD_H
#define DROVER_TUI_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/source.h"

struct canvas;

#define HEAD_COUNTS 3 /* running, waiting, failed */

/* What it shows, with a number of a question for each part. Embedded. */
struct head {
    char context[80];
    char user[80];
    bool admin;
    bool known;                  /* whether the session has told who it is */
    int64_t counts[HEAD_COUNTS]; /* -1 = not known yet */
    int64_t gpus, gpus_used;     /* -1 = not known yet */
    bool simulated;
    uint64_t count_ids[HEAD_COUNTS];
    uint64_t nodes_id;
    uint64_t session_id;
};

/* Nothing known yet. */
void head_init(struct head *h, const char *context, const char *user);
/* Asks for all of it (what is being asked already is not asked twice). */
void head_fetch(struct head *h, struct source *s);
/* Whether the result was its own; takes it in. `*changed` is set when something on the line changed. */
bool head_result(struct head *h, const struct source_result *r, bool *changed);
/* Draws row 0. */
void head_draw(const struct head *h, struct canvas *c, int64_t wall);

#endif
