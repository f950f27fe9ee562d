/* SPDX-License-Identifier: MIT
 *
 * The way into the core thread: two lanes. The client lane is bounded and answers "busy" when full; the engine lane is
 * never dropped.
 */
#ifndef DROVER_SERVER_MAILBOX_H
#define DROVER_SERVER_MAILBOX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/command.h"

struct effect_reply;
struct err;
struct mailbox;

/* One command on its way. Owned by the sender until posted, then by the loop until `done` was called. */
struct mail {
    struct command cmd;
    /* Told the outcome after COMMIT (or the failure); then the mail is the sender's again. On the core's thread; must
     * not block. Never NULL. */
    void (*done)(struct mail *m, const struct effect_reply *reply);
    void *ctx;         /* the sender's */
    struct mail *next; /* the mailbox's */
};

/* `client_max`: most client mails that wait at once. NULL on out of memory. */
struct mailbox *mailbox_create(size_t client_max);
/* The mailbox must be empty. NULL ok. */
void mailbox_destroy(struct mailbox *b);

/* Posts to the client lane. 0, or -1 with ERR_BUSY when it is full or closed (the mail stays the sender's). Any thread.
 */
int mailbox_post(struct mailbox *b, struct mail *m, struct err *e);
/* Posts to the engine lane. Always succeeds. Any thread. */
void mailbox_post_engine(struct mailbox *b, struct mail *m);
/* Refuses client mail from now on and wakes the taker. */
void mailbox_close(struct mailbox *b);

/* Takes up to `max` mails, engine lane first, as a list in order; waits until there is one, or until `deadline_mono`
 * (ms), or until the mailbox is closed. NULL when it woke without mail. The core's thread only. */
struct mail *mailbox_take(struct mailbox *b, size_t max, int64_t deadline_mono);
/* Whether it was closed. */
bool mailbox_closed(struct mailbox *b);

#endif
