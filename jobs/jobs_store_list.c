/* SPDX-License-Identifier: MIT
 *
 * The list of jobs: filter, order, page.
 *
 * Two stages, so that a page costs its 50 rows and not those of all matches: the inner query finds the seq of the page,
 * from indexes where it can, the outer one reads the rows.
 */
#include <string.h>

#include "base/err.h"
#include "jobs/jobs_store_list.h"
#include "jobs/jobs_store_row.h"
#include "store/query.h"
#include "store/store.h"

/* By job_order, ascending and descending. "IS NULL" first puts what is not there last when ascending. */
static const char *const inner_order[] = {
    [2 * JOB_ORDER_SUBMITTED] = " ORDER BY j.submitted_ms, j.seq",
    [2 * JOB_ORDER_SUBMITTED + 1] = " ORDER BY j.submitted_ms DESC, j.seq DESC",
    [2 * JOB_ORDER_NAME] = " ORDER BY j.name, j.seq",
    [2 * JOB_ORDER_NAME + 1] = " ORDER BY j.name DESC, j.seq DESC",
    [2 * JOB_ORDER_USER] = " ORDER BY j.user, j.seq",
    [2 * JOB_ORDER_USER + 1] = " ORDER BY j.user DESC, j.seq DESC",
    [2 * JOB_ORDER_VC] = " ORDER BY j.vc, j.seq",
    [2 * JOB_ORDER_VC + 1] = " ORDER BY j.vc DESC, j.seq DESC",
    [2 * JOB_ORDER_RETRIES] = " ORDER BY j.retries_user + j.retries_platform + j.retries_resource, j.seq",
    [2 * JOB_ORDER_RETRIES + 1] = " ORDER BY j.retries_user + j.retries_platform + j.retries_resource DESC, j.seq DESC",
    [2 * JOB_ORDER_TASKS] = " ORDER BY j.total_tasks, j.seq",
    [2 * JOB_ORDER_TASKS + 1] = " ORDER BY j.total_tasks DESC, j.seq DESC",
    [2 * JOB_ORDER_GPUS] = " ORDER BY j.total_gpus, j.seq",
    [2 * JOB_ORDER_GPUS + 1] = " ORDER BY j.total_gpus DESC, j.seq DESC",
    [2 * JOB_ORDER_STATE] = " ORDER BY j.state, j.seq",
    [2 * JOB_ORDER_STATE + 1] = " ORDER BY j.state DESC, j.seq DESC",
    [2 * JOB_ORDER_COMPLETED] = " ORDER BY j.completed_ms IS NULL, j.completed_ms, j.seq",
    [2 * JOB_ORDER_COMPLETED + 1] = " ORDER BY j.completed_ms IS NULL DESC, j.completed_ms DESC, j.seq DESC",
    [2 * JOB_ORDER_PRIORITY] = " ORDER BY j.priority_class IS NULL, j.priority, j.seq",
    [2 * JOB_ORDER_PRIORITY + 1] = " ORDER BY j.priority_class IS NULL DESC, j.priority DESC, j.seq DESC",
};

/* The same keys as a comparison with the job behind which a page begins. NULL: the key changes in a job's life. */
#define BEHIND(op, key, other) "(" key ", j.seq) " op " (SELECT " other ", k.seq FROM job k WHERE k.seq = ?)"
#define PRIORITY(t) "CASE WHEN " t ".priority_class IS NULL THEN 1000000 ELSE " t ".priority END"
static const char *const behind[] = {
    [2 * JOB_ORDER_SUBMITTED] = BEHIND(">", "j.submitted_ms", "k.submitted_ms"),
    [2 * JOB_ORDER_SUBMITTED + 1] = BEHIND("<", "j.submitted_ms", "k.submitted_ms"),
    [2 * JOB_ORDER_NAME] = BEHIND(">", "j.name", "k.name"),
    [2 * JOB_ORDER_NAME + 1] = BEHIND("<", "j.name", "k.name"),
    [2 * JOB_ORDER_USER] = BEHIND(">", "j.user", "k.user"),
    [2 * JOB_ORDER_USER + 1] = BEHIND("<", "j.user", "k.user"),
    [2 * JOB_ORDER_VC] = BEHIND(">", "j.vc", "k.vc"),
    [2 * JOB_ORDER_VC + 1] = BEHIND("<", "j.vc", "k.vc"),
    [2 * JOB_ORDER_TASKS] = BEHIND(">", "j.total_tasks", "k.total_tasks"),
    [2 * JOB_ORDER_TASKS + 1] = BEHIND("<", "j.total_tasks", "k.total_tasks"),
    [2 * JOB_ORDER_GPUS] = BEHIND(">", "j.total_gpus", "k.total_gpus"),
    [2 * JOB_ORDER_GPUS + 1] = BEHIND("<", "j.total_gpus", "k.total_gpus"),
    [2 * JOB_ORDER_PRIORITY] = BEHIND(">", PRIORITY("j"), PRIORITY("k")),
    [2 * JOB_ORDER_PRIORITY + 1] = BEHIND("<", PRIORITY("j"), PRIORITY("k")),
};

