/* SPDX-License-Identifier: MIT
 *
 * The members of an explanation: why a job waits, or would wait, and what would help.
 */
#ifndef DROVER_SERVER_API_EXPLAIN_JSON_H
#define DROVER_SERVER_API_EXPLAIN_JSON_H

struct api;
struct arena;
struct core_question;
struct core_view;
struct err;
struct explanation;
struct json_out;

/* Writes reason, message, gpus, blockedBy, blockers, help and helpTogether into an open object. `view` is what the
 * answer was asked of. Any thread. */
void explain_json_answer(struct json_out *j, const struct core_question *q, const struct core_view *view,
                         const struct explanation *x);
/* The virtual clusters that a user may submit to, NULL-terminated, in the arena: what a question's `vcs` are. NULL on
 * error. An HTTP thread. */
const char *const *explain_json_vcs(struct api *a, struct arena *arena, const char *user, struct err *e);

#endif
