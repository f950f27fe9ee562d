/* SPDX-License-Identifier: MIT
 *
 * Idempotency keys of submissions (table idempotency): a client that does not know whether its submission arrived sends
 * it again with the same key, and gets the answer of the first. A key is its user's own and is kept for a day.
 */
#ifndef DROVER_JOBS_SUBMIT_KEY_H
#define DROVER_JOBS_SUBMIT_KEY_H

#include <stdint.h>

#include "base/id.h"
#include "jobs/job.h"

struct err;
struct store;

#define SUBMIT_KEY_MAX 255
#define SUBMIT_KEY_HASH 32
#define SUBMIT_KEY_LIFE_MS ((int64_t)24 * 60 * 60 * 1000)

/* A key as it was sent, with the SHA-256 of the request that it came with. Strings are borrowed. */
struct submit_key {
    const char *user, *key;
    unsigned char hash[SUBMIT_KEY_HASH];
};

/* The job that was accepted under a key. */
struct submit_before {
    unsigned char hash[SUBMIT_KEY_HASH]; /* of the request */
    char job_id[ID_SIZE];
    char full_name[JOB_FULL_NAME_SIZE];
};

/* 1 to 255 printable ASCII characters. 0, or -1 with ERR_INVALID_PARAMETERS. */
int submit_key_check(const char *key, struct err *e);
/* What stands under the user's key. 1 found, 0 not (or too old), -1 error. */
int submit_key_find(struct store *s, const struct submit_key *k, int64_t now_ms, struct submit_before *out,
                    struct err *e);
/* Keeps the key for an accepted job, and forgets keys that are too old. 0 or -1. */
int submit_key_put(struct store *s, const struct submit_key *k, const char *job_id, int64_t now_ms, struct err *e);

#endif
