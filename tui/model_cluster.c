/* SPDX-License-Identifier: MIT
 *
 * Decoding of what the views of the cluster show. Numbers of a foreign server are cut to what the structs hold.
 */
#include "tui/model_cluster.h"

#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "tui/model.h"

/* A number between bounds; `unknown` where there is none. */
static int64_t number(const cJSON *n, int64_t from, int64_t to, int64_t unknown)
{
    if (!cJSON_IsNumber(n))
        return unknown;
    return n->valuedouble < (double)from ? from : n->valuedouble > (double)to ? to : (int64_t)n->valuedouble;
}

/* ---- virtual clusters ---- */

/* "a100=16, v100=2 nodes": what the edit dialog takes. */
static const char *guarantee_text(struct arena *a, const cJSON *list)
{
    static const char *const units[] = {"nodes", "sockets", "racks", "pods"};
    const char *all = "";
    const cJSON *g;

    cJSON_ArrayForEach(g, list)
    {
        int64_t amount = model_number(g, "gpus");
        const char *unit = "";

        for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
            if (model_number(g, units[i]) <= 0)
                continue;
            amount = model_number(g, units[i]);
            unit = units[i];
        }
        all = arena_printf(a, "%s%s%s=%lld%s%s", all, *all ? ", " : "", model_text(a, g, "sku"), (long long)amount,
                           *unit ? " " : "", unit);
        if (!all)
            return "";
    }
    return all;
}

static void read_vc(struct arena *a, const cJSON *o, struct model_vc *v)
{
    const cJSON *gpus = model_get(o, "gpus");
    const char *name = arena_strdup(a, o->string ? o->string : "");

    *v = (struct model_vc){
        .name = name ? name : "",
        .parent = model_text(a, o, "parent"),
        .description = model_text(a, o, "description"),
        .guarantee = guarantee_text(a, model_get(o, "guarantee")),
        .stopped = !strcmp(model_text(a, o, "status"), "Stopped"),
        .guaranteed = model_number(gpus, "guaranteed"),
        .used = model_number(gpus, "used"),
        .borrowed = model_number(gpus, "borrowed"),
        .opportunistic = model_number(gpus, "opportunistic"),
        .free_ = model_number(gpus, "free"),
        .borrow = model_number(o, "borrow"),
        .user_cap = model_number(o, "userCap"),
        .unfinished = model_number(o, "unfinishedJobs"),
    };
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct model_vc *)x)->name, ((const struct model_vc *)y)->name);
}

/* One whose parent may not be seen stands at the top. */
static void root(struct model_vcs *all)
{
    for (size_t i = 0; i < all->count; i++) {
        bool found = false;

        for (size_t k = 0; k < all->count; k++)
            found = found || !strcmp(all->items[i].parent, all->items[k].name);
        if (!found)
            all->items[i].parent = "";
    }
}

/* Appends those below `parent`, each before what is below it. One that is in a circle is never reached. */
static void grow(struct model_vcs *to, const struct model_vcs *from, const char *parent, int depth)
{
    for (size_t i = 0; depth < 16 && i < from->count && to->count < from->count; i++) {
        if (strcmp(from->items[i].parent, parent) != 0)
            continue;
        to->items[to->count] = from->items[i];
        to->items[to->count++].depth = depth;
        if (*from->items[i].name)
            grow(to, from, from->items[i].name, depth + 1);
    }
}

int model_read_vcs(struct arena *a, const cJSON *json, void *into)
{
    struct model_vcs *out = into;
    struct model_vcs flat = {.count = 0};
    size_t size = cJSON_IsObject(json) ? (size_t)cJSON_GetArraySize(json) : 0;
    const cJSON *o;

    *out = (struct model_vcs){.count = 0};
    out->items = arena_calloc(a, size + 1, sizeof *out->items);
    flat.items = arena_calloc(a, size + 1, sizeof *flat.items);
    if (!cJSON_IsObject(json) || !out->items || !flat.items)
        return -1;
    cJSON_ArrayForEach(o, json)
    {
        if (!cJSON_IsObject(o))
            return -1;
        read_vc(a, o, &flat.items[flat.count++]);
    }
    qsort(flat.items, flat.count, sizeof *flat.items, by_name);
    root(&flat);
    grow(out, &flat, "", 0);
    return 0;
}

