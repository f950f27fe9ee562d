/* SPDX-License-Identifier: MIT
 *
 * GET /jobs/{job}/logs/search: an expression in the logs of all attempts of a job's tasks, the oldest first. A call
 * looks for at most SEARCH_MS; where it has not come to the end, its reply says where the next call goes on.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "engines/local/log_search.h"
#include "engines/local/logs.h"
#include "server/api/api.h"
#include "server/api/job_view.h"
#include "server/api/task_places.h"
#include "server/readers.h"

enum { SEARCH_MS = 700, HITS_DEFAULT = 100, HITS_MAX = 1000 };

struct search {
    struct task_places places;
    struct json_out *out;
    const struct task_place *at;
    int64_t hits, limit;
    struct log_search run;
    /* of the query */
    const char *log;
    int64_t attempt;    /* -1: of all job attempts */
    char from[ID_SIZE]; /* the attempt to go on with; "" = from the first */
};

static int take_place(void *ctx, const struct task_attempt_row *row)
{
    struct search *s = ctx;
    if (s->attempt >= 0 && row->job_attempt != s->attempt)
        return 0;
    return task_places_add(&s->places, row);
}

/* "ATTEMPT.OFFSET.LINE", as the call before gave it: where to go on. */
static int read_cursor(struct search *s, const char *text, struct err *e)
{
    const char *dot = text ? strchr(text, '.') : NULL;
    char *end = NULL;
    s->run.line = 1;
    if (!text)
        return 0;
    if (dot && (size_t)(dot - text) == ID_SIZE - 1) {
        memcpy(s->from, text, ID_SIZE - 1);
        s->run.offset = strtoll(dot + 1, &end, 10);
        s->run.line = *end == '.' ? strtoll(end + 1, &end, 10) : -1;
    }
    if (!end || *end || s->run.offset < 0 || s->run.line < 1)
        return err_set(e, ERR_INVALID_PARAMETERS, "cursor is not one that a search has given.");
    return 0;
}

static int read_query(struct search *s, struct request *r, struct pattern **pattern, struct err *e)
{
    const char *q = NULL, *cursor = NULL;
    s->limit = HITS_DEFAULT;
    s->attempt = -1;
    if (request_query(r, "q", &q, e) || request_query(r, "log", &s->log, e) || request_query(r, "cursor", &cursor, e) ||
        request_query_int(r, "limit", (int64_t[]){1, HITS_MAX}, &s->limit, e) ||
        request_query_int(r, "attempt", (int64_t[]){0, INT32_MAX}, &s->attempt, e) || read_cursor(s, cursor, e))
        return -1;
    if (!q || !q[0])
        return err_set(e, ERR_INVALID_PARAMETERS, "q, the expression to look for, is missing.");
    if (!s->log)
        s->log = "all";
    if (strcmp(s->log, "all") != 0 && strcmp(s->log, "stdout") != 0 && strcmp(s->log, "stderr") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "log must be stdout, stderr or all.");
    *pattern = pattern_create(q, strlen(q), e);
    return *pattern ? 0 : err_wrap(e, "q");
}

/* What the request asks for, and the attempts of its job. Whether it may be read comes before what it asks. */
static int read_request(struct search *s, struct api *a, struct request *r, struct pattern **pattern, struct err *e)
{
    struct job_view v;
    struct store *store = readers_get(a->readers, e);
    if (!store)
        return -1;
    int rc = job_view_row(&v, store, r, e);
    if (!rc)
        rc = read_query(s, r, pattern, e);
    if (!rc)
        rc = jobs_store_read_task_attempts(store, v.job.id, take_place, s, e);
    readers_put(a->readers, store);
    return rc > 0 ? err_set(e, ERR_INTERNAL, "Out of memory.") : rc;
}

static int take_hit(void *ctx, const struct log_hit *hit)
{
    struct search *s = ctx;
    struct json_out *j = s->out;
    json_out_object(j);
    json_out_kint(j, "jobAttempt", s->at->job_attempt);
    json_out_kstring(j, "taskRole", s->at->role);
    json_out_kint(j, "taskIndex", s->at->task_index);
    json_out_kint(j, "taskAttempt", s->at->attempt);
    json_out_kint(j, "offset", hit->offset);
    json_out_kint(j, "line", hit->line);
    json_out_kstring(j, "text", hit->text);
    json_out_object_end(j);
    return ++s->hits >= s->limit;
}

/* One log, from the cursor on. 1 looked through, 0 there is more, -1 error. */
static int search_log(struct search *s, const struct api *a, struct err *e)
{
    struct logs f;
    struct err why = {0};
    if (logs_open(&f, a->shelf, s->at->id, s->log, &why)) {
        if (why.code == ERR_NO_TASK_LOG)
            return 1; /* not started, or removed */
        *e = why;
        return -1;
    }
    int rc = log_search_run(&s->run, &f, e);
    logs_close(&f);
    return rc;
}

/* Looks through one place after the other, until the clock or the limit stops it; s->at is then where to go on. */
static int search_places(struct search *s, const struct api *a, struct err *e)
{
    s->at = s->places.first;
    while (s->from[0] && s->at && strcmp(s->at->id, s->from) != 0)
        s->at = s->at->next;
    if (s->from[0] && !s->at)
        return err_set(e, ERR_INVALID_PARAMETERS, "cursor names an attempt that is not there.");
    while (s->at) {
        int rc = search_log(s, a, e);
        if (rc != 1)
            return rc;
        s->run.offset = 0;
        s->run.line = 1;
        s->at = s->at->next;
        if (s->hits >= s->limit || clock_read().mono >= s->run.till_mono)
            return 0;
    }
    return 0;
}

static int search_all(struct search *s, const struct api *a, struct err *e)
{
    struct json_out *j = s->out;
    char cursor[ID_SIZE + 48];
    json_out_object(j);
    json_out_key(j, "hits");
    json_out_array(j);
    if (search_places(s, a, e))
        return -1;
    json_out_array_end(j);
    if (s->at)
        snprintf(cursor, sizeof cursor, "%s.%lld.%lld", s->at->id, (long long)s->run.offset, (long long)s->run.line);
    json_out_kstring(j, "cursor", s->at ? cursor : NULL);
    json_out_kint(j, "linesGivenUp", s->run.given_up);
    json_out_object_end(j);
    return 0;
}

int api_log_search(struct request *r, void *context, struct err *e)
{
    struct api *a = context;
    struct search s = {.places.arena = request_arena(r)};
    struct pattern *pattern = NULL;
    struct api_json out;
    int rc = -1;
    bool entered = atomic_fetch_add(&a->log_looks, 1) < LOG_LOOKS_MAX;
    if (!entered) {
        err_set(e, ERR_TOO_MANY, "Others are searching logs; ask again in a moment.");
        goto out;
    }
    if (read_request(&s, a, r, &pattern, e))
        goto out;
    s.run.pattern = pattern;
    s.run.scratch = pattern_scratch_create();
    s.run.fn = take_hit;
    s.run.ctx = &s;
    s.run.till_mono = clock_read().mono + SEARCH_MS;
    if (!s.run.scratch) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        goto out;
    }
    s.out = api_json_begin(&out);
    rc = search_all(&s, a, e);
    if (rc)
        api_json_drop(&out);
    else
        api_json_send(&out, r, 200);
out:
    atomic_fetch_sub(&a->log_looks, 1);
    pattern_scratch_destroy(s.run.scratch);
    pattern_destroy(pattern);
    return rc;
}
