/* SPDX-License-Identifier: MIT
 *
 * What an admin changes in the demo: the recording itself, as far as its views show it.
 */
#ifndef DROVER_TUI_DEMO_CHANGE_H
#define DROVER_TUI_DEMO_CHANGE_H

struct cJSON;
struct err;

/* Plays a PUT to the path (decoded, without a query) on the recording. 0, or -1 with what a server would say. */
int demo_change(struct cJSON *data, const char *path, const struct cJSON *body, struct err *e);

#endif
