/* SPDX-License-Identifier: MIT
 *
 * Sends the weekly report to who asks for it (server/report_mail_next.h). A thread looks now and then which is due;
 * that one was sent is noted in the database only when the mail server has taken it: over a restart none is lost, and
 * what a crash in between could make come twice has the same Message-ID.
 */
#ifndef DROVER_SERVER_REPORT_MAIL_H
#define DROVER_SERVER_REPORT_MAIL_H

struct err;
struct mailbox;
struct mailer_config;
struct readers;
struct report_mail;

/* Borrowed, all of it; `smtp` during the call. */
struct report_mail_config {
    struct readers *readers;
    struct mailbox *mailbox;          /* somebody takes from it already */
    const char *public_url;           /* of the portal, without a slash at its end; "" = not known */
    const struct mailer_config *smtp; /* but for `done` and `ctx` */
};

/* Starts the thread, with a mailer of its own. NULL on error. */
struct report_mail *report_mail_create(const struct report_mail_config *c, struct err *e);
/* Ends it after the mail that is under way: before the mailbox is closed for good. NULL ok. */
void report_mail_destroy(struct report_mail *m);

#endif
