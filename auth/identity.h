/* SPDX-License-Identifier: MIT
 *
 * Who is calling: what a checked token or session says, with rights as the database has them now. Pure data
 * without pointers: auth/identity_cache.h keeps copies.
 */
#ifndef DROVER_AUTH_IDENTITY_H
#define DROVER_AUTH_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>

#define IDENTITY_USER_SIZE 65 /* JOB_USER_MAX and a NUL */
#define IDENTITY_HASH_SIZE 65 /* SHA-256 in hex and a NUL */

enum identity_kind {
    IDENTITY_NONE,    /* not logged in; every other field is then zero */
    IDENTITY_TOKEN,   /* Authorization: Bearer or Basic */
    IDENTITY_SESSION, /* the portal's cookie */
};

/* Zero-initialise: that is a caller who is not logged in. */
struct identity {
    enum identity_kind kind;
    char user[IDENTITY_USER_SIZE];
    bool admin;                    /* read from table user at this request, never from the token */
    bool application;              /* an application token: fewer routes */
    bool read_only;                /* an application token that may only GET */
    char hash[IDENTITY_HASH_SIZE]; /* key of the row in table token: SHA-256 of the token or session id, hex */
    int64_t created_ms;            /* wall; issue of the token or start of the session */
    int64_t expires_ms;            /* wall; 0 = never */
    bool touch;                    /* the row's last use is old: record this one (auth_store_touch) */
};

#endif
