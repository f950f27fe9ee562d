/* SPDX-License-Identifier: MIT
 *
 * The second source of notices: changes of alerts, but for silenced ones.
 */
#ifndef DROVER_SERVER_NOTICE_SOURCE_ALERTS_H
#define DROVER_SERVER_NOTICE_SOURCE_ALERTS_H

#include "server/notice/source.h"

struct alert_change;

/* The next change behind one, in the arena: 1, 0 or -1. alert_store_next_change. */
typedef int source_alerts_next(struct store *reader, int64_t after_id, struct arena *a, struct alert_change *out,
                               struct err *e);

/* Its self is NULL on out of memory. Freed by its ops. */
struct source source_alerts_create(source_alerts_next *next);

#endif
