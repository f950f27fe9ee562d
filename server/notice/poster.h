/* SPDX-License-Identifier: MIT
 *
 * Requests to webhooks, several at a time and one a webhook, over libcurl's multi interface: its owner's thread waits
 * here for all of them and for whoever wakes it. Addresses are checked (address.h), certificates too.
 */
#ifndef DROVER_SERVER_NOTICE_POSTER_H
#define DROVER_SERVER_NOTICE_POSTER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"

struct address_policy;
struct err;
struct poster;

/* Requests at a time: of all, to the webhooks of one user, to those of all users or of the site. Receivers that answer
 * slowly so never hold up those of other users, nor users the site. */
enum { POSTER_MAX = 8, POSTER_USER_MAX = 2, POSTER_KIND_MAX = 6 };

/* Copied. */
struct poster_request {
    const char *webhook; /* its id */
    const char *owner;   /* its user; NULL: the site */
    int64_t position;    /* of the row; given back */
    int tries;           /* before this one; given back */
    const char *url, *id, *signature, *body;
    int64_t seconds; /* webhook-timestamp */
};

enum poster_outcome {
    POSTER_TAKEN,   /* 2xx */
    POSTER_LATER,   /* 5xx, 408, 429, or no answer: it is to be sent again */
    POSTER_REFUSED, /* any other, or the address is not allowed: it is not */
};

struct poster_answer {
    char webhook[ID_SIZE];
    int64_t position;
    int tries;
    enum poster_outcome outcome;
    int status;       /* 0: none came */
    int64_t after_ms; /* LATER: the receiver asks to wait for so long; 0: it does not */
    char why[160];    /* "" when taken */
};

/* The policy is borrowed. NULL with the error. */
struct poster *poster_create(const struct address_policy *policy, struct err *e);
/* Gives up what is under way. NULL ok. */
void poster_destroy(struct poster *p);

/* Whether nothing is under way to it, and there is room for one of that owner (NULL: the site). */
bool poster_can(const struct poster *p, const char *webhook, const char *owner);
/* Begins a request that it can take. 0 or -1. */
int poster_begin(struct poster *p, const struct poster_request *r, struct err *e);
/* Takes one that has ended, without waiting. Whether there was one. */
bool poster_take(struct poster *p, struct poster_answer *out);
/* Waits for at most so long for something to take, or for poster_wake. */
void poster_wait(struct poster *p, int ms);
/* Ends a wait, this one or the next. Any thread. */
void poster_wake(struct poster *p);

#endif
