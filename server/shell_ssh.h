/* SPDX-License-Identifier: MIT
 *
 * A shell's WebSocket that carries ssh: what runs in the task is Debian's sshd, for that one connection, as the task's
 * user (server/ssh/enter.sh, server/ssh/user.c; both are embedded). Who may in is decided before, as with any shell;
 * the keys only let the client prove to sshd that it is the one who asked.
 */
#ifndef DROVER_SERVER_SHELL_SSH_H
#define DROVER_SERVER_SHELL_SSH_H

struct buf;
struct err;

/* The command for the task's shell that lets in whoever has one of `keys` (lines as ssh_key_check wants them), and the
 * bytes that it reads before the client's. 0 or -1. */
int shell_ssh_order(const char *keys, struct buf *command, struct buf *first, struct err *e);

#endif
