/* SPDX-License-Identifier: MIT
 *
 * What a virtual cluster is promised is kept as one JSON object (column spec), read back through the JSON gate.
 */
#include "inventory/vc_store.h"

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "store/store.h"

static const char *const status_words[] = {"Running", "Stopped"};

static const struct store_sql sql_put = {
    "INSERT INTO virtual_cluster(name, spec, status, created_ms, own) VALUES (?, ?, ?, ?, ?) "
    "ON CONFLICT(name) DO UPDATE SET spec = excluded.spec, status = excluded.status, own = excluded.own"};
static const struct store_sql sql_drop = {"DELETE FROM virtual_cluster WHERE name = ?"};
static const struct store_sql sql_each = {"SELECT name, spec, status, created_ms FROM virtual_cluster ORDER BY name"};

int vc_store_put(struct store *s, const struct vc *vc, struct err *e)
{
    struct buf spec;
    struct json_out j;
    buf_init(&spec, 0);
    json_out_init(&j, &spec);
    json_out_object(&j);
    vc_write(&j, vc);
    json_out_object_end(&j);
    struct stmt *st = store_stmt(s, &sql_put, e);
    stmt_text(st, 1, vc->name);
    stmt_text(st, 2, buf_str(&spec));
    stmt_text(st, 3, status_words[vc->stopped]);
    stmt_int(st, 4, vc->created_ms);
    stmt_int(st, 5, vc->own); /* for view readable_vc */
    int rc = stmt_exec(st, e);
    buf_fini(&spec);
    return rc;
}

int vc_store_drop(struct store *s, const char *name, struct err *e)
{
    struct stmt *st = store_stmt(s, &sql_drop, e);
    stmt_text(st, 1, name);
    return stmt_exec(st, e);
}

static int read_row(struct stmt *st, struct vc *vc, struct err *e)
{
    const char *spec = stmt_col_string(st, 1);
    snprintf(vc->name, sizeof vc->name, "%s", stmt_col_string(st, 0));
    vc->stopped = !strcmp(stmt_col_string(st, 2), status_words[1]);
    vc->created_ms = stmt_col_int(st, 3);
    cJSON *o = json_parse(spec, strlen(spec), 0, e);
    int rc = o ? vc_parse(o, vc, e) : -1;
    cJSON_Delete(o);
    return rc;
}

int vc_store_each(struct store *s, vc_store_fn *fn, void *ctx, struct err *e)
{
    int rc;
    struct stmt *st = store_stmt(s, &sql_each, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct vc vc = {.name = ""};
        rc = read_row(st, &vc, e);
        if (rc)
            err_wrap(e, "virtual cluster %s", vc.name);
        else
            rc = fn(ctx, &vc);
        if (rc) {
            stmt_reset(st);
            return rc;
        }
    }
    return rc;
}
