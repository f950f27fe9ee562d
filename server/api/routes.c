/* SPDX-License-Identifier: MIT
 *
 * The API's table of contents. A row is everything about a route; dispatch, access checks, body limits, the audit and
 * the API's description read the same rows. OpenPAI's names and shapes; rows marked "ours" are not in its API.
 */
#include "server/api/api.h"

#define JOB "/api/v2/jobs/{job}"
#define TASK JOB "/attempts/{attempt}/taskRoles/{role}/taskIndex/{index}/attempts"

enum { SUBMIT_LIMIT = 256 << 10 };

/* clang-format off */
static const struct route routes[] = {
    /* before login */
    {HTTP_GET, "/healthz", api_healthz, ACCESS_ANON, .help = "whether the process lives (ours)"},
    {HTTP_GET, "/readyz", api_readyz, ACCESS_ANON, .help = "whether it serves (ours)"},
    {HTTP_GET, "/api/v2/", api_root, ACCESS_ANON, .help = "a banner"},
    {HTTP_GET, "/api/v2/info", api_info, ACCESS_ANON, .help = "name and kind of login"},
    {HTTP_GET, "/api/v2/authn/info", api_authn_info, ACCESS_ANON, .help = "where to log in"},
    {HTTP_POST, "/api/v2/authn/basic/login", api_login, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_FORM,
     .body_limit = 4096, .help = "log in with user and password; answers a token"},
    {HTTP_POST, "/api/v2/session", api_session_open, ACCESS_ANON, .body_limit = 4096,
     .help = "log in for the portal; sets the session cookie (ours)"},

    /* logins */
    {HTTP_DELETE, "/api/v2/authn/basic/logout", api_logout, ACCESS_NOT_APPLICATION, .help = "revoke the presented token"},
    {HTTP_GET, "/api/v2/session", api_session_get, ACCESS_USER, .help = "who is logged in (ours)"},
    {HTTP_DELETE, "/api/v2/session", api_session_close, ACCESS_USER, .help = "log out of the portal (ours)"},
    {HTTP_GET, "/api/v2/tokens/check", api_tokens_check, ACCESS_USER, .help = "what the presented token says"},
    {HTTP_GET, "/api/v2/tokens", api_tokens_list, ACCESS_NOT_APPLICATION, .help = "the caller's tokens, by id"},
    {HTTP_POST, "/api/v2/tokens/application", api_tokens_application, ACCESS_NOT_APPLICATION,
     .help = "make a token for programs; it is shown once"},
    {HTTP_DELETE, "/api/v2/tokens/{token}", api_tokens_revoke, ACCESS_NOT_APPLICATION, .help = "revoke one's own token"},

    /* users */
    {HTTP_GET, "/api/v2/users", api_user_list, ACCESS_USER, .help = "all users"},
    {HTTP_POST, "/api/v2/users", api_user_add, ACCESS_ADMIN, .help = "add a user"},
    {HTTP_PUT, "/api/v2/users", api_user_put, ACCESS_ADMIN, .help = "change a user"},
    {HTTP_PUT, "/api/v2/users/me", api_user_put_me, ACCESS_NOT_APPLICATION, .help = "change oneself"},
    {HTTP_GET, "/api/v2/users/{user}", api_user_get, ACCESS_USER, .help = "one user"},
    {HTTP_DELETE, "/api/v2/users/{user}", api_user_remove, ACCESS_ADMIN, .help = "remove a user who is no admin"},
    {HTTP_PUT, "/api/v2/users/{user}/password", api_user_put_password, ACCESS_NOT_APPLICATION,
     .help = "set a password: one's own with the old one, or any as admin"},
    {HTTP_PUT, "/api/v2/users/{user}/email", api_user_put_email, ACCESS_NOT_APPLICATION, .help = "set an address"},
    {HTTP_PUT, "/api/v2/users/{user}/admin", api_user_put_admin, ACCESS_ADMIN, .help = "give or take the admin right"},

    /* jobs */
    {HTTP_GET, "/api/v2/jobs", api_jobs_list, ACCESS_USER, .help = "list jobs, filtered, ordered, paged"},
    {HTTP_POST, "/api/v2/jobs", api_jobs_submit, ACCESS_USER,
     .media = HTTP_MEDIA_YAML | HTTP_MEDIA_TEXT | HTTP_MEDIA_JSON, .body_limit = SUBMIT_LIMIT, .help = "submit a job"},
    {HTTP_GET, JOB, api_job_get, ACCESS_USER, .help = "a job with its tasks"},
    {HTTP_GET, JOB "/attempts/{attempt}", api_job_attempt, ACCESS_USER, .help = "one attempt of a job"},
    {HTTP_GET, JOB "/config", api_job_config, ACCESS_USER, .help = "the job's YAML, secrets masked"},
    {HTTP_GET, JOB "/ssh", api_job_ssh, ACCESS_USER, .help = "always 404, as OpenPAI"},
    {HTTP_GET, JOB "/events", api_job_events, ACCESS_USER, .help = "what happened to a job"},
    {HTTP_PUT, JOB "/executionType", api_job_execution, ACCESS_USER, .help = "stop a job (owner or admin)"},
    {HTTP_PUT, JOB "/tag", api_job_tag_put, ACCESS_USER, .help = "add a tag (owner or admin)"},
    {HTTP_DELETE, JOB "/tag", api_job_tag_drop, ACCESS_USER, .help = "drop a tag (owner or admin)"},
    {HTTP_GET, TASK, api_task_attempts, ACCESS_USER, .help = "the attempts of one task"},
    {HTTP_GET, TASK "/{taskAttempt}/logs", api_log_list, ACCESS_USER, .help = "where a task attempt's logs are"},
    {HTTP_GET, TASK "/{taskAttempt}/logs/{log}", api_log_read, ACCESS_USER,
     .help = "bytes of a log; offset, limit, tail-mode, follow (ours)"},

    /* cluster */
    {HTTP_GET, "/api/v2/virtual-clusters", api_vcs, ACCESS_USER, .help = "virtual clusters and their use"},
    {HTTP_GET, "/api/v2/virtual-clusters/{vc}", api_vc, ACCESS_USER, .help = "one virtual cluster"},
    {HTTP_GET, "/api/v2/cluster/sku-types", api_sku_types, ACCESS_USER, .help = "units of GPU, CPU and memory"},
    {HTTP_GET, "/api/v2/nodes", api_nodes, ACCESS_USER, .help = "nodes and their use (ours)"},
    {HTTP_GET, "/api/v2/stream", api_stream, ACCESS_USER, .help = "live events as text/event-stream (ours)"},
};
/* clang-format on */

const struct route *api_routes(size_t *count)
{
    *count = sizeof routes / sizeof *routes;
    return routes;
}
