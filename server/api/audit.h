/* SPDX-License-Identifier: MIT
 *
 * What GET /audit is asked for: the query's fields as a filter, for its handler and for who fuzzes it; and the check of
 * its chain.
 */
#ifndef DROVER_SERVER_API_AUDIT_H
#define DROVER_SERVER_API_AUDIT_H

#include <stdint.h>

#include "server/audit_store.h"
#include "server/http/route.h"

struct err;
struct request;

#define API_AUDIT_LIMIT_MAX 1000

struct api_audit_query {
    struct audit_filter filter; /* lowest_id is not asked for */
    int64_t limit;              /* records of a page */
    int64_t since, until;       /* ms; 0 = none */
};

/* Reads the request's query into *q, which has the defaults; texts are the request's. 0, or -1 with
 * ERR_INVALID_PARAMETERS that names the field. The request's thread. */
int api_audit_read_query(const struct request *r, struct api_audit_query *q, struct err *e);

/* GET /audit/chain: walks the whole log, as `droverd audit verify` does. */
route_handler_fn api_audit_chain;

#endif
