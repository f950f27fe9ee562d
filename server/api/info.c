/* SPDX-License-Identifier: MIT
 *
 * What anybody may ask before login: a word each, and no version, host or count.
 */
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/api/api.h"
#include "server/loop.h"

int api_root(struct request *r, void *context, struct err *e)
{
    (void)context;
    (void)e;
    reply_text(r, 200, "text/plain; charset=utf-8", "Drover API\n");
    return 0;
}

int api_info(struct request *r, void *context, struct err *e)
{
    struct api_json out;
    (void)context;
    (void)e;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "name", "Drover");
    json_out_kstring(j, "version", NULL);
    json_out_kstring(j, "launcherType", "k8s"); /* what OpenPAI's clients expect of a v2 server */
    json_out_kstring(j, "authnMethod", "basic");
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

int api_authn_info(struct request *r, void *context, struct err *e)
{
    struct api_json out;
    (void)context;
    (void)e;
    struct json_out *j = api_json_begin(&out);
    json_out_object(j);
    json_out_kstring(j, "authn_type", "basic");
    json_out_kstring(j, "loginURI", "/api/v2/authn/basic/login");
    json_out_kstring(j, "loginURIMethod", "post");
    json_out_object_end(j);
    api_json_send(&out, r, 200);
    return 0;
}

int api_healthz(struct request *r, void *context, struct err *e)
{
    (void)context;
    (void)e;
    reply_text(r, 200, "text/plain; charset=utf-8", "ok\n");
    return 0;
}

/* Ready: the placed tasks were found again, the last commit worked, and the core's thread comes round. */
int api_readyz(struct request *r, void *context, struct err *e)
{
    enum { STALE_MS = 10000 };
    struct api *a = context;
    struct loop_stats stats;
    (void)e;
    loop_stats(a->loop, &stats);
    bool ready = stats.ready && request_now(r).mono - stats.beat_mono < STALE_MS;
    reply_text(r, ready ? 200 : 503, "text/plain; charset=utf-8", ready ? "ready\n" : "not ready\n");
    return 0;
}
