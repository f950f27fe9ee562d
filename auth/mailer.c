/* SPDX-License-Identifier: MIT
 *
 * One libcurl handle, so that a connection serves many messages. What a user chose (address, name) was checked before;
 * headers are written here and nowhere else.
 */
#include "auth/mailer.h"

#include <curl/curl.h>
#include <pthread.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/id.h"
#include "base/log.h"

enum { TIMEOUT_S = 30, CONNECT_S = 10 };
/* Answers of the server: from the first on it means for good; of these, that we are to log in, how, or wrongly. */
enum { SMTP_REFUSED = 500, SMTP_LOGIN_FIRST = 530, SMTP_LOGIN_WEAK = 534, SMTP_LOGIN_WRONG = 535 };

struct message {
    char *to, *text, *tag; /* text: the whole mail */
    struct message *next;
};

struct mailer {
    struct mailer_config config; /* its strings are ours */
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct message *first, **end;
    size_t count;
    bool stopping;
};

static void free_message(struct message *m)
{
    if (!m)
        return;
    if (m->text)
        sodium_memzero(m->text, strlen(m->text)); /* it holds a secret */
    free(m->to);
    free(m->text);
    free(m->tag);
    free(m);
}

/* ---- sending ---- */

struct upload {
    const char *at;
    size_t left;
};

static size_t give(char *out, size_t size, size_t n, void *ctx)
{
    struct upload *u = ctx;
    size_t len = size * n < u->left ? size * n : u->left;

    memcpy(out, u->at, len);
    u->at += len;
    u->left -= len;
    return len;
}

static void set_up(struct mailer *m, CURL *c)
{
    curl_easy_setopt(c, CURLOPT_URL, m->config.url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "smtp,smtps");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_MAIL_FROM, m->config.from);
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, give);
    /* A password is never sent in the clear; without one, TLS is used where the server has it. */
    curl_easy_setopt(c, CURLOPT_USE_SSL, (long)(m->config.user[0] ? CURLUSESSL_ALL : CURLUSESSL_TRY));
    if (m->config.user[0]) {
        curl_easy_setopt(c, CURLOPT_USERNAME, m->config.user);
        curl_easy_setopt(c, CURLOPT_PASSWORD, m->config.password);
    }
}

/* Whether the server refuses this mail, and not us: our login, our encryption, whoever asks. */
static bool is_refused(CURL *c, CURLcode rc)
{
    long code = 0;
    curl_off_t sent = 0;

    (void)curl_easy_getinfo(c, CURLINFO_RESPONSE_CODE, &code);
    (void)curl_easy_getinfo(c, CURLINFO_SIZE_UPLOAD_T, &sent);
    if (code < SMTP_REFUSED || code == SMTP_LOGIN_FIRST || code == SMTP_LOGIN_WEAK || code == SMTP_LOGIN_WRONG)
        return false;
    /* the sender, the recipient and the mail's begin; else the answer to all of it, and not the greeting */
    return rc == CURLE_SEND_ERROR ||
           (rc != CURLE_LOGIN_DENIED && rc != CURLE_USE_SSL_FAILED && rc != CURLE_REMOTE_ACCESS_DENIED && sent > 0);
}

/* NULL, or what went wrong (static or in `why`). */
static const char *send_one(CURL *c, const struct message *msg, char why[CURL_ERROR_SIZE], bool *refused)
{
    struct upload u = {.at = msg->text, .left = strlen(msg->text)};
    struct curl_slist *to = curl_slist_append(NULL, msg->to);
    CURLcode rc;

    if (!c || !to) {
        curl_slist_free_all(to);
        return "out of memory";
    }
    why[0] = '\0';
    curl_easy_setopt(c, CURLOPT_MAIL_RCPT, to);
    curl_easy_setopt(c, CURLOPT_READDATA, &u);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)u.left);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, why);
    rc = curl_easy_perform(c);
    curl_slist_free_all(to);
    if (rc == CURLE_OK)
        return NULL;
    *refused = is_refused(c, rc);
    return why[0] ? why : curl_easy_strerror(rc);
}

static struct message *take(struct mailer *m, bool *stopping)
{
    struct message *msg;

    pthread_mutex_lock(&m->lock);
    while (!m->first && !m->stopping)
        pthread_cond_wait(&m->filled, &m->lock);
    *stopping = m->stopping;
    msg = m->first;
    if (msg) {
        m->first = msg->next;
        m->count--;
        if (!m->first)
            m->end = &m->first;
    }
    pthread_mutex_unlock(&m->lock);
    return msg;
}

static void *thread_main(void *ctx)
{
    struct mailer *m = ctx;
    CURL *c = curl_easy_init();
    char why[CURL_ERROR_SIZE];
    bool stopping;
    bool refused;
    struct message *msg;

    if (c)
        set_up(m, c);
    while ((msg = take(m, &stopping))) {
        refused = false;
        const char *problem = stopping ? "the server stopped" : send_one(c, msg, why, &refused);

        if (problem)
            log_warn("mail_failed", "to %s: %s", msg->to, problem);
        m->config.done(m->config.ctx, msg->tag, problem, refused);
        free_message(msg);
    }
    curl_easy_cleanup(c);
    return NULL;
}

