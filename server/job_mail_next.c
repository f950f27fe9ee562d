/* SPDX-License-Identifier: MIT
 *
 * Events in order first; the warnings before a lease's end when no event waits.
 */
#include "server/job_mail_next.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/auth_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "inventory/setting_store.h"
#include "jobs/jobs_store.h"
#include "jobs/lease_store.h"
#include "jobs/spec.h"

enum { PAGE = 500, WARN_MS = 10 * 60 * 1000, MESSAGE_COLUMNS = 800, TEXT_MAX = 64 << 10, WHEN_SIZE = 32 };

/* What is known of the job, its owner and its lease. */
struct matter {
    const struct job_mail_asking *q;
    const struct spec *spec;
    const char *user, *name, *email;
    char job_id[ID_SIZE];
    bool any; /* whatever it asks to be told of */
    bool has_lease;
    struct lease lease; /* strings in the arena */
};

/* An event that may be told, copied. */
struct event {
    const struct kind *kind;
    int64_t id, time_ms;
    const char *job_id, *message;
};

/* ---- what is told ---- */

static bool want_running(const struct matter *m)
{
    return m->spec->notify.running;
}

static bool want_succeeded(const struct matter *m)
{
    return m->spec->notify.succeeded;
}

static bool want_failed(const struct matter *m)
{
    return m->spec->notify.failed;
}

static bool want_stopped(const struct matter *m)
{
    return m->spec->notify.stopped;
}

static bool want_retried(const struct matter *m)
{
    return m->spec->notify.retried;
}

static bool want_lease(const struct matter *m)
{
    return m->has_lease && !m->spec->debug.quiet;
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

static bool want_any(const struct matter *m)
{
    return m->any;
}

static const struct kind {
    const char *reason; /* of the event */
    bool (*wanted)(const struct matter *m);
    const char *before, *behind; /* the job's name, in the subject */
    const char *sentence;        /* behind its full one, in the text */
    bool lease, begins;          /* about its lease; which has just begun */
    bool any;                    /* told whatever the job asks to be told of */
} kinds[] = {
    {"JobRunning", want_running, "", " runs", "runs.", false, false, false},
    {"JobSucceeded", want_succeeded, "", " has succeeded", "has succeeded.", false, false, false},
    {"JobFailed", want_failed, "", " has failed", "has failed.", false, false, false},
    {"JobStopped", want_stopped, "", " was stopped", "was stopped.", false, false, false},
    {"JobRetried", want_retried, "", " is tried again", "did not end well and is tried again.", false, false, false},
    {"LeaseHeld", want_lease, "", " is kept to look at", "has failed, and what is left of it is kept to look at.", true,
     true, false},
    {"LeaseReclaimed", want_lease, "The reservation of ", " is taken back",
     "was kept to look at; this debug reservation is taken back.", true, false, false},
    {"LeaseReleased", want_released, "The reservation of ", " is released",
     "was kept to look at; this debug reservation is released.", true, false, false},
    {"LeaseEnded", want_lost, "The reservation of ", " is lost", "was kept to look at; this debug reservation is lost.",
     true, false, false},
    {"IdleWarned", want_any, "The GPUs of ", " are not used", "holds GPUs and does not use them.", false, false, true},
    {"IdleActed", want_any, "The GPUs of ", " were not used", "held GPUs and did not use them.", false, false, true},
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
    /* Few jobs ask to be told of anything: the others are not read. */
    if (strstr(row->config, "jobStatusChangeNotification") || m->has_lease || m->any)
        m->spec = spec_load(a, row->config, strlen(row->config), NULL);
    return m->user && m->name ? 0 : 1;
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

/* The owner's address into m->email. 1, 0 where there is none (any more), -1 with `e`. */
static int read_owner(struct matter *m, struct err *e)
{
    struct auth_user owner = {.email = ""};
    struct err none = {0};

    if (auth_store_user_get(m->q->store, m->q->arena, m->user, &owner, &none)) {
        if (none.code == ERR_NO_USER)
            return 0;
        *e = none;
        return -1;
    }
    m->email = owner.email;
    return owner.email[0] && !owner.disabled && !(owner.expires_ms && owner.expires_ms <= m->q->now_ms);
}

/* 1, or 0 where there is nobody to tell (any more), -1 with `e`. */
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
    return rc || !m->spec ? 0 : read_owner(m, e);
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

/* Fills in a letter of which `b` is the text so far, without the way to the job. 0 or -1. */
static int seal(const struct matter *m, struct buf *b, struct job_mail_letter *out, struct err *e)
{
    const struct job_mail_asking *q = m->q;

    if (q->public_url[0])
        (void)buf_addf(b, "\n\n%s/#/jobs/%s~%s", q->public_url, m->user, m->name);
    (void)buf_adds(b, "\n");
    out->to = m->email;
    out->text = b->bad ? NULL : arena_strdup(q->arena, buf_str(b));
    if (out->text && out->subject && out->id)
        return 0;
    return err_set(e, ERR_INTERNAL, "Out of memory.");
}

static int write_event(const struct matter *m, const struct event *ev, struct job_mail_letter *out, struct err *e)
{
    const struct kind *k = ev->kind;
    struct arena *a = m->q->arena;
    struct buf b;

    buf_init(&b, TEXT_MAX);
    (void)buf_addf(&b, "Hello %s,\n\njob %s~%s %s", m->user, m->user, m->name, k->sentence);
    add_message(&b, ev->message);
    if (k->lease)
        add_lease(&b, m, !k->begins);
    *out = (struct job_mail_letter){.event = ev->id};
    out->subject = arena_printf(a, "%s%s%s", k->before, m->name, k->behind);
    out->id = arena_printf(a, "event-%lld.%s", (long long)ev->id, m->job_id);
    int rc = seal(m, &b, out, e);
    buf_fini(&b);
    return rc;
}

static int write_warning(const struct matter *m, struct job_mail_letter *out, struct err *e)
{
    struct arena *a = m->q->arena;
    char until[WHEN_SIZE];
    struct buf b;

    when(m->lease.expires_ms, until);
    buf_init(&b, TEXT_MAX);
    (void)buf_addf(&b,
                   "Hello %s,\n\nwhat is left of job %s~%s is kept for a few minutes more, and then ends with all that "
                   "runs in it.",
                   m->user, m->user, m->name);
    add_lease(&b, m, false);
    *out = (struct job_mail_letter){.lease_expiry = m->lease.expires_ms};
    memcpy(out->lease, m->lease.id, sizeof out->lease);
    out->subject = arena_printf(a, "The reservation of %s ends at %s", m->name, until);
    out->id = arena_printf(a, "ends-%lld.%s", (long long)m->lease.expires_ms, m->lease.id);
    int rc = seal(m, &b, out, e);
    buf_fini(&b);
    return rc;
}

/* ---- events ---- */

struct walk {
    const struct job_mail_asking *q;
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
    if (!k || !row->job_id || row->time_ms < w->q->now_ms - JOB_MAIL_OLD_MS) {
        w->after = row->id;
        return 0;
    }
    w->found = (struct event){.kind = k,
                              .id = row->id,
                              .time_ms = row->time_ms,
                              .job_id = arena_strdup(w->q->arena, row->job_id),
                              .message = arena_strdup(w->q->arena, row->message)};
    return 1;
}

/* 1: a letter; 0: no event is left. */
static int next_event(struct job_mail_state *s, const struct job_mail_asking *q, struct job_mail_letter *out,
                      struct err *e)
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
        m.any = w.found.kind->any;
        rc = read_matter(&m, w.found.job_id, w.found.kind->lease, e);
        if (rc < 0)
            return -1;
        if (rc > 0 && w.found.kind->wanted(&m))
            return write_event(&m, &w.found, out, e) ? -1 : 1;
        s->after = w.found.id;
    }
}

