/* SPDX-License-Identifier: MIT
 *
 * The cluster in lines. What the views show as pictures is said in numbers.
 */
#include "tui/plain_cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/cli.h"
#include "tui/format.h"
#include "tui/model_cluster.h"
#include "tui/plain_io.h"
#include "tui/quota.h"

#define SKUS 64
#define WAITING "/api/v2/jobs?withTotalCount=true&limit=5&order=submissionTime,ASC&state=WAITING"

typedef int reader(struct arena *a, const struct cJSON *json, void *into);

/* GET, decoded; 0, or -1 having said why. The arena is the caller's. */
static int read_from(struct plain *p, struct arena *a, const char *path, reader *read, void *into)
{
    cJSON *reply = plain_get(p, path);
    int rc = reply && a ? read(a, reply, into) : -1;

    if (reply && rc)
        cli_say(p->cli, p->cli->out, "Error: the answer is unusable.\n");
    cJSON_Delete(reply);
    return rc;
}

static int read_jobs(struct arena *a, const struct cJSON *json, void *into)
{
    return model_read_jobs(a, json, into, NULL);
}

static int read_nodes(struct arena *a, const struct cJSON *json, void *into)
{
    return model_read_nodes(a, json, into, NULL);
}

/* ---- what there is ---- */

static void say_skus(struct plain *p, const struct model_fleet *f)
{
    struct model_sum sums[SKUS];
    size_t n = model_sums(f, sums, SKUS);

    for (size_t i = 0; i < n; i++)
        cli_say(p->cli, p->cli->out,
                "GPUs %s: %lld, of them %lld busy, %lld held and idle, %lld free, %lld out; "
                "%lld faulty.\n",
                sums[i].sku, (long long)sums[i].total, (long long)sums[i].busy, (long long)sums[i].idle,
                (long long)sums[i].free_, (long long)sums[i].out, (long long)sums[i].wrong);
    if (!n)
        cli_say(p->cli, p->cli->out, "The cluster has no GPUs.\n");
}

static void say_vc(struct plain *p, const struct model_vc *vc)
{
    cli_say(p->cli, p->cli->out,
            "Virtual cluster %s%s%s%s: uses %lld of its %lld GPUs, borrows %lld of at most %lld; %lld jobs.%s%s%s\n",
            vc->name, *vc->parent ? " (below " : "", vc->parent, *vc->parent ? ")" : "", (long long)vc->used,
            (long long)vc->guaranteed, (long long)vc->borrowed, (long long)vc->borrow, (long long)vc->unfinished,
            *vc->guarantee ? " Guarantee: " : "", vc->guarantee, vc->stopped ? " It is stopped." : "");
}

static void cluster_vcs(struct plain *p, const char *arg)
{
    struct arena *a = arena_create(0);
    struct model_vcs list;

    (void)arg;
    if (!read_from(p, a, "/api/v2/virtual-clusters", model_read_vcs, &list)) {
        for (size_t i = 0; i < list.count; i++)
            say_vc(p, &list.items[i]);
    }
    arena_destroy(a);
}

static void say_waiting(struct plain *p, const struct model_jobs *jobs)
{
    char span[FORMAT_SIZE];

    cli_say(p->cli, p->cli->out, "%lld jobs wait.\n", (long long)jobs->total);
    for (size_t i = 0; i < jobs->count; i++) {
        const struct model_job *j = &jobs->items[i];

        cli_say(p->cli, p->cli->out, "%s in %s waits for %s. %s\n", j->full, j->vc,
                format_duration(model_span(j, plain_now(p)), span), j->wait_reason);
    }
}

static void cluster_overview(struct plain *p, const char *arg)
{
    struct arena *a = arena_create(64u << 20);
    struct model_fleet fleet;
    struct model_jobs jobs;
    struct model_alerts alerts;

    if (!read_from(p, a, "/api/v2/gpus", model_read_fleet, &fleet))
        say_skus(p, &fleet);
    cluster_vcs(p, arg);
    if (!read_from(p, a, WAITING, read_jobs, &jobs))
        say_waiting(p, &jobs);
    if (!read_from(p, a, "/api/v2/alerts", model_read_alerts, &alerts)) {
        cli_say(p->cli, p->cli->out, "%zu alerts are firing.\n", alerts.firing);
        for (size_t i = 0; i < alerts.count; i++)
            cli_say(p->cli, p->cli->out, "Alert %s%s: %s: %s\n", alerts.items[i].severity,
                    alerts.items[i].silenced ? ", silenced" : "", alerts.items[i].name, alerts.items[i].summary);
    }
    arena_destroy(a);
}

