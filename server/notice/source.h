/* SPDX-License-Identifier: MIT
 *
 * Where notices come from: a table that is followed, row by row. A source gives the same notice until it is passed, and
 * how far it came is part of one JSON object that is noted together with what was made of it.
 */
#ifndef DROVER_SERVER_NOTICE_SOURCE_H
#define DROVER_SERVER_NOTICE_SOURCE_H

#include <stdint.h>

#include "base/json.h"

struct arena;
struct err;
struct notice;
struct store;

#define SOURCE_OLD_MS (INT64_C(24) * 3600 * 1000) /* what is older is news to nobody */

struct source_asking {
    struct store *store; /* a reader */
    struct arena *arena; /* notices are in it */
    int64_t now_ms;
};

struct source_ops {
    /* From the noted object; NULL, or without a member of the source: it begins behind all that there is. 0 or -1. */
    int (*load)(void *self, const struct source_asking *q, const cJSON *state, struct err *e);
    /* Its members of that object. */
    void (*save)(const void *self, struct json_out *j);
    /* The next notice. 1: there is one; 0: not now, and it may have moved on over rows that are no notice; -1. */
    int (*next)(void *self, const struct source_asking *q, struct notice *out, struct err *e);
    /* It is dealt with. */
    void (*pass)(void *self, const struct notice *n);
    void (*destroy)(void *self); /* NULL ok */
};

struct source {
    const struct source_ops *ops;
    void *self;
};

#endif
