/* SPDX-License-Identifier: MIT
 *
 * libcurl's multi interface with one handle: a receiver that hangs keeps nobody from looking at what there is to send.
 */
#include "metrics/remote_sender.h"

#include <curl/curl.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "metrics/remote_config.h"

enum {
    TIMEOUT_S = 30,
    CONNECT_S = 10,
    SECRET_MAX = 4096,
    WHY_MAX = 160,
    ANSWER_MAX = 64 << 10,
    RETRY_AFTER_MAX_S = 600,
    TOO_MANY = 429
};

struct remote_sender {
    const struct remote_settings *settings;
    CURLM *multi;
    CURL *easy;
    struct curl_slist *headers;
    struct buf *kept;          /* whole answers; NULL: nobody wants them */
    size_t answered;           /* bytes of the answer so far */
    char answer[WHY_MAX];      /* their beginning */
    char why[CURL_ERROR_SIZE]; /* libcurl's */
};

/* ---- one request ---- */

/* Of an answer only the beginning is kept; a longer one than any receiver's ends the request. */
static size_t take(char *data, size_t size, size_t n, void *ctx)
{
    struct remote_sender *s = ctx;
    const size_t len = size * n;
    for (size_t i = 0; i < len && s->answered + i + 1 < sizeof s->answer; i++)
        s->answer[s->answered + i] = data[i];
    s->answered += len;
    if (s->kept)
        return buf_add(s->kept, data, len) ? 0 : len;
    return s->answered > ANSWER_MAX ? 0 : len;
}

/* The first line of a file, in `out`. 0 or -1. */
static int read_secret(const char *path, struct buf *out, struct err *e)
{
    if (fs_read(path, SECRET_MAX, out, e))
        return -1;
    if (!out->len)
        return err_set(e, ERR_INVALID_PARAMETERS, "%s is empty.", path);
    out->data[strcspn(out->data, "\r\n")] = '\0';
    return 0;
}

/* The secret goes to libcurl, which keeps a copy until the next one. */
static int authenticate(struct remote_sender *s, struct err *e)
{
    const struct remote_settings *c = s->settings;
    const char *path = c->bearer_token_file[0] ? c->bearer_token_file : c->password_file;
    struct buf secret;
    if (!path[0])
        return 0;
    buf_init(&secret, SECRET_MAX + 1);
    int rc = read_secret(path, &secret, e);
    if (!rc && path == c->bearer_token_file) {
        curl_easy_setopt(s->easy, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
        curl_easy_setopt(s->easy, CURLOPT_XOAUTH2_BEARER, buf_str(&secret));
    } else if (!rc) {
        curl_easy_setopt(s->easy, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
        curl_easy_setopt(s->easy, CURLOPT_USERNAME, c->username);
        curl_easy_setopt(s->easy, CURLOPT_PASSWORD, buf_str(&secret));
    }
    if (secret.data)
        sodium_memzero(secret.data, secret.cap);
    buf_fini(&secret);
    return rc;
}

int remote_sender_begin(struct remote_sender *s, const void *body, size_t len, struct err *e)
{
    if (authenticate(s, e))
        return -1;
    s->answered = 0;
    memset(s->answer, 0, sizeof s->answer);
    s->why[0] = '\0';
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(s->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)len);
    CURLMcode rc = curl_multi_add_handle(s->multi, s->easy);
    return rc ? err_set(e, ERR_INTERNAL, "%s", curl_multi_strerror(rc)) : 0;
}

static void judge(struct remote_sender *s, CURLcode rc, struct remote_answer *out)
{
    long status = 0;
    curl_off_t after_s = 0;
    (void)curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
    (void)curl_easy_getinfo(s->easy, CURLINFO_RETRY_AFTER, &after_s);
    if (rc) {
        out->outcome = REMOTE_LATER;
        snprintf(out->why, sizeof out->why, "%s", s->why[0] ? s->why : curl_easy_strerror(rc));
        return;
    }
    out->outcome = status / 100 == 2                         ? REMOTE_TAKEN
                   : status / 100 == 5 || status == TOO_MANY ? REMOTE_LATER
                                                             : REMOTE_REFUSED;
    out->after_ms = (after_s < RETRY_AFTER_MAX_S ? after_s : RETRY_AFTER_MAX_S) * INT64_C(1000);
    snprintf(out->why, sizeof out->why, "it answers %ld: %s", status, s->answer);
}

void remote_sender_wait(struct remote_sender *s, int64_t ms, struct remote_answer *out)
{
    int running, left;
    CURLMsg *m;
    *out = (struct remote_answer){.outcome = REMOTE_NONE};
    (void)curl_multi_perform(s->multi, &running);
    m = curl_multi_info_read(s->multi, &left);
    if (!m) {
        (void)curl_multi_poll(s->multi, NULL, 0, ms < 0 ? 0 : (int)ms, NULL);
        (void)curl_multi_perform(s->multi, &running);
        m = curl_multi_info_read(s->multi, &left);
    }
    if (!m || m->msg != CURLMSG_DONE)
        return;
    const CURLcode rc = m->data.result; /* the message goes with the handle */
    (void)curl_multi_remove_handle(s->multi, s->easy);
    judge(s, rc, out);
}

void remote_sender_wake(struct remote_sender *s)
{
    (void)curl_multi_wakeup(s->multi);
}

/* ---- life ---- */

const char *const remote_sender_headers[] = {"Content-Type: application/x-protobuf", "Content-Encoding: snappy",
                                             "X-Prometheus-Remote-Write-Version: 0.1.0", "Expect:", NULL};

static int set_up(struct remote_sender *s, const char *const *headers)
{
    CURL *c = s->easy;
    for (; *headers; headers++) {
        struct curl_slist *more = curl_slist_append(s->headers, *headers);
        if (!more)
            return -1;
        s->headers = more;
    }
    curl_easy_setopt(c, CURLOPT_URL, s->settings->url);
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_PROXY, "");
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, (long)CONNECT_S);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "droverd");
    curl_easy_setopt(c, CURLOPT_POST, 1L);
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(c, CURLOPT_ERRORBUFFER, s->why);
    if (s->settings->ca_file[0])
        curl_easy_setopt(c, CURLOPT_CAINFO, s->settings->ca_file);
    return 0;
}

struct remote_sender *remote_sender_create(const struct remote_settings *c, const char *const *headers, struct err *e)
{
    struct remote_sender *s = curl_global_init(CURL_GLOBAL_DEFAULT) ? NULL : calloc(1, sizeof *s);
    if (s) {
        s->settings = c;
        s->multi = curl_multi_init();
        s->easy = curl_easy_init();
        if (s->multi && s->easy && !set_up(s, headers))
            return s;
    }
    remote_sender_destroy(s);
    err_set(e, ERR_INTERNAL, "Out of memory.");
    return NULL;
}

void remote_sender_keep(struct remote_sender *s, struct buf *out)
{
    s->kept = out;
}

void remote_sender_destroy(struct remote_sender *s)
{
    if (!s)
        return;
    if (s->multi && s->easy)
        (void)curl_multi_remove_handle(s->multi, s->easy);
    curl_easy_cleanup(s->easy);
    (void)curl_multi_cleanup(s->multi);
    curl_slist_free_all(s->headers);
    free(s);
    curl_global_cleanup();
}
