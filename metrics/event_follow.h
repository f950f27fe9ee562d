/* SPDX-License-Identifier: MIT
 *
 * Reads an event file on from where it was left, through its descriptor.
 */
#ifndef DROVER_METRICS_EVENT_FOLLOW_H
#define DROVER_METRICS_EVENT_FOLLOW_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "metrics/event_file.h"

/* Reads `f` on to the end that the file has now, or until *work is used up (see event_file_read). *complete: it came
 * to the end, but for a record that is not all there. `lock` is held while `f` changes and never while the file is
 * read. Takes at most EVENT_RECORD_MAX bytes more for itself. 0, or -1 with errno: ENOMEM, then only
 * event_file_fini is left, or what reading the file gave. */
int event_follow(struct event_file *f, int fd, pthread_mutex_t *lock, int64_t *work, bool *complete);

#endif
