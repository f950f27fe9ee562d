/* SPDX-License-Identifier: MIT
 *
 * One event, one JSON object: the same for every stream; filters and rights are the hub's.
 */
#include "server/publish.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "auth/auth_store.h"
#include "auth/member_store.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "core/core.h"
#include "core/effect.h"
#include "jobs/jobs_store.h"
#include "metrics/tally.h"
#include "server/readers.h"
#include "server/snapshot.h"

enum { REPLAY_MAX = 5000, DATA_MAX = 8192 };

/* What the JSON is made of, whether it comes from a batch or from a row. */
struct fields {
    int64_t id, time_ms;
    const char *job_id, *user, *name, *full_name, *vc, *type, *reason, *role;
    int task_index;
    enum run_state state;
};

static void encode(const struct fields *f, struct buf *out)
{
    struct json_out j;
    json_out_init(&j, out);
    json_out_object(&j);
    json_out_kstring(&j, "jobId", f->job_id);
    json_out_kstring(&j, "name", f->name);
    json_out_kstring(&j, "user", f->user);
    json_out_kstring(&j, "vc", f->vc);
    json_out_kstring(&j, "state", state_wire(f->state));
    json_out_kstring(&j, "subState", state_wire_sub(f->state));
    json_out_kstring(&j, "type", f->type);
    json_out_kstring(&j, "reason", f->reason);
    if (f->role) {
        json_out_kstring(&j, "taskRole", f->role);
        json_out_kint(&j, "taskIndex", f->task_index);
    }
    json_out_kint(&j, "time", f->time_ms);
    json_out_object_end(&j);
}

/* Encodes and hands to `give`, as hub_event. */
static int send(const struct fields *f, hub_sink_fn *give, void *sink)
{
    char id[32];
    struct buf data;
    int rc = -1;
    buf_init(&data, DATA_MAX);
    encode(f, &data);
    snprintf(id, sizeof id, "%lld", (long long)f->id);
    struct hub_event out = {
        .id = id, .name = "job", .data = buf_str(&data), .job = f->full_name, .vc = f->vc, .user = f->user};
    if (!data.bad)
        rc = give(sink, &out);
    buf_fini(&data);
    return rc;
}

static int give_hub(void *sink, const struct hub_event *ev)
{
    return hub_publish(sink, ev);
}

static void publish_event(struct hub *hub, const struct effect_event *ev)
{
    if (hub_skip(hub))
        return;
    char user[JOB_USER_MAX + 1];
    const char *tilde = strchr(ev->full_name, '~');
    snprintf(user, sizeof user, "%.*s", (int)(tilde - ev->full_name), ev->full_name);
    struct fields f = {.id = ev->id,
                       .time_ms = ev->time_ms,
                       .job_id = ev->job_id,
                       .user = user,
                       .name = tilde + 1,
                       .full_name = ev->full_name,
                       .vc = ev->vc,
                       .type = ev->type,
                       .reason = ev->reason,
                       .role = ev->role,
                       .task_index = ev->task_index,
                       .state = ev->state};
    send(&f, give_hub, hub);
}

/* A job's first start is one of its first attempt. */
static void count(struct tally *t, const struct effect_event *ev)
{
    if (ev->role)
        return;
    if (ev->state == STATE_RUNNING && !ev->job_attempt && !strcmp(ev->reason, "JobRunning"))
        tally_started(t, ev->vc, ev->time_ms - ev->submitted_ms);
    else if (ev->state & STATE_FINAL)
        tally_ended(t, ev->vc,
                    ev->state == STATE_SUCCEEDED ? TALLY_SUCCEEDED
                    : ev->state == STATE_FAILED  ? TALLY_FAILED
                                                 : TALLY_STOPPED);
}

void publish_batch(struct hub *hub, struct tally *tally, const struct effects *fx)
{
    for (size_t i = 0; i < fx->count; i++) {
        if (fx->list[i].kind != EFFECT_EVENT_ROW)
            continue;
        if (hub)
            publish_event(hub, fx->list[i].event);
        if (tally)
            count(tally, fx->list[i].event);
    }
}

/* ---- replay ---- */

struct replay {
    hub_sink_fn *give;
    void *sink;
    int64_t count;
};

static int replay_row(void *ctx, const struct event_row *row)
{
    struct replay *p = ctx;
    char full_name[JOB_FULL_NAME_SIZE];
    p->count++;
    if (!row->user || !row->name)
        return 0;
    snprintf(full_name, sizeof full_name, "%s~%s", row->user, row->name);
    struct fields f = {.id = row->id,
                       .time_ms = row->time_ms,
                       .job_id = row->job_id,
                       .user = row->user,
                       .name = row->name,
                       .full_name = full_name,
                       .vc = row->vc,
                       .type = row->type,
                       .reason = row->reason,
                       .role = row->role,
                       .task_index = row->task_index,
                       .state = row->job_state};
    return send(&f, p->give, p->sink);
}

int publish_replay(void *sources, const char *after_id, hub_sink_fn *give, void *sink)
{
    struct replay p = {.give = give, .sink = sink};
    struct err e = {0};
    char *end;
    long long after = strtoll(after_id, &end, 10);
    if (*end || end == after_id || after < 0)
        return -1;
    struct readers *readers = ((struct publish_sources *)sources)->readers;
    struct store *s = readers_get(readers, &e);
    if (!s)
        return -1;
    struct jobs_store_events which = {.after = after, .limit = REPLAY_MAX};
    int rc = jobs_store_read_events_after(s, &which, replay_row, &p, &e);
    readers_put(readers, s);
    return rc < 0 || p.count >= REPLAY_MAX ? -1 : 0;
}

/* ---- rights ---- */

bool publish_stands(void *sources, const struct identity *who)
{
    const struct publish_sources *from = sources;
    struct identity now;
    struct err e = {0};
    struct store *s = readers_get(from->readers, &e);
    if (!s)
        return true; /* not the client's fault; asked again soon */
    int rc = auth_store_token_find(s, who->hash, clock_read().wall, &now, &e);
    readers_put(from->readers, s);
    return rc ? e.code != ERR_UNAUTHORIZED : now.admin == who->admin;
}

/* Whether the published state shows that virtual cluster as open: the answer for nearly every event, without the
 * database. */
static bool is_open(struct snapshots *snapshots, const char *vc)
{
    struct snapshot *s = snapshots_get(snapshots);
    const struct core_view_vc *v = s ? core_view_vc(s->view, vc) : NULL;
    bool open = v && !v->spec.own;
    snapshots_put(snapshots, s);
    return open;
}

bool publish_allowed(void *sources, const struct identity *who, const struct hub_event *ev)
{
    const struct publish_sources *from = sources;
    struct err e = {0};
    if (!ev)
        return publish_stands(sources, who);
    if (!ev->job)
        return true; /* about no job: the site's settings */
    if (who->admin || (ev->user && !strcmp(who->user, ev->user)) || is_open(from->snapshots, ev->vc ? ev->vc : ""))
        return true;
    struct store *s = readers_get(from->readers, &e);
    if (!s)
        return false;
    int rc = member_store_reads(s, who->user, ev->vc ? ev->vc : "", &e);
    readers_put(from->readers, s);
    return rc == 1;
}
