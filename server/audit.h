/* SPDX-License-Identifier: MIT
 *
 * The audit log at work (I7): one record for each call that changes something or was refused.
 *
 *   a call that reached the core ──► audit_write, in the transaction of the batch that decided it
 *   a call refused before (400, 401, 403, 404, 409, 429 ...) ──► audit_note ──► audit_write of a batch soon after
 *
 * A flood does not grow the database: of calls that nobody is logged in for, and of 429s, the first of an address
 * (IPv6: of its /64), actor and status in a minute gets its record at once, the others of that minute one record with
 * their count. At most AUDIT_SUMS such keys a minute are told apart; all beyond share one.
 */
#ifndef DROVER_SERVER_AUDIT_H
#define DROVER_SERVER_AUDIT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"
#include "core/command.h"
#include "core/effect.h"

struct audit;
struct err;
struct keys;
struct store;

#define AUDIT_SUMS 64
#define AUDIT_WAITING_MAX 4096 /* records of refused calls that wait for a batch; beyond, they are summed up, too */

/* A refused call, or one that changed nothing. Borrowed. */
struct audit_call {
    struct command_actor actor; /* user NULL: nobody */
    int status;
    enum err_code code;
    int64_t time_ms;
};

/* `keys` is borrowed. NULL on out of memory. */
struct audit *audit_create(const struct keys *keys);
/* NULL ok. */
void audit_destroy(struct audit *a);

/* Takes note of a call that has no record in the log. Any thread; never blocks on the disk. */
void audit_note(struct audit *a, const struct audit_call *call);

/* The core's thread: */

/* Finds the end of the chain. 0 or -1. */
int audit_load(struct audit *a, struct store *s, struct err *e);
/* Whether audit_write has anything to write: replies in `fx` (NULL ok), or calls noted. `last`: take the open sums,
 * too.
 */
bool audit_needed(struct audit *a, const struct effects *fx, int64_t now_ms, bool last);
/* Appends the records, inside the batch's transaction, after its rows: replies then say what became of each call.
 * 0 or -1. */
int audit_write(struct audit *a, struct store *s, const struct effects *fx, int64_t now_ms, struct err *e);
/* The transaction is on disk, or not: then what was noted waits for the next. */
void audit_end(struct audit *a, bool committed);

#endif
