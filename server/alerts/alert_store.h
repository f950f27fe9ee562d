/* SPDX-License-Identifier: MIT
 *
 * Rows of alerts: how they are (alert), how they came to be so (alert_change, for who tells people), and silences.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_STORE_H
#define DROVER_SERVER_ALERTS_ALERT_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct alert_record;
struct alert_silence;
struct arena;
struct err;
struct store;

#define ALERT_CHANGES_MAX 100000 /* so many are kept, the newest */

/* A change of state. Strings in the arena. */
struct alert_change {
    int64_t id, time_ms;
    const char *fingerprint, *state, *rule, *severity;
    int64_t starts_ms, ends_ms;       /* ends_ms: 0 while it fires */
    const char *labels, *annotations; /* JSON objects of strings */
    const char *user;                 /* whose job it is about; NULL = admins only */
    bool silenced;                    /* nobody is told of it */
};

/* The next change behind one, silenced or not. 1: there is one, 0: there is none, -1 with the error. */
int alert_store_next_change(struct store *reader, int64_t after_id, struct arena *a, struct alert_change *out,
                            struct err *e);

/* Which changes a list has. */
struct alert_change_filter {
    const char *user;           /* of their jobs alone; NULL = all */
    const char *rule;           /* NULL = any */
    int limit;                  /* so many at most */
    int64_t before_id;          /* 0 = from the newest */
    int64_t since_ms, until_ms; /* [since, until); 0 = open */
};
/* Newest first; gives 0 to go on, any other value ends the walk. 0 or -1. */
typedef int alert_change_fn(void *ctx, const struct alert_change *c);
int alert_store_changes(struct store *reader, const struct alert_change_filter *f, alert_change_fn *fn, void *ctx,
                        struct err *e);

/* command_write_fn: `batch` is a struct alert_batch. */
struct alert_batch {
    const struct alert_record *records;
    int64_t keep_ms; /* older changes go */
};
int alert_store_put(struct store *s, void *batch, struct clock_now now, struct err *e);

/* Each alert as it was stored. The record and its text are the walk's. 0 or -1. */
typedef int alert_record_fn(void *ctx, const struct alert_record *r);
int alert_store_each(struct store *reader, alert_record_fn *fn, void *ctx, struct err *e);

/* command_write_fn: puts one silence or two, `silences` is a NULL-terminated array of struct alert_silence; those that
 * ended long ago go. */
int alert_store_put_silences(struct store *s, void *silences, struct clock_now now, struct err *e);
/* Each silence, the oldest first, which the callee takes over. 0 or -1. */
typedef int alert_silence_fn(void *ctx, struct alert_silence *s);
int alert_store_each_silence(struct store *reader, alert_silence_fn *fn, void *ctx, struct err *e);

#endif
