/* SPDX-License-Identifier: MIT
 *
 * Curl options and the reading of error replies. No redirects, no protocol but http and https, no proxy for loopback,
 * bounded bodies. An error reply carries `message` and, with a place, `errors[]` (RFC 9457 members of ours).
 */
#include "tui/transfer.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"

#define TRANSFER_CONNECT_MS 5000L

static bool transfer_token_ok(const char *token)
{
    return *token && strlen(token) < 4096 &&
           strspn(token, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/=") == strlen(token);
}

int transfer_check(const struct endpoint *to, struct err *e)
{
    const char *host = NULL;
    size_t len;

    if (to->url && !strncmp(to->url, "http://", 7))
        host = to->url + 7;
    else if (to->url && !strncmp(to->url, "https://", 8))
        host = to->url + 8;
    len = host ? strcspn(host, "/?#@ \t\r\n\\") : 0;
    if (!len || host[len] || strlen(to->url) > 300)
        return err_set(e, ERR_INVALID_PARAMETERS,
                       "The server's address must look like http://HOST:PORT or https://HOST:PORT, not \"%s\".",
                       to->url ? to->url : "");
    if (to->token && !transfer_token_ok(to->token))
        return err_set(e, ERR_INVALID_PARAMETERS, "The token has characters that no token has.");
    return 0;
}

static size_t transfer_on_body(char *bytes, size_t one, size_t len, void *ctx)
{
    struct transfer *t = ctx;

    (void)one;
    t->deadline = 0;
    if (t->request.sink && t->status >= 200 && t->status < 300)
        return t->request.sink(t->request.ctx, bytes, len);
    if (buf_add(&t->body, bytes, len)) {
        t->too_large = true;
        return 0;
    }
    return len;
}

static size_t transfer_on_read(char *out, size_t one, size_t room, void *ctx)
{
    struct transfer *t = ctx;

    return t->request.source(t->request.source_ctx, out, one * room);
}

static void transfer_header_number(const char *line, size_t len, const char *name, int64_t *value)
{
    size_t n = strlen(name);
    int64_t sum = 0;

    if (len <= n || strncasecmp(line, name, n) || line[n] != ':')
        return;
    for (n++; n < len && line[n] == ' '; n++)
        ;
    for (; n < len && line[n] >= '0' && line[n] <= '9' && sum < INT64_MAX / 100; n++)
        sum = sum * 10 + (line[n] - '0');
    *value = sum;
}

static size_t transfer_on_header(char *line, size_t one, size_t len, void *ctx)
{
    struct transfer *t = ctx;

    (void)one;
    if (len > 5 && !strncmp(line, "HTTP/", 5))
        curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &t->status);
    transfer_header_number(line, len, "X-Drover-Log-Size", &t->log_size);
    transfer_header_number(line, len, "X-Drover-Log-Offset", &t->log_offset);
    return len;
}

/* A stream has no total time-out, only one for its first byte. Curl calls this about once a second. */
static int transfer_on_progress(void *ctx, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
    struct transfer *t = ctx;

    (void)a, (void)b, (void)c, (void)d;
    if (!t->deadline || t->status || clock_read().mono < t->deadline)
        return 0;
    t->late = true;
    return 1;
}

static bool transfer_is_loopback(const char *url)
{
    const char *host = strstr(url, "://") + 3;

    return !strncmp(host, "127.", 4) || !strncmp(host, "localhost", 9) || !strncmp(host, "[::1]", 5);
}

static int transfer_headers(struct transfer *t, const struct endpoint *to)
{
    struct curl_slist *list = NULL;
    struct buf b;

    buf_init(&b, 8192);
    if (to->token) {
        (void)buf_addf(&b, "Authorization: Bearer %s", to->token);
        list = curl_slist_append(t->headers, buf_str(&b));
        t->headers = list ? list : t->headers;
    }
    buf_reset(&b);
    (void)buf_addf(&b, "Content-Type: %s", t->request.type ? t->request.type : "");
    list = curl_slist_append(t->headers, buf_str(&b));
    t->headers = list ? list : t->headers;
    /* No 100-continue: it costs a second with servers that do not answer it. */
    list = curl_slist_append(t->headers, "Expect:");
    t->headers = list ? list : t->headers;
    buf_fini(&b);
    return list ? 0 : -1;
}

