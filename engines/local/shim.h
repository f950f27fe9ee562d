/* SPDX-License-Identifier: MIT
 *
 * drover-shim: one process for one task attempt. It owns the task's output and exit status and, through its keeper
 * (task.h), the task's process tree, and outlives the server and the spawner.
 *
 *   SETUP ──exec──► RUN ──main process gone──► SWEEP ──no child left──► DRAIN ──end of pipes──► exit file ──► gone
 *                    └──── STOP: TERM, grace, KILL ────┘
 *
 * Where a debug reservation was asked for and the command has failed, its sandbox stays before SWEEP: DRAIN and an exit
 * file that says so (`held`) come first, and at the very end another one that does not.
 */
#ifndef DROVER_ENGINES_LOCAL_SHIM_H
#define DROVER_ENGINES_LOCAL_SHIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "engines/local/record.h"
#include "engines/local/taskspec.h"

struct err;
struct proto_msg;

#define SHIM_PEERS 4
#define SHIM_CHUNK 65536u
#define SHIM_LOG_TAIL 131072u /* of what goes beyond a log's cap: kept to the end */

enum { SHIM_OUT, SHIM_ERR, SHIM_ALL, SHIM_LOGS };

/* One log file, made when its first byte comes. Pure data; zero but for the first four. */
struct shim_log {
    int dir;
    const char *name;
    int fd;         /* O_APPEND; -1 = there is no file yet */
    int64_t bytes;  /* in the file */
    int64_t cap;    /* bytes; 0 = none */
    int64_t beyond; /* bytes that came after the cap */
    char *tail;     /* ring with the newest of those, SHIM_LOG_TAIL bytes; NULL before the first */
    size_t at, kept;
};

/* Stores bytes, or some of them: how many; 0 when the file cannot be written, with errno. */
size_t shim_log_put(struct shim_log *g, const char *data, size_t len);
/* The task has ended: what was kept beyond the cap goes into the file, behind a mark. How many bytes are left out. */
int64_t shim_log_end(struct shim_log *g);

/* The task's output: two pipes read, three files written. One chunk is in flight at most, so a slow or full disk makes
 * the task wait and nothing is lost. */
struct shim_io {
    int pipes[2]; /* read ends of stdout and stderr; -1 after their end */
    struct shim_log logs[SHIM_LOGS];
    char *chunk;           /* SHIM_CHUNK bytes */
    size_t len;            /* bytes of the chunk in flight */
    int source;            /* SHIM_OUT or SHIM_ERR: where it came from */
    size_t done[2];        /* how much of it is in its own file, in `all` */
    int64_t blocked_since; /* monotonic ms when writing began to fail; 0 = it works */
    int64_t lost;          /* bytes that are not in `all` */
    bool closed;           /* the logs have ended: what comes now is for nobody */
};

/* Log files (in `dirfd`, which stays open) for what comes out of the pipes, whose read ends it takes over; each takes
 * `cap` bytes (0 = any number) and what shim_log_end adds. 0 or -1. */
int shim_io_open(struct shim_io *io, int dirfd, const int pipes[2], int64_t cap, struct err *e);
/* Takes what pipe `source` holds, at most one chunk, and stores it. True when there may be more at once. */
bool shim_io_pump(struct shim_io *io, int source);
/* Tries again to store the chunk in flight. True when it is stored. */
bool shim_io_flush(struct shim_io *io);
/* Gives up on what cannot be stored and counts it. */
void shim_io_discard(struct shim_io *io);
/* Whether both pipes have ended and everything is stored. */
bool shim_io_done(const struct shim_io *io);
/* After everything was taken: ends the logs and makes the files durable. */
void shim_io_end(struct shim_io *io);

/* The control socket and its connections. */
struct shim_ctl {
    int listener;          /* -1: not asked for yet (shim_call.h) */
    int peers[SHIM_PEERS]; /* -1 = free */
};

/* Begins with `first`, a connected socket made by the engine, or -1. */
void shim_ctl_open(struct shim_ctl *c, int first);
/* Listens on `ctl` in `dirfd`, unless it does; where that cannot be made, whoever asked asks again. */
void shim_ctl_listen(struct shim_ctl *c, int dirfd);
/* Takes a new connection; strangers are dropped, the oldest makes room. Its index, or -1. */
int shim_ctl_accept(struct shim_ctl *c);
/* Next message of one peer: 1, or 0 when there is none (a dead or senseless peer is dropped). */
int shim_ctl_read(struct shim_ctl *c, int peer, struct proto_msg *m);
/* Sends to one peer or (-1) to all. Never blocks. */
void shim_ctl_send(struct shim_ctl *c, int peer, const struct proto_msg *m);

/* The holder of a task whose sandbox may stay (shim_hold.c). */
struct shim_hold {
    enum {
        SHIM_HOLD_NONE,
        SHIM_HOLD_AWAITED,
        SHIM_HOLD_RUNS,
        SHIM_HOLD_ASKS,
        SHIM_HOLD_GIVES,
        SHIM_HOLD_STAYS,
    } state;
    int fd;         /* its connection, first the socket that it connects to; -1 */
    bool image;     /* it stands in one */
    bool give;      /* the GPUs are to be given back */
    pid_t keeper;   /* of the task */
    pid_t pid;      /* its own */
    int32_t status; /* of the command, from ASKS on */
    int64_t till;   /* GIVES: monotonic ms; then it is given up */
};

/* What came of the holder. ENDED: the command did; shim_hold_keep or shim_hold_drop is due. KEPT: the sandbox stays.
 * GONE: there is no holder any more. */
enum shim_hold_news { SHIM_HOLD_NOTHING, SHIM_HOLD_ENDED, SHIM_HOLD_KEPT, SHIM_HOLD_GONE };

/* Waits for the holder of the keeper's task from now on; where that cannot be, the task runs without. */
void shim_hold_open(struct shim_hold *h, const struct taskspec *spec, pid_t keeper);
/* No sandbox is kept: the holder, if there is one, ends as its command did, or has. */
void shim_hold_drop(struct shim_hold *h);
/* Its descriptor can be read. */
enum shim_hold_news shim_hold_hear(struct shim_hold *h);
/* ASKS: the sandbox is to stay. */
void shim_hold_keep(struct shim_hold *h);
/* Whether a process is below the keeper and no part of the way from there to the holder. */
bool shim_hold_other(const struct shim_hold *h, pid_t pid);
/* ASKS: writes down what is in the sandbox (collected.h), in the attempt's folder. What cannot be written is lost. */
void shim_collect(const struct shim_hold *h, const struct taskspec *spec, int dir, int64_t started_ms);

#endif
