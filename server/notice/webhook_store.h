/* SPDX-License-Identifier: MIT
 *
 * Webhooks, of users and of the site (table webhook).
 */
#ifndef DROVER_SERVER_NOTICE_WEBHOOK_STORE_H
#define DROVER_SERVER_NOTICE_WEBHOOK_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"
#include "server/notice/body.h"
#include "server/notice/rules.h"

struct err;
struct store;

enum { WEBHOOK_NAME_MAX = 64, WEBHOOKS_OF_USER = 10, WEBHOOKS_OF_SITE = 20 };

struct webhook {
    const char *id;   /* a UUID */
    const char *user; /* NULL: the site's */
    const char *name, *url;
    enum body_shape shape;
    unsigned kinds; /* it listens to, as bits of enum notice_kind */
    bool quiet;     /* the user's quiet hours hold for it */
    bool enabled;
    const void *secret; /* sealed, with webhook_context */
    size_t secret_len;
    int64_t created_ms;
};

#define WEBHOOK_CONTEXT_SIZE 256
/* What its secret is sealed for: whose it is, and its name. */
void webhook_context(const struct webhook *w, char out[WEBHOOK_CONTEXT_SIZE]);
/* Letters, digits, '_', '-', '.'; no dot first. */
bool webhook_name_ok(const char *name);

/* Strings and the secret are borrowed until it returns. */
typedef int webhook_fn(void *ctx, const struct webhook *w);
struct webhook_which {
    const char *user; /* NULL: the site's */
    const char *name; /* NULL: all of them, by name */
};
/* What `fn` returned when not 0, else 0 or -1. Of one by name: ERR_NO_WEBHOOK where there is none. Any connection. */
int webhook_store_each(struct store *s, const struct webhook_which *which, webhook_fn *fn, void *ctx, struct err *e);

/* Those that may hear of a matter of `user` (NULL: the admins'), the site's too, each with its user's rules. */
typedef int webhook_listener_fn(void *ctx, const struct webhook *w, const struct rules *r);
struct webhook_matter {
    const char *user;
    int64_t now_ms;
};
int webhook_store_each_listener(struct store *s, const struct webhook_matter *m, webhook_listener_fn *fn, void *ctx,
                                struct err *e);

/* For command_write: `what` is a struct webhook_write. PUT makes or changes one, of which the secret stays but where
 * `renew` says otherwise; what waits for it and it no longer listens to is given up. */
struct webhook_write {
    struct webhook row; /* user and name; PUT: all of it */
    bool renew;
    bool shown; /* set: the secret of `row` is in force */
};
int webhook_store_put(struct store *s, void *what, struct clock_now now, struct err *e);
int webhook_store_remove(struct store *s, void *what, struct clock_now now, struct err *e);

#endif
