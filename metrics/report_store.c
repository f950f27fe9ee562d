/* SPDX-License-Identifier: MIT
 *
 * A row of task_attempt is made when a task is placed and holds its GPUs from then on until it has ended.
 */
#include "metrics/report_store.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/err.h"
#include "jobs/exits.h"
#include "jobs/job.h"
#include "jobs/state.h"
#include "metrics/report.h"
#include "store/query.h"
#include "store/store.h"

/* "user~name", as jobs are called. */
#define NAME_ROOM 512
#define STOPPED "128" /* STATE_STOPPED in the text of a statement */
_Static_assert(STATE_STOPPED == 128, "STOPPED says the same");

static void only(struct query *q, const struct report_whose *whose)
{
    size_t n = 0;

    if (!whose->user)
        return;
    while (whose->vcs && whose->vcs[n])
        n++;
    if (n == 0) {
        query_where(q, "j.user = ?");
        query_text(q, whose->user);
        return;
    }
    query_where(q, "(j.user = ? OR j.vc IN ");
    query_text(q, whose->user);
    query_in_text(q, whose->vcs, n);
    query_sql(q, ")");
}

/* The columns of a use, behind the three of whose it is. */
enum {
    USE_NODE = 3,
    USE_GPUS,
    USE_BEGIN,
    USE_END,
    USE_TASK,
    USE_TASK_CODE,
    USE_ATTEMPT,
    USE_ATTEMPT_CODE,
    USE_PREEMPTED
};

/* What a task's time was good for. Of a job attempt that came to its end well, all of it but what a task did before it
 * was tried again; of any other, what ended the job attempt. */
static enum report_outcome outcome(struct stmt *st)
{
    const int attempt = (int)stmt_col_int(st, USE_ATTEMPT);
    const bool failed = stmt_col_int(st, USE_TASK) == STATE_FAILED;
    const bool by_task = failed && (attempt & (STATE_LIVE | STATE_SUCCEEDED));
    const int code = (int)stmt_col_int(st, by_task ? USE_TASK_CODE : USE_ATTEMPT_CODE);
    const struct exit_entry *found;

    if (!failed && (attempt & STATE_LIVE))
        return REPORT_RUNNING;
    if (!failed && attempt == STATE_SUCCEEDED)
        return REPORT_SUCCEEDED;
    if (stmt_col_int(st, USE_PREEMPTED) || code == EXIT_CODE_PREEMPTED)
        return REPORT_PREEMPTED;
    if (code == EXIT_CODE_STOPPED || code == EXIT_CODE_IDLE)
        return REPORT_STOPPED;
    found = exits_find(code);
    return found && found->category == EXIT_CATEGORY_PLATFORM ? REPORT_PLATFORM : REPORT_FAILED;
}

/* Whose a row is: its first three columns. `name` is room for the job's, which costs, where it is asked for. */
static void read_keys(struct stmt *st, bool by_job, char name[NAME_ROOM], const char *keys[REPORT_KEYS])
{
    keys[REPORT_VC] = stmt_col_string(st, 0);
    keys[REPORT_USER] = stmt_col_string(st, 1);
    if (by_job)
        (void)snprintf(name, NAME_ROOM, "%s~%s", keys[REPORT_USER], stmt_col_string(st, 2));
    keys[REPORT_JOB] = name;
}

/* Of tasks; or, with `leases`, what debug reservations hold after those have ended. */
static int add_uses(struct stmt *st, struct report *r, bool by_job, bool leases, struct err *e)
{
    char name[NAME_ROOM] = "";
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_use u = {.gpus = stmt_col_int(st, USE_GPUS),
                               .begin_ms = stmt_col_int(st, USE_BEGIN),
                               .end_ms = stmt_col_int(st, USE_END), /* NULL: 0 */
                               .outcome = leases ? REPORT_RESERVED : outcome(st)};

        read_keys(st, by_job, name, u.key);
        u.key[REPORT_NODE] = stmt_col_string(st, USE_NODE);
        if (report_add_use(r, &u, e))
            return -1;
    }
    return rc;
}

/* Of GPUs that were sampled while tasks held them. */
static int add_busy(struct stmt *st, struct report *r, bool by_job, struct err *e)
{
    char name[NAME_ROOM] = "";
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_busy b = {.begin_ms = stmt_col_int(st, 4),
                                .end_ms = stmt_col_int(st, 5), /* NULL: 0 */
                                .sampled_ms = (double)stmt_col_int(st, 6),
                                .idle_ms = (double)stmt_col_int(st, 7)};

        b.busy_ms = b.sampled_ms * stmt_col_double(st, 8) / 100;
        read_keys(st, by_job, name, b.key);
        b.key[REPORT_NODE] = stmt_col_string(st, USE_NODE);
        if (report_add_busy(r, &b, e))
            return -1;
    }
    return rc;
}

static int add_jobs(struct stmt *st, struct report *r, bool by_job, struct err *e)
{
    char name[NAME_ROOM] = "";
    int rc;

    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_job j = {.submitted_ms = stmt_col_int(st, 3),
                               .started_ms = stmt_col_int(st, 4),
                               .ended_ms = stmt_col_int(st, 5),
                               .succeeded = stmt_col_int(st, 6) == STATE_SUCCEEDED};

        read_keys(st, by_job, name, j.key);
        if (report_add_job(r, &j, e))
            return -1;
    }
    return rc;
}

