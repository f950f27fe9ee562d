/* SPDX-License-Identifier: MIT
 *
 * Events in order first; the warnings before the end of a lease or of a job's time when no event waits.
 */
#include "server/notice/source_events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "jobs/jobs_store.h"
#include "jobs/lease_store.h"
#include "jobs/spec.h"
#include "server/notice/notice.h"

enum { PAGE = 500, WARN_MS = 10 * 60 * 1000, MESSAGE_COLUMNS = 800, TEXT_MAX = 64 << 10, WHEN_SIZE = 32 };

/* How far it came. */
struct events {
    int64_t after; /* the newest event that was dealt with */
    cJSON *warned; /* id of a lease -> the expiry that its owner was warned of; of leases that are live */
    cJSON *limits; /* id of a job that runs -> when to warn of the end of its time */
};

/* What is known of the job and its lease. */
struct matter {
    const struct source_asking *q;
    const struct spec *spec; /* NULL: of no interest */
    const char *user, *name, *vc;
    int64_t submitted_ms;
    char job_id[ID_SIZE];
    bool has_lease;
    struct lease lease; /* strings in the arena */
};

/* An event that may be told, copied. */
struct event {
    const struct kind *kind;
    int64_t id, time_ms;
    int attempt;
    const char *job_id, *message;
};

/* ---- what is told ---- */

static enum notice_wish wish(const struct matter *m, bool yes)
{
    return !m->spec || !m->spec->notify.said ? NOTICE_WISH_NONE : yes ? NOTICE_WISH_YES : NOTICE_WISH_NO;
}

static enum notice_wish wish_running(const struct matter *m)
{
    return wish(m, m->spec && m->spec->notify.running);
}

static enum notice_wish wish_succeeded(const struct matter *m)
{
    return wish(m, m->spec && m->spec->notify.succeeded);
}

static enum notice_wish wish_failed(const struct matter *m)
{
    return wish(m, m->spec && m->spec->notify.failed);
}

static enum notice_wish wish_stopped(const struct matter *m)
{
    return wish(m, m->spec && m->spec->notify.stopped);
}

static enum notice_wish wish_retried(const struct matter *m)
{
    return wish(m, m->spec && m->spec->notify.retried);
}

static bool want_lease(const struct matter *m)
{
    return m->has_lease && !(m->spec && m->spec->debug.quiet);
}

/* Not what its owner did. */
static bool want_released(const struct matter *m)
{
    return want_lease(m) && strcmp(m->lease.ended_by, m->user) != 0;
}

/* With its node, or by itself; any other end was told when it was ordered. */
static bool want_lost(const struct matter *m)
{
    return want_lease(m) && (!strcmp(m->lease.ended_by, "node") || !strcmp(m->lease.ended_by, "sandbox"));
}

static const struct kind {
    const char *reason; /* of the event */
    enum notice_kind kind;
    const char *severity;
    enum notice_wish (*wish)(const struct matter *m); /* what the job says of mails; NULL: nothing */
    bool (*wanted)(const struct matter *m);           /* whether it is told at all; NULL: always */
    const char *before, *behind;                      /* the job's name, in the title */
    const char *sentence;                             /* behind its full one, in the text */
    bool begins;                                      /* a lease */
} kinds[] = {
    {"JobRunning", NOTICE_STARTED, "info", wish_running, NULL, "", " runs", "runs.", false},
    {"JobSucceeded", NOTICE_SUCCEEDED, "info", wish_succeeded, NULL, "", " has succeeded", "has succeeded.", false},
    {"JobFailed", NOTICE_FAILED, "error", wish_failed, NULL, "", " has failed", "has failed.", false},
    {"JobStopped", NOTICE_STOPPED, "warn", wish_stopped, NULL, "", " was stopped", "was stopped.", false},
    {"JobRetried", NOTICE_RETRIED, "warn", wish_retried, NULL, "", " is tried again",
     "did not end well and is tried again.", false},
    {"JobPreempted", NOTICE_PREEMPTED, "warn", NULL, NULL, "", " is preempted",
     "is preempted: what it holds is needed for another.", false},
    {"LeaseHeld", NOTICE_RESERVATION, "info", NULL, want_lease, "", " is kept to look at",
     "has failed, and what is left of it is kept to look at.", true},
    {"LeaseReclaimed", NOTICE_RESERVATION, "warn", NULL, want_lease, "The reservation of ", " is taken back",
     "was kept to look at; this debug reservation is taken back.", false},
    {"LeaseReleased", NOTICE_RESERVATION, "warn", NULL, want_released, "The reservation of ", " is released",
     "was kept to look at; this debug reservation is released.", false},
    {"LeaseEnded", NOTICE_RESERVATION, "warn", NULL, want_lost, "The reservation of ", " is lost",
     "was kept to look at; this debug reservation is lost.", false},
    {"IdleWarned", NOTICE_IDLE, "warn", NULL, NULL, "The GPUs of ", " are not used",
     "holds GPUs and does not use them.", false},
    {"IdleActed", NOTICE_IDLE, "warn", NULL, NULL, "The GPUs of ", " were not used", "held GPUs and did not use them.",
     false},
};

