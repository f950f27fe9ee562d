/* SPDX-License-Identifier: MIT
 *
 * Who may look at which app: secrets that each open one app of one job for one login, kept as hashes in memory.
 *
 *   ticket (in a link, once, APP_TICKET_MS) ──redeem──► cookie (of the app's origin and path, APP_GRANT_MS)
 *
 * A restart forgets all: the portal opens the app anew. The table is bounded: the oldest go first.
 */
#ifndef DROVER_SERVER_APP_GRANTS_H
#define DROVER_SERVER_APP_GRANTS_H

#include <stdbool.h>
#include <stdint.h>

#include "auth/identity.h"
#include "auth/session.h"

#define APP_NAME_SIZE 21
#define APP_JOB_SIZE 37     /* a UUID and a NUL */
#define APP_PREFIX_SIZE 400 /* "/jobs/user~name/apps/app" */
#define APP_TICKET_MS 60000
#define APP_GRANT_MS (12 * 60 * 60 * 1000)
#define APP_GRANTS_MAX 2048
#define APP_GRANTS_PER_USER 128

struct app_grants;

/* Plain data, copied. */
struct app_grant {
    struct identity who;
    char job[APP_JOB_SIZE];
    char app[APP_NAME_SIZE];
    char prefix[APP_PREFIX_SIZE]; /* where it is served */
    bool own;                     /* the job is the caller's own */
    bool sandboxed;               /* its pages have no origin of their own */
    /* What was found when it was looked at last: */
    int64_t checked_ms; /* monotonic; 0: never */
    int port;
    bool keep_path;
};

/* NULL on out of memory. NULL ok. Any thread, all of them. */
struct app_grants *app_grants_create(void);
void app_grants_destroy(struct app_grants *g);
/* A new ticket. */
void app_grants_ticket(struct app_grants *g, const struct app_grant *grant, int64_t now_ms, char out[SESSION_ID_SIZE]);
/* A ticket for a cookie: once. `out` comes with the prefix that the ticket must be for, and gets all of it. False:
 * there is no such ticket, or not any more, or it is of another place. */
bool app_grants_redeem(struct app_grants *g, const char *ticket, int64_t now_ms, char cookie[SESSION_ID_SIZE],
                       struct app_grant *out);
/* What a cookie opens. False: nothing. */
bool app_grants_find(struct app_grants *g, const char *cookie, int64_t now_ms, struct app_grant *out);
/* Writes back what was found of it, or that its pages are sandboxed. */
void app_grants_update(struct app_grants *g, const char *cookie, const struct app_grant *grant);
/* It opens nothing any more. */
void app_grants_drop(struct app_grants *g, const char *cookie);

#endif