/* What is asked for, of whom. */
struct asked {
    struct store *s;
    const struct report_range *range;
    const struct report_whose *whose;
    bool by_job;
};

/* Only tasks that were somewhere within the range. */
static void only_tasks(struct query *q, const struct asked *a)
{
    query_where(q, "t.created_ms < ?");
    query_int(q, a->range->to_ms);
    query_where(q, "(t.completed_ms IS NULL OR t.completed_ms > ?)");
    query_int(q, a->range->from_ms);
    query_where(q, "t.node IS NOT NULL");
    only(q, a->whose);
}

static int read_tasks(const struct asked *a, struct report *r, struct err *e)
{
    struct query q;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, t.node, json_array_length(t.gpus), t.created_ms, t.completed_ms,"
                   " t.state, t.exit_code, a.state, a.exit_code,"
                   /* who is stopped for good by preemption ends as if a person had done it */
                   " a.state = " STOPPED " AND EXISTS(SELECT 1 FROM decision d WHERE d.job_id = a.job_id"
                   " AND d.job_attempt = a.attempt AND d.kind = 'preempted')"
                   " FROM task_attempt t"
                   " JOIN job_attempt a ON a.job_id = t.job_id AND a.attempt = t.job_attempt"
                   " JOIN job j ON j.id = t.job_id");
    only_tasks(&q, a);
    rc = add_uses(query_stmt(&q, a->s, e), r, a->by_job, false, e);
    query_fini(&q);
    return rc;
}

static int read_leases(const struct asked *a, struct report *r, struct err *e)
{
    struct query q;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, l.node, l.gpu_count, l.created_ms, l.ended_ms"
                   " FROM lease l JOIN job j ON j.id = l.job_id");
    query_where(&q, "l.hold = 'gpus' AND l.created_ms < ?");
    query_int(&q, a->range->to_ms);
    query_where(&q, "(l.ended_ms IS NULL OR l.ended_ms > ?)");
    query_int(&q, a->range->from_ms);
    only(&q, a->whose);
    rc = add_uses(query_stmt(&q, a->s, e), r, a->by_job, true, e);
    query_fini(&q);
    return rc;
}

static int read_busy(const struct asked *a, struct report *r, struct err *e)
{
    struct query q;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, t.node, t.created_ms, t.completed_ms, u.sampled_ms, u.idle_ms,"
                   " u.busy_mean FROM gpu_use u JOIN task_attempt t ON t.id = u.attempt_id"
                   " JOIN job j ON j.id = t.job_id");
    only_tasks(&q, a);
    rc = add_busy(query_stmt(&q, a->s, e), r, a->by_job, e);
    query_fini(&q);
    return rc;
}

/* What rules about GPUs that are not used have taken; not what only was mailed or tagged, or would have been done. */
static int read_freed(const struct asked *a, struct report *r, struct err *e)
{
    char name[NAME_ROOM] = "";
    struct stmt *st;
    struct query q;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, i.node, i.time_ms, i.gpus, i.idle_ms, i.left_ms"
                   " FROM idle_act i JOIN job j ON j.id = i.job_id");
    query_where(&q, "i.dry_run = 0 AND i.action IN ('stop', 'release') AND i.time_ms >= ?");
    query_int(&q, a->range->from_ms);
    query_where(&q, "i.time_ms < ?");
    query_int(&q, a->range->to_ms);
    only(&q, a->whose);
    st = query_stmt(&q, a->s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_freed f = {.at_ms = stmt_col_int(st, 4),
                                 .gpus = stmt_col_int(st, 5),
                                 .idle_ms = stmt_col_int(st, 6),
                                 .left_ms = stmt_col_int_or(st, 7, -1)};

        read_keys(st, a->by_job, name, f.key);
        f.key[REPORT_NODE] = stmt_col_string(st, 3);
        if (report_add_freed(r, &f, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

static int read_jobs(const struct asked *a, struct report *r, struct err *e)
{
    struct query q;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, j.submitted_ms,"
                   " (SELECT min(a.launched_ms) FROM job_attempt a WHERE a.job_id = j.id), j.completed_ms, j.state"
                   " FROM job j");
    query_where(&q, "j.submitted_ms < ?");
    query_int(&q, a->range->to_ms);
    query_where(&q, "(j.completed_ms IS NULL OR j.completed_ms >= ?)");
    query_int(&q, a->range->from_ms);
    only(&q, a->whose);
    rc = add_jobs(query_stmt(&q, a->s, e), r, a->by_job, e);
    query_fini(&q);
    return rc;
}

int report_store_read(struct store *s, const struct report_range *range, const struct report_whose *whose,
                      struct report *r, struct err *e)
{
    const struct asked a = {s, range, whose, range->by & 1u << REPORT_JOB};

    return read_tasks(&a, r, e) || read_leases(&a, r, e) || read_busy(&a, r, e) || read_freed(&a, r, e) ||
                   read_jobs(&a, r, e)
               ? -1
               : 0;
}
