/* SPDX-License-Identifier: MIT
 *
 * Committed events on their way to live streams.
 */
#ifndef DROVER_SERVER_PUBLISH_H
#define DROVER_SERVER_PUBLISH_H

struct effect_event;
struct hub;

/* Encodes a committed event as JSON and gives it to the hub. The core's thread. */
void publish_event(struct hub *hub, const struct effect_event *ev);

#endif