/* ---- queueing ---- */

static void add_text(struct buf *b, const char *text)
{
    (void)buf_adds(b, "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\n");
    for (const char *s = text; *s; s++) {
        if (*s == '\n')
            (void)buf_addc(b, '\r');
        (void)buf_addc(b, *s);
    }
}

/* In base64: markup has lines longer than SMTP takes. */
static void add_html(struct buf *b, const char *html)
{
    enum { LINE = 57 }; /* bytes that make 76 letters */
    char line[80];

    (void)buf_adds(b, "Content-Type: text/html; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n");
    for (size_t at = 0, len = strlen(html), n; at < len; at += n) {
        n = len - at < LINE ? len - at : LINE;
        sodium_bin2base64(line, sizeof line, (const unsigned char *)html + at, n, sodium_base64_VARIANT_ORIGINAL);
        (void)buf_addf(b, "%s\r\n", line);
    }
}

/* The whole mail: headers, and the text with CRLF, or that and the HTML as alternatives. NULL on out of memory. */
static char *compose(const struct mailer *m, const struct mailer_message *in)
{
    struct buf b;
    char date[64], drawn[33];
    struct tm tm;
    time_t now = (time_t)(clock_read().wall / 1000);

    buf_init(&b, 1 << 20);
    gmtime_r(&now, &tm);
    strftime(date, sizeof date, "%a, %d %b %Y %H:%M:%S +0000", &tm);
    id_random_hex(drawn, 16);
    buf_addf(&b, "Date: %s\r\nFrom: <%s>\r\nTo: <%s>\r\nSubject: ", date, m->config.from, in->to);
    for (const char *s = in->subject; *s; s++)
        buf_addc(&b, (unsigned char)*s < ' ' ? ' ' : *s);
    buf_addf(&b, "\r\nMessage-ID: <%s%s>\r\nMIME-Version: 1.0\r\nAuto-Submitted: auto-generated\r\n",
             in->id ? in->id : drawn, strchr(m->config.from, '@'));
    if (!in->html) {
        add_text(&b, in->text);
        return buf_take(&b, NULL);
    }
    buf_addf(&b, "Content-Type: multipart/alternative; boundary=\"%s\"\r\n\r\n--%s\r\n", drawn, drawn);
    add_text(&b, in->text);
    buf_addf(&b, "\r\n--%s\r\n", drawn);
    add_html(&b, in->html);
    buf_addf(&b, "--%s--\r\n", drawn);
    return buf_take(&b, NULL);
}

int mailer_send(struct mailer *m, const struct mailer_message *message, struct err *e)
{
    struct message *msg = calloc(1, sizeof *msg);
    bool full;

    if (msg) {
        msg->to = strdup(message->to);
        msg->text = compose(m, message);
        msg->tag = strdup(message->tag);
    }
    if (!msg || !msg->to || !msg->text || !msg->tag) {
        free_message(msg);
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    pthread_mutex_lock(&m->lock);
    full = m->count >= MAILER_QUEUE_MAX || m->stopping;
    if (!full) {
        *m->end = msg;
        m->end = &msg->next;
        m->count++;
        pthread_cond_signal(&m->filled);
    }
    pthread_mutex_unlock(&m->lock);
    if (!full)
        return 0;
    free_message(msg);
    return err_set(e, ERR_TOO_MANY, "Too many mails wait to be sent.");
}

/* ---- life ---- */

static void free_mailer(struct mailer *m)
{
    if (m->config.password)
        sodium_memzero((char *)(uintptr_t)m->config.password, strlen(m->config.password));
    free((char *)(uintptr_t)m->config.url);
    free((char *)(uintptr_t)m->config.from);
    free((char *)(uintptr_t)m->config.user);
    free((char *)(uintptr_t)m->config.password);
    pthread_cond_destroy(&m->filled);
    pthread_mutex_destroy(&m->lock);
    free(m);
}

struct mailer *mailer_create(const struct mailer_config *c, struct err *e)
{
    struct mailer *m = calloc(1, sizeof *m);

    if (!m) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    m->config = *c;
    m->config.url = strdup(c->url);
    m->config.from = strdup(c->from);
    m->config.user = strdup(c->user);
    m->config.password = strdup(c->password);
    m->end = &m->first;
    pthread_mutex_init(&m->lock, NULL);
    pthread_cond_init(&m->filled, NULL);
    if (!m->config.url || !m->config.from || !m->config.user || !m->config.password ||
        curl_global_init(CURL_GLOBAL_DEFAULT) || pthread_create(&m->thread, NULL, thread_main, m)) {
        err_set(e, ERR_INTERNAL, "No thread for mail.");
        free_mailer(m);
        return NULL;
    }
    return m;
}

void mailer_destroy(struct mailer *m)
{
    if (!m)
        return;
    pthread_mutex_lock(&m->lock);
    m->stopping = true;
    pthread_cond_signal(&m->filled);
    pthread_mutex_unlock(&m->lock);
    pthread_join(m->thread, NULL);
    free_mailer(m);
    curl_global_cleanup();
}
