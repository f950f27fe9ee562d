/* SPDX-License-Identifier: MIT
 *
 * A notice: something that happened and that somebody may want to be told of, and the table of kinds of them.
 */
#ifndef DROVER_SERVER_NOTICE_NOTICE_H
#define DROVER_SERVER_NOTICE_NOTICE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

/* Bits of these stand in the database: a new one goes to the end. */
enum notice_kind {
    NOTICE_STARTED,
    NOTICE_SUCCEEDED,
    NOTICE_FAILED,
    NOTICE_STOPPED,
    NOTICE_RETRIED,
    NOTICE_PREEMPTED,
    NOTICE_IDLE,               /* GPUs that are held and not used */
    NOTICE_LIMIT_NEAR,         /* of a job's time */
    NOTICE_RESERVATION,        /* a debug reservation began, or was taken away */
    NOTICE_RESERVATION_ENDING, /* it soon is over */
    NOTICE_ALERT,              /* it fires, or is resolved */
    NOTICE_TEST,               /* somebody pressed the button; nobody chooses it */
    NOTICE_KINDS
};

/* What a job says itself of mail about its changes of state (jobStatusChangeNotification). */
enum notice_wish { NOTICE_WISH_NONE, NOTICE_WISH_YES, NOTICE_WISH_NO };

/* Strings in the arena of who asked for it. */
struct notice {
    const char *id; /* the same whenever it is told: receivers know it again by it */
    int64_t time_ms;
    enum notice_kind kind;
    const char *user;             /* whose matter it is; NULL: the admins' */
    const char *job, *job_id;     /* NULL: about none */
    const char *vc;               /* NULL */
    const char *severity;         /* "info", "warn", "error", "fatal" */
    const char *title, *text;     /* one line; more of them */
    const char *labels;           /* JSON object; NULL = {} */
    enum notice_wish wish;        /* NONE: as its owner has it set */
    int64_t waited_ms;            /* STARTED: for so long */
    int64_t source_id, lease_end; /* the source's: which row it is; the end that is warned of, 0: it is a row */
    char about[ID_SIZE];          /* the source's: the lease or job whose end is warned of */
};

/* "started", "reservationEnding" ...; the name in the API. Never NULL. */
const char *notice_kind_name(enum notice_kind k);
/* NOTICE_KINDS: there is none of that name that one can choose. */
enum notice_kind notice_kind_find(const char *name);
/* Kinds that go by mail where a user has set nothing, as bits. */
unsigned notice_kinds_usual(void);
/* Whether it cannot wait for a digest. */
bool notice_kind_urgent(enum notice_kind k);

#endif
