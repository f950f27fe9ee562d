/* SPDX-License-Identifier: MIT */
/* One event, one JSON object: the same for every stream; filters and rights are the hub's. */
#include "server/publish.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "core/effect.h"
#include "server/http/hub.h"

/* "user~name" cut at its tilde. */
static void split(const struct effect_event *ev, char user[JOB_USER_MAX + 1], const char **name)
{
    const char *tilde = strchr(ev->full_name, '~');
    size_t n = tilde ? (size_t)(tilde - ev->full_name) : 0;
    if (n > JOB_USER_MAX)
        n = JOB_USER_MAX;
    memcpy(user, ev->full_name, n);
    user[n] = '\0';
    *name = tilde ? tilde + 1 : ev->full_name;
}

void publish_event(struct hub *hub, const struct effect_event *ev)
{
    char id[32], user[JOB_USER_MAX + 1];
    const char *name;
    struct buf data;
    struct json_out j;
    split(ev, user, &name);
    buf_init(&data, 8192);
    json_out_init(&j, &data);
    json_out_object(&j);
    json_out_kstring(&j, "jobId", ev->job_id);
    json_out_kstring(&j, "name", name);
    json_out_kstring(&j, "user", user);
    json_out_kstring(&j, "vc", ev->vc);
    json_out_kstring(&j, "state", state_wire(ev->state));
    json_out_kstring(&j, "subState", state_wire_sub(ev->state));
    json_out_kstring(&j, "type", ev->type);
    json_out_kstring(&j, "reason", ev->reason);
    if (ev->role) {
        json_out_kstring(&j, "taskRole", ev->role);
        json_out_kint(&j, "taskIndex", ev->task_index);
    }
    json_out_kint(&j, "time", ev->time_ms);
    json_out_object_end(&j);
    snprintf(id, sizeof id, "%lld", (long long)ev->id);
    struct hub_event out = {
        .id = id, .name = "job", .data = buf_str(&data), .job = ev->full_name, .vc = ev->vc, .user = user};
    if (!data.bad)
        hub_publish(hub, &out);
    buf_fini(&data);
}
