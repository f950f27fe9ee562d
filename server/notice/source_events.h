/* SPDX-License-Identifier: MIT
 *
 * The first source of notices: the table of events of jobs and debug reservations, and ends that come near.
 */
#ifndef DROVER_SERVER_NOTICE_SOURCE_EVENTS_H
#define DROVER_SERVER_NOTICE_SOURCE_EVENTS_H

#include "server/notice/source.h"

/* Its self is NULL on out of memory. Freed by its ops. */
struct source source_events_create(void);

#endif
