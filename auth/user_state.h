/* SPDX-License-Identifier: MIT
 *
 * A user as a text, to put it back later: all that an import can change, but for logins.
 */
#ifndef DROVER_AUTH_USER_STATE_H
#define DROVER_AUTH_USER_STATE_H

#include <stdint.h>

struct buf;
struct err;
struct store;

/* Appends the user as one JSON object; nothing when there is no such user. Any connection. 0 or -1. */
int user_state_save(struct store *s, const char *name, struct buf *out, struct err *e);
/* Makes the user what the text says: adds, changes or, for "", removes. A password that comes back ends the user's
 * logins. In a transaction of the write connection. 0 or -1. */
int user_state_load(struct store *s, const char *name, const char *json, struct err *e);

#endif
