/* SPDX-License-Identifier: MIT
 *
 * The CSV reader, the quota rule and the drawn classes.
 */
#include "sim/trace_read.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"
#include "sim/random.h"

enum { COLUMNS_MAX = 64 };
enum { COLUMN_SUBMIT, COLUMN_VC, COLUMN_GPUS, COLUMN_DURATION, COLUMN_USER, COLUMN_CLASS, COLUMN_COUNT };

static const struct {
    const char *name;
    bool optional;
} columns[COLUMN_COUNT] = {
    [COLUMN_SUBMIT] = {"submit_time_s", false}, [COLUMN_VC] = {"vc", false},    [COLUMN_GPUS] = {"gpus", false},
    [COLUMN_DURATION] = {"duration_s", false},  [COLUMN_USER] = {"user", true}, [COLUMN_CLASS] = {"priority", true},
};

const struct trace_class trace_classes[TRACE_CLASSES] = {{"oppo", -1}, {"test", 10}, {"prod", 100}, {"crit", 120}};

/* A trace being read. */
struct reader {
    struct trace *trace;
    size_t job_cap;
    int column[COLUMN_COUNT]; /* -1: not there */
    struct hash *vcs, *users; /* number + 1 as pointer */
    char **names;             /* keys of the hashes, ours */
    size_t name_count, name_cap;
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

static int read_header(struct reader *r, char *line, struct err *e)
{
    char *fields[COLUMNS_MAX];
    size_t n = cut(line, fields);
    for (int c = 0; c < COLUMN_COUNT; c++) {
        r->column[c] = -1;
        for (size_t i = 0; i < n; i++)
            if (!strcmp(fields[i], columns[c].name))
                r->column[c] = (int)i;
        if (r->column[c] < 0 && !columns[c].optional)
            return err_set(e, ERR_INVALID_PARAMETERS, "the trace has no column %s", columns[c].name);
    }
    return 0;
}

/* Keeps a copy of a name for a hash. NULL on out of memory. */
static const char *keep(struct reader *r, const char *name)
{
    if (r->name_count == r->name_cap) {
        size_t cap = r->name_cap ? r->name_cap * 2 : 64;
        char **grown = realloc(r->names, cap * sizeof *grown);
        if (!grown)
            return NULL;
        r->names = grown;
        r->name_cap = cap;
    }
    char *copy = strdup(name);
    if (copy)
        r->names[r->name_count++] = copy;
    return copy;
}

/* The number of a name, `next` when it is new; -1 on out of memory. */
static int number_of(struct reader *r, struct hash *h, const char *name, size_t next)
{
    int known = (int)(uintptr_t)hash_get(h, name) - 1;
    if (known >= 0)
        return known;
    const char *key = keep(r, name);
    return key && !hash_put(h, key, (void *)(uintptr_t)(next + 1)) ? (int)next : -1;
}

static int find_vc(struct reader *r, const char *name, struct err *e)
{
    struct trace *t = r->trace;
    int vc = number_of(r, r->vcs, name, t->vc_count);
    if (vc < 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    if (vc < (int)t->vc_count)
        return vc;
    if (t->vc_count == TRACE_VCS_MAX || strlen(name) >= TOPOLOGY_NAME_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "more than %d virtual clusters, or a name of %d bytes or more",
                       TRACE_VCS_MAX, TOPOLOGY_NAME_MAX);
    struct trace_vc *grown = realloc(t->vcs, (t->vc_count + 1) * sizeof *grown);
    if (!grown)
        return err_set(e, ERR_INTERNAL, "out of memory");
    t->vcs = grown;
    grown[t->vc_count] = (struct trace_vc){0};
    snprintf(grown[t->vc_count].name, TOPOLOGY_NAME_MAX, "%s", name);
    return (int)t->vc_count++;
}

/* The user's number, or -1 when the row names none. */
static int find_user(struct reader *r, const char *name, int *out, struct err *e)
{
    struct trace *t = r->trace;
    *out = -1;
    if (!*name)
        return 0;
    if (t->user_count == TRACE_USERS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "more than %d users", TRACE_USERS_MAX);
    *out = number_of(r, r->users, name, t->user_count);
    if (*out < 0)
        return err_set(e, ERR_INTERNAL, "out of memory");
    t->user_count += *out == (int)t->user_count;
    return 0;
}

/* A class by its word; empty = not said. -2 when there is no such class. */
static int find_class(const char *word)
{
    if (!*word)
        return -1;
    for (int c = 0; c < TRACE_CLASSES; c++)
        if (!strcmp(word, trace_classes[c].name))
            return c;
    return -2;
}

static int number(const char *name, const char *text, double max, double *out, struct err *e)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (end == text || *end || errno || !(*out >= 0) || *out > max)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s must be a number from 0 to %.0f", name, max);
    return 0;
}

static struct trace_job *new_job(struct reader *r, struct err *e)
{
    struct trace *t = r->trace;
    if (t->job_count == TRACE_JOBS_MAX) {
        err_set(e, ERR_INVALID_PARAMETERS, "more than %d jobs", TRACE_JOBS_MAX);
        return NULL;
    }
    if (t->job_count == r->job_cap) {
        size_t cap = r->job_cap ? r->job_cap * 2 : 4096;
        struct trace_job *grown = realloc(t->jobs, cap * sizeof *grown);
        if (!grown) {
            err_set(e, ERR_INTERNAL, "out of memory");
            return NULL;
        }
        t->jobs = grown;
        r->job_cap = cap;
    }
    return &t->jobs[t->job_count];
}

/* The field of a column, "" where there is no such column. */
static const char *field(const struct reader *r, char *const *fields, int column)
{
    return r->column[column] < 0 ? "" : fields[r->column[column]];
}

static int read_row(struct reader *r, char **fields, size_t row, struct err *e)
{
    struct trace *t = r->trace;
    double submit, gpus, duration;
    int user, job_class = find_class(field(r, fields, COLUMN_CLASS));
    if (number("submit_time_s", field(r, fields, COLUMN_SUBMIT), 1e10, &submit, e) ||
        number("gpus", field(r, fields, COLUMN_GPUS), TRACE_GPUS_MAX, &gpus, e) ||
        number("duration_s", field(r, fields, COLUMN_DURATION), 1e10, &duration, e))
        return -1;
    if (job_class < -1)
        return err_set(e, ERR_INVALID_PARAMETERS, "priority must be crit, prod, test, oppo or empty");
    if (gpus <= 0) {
        t->without_gpus++;
        return 0;
    }
    int vc = find_vc(r, field(r, fields, COLUMN_VC), e);
    struct trace_job *j = vc < 0 || find_user(r, field(r, fields, COLUMN_USER), &user, e) ? NULL : new_job(r, e);
    if (!j)
        return -1;
    int whole = (int)gpus + ((double)(int)gpus < gpus);
    t->fractions += (double)whole > gpus;
    t->vcs[vc].gpu_hours += whole * duration / 3600;
    *j = (struct trace_job){.submit_ms = (int64_t)(submit * 1000),
                            .duration_ms = (int64_t)(duration * 1000),
                            .row = row,
                            .vc = vc,
                            .user = user,
                            .gpus = whole,
                            .job_class = (int8_t)job_class};
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

static int read_rows(struct reader *r, FILE *f, struct err *e)
{
    char line[4096], *fields[COLUMNS_MAX];
    for (size_t row = 2; fgets(line, sizeof line, f); row++) {
        bool whole = strchr(line, '\n') || feof(f);
        size_t n = cut(line, fields);
        for (int c = 0; c < COLUMN_COUNT; c++)
            whole = whole && r->column[c] < (int)n;
        if (!whole)
            return err_set(e, ERR_INVALID_PARAMETERS, "line %zu is too long or lacks a column", row);
        if (read_row(r, fields, row, e))
            return err_wrap(e, "line %zu", row);
    }
    return 0;
}

int trace_read_stream(FILE *f, struct trace *t, struct err *e)
{
    struct reader r = {.trace = t, .vcs = hash_create(), .users = hash_create()};
    char line[4096];
    int rc = -1;
    if (!r.vcs || !r.users)
        err_set(e, ERR_INTERNAL, "out of memory");
    else if (!fgets(line, sizeof line, f))
        err_set(e, ERR_INVALID_PARAMETERS, "the trace is empty");
    else
        rc = read_header(&r, line, e) || read_rows(&r, f, e) ? -1 : 0;
    if (!rc && t->job_count)
        qsort(t->jobs, t->job_count, sizeof *t->jobs, by_time);
    hash_destroy(r.vcs);
    hash_destroy(r.users);
    while (r.name_count)
        free(r.names[--r.name_count]);
    free(r.names);
    return rc;
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

void trace_read_classes(struct trace *t, const int percent[TRACE_CLASSES], uint64_t seed)
{
    for (size_t i = 0; i < t->job_count; i++) {
        uint64_t s = seed + t->jobs[i].row * UINT64_C(0x9E3779B97F4A7C15);
        int dice = (int)(random_next(&s) % 100), c = 0;
        while (c < TRACE_CLASSES - 1 && dice >= percent[c])
            dice -= percent[c++];
        if (t->jobs[i].job_class < 0)
            t->jobs[i].job_class = (int8_t)c;
    }
}
