/* SPDX-License-Identifier: MIT
 *
 * A server of recorded replies. Answers are ready at once, in the order of the questions. The event stream says
 * nothing but a first comment; a log stream gives the log and ends when its job has ended.
 */
#include "tui/demo.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/json.h"
#include "tui/demo/demo_change.h"
#include "tui/demo/demo_data.h"

#define DEMO_JOBS "/api/v2/jobs"

struct demo_item {
    struct demo_item *next;
    struct source_result result;
};

struct demo {
    struct source source;
    cJSON *data;
    struct demo_item *first;
    struct demo_item **last;
    uint64_t next_id;
    int wake;
    enum err_code broken;
};

static struct demo *demo_of(const struct source *s)
{
    return (struct demo *)s;
}

static const cJSON *demo_get(const cJSON *o, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(o, key);
}

static void demo_push(struct demo *d, const struct source_result *r)
{
    struct demo_item *item = malloc(sizeof *item);
    uint64_t one = 1;

    if (!item) {
        free(r->data);
        return;
    }
    *item = (struct demo_item){.result = *r};
    *d->last = item;
    d->last = &item->next;
    (void)!write(d->wake, &one, sizeof one);
}

static void demo_answer_text(struct demo *d, uint64_t id, const char *text, bool last)
{
    struct source_result r = {.id = id, .last = last, .data = strdup(text), .len = strlen(text), .log_size = -1};

    r.log_size = (int64_t)r.len;
    if (r.data)
        demo_push(d, &r);
}

static void demo_answer(struct demo *d, uint64_t id, const cJSON *value)
{
    char *text = cJSON_PrintUnformatted(value);

    if (text)
        demo_answer_text(d, id, text, true);
    cJSON_free(text);
}

static void demo_refuse(struct demo *d, uint64_t id, enum err_code code, const char *text)
{
    struct source_result r = {.id = id, .last = true, .failed = true, .log_size = -1};

    (void)err_set(&r.err, code, "%s", text);
    demo_push(d, &r);
}

static int demo_hex(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;

    return at ? (int)(at - digits) : -1;
}

/* Percent-decodes what stands before a byte of `ends`. */
static void demo_decode(const char *at, const char *ends, char *out, size_t size)
{
    size_t n = 0;

    for (; *at && !strchr(ends, *at) && n + 1 < size; at++) {
        if (*at == '%' && demo_hex(at[1]) >= 0 && demo_hex(at[2]) >= 0) {
            out[n++] = (char)(demo_hex(at[1]) * 16 + demo_hex(at[2]));
            at += 2;
        } else {
            out[n++] = *at;
        }
    }
    out[n] = '\0';
}

/* The value of a query parameter in `out`, decoded; "" when absent. */
static const char *demo_param(const char *path, const char *name, char *out, size_t size)
{
    const char *at = strchr(path, '?');
    size_t len = strlen(name);

    while (at && (strncmp(at + 1, name, len) || at[1 + len] != '='))
        at = strchr(at + 1, '&');
    demo_decode(at ? at + len + 2 : "", "&", out, size);
    return out;
}

/* Whether `value` is in the comma list; an empty list holds everything. */
static bool demo_in(const char *list, const char *value)
{
    size_t len = strlen(value);

    if (!*list)
        return true;
    for (; *list; list += strcspn(list, ","), list += *list == ',') {
        if (strcspn(list, ",") == len && !strncmp(list, value, len))
            return true;
    }
    return false;
}

static const char *demo_text(const cJSON *o, const char *key)
{
    const char *text = cJSON_GetStringValue(demo_get(o, key));

    return text ? text : "";
}

static bool demo_fits(const cJSON *job, const char *path)
{
    char value[256];
    const char *keyword;

    if (!demo_in(demo_param(path, "state", value, sizeof value), demo_text(job, "state")) ||
        !demo_in(demo_param(path, "username", value, sizeof value), demo_text(job, "username")) ||
        !demo_in(demo_param(path, "vc", value, sizeof value), demo_text(job, "virtualCluster")))
        return false;
    keyword = demo_param(path, "keyword", value, sizeof value);
    return strstr(demo_text(job, "name"), keyword) || strstr(demo_text(job, "username"), keyword) ||
           strstr(demo_text(job, "virtualCluster"), keyword);
}

static int demo_compare_field(const cJSON *a, const cJSON *b, const char *field)
{
    const cJSON *x = demo_get(a, field);
    const cJSON *y = demo_get(b, field);

    if (cJSON_IsNumber(x) || cJSON_IsNumber(y)) {
        double m = cJSON_IsNumber(x) ? x->valuedouble : 0;
        double n = cJSON_IsNumber(y) ? y->valuedouble : 0;

        return (m > n) - (m < n);
    }
    return strcmp(demo_text(a, field), demo_text(b, field));
}