/* What is sent, and how long it may take. */
static void transfer_body(struct transfer *t, const struct endpoint *to)
{
    CURL *c = t->easy;
    long seconds = (long)((to->timeout_ms + 999) / 1000);

    if (t->request.body) {
        curl_easy_setopt(c, CURLOPT_POSTFIELDS, t->request.body);
        curl_easy_setopt(c, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)t->request.body_len);
    }
    if (!t->request.source) {
        curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)to->timeout_ms);
        return;
    }
    curl_easy_setopt(c, CURLOPT_UPLOAD, 1L);
    curl_easy_setopt(c, CURLOPT_READFUNCTION, transfer_on_read);
    curl_easy_setopt(c, CURLOPT_READDATA, t);
    curl_easy_setopt(c, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->request.source_len);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, seconds);
}

static void transfer_options(struct transfer *t, const struct endpoint *to)
{
    CURL *c = t->easy;
    bool stream = t->request.sink != NULL;

    curl_easy_setopt(c, CURLOPT_URL, buf_str(&t->url));
    curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(c, CURLOPT_USERAGENT, "drover");
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, transfer_on_body);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, transfer_on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS,
                     to->timeout_ms < TRANSFER_CONNECT_MS ? (long)to->timeout_ms : TRANSFER_CONNECT_MS);
    curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L);
    if (transfer_is_loopback(to->url))
        curl_easy_setopt(c, CURLOPT_PROXY, "");
    if (stream) {
        t->deadline = clock_read().mono + to->timeout_ms;
        curl_easy_setopt(c, CURLOPT_NOPROGRESS, 0L);
        curl_easy_setopt(c, CURLOPT_XFERINFOFUNCTION, transfer_on_progress);
        curl_easy_setopt(c, CURLOPT_XFERINFODATA, t);
    } else {
        curl_easy_setopt(c, CURLOPT_ACCEPT_ENCODING, "");
        transfer_body(t, to);
    }
    curl_easy_setopt(c, CURLOPT_CUSTOMREQUEST, t->request.method);
}

int transfer_init(struct transfer *t, const struct endpoint *to, const struct transfer_request *r, struct err *e)
{
    *t = (struct transfer){.request = *r, .log_size = -1, .log_offset = -1};
    buf_init(&t->url, 16384);
    buf_init(&t->body, r->sink ? 65536 : TRANSFER_MAX_BODY);
    if (transfer_check(to, e))
        return -1;
    t->easy = curl_easy_init();
    (void)buf_addf(&t->url, "%s%s", to->url, r->path);
    if (!t->easy || t->url.bad || transfer_headers(t, to)) {
        transfer_fini(t);
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    transfer_options(t, to);
    return 0;
}

void transfer_fini(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    buf_fini(&t->url);
    buf_fini(&t->body);
    t->easy = NULL;
    t->headers = NULL;
}

/* The error code of a wire name, so that the exit status follows the kind of error; else one of the same status. */
static enum err_code transfer_code(const char *name, long status)
{
    static const struct {
        long status;
        enum err_code code;
    } by_status[] = {
        {400, ERR_BAD_REQUEST}, {401, ERR_UNAUTHORIZED}, {403, ERR_FORBIDDEN}, {404, ERR_NO_API},
        {408, ERR_TIMEOUT},     {409, ERR_CONFLICT_JOB}, {413, ERR_TOO_LARGE}, {429, ERR_TOO_MANY},
        {502, ERR_BUSY},        {503, ERR_BUSY},         {504, ERR_TIMEOUT},   {507, ERR_NO_SPACE},
    };

    for (int code = 1; name && code < ERR_COUNT; code++) {
        if (!strcmp(name, err_name((enum err_code)code)))
            return (enum err_code)code;
    }
    for (size_t i = 0; i < sizeof by_status / sizeof *by_status; i++) {
        if (by_status[i].status == status)
            return by_status[i].code;
    }
    return ERR_INTERNAL;
}

static const char *transfer_string(const cJSON *o, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return text && *text ? text : NULL;
}

/* The first place that the reply names. */
static void transfer_place(const cJSON *reply, struct err *e)
{
    const cJSON *first = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(reply, "errors"), 0);
    const cJSON *line = cJSON_GetObjectItemCaseSensitive(first, "line");
    const cJSON *column = cJSON_GetObjectItemCaseSensitive(first, "column");
    const char *pointer = transfer_string(first, "pointer");

    if (cJSON_IsNumber(line) && line->valueint > 0)
        (void)err_at(e, line->valueint, cJSON_IsNumber(column) ? column->valueint : 0);
    if (pointer)
        (void)err_pointer(e, pointer);
}

