/* SPDX-License-Identifier: MIT
 *
 * Settings that admins change while the server runs (table setting): a JSON value under a key.
 */
#ifndef DROVER_INVENTORY_SETTING_STORE_H
#define DROVER_INVENTORY_SETTING_STORE_H

#include "base/clock.h"

struct arena;
struct err;
struct store;

#define SETTING_SITE "site" /* the site's name, logo, menu entries and links */
#define SETTING_MAIL "mail" /* how far the sources of notices came (server/notice/); nobody sets it */
/* "reportMail:ana": whether and when a user gets weekly reports (server/report_mail_next.h). */
#define SETTING_REPORT_MAIL "reportMail:"

struct setting {
    const char *key, *value; /* value: JSON */
};

/* For command_write (core/command.h): `what` is a struct setting. 0 or -1. */
int setting_store_put(struct store *s, void *what, struct clock_now now, struct err *e);
/* The value in `a`; *out is NULL when there is none. 0 or -1. Any connection. */
int setting_store_get(struct store *s, struct arena *a, const char *key, const char **out, struct err *e);

/* Forgets the one whose key is `prefix` and `name`; one that is not there is none. The writer. 0 or -1. */
int setting_store_remove(struct store *s, const char *prefix, const char *name, struct err *e);

/* Calls `fn` for each whose key begins with `prefix`, in order; non-zero ends it and is returned. 0 or -1. Strings live
 * during the call. */
typedef int setting_store_fn(void *ctx, const char *key, const char *value);
int setting_store_each(struct store *s, const char *prefix, setting_store_fn *fn, void *ctx, struct err *e);

#endif
