/* SPDX-License-Identifier: MIT
 *
 * Inside apps.c (calls and their life), app_http.c and app_socket.c (a call's thread).
 */
#ifndef DROVER_SERVER_APP_IMPL_H
#define DROVER_SERVER_APP_IMPL_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "base/err.h"
#include "server/apps.h"

struct app_call;

struct apps {
    struct apps_deps deps;
    struct app_grants *grants;
    uint16_t port; /* of the second listener */
    bool tls;
    atomic_bool closing;
    pthread_mutex_t lock;
    pthread_cond_t idle;
    struct app_call *first;
    unsigned count;
};

/* The first member of a call. */
struct app_call {
    struct apps *home;
    struct app_call *next;
    struct app_grant grant;
    char cookie[SESSION_ID_SIZE];
    char host[256];
    bool whole;
    int64_t asked;                   /* when it was asked last whether the grant holds */
    void (*run)(struct app_call *c); /* on its own thread; frees the call after app_call_end */
};

/* Copies what outlives the request. */
void app_call_init(struct app_call *c, struct apps *s, const struct apps_order *o);
/* Its place, of the call's own strings. */
struct app_place app_call_place(const struct app_call *c);
/* Starts the thread. 0, or -1: ERR_TOO_MANY, ERR_BUSY; then the caller frees it. */
int app_call_start(struct app_call *c, struct err *e);
/* Whether it may go on, asked often: false when the server ends or the grant does not hold any more. */
bool app_call_holds(struct app_call *c);
/* The last of its thread, but for freeing it. */
void app_call_end(struct app_call *c);

/* Passes on a request; as apps_pass. */
int app_http_begin(struct apps *s, struct request *r, const struct apps_order *o, struct err *e);
int app_socket_begin(struct apps *s, struct request *r, const struct apps_order *o, struct err *e);

/* What the proxy adds for the app: "X-Forwarded-For" and so on, each given once. */
void app_call_forwarded(const struct apps *s, const struct request *r, const struct apps_order *o,
                        void (*give)(void *ctx, const char *name, const char *value), void *ctx);
/* The reply's header that takes an app's pages their origin, where the grant says so; and that of all replies. */
void app_call_guard(const struct app_call *c, struct request *r);

#endif
