/* SPDX-License-Identifier: MIT
 *
 * What the daemon's main thread does while it serves: it waits for signals, and looks at the certificate's files.
 */
#ifndef DROVER_SERVER_SERVE_WAIT_H
#define DROVER_SERVER_SERVE_WAIT_H

#include <signal.h>

struct tls;

/* Signals are taken by serve_wait on this thread; every thread that is made later inherits the mask. */
void serve_block_signals(sigset_t *set);
/* Until a signal ends the server, which it returns. SIGHUP, and a minute, have the certificate (NULL: none) read again.
 */
int serve_wait(struct tls *tls, const sigset_t *set);

#endif
