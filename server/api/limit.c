/* SPDX-License-Identifier: MIT
 *
 * Who may ask how often. /healthz and /readyz are not counted: a probe must not fail because somebody floods.
 */
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "server/api/api.h"
#include "server/http/rate.h"

int api_limit(void *context, struct request *r, const struct identity *who, struct err *e)
{
    const struct api *a = context;
    const struct route *row = request_route(r);
    char seconds[16];
    if (row && (row->handler == api_healthz || row->handler == api_readyz))
        return 0;
    int64_t now = request_now(r).mono;
    int wait = who ? rate_take(a->user_rate, who->user, now) : rate_take(a->address_rate, request_ip(r), now);
    if (!wait)
        return 0;
    snprintf(seconds, sizeof seconds, "%d", wait);
    reply_header(r, "Retry-After", seconds);
    return err_set(e, ERR_TOO_MANY, "Too many requests; try again in %d s.", wait);
}
