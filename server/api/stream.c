/* SPDX-License-Identifier: MIT
 *
 * GET /api/v2/stream: live events. Resumed by Last-Event-ID, or ?lastEventId= for clients that cannot set headers.
 */
#include "base/err.h"
#include "server/api/api.h"
#include "server/http/hub.h"

int api_stream(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    const char *job = NULL, *last = NULL;
    if (request_query(r, "job", &job, e) || request_query(r, "lastEventId", &last, e))
        return -1;
    const char *header = request_header(r, "Last-Event-ID");
    return hub_reply(a->hub, r, job, header ? header : last, e);
}
