/* SPDX-License-Identifier: MIT */
/* Who starts one counts it, if its end matters. */
#include "base/detached.h"

#include <pthread.h>

int detached_start(size_t stack, void *(*fn)(void *ctx), void *ctx)
{
    pthread_attr_t attr;
    pthread_t id;

    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    pthread_attr_setstacksize(&attr, stack);
    int rc = pthread_create(&id, &attr, fn, ctx);
    pthread_attr_destroy(&attr);
    return rc;
}
