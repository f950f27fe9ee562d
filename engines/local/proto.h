/* SPDX-License-Identifier: MIT
 *
 * The one framed protocol between droverd's engine, drover-spawner and drover-shim. A message is one packet of a
 * SOCK_SEQPACKET unix socket: an 8-byte header ("DRVR", version, type) and fields of (tag, length, bytes), all
 * little-endian. The decoder trusts nothing: lengths are checked, unknown tags of our version are refused.
 *
 *   engine -> spawner  HELLO, QUIT, START (+ two descriptors: sealed spec, the shim's control socket),
 *                      ENTER (+ two: warden.h), CLEAR (no shim: end what is left), CLEAN (ended: remove its folders)
 *   spawner -> engine  HELLO, STARTED, FAILED, CLEARED
 *   engine -> shim     STOP, STATUS
 *   shim -> engine     STATE (the command runs), ENDED (text: the exit record), FAILED
 */
#ifndef DROVER_ENGINES_LOCAL_PROTO_H
#define DROVER_ENGINES_LOCAL_PROTO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/id.h"

struct buf;
struct err;

#define PROTO_VERSION 1
#define PROTO_MAX 8192u /* bytes of one packet */
#define PROTO_TEXT 4096u
#define PROTO_FDS 2

enum proto_type {
    PROTO_HELLO = 1,
    PROTO_START,
    PROTO_STARTED,
    PROTO_FAILED,
    PROTO_QUIT,
    PROTO_STOP,
    PROTO_STATUS,
    PROTO_STATE,
    PROTO_ENDED,
    PROTO_CLEAR,
    PROTO_CLEARED,
    PROTO_CLEAN,
    PROTO_ENTER,
    PROTO_TYPE_END
};

/* One message, decoded. Fields that a type does not use are zero. Plain data. */
struct proto_msg {
    int version; /* of the sender; a HELLO of another version still decodes */
    enum proto_type type;
    char attempt[ID_SIZE];
    char step[32];  /* FAILED: what failed; STOP: SHIM_STEP_DISK or nothing; CLEAR, CLEARED: TASK_STEP_DEVICES or not */
    int64_t pid;    /* HELLO: sender; STARTED: shim; STATE: main process; STOP: the signal, 0 = TERM */
    int64_t ticks;  /* start time of that process, clock ticks since boot */
    int64_t number; /* FAILED: errno; STOP: grace in ms; STATE: start in ms since 1970; HELLO of a spawner: what it can
                     * guard tasks with (level.h); CLEARED: processes that were left, -1 = its shim lives */
    size_t text_len; /* STATE and ENDED: a record (record.h); STOP with a step: why */
    char text[PROTO_TEXT];
};

/* Field level, shared with the task spec: appends one field. 0 or -1 (buf bad). */
int proto_put(struct buf *out, uint8_t tag, const void *data, size_t len);
/* Takes the next field off *p (of *left bytes). 1 with tag, data (borrowed) and len set, 0 at the end, -1 on damage. */
int proto_next(const uint8_t **p, size_t *left, uint8_t *tag, const uint8_t **data, size_t *len);

/* Writes the packet of `m` (m->version is ignored, ours is written) into `out`, at most PROTO_MAX bytes. Returns its
 * length, or 0 when it does not fit. */
size_t proto_encode(const struct proto_msg *m, uint8_t out[PROTO_MAX]);
/* Decodes one packet. 0, or -1 with `m` undefined. */
int proto_decode(const void *data, size_t len, struct proto_msg *m);

/* Sends `m` with `nfds` descriptors (borrowed) without blocking and without SIGPIPE. 0, or -1 with errno (EAGAIN: the
 * queue is full). */
int proto_send(int sock, const struct proto_msg *m, const int *fds, size_t nfds);
/* Receives one packet and its descriptors (close-on-exec; the caller closes those that are >= 0) without blocking.
 * 1 with a message; 0 when the peer is gone; -1 with errno (EAGAIN: nothing there; EBADMSG: not understood). */
int proto_recv(int sock, struct proto_msg *m, int fds[PROTO_FDS]);

/* Whether the peer of a connected unix socket runs as `uid` or root; *pid gets its pid. */
bool proto_peer_ok(int sock, uid_t uid, pid_t *pid);
/* Connects to / binds and listens on the socket `name` in the folder `dirfd`, whatever the length of its path. The
 * descriptor is non-blocking and close-on-exec; -1 with errno. Binding replaces what has that name. */
int proto_connect(int dirfd, const char *name);
int proto_listen(int dirfd, const char *name);

#endif
