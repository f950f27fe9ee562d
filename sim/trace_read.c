/* SPDX-License-Identifier: MIT
 *
 * The CSV reader and the quota rule.
 */
#include "sim/trace_read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"

enum { COLUMNS_MAX = 32 };
enum { COLUMN_SUBMIT, COLUMN_VC, COLUMN_GPUS, COLUMN_DURATION, COLUMN_COUNT };

static const char *const column_names[COLUMN_COUNT] = {
    [COLUMN_SUBMIT] = "submit_time_s",
    [COLUMN_VC] = "vc",
    [COLUMN_GPUS] = "gpus",
    [COLUMN_DURATION] = "duration_s",
};

/* Cuts a line into fields in place. No quotes: the traces have none. */
static size_t cut(char *line, char **fields)
{
    size_t n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    for (char *p = line; p && n < COLUMNS_MAX;) {
        fields[n++] = p;
        p = strchr(p, ',');
        if (p)
            *p++ = '\0';
    }
    return n;
}

static int read_header(char *line, int *column, struct err *e)
{
    char *fields[COLUMNS_MAX];
    size_t n = cut(line, fields);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        column[c] = -1;
        for (size_t i = 0; i < n; i++)
            if (!strcmp(fields[i], column_names[c]))
                column[c] = (int)i;
        if (column[c] < 0)
            return err_set(e, ERR_INVALID_PARAMETERS, "the trace has no column %s", column_names[c]);
    }
    return 0;
}

static int find_vc(struct trace *t, const char *name)
{
    for (size_t i = t->vc_count; i-- > 0;)
        if (!strcmp(t->vcs[i].name, name))
            return (int)i;
    struct trace_vc *grown = realloc(t->vcs, (t->vc_count + 1) * sizeof *grown);
    if (!grown)
        return -1;
    t->vcs = grown;
    grown[t->vc_count] = (struct trace_vc){0};
    snprintf(grown[t->vc_count].name, TOPOLOGY_NAME_MAX, "%s", name);
    return (int)t->vc_count++;
}

static bool number(const char *text, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    return end != text && !*end && !errno && *out >= 0 && *out < 1e10;
}

/* One row. Jobs without GPUs are left out. */
static int read_row(struct trace *t, size_t *cap, char **fields, const int *column)
{
    double submit, gpus, duration;
    if (!number(fields[column[COLUMN_SUBMIT]], &submit) || !number(fields[column[COLUMN_GPUS]], &gpus) ||
        !number(fields[column[COLUMN_DURATION]], &duration))
        return -1;
    if (gpus < 1)
        return 0;
    if (t->job_count == *cap) {
        size_t grown_cap = *cap ? *cap * 2 : 4096;
        struct trace_job *grown = realloc(t->jobs, grown_cap * sizeof *grown);
        if (!grown)
            return -1;
        t->jobs = grown;
        *cap = grown_cap;
    }
    int vc = find_vc(t, fields[column[COLUMN_VC]]);
    if (vc < 0)
        return -1;
    t->vcs[vc].gpu_hours += gpus * duration / 3600;
    t->jobs[t->job_count] = (struct trace_job){.submit_ms = (int64_t)(submit * 1000),
                                               .duration_ms = (int64_t)(duration * 1000),
                                               .row = t->job_count,
                                               .vc = vc,
                                               .gpus = (int)gpus,
                                               .start_ms = -1,
                                               .gang = -1};
    t->job_count++;
    return 0;
}

static int by_time(const void *a, const void *b)
{
    const struct trace_job *x = a, *y = b;
    if (x->submit_ms != y->submit_ms)
        return x->submit_ms < y->submit_ms ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row; /* qsort is not stable */
}

int trace_read_stream(FILE *f, struct trace *t, struct err *e)
{
    char line[4096], *fields[COLUMNS_MAX];
    int column[COLUMN_COUNT] = {0}, number_of_line = 1;
    size_t cap = 0;
    if (!fgets(line, sizeof line, f))
        return err_set(e, ERR_INVALID_PARAMETERS, "the trace is empty");
    if (read_header(line, column, e))
        return -1;
    while (fgets(line, sizeof line, f)) {
        size_t n = cut(line, fields);
        number_of_line++;
        for (int c = 0; c < COLUMN_COUNT; c++)
            if ((size_t)column[c] >= n)
                n = 0;
        if (!n || read_row(t, &cap, fields, column))
            return err_set(e, ERR_INVALID_PARAMETERS, "line %d is no row of a trace", number_of_line);
    }
    if (t->job_count)
        qsort(t->jobs, t->job_count, sizeof *t->jobs, by_time);
    return 0;
}

int trace_read_file(const char *path, struct trace *t, struct err *e)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return err_errno(e, errno, "%s", path);
    int rc = trace_read_stream(f, t, e);
    fclose(f);
    return rc ? err_wrap(e, "%s", path) : 0;
}

void trace_read_fini(struct trace *t)
{
    if (!t)
        return;
    free(t->jobs);
    free(t->vcs);
    *t = (struct trace){0};
}

/* The virtual cluster that is furthest below its exact share. */
static struct trace_vc *poorest(struct trace *t, double per_hour)
{
    struct trace_vc *best = &t->vcs[0];
    for (size_t i = 1; i < t->vc_count; i++)
        if (t->vcs[i].gpu_hours * per_hour - t->vcs[i].nodes > best->gpu_hours * per_hour - best->nodes)
            best = &t->vcs[i];
    return best;
}

/* The one furthest above, that has more than one. */
static struct trace_vc *richest(struct trace *t, double per_hour)
{
    struct trace_vc *best = NULL;
    for (size_t i = 0; i < t->vc_count; i++)
        if (t->vcs[i].nodes > 1 &&
            (!best || t->vcs[i].nodes - t->vcs[i].gpu_hours * per_hour > best->nodes - best->gpu_hours * per_hour))
            best = &t->vcs[i];
    return best;
}

int trace_read_quota(struct trace *t, int nodes, struct err *e)
{
    double hours = 0;
    int given = 0;
    if (!t->vc_count || (size_t)nodes < t->vc_count)
        return err_set(e, ERR_INVALID_PARAMETERS, "%d machines are too few for %zu virtual clusters", nodes,
                       t->vc_count);
    for (size_t i = 0; i < t->vc_count; i++)
        hours += t->vcs[i].gpu_hours;
    double per_hour = hours > 0 ? nodes / hours : 0;
    for (size_t i = 0; i < t->vc_count; i++) {
        t->vcs[i].nodes = (int)(t->vcs[i].gpu_hours * per_hour);
        if (t->vcs[i].nodes < 1)
            t->vcs[i].nodes = 1;
        given += t->vcs[i].nodes;
    }
    for (; given < nodes; given++)
        poorest(t, per_hour)->nodes++;
    for (; given > nodes; given--)
        richest(t, per_hour)->nodes--;
    return 0;
}
