/* SPDX-License-Identifier: MIT
 *
 * Passwords: argon2id by libsodium (64 MiB, 2 passes). Hashing costs 0.2 s and 64 MiB, so a gate lets two run at once,
 * a bounded number wait, and the rest is refused: else logins alone could take the machine down (S6).
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

/* A gate that runs `parallel` hashes at once and lets `waiting` callers queue. NULL on out of memory. */
struct password_gate *password_gate_create(unsigned parallel, unsigned waiting);
/* No call may be in progress. NULL ok. */
void password_gate_destroy(struct password_gate *g);
/* Length in characters, valid UTF-8 without control characters, not on the list of common ones, not the user name.
 * 0, or -1 with ERR_INVALID_PARAMETERS. `user` may be NULL. Any thread. */
int password_check_rules(const char *password, const char *user, struct err *e);
/* "$argon2id$..." into `out`. Blocks while the gate is full; ERR_TOO_MANY when too many wait. Any thread. */
int password_hash(struct password_gate *g, const char *password, char out[PASSWORD_HASH_SIZE], struct err *e);
/* Sets *ok to whether the password matches. `hash` NULL = unknown user: does the same work against a dummy and sets
 * false. *rehash (may be NULL): matches, but was made with weaker settings. 0, or -1 with ERR_TOO_MANY. Any thread. */
int password_verify(struct password_gate *g, const char *hash, const char *password, bool *ok, bool *rehash,
                    struct err *e);

#endif
