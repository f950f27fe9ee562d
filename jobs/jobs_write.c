/* SPDX-License-Identifier: MIT
 *
 * Archiving. No row is removed: what others refer to by UUID (reports, the audit, a cloned job) stays readable.
 */
#include "jobs/jobs_write.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "jobs/jobs_store.h"
#include "store/store.h"

/* What decides; the id is copied, because the row is gone when the update runs. */
struct found {
    struct jobs_archive *ask;
    struct err *e;
    char id[ID_SIZE];
    bool archived;
};

static int judge(void *ctx, const struct job_row *row)
{
    struct found *f = ctx;
    if (!f->ask->admin && strcmp(f->ask->by, row->user) != 0)
        return err_set(f->e, ERR_FORBIDDEN, "User %s is not allowed to delete a job of user %s.", f->ask->by,
                       row->user);
    if (!(row->state & STATE_FINAL))
        return err_set(f->e, ERR_CONFLICT_JOB, "Job %s~%s has not ended; stop it first.", row->user, row->name);
    memcpy(f->id, row->id, strnlen(row->id, ID_SIZE - 1));
    snprintf(f->ask->user, sizeof f->ask->user, "%s", row->user);
    f->archived = row->archived;
    return 0;
}

int jobs_write_archive(struct store *s, void *what, struct clock_now now, struct err *e)
{
    static const struct store_sql sql = {"UPDATE job SET archived = 1 WHERE id = ?"};
    static const struct store_sql leased = {"SELECT 1 FROM lease WHERE job_id = ? AND ended_ms IS NULL"};
    struct found f = {.ask = what, .e = e};
    (void)now;
    if (jobs_store_read_job(s, f.ask->job, judge, &f, e))
        return -1;
    if (f.archived)
        return 0;
    struct stmt *st = store_stmt(s, &leased, e);
    stmt_text(st, 1, f.id);
    int rc = stmt_found(st, e);
    if (rc)
        return rc < 0 ? -1
                      : err_set(e, ERR_CONFLICT_LEASE, "Job %s has a debug reservation; release it first.", f.ask->job);
    st = store_stmt(s, &sql, e);
    stmt_text(st, 1, f.id);
    return stmt_exec(st, e);
}
