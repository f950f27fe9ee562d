/* SPDX-License-Identifier: MIT
 *
 * Which mail to the owner of a job is next (job_mail.h): a look at the database, and no more.
 */
#ifndef DROVER_SERVER_JOB_MAIL_NEXT_H
#define DROVER_SERVER_JOB_MAIL_NEXT_H

#include <stdint.h>

#include "base/id.h"
#include "base/json.h"

struct arena;
struct err;
struct store;

#define JOB_MAIL_OLD_MS (INT64_C(24) * 3600 * 1000) /* what is older is news to nobody */

/* How far it came. */
struct job_mail_state {
    int64_t after; /* the newest event that was dealt with */
    cJSON *warned; /* id of a lease -> the expiry that its owner was warned of; of leases that are live */
};

/* A mail, and what it leaves behind. Strings in the arena. */
struct job_mail_letter {
    const char *to, *subject, *text;
    const char *id;       /* the same whenever it is sent */
    int64_t event;        /* it is about; 0: about the end of a lease that comes near */
    char lease[ID_SIZE];  /* that one */
    int64_t lease_expiry; /* as it is now */
};

struct job_mail_asking {
    struct store *store; /* a reader */
    struct arena *arena;
    const char *public_url; /* of the portal; "" = not known */
    int64_t now_ms;
};

/* Reads the state; without one, it begins behind all events that there are. 0 or -1. Freed with _fini. */
int job_mail_state_load(struct job_mail_state *s, const struct job_mail_asking *q, struct err *e);
/* Its text, in the arena, for the setting SETTING_MAIL. NULL on out of memory. */
const char *job_mail_state_text(const struct job_mail_state *s, struct arena *a);
void job_mail_state_fini(struct job_mail_state *s);

/* The next mail. 1: there is one; 0: not now, and the state has moved on over events that nobody is told of; -1 with
 * `e`. */
int job_mail_next(struct job_mail_state *s, const struct job_mail_asking *q, struct job_mail_letter *out,
                  struct err *e);
/* It was sent, or never can be. */
void job_mail_state_pass(struct job_mail_state *s, const struct job_mail_letter *l);

#endif