/* ---- alerts ---- */

static int severity_rank(const char *severity)
{
    static const char *const words[] = {"critical", "fatal", "error", "warning", "warn", "info"};
    int n = (int)(sizeof words / sizeof *words);

    for (int i = 0; i < n; i++) {
        if (!strcmp(severity, words[i]))
            return i;
    }
    return n;
}

static int by_weight(const void *x, const void *y)
{
    const struct model_alert *a = x, *b = y;
    int d = (int)a->silenced - (int)b->silenced;

    d = d ? d : severity_rank(a->severity) - severity_rank(b->severity);
    return d ? d : strcmp(a->since, b->since);
}

static void read_alert(struct arena *a, const cJSON *o, struct model_alert *out)
{
    const cJSON *labels = model_get(o, "labels");
    const char *gpu = model_text(a, labels, "gpu"), *user = model_text(a, labels, "username");
    const char *about;

    *out = (struct model_alert){
        .name = model_text(a, labels, "alertname"),
        .severity = model_text(a, labels, "severity"),
        .summary = model_text(a, model_get(o, "annotations"), "summary"),
        .node = model_text(a, labels, "node_name"),
        .job = model_text(a, labels, "job_name"),
        .since = model_text(a, o, "startsAt"),
        .silenced = !strcmp(model_text(a, o, "status"), "suppressed"),
    };
    if (*out->job && !strchr(out->job, '~') && *user) {
        about = arena_printf(a, "%s~%s", user, out->job);
        out->job = about ? about : "";
    }
    about = *out->node && *gpu ? arena_printf(a, "%s GPU %s", out->node, gpu) : *out->node ? out->node : out->job;
    out->about = about ? about : "";
}

int model_read_alerts(struct arena *a, const cJSON *json, void *into)
{
    struct model_alerts *out = into;
    const cJSON *o;

    *out = (struct model_alerts){.count = 0};
    if (!cJSON_IsArray(json))
        return -1;
    out->items = arena_calloc(a, (size_t)cJSON_GetArraySize(json) + 1, sizeof *out->items);
    if (!out->items)
        return -1;
    cJSON_ArrayForEach(o, json)
    {
        if (!cJSON_IsObject(o))
            return -1;
        if (!strcmp(model_text(a, o, "status"), "pending"))
            continue;
        read_alert(a, o, &out->items[out->count]);
        out->firing += !out->items[out->count++].silenced;
    }
    qsort(out->items, out->count, sizeof *out->items, by_weight);
    return 0;
}

/* ---- the map of all GPUs ---- */

static const char *const wrong_words[] = {"", "degraded", "failed", "lost", "hung", "quarantined"};

const char *model_wrong_word(enum model_wrong wrong)
{
    return wrong_words[(unsigned)wrong < sizeof wrong_words / sizeof *wrong_words ? wrong : 0];
}

bool model_takes(const char *state)
{
    return !strcmp(state, "up") || !strcmp(state, "ready");
}

static uint8_t read_wrong(const cJSON *word)
{
    for (size_t i = 1; cJSON_IsString(word) && i < sizeof wrong_words / sizeof *wrong_words; i++) {
        if (!strcmp(word->valuestring, wrong_words[i]))
            return (uint8_t)i;
    }
    return cJSON_IsString(word) ? MODEL_DEGRADED : MODEL_SOUND;
}

/* The next value of a list, NULL behind its end. */
static const cJSON *step(const cJSON **at)
{
    const cJSON *now = *at;

    *at = now ? now->next : NULL;
    return now;
}

