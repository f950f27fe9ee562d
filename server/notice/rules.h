/* SPDX-License-Identifier: MIT
 *
 * What a user wants to be told, and when: the settings as data, and the decisions as pure functions of the moment.
 */
#ifndef DROVER_SERVER_NOTICE_RULES_H
#define DROVER_SERVER_NOTICE_RULES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/json.h"

struct err;
struct notice;

struct rules {
    unsigned mail;         /* kinds that go by mail, as bits of enum notice_kind */
    int started_after_min; /* a start is told when the job waited for so long */
    int zone_min;          /* the user's clock is so far ahead of UTC */
    bool quiet;            /* there are quiet hours: */
    int quiet_from;        /* minutes of the user's day */
    int quiet_to;          /* behind them; below quiet_from: over midnight */
    int digest_min;        /* mails are collected for so long; 0: each goes by itself */
};

/* What holds where a user has set nothing. */
void rules_defaults(struct rules *r);
/* Reads the members that are there over what is in `r`. 0, or -1 with ERR_INVALID_PARAMETERS. */
int rules_read(struct rules *r, const cJSON *o, struct err *e);
/* The defaults with a stored text over them; NULL: none is. 0 or -1. */
int rules_parse(struct rules *r, const char *text, struct err *e);
/* One JSON object. */
void rules_write(const struct rules *r, struct json_out *j);
/* Lists of names of kinds, as bits. 0, or -1 with the error. */
int rules_read_kinds(const cJSON *list, unsigned *bits, struct err *e);
void rules_write_kinds(unsigned bits, struct json_out *j);

/* Whether a mail tells of it: what the job says itself goes before what its owner has set. */
bool rules_mail(const struct rules *r, const struct notice *n);
/* Whether who listens to these kinds hears of it. */
bool rules_listens(const struct rules *r, unsigned kinds, const struct notice *n);
/* The first moment from `now_ms` on that is in no quiet hour. */
int64_t rules_awake(const struct rules *r, int64_t now_ms);
/* When a mail of it goes: the quiet hours over, the digest full. */
int64_t rules_mail_due(const struct rules *r, const struct notice *n, int64_t now_ms);

/* How long to wait before try number `tries` + 1 (tries >= 1): 1 s, 2 s, 4 s ... one hour, of which `random` (32 bits)
 * takes up to a half off, so that those who failed together do not come back together. */
int64_t rules_backoff(int tries, uint32_t random);

#endif