bool jobs_store_order_is_fixed(enum job_order order)
{
    size_t i = 2 * (size_t)order;

    return i < sizeof behind / sizeof *behind && behind[i];
}

static void add_values(struct query *q, const struct job_values *values)
{
    query_in_text(q, values->list, values->count);
}

/* With a user, the plus keeps the planner from the index of states: a user's jobs are fewer than a state's. */
static void add_states(struct query *q, unsigned states, bool with_user)
{
    int64_t list[8];
    size_t n = 0;

    for (unsigned bit = STATE_WAITING; bit <= STATE_STOPPED; bit <<= 1)
        if (states & bit)
            list[n++] = bit;
    if (with_user)
        query_where(q, "+j.state IN ");
    else
        query_where(q, "j.state IN ");
    query_in_int(q, list, n);
}

/* `default` is no class of its own: the class was not given. */
static void add_priorities(struct query *q, const struct job_filter *f)
{
    if (f->priority_default && f->priorities.count == 0) {
        query_where(q, "j.priority_class IS NULL");
        return;
    }
    if (f->priorities.count == 0)
        return;
    query_where(q, "(j.priority_class IN ");
    add_values(q, &f->priorities);
    if (f->priority_default)
        query_sql(q, " OR j.priority_class IS NULL");
    query_sql(q, ")");
}

static void add_keyword(struct query *q, const char *keyword)
{
    query_where(q, "(j.name LIKE ? ESCAPE '\\' OR j.user LIKE ? ESCAPE '\\' OR j.vc LIKE ? ESCAPE '\\')");
    for (int i = 0; i < 3; i++)
        query_contains(q, keyword);
}

static void add_tags(struct query *q, const struct job_filter *f)
{
    if (f->tags_any.count) {
        query_where(q, "j.id IN (SELECT job_id FROM job_tag WHERE tag IN ");
        add_values(q, &f->tags_any);
        query_sql(q, ")");
    }
    if (f->tags_none.count) {
        query_where(q, "NOT EXISTS (SELECT 1 FROM job_tag x WHERE x.job_id = j.id AND x.tag IN ");
        add_values(q, &f->tags_none);
        query_sql(q, ")");
    }
}

static void add_filter(struct query *q, const struct job_filter *f)
{
    if (f->archived)
        query_where(q, "j.archived = 1");
    else
        query_where(q, "j.archived = 0");
    if (f->reader) {
        query_where(q, "(j.user = ? OR j.vc IN (SELECT vc FROM readable_vc WHERE user = ?))");
        query_text(q, f->reader);
        query_text(q, f->reader);
    }
    if (f->users.count) {
        query_where(q, "j.user IN ");
        add_values(q, &f->users);
    }
    if (f->vcs.count) {
        query_where(q, "j.vc IN ");
        add_values(q, &f->vcs);
    }
    if (f->states)
        add_states(q, f->states, f->users.count > 0);
    add_priorities(q, f);
    if (f->keyword)
        add_keyword(q, f->keyword);
    add_tags(q, f);
}

static int list_page(struct store *s, const struct job_filter *f, jobs_store_job_fn *fn, void *ctx, struct err *e)
{
    size_t order = 2 * (size_t)f->order + (f->descending ? 1 : 0);
    struct query q;
    int rc;

    query_init(&q, "SELECT " JOBS_STORE_ROW_LIST " FROM job j WHERE j.seq IN (SELECT j.seq FROM job j");
    add_filter(&q, f);
    if (f->after) {
        query_where(&q, "");
        query_pick(&q, behind, order);
        query_int(&q, f->after);
    }
    query_pick(&q, inner_order, order);
    query_sql(&q, " LIMIT ? OFFSET ?)");
    query_int(&q, f->limit);
    query_int(&q, f->offset);
    query_pick(&q, inner_order, order);
    rc = jobs_store_row_jobs(query_stmt(&q, s, e), false, fn, ctx, e);
    query_fini(&q);
    return rc;
}

static int count_all(struct store *s, const struct job_filter *f, struct err *e)
{
    struct query q;
    struct stmt *st;
    int rc;

    query_init(&q, "SELECT count(*) FROM job j");
    add_filter(&q, f);
    st = query_stmt(&q, s, e);
    rc = stmt_step(st, e) == STMT_ROW ? 0 : -1;
    if (!rc)
        *f->total = stmt_col_int(st, 0);
    query_fini(&q);
    return rc;
}

/* Page and total are of one moment: in one snapshot, if the caller has none. */
int jobs_store_list(struct store *s, const struct job_filter *f, jobs_store_job_fn *fn, void *ctx, struct err *e)
{
    bool own = f->total && !store_in_transaction(s);
    int rc;

    if (own && store_begin(s, e))
        return -1;
    rc = f->total ? count_all(s, f, e) : 0;
    if (!rc && f->limit > 0)
        rc = list_page(s, f, fn, ctx, e);
    if (own)
        store_rollback(s);
    return rc;
}
