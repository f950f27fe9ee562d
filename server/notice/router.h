/* SPDX-License-Identifier: MIT
 *
 * Who is told of a notice, how and when: a look at the database, and no more.
 */
#ifndef DROVER_SERVER_NOTICE_ROUTER_H
#define DROVER_SERVER_NOTICE_ROUTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;
struct notice;
struct out_row;
struct store;

struct router_asking {
    struct store *store; /* a reader */
    struct arena *arena;
    const char *public_url; /* of the portal; "" = not known */
    bool mail;              /* mail can be sent */
    int64_t now_ms;
};

/* Rows that grow in the arena; begins with zeros. */
struct router_rows {
    struct out_row *rows;
    size_t count, cap;
};

/* Adds a row for each mail and webhook. 0 or -1. */
int router_decide(const struct router_asking *q, const struct notice *n, struct router_rows *out, struct err *e);

#endif
