/* SPDX-License-Identifier: MIT */
/* One question a look, about all figures of all GPUs of the node. What Prometheus has not heard of for long it leaves
 * out, and so is not valid here: a gap, not a 0. It tells only the last Xid: a code that comes twice is one. */
#include "metrics/prometheus.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/log.h"
#include "metrics/prometheus_reply.h"
#include "metrics/remote_config.h"
#include "metrics/remote_sender.h"

enum { QUERY_MAX = 16384, WAIT_MS = 1000 };

struct prometheus {
    struct source base;
    const struct remote_source *settings;
    struct remote_sender *sender;
    struct buf query; /* as it is sent */
    struct buf reply;
    struct prometheus_gpu told[NODE_GPU_MAX];
    int count;
    struct known {
        char uuid[GPU_UUID_SIZE];
        bool heard; /* an Xid, 0 too */
        int64_t xid;
        int xid_count;
        int xids[SOURCE_XIDS_MAX];
    } known[NODE_GPU_MAX];
};

/* ---- the question ---- */

static void add_matcher(struct buf *out, const char *name, const char *value)
{
    (void)buf_addf(out, ",%s=\"", name);
    for (; *value; value++) {
        if (*value == '"' || *value == '\\')
            (void)buf_addc(out, '\\');
        (void)buf_adds(out, *value == '\n' ? "\\n" : (const char[]){*value, '\0'});
    }
    (void)buf_addc(out, '"');
}

/* Its body, made once. 0 or -1. */
static int make_query(struct prometheus *p, const char *node, struct err *e)
{
    struct buf text;

    buf_init(&text, QUERY_MAX);
    (void)buf_adds(&text, "{__name__=~\"");
    prometheus_reply_names(&text);
    (void)buf_addc(&text, '"');
    add_matcher(&text, p->settings->node_label, node);
    for (int i = 0; i < p->settings->to.label_count; i++)
        add_matcher(&text, p->settings->to.labels[i].name, p->settings->to.labels[i].value);
    (void)buf_addc(&text, '}');
    char *escaped = text.bad ? NULL : curl_easy_escape(NULL, buf_str(&text), (int)text.len);
    int rc = escaped ? buf_addf(&p->query, "query=%s", escaped) : -1;
    curl_free(escaped);
    buf_fini(&text);
    return rc ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}

/* Asks, and reads into `told`. How many GPUs, or -1. */
static int ask(struct prometheus *p, struct err *e)
{
    struct remote_answer a = {.outcome = REMOTE_NONE};

    buf_reset(&p->reply);
    if (remote_sender_begin(p->sender, p->query.data, p->query.len, e))
        return -1;
    while (a.outcome == REMOTE_NONE) /* a wait ends with any piece of the reply; libcurl gives up in time */
        remote_sender_wait(p->sender, WAIT_MS, &a);
    if (a.outcome != REMOTE_TAKEN)
        return err_set(e, ERR_BUSY, "Prometheus does not tell of the GPUs: %s", a.why);
    return prometheus_reply_read(buf_str(&p->reply), p->reply.len, p->settings->gpu_label, p->told, e);
}

/* ---- the vtable ---- */

static int find(struct source *s, struct gpu gpus[NODE_GPU_MAX], struct err *e)
{
    struct prometheus *p = (struct prometheus *)s;
    const int there = ask(p, e);

    if (there < 0)
        return -1;
    if (!there)
        return err_set(e, ERR_INVALID_PARAMETERS, "Prometheus knows no GPUs of this node: see %s and labels",
                       p->settings->node_label);
    for (int i = 0; i < NODE_GPU_MAX; i++)
        if (p->told[i].there)
            p->count = i + 1;
    for (int i = 0; i < p->count; i++) {
        gpus[i] = p->told[i].gpu;
        gpus[i].quarantined = !p->told[i].there; /* shown, but not given out */
        (void)snprintf(p->known[i].uuid, sizeof p->known[i].uuid, "%s", gpus[i].uuid);
    }
    return p->count;
}

/* A code that was not there at the look before is an error since then. */
static void note_xid(struct known *k, const struct source_sample *s, int index)
{
    if (!source_has(s, SOURCE_XID))
        return;
    const int64_t code = s->value[SOURCE_XID];
    if (k->heard && code && code != k->xid && k->xid_count < INT32_MAX) {
        k->xids[k->xid_count++ % SOURCE_XIDS_MAX] = (int)code;
        log_warn("gpu_xid", "GPU %d: Xid %d", index, (int)code);
    }
    k->heard = true;
    k->xid = code;
}

static int read_all(struct source *s, struct source_reading *out, int count, struct err *e)
{
    struct prometheus *p = (struct prometheus *)s;

    if (count > p->count)
        return err_set(e, ERR_INTERNAL, "Prometheus was not asked for these GPUs");
    if (ask(p, e) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        struct known *k = &p->known[i];

        out[i].sample = (struct source_sample){0};
        out[i].process_count = 0;
        if (p->told[i].there && !strcmp(p->told[i].gpu.uuid, k->uuid)) {
            out[i].sample = p->told[i].sample;
            note_xid(k, &out[i].sample, i);
        }
        out[i].xid_count = k->xid_count;
        memcpy(out[i].xids, k->xids, sizeof out[i].xids);
    }
    return 0;
}

static void destroy(struct source *s)
{
    struct prometheus *p = (struct prometheus *)s;

    remote_sender_destroy(p->sender);
    buf_fini(&p->query);
    buf_fini(&p->reply);
    free(p);
}

struct source *prometheus_create(const struct remote_source *c, const char *node, struct err *e)
{
    static const struct source_ops ops = {.name = "prometheus", .find = find, .read = read_all, .destroy = destroy};
    static const char *const headers[] = {"Content-Type: application/x-www-form-urlencoded", "Accept: application/json",
                                          "Expect:", NULL};
    struct prometheus *p = calloc(1, sizeof *p);
    char host[NODE_NAME_MAX] = "";

    if (!p) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    p->base.ops = &ops;
    p->settings = c;
    buf_init(&p->query, 4 * QUERY_MAX);
    buf_init(&p->reply, PROMETHEUS_REPLY_MAX);
    if (!node[0] && !gethostname(host, sizeof host - 1))
        node = host;
    p->sender = remote_sender_create(&c->to, headers, e);
    if (p->sender && !make_query(p, c->node[0] ? c->node : node, e)) {
        remote_sender_keep(p->sender, &p->reply);
        return &p->base;
    }
    destroy(&p->base);
    return NULL;
}