static const struct kind *kind_of(const char *reason)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (strcmp(kinds[i].reason, reason) == 0)
            return &kinds[i];
    return NULL;
}

/* ---- reading ---- */

static int take_job(void *ctx, const struct job_row *row)
{
    struct matter *m = ctx;
    struct arena *a = m->q->arena;

    snprintf(m->job_id, sizeof m->job_id, "%s", row->id);
    m->user = arena_strdup(a, row->user);
    m->name = arena_strdup(a, row->name);
    m->vc = arena_strdup(a, row->vc);
    m->submitted_ms = row->submitted_ms;
    /* Few jobs say anything of it: the others are not read. */
    if (strstr(row->config, "jobStatusChangeNotification") || strstr(row->config, "timeLimit") || m->has_lease)
        m->spec = spec_load(a, row->config, strlen(row->config), NULL);
    return m->user && m->name && m->vc ? 0 : 1;
}

static int take_lease(void *ctx, const struct lease *l)
{
    struct matter *m = ctx;
    struct arena *a = m->q->arena;

    m->has_lease = true;
    m->lease = *l;
    m->lease.vc = arena_strdup(a, l->vc);
    m->lease.role = arena_strdup(a, l->role);
    m->lease.node = arena_strdup(a, l->node);
    m->lease.ended_by = arena_strdup(a, l->ended_by);
    return !m->lease.vc || !m->lease.role || !m->lease.node || !m->lease.ended_by;
}

/* 1, or 0 where it is gone, -1 with `e`. */
static int read_matter(struct matter *m, const char *job_id, bool with_lease, struct err *e)
{
    const struct lease_store_which which = {.job_id = job_id};
    struct err none = {0};
    int rc = with_lease ? lease_store_each(m->q->store, &which, take_lease, m, e) : 0;

    if (rc < 0)
        return -1;
    rc = rc ? rc : jobs_store_read_job(m->q->store, job_id, take_job, m, &none);
    if (rc > 0)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (rc < 0 && none.code != ERR_NO_JOB) {
        *e = none;
        return -1;
    }
    return !rc;
}

/* ---- writing ---- */

static void when(int64_t ms, char out[WHEN_SIZE])
{
    const time_t at = (time_t)(ms / 1000);
    struct tm tm;

    gmtime_r(&at, &tm);
    strftime(out, WHEN_SIZE, "%Y-%m-%d %H:%M UTC", &tm);
}

static void add_message(struct buf *b, const char *message)
{
    const size_t len = utf8_fit(message, strlen(message), MESSAGE_COLUMNS, NULL);

    if (!len)
        return;
    (void)buf_adds(b, "\n\n  ");
    (void)utf8_safe(b, message, len, false, false);
}

