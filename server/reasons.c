/* SPDX-License-Identifier: MIT
 *
 * Rounds of BUDGET_MS, one each ROUND_S, through all waiting jobs in the order of their submission. What is posted is
 * a wish: the core knows what was told last, and how long ago.
 */
#include "server/reasons.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/explain.h"
#include "jobs/jobs_store.h"
#include "jobs/jobs_store_list.h"
#include "server/api/api.h"
#include "server/api/wait_reason.h"
#include "server/mailbox.h"
#include "server/readers.h"

enum { ROUND_S = 30, BUDGET_MS = 100, PAGE = 500 };

struct reasons {
    struct api *api;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool quit;
};

/* ---- telling the core ---- */

/* A command with its texts. */
struct told {
    struct mail mail;
    char full_name[JOB_FULL_NAME_SIZE];
    char text[512];
};

static void told_done(struct mail *m, const struct effect_reply *reply)
{
    (void)reply;
    free(m->ctx);
}

/* Whether it was posted. */
static bool tell(struct api *a, const struct job_row *row, const char *reason, const char *text)
{
    struct err e = {0};
    struct told *t = calloc(1, sizeof *t);
    if (!t)
        return false;
    snprintf(t->full_name, sizeof t->full_name, "%s~%s", row->user, row->name);
    snprintf(t->text, sizeof t->text, "%s", text);
    t->mail = (struct mail){
        .cmd = {.kind = COMMAND_REASON,
                .reason = {.full_name = t->full_name, .attempt = row->attempt, .reason = reason, .text = t->text}},
        .done = told_done,
        .ctx = t};
    if (!mailbox_post(a->mailbox, &t->mail, &e))
        return true;
    free(t); /* busy: another time */
    return false;
}

/* ---- a round ---- */

struct round {
    struct api *api;
    struct wait_reason *reasons;
    struct store *store;
    int64_t until_mono;
    int64_t last;
    int seen, posted;
};

/* One waiting job. A positive end of the walk says that the time is over. */
static int look(void *ctx, const struct job_row *row)
{
    struct round *r = ctx;
    struct buf text;
    const char *reason;
    if (clock_read().mono >= r->until_mono)
        return 1;
    r->last = row->seq;
    r->seen++;
    buf_init(&text, 4096);
    reason = wait_reason_name_row(r->reasons, r->store, row, &text);
    if (reason && (!row->wait_reason || strcmp(row->wait_reason, reason) != 0))
        r->posted += tell(r->api, row, reason, buf_str(&text));
    buf_fini(&text);
    return 0;
}

int reasons_round(struct api *a, int64_t *after)
{
    struct err e = {0};
    struct round r = {.api = a, .until_mono = clock_read().mono + BUDGET_MS};
    struct job_filter f = {.states = STATE_WAITING, .order = JOB_ORDER_SUBMITTED, .limit = PAGE, .after = *after};
    r.store = readers_get(a->readers, &e);
    r.reasons = r.store ? wait_reason_begin(a) : NULL;
    int rc = r.reasons ? jobs_store_list(r.store, &f, look, &r, &e) : 0;
    if (rc < 0 || !r.store)
        log_warn("reasons_failed", "%s", e.text);
    *after = rc > 0 || r.seen == PAGE ? r.last : 0; /* all were seen: from the oldest again */
    wait_reason_end(r.reasons);
    readers_put(a->readers, r.store);
    return r.posted;
}

/* ---- the thread ---- */

/* Waits; false: it is over. */
static bool wait_for(struct reasons *r, int seconds)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&r->lock);
    while (!r->quit && !rc)
        rc = pthread_cond_timedwait(&r->wake, &r->lock, &until);
    bool on = !r->quit;
    pthread_mutex_unlock(&r->lock);
    return on;
}

static void *run(void *ctx)
{
    struct reasons *r = ctx;
    int64_t after = 0;
    while (wait_for(r, ROUND_S)) {
        wait_reason_end(wait_reason_begin(r->api)); /* has a newer state published, until ... */
        if (wait_for(r, 1))
            (void)reasons_round(r->api, &after);
    }
    return NULL;
}

struct reasons *reasons_create(struct api *a, struct err *e)
{
    struct reasons *r = calloc(1, sizeof *r);
    pthread_condattr_t attr;
    if (!r) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    r->api = a;
    pthread_mutex_init(&r->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&r->wake, &attr);
    pthread_condattr_destroy(&attr);
    int rc = pthread_create(&r->thread, NULL, run, r);
    if (!rc)
        return r;
    err_errno(e, rc, "no thread for the reasons");
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
    return NULL;
}

void reasons_destroy(struct reasons *r)
{
    if (!r)
        return;
    pthread_mutex_lock(&r->lock);
    r->quit = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->lock);
    pthread_join(r->thread, NULL);
    pthread_cond_destroy(&r->wake);
    pthread_mutex_destroy(&r->lock);
    free(r);
}
