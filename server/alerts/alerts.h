/* SPDX-License-Identifier: MIT
 *
 * Alerts while droverd runs: a thread looks every few seconds, and whoever asks has what the core shows looked at
 * again first. What changes is stored by the core, in order; what could not be is stored later.
 */
#ifndef DROVER_SERVER_ALERTS_ALERTS_H
#define DROVER_SERVER_ALERTS_ALERTS_H

#include <stdint.h>

#include "server/alerts/alert_look.h"

struct alert_book;
struct alert_silence;
struct alerts;
struct buf;
struct err;
struct mailbox;
struct readers;
struct snapshots;

struct alerts_config {
    const struct alert_settings *settings;
    struct alert_sources sources;
    struct readers *readers;
    struct snapshots *snapshots;
    struct mailbox *mailbox; /* all borrowed */
};

/* With what was stored. NULL with the error. */
struct alerts *alerts_create(const struct alerts_config *c, struct err *e);
/* Starts the thread. 0 or -1. */
int alerts_start(struct alerts *a, struct err *e);
/* Stores what is left, and ends the thread; before the core stops. NULL ok. */
void alerts_stop(struct alerts *a);
/* Stops it first; nobody may ask any more. NULL ok. */
void alerts_destroy(struct alerts *a);

/* Any thread, which holds no reader; the book is the caller's until alerts_close. alerts_now looks first. */
struct alert_book *alerts_open(struct alerts *a);
struct alert_book *alerts_now(struct alerts *a);
void alerts_close(struct alerts *a);
/* A silence that was stored: the book has it from the next alerts_open on. Takes it over. Any thread; waits for nobody.
 */
void alerts_add_silence(struct alerts *a, struct alert_silence *s);

/* What Alertmanager is posted: those that fire, are ours and not silenced, to end in some minutes if nothing more is
 * said, and those that ended lately. How many. Any thread. */
int alerts_post_body(struct alerts *a, struct buf *out);
/* Grows with each alert that fires or ends. Any thread. */
uint64_t alerts_version(struct alerts *a);

#endif
