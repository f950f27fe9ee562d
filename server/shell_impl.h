/* SPDX-License-Identifier: MIT
 *
 * Inside shell.c (who may, and their life) and shell_run.c (a shell's thread).
 */
#ifndef DROVER_SERVER_SHELL_IMPL_H
#define DROVER_SERVER_SHELL_IMPL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "auth/identity.h"
#include "base/err.h"
#include "server/audit.h"
#include "server/http/reply.h"
#include "server/shell.h"

struct shells {
    struct shells_config config;
    int stop;             /* an eventfd: readable when all are to end */
    pthread_mutex_t turn; /* enter_order.turn */
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct shell *first; /* those promised and those that run */
    unsigned count, running;
    bool closing;
};

struct shell {
    struct shells *home;
    struct shell *next;
    struct shell_order order;
    struct identity who;
    struct audit_call call; /* its texts, and the order's, stand in `texts` */
    char *texts;
    struct reply_socket socket;
    char *early; /* what came behind the head */
    size_t early_len, early_at;
    struct err failed; /* why it could not begin, or did not end well */
};

/* shell_run.c: serves the client until the end. On the shell's own thread. */
void shell_run(struct shell *sh);
/* shell.c: a record for the audit log. */
void shell_audit(struct shell *sh, int status);

#endif