/* Insertion sort: a recording has few jobs. */
static void demo_sort(const cJSON **rows, size_t n, const char *order)
{
    static const char *const names[][2] = {
        {"jobName", "name"}, {"vc", "virtualCluster"}, {"completionTime", "completedTime"}};
    const char *comma = strchr(order, ',');
    bool falling = comma && !strcmp(comma + 1, "DESC");
    char field[64];

    snprintf(field, sizeof field, "%.*s", comma ? (int)(comma - order) : 0, order);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!strcmp(field, names[i][0]))
            snprintf(field, sizeof field, "%s", names[i][1]);
    }
    for (size_t i = 1; *field && i < n; i++) {
        for (size_t j = i; j > 0; j--) {
            int c = demo_compare_field(rows[j - 1], rows[j], field);
            const cJSON *swap = rows[j];

            if (falling ? c >= 0 : c <= 0)
                break;
            rows[j] = rows[j - 1];
            rows[j - 1] = swap;
        }
    }
}

static void demo_jobs(struct demo *d, uint64_t id, const char *path)
{
    const cJSON *jobs = demo_get(d->data, "jobs");
    const cJSON **rows = calloc((size_t)cJSON_GetArraySize(jobs) + 1, sizeof *rows);
    char value[64];
    size_t offset = strtoul(demo_param(path, "offset", value, sizeof value), NULL, 10);
    size_t limit = strtoul(demo_param(path, "limit", value, sizeof value), NULL, 10);
    cJSON *reply = cJSON_CreateObject();
    cJSON *list = cJSON_AddArrayToObject(reply, "data");
    const cJSON *job;
    size_t n = 0;

    cJSON_ArrayForEach(job, jobs)
    {
        if (rows && demo_fits(job, path))
            rows[n++] = job;
    }
    if (rows)
        demo_sort(rows, n, demo_param(path, "order", value, sizeof value));
    for (size_t i = offset; i < n && i < offset + limit; i++)
        cJSON_AddItemToArray(list, cJSON_Duplicate(rows[i], true));
    cJSON_AddNumberToObject(reply, "totalCount", (double)n);
    demo_answer(d, id, reply);
    cJSON_Delete(reply);
    free(rows);
}

/* Marks a live job as stopping in the list and in its detail. */
static void demo_stop(struct demo *d, const char *full)
{
    cJSON *status = (cJSON *)demo_get(demo_get(demo_get(d->data, "details"), full), "jobStatus");
    const char *tilde = strchr(full, '~');
    cJSON *job;

    cJSON_ArrayForEach(job, demo_get(d->data, "jobs"))
    {
        if (tilde && !strcmp(demo_text(job, "name"), tilde + 1) &&
            !strncmp(demo_text(job, "username"), full, (size_t)(tilde - full)))
            cJSON_ReplaceItemInObjectCaseSensitive(job, "executionType", cJSON_CreateString("STOP"));
    }
    if (status)
        cJSON_ReplaceItemInObjectCaseSensitive(status, "executionType", cJSON_CreateString("STOP"));
}

static void demo_log(struct demo *d, uint64_t id, const char *full, const char *path)
{
    const cJSON *logs = demo_get(d->data, "logs");
    const char *state = demo_text(demo_get(demo_get(demo_get(d->data, "details"), full), "jobStatus"), "state");
    const char *text = cJSON_GetStringValue(demo_get(logs, full));
    char value[32];
    bool live = !strcmp(state, "RUNNING") || !strcmp(state, "STOPPING");
    size_t offset = strtoul(demo_param(path, "offset", value, sizeof value), NULL, 10);

    if (!text)
        text = strcmp(state, "WAITING") ? demo_text(logs, "*") : "";
    if (offset > strlen(text))
        offset = strlen(text);
    demo_answer_text(d, id, text + offset, !(live && strstr(path, "follow=true")));
}

/* Below /api/v2/jobs/: `rest` is "ana~x", "ana~x/executionType", ... */
static void demo_job(struct demo *d, uint64_t id, const struct source_request *r, const char *rest)
{
    char full[256];
    size_t len = strcspn(rest, "/?");
    const cJSON *detail;

    demo_decode(rest, "/?", full, sizeof full);
    detail = demo_get(demo_get(d->data, "details"), full);
    if (!detail) {
        demo_refuse(d, id, ERR_NO_JOB, "There is no such job in the demo.");
    } else if (!strcmp(r->method, "PUT")) {
        demo_stop(d, full);
        demo_answer_text(d, id, "{}", true);
    } else if (strstr(rest, "/logs/")) {
        demo_log(d, id, full, r->path);
    } else if (rest[len] == '/') {
        demo_refuse(d, id, ERR_NO_API, "The demo has no recording of this.");
    } else {
        demo_answer(d, id, detail);
    }
}

