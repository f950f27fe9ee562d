/* SPDX-License-Identifier: MIT
 *
 * The throttle of login attempts (reliability.md S7): pure, time is a value. Per account after 5 failures an
 * exponential delay; per account and per address 20 failures in 15 minutes. Never a permanent lock-out. The table has
 * a fixed size; the entry used longest ago makes room. Callers lock.
 */
#ifndef DROVER_AUTH_LOGIN_H
#define DROVER_AUTH_LOGIN_H

#include <stddef.h>
#include <stdint.h>

struct err;
struct login_throttle;

/* A table of `cap` accounts and as many addresses (0 = 4096). NULL on out of memory. */
struct login_throttle *login_throttle_create(size_t cap);
void login_throttle_destroy(struct login_throttle *t);
/* Asks before the password is looked at, whether the user exists or not. 0 = go on; else the seconds to wait, with
 * ERR_TOO_MANY in `e`. Counts nothing. `ip` without port. `now_ms` monotonic. */
int login_throttle_check(struct login_throttle *t, const char *user, const char *ip, int64_t now_ms, struct err *e);
/* Records a failure, before the hash is computed (so that parallel guesses count) ... */
void login_throttle_fail(struct login_throttle *t, const char *user, const char *ip, int64_t now_ms);
/* ... and takes it back when the password was right: the account's failures are forgotten, the address keeps the
 * others'. */
void login_throttle_succeed(struct login_throttle *t, const char *user, const char *ip, int64_t now_ms);

#endif
