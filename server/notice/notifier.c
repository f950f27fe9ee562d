/* SPDX-License-Identifier: MIT
 *
 * The thread's round:
 *
 *     sources ─► what is next? ─► who hears of it? ─► rows, with how far the sources came (one transaction)
 *     rows that are due ─► one mail under way ─► taken, or refused for good ─► forgotten
 *                      └─► one request a webhook under way ─► taken, refused, or later: noted
 *
 * Nothing of it waits for a receiver: the mailer has a thread, and libcurl is polled. Only the core is waited for.
 */
#include "server/notice/notifier.h"
#include "server/alerts/alert_store.h"

#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "auth/mailer.h"
#include "auth/seal.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "core/effect.h"
#include "inventory/setting_store.h"
#include "server/mailbox.h"
#include "server/notice/letter.h"
#include "server/notice/notice.h"
#include "server/notice/out_store.h"
#include "server/notice/poster.h"
#include "server/notice/router.h"
#include "server/notice/source_alerts.h"
#include "server/notice/source_events.h"
#include "server/readers.h"

enum {
    LOOK_MS = 1000,
    MAIL_RETRY_MS = 5 * 1000,
    MAIL_RETRY_MAX_MS = 5 * 60 * 1000,
    NOTE_MS = 60 * 1000, /* what nobody was told of is noted, too */
    BATCH = 64,
    TRIES_MAX = 14, /* of a webhook: about two and a half hours */
    SOURCES = 2
};

struct notifier {
    struct notifier_config config;
    struct mailer *mailer;
    struct poster *poster;
    struct arena *arena; /* of one round */
    struct source sources[SOURCES];
    char *noted; /* how far they came, in the database; NULL: never */
    int64_t noted_mono;
    struct letter letter;                   /* the mail under way: its positions, no text */
    int64_t mail_after_mono, mail_retry_ms; /* not before; behind a failure */
    bool mailing;                           /* one is under way */
    int64_t broken;                         /* of a webhook, a row that can never be sent; 0: none */
    char broken_webhook[ID_SIZE];
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t written;
    /* Under the lock. */
    bool quit;
    bool write_ended, write_taken;
    bool mail_ended, mail_taken, mail_refused;
};

/* ---- writing ---- */

static void on_written(struct mail *mail, const struct effect_reply *reply)
{
    struct notifier *n = mail->ctx;
    pthread_mutex_lock(&n->lock);
    n->write_ended = true;
    n->write_taken = reply->err.code == ERR_NONE;
    pthread_cond_broadcast(&n->written);
    pthread_mutex_unlock(&n->lock);
}

/* Whether it is on the disk. */
static bool write_rows(struct notifier *n, command_write_fn *run, void *what)
{
    struct mail mail = {
        .cmd = {.kind = COMMAND_WRITE, .write = {.run = run, .what = what}}, .done = on_written, .ctx = n};
    mail.cmd.reply_to = &mail;
    n->write_ended = n->write_taken = false;
    if (mailbox_post(n->config.mailbox, &mail, NULL))
        return false;
    pthread_mutex_lock(&n->lock);
    while (!n->write_ended)
        pthread_cond_wait(&n->written, &n->lock);
    const bool taken = n->write_taken;
    pthread_mutex_unlock(&n->lock);
    return taken;
}

/* ---- from sources to rows ---- */

static const char *state_text(struct notifier *n)
{
    struct json_out j;
    struct buf b;
    buf_init(&b, 0);
    json_out_init(&j, &b);
    json_out_object(&j);
    for (int i = 0; i < SOURCES; i++)
        n->sources[i].ops->save(n->sources[i].self, &j);
    json_out_object_end(&j);
    const char *text = b.bad ? NULL : arena_strdup(n->arena, buf_str(&b));
    buf_fini(&b);
    return text;
}

static int load_sources(struct notifier *n, struct store *s, struct err *e)
{
    const struct source_asking q = {.store = s, .arena = n->arena, .now_ms = clock_read().wall};
    const char *text = NULL;
    if (setting_store_get(s, n->arena, SETTING_MAIL, &text, e))
        return -1;
    cJSON *o = text ? json_parse(text, strlen(text), 0, e) : NULL;
    int rc = text && !o ? -1 : 0;
    for (int i = 0; i < SOURCES && !rc; i++)
        rc = n->sources[i].ops->load(n->sources[i].self, &q, o, e);
    cJSON_Delete(o);
    return rc;
}

