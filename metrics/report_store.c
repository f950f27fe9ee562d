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
#include "metrics/report_nodes.h"
#include "metrics/report_reserved.h"
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

/* The columns of tasks, behind the three of whose they are; what is asked for beside them follows. */
enum {
    USE_NODE = 3,
    USE_BEGIN,
    USE_END,
    USE_TASK,
    USE_TASK_CODE,
    USE_ATTEMPT,
    USE_ATTEMPT_CODE,
    USE_PREEMPTED,
    USE_OWN
};

/* Who is stopped for good by preemption ends as if a person had done it: the last of the columns tells. */
#define OF_TASKS                                                                                                       \
    "j.vc, j.user, j.name, t.node, t.created_ms, t.completed_ms, t.state, t.exit_code, a.state, a.exit_code,"          \
    " a.state = " STOPPED " AND EXISTS(SELECT 1 FROM decision d WHERE d.job_id = a.job_id"                             \
    " AND d.job_attempt = a.attempt AND d.kind = 'preempted')"
#define FROM_TASKS                                                                                                     \
    " JOIN job_attempt a ON a.job_id = t.job_id AND a.attempt = t.job_attempt JOIN job j ON j.id = t.job_id"

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

/* What is asked for, of whom, for what. */
struct asked {
    struct store *s;
    const struct report_range *range;
    const struct report_whose *whose;
    struct report *r;
    struct report_nodes *nodes; /* NULL: not asked for */
    bool by_job;
};

/* Whose a row is: its first three columns. `name` is room for the job's, which costs, where it is asked for. */
static void read_keys(struct stmt *st, const struct asked *a, char name[NAME_ROOM], const char *keys[REPORT_KEYS])
{
    keys[REPORT_VC] = stmt_col_string(st, 0);
    keys[REPORT_USER] = stmt_col_string(st, 1);
    name[0] = '\0';
    if (a->by_job)
        (void)snprintf(name, NAME_ROOM, "%s~%s", keys[REPORT_USER], stmt_col_string(st, 2));
    keys[REPORT_JOB] = name;
}

/* And where: the fourth. */
static void read_place(struct stmt *st, const struct asked *a, char name[NAME_ROOM], const char *keys[REPORT_KEYS])
{
    read_keys(st, a, name, keys);
    keys[REPORT_NODE] = stmt_col_string(st, USE_NODE);
    keys[REPORT_MODEL] = a->nodes ? report_nodes_model(a->nodes, keys[REPORT_NODE]) : NULL;
}

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

