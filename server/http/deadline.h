/* SPDX-License-Identifier: MIT
 *
 * Absolute deadlines of connections. libmicrohttpd's own timeout is one of inactivity (reliability.md fact 2): a byte a
 * second holds a connection for ever. A thread shuts the socket of a connection that is past its deadline.
 */
#ifndef DROVER_SERVER_HTTP_DEADLINE_H
#define DROVER_SERVER_HTTP_DEADLINE_H

#include <stdint.h>

struct deadline;       /* the reaper */
struct deadline_entry; /* one connection */
struct err;

/* Starts the thread. `now_ms` reads the monotonic clock (NULL = clock_read().mono). NULL on error. */
struct deadline *deadline_create(int64_t (*now_ms)(void), struct err *e);
/* Stops the thread; all entries must be gone. NULL ok. */
void deadline_destroy(struct deadline *d);
/* Watches a socket for `ms` from now. NULL on out of memory. Any thread. */
struct deadline_entry *deadline_add(struct deadline *d, int fd, int64_t ms);
/* Moves the deadline to `ms` from now; < 0 = none. */
void deadline_set(struct deadline *d, struct deadline_entry *en, int64_t ms);
/* As deadline_set, for who takes something large: `ms_per_64k` more for each 64 KiB that the peer has taken by then. */
void deadline_pace(struct deadline *d, struct deadline_entry *en, int64_t ms, int64_t ms_per_64k);
/* Forgets a connection, before its descriptor is closed. */
void deadline_remove(struct deadline *d, struct deadline_entry *en);

#endif
