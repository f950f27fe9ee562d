/* SPDX-License-Identifier: MIT
 *
 * Rights: one table of levels by roles (access.c). A route's row names its level; from the two tables come the checks,
 * docs/RIGHTS.md and the matrix test. Deny by default: what no cell allows is refused. Messages are OpenPAI's, word for
 * word.
 *
 * The check has two parts. access_check knows the caller alone and runs before the body is read; where a level's cells
 * differ by what the caller is to the object (owner, VC admin ...), whoever knows the object asks access_check_object.
 */
#ifndef DROVER_AUTH_ACCESS_H
#define DROVER_AUTH_ACCESS_H

#include <stdbool.h>

#include "auth/identity.h"

struct err;

/* Levels of the route table. */
enum access {
    ACCESS_UNSET,           /* a row that forgot: nobody; the server does not start with it */
    ACCESS_ANON,            /* everyone */
    ACCESS_USER,            /* any user, any token */
    ACCESS_NOT_APPLICATION, /* any user, not with application tokens */
    ACCESS_ADMIN,           /* admins, not with application tokens */
    ACCESS_SELF,            /* the user named, or an admin; not with application tokens */
    ACCESS_OWN,             /* one's own thing and nobody else's; not with application tokens */
    ACCESS_JOB_READ,        /* by the read policy of the job's virtual cluster */
    ACCESS_JOB_CHANGE,      /* the job's owner, or an admin */
    ACCESS_JOB_STOP,        /* the job's owner, a VC admin of its virtual cluster, or an admin */
    ACCESS_VC_MANAGE,       /* a VC admin of the virtual cluster, or an admin; not with application tokens */
    ACCESS_COUNT
};

/* What a caller is to the object of a call. A disabled or expired user, and an expired or revoked token, is NONE. */
enum access_role {
    ACCESS_ROLE_NONE,        /* not logged in */
    ACCESS_ROLE_OWNER,       /* "user": the one whose job, token or account it is */
    ACCESS_ROLE_OTHER,       /* "other user" */
    ACCESS_ROLE_VC_ADMIN,    /* of the virtual cluster concerned */
    ACCESS_ROLE_ADMIN,       /* by a group that carries the admin right */
    ACCESS_ROLE_APPLICATION, /* the owner, with an application token */
    ACCESS_ROLE_COUNT
};

enum access_cell {
    ACCESS_NO,
    ACCESS_YES,
    ACCESS_BY_POLICY, /* yes where the virtual cluster's jobs are open, as all are in OpenPAI */
};

/* What is known of the object. */
struct access_object {
    const char *owner; /* NULL: nobody's */
    bool managed;      /* the caller is VC admin of its virtual cluster */
    bool open;         /* the virtual cluster's jobs are open to read */
    const char *what;  /* "job bob~train", for the message */
};

/* 0 when `who` may pass, or may pass for some objects; else -1 with ERR_UNAUTHORIZED (not logged in) or ERR_FORBIDDEN.
 * Any thread. */
int access_check(enum access need, const struct identity *who, struct err *e);
/* 0 when `who`, who passed access_check, may for this object; else -1 with ERR_FORBIDDEN. Any thread. */
int access_check_object(enum access need, const struct identity *who, const struct access_object *o, struct err *e);

/* The cell itself. Any thread. */
enum access_cell access_cell(enum access need, enum access_role role);
/* "admin", "user", ...; for the API's description. Never NULL. */
const char *access_name(enum access need);
/* One line for docs/RIGHTS.md. Never NULL. */
const char *access_help(enum access need);

#endif
