/* SPDX-License-Identifier: MIT
 *
 * The weekly report by mail: who asks for it, and which is due. One setting (SETTING_REPORT_MAIL) has a row of each
 * user who asks: the day of the week and the hour (UTC), and up to when theirs have been sent. Looks at the database,
 * and no more.
 */
#ifndef DROVER_SERVER_REPORT_MAIL_NEXT_H
#define DROVER_SERVER_REPORT_MAIL_NEXT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct arena;
struct err;
struct store;

/* What one user asks for. */
struct report_mail_wish {
    const char *user;
    bool on;
    int weekday, hour; /* 0 = Sunday; 0..23, UTC */
    int64_t sent_ms;   /* reports up to this moment are sent, or were never asked for */
};

/* The newest moment of that day and hour that is not ahead of `now_ms`. */
int64_t report_mail_moment(int weekday, int hour, int64_t now_ms);
/* What the user asks for; `on` is false where that is nothing. 0 or -1. */
int report_mail_get(struct store *s, const char *user, struct report_mail_wish *out, struct err *e);
/* For command_write (core/command.h): `what` is the user's new struct report_mail_wish, but for sent_ms. The first
 * report comes at the next such moment. ERR_TOO_MANY. */
int report_mail_put(struct store *s, void *what, struct clock_now now, struct err *e);
/* The same: `what` is a wish whose sent_ms is noted; of who asks no more nothing is. */
int report_mail_note(struct store *s, void *what, struct clock_now now, struct err *e);

struct report_mail_asking {
    struct store *store; /* a reader */
    struct arena *arena;
    const char *public_url; /* of the portal; "" = not known */
    int64_t now_ms;
    const char *after; /* only users behind this one; NULL: all */
};

/* A report to be sent, and what is to be noted then. Strings in the arena. */
struct report_mail_letter {
    const char *to; /* NULL: there is nobody any more, or no address; only to be noted */
    const char *subject, *text, *html;
    const char *id; /* the same whenever it is sent */
    struct report_mail_wish wish;
};

/* The next that is due: of the week before its moment. Of several weeks that were missed only the last. 1, 0: none, or
 * -1 with `e`. */
int report_mail_next(const struct report_mail_asking *q, struct report_mail_letter *out, struct err *e);

#endif
