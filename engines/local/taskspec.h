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
#include "inventory/resources.h"

struct err;

#define TASKSPEC_MAX (8u * 1024u * 1024u)
#define TASKSPEC_ENV_MAX 4096u
#define TASKSPEC_DEVICES_MAX 128u
#define TASKSPEC_MOUNTS_MAX 64u
#define TASKSPEC_PLAIN_MAX 256u /* bytes of a plain script, with its NUL */

/* A folder of the node to be seen by the task: both paths absolute. */
struct taskspec_mount {
    const char *source, *target;
    bool read_only;
};

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
    bool plain;       /* one command of plain words, parted by spaces: it needs no shell (local_plain.h) */
    const char **env; /* "KEY=value", NULL-terminated; the whole environment of the task */
    size_t env_count;
    const char *user;                 /* of Drover; the spawner knows as whom that runs */
    int64_t guards;                   /* enum level_guard bits that it is to get, no more and no fewer */
    int64_t memory_mb;                /* limits; 0 = none */
    int64_t cpus, pids, shm_mb, hold; /* the last: enum engine_hold; then `shell` is the holder (hold.h) */
    int64_t log_mb;                   /* each of its logs takes so much; 0 = no limit */
    bool no_network;                  /* only a loopback of its own */
    const char *rootfs;               /* image: folder that becomes the task's /, or NULL */
    const char *checkpoint;           /* name of the user's folder that outlives the job, or NULL */
    const char *code; /* name of the archive in DATA/code/jobs that is unpacked into its folder, or NULL */
    size_t device_count, mount_count;
    const char *devices[TASKSPEC_DEVICES_MAX];             /* paths of the character devices of its GPUs */
    struct taskspec_mount mounts[TASKSPEC_MOUNTS_MAX + 1]; /* one more for the checkpoint's */
};

/* The spec as a sealed, close-on-exec memfd; the caller closes it. -1 with the error. */
int taskspec_to_fd(const struct taskspec *t, struct err *e);
/* Maps `fd` (checked to be sealed and not too big; may be closed afterwards) and decodes it. The mapping and t->env
 * stay until the process ends. 0 or -1. */
int taskspec_from_fd(int fd, struct taskspec *t, struct err *e);
/* Decodes `len` bytes; the strings of `t` point into them, t->env is malloc'ed. 0 or -1. */
int taskspec_decode(const uint8_t *data, size_t len, struct taskspec *t, struct err *e);

#endif
