/* SPDX-License-Identifier: MIT
 *
 * start_floor DB: what this machine can do at best for the start over the rows that sched_start has made. Reads the
 * same columns of the same rows by the same statements, copies every text, finds each task's node by name in a sorted
 * list and counts its GPUs there. No YAML or JSON is read, no job, grid or virtual cluster made.
 */
// link: PkgConfig::SQLITE
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/bench/sched.h"

static const char nodes_sql[] = "SELECT name, spec, cordoned, draining, labels FROM node ORDER BY name";
static const char jobs_sql[] =
    "SELECT j.seq, j.id, j.user, j.name, j.vc, j.priority, j.priority_class, j.state, j.execution_type,"
    " j.submitted_ms, j.created_ms, j.launched_ms, j.completed_ms, j.attempt, j.retries_user, j.retries_platform,"
    " j.retries_resource, j.total_gpus, j.total_tasks, j.total_roles, j.exit_code, j.exit_phrase, j.wait_reason, "
    "j.tags,"
    " j.archived, j.detail, j.config, j.secrets FROM job j WHERE j.completed_ms IS NULL ORDER BY j.seq";
static const char tasks_sql[] =
    "SELECT t.id, t.job_id, t.job_attempt, t.role, t.task_index, t.attempt, t.state, t.node, t.gpus, t.ports, t.nonce,"
    " t.engine_epoch, t.last_seq, t.claim_state, t.retries, t.accountable_retries, t.created_ms, t.launched_ms,"
    " t.completed_ms, t.exit_code, t.exit_phrase, t.detail FROM task_attempt t WHERE t.job_id = ? AND t.job_attempt = ?"
    " AND t.attempt = (SELECT max(n.attempt) FROM task_attempt n WHERE n.job_id = t.job_id AND n.job_attempt ="
    " t.job_attempt AND n.role = t.role AND n.task_index = t.task_index) ORDER BY t.role, t.task_index";

enum { JOB_ID = 1, JOB_ATTEMPT = 13, JOB_GPUS = 17, TASK_NODE = 7, NODES_MAX = 65536, TEXT_MAX = 4096 };

struct floor {
    sqlite3 *db;
    char (*names)[64];
    int *used;
    int node_count, taken;
    char text[TEXT_MAX]; /* where texts are copied to */
};

static void die(const struct floor *f, const char *what)
{
    fprintf(stderr, "start_floor: %s: %s\n", what, f->db ? sqlite3_errmsg(f->db) : "?");
    exit(1);
}

static sqlite3_stmt *prepare(const struct floor *f, const char *sql)
{
    sqlite3_stmt *st = NULL;
    if (sqlite3_prepare_v2(f->db, sql, -1, &st, NULL) != SQLITE_OK)
        die(f, sql);
    return st;
}

/* Everything that the row holds is looked at. */
static void copy_row(struct floor *f, sqlite3_stmt *st)
{
    for (int i = 0; i < sqlite3_column_count(st); i++) {
        if (sqlite3_column_type(st, i) == SQLITE_INTEGER)
            f->text[0] = (char)sqlite3_column_int64(st, i);
        else
            snprintf(f->text, sizeof f->text, "%s", (const char *)sqlite3_column_text(st, i));
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static void take(struct floor *f, const char *node, int gpus)
{
    const char(*at)[64] = node ? bsearch(node, f->names, (size_t)f->node_count, sizeof *f->names, by_name) : NULL;
    if (!at)
        die(f, "a task is nowhere");
    f->used[at - f->names] += gpus;
    f->taken++;
}

static void read_nodes(struct floor *f)
{
    sqlite3_stmt *st = prepare(f, nodes_sql);
    for (; sqlite3_step(st) == SQLITE_ROW && f->node_count < NODES_MAX; f->node_count++) {
        copy_row(f, st);
        snprintf(f->names[f->node_count], sizeof *f->names, "%s", (const char *)sqlite3_column_text(st, 0));
    }
    sqlite3_finalize(st);
}

static void read_jobs(struct floor *f)
{
    sqlite3_stmt *jobs = prepare(f, jobs_sql), *tasks = prepare(f, tasks_sql);
    while (sqlite3_step(jobs) == SQLITE_ROW) {
        copy_row(f, jobs);
        sqlite3_bind_text(tasks, 1, (const char *)sqlite3_column_text(jobs, JOB_ID), -1, SQLITE_TRANSIENT);
        sqlite3_bind_int(tasks, 2, sqlite3_column_int(jobs, JOB_ATTEMPT));
        while (sqlite3_step(tasks) == SQLITE_ROW) {
            copy_row(f, tasks);
            take(f, (const char *)sqlite3_column_text(tasks, TASK_NODE), sqlite3_column_int(jobs, JOB_GPUS));
        }
        sqlite3_reset(tasks);
    }
    sqlite3_finalize(jobs);
    sqlite3_finalize(tasks);
}

int main(int argc, char **argv)
{
    struct floor f = {.names = calloc(NODES_MAX, sizeof *f.names), .used = calloc(NODES_MAX, sizeof *f.used)};
    if (argc != 2 || !f.names || !f.used ||
        sqlite3_open_v2(argv[1], &f.db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
        die(&f, "open");
    double cpu = mix_clock(CLOCK_PROCESS_CPUTIME_ID), wall = mix_clock(CLOCK_MONOTONIC);
    read_nodes(&f);
    read_jobs(&f);
    printf("{\"all\": {\"cpu_ms\": %.2f, \"wall_ms\": %.2f}, \"tasks\": %d}\n",
           (mix_clock(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e3, (mix_clock(CLOCK_MONOTONIC) - wall) * 1e3, f.taken);
    sqlite3_close(f.db);
    free(f.names);
    free(f.used);
    return 0;
}
