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
#include "server/api/wait_reason.h"

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
    json_out_kint(j, "retryDelayTime", (wait_reason_backoff_ms(row) + 999) / 1000);
    json_out_kstring(j, "heldBy", row->held_by);
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

/* The value under `key` as it stands in JSON that we wrote. */
static void write_member(struct json_out *j, const char *key, const cJSON *o)
{
    char *text = cJSON_PrintUnformatted(cJSON_GetObjectItemCaseSensitive(o, key));
    json_out_key(j, key);
    if (text)
        json_out_raw(j, text);
    else
        json_out_null(j);
    cJSON_free(text);
}

static void write_spec(struct json_out *j, const char *text, const struct exit_entry *x)
{
    if (text)
        json_out_raw(j, text);
    else if (x)
        exits_write(j, x);
    else
        json_out_null(j);
}

/* What a diagnosis says beside its spec; where there is none, what the code says for sure. `x` NULL: null. */
static void write_diagnosis(struct json_out *j, const cJSON *d, const struct exit_entry *x)
{
    if (!x) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    if (d) {
        write_member(j, "category", d);
        write_member(j, "confidence", d);
        write_member(j, "proof", d);
        write_member(j, "next", d);
    } else {
        json_out_kstring(j, "category", exits_category_name(x->category));
        json_out_kint(j, "confidence", 100);
        json_out_key(j, "proof");
        json_out_null(j);
        json_out_key(j, "next");
        json_out_array(j);
        json_out_array_end(j);
    }
    json_out_object_end(j);
}

void job_json_exit(struct json_out *j, const struct job_json_exit_keys *keys, const struct job_json_end *end)
{
    cJSON *o = end->ended && end->detail ? json_parse(end->detail, strlen(end->detail), 0, NULL) : NULL;
    const cJSON *d = cJSON_GetObjectItemCaseSensitive(o, "diagnosis");
    const cJSON *spec = d ? cJSON_GetObjectItemCaseSensitive(d, "spec") : NULL;
    const struct exit_entry *x = end->ended ? exits_find(end->code) : NULL;
    const char *type = x ? exits_type_wire(x->type) : NULL;
    char *text = spec ? cJSON_PrintUnformatted(spec) : NULL;
    if (keys->spec) {
        json_out_key(j, keys->spec);
        write_spec(j, text, x);
        json_out_key(j, keys->diagnosis);
        write_diagnosis(j, text ? d : NULL, end->code ? x : NULL);
    }
    if (keys->type) {
        json_get_string(spec, "type", &type, NULL);
        json_out_kstring(j, keys->type, type);
    }
    cJSON_free(text);
    cJSON_Delete(o);
}