/* What the lease is, and what can be done with it. */
static void add_lease(struct buf *b, const struct matter *m, bool over)
{
    const struct lease *l = &m->lease;
    char until[WHEN_SIZE];

    when(l->expires_ms, until);
    (void)buf_addf(b, "\n\nTask %s %d on node %s", l->role, l->task_index, l->node);
    if (l->hold == SPEC_HOLD_GPUS)
        (void)buf_addf(b, ", with %lld GPU%s and its share of the machine", (long long)l->amount.gpus,
                       l->amount.gpus == 1 ? "" : "s");
    if (over) {
        (void)buf_adds(b, ".");
        return;
    }
    (void)buf_addf(b, ", until %s.\n\n  drover reservation extend %s --minutes 30\n  drover reservation release %s",
                   until, m->name, m->name);
}

/* Fills in a notice of which `b` is the text and `out` has the rest. 0 or -1. */
static int seal(const struct matter *m, const struct buf *b, struct notice *out, struct err *e)
{
    out->user = m->user;
    out->job = m->name;
    out->job_id = arena_strdup(m->q->arena, m->job_id);
    out->vc = m->vc;
    out->text = b->bad ? NULL : arena_strdup(m->q->arena, buf_str(b));
    if (out->text && out->title && out->id && out->job_id)
        return 0;
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

static int write_event(const struct matter *m, const struct event *ev, struct notice *out, struct err *e)
{
    const struct kind *k = ev->kind;
    struct arena *a = m->q->arena;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    (void)buf_addf(&b, "job %s~%s %s", m->user, m->name, k->sentence);
    add_message(&b, ev->message);
    if (k->kind == NOTICE_RESERVATION)
        add_lease(&b, m, !k->begins);
    *out = (struct notice){.source_id = ev->id,
                           .time_ms = ev->time_ms,
                           .kind = k->kind,
                           .severity = k->severity,
                           .wish = k->wish ? k->wish(m) : NOTICE_WISH_NONE,
                           .waited_ms = ev->attempt ? 0 : ev->time_ms - m->submitted_ms};
    out->title = arena_printf(a, "%s%s%s", k->before, m->name, k->behind);
    out->id = arena_printf(a, "event-%lld.%s", (long long)ev->id, m->job_id);
    int rc = seal(m, &b, out, e);
    buf_fini(&b);
    return rc;
}

static int write_warning(const struct matter *m, struct notice *out, struct err *e)
{
    struct arena *a = m->q->arena;
    char until[WHEN_SIZE];
    struct buf b;

    when(m->lease.expires_ms, until);
    buf_init(&b, TEXT_MAX);
    (void)buf_addf(&b,
                   "what is left of job %s~%s is kept for a few minutes more, and then ends with all that runs in it.",
                   m->user, m->name);
    add_lease(&b, m, false);
    *out = (struct notice){.lease_end = m->lease.expires_ms,
                           .time_ms = m->q->now_ms,
                           .kind = NOTICE_RESERVATION_ENDING,
                           .severity = "warn"};
    memcpy(out->about, m->lease.id, sizeof out->about);
    out->title = arena_printf(a, "The reservation of %s ends at %s", m->name, until);
    out->id = arena_printf(a, "ends-%lld.%s", (long long)m->lease.expires_ms, m->lease.id);
    int rc = seal(m, &b, out, e);
    buf_fini(&b);
    return rc;
}

static int write_limit(const struct matter *m, int64_t due_ms, struct notice *out, struct err *e)
{
    struct arena *a = m->q->arena;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    (void)buf_addf(&b, "job %s~%s has nearly run for as long as it may, and is stopped when its time is over.", m->user,
                   m->name);
    *out = (struct notice){.lease_end = due_ms, .time_ms = m->q->now_ms, .kind = NOTICE_LIMIT_NEAR, .severity = "warn"};
    memcpy(out->about, m->job_id, sizeof out->about);
    out->title = arena_printf(a, "The time of %s is nearly over", m->name);
    out->id = arena_printf(a, "limit-%lld.%s", (long long)due_ms, m->job_id);
    int rc = seal(m, &b, out, e);
    buf_fini(&b);
    return rc;
}

/* ---- events ---- */

struct walk {
    const struct source_asking *q;
    int64_t after;
    int seen;
    struct event found;
};

/* Stops at the first that may be told. */
static int take_event(void *ctx, const struct event_row *row)
{
    struct walk *w = ctx;
    const struct kind *k = kind_of(row->reason);

    w->seen++;
    if (!k || !row->job_id || row->time_ms < w->q->now_ms - SOURCE_OLD_MS) {
        w->after = row->id;
        return 0;
    }
    w->found = (struct event){.kind = k,
                              .id = row->id,
                              .time_ms = row->time_ms,
                              .attempt = row->job_attempt,
                              .job_id = arena_strdup(w->q->arena, row->job_id),
                              .message = arena_strdup(w->q->arena, row->message)};
    return 1;
}

/* A job's time begins, or is over. */
static void note_limit(struct events *s, const struct matter *m, const struct event *ev)
{
    const int64_t limit = m->spec ? m->spec->time_limit_ms : 0;
    const int64_t before = limit / 4 < WARN_MS ? limit / 4 : WARN_MS;

    if (ev->kind->kind > NOTICE_PREEMPTED)
        return;
    cJSON_DeleteItemFromObjectCaseSensitive(s->limits, m->job_id);
    if (ev->kind->kind == NOTICE_STARTED && limit)
        (void)cJSON_AddNumberToObject(s->limits, m->job_id, (double)(ev->time_ms + limit - before));
}

/* 1: a notice; 0: no event is left. */
static int next_event(struct events *s, const struct source_asking *q, struct notice *out, struct err *e)
{
    for (;;) {
        const struct jobs_store_events which = {.after = s->after, .limit = PAGE};
        struct walk w = {.q = q, .after = s->after};
        struct matter m = {.q = q};
        int rc = jobs_store_read_events_after(q->store, &which, take_event, &w, e);

        s->after = w.after;
        if (rc < 0 || (rc == 0 && w.seen < PAGE))
            return rc;
        if (rc == 0)
            continue;
        if (!w.found.job_id || !w.found.message)
            return err_set(e, ERR_INTERNAL, "Out of memory.");
        const struct kind *k = w.found.kind;
        rc = read_matter(&m, w.found.job_id, k->kind == NOTICE_RESERVATION, e);
        if (rc < 0)
            return -1;
        if (rc > 0)
            note_limit(s, &m, &w.found);
        if (rc > 0 && (!k->wanted || k->wanted(&m)))
            return write_event(&m, &w.found, out, e) ? -1 : 1;
        s->after = w.found.id;
    }
}

/* ---- ends that come near ---- */

struct near {
    const struct events *state;
    const struct source_asking *q;
    cJSON *warned; /* anew: of those that are live */
    char job_id[ID_SIZE], lease[ID_SIZE];
    int64_t expiry;
};

static int64_t warned_of(const struct events *s, const char *lease)
{
    int64_t expiry = 0;

    (void)json_get_int(s->warned, lease, &expiry, NULL);
    return expiry;
}

/* A short one is warned of in its last quarter. */
static bool comes_near(const struct lease *l, int64_t now_ms)
{
    const int64_t quarter = (l->expires_ms - l->created_ms) / 4, before = quarter < WARN_MS ? quarter : WARN_MS;

    return l->state == LEASE_HELD && now_ms >= l->expires_ms - before && now_ms < l->expires_ms;
}

static int look_at_lease(void *ctx, const struct lease *l)
{
    struct near *n = ctx;
    const int64_t warned = warned_of(n->state, l->id);

    if (warned)
        (void)cJSON_AddNumberToObject(n->warned, l->id, (double)warned);
    if (!n->job_id[0] && warned != l->expires_ms && comes_near(l, n->q->now_ms)) {
        memcpy(n->job_id, l->job_id, sizeof n->job_id);
        memcpy(n->lease, l->id, sizeof n->lease);
        n->expiry = l->expires_ms;
    }
    return 0;
}

static void pass(void *self, const struct notice *n)
{
    struct events *s = self;

    if (!n->lease_end) {
        s->after = n->source_id;
        return;
    }
    if (n->kind == NOTICE_LIMIT_NEAR) {
        cJSON_DeleteItemFromObjectCaseSensitive(s->limits, n->about);
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(s->warned, n->about);
    (void)cJSON_AddNumberToObject(s->warned, n->about, (double)n->lease_end);
}

static int next_warning(struct events *s, const struct source_asking *q, struct notice *out, struct err *e)
{
    for (;;) {
        const struct lease_store_which live = {0};
        struct near n = {.state = s, .q = q, .warned = cJSON_CreateObject()};
        struct matter m = {.q = q};
        int rc = n.warned ? lease_store_each(q->store, &live, look_at_lease, &n, e)
                          : err_set(e, ERR_INTERNAL, "Out of memory.");

        if (rc) {
            cJSON_Delete(n.warned);
            return -1;
        }
        cJSON_Delete(s->warned);
        s->warned = n.warned;
        if (!n.job_id[0])
            return 0;
        rc = read_matter(&m, n.job_id, true, e);
        if (rc < 0)
            return -1;
        if (rc > 0 && want_lease(&m))
            return write_warning(&m, out, e) ? -1 : 1;
        *out = (struct notice){.lease_end = n.expiry, .kind = NOTICE_RESERVATION_ENDING};
        memcpy(out->about, n.lease, sizeof out->about);
        pass(s, out);
    }
}

static int next_limit(struct events *s, const struct source_asking *q, struct notice *out, struct err *e)
{
    for (cJSON *item = s->limits->child, *after; item; item = after) {
        struct matter m = {.q = q};
        const int64_t due_ms = (int64_t)item->valuedouble;

        after = item->next;
        if (due_ms > q->now_ms)
            continue;
        int rc = read_matter(&m, item->string, false, e);
        if (rc < 0)
            return -1;
        if (rc > 0)
            return write_limit(&m, due_ms, out, e) ? -1 : 1;
        cJSON_Delete(cJSON_DetachItemViaPointer(s->limits, item));
    }
    return 0;
}

static int next(void *self, const struct source_asking *q, struct notice *out, struct err *e)
{
    int rc = next_event(self, q, out, e);

    rc = rc ? rc : next_warning(self, q, out, e);
    return rc ? rc : next_limit(self, q, out, e);
}

/* ---- the state ---- */

/* The object of that name, or an empty one. NULL on out of memory. */
static cJSON *object_of(const cJSON *state, const char *key)
{
    const cJSON *o = cJSON_GetObjectItemCaseSensitive(state, key);

    return cJSON_IsObject(o) ? cJSON_Duplicate(o, true) : cJSON_CreateObject();
}

static int load(void *self, const struct source_asking *q, const cJSON *state, struct err *e)
{
    struct events *s = self;
    int64_t seq = 0;

    cJSON_Delete(s->warned);
    cJSON_Delete(s->limits);
    s->warned = object_of(state, "warned");
    s->limits = object_of(state, "limits");
    s->after = 0;
    if (!s->warned || !s->limits)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (!cJSON_GetObjectItemCaseSensitive(state, "after"))
        return jobs_store_max_ids(q->store, &s->after, &seq, e);
    return json_get_int(state, "after", &s->after, e);
}

static void write_map(struct json_out *j, const char *key, const cJSON *map)
{
    const cJSON *item;

    json_out_key(j, key);
    json_out_object(j);
    cJSON_ArrayForEach(item, map) json_out_kint(j, item->string, (int64_t)item->valuedouble);
    json_out_object_end(j);
}

static void save(const void *self, struct json_out *j)
{
    const struct events *s = self;

    json_out_kint(j, "after", s->after);
    write_map(j, "warned", s->warned);
    write_map(j, "limits", s->limits);
}

static void destroy(void *self)
{
    struct events *s = self;

    if (s) {
        cJSON_Delete(s->warned);
        cJSON_Delete(s->limits);
    }
    free(s);
}

struct source source_events_create(void)
{
    static const struct source_ops ops = {.load = load, .save = save, .next = next, .pass = pass, .destroy = destroy};

    return (struct source){.ops = &ops, .self = calloc(1, sizeof(struct events))};
}
