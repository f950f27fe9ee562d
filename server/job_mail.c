/* SPDX-License-Identifier: MIT
 *
 * The thread: what is next? ─► send ─► taken, or refused for good ─► note it in the database ─► what is next?
 *                                   └─► not now: wait, longer each time, and ask again what is next
 */
#include "server/job_mail.h"

#include <errno.h>
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
#include "inventory/setting_store.h"
#include "server/job_mail_next.h"
#include "server/mailbox.h"
#include "server/readers.h"

enum {
    LOOK_MS = 1000,
    RETRY_MS = 5 * 1000,
    RETRY_MAX_MS = 5 * 60 * 1000,
    NOTE_EVENTS = 10000 /* passed over without a mail, before that is noted, too */
};

struct job_mail {
    struct job_mail_config config;
    struct mailer *mailer;
    struct arena *arena; /* of one look */
    struct job_mail_state state;
    int64_t noted; /* state.after in the database; -1: none yet */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool quit;
    bool ended, taken, refused; /* the mail, or the note, that is under way */
};

/* Waits for the end of what is under way. */
static void wait_end(struct job_mail *m)
{
    pthread_mutex_lock(&m->lock);
    while (!m->ended)
        pthread_cond_wait(&m->changed, &m->lock);
    pthread_mutex_unlock(&m->lock);
}

static void tell_end(struct job_mail *m, bool taken, bool refused)
{
    pthread_mutex_lock(&m->lock);
    m->ended = true;
    m->taken = taken;
    m->refused = refused;
    pthread_cond_broadcast(&m->changed);
    pthread_mutex_unlock(&m->lock);
}

/* Waits for a while; false: it is over. */
static bool wait_for(struct job_mail *m, int ms)
{
    struct timespec until;
    int rc = 0;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += ms / 1000;
    pthread_mutex_lock(&m->lock);
    while (!m->quit && !rc)
        rc = pthread_cond_timedwait(&m->changed, &m->lock, &until);
    bool on = !m->quit;
    pthread_mutex_unlock(&m->lock);
    return on;
}

/* ---- noting ---- */

static void on_noted(struct mail *mail, const struct effect_reply *reply)
{
    tell_end(mail->ctx, reply->err.code == ERR_NONE, false);
}

/* Whether it is on the disk how far it came. Where it is not, the next note says it. */
static bool note(struct job_mail *m)
{
    struct setting row = {.key = SETTING_MAIL, .value = job_mail_state_text(&m->state, m->arena)};
    struct mail mail = {
        .cmd = {.kind = COMMAND_WRITE, .write = {.run = setting_store_put, .what = &row}}, .done = on_noted, .ctx = m};
    mail.cmd.reply_to = &mail;
    m->ended = m->taken = false;
    if (!row.value || mailbox_post(m->config.mailbox, &mail, NULL))
        return false;
    wait_end(m);
    if (m->taken)
        m->noted = m->state.after;
    return m->taken;
}

/* ---- sending ---- */

static void on_sent(void *ctx, const char *tag, const char *problem, bool for_good)
{
    (void)tag;
    tell_end(ctx, !problem, for_good);
}

/* Whether it is dealt with. */
static bool send_letter(struct job_mail *m, const struct job_mail_letter *l)
{
    const struct mailer_message message = {
        .to = l->to, .subject = l->subject, .text = l->text, .tag = l->id, .id = l->id};
    m->ended = false;
    if (mailer_send(m->mailer, &message, NULL))
        return false;
    wait_end(m);
    return m->taken || m->refused;
}

/* ---- the thread ---- */

static struct job_mail_asking asking(const struct job_mail *m, struct store *s)
{
    return (struct job_mail_asking){
        .store = s, .arena = m->arena, .public_url = m->config.public_url, .now_ms = clock_read().wall};
}

/* Sends the next mail. 1, 0 when there is none, -1: not now. */
static int look(struct job_mail *m)
{
    struct err e = {0};
    struct job_mail_letter letter;
    struct store *s = readers_get(m->config.readers, &e);
    const struct job_mail_asking q = asking(m, s);
    int rc = s ? job_mail_next(&m->state, &q, &letter, &e) : -1;
    readers_put(m->config.readers, s);
    if (rc < 0)
        log_warn("job_mail_failed", "%s", e.text);
    if (rc > 0 && !send_letter(m, &letter))
        return -1;
    if (rc > 0)
        job_mail_state_pass(&m->state, &letter);
    if (rc > 0 || (rc == 0 && (m->noted < 0 || m->state.after - m->noted >= NOTE_EVENTS)))
        (void)note(m);
    return rc;
}

static void *run(void *ctx)
{
    struct job_mail *m = ctx;
    int wait_ms = 0, retry_ms = RETRY_MS;
    while (wait_for(m, wait_ms)) {
        int rc = look(m);
        arena_reset(m->arena);
        wait_ms = rc > 0 ? 0 : rc == 0 ? LOOK_MS : retry_ms;
        retry_ms = rc < 0 && retry_ms < RETRY_MAX_MS ? 2 * retry_ms : rc < 0 ? RETRY_MAX_MS : RETRY_MS;
    }
    return NULL;
}

static void free_all(struct job_mail *m)
{
    mailer_destroy(m->mailer);
    job_mail_state_fini(&m->state);
    arena_destroy(m->arena);
    pthread_cond_destroy(&m->changed);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

static int begin(struct job_mail *m, const struct mailer_config *smtp, struct err *e)
{
    struct mailer_config c = *smtp;
    struct store *s = readers_get(m->config.readers, e);
    const struct job_mail_asking q = asking(m, s);
    int rc = s ? job_mail_state_load(&m->state, &q, e) : -1;
    readers_put(m->config.readers, s);
    arena_reset(m->arena);
    if (rc)
        return -1;
    c.done = on_sent;
    c.ctx = m;
    m->mailer = mailer_create(&c, e);
    if (!m->mailer)
        return -1;
    rc = pthread_create(&m->thread, NULL, run, m);
    return rc ? err_errno(e, rc, "no thread for mail to the owners of jobs") : 0;
}

struct job_mail *job_mail_create(const struct job_mail_config *c, struct err *e)
{
    struct job_mail *m = calloc(1, sizeof *m);
    pthread_condattr_t attr;
    if (!m) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    m->config = *c;
    m->noted = -1;
    m->arena = arena_create(0);
    pthread_mutex_init(&m->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&m->changed, &attr);
    pthread_condattr_destroy(&attr);
    if (m->arena && !begin(m, c->smtp, e))
        return m;
    if (!m->arena)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    free_all(m);
    return NULL;
}

void job_mail_destroy(struct job_mail *m)
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
