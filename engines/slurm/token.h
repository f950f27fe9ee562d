/* SPDX-License-Identifier: MIT
 *
 * Tokens for slurmrestd: signed with the cluster's key (HS256, claims exp, iat and sun, as `scontrol token` makes
 * them), or read from a file that the site keeps fresh.
 */
#ifndef DROVER_ENGINES_SLURM_TOKEN_H
#define DROVER_ENGINES_SLURM_TOKEN_H

#include <stddef.h>
#include <stdint.h>

struct err;

#define TOKEN_MAX 4096
#define TOKEN_LIFE_S 1800 /* of those that we sign */

/* The cluster's key, and whose token is signed with it. */
struct token_key {
    const void *bytes;
    size_t len;
    const char *user;
};

/* Writes a token as of `now_s` (seconds since 1970) into `out`. 0, or -1 with the error. Any thread. */
int token_sign(const struct token_key *key, int64_t now_s, char out[TOKEN_MAX + 1], struct err *e);
/* As above with the key in the file `key_file`, which is wiped from memory afterwards. */
int token_from_key(const char *key_file, const char *user, int64_t now_s, char out[TOKEN_MAX + 1], struct err *e);
/* The first line of `token_file`, which may begin with "SLURM_JWT=", as scontrol prints it. 0, or -1 with the error, as
 * for what is no token. */
int token_from_file(const char *token_file, char out[TOKEN_MAX + 1], struct err *e);

#endif