static int read_tile(struct arena *a, const cJSON *o, size_t holders, struct model_tile *t)
{
    const cJSON *jobs = model_get(o, "job");
    const cJSON *at[4] = {model_get(o, "utilization"), model_get(o, "memory"), model_get(o, "wrong"), jobs};

    for (int i = 0; i < 4; i++)
        at[i] = cJSON_IsArray(at[i]) ? at[i]->child : NULL;
    *t = (struct model_tile){.name = model_text(a, o, "name"),
                             .state = model_text(a, o, "state"),
                             .sku = model_text(a, o, "sku"),
                             .model = model_text(a, o, "model"),
                             .simulated = cJSON_IsTrue(model_get(o, "simulated")),
                             .count = cJSON_IsArray(jobs) ? (size_t)cJSON_GetArraySize(jobs) : 0};
    t->cells = arena_calloc(a, t->count + 1, sizeof *t->cells);
    for (size_t i = 0; t->cells && i < t->count; i++) {
        t->cells[i].utilization = (int8_t)number(step(&at[0]), 0, 100, -1);
        t->cells[i].memory = (int8_t)number(step(&at[1]), 0, 100, -1);
        t->cells[i].wrong = read_wrong(step(&at[2]));
        t->cells[i].holder = (int32_t)number(step(&at[3]), MODEL_HIDDEN, INT32_MAX, MODEL_NOBODY);
        if (t->cells[i].holder >= 0 && (size_t)t->cells[i].holder >= holders)
            t->cells[i].holder = MODEL_HIDDEN;
    }
    return t->cells ? 0 : -1;
}

static int by_sku(const void *x, const void *y)
{
    const struct model_tile *a = x, *b = y;
    int d = strcmp(a->sku, b->sku);

    return d ? d : strverscmp(a->name, b->name);
}

static int read_holders(struct arena *a, const cJSON *jobs, struct model_fleet *out)
{
    const cJSON *o;

    out->holders = arena_calloc(a, (size_t)cJSON_GetArraySize(jobs) + 1, sizeof *out->holders);
    if (!out->holders)
        return -1;
    cJSON_ArrayForEach(o, jobs)
    {
        struct model_holder *h = &out->holders[out->holder_count++];
        const char *full;

        h->user = model_text(a, o, "username");
        h->vc = model_text(a, o, "virtualCluster");
        full = arena_printf(a, "%s~%s", h->user, model_text(a, o, "name"));
        h->full = full ? full : "";
    }
    return 0;
}

int model_read_fleet(struct arena *a, const cJSON *json, void *into)
{
    struct model_fleet *out = into;
    const cJSON *nodes = model_get(json, "nodes");
    const cJSON *o;

    *out = (struct model_fleet){.count = 0};
    if (!cJSON_IsArray(nodes) || read_holders(a, model_get(json, "jobs"), out))
        return -1;
    out->tiles = arena_calloc(a, (size_t)cJSON_GetArraySize(nodes) + 1, sizeof *out->tiles);
    if (!out->tiles)
        return -1;
    cJSON_ArrayForEach(o, nodes)
    {
        if (!cJSON_IsObject(o) || read_tile(a, o, out->holder_count, &out->tiles[out->count++]))
            return -1;
    }
    qsort(out->tiles, out->count, sizeof *out->tiles, by_sku);
    return 0;
}

static void add_cell(struct model_sum *s, const struct model_tile *t, const struct model_cell *c)
{
    bool held = c->holder != MODEL_NOBODY;

    s->total++;
    s->wrong += c->wrong != MODEL_SOUND;
    if (held && c->utilization == 0)
        s->idle++;
    else if (held)
        s->busy++;
    else if (c->wrong > MODEL_DEGRADED || !model_takes(t->state))
        s->out++;
    else
        s->free_++;
}

size_t model_sums(const struct model_fleet *f, struct model_sum *out, size_t room)
{
    size_t n = 0;

    for (size_t i = 0; i < f->count; i++) {
        const struct model_tile *t = &f->tiles[i];

        if (!n || strcmp(out[n - 1].sku, t->sku) != 0) {
            if (n == room)
                return n;
            out[n++] = (struct model_sum){.sku = t->sku};
        }
        for (size_t k = 0; k < t->count; k++)
            add_cell(&out[n - 1], t, &t->cells[k]);
    }
    return n;
}

/* ---- the GPUs of a node ---- */

static const cJSON *first_of(const cJSON *list)
{
    return cJSON_IsArray(list) ? list->child : NULL;
}

