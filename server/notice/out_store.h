/* SPDX-License-Identifier: MIT
 *
 * What is to be told to whom (table notice_out), the settings of users (notice_setting), and who they are.
 */
#ifndef DROVER_SERVER_NOTICE_OUT_STORE_H
#define DROVER_SERVER_NOTICE_OUT_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "server/notice/notice.h"
#include "server/notice/webhook_store.h"

struct arena;
struct err;
struct setting;
struct store;

enum { OUT_WAITING_MAX = 1000, OUT_LOG_MAX = 100, OUT_MAIL_TRIES = 300 /* a day of them */ };

/* One telling. */
struct out_row {
    int64_t position;
    const char *webhook; /* its id; NULL: by mail */
    const char *user;    /* of a mail; NULL: a webhook's */
    const char *notice;  /* the notice's id */
    enum notice_kind kind;
    bool forced; /* its job asks for it, or it is a test: told whatever is set meanwhile */
    int64_t time_ms;
    const char *data; /* body_data */
    int64_t due_ms;
    int tries;
    const char *state; /* "waiting", "sent", "failed" */
    int64_t ended_ms;  /* 0: it waits */
    int status;        /* of the receiver's last answer; 0: none */
    const char *problem;
};

/* For command_write: `what` is a struct out_queue. Each notice once for each receiver; beyond OUT_WAITING_MAX of a
 * receiver they are not kept, which a webhook's log says. */
struct out_queue {
    const struct out_row *rows; /* webhook or user, notice, kind, forced, time_ms, data, due_ms */
    size_t count;
    struct setting *state; /* noted with them; NULL: nothing */
};
int out_store_queue(struct store *s, void *what, struct clock_now now, struct err *e);

enum out_end_kind { OUT_SENT, OUT_FAILED, OUT_LATER };
/* For command_write: `what` is a struct out_end. Mails that have ended, or were tried OUT_MAIL_TRIES times, are
 * forgotten, of a webhook's the last OUT_LOG_MAX stay. */
struct out_end {
    const int64_t *positions;
    size_t count;
    enum out_end_kind kind;
    int64_t due_ms; /* LATER */
    int status;
    const char *webhook; /* NULL: mails */
    const char *problem;
};
int out_store_end(struct store *s, void *what, struct clock_now now, struct err *e);

/* Strings borrowed until it returns. What it returned when not 0, else 0 or -1. */
typedef int out_row_fn(void *ctx, const struct out_row *row);
/* The mails of whoever's one is due for longest, in order: all of that user that are due, `limit` at most. Who has one
 * that is to be tried again later waits with it; others do not. */
struct out_due {
    int64_t now_ms;
    int limit;
};
int out_store_mails(struct store *s, const struct out_due *due, out_row_fn *fn, void *ctx, struct err *e);
/* The first one that waits of each webhook, where it is due; the first OUT_USER_HEADS of a user, so that nobody's many
 * keep others' few from being among `limit`, and the site's before all users'. In each, firsts before seconds. */
enum { OUT_USER_HEADS = 4 };
typedef int out_head_fn(void *ctx, const struct out_row *row, const struct webhook *w);
int out_store_heads(struct store *s, const struct out_due *due, out_head_fn *fn, void *ctx, struct err *e);
/* A webhook's log, newest first. */
int out_store_log(struct store *s, const char *webhook, out_row_fn *fn, void *ctx, struct err *e);

/* A user's settings; the defaults where there are none. */
int out_store_rules(struct store *s, const char *user, struct rules *out, struct err *e);
/* For command_write: `what` is a struct out_rules. Mails that wait and were switched off are forgotten. */
struct out_rules {
    const char *user;
    struct rules rules;
    const char *value; /* the same as JSON */
};
int out_store_put_rules(struct store *s, void *what, struct clock_now now, struct err *e);
/* Users that may be told by mail of a matter of `user` (NULL: the admins): they have an address. */
struct out_reader {
    const char *user, *email;
    struct rules rules;
};
typedef int out_reader_fn(void *ctx, const struct out_reader *r);
int out_store_each_reader(struct store *s, const struct webhook_matter *m, out_reader_fn *fn, void *ctx, struct err *e);

#endif