/* A change of the cluster. */
static void demo_put(struct demo *d, uint64_t id, const struct source_request *r)
{
    struct err e = {0};
    cJSON *body = json_parse(r->body ? r->body : "", r->body ? strlen(r->body) : 0, 0, &e);
    char path[512];

    demo_decode(r->path, "?", path, sizeof path);
    if (body && !demo_change(d->data, path, body, &e))
        demo_answer_text(d, id, "{\"message\":\"done\"}", true);
    else
        demo_refuse(d, id, e.code, e.text);
    cJSON_Delete(body);
}

/* "GET /api/v2/users" among the recorded replies; an object with "refused" is one. False when it has none. */
static bool demo_reply(struct demo *d, uint64_t id, const struct source_request *r)
{
    const cJSON *replies = demo_get(d->data, "replies"), *reply;
    char key[512];

    snprintf(key, sizeof key, "%s %.*s", r->method, (int)strcspn(r->path, "?"), r->path);
    reply = demo_get(replies, key);
    if (reply && strstr(r->path, "dryRun=false") && demo_get(reply, "applied"))
        reply = demo_get(replies, "POST /api/v2/users/import applied");
    if (demo_get(reply, "refused"))
        demo_refuse(d, id, ERR_FORBIDDEN, demo_text(reply, "refused"));
    else if (reply && cJSON_IsString(reply))
        demo_answer_text(d, id, reply->valuestring, true);
    else if (reply)
        demo_answer(d, id, reply);
    return reply != NULL;
}

static uint64_t demo_ask(struct source *s, const struct source_request *r)
{
    struct demo *d = demo_of(s);
    uint64_t id = ++d->next_id;
    size_t len = strlen(DEMO_JOBS);

    if (d->broken)
        demo_refuse(d, id, d->broken, "The server cannot be reached: no connection.");
    else if (demo_reply(d, id, r))
        return id;
    else if (!strncmp(r->path, DEMO_JOBS "/", len + 1))
        demo_job(d, id, r, r->path + len + 1);
    else if (!strncmp(r->path, DEMO_JOBS, len))
        demo_jobs(d, id, r->path);
    else if (!strcmp(r->path, "/api/v2/nodes"))
        demo_answer(d, id, demo_get(d->data, "nodes"));
    else if (!strcmp(r->path, "/api/v2/session"))
        demo_answer(d, id, demo_get(d->data, "session"));
    else if (r->stream)
        demo_answer_text(d, id, ": ping\n\n", false);
    else if (!strcmp(r->method, "PUT"))
        demo_put(d, id, r);
    else
        demo_refuse(d, id, ERR_NO_API, "The demo has no recording of this.");
    return id;
}

static void demo_cancel(struct source *s, uint64_t id)
{
    struct demo *d = demo_of(s);
    struct demo_item **link = &d->first;

    while (*link) {
        struct demo_item *item = *link;

        if (item->result.id != id) {
            link = &item->next;
            continue;
        }
        *link = item->next;
        free(item->result.data);
        free(item);
    }
    d->last = link;
}

static bool demo_take(struct source *s, struct source_result *out)
{
    struct demo *d = demo_of(s);
    struct demo_item *item = d->first;
    uint64_t count;

    if (!item) {
        (void)!read(d->wake, &count, sizeof count);
        return false;
    }
    d->first = item->next;
    if (!d->first)
        d->last = &d->first;
    *out = item->result;
    free(item);
    return true;
}

static int demo_fd(const struct source *s)
{
    return demo_of(s)->wake;
}

static void demo_destroy(struct source *s)
{
    struct demo *d = demo_of(s);
    struct source_result r;

    while (demo_take(s, &r))
        source_result_fini(&r);
    cJSON_Delete(d->data);
    if (d->wake >= 0)
        close(d->wake);
    free(d);
}

int64_t demo_now(const struct source *s)
{
    const cJSON *now = demo_get(demo_of(s)->data, "now");

    return cJSON_IsNumber(now) ? (int64_t)now->valuedouble : 0;
}

void demo_fail(struct source *s, enum err_code code)
{
    demo_of(s)->broken = code;
}

static const struct source_ops demo_ops = {
    .ask = demo_ask, .cancel = demo_cancel, .take = demo_take, .fd = demo_fd, .destroy = demo_destroy};

struct source *demo_create(const char *text, size_t len, struct err *e)
{
    struct demo *d = calloc(1, sizeof *d);

    if (!text)
        text = demo_data(&len);
    if (!d) {
        (void)err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    d->source.ops = &demo_ops;
    d->last = &d->first;
    d->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    d->data = json_parse(text, len, 16u << 20, e);
    if (d->data && d->wake >= 0)
        return &d->source;
    demo_destroy(&d->source);
    return NULL;
}
