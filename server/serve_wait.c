/* SPDX-License-Identifier: MIT */
/* Who renews a certificate need not tell us: its files are looked at now and then, too. */
#include "server/serve_wait.h"

#include <pthread.h>
#include <stddef.h>
#include <time.h>

#include "base/err.h"
#include "base/log.h"
#include "server/http/tls.h"

void serve_block_signals(sigset_t *set)
{
    sigemptyset(set);
    sigaddset(set, SIGTERM);
    sigaddset(set, SIGINT);
    sigaddset(set, SIGHUP);
    pthread_sigmask(SIG_BLOCK, set, NULL);
    signal(SIGPIPE, SIG_IGN);
}

/* The certificate's files may have changed. */
static void reload(struct tls *tls)
{
    struct err e = {0};
    int rc = tls ? tls_reload(tls, &e) : 0;
    if (rc < 0)
        log_error("tls_reload", "%s; the old certificate stays", e.text);
    else if (rc > 0)
        log_info("tls_reload", "new connections get the new certificate");
}

int serve_wait(struct tls *tls, const sigset_t *set)
{
    const struct timespec minute = {.tv_sec = 60};
    for (;;) {
        int sig = sigtimedwait(set, NULL, &minute);
        if (sig > 0 && sig != SIGHUP)
            return sig;
        reload(tls);
    }
}
