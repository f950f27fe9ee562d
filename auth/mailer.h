/* SPDX-License-Identifier: MIT
 *
 * Mail out, by SMTP: a queue and one thread. Nothing waits for it; each message's end is told.
 */
#ifndef DROVER_AUTH_MAILER_H
#define DROVER_AUTH_MAILER_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct mailer;

/* Copied at create. */
struct mailer_config {
    const char *url;      /* smtp://host:port, smtps://host */
    const char *from;     /* the sender's address */
    const char *user;     /* "" = without a login; with one, TLS is required */
    const char *password; /* "" without a login */
    /* Told each message's end: NULL problem = the server took it. `for_good`: it said that it never will (5xx). On the
     * mailer's thread. */
    void (*done)(void *ctx, const char *tag, const char *problem, bool for_good);
    void *ctx;
};

#define MAILER_QUEUE_MAX 10000

/* Starts the thread. NULL on error. */
struct mailer *mailer_create(const struct mailer_config *c, struct err *e);
/* Ends the thread after the message that is under way; the others are told as not sent. NULL ok. */
void mailer_destroy(struct mailer *m);

/* One message; copied. The address was checked (auth_store_check_email); subject and text are UTF-8, the subject on one
 * line. */
struct mailer_message {
    const char *to;
    const char *subject;
    const char *text; /* lines end in LF */
    const char *html; /* the same for who reads HTML; NULL: only text */
    const char *tag;  /* given back to done */
    const char *id;   /* of its Message-ID, where it may be sent twice; NULL: drawn */
};
/* Queues it. 0, or -1 with ERR_TOO_MANY when the queue is full. Any thread. */
int mailer_send(struct mailer *m, const struct mailer_message *message, struct err *e);

#endif