static void cluster_nodes(struct plain *p, const char *arg)
{
    struct arena *a = arena_create(64u << 20);
    struct model_nodes list;

    if (!read_from(p, a, "/api/v2/nodes", read_nodes, &list)) {
        for (size_t i = 0; i < list.count; i++) {
            const struct model_node *n = &list.items[i];

            if (!strstr(n->name, arg) && !strstr(n->state, arg))
                continue;
            cli_say(p->cli, p->cli->out, "%s is %s: %lld of %lld CPUs, %lld of %lld GPUs in use%s%s.\n", n->name,
                    n->state, (long long)n->cpus_used, (long long)n->cpus, (long long)n->gpus_used, (long long)n->gpus,
                    *n->gpu_model ? ", " : "", n->gpu_model);
        }
    }
    arena_destroy(a);
}

static void say_device(struct plain *p, const struct model_device *d)
{
    cli_say(p->cli, p->cli->out, "GPU %d: ", d->index);
    if (d->utilization >= 0)
        cli_say(p->cli, p->cli->out, "%d %% busy, ", d->utilization);
    if (d->memory_used >= 0 && d->memory_total > 0)
        cli_say(p->cli, p->cli->out, "%.1f of %.1f GiB, ", (double)d->memory_used / (1 << 30),
                (double)d->memory_total / (1 << 30));
    if (d->power_mw >= 0)
        cli_say(p->cli, p->cli->out, "%d W, ", (int)(d->power_mw / 1000));
    if (d->temperature >= 0)
        cli_say(p->cli, p->cli->out, "%d degrees, ", d->temperature);
    cli_say(p->cli, p->cli->out, "%s%s%s.\n", *d->task ? d->task : "free", *d->problem ? "; " : "", d->problem);
}

static void cluster_node(struct plain *p, const char *arg)
{
    struct arena *a = arena_create(0);
    struct model_devices list;

    if (!read_from(p, a, cli_path(p->cli, "/api/v2/nodes/%s/gpus", arg), model_read_devices, &list)) {
        cli_say(p->cli, p->cli->out, "%s has %zu GPUs%s%s.\n", arg, list.count, list.count ? ", " : "",
                list.count ? list.items[0].model : "");
        for (size_t i = 0; i < list.count; i++)
            say_device(p, &list.items[i]);
    }
    arena_destroy(a);
}

/* A sentence a node: how many are held, and what is wrong. */
static void say_tile(struct plain *p, const struct model_tile *t)
{
    size_t held = 0, idle = 0;

    for (size_t i = 0; i < t->count; i++) {
        bool has = t->cells[i].holder != MODEL_NOBODY;

        held += has;
        idle += has && t->cells[i].utilization == 0;
    }
    cli_say(p->cli, p->cli->out, "%s, %s, is %s: %zu of %zu GPUs held, %zu of them idle", t->name, t->sku, t->state,
            held, t->count, idle);
    for (size_t i = 0; i < t->count; i++) {
        if (t->cells[i].wrong)
            cli_say(p->cli, p->cli->out, "; GPU %zu is %s", i, model_wrong_word(t->cells[i].wrong));
    }
    cli_say(p->cli, p->cli->out, ".\n");
}

static void cluster_gpus(struct plain *p, const char *arg)
{
    struct arena *a = arena_create(64u << 20);
    struct model_fleet fleet;

    if (!read_from(p, a, "/api/v2/gpus", model_read_fleet, &fleet)) {
        say_skus(p, &fleet);
        for (size_t i = 0; i < fleet.count; i++) {
            if (strstr(fleet.tiles[i].name, arg) || strstr(fleet.tiles[i].sku, arg))
                say_tile(p, &fleet.tiles[i]);
        }
    }
    arena_destroy(a);
}