int transfer_error(long status, const char *body, size_t len, struct err *e)
{
    cJSON *reply = json_parse(body, len, 0, NULL);
    const char *text = transfer_string(reply, "message");
    enum err_code code = transfer_code(transfer_string(reply, "code"), status);

    if (!text)
        text = transfer_string(reply, "detail");
    if (text)
        (void)err_set(e, code, "%s", text);
    else
        (void)err_set(e, code, "The server answered with status %ld and no words of its own.", status);
    transfer_place(reply, e);
    cJSON_Delete(reply);
    return -1;
}

static int transfer_no_reply(const struct transfer *t, CURLcode code, struct err *e)
{
    const char *host = strstr(buf_str(&t->url), "://");
    int len = host ? (int)strcspn(host + 3, "/") : 0;

    host = host ? host + 3 : "";
    if (t->late || code == CURLE_OPERATION_TIMEDOUT)
        return err_set(e, ERR_TIMEOUT, "The server at %.*s did not answer in time.", len, host);
    if (t->too_large)
        return err_set(e, ERR_INTERNAL, "The reply of %.*s is larger than %u MiB.", len, host, TRANSFER_MAX_BODY >> 20);
    if (code == CURLE_COULDNT_CONNECT || code == CURLE_COULDNT_RESOLVE_HOST || code == CURLE_COULDNT_RESOLVE_PROXY)
        return err_set(e, ERR_BUSY, "The server at %.*s cannot be reached: %s. Is it running?", len, host,
                       code == CURLE_COULDNT_CONNECT ? "no connection" : "unknown host");
    if (code == CURLE_GOT_NOTHING || code == CURLE_RECV_ERROR || code == CURLE_SEND_ERROR || code == CURLE_PARTIAL_FILE)
        return err_set(e, ERR_BUSY, "The server at %.*s broke the connection.", len, host);
    return err_set(e, ERR_INTERNAL, "No usable reply from %.*s: %s.", len, host, curl_easy_strerror(code));
}

int transfer_connect(struct transfer *t, curl_socket_t *fd, struct err *e)
{
    CURLcode code;

    curl_easy_setopt(t->easy, CURLOPT_CONNECT_ONLY, 1L);
    code = curl_easy_perform(t->easy);
    if (code == CURLE_OK)
        code = curl_easy_getinfo(t->easy, CURLINFO_ACTIVESOCKET, fd);
    return code == CURLE_OK ? 0 : transfer_no_reply(t, code, e);
}

int transfer_result(const struct transfer *t, CURLcode code, struct err *e)
{
    if (code != CURLE_OK)
        return transfer_no_reply(t, code, e);
    if (t->status >= 300 && t->status < 400)
        return err_set(e, ERR_INTERNAL,
                       "The server answers with a redirection, which is not followed; "
                       "is the address right?");
    if (t->status < 200 || t->status >= 300)
        return transfer_error(t->status, buf_str(&t->body), t->body.len, e);
    return 0;
}

void transfer_escape(struct buf *out, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;

        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr("-._~", c))
            (void)buf_addc(out, *s);
        else
            (void)buf_addf(out, "%%%02X", c);
    }
}
