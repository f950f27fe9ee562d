/* SPDX-License-Identifier: MIT
 *
 * Mail to the owners of jobs: of the changes of state that a job asks to be told of (jobStatusChangeNotification), and
 * of its debug reservation, when it begins, is about to end, or is taken away.
 *
 * The table of events is the queue. A thread follows it, one mail at a time, and notes in the database how far it came
 * only when the mail server has taken the mail: nothing is lost over a restart, and what a crash in between could make
 * come twice has the same Message-ID. Where mail cannot be sent, it waits and tries again.
 */
#ifndef DROVER_SERVER_JOB_MAIL_H
#define DROVER_SERVER_JOB_MAIL_H

struct err;
struct job_mail;
struct mailbox;
struct mailer_config;
struct readers;

/* Borrowed, all of it; `smtp` during the call. */
struct job_mail_config {
    struct readers *readers;
    struct mailbox *mailbox;          /* somebody takes from it already */
    const char *public_url;           /* of the portal, without a slash at its end; "" = not known */
    const struct mailer_config *smtp; /* but for `done` and `ctx` */
};

/* Starts the thread, with a mailer of its own. The first one of a database tells of what comes from then on. NULL on
 * error. */
struct job_mail *job_mail_create(const struct job_mail_config *c, struct err *e);
/* Ends it after the mail that is under way: before the mailbox is closed for good. NULL ok. */
void job_mail_destroy(struct job_mail *m);

#endif