/* ---- what is changed ---- */

/* PUT; says `done` of it when it was. */
static void put(struct plain *p, const char *path, const char *body, const char *done)
{
    struct source_request r = {.method = "PUT", .path = path, .body = body};
    struct source_result out;

    if (!path || plain_ask(p, &r, &out))
        return;
    cli_say(p->cli, p->cli->out, "%s\n", done);
    source_result_fini(&out);
}

static void change_node(struct plain *p, const char *question, const char *name, const char *body, const char *done)
{
    if (plain_confirm(p, question, name, "Nothing was changed."))
        put(p, cli_path(p->cli, "/api/v2/nodes/%s/state", name), body, done);
}

static void cluster_cordon(struct plain *p, const char *arg)
{
    change_node(p, "Cordon", arg, "{\"value\":\"cordon\"}", "Nothing new starts there.");
}

static void cluster_drain(struct plain *p, const char *arg)
{
    change_node(p, "Drain", arg, "{\"value\":\"drain\"}", "Nothing new starts there; what runs goes on to its end.");
}

static void cluster_uncordon(struct plain *p, const char *arg)
{
    change_node(p, "Uncordon", arg, "{\"value\":\"uncordon\"}", "It takes tasks again.");
}

/* "borrow", "4" as a member. 0 or -1. */
static int write_quota(const char *what, const char *value, struct json_out *j, struct err *e)
{
    if (!strcmp(what, "borrow"))
        return quota_number(j, "borrow", value, e);
    if (!strcmp(what, "cap"))
        return quota_number(j, "userCap", value, e);
    if (strcmp(what, "guarantee") != 0)
        return err_set(e, ERR_INVALID_PARAMETERS, "A quota is: guarantee SKU=N, borrow N or cap N.");
    json_out_key(j, "guarantee");
    return quota_write(value, j, e);
}

/* Takes the first word off a text; what follows it. */
static const char *first_word(const char *text, char *word, size_t size)
{
    size_t len = strcspn(text, " ");

    snprintf(word, size, "%.*s", (int)len, text);
    return text + len + strspn(text + len, " ");
}

/* "vision borrow 4" */
static void cluster_quota(struct plain *p, const char *arg)
{
    char name[128], what[32];
    const char *value = first_word(first_word(arg, name, sizeof name), what, sizeof what);
    struct err e = {0};
    struct json_out j;
    struct buf body;

    if (!*value) {
        cli_say(p->cli, p->cli->out, "Say: quota VC guarantee SKU=N, quota VC borrow N, or quota VC cap N.\n");
        return;
    }
    buf_init(&body, 16384);
    json_out_init(&j, &body);
    json_out_object(&j);
    if (write_quota(what, value, &j, &e)) {
        cli_say(p->cli, p->cli->out, "Error: %s\n", e.text);
    } else if (plain_confirm(p, "Change the quota of", name, "Nothing was changed.")) {
        json_out_object_end(&j);
        put(p, cli_path(p->cli, "/api/v2/virtual-clusters/%s", name), buf_str(&body), "The quota is changed.");
    }
    buf_fini(&body);
}

static const struct {
    const char *word;
    bool named; /* something has to follow */
    void (*run)(struct plain *p, const char *arg);
} commands[] = {
    {"overview", false, cluster_overview}, {"vcs", false, cluster_vcs},          {"nodes", false, cluster_nodes},
    {"gpus", false, cluster_gpus},         {"node", true, cluster_node},         {"cordon", true, cluster_cordon},
    {"drain", true, cluster_drain},        {"uncordon", true, cluster_uncordon}, {"quota", true, cluster_quota},
};

bool plain_cluster(struct plain *p, const char *command, const char *arg)
{
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(command, commands[i].word) != 0 || (commands[i].named && !*arg))
            continue;
        commands[i].run(p, arg);
        return true;
    }
    return false;
}

const char *plain_cluster_help(void)
{
    return "overview, vcs, nodes [TEXT], gpus [TEXT], node NAME, cordon NAME, drain NAME, uncordon NAME, "
           "quota VC guarantee|borrow|cap VALUE, ";
}
