/* SPDX-License-Identifier: MIT
 *
 * OpenPAI's job fields. State words come from jobs/state.h, exit words from jobs/exits.h.
 */
#include "server/api/job_json.h"

#include <nettle/md5.h>
#include <sodium.h>
#include <string.h>

#include "base/json.h"
#include "jobs/exits.h"
#include "jobs/jobs_store.h"

void job_json_debug_id(const char *user, const char *name, char out[33])
{
    struct md5_ctx md5;
    uint8_t digest[MD5_DIGEST_SIZE];
    md5_init(&md5);
    md5_update(&md5, strlen(user), (const uint8_t *)user);
    md5_update(&md5, 1, (const uint8_t *)"~");
    md5_update(&md5, strlen(name), (const uint8_t *)name);
    md5_digest(&md5, sizeof digest, digest);
    sodium_bin2hex(out, 33, digest, sizeof digest);
}

void job_json_status(struct json_out *j, const struct job_row *row)
{
    json_out_kstring(j, "username", row->user);
    json_out_kstring(j, "state", state_wire(row->state));
    json_out_kstring(j, "subState", state_wire_sub(row->state));
    json_out_kstring(j, "executionType", row->stop_requested ? "STOP" : "START");
    json_out_kint(j, "retries", row->retries_user + row->retries_platform + row->retries_resource);
    json_out_key(j, "retryDetails");
    json_out_object(j);
    json_out_kint(j, "user", row->retries_user);
    json_out_kint(j, "platform", row->retries_platform);
    json_out_kint(j, "resource", row->retries_resource);
    json_out_object_end(j);
    json_out_kint(j, "retryDelayTime", 0);
    json_out_ktime(j, "submissionTime", row->submitted_ms);
    json_out_ktime(j, "createdTime", row->created_ms);
    json_out_ktime(j, "launchedTime", row->launched_ms);
    json_out_ktime(j, "completedTime", row->completed_ms);
    json_out_key(j, "appExitCode");
    if (row->ended)
        json_out_int(j, row->exit_code);
    else
        json_out_null(j);
}

static void write_list(struct json_out *j, const char *key, const char *const *items, size_t max)
{
    json_out_key(j, key);
    json_out_array(j);
    for (size_t i = 0; i < max && items[i]; i++)
        json_out_string(j, items[i]);
    json_out_array_end(j);
}

void job_json_exit_spec(struct json_out *j, const char *key, const struct exit_entry *x)
{
    json_out_key(j, key);
    if (!x) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_kint(j, "code", x->code);
    json_out_kstring(j, "phrase", x->phrase);
    json_out_kstring(j, "issuer", x->issuer);
    json_out_kstring(j, "causer", x->causer);
    json_out_kstring(j, "type", exits_type_wire(x->type));
    json_out_kstring(j, "stage", x->stage);
    json_out_kstring(j, "behavior", x->behavior);
    json_out_kstring(j, "reaction", exits_reaction_wire(x->reaction));
    json_out_kstring(j, "reason", x->reason);
    write_list(j, "repro", NULL, 0);
    write_list(j, "solution", x->solution, sizeof x->solution / sizeof *x->solution);
    json_out_object_end(j);
}
