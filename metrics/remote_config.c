/* SPDX-License-Identifier: MIT
 *
 * What a URL says is asked of libcurl, which will use it: two readers of one text may differ.
 */
#include "metrics/remote_config.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/doc.h"
#include "base/err.h"

static int bad(const struct doc *d, struct err *e, const char *want)
{
    err_set(e, ERR_INVALID_PARAMETERS, "%.60s must be %s.", d->key, want);
    return err_at(e, d->line, d->column);
}

static int set_text(char out[REMOTE_TEXT_MAX], const struct doc *d, struct err *e)
{
    if (d->type != DOC_STRING || !d->text_len || d->text_len >= REMOTE_TEXT_MAX)
        return bad(d, e, "a string of 1 to 255 bytes");
    memcpy(out, d->text, d->text_len + 1);
    return 0;
}

static int set_int(int *out, int max, const struct doc *d, struct err *e)
{
    char want[64];
    if (d->type == DOC_INT && d->integer >= 1 && d->integer <= max) {
        *out = (int)d->integer;
        return 0;
    }
    snprintf(want, sizeof want, "a whole number from 1 to %d", max);
    return bad(d, e, want);
}

/* ---- the URL ---- */

static bool is_loopback(const char *host)
{
    char text[REMOTE_TEXT_MAX];
    struct in6_addr v6;
    struct in_addr v4;
    const size_t len = strlen(host);
    if (!strcmp(host, "localhost"))
        return true;
    if (inet_pton(AF_INET, host, &v4) == 1)
        return ntohl(v4.s_addr) >> 24 == 127;
    if (len < 2 || host[0] != '[')
        return false;
    snprintf(text, sizeof text, "%.*s", (int)(len - 2), host + 1);
    return inet_pton(AF_INET6, text, &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

/* What is wrong with a URL, NULL: nothing. A secret needs TLS. */
static const char *fault(const char *text, bool secret)
{
    CURLU *u = curl_url();
    char *scheme = NULL, *host = NULL, *user = NULL;
    const char *what = NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, text, 0) || curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) || (strcmp(scheme, "http") != 0 && strcmp(scheme, "https") != 0))
        what = "an address that begins with https:// or http://";
    else if (!curl_url_get(u, CURLUPART_USER, &user, 0))
        what = "without a user and password, which have keys of their own";
    else if (secret && !strcmp(scheme, "http") && !is_loopback(host))
        what = "https:// where a token or password is sent, but on loopback";
    curl_free(scheme);
    curl_free(host);
    curl_free(user);
    curl_url_cleanup(u);
    return what;
}

/* ---- labels ---- */

/* As Prometheus has it; those that begin with two underscores are its own. */
static bool is_label(const char *s)
{
    static const char first[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_";
    return s[0] && strchr(first, s[0]) && strncmp(s, "__", 2) != 0 &&
           !s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789")];
}

/* All of them: what was there before goes. */
static int set_labels(struct remote_settings *c, const char *map, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP || d->count > REMOTE_OWN_LABELS)
        return bad(d, e, "a map of at most 8 labels");
    c->label_count = 0;
    for (const struct doc *m = d->first; m; m = m->next) {
        if (!is_label(m->key) || strlen(m->key) >= REMOTE_TEXT_MAX) {
            err_set(e, ERR_INVALID_PARAMETERS, "%s: \"%.60s\" is no name of a label.", map, m->key);
            return err_at(e, m->key_line, m->key_column);
        }
        if (set_text(c->labels[c->label_count].value, m, e))
            return -1;
        snprintf(c->labels[c->label_count++].name, REMOTE_TEXT_MAX, "%s", m->key);
    }
    return 0;
}

/* ---- all of it ---- */

void remote_config_defaults(struct remote_settings *c)
{
    *c = (struct remote_settings){
        .interval_s = 15, .queue_mb = 16, .label_count = 1, .labels = {{.name = "job", .value = "drover"}}};
}

static int set_one(struct remote_settings *c, const char *map, const struct doc *d, struct err *e)
{
    const struct {
        const char *key;
        char *text;
    } texts[] = {{"url", c->url},           {"bearerTokenFile", c->bearer_token_file},
                 {"username", c->username}, {"passwordFile", c->password_file},
                 {"caFile", c->ca_file},    {"user", c->user}};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (!strcmp(d->key, texts[i].key))
            return set_text(texts[i].text, d, e);
    if (!strcmp(d->key, "intervalSeconds"))
        return set_int(&c->interval_s, 3600, d, e);
    if (!strcmp(d->key, "queueMB"))
        return set_int(&c->queue_mb, 1024, d, e);
    if (!strcmp(d->key, "labels"))
        return set_labels(c, map, d, e);
    err_set(e, ERR_INVALID_PARAMETERS, "%s has no key \"%.60s\".", map, d->key);
    return err_at(e, d->key_line, d->key_column);
}

