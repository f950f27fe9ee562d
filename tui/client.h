/* SPDX-License-Identifier: MIT
 *
 * Calls of the REST API that wait for their reply. One thread. The TUI uses fetch.h instead, which never waits.
 */
#ifndef DROVER_TUI_CLIENT_H
#define DROVER_TUI_CLIENT_H

#include "tui/transfer.h"

struct cJSON;

/* Performs one exchange. The reply's body is appended to `out` (NULL: thrown away). 0 for a 2xx reply, else -1. */
int client_call(const struct endpoint *to, const struct transfer_request *r, struct buf *out, struct err *e);
/* GETs `path` and parses the reply as JSON; its bytes stay in `raw` (may be NULL). The caller frees with cJSON_Delete.
 * NULL on error, also when the reply is not JSON. */
struct cJSON *client_get(const struct endpoint *to, const char *path, struct buf *raw, struct err *e);

#endif
