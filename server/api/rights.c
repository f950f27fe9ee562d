/* SPDX-License-Identifier: MIT
 *
 * docs/RIGHTS.md from the two tables that the checks use: server/api/routes.c (which level a route has) and
 * auth/access.c (what a level means for each role).
 */
#include "server/api/rights.h"

#include <string.h>

#include "auth/access.h"
#include "base/buf.h"
#include "base/err.h"
#include "server/api/api.h"

static const char *const roles[ACCESS_ROLE_COUNT] = {
    [ACCESS_ROLE_NONE] = "none",         [ACCESS_ROLE_OWNER] = "user",  [ACCESS_ROLE_OTHER] = "other user",
    [ACCESS_ROLE_VC_ADMIN] = "VC admin", [ACCESS_ROLE_ADMIN] = "admin", [ACCESS_ROLE_APPLICATION] = "application token",
};

static const char *const cells[] = {[ACCESS_NO] = "-", [ACCESS_YES] = "yes", [ACCESS_BY_POLICY] = "policy"};

static const char intro[] =
    "# Rights\n"
    "\n"
    "Who may call what. Made by `droverd rights` from the tables that the checks use (`server/api/routes.c` and\n"
    "`auth/access.c`); a test holds this page to them, and another calls every route as every role.\n"
    "\n"
    "- *user*: the one whose job, token or account it is; for lists and things of nobody, any user. *Other user*: any\n"
    "  other one. *VC admin*: of the virtual cluster concerned, by a group whose `managedVirtualClusters` names it.\n"
    "  *Admin*: by a group that carries the admin right. *Application token*: of the user.\n"
    "- Disabled and expired users, and expired and revoked tokens, are *none*: 401. Whoever is logged in and may not "
    "gets\n"
    "  403.\n"
    "- *policy*: yes in virtual clusters with `read: open`, as all are in OpenPAI; no in those with `read: own`. Lists "
    "and\n"
    "  live events leave out what the caller may not read.\n"
    "- Submitting needs a group that grants the virtual cluster; everybody may submit to `default`. A VC admin may "
    "change\n"
    "  `userCap`, up to what the virtual cluster is promised.\n"
    "\n";

static void write_head(struct buf *out)
{
    buf_adds(out, "| route | level |");
    for (int i = 0; i < ACCESS_ROLE_COUNT; i++)
        buf_addf(out, " %s |", roles[i]);
    buf_adds(out, "\n|---|---|");
    for (int i = 0; i < ACCESS_ROLE_COUNT; i++)
        buf_adds(out, "---|");
    buf_addc(out, '\n');
}

static void write_row(struct buf *out, const struct route *row)
{
    buf_addf(out, "| %s `%s` | %s |", route_method_name(row->method), row->path, access_name(row->access));
    for (int i = 0; i < ACCESS_ROLE_COUNT; i++)
        buf_addf(out, " %s |", cells[access_cell(row->access, (enum access_role)i)]);
    buf_addc(out, '\n');
}

int rights_page(struct buf *out, struct err *e)
{
    size_t count;
    const struct route *rows = api_routes(&count);

    buf_adds(out, intro);
    buf_adds(out, "| level | who |\n|---|---|\n");
    for (int i = ACCESS_UNSET + 1; i < ACCESS_COUNT; i++)
        buf_addf(out, "| %s | %s |\n", access_name((enum access)i), access_help((enum access)i));
    buf_addc(out, '\n');
    write_head(out);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].access == ACCESS_UNSET || rows[i].access >= ACCESS_COUNT)
            return err_set(e, ERR_INTERNAL, "The row of %s %s in server/api/routes.c does not say who may.",
                           route_method_name(rows[i].method), rows[i].path);
        write_row(out, &rows[i]);
    }
    return out->bad ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}
