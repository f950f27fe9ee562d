/* SPDX-License-Identifier: MIT
 *
 * Why a job waits, asked of a view of the core. Any thread; a view is shared, an explainer belongs to one thread.
 */
#ifndef DROVER_CORE_EXPLAIN_H
#define DROVER_CORE_EXPLAIN_H

#include <stdint.h>

#include "jobs/avoid.h"
#include "scheduler/explain.h"

struct core_explainer;
struct core_view;
struct spec;

/* A waiting job. */
struct core_question {
    const struct spec *spec;
    const char *user, *full_name;
    const char *const *vcs; /* virtual clusters that its user may use, NULL-terminated; NULL: all */
    const char *held_by;    /* NULL: nobody */
    struct avoid avoid;     /* nodes that it keeps away from */
    int64_t since_ms;       /* wall: since when it waits */
    int64_t backoff_ms;     /* until its next try is due; 0: it is */
    int64_t now_ms;         /* wall; 0: when the view was made. The same for all questions to an explainer */
};

/* For answers out of one state. NULL on out of memory, or where no plan is shown yet. */
struct core_explainer *core_explainer_create(const struct core_view *v);
/* NULL ok. */
void core_explainer_destroy(struct core_explainer *x);
/* Reason and numbers (explain_brief); the whole answer (explain_whole). 0, or -1 on out of memory. */
int core_explain_brief(struct core_explainer *x, const struct core_question *q, struct explanation *out);
int core_explain_whole(struct core_explainer *x, const struct core_question *q, struct explanation *out);
/* The job of a blocker, "user~name"; borrowed from the view. */
const char *core_explain_job(const struct core_view *v, int gang);

#endif
