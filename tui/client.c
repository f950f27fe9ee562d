/* SPDX-License-Identifier: MIT
 *
 * Blocking calls: one handle a call. A verb makes one or two calls, so that keeping connections gains nothing.
 */
#include "tui/client.h"

#include "base/err.h"
#include "base/json.h"

int client_call(const struct endpoint *to, const struct transfer_request *r, struct buf *out, struct err *e)
{
    struct transfer t;
    int rc;

    if (transfer_init(&t, to, r, e))
        return -1;
    rc = transfer_result(&t, curl_easy_perform(t.easy), e);
    if (!rc && out && buf_add(out, buf_str(&t.body), t.body.len))
        rc = err_set(e, ERR_INTERNAL, "The reply is too large.");
    transfer_fini(&t);
    return rc;
}

cJSON *client_get(const struct endpoint *to, const char *path, struct buf *raw, struct err *e)
{
    struct transfer_request r = {.method = "GET", .path = path};
    struct buf body;
    cJSON *value = NULL;

    buf_init(&body, TRANSFER_MAX_BODY + 1);
    if (!client_call(to, &r, &body, e)) {
        value = json_parse(buf_str(&body), body.len, TRANSFER_MAX_BODY, e);
        if (!value) {
            err_wrap(e, "The server's reply is not the JSON it should be");
            if (e)
                e->code = ERR_INTERNAL;
        }
    }
    if (value && raw && buf_add(raw, buf_str(&body), body.len)) {
        cJSON_Delete(value);
        value = NULL;
        (void)err_set(e, ERR_INTERNAL, "The reply is too large.");
    }
    buf_fini(&body);
    return value;
}
