/* SPDX-License-Identifier: MIT
 *
 * Invitations: a user without a password gets a secret once, by mail or on paper, and sets the password with it. Only
 * the secret's hash is kept (table invitation), one a user; it works once and not for ever.
 */
#ifndef DROVER_AUTH_INVITATION_H
#define DROVER_AUTH_INVITATION_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity.h"
#include "base/clock.h"

struct err;
struct store;

#define INVITATION_NO_PASSWORD "!" /* column password_hash of a user who has none: nothing matches it */

struct invitation {
    const char *user;
    const char *hash; /* of the secret, hex (session_hash) */
    int64_t expires_ms;
};

#define INVITATION_MS (14 * 24 * 3600 * (int64_t)1000) /* so long it is good */
#define INVITATION_SECRET_SIZE 49                      /* hex, with its NUL */

/* A new secret and its hash. Any thread. */
void invitation_make(char secret[INVITATION_SECRET_SIZE], char hash[IDENTITY_HASH_SIZE]);
/* Keeps one, in place of the user's former one. In a transaction. 0 or -1. */
int invitation_put(struct store *s, const struct invitation *i, struct err *e);
/* Whose it is: 1 and the name; 0 for an unknown or old one, or one whose user has a password by now; or -1. Any
 * connection. */
int invitation_find(struct store *s, const char *hash, int64_t now_ms, char user[IDENTITY_USER_SIZE], struct err *e);
/* The one that is kept for a user, good or not: 1 with hash and end, 0 when there is none, or -1. Any connection. */
int invitation_get(struct store *s, const char *user, char hash[IDENTITY_HASH_SIZE], int64_t *expires_ms,
                   struct err *e);
/* Forgets the user's, if there is one. In a transaction. 0 or -1. */
int invitation_drop(struct store *s, const char *user, struct err *e);
/* Notes how the mail went. `what` is a struct invitation_sent. For COMMAND_WRITE. */
struct invitation_sent {
    const char *hash;
    const char *problem; /* NULL: it was sent */
};
int invitation_write_sent(struct store *s, void *what, struct clock_now now, struct err *e);
/* Sets the password and ends the invitation. `what` is a struct invitation_accept. ERR_INVALID_PARAMETERS when it is
 * not there any more. For COMMAND_WRITE. */
struct invitation_accept {
    char hash[IDENTITY_HASH_SIZE];
    char user[IDENTITY_USER_SIZE]; /* set */
    const char *password_hash;
};
int invitation_write_accept(struct store *s, void *what, struct clock_now now, struct err *e);

/* Another invitation for a user who has no password yet, in place of the former. `what` is a struct invitation_again.
 * ERR_NO_USER; ERR_CONFLICT_USER for one who has a password. For COMMAND_WRITE. */
struct invitation_again {
    const char *user;
    char hash[IDENTITY_HASH_SIZE];
    bool need_email;
    char email[256]; /* set */
};
int invitation_write_again(struct store *s, void *what, struct clock_now now, struct err *e);

#endif
