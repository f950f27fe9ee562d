/* SPDX-License-Identifier: MIT
 *
 * The portal's session: a random id in a cookie; the database keeps its SHA-256 (table token, kind 'session'). Also
 * the reading of the Authorization and Cookie headers.
 */
#ifndef DROVER_AUTH_SESSION_H
#define DROVER_AUTH_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"

#define SESSION_IDLE_MS (30 * 60 * 1000LL)
#define SESSION_MAX_MS (12 * 60 * 60 * 1000LL)
#define SESSION_TOUCH_MS (60 * 1000LL) /* a use is recorded when the last recorded one is older than this */
#define SESSION_ID_SIZE 65             /* 32 random bytes in hex and a NUL */
#define SESSION_COOKIE_SIZE 256

/* A fresh id into `out`. Any thread. */
void session_make_id(char out[SESSION_ID_SIZE]);
/* SHA-256 of `len` bytes in lower-case hex: the key of table token, for tokens and sessions. */
void session_hash(const char *secret, size_t len, char out[IDENTITY_HASH_SIZE]);
/* Value of Set-Cookie. `secure`: behind TLS, cookie `__Host-drover`; else `drover`. `id` NULL clears the cookie. */
void session_cookie(const char *id, bool secure, char out[SESSION_COOKIE_SIZE]);
/* Reads our cookie out of a Cookie header (foreign, may be NULL) into `out`. True when it is there once and has the
 * form of an id. */
bool session_parse_cookie(const char *header, bool secure, char out[SESSION_ID_SIZE]);
/* Whether a session of that age is still alive at `now_ms` (wall). */
bool session_alive(int64_t created_ms, int64_t used_ms, int64_t now_ms);

#endif
