/* SPDX-License-Identifier: MIT */
/* The thread: is it time, or has something changed? ─► post all that fires ─► the answer, or none: in a minute again.
 */
#include "server/alerts/alert_poster.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "metrics/remote_config.h"
#include "metrics/remote_sender.h"
#include "server/alerts/alerts.h"

enum { EVERY_MS = 60 * 1000, RETRY_MS = 5 * 1000, LOOK_MS = 500, BODY_MAX = 64 << 20 };

struct alert_poster {
    struct alerts *alerts;
    struct remote_sender *sender;
    pthread_t thread;
    atomic_bool quit;
    struct buf body; /* under way */
    bool trouble;    /* it was told of */
};

/* Waits for the end of what is under way. Whether it was taken. */
static bool finish(struct alert_poster *p)
{
    struct remote_answer a = {.outcome = REMOTE_NONE};
    while (a.outcome == REMOTE_NONE && !atomic_load(&p->quit))
        remote_sender_wait(p->sender, LOOK_MS, &a);
    if (a.outcome == REMOTE_TAKEN && p->trouble)
        log_info("alertmanager_goes_on", "Alertmanager takes alerts again");
    if (a.outcome > REMOTE_TAKEN && !p->trouble)
        log_warn("alertmanager_refuses", "%s; alerts are posted again", a.why);
    p->trouble = a.outcome > REMOTE_TAKEN;
    return a.outcome == REMOTE_TAKEN;
}

static bool post(struct alert_poster *p)
{
    struct err e = {0};
    buf_reset(&p->body);
    if (!alerts_post_body(p->alerts, &p->body))
        return true;
    if (p->body.bad || remote_sender_begin(p->sender, p->body.data, p->body.len, &e)) {
        log_warn("alertmanager_failed", "%s", p->body.bad ? "out of memory" : e.text);
        return false;
    }
    return finish(p);
}

static void *run(void *ctx)
{
    struct alert_poster *p = ctx;
    uint64_t version = 0;
    int64_t at = 0;
    (void)pthread_setname_np(pthread_self(), "alertmanager");
    while (!atomic_load(&p->quit)) {
        struct remote_answer none;
        const uint64_t now_version = alerts_version(p->alerts);
        const int64_t now = clock_read().mono;
        if (now >= at || (now_version != version && !p->trouble)) {
            version = now_version;
            at = now + (post(p) ? EVERY_MS : RETRY_MS);
        }
        remote_sender_wait(p->sender, LOOK_MS, &none);
    }
    return NULL;
}

struct alert_poster *alert_poster_create(struct alerts *alerts, const struct remote_settings *to, struct err *e)
{
    static const char *const headers[] = {"Content-Type: application/json", "Expect:", NULL};
    struct alert_poster *p = calloc(1, sizeof *p);
    if (!p) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    p->alerts = alerts;
    buf_init(&p->body, BODY_MAX);
    p->sender = remote_sender_create(to, headers, e);
    int rc = p->sender ? pthread_create(&p->thread, NULL, run, p) : -1;
    if (p->sender && !rc)
        return p;
    if (p->sender)
        err_errno(e, rc, "no thread for Alertmanager");
    remote_sender_destroy(p->sender);
    buf_fini(&p->body);
    free(p);
    return NULL;
}

void alert_poster_destroy(struct alert_poster *p)
{
    if (!p)
        return;
    atomic_store(&p->quit, true);
    remote_sender_wake(p->sender);
    pthread_join(p->thread, NULL);
    remote_sender_destroy(p->sender);
    buf_fini(&p->body);
    free(p);
}
