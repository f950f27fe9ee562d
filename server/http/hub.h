/* SPDX-License-Identifier: MIT
 *
 * The hub of live events (DESIGN 1.9). A committed event is encoded once into a ring; a stream is a cursor plus a
 * filter. A thread of the hub wakes the streams that have something to send, so publishing never waits for clients.
 * Delivery is at least once: a client that resumes may see an event again.
 */
#ifndef DROVER_SERVER_HTTP_HUB_H
#define DROVER_SERVER_HTTP_HUB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct err;
struct hub;
struct identity;
struct request;

#define HUB_ID_MAX 40

/* One event. Strings are borrowed during the call; keys may be NULL. */
struct hub_event {
    const char *id;   /* unique, no control characters, at most HUB_ID_MAX bytes */
    const char *name; /* "job" */
    const char *data; /* JSON on one line */
    const char *job;  /* "user~name": what ?job= filters by */
    const char *vc;
    const char *user; /* owner */
};

/* Takes one replayed event; non-zero = stop, enough. */
typedef int hub_sink_fn(void *sink, const struct hub_event *ev);

/* Zero fields take the defaults named here. */
struct hub_config {
    size_t ring_events; /* 4,096 */
    size_t ring_bytes;  /* 4 MiB */
    unsigned streams;   /* 512 open at once */
    unsigned per_user;  /* 16 of one user */
    int64_t ping_ms;    /* 15,000 */
    /* Whether `who` may see `ev`, asked for each event; with ev NULL, at each ping: whether `who` may still listen.
     * NULL = everyone may. On an HTTP thread. */
    bool (*allowed)(void *ctx, const struct identity *who, const struct hub_event *ev);
    /* Gives `sink` the events after `after_id`, oldest first, from the database. -1 when that id is not known any more:
     * the client gets `event: reset`. NULL = always reset. On an HTTP thread. */
    int (*replay)(void *ctx, const char *after_id, hub_sink_fn *give, void *sink);
    void *ctx;
};

/* Starts the hub's thread. NULL on error. */
struct hub *hub_create(const struct hub_config *c, struct err *e);
/* Encodes and queues an event; wakes the hub's thread. Call after COMMIT. Any thread, one at a time for order. 0, or -1
 * on out of memory (every stream then gets a reset). */
int hub_publish(struct hub *h, const struct hub_event *ev);
/* Whether nobody listens: the event need not be encoded, and whoever comes back later has it replayed. Threads as
 * hub_publish. */
bool hub_skip(struct hub *h);
/* Answers a request with a stream. `job` NULL = all; `last_id` NULL = from now on. -1 with ERR_TOO_MANY over a quota.
 */
int hub_reply(struct hub *h, struct request *r, const char *job, const char *last_id, struct err *e);
/* Ends all streams and refuses new ones (503). */
void hub_close(struct hub *h);
/* After http_server_destroy. NULL ok. */
void hub_destroy(struct hub *h);
/* Streams open now. */
unsigned hub_streams(struct hub *h);

#endif
