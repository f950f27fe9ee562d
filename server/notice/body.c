/* SPDX-License-Identifier: MIT
 *
 * Text of users stands in Slack's and Teams' messages: what their mark-up would make a link or a mention of is escaped.
 */
#include "server/notice/body.h"

#include <sodium.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "server/notice/notice.h"

static const char *const shapes[BODY_SHAPES] = {[BODY_JSON] = "json", [BODY_SLACK] = "slack", [BODY_TEAMS] = "teams"};

const char *body_shape_name(enum body_shape s)
{
    return shapes[s];
}

enum body_shape body_shape_find(const char *name)
{
    for (int s = 0; s < BODY_SHAPES; s++)
        if (!strcmp(shapes[s], name))
            return (enum body_shape)s;
    return BODY_SHAPES;
}

static const char *finish(struct arena *a, struct buf *b)
{
    const char *text = b->bad ? NULL : arena_strdup(a, buf_str(b));
    buf_fini(b);
    return text;
}

const char *body_data(struct arena *a, const struct notice *n, const char *url)
{
    struct json_out j;
    struct buf b;
    buf_init(&b, 0);
    json_out_init(&j, &b);
    json_out_object(&j);
    json_out_kstring(&j, "id", n->id);
    json_out_kstring(&j, "type", notice_kind_name(n->kind));
    json_out_ktime(&j, "time", n->time_ms);
    json_out_kstring(&j, "severity", n->severity);
    json_out_kstring(&j, "title", n->title);
    json_out_kstring(&j, "text", n->text);
    json_out_kstring(&j, "username", n->user);
    json_out_kstring(&j, "jobName", n->job);
    json_out_kstring(&j, "jobId", n->job_id);
    json_out_kstring(&j, "virtualCluster", n->vc);
    json_out_kstring(&j, "url", url[0] ? url : NULL);
    json_out_key(&j, "labels");
    json_out_raw(&j, n->labels ? n->labels : "{}");
    json_out_object_end(&j);
    return finish(a, &b);
}

/* Slack knows three characters: https://api.slack.com/reference/surfaces/formatting#escaping. */
static void add_slack(struct buf *b, const char *s)
{
    for (; *s; s++) {
        if (*s == '&')
            (void)buf_adds(b, "&amp;");
        else if (*s == '<')
            (void)buf_adds(b, "&lt;");
        else if (*s == '>')
            (void)buf_adds(b, "&gt;");
        else
            (void)buf_addc(b, *s);
    }
}

static void write_slack(struct json_out *j, const cJSON *o)
{
    const char *title = "", *text = "", *url = NULL;
    struct buf b;
    (void)json_get_string(o, "title", &title, NULL);
    (void)json_get_string(o, "text", &text, NULL);
    (void)json_get_string(o, "url", &url, NULL);
    buf_init(&b, 0);
    (void)buf_addc(&b, '*');
    add_slack(&b, title);
    (void)buf_adds(&b, "*\n");
    add_slack(&b, text);
    if (url) {
        (void)buf_adds(&b, "\n");
        add_slack(&b, url);
    }
    json_out_object(j);
    json_out_kstring(j, "text", buf_str(&b));
    json_out_object_end(j);
    j->out->bad |= b.bad;
    buf_fini(&b);
}

static void write_block(struct json_out *j, const char *text, bool title)
{
    struct buf b;
    buf_init(&b, 0);
    for (; *text; text++) {
        if (strchr("\\`*_[]<>", *text))
            (void)buf_addc(&b, '\\');
        (void)buf_addc(&b, *text);
    }
    json_out_object(j);
    json_out_kstring(j, "type", "TextBlock");
    json_out_kstring(j, "text", buf_str(&b));
    json_out_kbool(j, "wrap", true);
    if (title) {
        json_out_kstring(j, "size", "Medium");
        json_out_kstring(j, "weight", "Bolder");
    }
    json_out_object_end(j);
    j->out->bad |= b.bad;
    buf_fini(&b);
}

/* An Adaptive Card, the one form that Teams' workflows take. */
static void write_teams(struct json_out *j, const cJSON *o)
{
    const char *title = "", *text = "", *url = NULL;
    (void)json_get_string(o, "title", &title, NULL);
    (void)json_get_string(o, "text", &text, NULL);
    (void)json_get_string(o, "url", &url, NULL);
    json_out_object(j);
    json_out_kstring(j, "type", "message");
    json_out_key(j, "attachments");
    json_out_array(j);
    json_out_object(j);
    json_out_kstring(j, "contentType", "application/vnd.microsoft.card.adaptive");
    json_out_key(j, "content");
    json_out_object(j);
    json_out_kstring(j, "$schema", "http://adaptivecards.io/schemas/adaptive-card.json");
    json_out_kstring(j, "type", "AdaptiveCard");
    json_out_kstring(j, "version", "1.2");
    json_out_key(j, "body");
    json_out_array(j);
    write_block(j, title, true);
    write_block(j, text, false);
    json_out_array_end(j);
    if (url) {
        json_out_key(j, "actions");
        json_out_array(j);
        json_out_object(j);
        json_out_kstring(j, "type", "Action.OpenUrl");
        json_out_kstring(j, "title", "Open");
        json_out_kstring(j, "url", url);
        json_out_object_end(j);
        json_out_array_end(j);
    }
    json_out_object_end(j);
    json_out_object_end(j);
    json_out_array_end(j);
    json_out_object_end(j);
}

const char *body_write(struct arena *a, enum body_shape shape, const char *data, struct err *e)
{
    struct json_out j;
    struct buf b;
    if (shape == BODY_JSON)
        return data;
    cJSON *o = json_parse(data, strlen(data), 0, e);
    if (!o)
        return NULL;
    buf_init(&b, 0);
    json_out_init(&j, &b);
    (shape == BODY_SLACK ? write_slack : write_teams)(&j, o);
    cJSON_Delete(o);
    const char *text = finish(a, &b);
    if (!text)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    return text;
}

/* ---- the signature ---- */

void body_secret_text(const unsigned char secret[BODY_SECRET_SIZE], char out[BODY_SECRET_TEXT_SIZE])
{
    static const char prefix[] = "whsec_";
    memcpy(out, prefix, sizeof prefix);
    sodium_bin2base64(out + sizeof prefix - 1, BODY_SECRET_TEXT_SIZE - sizeof prefix + 1, secret, BODY_SECRET_SIZE,
                      sodium_base64_VARIANT_ORIGINAL);
}

void body_sign(const struct body_message *m, const unsigned char secret[BODY_SECRET_SIZE],
               char out[BODY_SIGNATURE_SIZE])
{
    static const char prefix[] = "v1,";
    unsigned char mac[crypto_auth_hmacsha256_BYTES];
    crypto_auth_hmacsha256_state st;
    char stamp[32];
    const int n = snprintf(stamp, sizeof stamp, ".%lld.", (long long)m->seconds);
    crypto_auth_hmacsha256_init(&st, secret, BODY_SECRET_SIZE);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)m->id, strlen(m->id));
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)stamp, (unsigned long long)n);
    crypto_auth_hmacsha256_update(&st, (const unsigned char *)m->body, strlen(m->body));
    crypto_auth_hmacsha256_final(&st, mac);
    sodium_memzero(&st, sizeof st);
    memcpy(out, prefix, sizeof prefix);
    sodium_bin2base64(out + sizeof prefix - 1, BODY_SIGNATURE_SIZE - sizeof prefix + 1, mac, sizeof mac,
                      sodium_base64_VARIANT_ORIGINAL);
}
