/* SPDX-License-Identifier: MIT
 *
 * drover-holder: where a debug reservation was asked for, the parent of a task's command, in the same container, with
 * the same user, variables, limits and folder. When the command has failed it stays, and the sandbox with it: what
 * enters a task (warden.h) then finds the holder where it found the command.
 *
 *   keeper ──► holder ──► command          (in an image: keeper ──► runc or bubblewrap ──► holder ──► command)
 *
 * It is nobody's privilege: the engine names it as the shell of the task. It reaches the shim by a socket in the
 * abstract name space, which needs no way through the sandbox:
 *
 *   holder -> shim   its connection, before the command starts; the command's wait status (int32_t); one more int32_t
 *                    when what HOLD_GIVE asks for is done
 *   shim -> holder   one byte: HOLD_KEEP or HOLD_GIVE; the end of the socket is the end of the holder, which then ends
 *                    as its command did
 *
 * Without the shim it is as if the command had been started without it.
 */
#ifndef DROVER_ENGINES_LOCAL_HOLD_H
#define DROVER_ENGINES_LOCAL_HOLD_H

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#define HOLD_PROGRAM "drover-holder"
#define HOLD_KEEP 'K' /* all that runs in the sandbox goes on */
#define HOLD_GIVE 'G' /* its GPUs are given back: what runs in it ends, and its variables name none */

/* The socket's address, out of the attempt's nonce, which only its shim and its task know before it is bound. */
static inline socklen_t hold_address(struct sockaddr_un *a, const char *nonce)
{
    memset(a, 0, sizeof(*a));
    a->sun_family = AF_UNIX;
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 +
                       (size_t)snprintf(a->sun_path + 1, sizeof(a->sun_path) - 1, "drover-hold/%.64s", nonce));
}

#endif
