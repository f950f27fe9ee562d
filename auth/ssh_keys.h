/* SPDX-License-Identifier: MIT
 *
 * The public keys of ssh that a user keeps here. They stand where OpenPAI's portal writes them, in the user's
 * extension: "sshKeys": [{"title": T, "value": K, "time": MS}, ...]; so its clients read and write them as they are.
 */
#ifndef DROVER_AUTH_SSH_KEYS_H
#define DROVER_AUTH_SSH_KEYS_H

#include <stdint.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/ssh_key.h"

struct err;
struct store;

#define SSH_KEYS_MAX 16        /* of one user */
#define SSH_KEYS_TITLE_MAX 100 /* bytes of a title */

/* One key. Borrowed. */
struct ssh_keys_entry {
    const char *title; /* "" where a client gave none */
    const char *key;   /* as ssh_key_read gives it */
    int64_t time_ms;   /* 0 = not known */
};

/* Whether an extension's keys, if it has some, are keys. 0, or -1 with ERR_INVALID_PARAMETERS. Any thread. */
int ssh_keys_check(const cJSON *extension, struct err *e);
/* Each of the keys in an extension's text, in order; what is none is left out. A non-zero answer ends it and is
 * returned; else 0. Any thread. */
int ssh_keys_each(const char *extension, int (*take)(void *ctx, const struct ssh_keys_entry *k), void *ctx);

/* One key set or removed. */
struct ssh_keys_write {
    const char *user, *title;
    const char *key; /* as ssh_key_read gives it; NULL: removed */
};
/* A command_write_fn; `what` is a struct ssh_keys_write. ERR_NO_USER, ERR_NO_SSH_KEY, ERR_INVALID_PARAMETERS for one
 * too many. 0 or -1. */
int ssh_keys_write(struct store *s, void *what, struct clock_now now, struct err *e);

#endif