static int read_tasks(const struct asked *a, struct err *e)
{
    char name[NAME_ROOM];
    struct query q;
    struct stmt *st;
    int rc;

    query_init(&q, "SELECT " OF_TASKS ", json_array_length(t.gpus) FROM task_attempt t" FROM_TASKS);
    only_tasks(&q, a);
    st = query_stmt(&q, a->s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_use u = {.gpus = stmt_col_int(st, USE_OWN),
                               .begin_ms = stmt_col_int(st, USE_BEGIN),
                               .end_ms = stmt_col_int(st, USE_END), /* NULL: 0 */
                               .outcome = outcome(st)};

        read_place(st, a, name, u.key);
        if (report_add_use(a->r, &u, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

/* What a debug reservation holds after the end, and what of it nobody uses. 0 or -1. */
static int add_lease(struct stmt *st, const struct asked *a, struct err *e)
{
    char name[NAME_ROOM];
    struct report_use u = {.gpus = stmt_col_int(st, 6),
                           .begin_ms = stmt_col_int(st, USE_BEGIN),
                           .end_ms = stmt_col_int(st, USE_END), /* NULL: 0 */
                           .outcome = REPORT_RESERVED};

    read_place(st, a, name, u.key);
    struct report_reserved l = {.key = u.key,
                                .gpus = stmt_col_string(st, 7),
                                .begin_ms = u.begin_ms > a->range->from_ms ? u.begin_ms : a->range->from_ms,
                                .end_ms = u.end_ms ? u.end_ms : a->range->now_ms};
    if (l.end_ms > a->range->to_ms)
        l.end_ms = a->range->to_ms;
    return report_add_use(a->r, &u, e) || report_reserved_add(a->s, a->nodes, &l, a->r, e) ? -1 : 0;
}

static int read_leases(struct asked *a, struct err *e)
{
    struct query q;
    struct stmt *st;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, l.node, l.created_ms, l.ended_ms, l.gpu_count, l.gpus"
                   " FROM lease l JOIN job j ON j.id = l.job_id");
    query_where(&q, "l.hold = 'gpus' AND l.created_ms < ?");
    query_int(&q, a->range->to_ms);
    query_where(&q, "(l.ended_ms IS NULL OR l.ended_ms > ?)");
    query_int(&q, a->range->from_ms);
    only(&q, a->whose);
    st = query_stmt(&q, a->s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        if (!a->nodes && !(a->nodes = report_nodes_read(a->s, e))) {
            rc = -1;
            break;
        }
        if (add_lease(st, a, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

/* Of GPUs that were sampled while tasks held them. */
static int read_busy(const struct asked *a, struct err *e)
{
    char name[NAME_ROOM];
    struct query q;
    struct stmt *st;
    int rc;

    query_init(&q,
               "SELECT " OF_TASKS ", u.sampled_ms, u.idle_ms, u.busy_mean, u.memory_ms, u.memory_mib_ms, u.energy_uj"
               " FROM gpu_use u JOIN task_attempt t ON t.id = u.attempt_id" FROM_TASKS);
    only_tasks(&q, a);
    st = query_stmt(&q, a->s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_busy b = {.begin_ms = stmt_col_int(st, USE_BEGIN),
                                .end_ms = stmt_col_int(st, USE_END), /* NULL: 0 */
                                .outcome = outcome(st),
                                .sampled_ms = (double)stmt_col_int(st, USE_OWN),
                                .idle_ms = (double)stmt_col_int(st, USE_OWN + 1),
                                .memory_ms = (double)stmt_col_int(st, USE_OWN + 3),
                                .memory_mib_ms = (double)stmt_col_int(st, USE_OWN + 4),
                                .energy_j = (double)stmt_col_int(st, USE_OWN + 5) / 1e6};

        b.busy_ms = b.sampled_ms * stmt_col_double(st, USE_OWN + 2) / 100;
        read_place(st, a, name, b.key);
        if (report_add_busy(a->r, &b, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

/* What rules about GPUs that are not used have taken; not what only was mailed or tagged, or would have been done. */
static int read_freed(const struct asked *a, struct err *e)
{
    char name[NAME_ROOM];
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

        read_place(st, a, name, f.key);
        if (report_add_freed(a->r, &f, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

/* Job attempts that made room, when they had ended. */
static int read_preempted(const struct asked *a, struct err *e)
{
    char name[NAME_ROOM];
    struct query q;
    struct stmt *st;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, a.completed_ms FROM job_attempt a JOIN job j ON j.id = a.job_id");
    query_where(&q, "a.completed_ms >= ?");
    query_int(&q, a->range->from_ms);
    query_where(&q, "a.completed_ms < ?");
    query_int(&q, a->range->to_ms);
    query_where(&q, "(a.exit_code = ? OR (a.state = " STOPPED " AND EXISTS(SELECT 1 FROM decision d"
                    " WHERE d.job_id = a.job_id AND d.job_attempt = a.attempt AND d.kind = 'preempted')))");
    query_int(&q, EXIT_CODE_PREEMPTED);
    only(&q, a->whose);
    st = query_stmt(&q, a->s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_preempted p = {.at_ms = stmt_col_int(st, 3)};

        read_keys(st, a, name, p.key);
        if (report_add_preempted(a->r, &p, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

static int read_jobs(const struct asked *a, struct err *e)
{
    char name[NAME_ROOM];
    struct query q;
    struct stmt *st;
    int rc;

    query_init(&q, "SELECT j.vc, j.user, j.name, j.submitted_ms,"
                   " (SELECT min(a.launched_ms) FROM job_attempt a WHERE a.job_id = j.id), j.completed_ms, j.state"
                   " FROM job j");
    query_where(&q, "j.submitted_ms < ?");
    query_int(&q, a->range->to_ms);
    query_where(&q, "(j.completed_ms IS NULL OR j.completed_ms >= ?)");
    query_int(&q, a->range->from_ms);
    only(&q, a->whose);
    st = query_stmt(&q, a->s, e);
    while ((rc = stmt_step(st, e)) == STMT_ROW) {
        struct report_job j = {.submitted_ms = stmt_col_int(st, 3),
                               .started_ms = stmt_col_int(st, 4),
                               .ended_ms = stmt_col_int(st, 5),
                               .succeeded = stmt_col_int(st, 6) == STATE_SUCCEEDED};

        read_keys(st, a, name, j.key);
        if (report_add_job(a->r, &j, e)) {
            rc = -1;
            break;
        }
    }
    query_fini(&q);
    return rc;
}

int report_store_read(struct store *s, const struct report_range *range, const struct report_whose *whose,
                      struct report *r, struct err *e)
{
    struct asked a = {s, range, whose, r, NULL, report_wants(r, REPORT_JOB)};
    int rc = 0;

    if (report_wants(r, REPORT_MODEL) && !(a.nodes = report_nodes_read(s, e)))
        return -1;
    if (read_tasks(&a, e) || read_leases(&a, e) || read_busy(&a, e) || read_freed(&a, e) || read_preempted(&a, e) ||
        read_jobs(&a, e))
        rc = -1;
    report_nodes_destroy(a.nodes);
    return rc;
}
