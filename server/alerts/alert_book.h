/* SPDX-License-Identifier: MIT
 *
 * All alerts and silences there are, and how they go on with time:
 *
 *   seen ─► pending ─(for so long)─► firing ─(not seen)─► resolved, kept for some minutes for who is told of ends
 *              └─(not seen)─► gone
 *
 * Alerts of others (Prometheus) fire until the time they were sent with. Each change is also a record, for the
 * database. Time is given; no thread of its own: one at a time.
 */
#ifndef DROVER_SERVER_ALERTS_ALERT_BOOK_H
#define DROVER_SERVER_ALERTS_ALERT_BOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "server/alerts/alert_rule.h"
#include "server/alerts/alert_text.h"

struct alert_book;
struct alert_silence;
struct err;

enum { ALERT_USER_MAX = 128, ALERTS_MAX = 10000, ALERTS_FOREIGN_MAX = 1000, SILENCES_MAX = 500 };
#define ALERT_RESOLVED_KEPT_MS (INT64_C(5) * 60 * 1000)
#define SILENCES_KEPT_MAX 4000                          /* more, and those that are over are forgotten at once */
#define SILENCE_KEPT_MS (INT64_C(5) * 24 * 3600 * 1000) /* after its end, as Alertmanager */

enum alert_state { ALERT_PENDING, ALERT_FIRING, ALERT_RESOLVED };

/* One alert. Read-only outside the book. */
struct alert {
    struct alert *next;
    char print[ALERT_PRINT_SIZE]; /* of its labels */
    struct alert_text *text;
    int rule; /* in the settings; -1: of others */
    enum alert_state state;
    char severity[16], user[ALERT_USER_MAX]; /* user: whose job it is about; "" = admins only */
    int64_t since_ms, starts_ms;             /* seen, firing */
    int64_t ends_ms;                         /* resolved; of others: when it ends by itself */
    int64_t updated_ms;
    bool seen;                 /* in this look */
    bool restored;             /* from before a restart, and not seen since */
    bool written;              /* a record says that it fires */
    bool told;                 /* one says so and is not silenced */
    char silenced_by[ID_SIZE]; /* "" = it is not */
    uint64_t silences;         /* the book's print when that was found out */
};

/* What a look sees. */
struct alert_seen {
    int rule;
    enum alert_severity severity;
    int for_s;
    const struct alert_pair *labels; /* but alertname and severity */
    int label_count;
    const char *summary, *description, *user; /* user: NULL = admins only */
    const char *name;
};

/* A row of table alert, and one of alert_change. */
struct alert_record {
    struct alert_record *next;
    struct alert_text *text;
    bool gone; /* the row of table alert goes, else it is put */
    bool tell; /* alert_change gets a row */
    enum alert_state state;
    bool foreign, told, silenced;
    char rule[ALERT_NAME_MAX], severity[16], user[ALERT_USER_MAX];
    int64_t time_ms, since_ms, starts_ms, ends_ms;
};

/* NULL on out of memory. */
struct alert_book *book_create(const struct alert_settings *settings);
/* NULL ok. */
void book_destroy(struct alert_book *b);

/* An alert as it was before a restart; that it is not seen is no end of it until the time that book_settle says. Takes
 * a hold of the text. 0, or -1 on out of memory. */
int book_restore(struct alert_book *b, const struct alert_record *r, int64_t now_ms);
void book_settle(struct alert_book *b, int64_t at_ms);

/* A look: what is not seen between begin and end, nor held, is over. */
void book_begin(struct alert_book *b, int64_t now_ms);
void book_see(struct alert_book *b, const struct alert_seen *s);
/* What a rule looks at is not known now: all of its alerts stay as they are. */
void book_hold(struct alert_book *b, int rule);
void book_end(struct alert_book *b);

/* An alert of others, of whose text it takes a hold. 0, or -1 with the error. */
struct alert_posted {
    struct alert_text *text;
    int64_t starts_ms; /* 0: now */
    int64_t ends_ms;   /* in the past: it is over */
};
int book_take(struct alert_book *b, const struct alert_posted *p, int64_t now_ms, struct err *e);

/* Puts a silence, in the place of the one with its id; takes it over. */
void book_silence_put(struct alert_book *b, struct alert_silence *s);
/* NULL: there is none. Borrowed. */
struct alert_silence *book_silence(const struct alert_book *b, const char *id);
struct alert_silence *book_silences(const struct alert_book *b);    /* the first; newest first */
int book_silence_count(const struct alert_book *b, int64_t now_ms); /* of those that are not over */
/* The first alert of all. Borrowed until the next change. */
const struct alert *book_alerts(const struct alert_book *b);

/* The records since the last call, in their order, which the caller frees. */
struct alert_record *book_records(struct alert_book *b);
/* Frees one. NULL ok. */
void alert_record_destroy(struct alert_record *r);
/* "pending", "firing", "resolved". */
const char *alert_state_word(enum alert_state s);

#endif
