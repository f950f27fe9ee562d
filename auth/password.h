/* SPDX-License-Identifier: MIT
 *
 * Passwords: argon2id by libsodium (64 MiB, 2 passes). A hash costs 0.2 s and 64 MiB, so it never runs on a thread that
 * serves others: a gate with two threads and a bounded queue runs them (S6), and refuses the rest.
 */
#ifndef DROVER_AUTH_PASSWORD_H
#define DROVER_AUTH_PASSWORD_H

#include <stdbool.h>
#include <stddef.h>

struct err;
struct password_gate;

#define PASSWORD_MIN 8
#define PASSWORD_MAX 128
#define PASSWORD_HASH_SIZE 128 /* crypto_pwhash_STRBYTES */

/* Characters (8 to 128), valid UTF-8, no control characters, not on the list of common ones, not the user name with or
 * without digits behind it. 0, or -1 with ERR_INVALID_PARAMETERS. `user` may be NULL. Any thread. */
int password_check_rules(const char *password, const char *user, struct err *e);
/* "$argon2id$..." into `out`. Slow. 0 or -1. Any thread. */
int password_hash(const char *password, char out[PASSWORD_HASH_SIZE], struct err *e);
/* Whether the password matches. `hash` NULL = unknown user: does the same work on a dummy and says no. *rehash (may be
 * NULL): it matches, but the hash was made with weaker settings. Slow. Any thread. */
bool password_verify(const char *hash, const char *password, bool *rehash);

/* A gate with `threads` threads that lets `waiting` calls queue. NULL on error. */
struct password_gate *password_gate_create(unsigned threads, unsigned waiting, struct err *e);
/* Runs what is queued and ends the threads; calls from now on are refused. Once. NULL ok. */
void password_gate_close(struct password_gate *g);
/* As password_gate_close, if that was not called; then frees. NULL ok. */
void password_gate_destroy(struct password_gate *g);
/* Queues a call of fn(ctx), which hashes or verifies, then goes on (request_resume, a command to the core). 0, or -1
 * with ERR_TOO_MANY when the queue is full; fn is then not called. Any thread. */
int password_gate_run(struct password_gate *g, void (*fn)(void *ctx), void *ctx, struct err *e);

#endif
