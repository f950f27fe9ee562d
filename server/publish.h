/* SPDX-License-Identifier: MIT
 *
 * Committed events on their way to live streams.
 */
#ifndef DROVER_SERVER_PUBLISH_H
#define DROVER_SERVER_PUBLISH_H

#include "server/http/hub.h"

struct effects;
struct identity;
struct readers;
struct snapshots;
struct tally;

/* hub_config.ctx for the two functions below. */
struct publish_sources {
    struct readers *readers;
    struct snapshots *snapshots;
};

/* A committed batch: each event as JSON to the hub, if anybody listens, and what /metrics counts of it to the tally.
 * Both may be NULL. The core's thread. */
void publish_batch(struct hub *hub, struct tally *tally, const struct effects *fx);
/* For hub_config.replay: the events after an id, from the database. -1 when there are too many of them, or the id is
 * none. */
int publish_replay(void *sources, const char *after_id, hub_sink_fn *give, void *sink);
/* Whether the login still holds, with the rights that it began with: its rows as they are now. Any thread. */
bool publish_stands(void *sources, const struct identity *who);
/* For hub_config.allowed: whether `who` may see the event, by the read policy of its virtual cluster; with ev NULL,
 * whether the login still stands, with the same rights. */
bool publish_allowed(void *sources, const struct identity *who, const struct hub_event *ev);

#endif