/* The rows of the next notices. How many notices, or -1. */
static int collect(struct notifier *n, struct store *s, struct router_rows *rows, struct err *e)
{
    const int64_t now = clock_read().wall;
    const struct source_asking q = {.store = s, .arena = n->arena, .now_ms = now};
    const struct router_asking route = {
        .store = s, .arena = n->arena, .public_url = n->config.public_url, .mail = n->mailer != NULL, .now_ms = now};
    int count = 0;
    for (int i = 0; i < SOURCES; i++) {
        const struct source *from = &n->sources[i];
        struct notice what;
        int rc;
        while (count < BATCH && (rc = from->ops->next(from->self, &q, &what, e)) != 0) {
            if (rc < 0 || router_decide(&route, &what, rows, e))
                return -1;
            from->ops->pass(from->self, &what);
            count++;
        }
    }
    return count;
}

/* Notes the rows and how far it came. 0, or -1: not now. */
static int note(struct notifier *n, const struct router_rows *rows)
{
    const int64_t mono = clock_read().mono;
    struct setting state = {.key = SETTING_MAIL, .value = state_text(n)};
    struct out_queue queue = {.rows = rows->rows, .count = rows->count, .state = &state};
    if (!state.value)
        return -1;
    if (n->noted && !rows->count && (!strcmp(n->noted, state.value) || mono < n->noted_mono + NOTE_MS))
        return 0;
    char *noted = strdup(state.value);
    if (!noted || !write_rows(n, out_store_queue, &queue)) {
        free(noted);
        return -1;
    }
    free(n->noted);
    n->noted = noted;
    n->noted_mono = mono;
    return 0;
}

/* Whether there may be more at once. */
static bool follow(struct notifier *n)
{
    struct router_rows rows = {0};
    struct err e = {0};
    struct store *s = readers_get(n->config.readers, &e);
    int count = s ? collect(n, s, &rows, &e) : -1;
    readers_put(n->config.readers, s);
    if (count >= 0 && !note(n, &rows))
        return count == BATCH;
    if (count < 0)
        log_warn("notices_failed", "%s", e.text);
    /* What was passed is in no row: from where the database stands. */
    s = readers_get(n->config.readers, &e);
    if (s && load_sources(n, s, &e))
        log_warn("notices_failed", "%s", e.text);
    readers_put(n->config.readers, s);
    return false;
}

/* ---- mail ---- */

static void on_sent(void *ctx, const char *tag, const char *problem, bool for_good)
{
    struct notifier *n = ctx;
    (void)tag;
    pthread_mutex_lock(&n->lock);
    n->mail_ended = true;
    n->mail_taken = !problem;
    n->mail_refused = for_good;
    pthread_mutex_unlock(&n->lock);
    poster_wake(n->poster);
}

static void forget_letter(struct notifier *n, bool sent)
{
    struct out_end end = {
        .positions = n->letter.positions, .count = n->letter.count, .kind = sent ? OUT_SENT : OUT_FAILED};
    (void)write_rows(n, out_store_end, &end); /* where it fails, it is sent once more, with the same Message-ID */
}

/* This one later than those of others: it may be the only one that is not taken. */
static void wait_with_mail(struct notifier *n)
{
    struct out_end end = {.positions = n->letter.positions,
                          .count = n->letter.count,
                          .kind = OUT_LATER,
                          .due_ms = clock_read().wall + n->mail_retry_ms};
    (void)write_rows(n, out_store_end, &end);
    n->mail_after_mono = clock_read().mono + n->mail_retry_ms;
    n->mail_retry_ms = 2 * n->mail_retry_ms < MAIL_RETRY_MAX_MS ? 2 * n->mail_retry_ms : MAIL_RETRY_MAX_MS;
}

/* Whether a mail has ended. */
static bool end_mail(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    const bool ended = n->mail_ended, taken = n->mail_taken, refused = n->mail_refused;
    pthread_mutex_unlock(&n->lock);
    if (!n->mailing || !ended)
        return false;
    n->mailing = false;
    if (!taken && !refused) {
        wait_with_mail(n);
        return false;
    }
    n->mail_retry_ms = MAIL_RETRY_MS;
    forget_letter(n, taken);
    return true;
}

