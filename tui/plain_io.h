/* SPDX-License-Identifier: MIT
 *
 * What the commands of the line mode share: questions with an answer waited for.
 */
#ifndef DROVER_TUI_PLAIN_IO_H
#define DROVER_TUI_PLAIN_IO_H

#include <stdbool.h>
#include <stdint.h>

#include "tui/model.h"

struct app_config;
struct arena;
struct cJSON;
struct cli;
struct source_request;
struct source_result;

/* A session of lines. */
struct plain {
    struct cli *cli;
    const struct app_config *config;
    struct arena *arena; /* of the last list */
    struct model_jobs jobs;
};

/* The moment: the recording's, where it is one. */
int64_t plain_now(const struct plain *p);
/* Asks and waits. 0 with the answer (to be freed), or -1 having said why. */
int plain_ask(struct plain *p, const struct source_request *r, struct source_result *out);
/* GET; NULL having said why (also when `path` is NULL). Freed with cJSON_Delete. */
struct cJSON *plain_get(struct plain *p, const char *path);
/* Asks the person; false, having said so, when the session is read-only or the answer is not yes. */
bool plain_confirm(struct plain *p, const char *question, const char *name, const char *not_done);

#endif