/* ---- ends that come near ---- */

struct near {
    const struct job_mail_state *state;
    const struct job_mail_asking *q;
    cJSON *warned; /* anew: of those that are live */
    char job_id[ID_SIZE], lease[ID_SIZE];
    int64_t expiry;
};

static int64_t warned_of(const struct job_mail_state *s, const char *lease)
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

static int next_warning(struct job_mail_state *s, const struct job_mail_asking *q, struct job_mail_letter *out,
                        struct err *e)
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
        *out = (struct job_mail_letter){.lease_expiry = n.expiry};
        memcpy(out->lease, n.lease, sizeof out->lease);
        job_mail_state_pass(s, out);
    }
}

int job_mail_next(struct job_mail_state *s, const struct job_mail_asking *q, struct job_mail_letter *out, struct err *e)
{
    int rc = next_event(s, q, out, e);

    return rc ? rc : next_warning(s, q, out, e);
}

/* ---- the state ---- */

int job_mail_state_load(struct job_mail_state *s, const struct job_mail_asking *q, struct err *e)
{
    const char *text = NULL;
    int64_t seq = 0;
    cJSON *o;

    *s = (struct job_mail_state){.warned = cJSON_CreateObject()};
    if (!s->warned)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (setting_store_get(q->store, q->arena, SETTING_MAIL, &text, e))
        return -1;
    if (!text)
        return jobs_store_max_ids(q->store, &s->after, &seq, e);
    o = json_parse(text, strlen(text), 0, e);
    if (!o || json_get_int(o, "after", &s->after, e)) {
        cJSON_Delete(o);
        return -1;
    }
    cJSON *warned = cJSON_DetachItemFromObjectCaseSensitive(o, "warned");
    if (cJSON_IsObject(warned)) {
        cJSON_Delete(s->warned);
        s->warned = warned;
    } else {
        cJSON_Delete(warned);
    }
    cJSON_Delete(o);
    return 0;
}

const char *job_mail_state_text(const struct job_mail_state *s, struct arena *a)
{
    const cJSON *item;
    struct json_out j;
    struct buf b;

    buf_init(&b, 0);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_kint(&j, "after", s->after);
    json_out_key(&j, "warned");
    json_out_object(&j);
    cJSON_ArrayForEach(item, s->warned) json_out_kint(&j, item->string, (int64_t)item->valuedouble);
    json_out_object_end(&j);
    json_out_object_end(&j);
    const char *text = b.bad ? NULL : arena_strdup(a, buf_str(&b));
    buf_fini(&b);
    return text;
}

void job_mail_state_fini(struct job_mail_state *s)
{
    cJSON_Delete(s->warned);
    s->warned = NULL;
}

void job_mail_state_pass(struct job_mail_state *s, const struct job_mail_letter *l)
{
    if (l->event) {
        s->after = l->event;
        return;
    }
    cJSON_DeleteItemFromObjectCaseSensitive(s->warned, l->lease);
    (void)cJSON_AddNumberToObject(s->warned, l->lease, (double)l->lease_expiry);
}
