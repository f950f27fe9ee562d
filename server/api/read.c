/* SPDX-License-Identifier: MIT
 *
 * Replies out of the database: one snapshot, one JSON value.
 */
#include "base/json.h"
#include "server/api/api.h"
#include "server/readers.h"
#include "store/store.h"

int api_read(struct api *a, struct request *r, api_read_fn *write, void *context, struct err *e)
{
    struct api_json out;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    struct api_reading x = {.request = r, .store = s, .out = api_json_begin(&out), .context = context};
    int rc = store_begin(s, e);
    if (!rc) {
        rc = write(&x, e);
        store_rollback(s); /* the end of the snapshot */
    }
    readers_put(a->readers, s);
    if (rc) {
        api_json_drop(&out);
        return -1;
    }
    api_json_send(&out, r, 200);
    return 0;
}