/* Whether there may be more at once. */
static bool begin_mail(struct notifier *n)
{
    const struct clock_now now = clock_read();
    const struct letter_asking q = {.arena = n->arena, .now_ms = now.wall};
    struct err e = {0};
    if (!n->mailer || n->mailing || now.mono < n->mail_after_mono)
        return false;
    struct store *s = readers_get(n->config.readers, &e);
    int rc = s ? letter_next(s, &q, &n->letter, &e) : -1;
    readers_put(n->config.readers, s);
    if (rc < 0)
        log_warn("notices_failed", "%s", e.text);
    if (rc <= 0)
        return false;
    if (!n->letter.to) {
        forget_letter(n, false);
        return true;
    }
    const struct mailer_message message = {.to = n->letter.to,
                                           .subject = n->letter.subject,
                                           .text = n->letter.text,
                                           .tag = n->letter.id,
                                           .id = n->letter.id};
    n->mail_ended = false;
    n->mailing = !mailer_send(n->mailer, &message, &e);
    if (!n->mailing)
        wait_with_mail(n);
    return false;
}

/* ---- webhooks ---- */

static void end_post(struct notifier *n, const struct poster_answer *a)
{
    struct out_end end = {.positions = &a->position,
                          .count = 1,
                          .kind = OUT_SENT,
                          .status = a->status,
                          .webhook = a->webhook,
                          .problem = a->why};
    uint32_t random;
    id_random(&random, sizeof random);
    if (a->outcome == POSTER_REFUSED || (a->outcome == POSTER_LATER && a->tries + 1 >= TRIES_MAX)) {
        end.kind = OUT_FAILED;
    } else if (a->outcome == POSTER_LATER) {
        const int64_t wait = rules_backoff(a->tries + 1, random);
        end.kind = OUT_LATER;
        end.due_ms = clock_read().wall + (wait > a->after_ms ? wait : a->after_ms);
    }
    (void)write_rows(n, out_store_end, &end); /* where it fails, it is sent once more, with the same webhook-id */
}

/* A body that is signed with the webhook's secret, and on its way. 0 or -1. */
static int begin_post(struct notifier *n, const struct out_row *row, const struct webhook *w, struct err *e)
{
    const struct seal_bytes sealed = {.data = w->secret, .len = w->secret_len};
    char context[WEBHOOK_CONTEXT_SIZE], signature[BODY_SIGNATURE_SIZE];
    struct body_message m = {.id = row->notice, .seconds = clock_read().wall / 1000};
    struct buf secret;
    webhook_context(w, context);
    buf_init(&secret, BODY_SECRET_SIZE + 1);
    m.body = body_write(n->arena, w->shape, row->data, e);
    int rc = m.body ? seal_open(n->config.keys, context, sealed, &secret, e) : -1;
    if (!rc && secret.len != BODY_SECRET_SIZE)
        rc = err_set(e, ERR_INTERNAL, "The secret of webhook %s is damaged.", w->name);
    if (!rc)
        body_sign(&m, (const unsigned char *)secret.data, signature);
    if (secret.data)
        sodium_memzero(secret.data, secret.cap);
    buf_fini(&secret);
    const struct poster_request r = {.webhook = w->id,
                                     .owner = w->user,
                                     .position = row->position,
                                     .tries = row->tries,
                                     .url = w->url,
                                     .id = row->notice,
                                     .signature = signature,
                                     .body = m.body,
                                     .seconds = m.seconds};
    return rc ? -1 : poster_begin(n->poster, &r, e);
}

static int take_head(void *ctx, const struct out_row *row, const struct webhook *w)
{
    struct notifier *n = ctx;
    struct err e = {0};
    if (!poster_can(n->poster, w->id, w->user) || !begin_post(n, row, w, &e))
        return 0;
    log_warn("webhook_failed", "%s", e.text);
    n->broken = row->position;
    (void)snprintf(n->broken_webhook, sizeof n->broken_webhook, "%s", w->id);
    return 0;
}

