/* SPDX-License-Identifier: MIT
 *
 * The role of VC admin, for those calls where it counts: it is looked up then, not at each request.
 */
#include "auth/member_store.h"
#include "base/err.h"
#include "base/names.h"
#include "server/api/api.h"
#include "server/readers.h"

static int keep(void *ctx, const char *user, const char *vc)
{
    (void)user;
    return names_add(ctx, vc);
}

int api_managed(struct api *a, struct request *r, const char *const **out, struct err *e)
{
    const struct identity *who = request_identity(r);
    struct names vcs = {.arena = request_arena(r)};
    const struct member_sink sink = {.row = keep, .ctx = &vcs};
    *out = NULL;
    if (who->admin)
        return 0;
    struct store *s = readers_get(a->readers, e);
    if (!s)
        return -1;
    int rc = member_store_list(s, MEMBER_HAS_MANAGED, who->user, &sink, e);
    readers_put(a->readers, s);
    if (rc)
        return -1;
    *out = names_end(&vcs);
    return *out ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}
