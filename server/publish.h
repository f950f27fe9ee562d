/* SPDX-License-Identifier: MIT
 *
 * Committed events on their way to live streams.
 */
#ifndef DROVER_SERVER_PUBLISH_H
#define DROVER_SERVER_PUBLISH_H

#include "server/http/hub.h"

struct effect_event;
struct readers;

/* Encodes a committed event as JSON and gives it to the hub. The core's thread. */
void publish_event(struct hub *hub, const struct effect_event *ev);
/* For hub_config.replay, with the struct readers as context: the events after an id, from the database. -1 when there
 * are too many of them, or the id is none. */
int publish_replay(void *readers, const char *after_id, hub_sink_fn *give, void *sink);

#endif