static void begin_posts(struct notifier *n)
{
    const struct out_due due = {.now_ms = clock_read().wall, .limit = 4 * POSTER_MAX};
    struct err e = {0};
    struct store *s = readers_get(n->config.readers, &e);
    if (!s || out_store_heads(s, &due, take_head, n, &e))
        log_warn("notices_failed", "%s", e.text);
    readers_put(n->config.readers, s);
    if (!n->broken)
        return;
    const struct out_end end = {.positions = &n->broken,
                                .count = 1,
                                .kind = OUT_FAILED,
                                .webhook = n->broken_webhook,
                                .problem = "It could not be made: the server's log says why."};
    (void)write_rows(n, out_store_end, (void *)&end);
    n->broken = 0;
}

/* ---- the thread ---- */

/* Whether there may be more at once. */
static bool go_round(struct notifier *n)
{
    struct poster_answer answer;
    bool more = follow(n);
    more |= end_mail(n);
    more |= begin_mail(n);
    while (poster_take(n->poster, &answer)) {
        end_post(n, &answer);
        more = true;
    }
    begin_posts(n);
    return more;
}

static bool is_over(struct notifier *n)
{
    pthread_mutex_lock(&n->lock);
    const bool quit = n->quit;
    pthread_mutex_unlock(&n->lock);
    return quit;
}

static void *run(void *ctx)
{
    struct notifier *n = ctx;
    while (!is_over(n)) {
        const bool more = go_round(n);
        arena_reset(n->arena);
        if (!more)
            poster_wait(n->poster, LOOK_MS);
    }
    return NULL;
}

/* ---- life ---- */

static void free_all(struct notifier *n)
{
    mailer_destroy(n->mailer);
    poster_destroy(n->poster);
    for (int i = 0; i < SOURCES; i++)
        if (n->sources[i].ops)
            n->sources[i].ops->destroy(n->sources[i].self);
    arena_destroy(n->arena);
    free(n->noted);
    pthread_cond_destroy(&n->written);
    pthread_mutex_destroy(&n->lock);
    free(n);
}

static int begin_mailer(struct notifier *n, struct err *e)
{
    if (!n->config.smtp)
        return 0;
    struct mailer_config c = *n->config.smtp;
    c.done = on_sent;
    c.ctx = n;
    n->mailer = mailer_create(&c, e);
    n->config.smtp = NULL;
    return n->mailer ? 0 : -1;
}

static int begin(struct notifier *n, struct err *e)
{
    struct store *s = readers_get(n->config.readers, e);
    int rc = s ? load_sources(n, s, e) : -1;
    readers_put(n->config.readers, s);
    arena_reset(n->arena);
    n->poster = rc ? NULL : poster_create(n->config.webhooks, e);
    if (!n->poster || begin_mailer(n, e))
        return -1;
    rc = pthread_create(&n->thread, NULL, run, n);
    return rc ? err_errno(e, rc, "no thread for notifications") : 0;
}

struct notifier *notifier_create(const struct notifier_config *c, struct err *e)
{
    struct notifier *n = calloc(1, sizeof *n);
    if (!n) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    n->config = *c;
    n->mail_retry_ms = MAIL_RETRY_MS;
    n->arena = arena_create(0);
    n->sources[0] = source_events_create();
    n->sources[1] = source_alerts_create(alert_store_next_change);
    const bool whole = n->arena && n->sources[0].self && n->sources[1].self;
    pthread_mutex_init(&n->lock, NULL);
    pthread_cond_init(&n->written, NULL);
    if (whole && !begin(n, e))
        return n;
    if (!whole)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    free_all(n);
    return NULL;
}

void notifier_destroy(struct notifier *n)
{
    if (!n)
        return;
    pthread_mutex_lock(&n->lock);
    n->quit = true;
    pthread_mutex_unlock(&n->lock);
    poster_wake(n->poster);
    pthread_join(n->thread, NULL);
    mailer_destroy(n->mailer);
    n->mailer = NULL;
    (void)end_mail(n);
    free_all(n);
}

void notifier_wake(struct notifier *n)
{
    if (n)
        poster_wake(n->poster);
}

const struct address_policy *notifier_webhooks(const struct notifier *n)
{
    return n->config.webhooks;
}

bool notifier_mails(const struct notifier *n)
{
    return n->mailer;
}