/* The last time of a list in order. */
static double newest_of(const cJSON *times)
{
    double newest = 0;

    for (const cJSON *t = first_of(times); t; t = t->next)
        newest = cJSON_IsNumber(t) && t->valuedouble > newest ? t->valuedouble : newest;
    return newest;
}

/* Figures that were sampled whenever as percents of `whole` by the second. A sample stands until the next one, but not
 * for long. */
static int *read_series(struct arena *a, const cJSON *times, const cJSON *list, double whole)
{
    int *out = arena_calloc(a, MODEL_SERIES, sizeof *out);
    double newest = newest_of(times);
    const cJSON *n = first_of(list);

    for (size_t i = 0; out && i < MODEL_SERIES; i++)
        out[i] = -1;
    for (const cJSON *t = first_of(times); out && t && n; t = t->next, n = n->next) {
        double ago = cJSON_IsNumber(t) ? (newest - t->valuedouble) / 1000 : MODEL_SERIES;
        double percent = cJSON_IsNumber(n) && whole > 0 ? n->valuedouble * 100 / whole : -1;
        int value = percent < 0 ? -1 : percent > 100 ? 100 : (int)(percent + 0.5);

        for (int s = 0; ago < MODEL_SERIES && s < MODEL_HOLDS_MS / 1000 && s <= (int)ago; s++)
            out[MODEL_SERIES - 1 - (int)ago + s] = value;
    }
    return out;
}

static const char *device_problem(struct arena *a, const cJSON *o)
{
    const cJSON *health = model_get(o, "health");
    const char *state = model_text(a, health, "state"), *reason = model_text(a, health, "reason");
    const char *text = "";

    if (*state && strcmp(state, "ok") != 0)
        text = arena_printf(a, "%s%s%s", state, *reason ? ": " : "", reason);
    else if (cJSON_IsTrue(model_get(o, "quarantined")))
        text = "quarantined";
    return text ? text : "";
}

static const char *device_task(struct arena *a, const cJSON *task)
{
    const char *text = "";

    if (cJSON_IsObject(task))
        text = arena_printf(a, "%s~%s %s-%lld", model_text(a, task, "username"), model_text(a, task, "name"),
                            model_text(a, task, "taskRoleName"), (long long)model_number(task, "taskIndex"));
    return text ? text : "";
}

static int read_device(struct arena *a, const cJSON *o, struct model_device *d)
{
    const cJSON *sample = model_get(o, "sample"), *history = model_get(o, "history");
    const cJSON *times = model_get(history, "time");

    *d = (struct model_device){
        .index = (int)number(model_get(o, "index"), 0, 4095, 0),
        .model = model_text(a, o, "model"),
        .problem = device_problem(a, o),
        .task = device_task(a, model_get(o, "task")),
        .simulated = cJSON_IsTrue(model_get(o, "simulated")),
        .utilization = (int)number(model_get(sample, "utilization"), 0, 100, -1),
        .temperature = (int)number(model_get(sample, "temperature"), -100, 1000, -1),
        .memory_used = number(model_get(sample, "memoryUsed"), 0, INT64_MAX / 2, -1),
        .memory_total = number(model_get(sample, "memoryTotal"), 0, INT64_MAX / 2, -1),
        .power_mw = number(model_get(sample, "powerMilliwatts"), 0, INT32_MAX, -1),
    };
    d->busy = read_series(a, times, model_get(history, "utilization"), 100);
    d->memory = read_series(a, times, model_get(history, "memoryUsed"), (double)d->memory_total);
    return d->busy && d->memory ? 0 : -1;
}

int model_read_devices(struct arena *a, const cJSON *json, void *into)
{
    struct model_devices *out = into;
    const cJSON *o;

    *out = (struct model_devices){.count = 0};
    if (!cJSON_IsArray(json))
        return -1;
    out->items = arena_calloc(a, (size_t)cJSON_GetArraySize(json) + 1, sizeof *out->items);
    if (!out->items)
        return -1;
    cJSON_ArrayForEach(o, json)
    {
        if (!cJSON_IsObject(o) || read_device(a, o, &out->items[out->count++]))
            return -1;
    }
    return 0;
}
