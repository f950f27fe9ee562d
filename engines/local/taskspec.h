/* SPDX-License-Identifier: MIT
 *
 * What a shim needs to run one task attempt, written by the engine into a sealed memfd (so that neither the
 * environment nor the script, which hold secrets, pass over a command line or a shared file).
 */
#ifndef DROVER_ENGINES_LOCAL_TASKSPEC_H
#define DROVER_ENGINES_LOCAL_TASKSPEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/id.h"
#include "inventory/node.h"

struct err;

#define TASKSPEC_MAX (8u * 1024u * 1024u)
#define TASKSPEC_ENV_MAX 4096u

/* One task to run. Strings are borrowed: from the engine's arena when encoding, from the mapping when decoding. */
struct taskspec {
    char attempt[ID_SIZE];
    char nonce[33];
    char boot[40];
    bool on_host;
    int gpu_count;
    int gpus[NODE_GPU_MAX];
    const char *shell;  /* absolute path of the program that runs the script */
    const char *script; /* its text */
    size_t script_len;
    const char **env; /* "KEY=value", NULL-terminated; the whole environment of the task */
    size_t env_count;
};

/* The spec as a sealed, close-on-exec memfd; the caller closes it. -1 with the error. */
int taskspec_to_fd(const struct taskspec *t, struct err *e);
/* Maps `fd` (checked to be sealed and not too big; may be closed afterwards) and decodes it. The mapping and t->env
 * stay until the process ends. 0 or -1. */
int taskspec_from_fd(int fd, struct taskspec *t, struct err *e);
/* Decodes `len` bytes; the strings of `t` point into them, t->env is malloc'ed. 0 or -1. */
int taskspec_decode(const uint8_t *data, size_t len, struct taskspec *t, struct err *e);

#endif
