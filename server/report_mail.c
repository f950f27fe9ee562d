/* SPDX-License-Identifier: MIT
 *
 * The thread: which is due? ─► send ─► taken, or refused for good ─► note it ─► which is due?
 *                                └─► not now: wait, and ask again
 */
#include "server/report_mail.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "auth/mailer.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/effect.h"
#include "server/mailbox.h"
#include "server/readers.h"
#include "server/report_mail_next.h"
#include "store/store.h"

enum { LOOK_S = 5, RETRY_S = 60 };

struct report_mail {
    struct report_mail_config config;
    struct mailer *mailer;
    struct arena *arena; /* of one look */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    char *after; /* who is behind the last one whose mail failed comes next; NULL: from the beginning */
    bool quit;
    bool ended, done; /* the mail, or the note, that is under way: it is over; it need not come again */
};

/* Waits for the end of what is under way; whether it is done. */
static bool wait_end(struct report_mail *m)
{
    pthread_mutex_lock(&m->lock);
    while (!m->ended)
        pthread_cond_wait(&m->changed, &m->lock);
    bool done = m->done;
    pthread_mutex_unlock(&m->lock);
    return done;
}

static void tell_end(struct report_mail *m, bool done)
{
    pthread_mutex_lock(&m->lock);
    m->ended = true;
    m->done = done;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* Waits for a while; false: it is over. */
static bool wait_for(struct report_mail *m, int seconds)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += seconds;
    pthread_mutex_lock(&m->lock);
    while (!m->quit && !rc)
        rc = pthread_cond_timedwait(&m->changed, &m->lock, &until);
    bool on = !m->quit;
    pthread_mutex_unlock(&m->lock);
    return on;
}

static void on_noted(struct mail *mail, const struct effect_reply *reply)
{
    tell_end(mail->ctx, reply->err.code == ERR_NONE);
}

static bool note(struct report_mail *m, struct report_mail_wish *wish)
{
    struct mail mail = {
        .cmd = {.kind = COMMAND_WRITE, .write = {.run = report_mail_note, .what = wish}}, .done = on_noted, .ctx = m};
    mail.cmd.reply_to = &mail;
    m->ended = false;
    return !mailbox_post(m->config.mailbox, &mail, NULL) && wait_end(m);
}

static void on_sent(void *ctx, const char *tag, const char *problem, bool for_good)
{
    (void)tag;
    tell_end(ctx, !problem || for_good);
}

static bool send_letter(struct report_mail *m, const struct report_mail_letter *l)
{
    const struct mailer_message message = {
        .to = l->to, .subject = l->subject, .text = l->text, .html = l->html, .tag = l->id, .id = l->id};
    m->ended = false;
    return !mailer_send(m->mailer, &message, NULL) && wait_end(m);
}

/* Sends the next. 1, 0 when none is due, -1: not now. */
static int look(struct report_mail *m)
{
    struct err e = {0};
    struct report_mail_letter letter = {0};
    struct store *s = readers_get(m->config.readers, &e);
    const struct report_mail_asking q = {.store = s,
                                         .arena = m->arena,
                                         .public_url = m->config.public_url,
                                         .now_ms = clock_read().wall,
                                         .after = m->after};
    int rc = s ? store_begin(s, &e) : -1;
    if (!rc) {
        rc = report_mail_next(&q, &letter, &e);
        store_rollback(s); /* the end of the snapshot */
    }
    readers_put(m->config.readers, s);
    if (rc < 0)
        log_warn("report_mail_failed", "%s", e.text);
    if (rc > 0 && letter.to && !send_letter(m, &letter))
        rc = -1;
    if (rc > 0 && !note(m, &letter.wish))
        rc = -1;
    const bool begun = m->after != NULL, again = !rc && begun; /* all others had theirs: once more from the beginning */
    free(m->after);
    m->after = letter.wish.user && (rc < 0 || begun) ? strdup(letter.wish.user) : NULL;
    return again ? -1 : rc;
}

static void *run(void *ctx)
{
    struct report_mail *m = ctx;
    int wait_s = 0;
    while (wait_for(m, wait_s)) {
        int rc = look(m);
        arena_reset(m->arena);
        wait_s = rc > 0 ? 0 : rc == 0 ? LOOK_S : RETRY_S;
    }
    return NULL;
}

static void free_all(struct report_mail *m)
{
    mailer_destroy(m->mailer);
    arena_destroy(m->arena);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    free(m->after);
    free(m);
}

static int begin(struct report_mail *m, const struct mailer_config *smtp, struct err *e)
{
    struct mailer_config c = *smtp;
    c.done = on_sent;
    c.ctx = m;
    m->arena = arena_create(0);
    if (!m->arena)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    m->mailer = mailer_create(&c, e);
    if (!m->mailer)
        return -1;
    int rc = pthread_create(&m->thread, NULL, run, m);
    return rc ? err_errno(e, rc, "no thread for weekly reports") : 0;
}

struct report_mail *report_mail_create(const struct report_mail_config *c, struct err *e)
{
    struct report_mail *m = calloc(1, sizeof *m);
    pthread_condattr_t attr;
    if (!m) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    m->config = *c;
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (!begin(m, c->smtp, e))
        return m;
    free_all(m);
    return NULL;
}

void report_mail_destroy(struct report_mail *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->quit = true;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    free_all(m);
}
