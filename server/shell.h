/* SPDX-License-Identifier: MIT
 *
 * Shells in running tasks, over WebSockets. A thread for each, few as they are; the terminal, or the socket pair in its
 * place, is ours, so that nothing privileged handles its bytes.
 *
 *   client ◄─frames─► this thread ◄─bytes─► terminal or socket ◄─► the process in the task
 *                        └────── enter.h: started, ended, signals ──────┘
 *
 * Each has a record in the audit log when it begins (101) and when it ends (200, or why it could not begin, or was
 * ended). It ends when the login that it began with does not hold any more: asked every SHELL_ASK_MS.
 */
#ifndef DROVER_SERVER_SHELL_H
#define DROVER_SERVER_SHELL_H

#include <stdbool.h>

struct audit;
struct err;
struct identity;
struct request;
struct shells;

#define SHELLS_MAX 64
#define SHELLS_PER_USER 8
#define SHELL_ASK_MS 2000

/* What to start. Borrowed. */
struct shell_order {
    const char *attempt; /* id of the task attempt */
    const char *command; /* "" = an interactive shell */
    const char *ssh;     /* keys of whom sshd lets in, a line each (shell_ssh.h); "" = no sshd, but the command */
    bool tty;
    const char *term; /* TERM of a terminal */
    int rows, columns;
};

/* Borrowed, all of it. */
struct shells_config {
    const char *data; /* the data folder */
    struct audit *audit;
    bool (*stands)(void *ctx, const struct identity *who); /* whether the login still holds; NULL = it does */
    void *ctx;
    /* Whoever types uses the portal's session, which must not end under their hands; NULL = nobody is told. */
    void (*used)(void *used_ctx, const struct identity *who);
    void *used_ctx;
};

/* NULL on out of memory. */
struct shells *shells_create(const struct shells_config *c);
/* Answers a request for an upgrade to a WebSocket. 0, or -1: ERR_BAD_REQUEST (no such request), ERR_TOO_MANY. */
int shells_reply(struct shells *s, struct request *r, const struct shell_order *o, struct err *e);
/* Ends all, telling their clients (close code 1001), and refuses new ones; returns when all are gone. NULL ok. */
void shells_close(struct shells *s);
/* After http_server_destroy. NULL ok. */
void shells_destroy(struct shells *s);

#endif
