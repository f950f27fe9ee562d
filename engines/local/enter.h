/* SPDX-License-Identifier: MIT
 *
 * The server's side of shells: asks the spawner for a process more in a running task, and speaks with the warden
 * (warden.h) that keeps it. Whatever the process reads and writes goes over the caller's descriptor, never through us.
 */
#ifndef DROVER_ENGINES_LOCAL_ENTER_H
#define DROVER_ENGINES_LOCAL_ENTER_H

#include <pthread.h>
#include <stddef.h>

struct err;

#define ENTER_COMMAND_MAX 4096 /* bytes, with the NUL */
#define ENTER_TERM_MAX 32

/* What to start. Borrowed. */
struct enter_order {
    const char *data;      /* the data folder */
    const char *attempt;   /* id of the task attempt */
    const char *command;   /* for the task's shell; "" = an interactive shell */
    const char *term;      /* TERM, where `io` is a terminal; else "" */
    int io;                /* what becomes its standard input, output and error */
    pthread_mutex_t *turn; /* held while one waits for its answer: the spawner serves few at a time */
    int cancel;            /* a descriptor that becomes readable when nobody waits any more; -1 = none */
};

enum enter_news { ENTER_NONE, ENTER_ENDED, ENTER_FAILED, ENTER_LOST };

/* Starts it and waits until it is in the task: at most some seconds, so not on an HTTP thread. The descriptor to watch,
 * close-on-exec and non-blocking, whose end stops the process; -1 with ERR_CONFLICT_JOB where the task has no command
 * that runs. */
int enter_open(const struct enter_order *o, struct err *e);
/* What the warden says: ENTER_ENDED with the exit status as a shell has it (128 + signal), ENTER_FAILED with `e`,
 * ENTER_LOST when it is gone. */
enum enter_news enter_read(int ctl, int *status, struct err *e);
/* A signal for its process group. 0, or -1 with errno. */
int enter_signal(int ctl, int sig);

#endif
