/* SPDX-License-Identifier: MIT
 *
 * What a route asks of its caller, and the one function that decides. Messages are OpenPAI's, word for word.
 */
#ifndef DROVER_AUTH_ACCESS_H
#define DROVER_AUTH_ACCESS_H

#include <stdbool.h>

#include "auth/identity.h"

struct err;

/* Levels of the route table. The zero value is the strictest, so that a row without a level is closed. */
enum access {
    ACCESS_ADMIN,           /* admins, not with application tokens */
    ACCESS_NOT_APPLICATION, /* any user, not with application tokens */
    ACCESS_USER,            /* any user, any token */
    ACCESS_ANON,            /* everyone */
    ACCESS_COUNT
};

/* 0 when `who` may pass; else -1 with ERR_UNAUTHORIZED (not logged in) or ERR_FORBIDDEN. Any thread. */
int access_check(enum access need, const struct identity *who, struct err *e);

/* 0 when `who` is `owner` or an admin; else -1 with ERR_FORBIDDEN. `what` names the thing ("job bob~train"). Any
 * thread. */
int access_check_owner(const struct identity *who, const char *owner, const char *what, struct err *e);

/* "admin", "user", ...; for the API's description. Never NULL. */
const char *access_name(enum access need);

#endif