/* What belongs together. */
static int check(const struct remote_settings *c, const char *map, const struct doc *d, struct err *e)
{
    const char *what = fault(c->url, c->bearer_token_file[0] || c->password_file[0]);
    if (what)
        return bad(doc_get(d, "url"), e, what);
    if (!c->username[0] == !c->password_file[0] && !(c->username[0] && c->bearer_token_file[0]))
        return 0;
    err_set(e, ERR_INVALID_PARAMETERS, "%s takes a bearerTokenFile, or username and passwordFile.", map);
    return err_at(e, d->line, d->column);
}

int remote_config_read(struct remote_settings *c, const struct doc *d, struct err *e)
{
    if (d->type != DOC_MAP || !doc_get(d, "url")) {
        err_set(e, ERR_INVALID_PARAMETERS, "remoteWrite must be a map with a url.");
        return err_at(e, d->line, d->column);
    }
    for (const struct doc *m = d->first; m; m = m->next)
        if (set_one(c, "remoteWrite", m, e))
            return -1;
    return check(c, "remoteWrite", d, e);
}

/* Appends to the url. */
static int add_path(struct remote_settings *c, const char *path, const struct doc *url, struct err *e)
{
    const size_t len = strlen(c->url) - (c->url[strlen(c->url) - 1] == '/');
    if (len + strlen(path) >= sizeof c->url)
        return bad(url, e, "at most 240 bytes long");
    snprintf(c->url + len, sizeof c->url - len, "%s", path);
    return 0;
}

int remote_config_read_alertmanager(struct remote_settings *c, const struct doc *d, struct err *e)
{
    static const char path[] = "/api/v2/alerts";
    const struct doc *url = doc_get(d, "url");
    if (d->type != DOC_MAP || !url) {
        err_set(e, ERR_INVALID_PARAMETERS, "alertmanager must be a map with a url.");
        return err_at(e, d->line, d->column);
    }
    for (const struct doc *m = d->first; m; m = m->next) {
        char *to = !strcmp(m->key, "url")               ? c->url
                   : !strcmp(m->key, "bearerTokenFile") ? c->bearer_token_file
                   : !strcmp(m->key, "caFile")          ? c->ca_file
                                                        : NULL;
        if (!to) {
            err_set(e, ERR_INVALID_PARAMETERS, "alertmanager has no key \"%.60s\".", m->key);
            return err_at(e, m->key_line, m->key_column);
        }
        if (set_text(to, m, e))
            return -1;
    }
    const char *what = fault(c->url, c->bearer_token_file[0] != '\0');
    return what ? bad(url, e, what) : add_path(c, path, url, e);
}

static int set_label(char out[REMOTE_TEXT_MAX], const struct doc *d, struct err *e)
{
    return set_text(out, d, e) ? -1 : is_label(out) ? 0 : bad(d, e, "the name of a label");
}

static int set_source(struct remote_source *c, const struct doc *d, struct err *e)
{
    if (!strcmp(d->key, "nodeLabel"))
        return set_label(c->node_label, d, e);
    if (!strcmp(d->key, "gpuLabel"))
        return set_label(c->gpu_label, d, e);
    if (!strcmp(d->key, "node"))
        return set_text(c->node, d, e);
    if (!strcmp(d->key, "user") || !strcmp(d->key, "intervalSeconds") || !strcmp(d->key, "queueMB")) {
        err_set(e, ERR_INVALID_PARAMETERS, "gpuPrometheus has no key \"%.60s\".", d->key);
        return err_at(e, d->key_line, d->key_column);
    }
    return set_one(&c->to, "gpuPrometheus", d, e);
}

int remote_config_read_source(struct remote_source *c, const struct doc *d, struct err *e)
{
    *c = (struct remote_source){.node_label = "Hostname", .gpu_label = "gpu"};
    if (d->type != DOC_MAP || !doc_get(d, "url")) {
        err_set(e, ERR_INVALID_PARAMETERS, "gpuPrometheus must be a map with a url.");
        return err_at(e, d->line, d->column);
    }
    for (const struct doc *m = d->first; m; m = m->next)
        if (set_source(c, m, e))
            return -1;
    return check(&c->to, "gpuPrometheus", d, e) ? -1 : add_path(&c->to, "/api/v1/query", doc_get(d, "url"), e);
}
