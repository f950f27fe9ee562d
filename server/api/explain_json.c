/* SPDX-License-Identifier: MIT
 *
 * An explanation as the API tells it, of a job that waits or of one that would.
 */
#include "server/api/explain_json.h"

#include "auth/member_store.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/names.h"
#include "core/core.h"
#include "core/explain.h"
#include "server/api/api.h"
#include "server/api/wait_reason.h"
#include "server/readers.h"

static void write_numbers(struct json_out *j, const struct explanation *x)
{
    const struct {
        const char *key;
        int value;
    } numbers[] = {
        {"asked", x->asked},      {"idle", x->idle},          {"guaranteed", x->use.guaranteed},
        {"held", x->use.held},    {"borrow", x->borrow},      {"borrowed", x->use.borrowed},
        {"userCap", x->user_cap}, {"userHeld", x->user_held},
    };
    json_out_key(j, "gpus");
    json_out_object(j);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        json_out_kint(j, numbers[i].key, numbers[i].value);
    json_out_object_end(j);
}

/* Nodes that are, or will be before it ends, in maintenance, where that is why it waits. */
static void write_maintenance(struct json_out *j, const struct explanation *x)
{
    json_out_key(j, "maintenance");
    if (x->then != EXPLAIN_MAINTENANCE) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_kint(j, "nodes", x->closed);
    json_out_ktime(j, "start", x->closes_ms);
    json_out_ktime(j, "end", x->opens_ms);
    json_out_object_end(j);
}

static void write_blockers(struct json_out *j, const struct core_view *v, const struct explain_help *x)
{
    json_out_key(j, "blockedBy");
    json_out_array(j);
    for (size_t i = 0; i < x->blocker_count; i++)
        json_out_string(j, core_explain_job(v, x->blockers[i]));
    json_out_array_end(j);
    json_out_kint(j, "blockers", (int64_t)x->blockers_in_all);
}

/* One way to start now: a kind, how much (0: says nothing), and where or of what ("": says nothing). */
static void write_help(struct json_out *j, const char *kind, int amount, const char *name)
{
    if (!amount && !*name)
        return;
    json_out_object(j);
    json_out_kstring(j, "kind", kind);
    if (*name)
        json_out_kstring(j, "name", name);
    if (amount)
        json_out_kint(j, "amount", amount);
    json_out_object_end(j);
}

static void write_helps(struct json_out *j, const struct core_question *q, const struct explanation *whole)
{
    const struct explain_help *x = &whole->help;
    json_out_key(j, "help");
    json_out_array(j);
    if (whole->then == EXPLAIN_STARTS && q->held_by)
        write_help(j, "release", 0, q->held_by);
    if (whole->then == EXPLAIN_STARTS && q->backoff_ms)
        write_help(j, "retry", (int)((q->backoff_ms + 999) / 1000), "");
    write_help(j, "endOfBlockers", (int)x->blockers_in_all, "");
    for (size_t i = 0; i < x->node_count; i++)
        write_help(j, "nodeReturns", 0, x->nodes[i]);
    write_help(j, "moreQuota", x->quota_more, x->quota_sku);
    write_help(j, "moreBorrow", x->borrow_more, "");
    write_help(j, "moreUserCap", x->cap_more, "");
    write_help(j, "moreNodes", x->nodes_more, x->nodes_sku);
    write_help(j, "fewerTasks", x->fewer_pods, "");
    write_help(j, "fewerGpusPerTask", x->fewer_gpus, "");
    write_help(j, "fewerCpusPerTask", x->fewer_cpus, "");
    write_help(j, "shorterTimeLimit", (int)(x->shorter_ms / 1000), "");
    write_help(j, "anyNode", x->any_node, "");
    write_help(j, "otherSku", 0, x->sku);
    write_help(j, "otherVirtualCluster", 0, x->vc);
    write_help(j, "priorityClass", 0, x->opportunistic ? "oppo" : "");
    json_out_array_end(j);
    json_out_kbool(j, "helpTogether", x->together || x->nodes_in_all > 1 || x->fewer_both);
}

void explain_json_answer(struct json_out *j, const struct core_question *q, const struct core_view *view,
                         const struct explanation *x)
{
    struct buf text;
    buf_init(&text, 4096);
    wait_reason_sentence(x, q, &text);
    json_out_kstring(j, "reason", explain_name(x->reason));
    if (x->then != x->reason)
        json_out_kstring(j, "then", explain_name(x->then));
    json_out_kstring(j, "message", buf_str(&text));
    write_numbers(j, x);
    write_maintenance(j, x);
    write_blockers(j, view, &x->help);
    write_helps(j, q, x);
    buf_fini(&text);
}

static int take_name(void *ctx, const char *user, const char *value)
{
    (void)user;
    return names_add(ctx, value);
}

const char *const *explain_json_vcs(struct api *a, struct arena *arena, const char *user, struct err *e)
{
    struct names n = {.arena = arena};
    const struct member_sink sink = {.row = take_name, .ctx = &n};
    struct store *s = readers_get(a->readers, e);
    int rc = s ? member_store_list(s, MEMBER_HAS_VC, user, &sink, e) : -1;
    readers_put(a->readers, s);
    const char *const *list = rc ? NULL : names_end(&n);
    if (!list && !e->code)
        err_set(e, ERR_INTERNAL, "Out of memory.");
    return list;
}
