/* SPDX-License-Identifier: MIT
 *
 * Tells people what happens: a thread that follows the sources of notices, decides who hears of each, and sends what is
 * due by mail and to webhooks.
 *
 * What is to be told stands in the database from the moment that its source has been passed, in one transaction, and
 * is noted as told only when the receiver has taken it: nothing is lost over a restart, and what a crash in between
 * could make come twice has the same Message-ID or webhook-id.
 */
#ifndef DROVER_SERVER_NOTICE_NOTIFIER_H
#define DROVER_SERVER_NOTICE_NOTIFIER_H

#include <stdbool.h>

struct address_policy;
struct err;
struct keys;
struct mailbox;
struct mailer_config;
struct notifier;
struct readers;

/* Borrowed, all of it; `smtp` during the call. */
struct notifier_config {
    struct readers *readers;
    struct mailbox *mailbox; /* somebody takes from it already */
    const struct keys *keys;
    const struct address_policy *webhooks;
    const char *public_url;           /* of the portal, without a slash at its end; "" = not known */
    const struct mailer_config *smtp; /* but for `done` and `ctx`; NULL: no mail */
};

/* Starts the thread, with a mailer of its own. The first one of a database tells of what comes from then on. NULL on
 * error. */
struct notifier *notifier_create(const struct notifier_config *c, struct err *e);
/* Ends it after the mail that is under way: before the mailbox is closed for good. NULL ok. */
void notifier_destroy(struct notifier *n);
/* Where webhooks may go, and whether mail can be sent. Any thread. */
const struct address_policy *notifier_webhooks(const struct notifier *n);
bool notifier_mails(const struct notifier *n);
/* There may be something to send: it looks at once. NULL ok. Any thread. */
void notifier_wake(struct notifier *n);

#endif
