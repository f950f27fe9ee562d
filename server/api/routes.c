/* SPDX-License-Identifier: MIT
 *
 * The API's table of contents. A row is everything about a route; dispatch, access checks, body limits, the audit and
 * the API's description (openapi.c) read the same rows. OpenPAI's names and shapes; rows marked "ours" are not in its
 * API. Each row names the schemas of what it takes and answers; they are described in schema/, a file a noun.
 */
#include "auth/user_import.h"
#include "server/api/api.h"

#define JOB "/api/v2/jobs/{job}"
#define GROUP "/api/v2/groups/{group}"
#define TASK JOB "/attempts/{attempt}/taskRoles/{role}/taskIndex/{index}/attempts"

enum { SUBMIT_LIMIT = 256 << 10 };

/* clang-format off */
static const struct route routes[] = {
    /* before login */
    {HTTP_GET, "/healthz", api_healthz, ACCESS_ANON, .help = "whether the process lives (ours)", .reply = "200 Text"},
    {HTTP_GET, "/readyz", api_readyz, ACCESS_ANON, .help = "whether it serves (ours)", .reply = "200 Text 503 Text"},
    {HTTP_GET, "/api/v2/", api_root, ACCESS_ANON, .help = "a banner", .reply = "200 Text"},
    {HTTP_GET, "/api/v2/info", api_info, ACCESS_ANON, .help = "name and kind of login", .reply = "200 Info"},
    {HTTP_GET, "/api/v2/authn/info", api_authn_info, ACCESS_ANON, .help = "where to log in", .reply = "200 AuthnInfo"},
    {HTTP_POST, "/api/v2/authn/basic/login", api_login, ACCESS_ANON, .media = HTTP_MEDIA_JSON | HTTP_MEDIA_FORM,
     .body_limit = 4096, .help = "log in with user and password; answers a token",
     .takes = "Login", .reply = "200 LoginToken"},
    {HTTP_POST, "/api/v2/session", api_session_open, ACCESS_ANON, .body_limit = 4096,
     .help = "log in for the portal; sets the session cookie (ours)", .takes = "Login", .reply = "200 SessionOpened"},
    {HTTP_POST, "/api/v2/invitation", api_invitation_accept, ACCESS_ANON, .body_limit = 4096,
     .help = "set the first password with an invitation (ours)", .takes = "InvitationAccept",
     .reply = "201 InvitationAccepted"},

    /* logins */
    {HTTP_DELETE, "/api/v2/authn/basic/logout", api_logout, ACCESS_NOT_APPLICATION, .help = "revoke the presented token",
     .reply = "200 Message"},
    {HTTP_GET, "/api/v2/session", api_session_get, ACCESS_USER, .help = "who is logged in (ours)",
     .reply = "200 Session"},
    {HTTP_DELETE, "/api/v2/session", api_session_close, ACCESS_USER, .help = "log out of the portal (ours)",
     .reply = "200 Message"},
    {HTTP_GET, "/api/v2/tokens/check", api_tokens_check, ACCESS_USER, .help = "what the presented token says",
     .reply = "200 TokenClaims"},
    {HTTP_GET, "/api/v2/tokens", api_tokens_list, ACCESS_NOT_APPLICATION, .help = "the caller's tokens, by id",
     .reply = "200 TokenList"},
    {HTTP_POST, "/api/v2/tokens/application", api_tokens_application, ACCESS_NOT_APPLICATION,
     .help = "make a token for programs; it is shown once", .takes = "ApplicationTokenWishes", .reply = "200 ApplicationToken"},
    {HTTP_DELETE, "/api/v2/tokens/{token}", api_tokens_revoke, ACCESS_OWN, .secret_path = true, .help = "revoke one's own token",
     .reply = "200 Message"},

    /* users */
    {HTTP_GET, "/api/v2/users", api_user_list, ACCESS_USER, .help = "all users", .reply = "200 UserList"},
    {HTTP_POST, "/api/v2/users", api_user_add, ACCESS_ADMIN, .help = "add a user",
     .takes = "UserNew", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users", api_user_put, ACCESS_ADMIN, .help = "change a user",
     .takes = "UserChange", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/me", api_user_put_me, ACCESS_OWN, .help = "change oneself",
     .takes = "OwnChange", .reply = "201 Message"},
    {HTTP_GET, "/api/v2/users/{user}", api_user_get, ACCESS_USER, .help = "one user", .reply = "200 User"},
    {HTTP_DELETE, "/api/v2/users/{user}", api_user_remove, ACCESS_ADMIN, .help = "remove a user who is no admin",
     .reply = "200 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/password", api_user_put_password, ACCESS_SELF,
     .help = "set a password: one's own with the old one, or any as admin",
     .takes = "UserPassword", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/email", api_user_put_email, ACCESS_SELF, .help = "set an address",
     .takes = "UserEmail", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/admin", api_user_put_admin, ACCESS_ADMIN, .help = "give or take the admin right",
     .takes = "UserAdmin", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/extension", api_user_put_extension, ACCESS_SELF,
     .help = "set members of the extension", .takes = "UserExtension", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/virtualcluster", api_user_put_vcs, ACCESS_ADMIN,
     .help = "set the virtual clusters of a user who is no admin", .takes = "UserVcs", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/grouplist", api_user_put_groups, ACCESS_ADMIN, .help = "set the groups of a user",
     .takes = "UserGroups", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/users/{user}/group", api_user_group, ACCESS_ADMIN, .help = "put a user into a group",
     .takes = "UserGroup", .reply = "201 Message"},
    {HTTP_DELETE, "/api/v2/users/{user}/group", api_user_group, ACCESS_ADMIN, .help = "take a user out of a group",
     .takes = "UserGroup", .reply = "201 Message"},
    {HTTP_POST, "/api/v2/users/import", api_user_import, ACCESS_ADMIN, .media = HTTP_MEDIA_CSV,
     .body_limit = USER_IMPORT_BYTES_MAX, .help = "create, update, disable and delete users from a CSV (ours)",
     .query = "UserImportQuery", .takes = "UserTable", .reply = "200 UserImport"},
    {HTTP_POST, "/api/v2/user-imports/{import}/undo", api_user_import_undo, ACCESS_ADMIN,
     .help = "put the users back as they were before an import (ours)", .reply = "200 UserImportUndone"},
    {HTTP_POST, "/api/v2/users/{user}/invitation", api_invitation_again, ACCESS_ADMIN,
     .help = "invite a user without a password once more; the former link ends (ours)", .query = "InvitationQuery",
     .reply = "201 Invitation"},

    /* groups */
    {HTTP_GET, "/api/v2/groups", api_group_list, ACCESS_USER, .help = "all groups and what they grant",
     .reply = "200 GroupList"},
    {HTTP_POST, "/api/v2/groups", api_group_add, ACCESS_ADMIN, .help = "add a group",
     .takes = "GroupNew", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/groups", api_group_put, ACCESS_ADMIN, .help = "change a group",
     .takes = "GroupChange", .reply = "201 Message"},
    {HTTP_GET, GROUP, api_group_get, ACCESS_USER, .help = "one group", .reply = "200 Group"},
    {HTTP_DELETE, GROUP, api_group_remove, ACCESS_ADMIN, .help = "remove a group, also from its members",
     .reply = "200 Message"},
    {HTTP_GET, GROUP "/userlist", api_group_users, ACCESS_ADMIN, .help = "the members of a group",
     .reply = "200 GroupMembers"},
    {HTTP_PUT, GROUP "/extension", api_group_put_extension, ACCESS_ADMIN, .help = "set members of the extension",
     .takes = "GroupExtension", .reply = "201 Message"},
    {HTTP_PUT, GROUP "/description", api_group_put_description, ACCESS_ADMIN, .help = "set the description",
     .takes = "GroupDescription", .reply = "201 Message"},
    {HTTP_PUT, GROUP "/externalname", api_group_put_external_name, ACCESS_ADMIN, .help = "set the external name",
     .takes = "GroupExternalName", .reply = "201 Message"},
    {HTTP_PUT, GROUP "/extension/{key1}", api_group_put_key, ACCESS_ADMIN, .help = "set one value in the extension",
     .takes = "GroupKey", .reply = "201 Message"},
    {HTTP_PUT, GROUP "/extension/{key1}/{key2}", api_group_put_key, ACCESS_ADMIN, .help = "the same, one level in",
     .takes = "GroupKey", .reply = "201 Message"},
    {HTTP_PUT, GROUP "/extension/{key1}/{key2}/{key3}", api_group_put_key, ACCESS_ADMIN,
     .help = "the same, two levels in", .takes = "GroupKey", .reply = "201 Message"},
    {HTTP_PUT, GROUP "/extension/{key1}/{key2}/{key3}/{key4}", api_group_put_key, ACCESS_ADMIN,
     .help = "the same, three levels in", .takes = "GroupKey", .reply = "201 Message"},

    /* jobs */
    {HTTP_GET, "/api/v2/jobs", api_jobs_list, ACCESS_USER, .help = "list jobs, filtered, ordered, paged",
     .query = "JobListQuery", .reply = "200 JobList"},
    {HTTP_POST, "/api/v2/jobs", api_jobs_submit, ACCESS_USER,
     .media = HTTP_MEDIA_YAML | HTTP_MEDIA_TEXT | HTTP_MEDIA_JSON, .body_limit = SUBMIT_LIMIT, .help = "submit a job",
     .takes = "JobYaml", .reply = "202 JobSubmitted"},
    {HTTP_POST, "/api/v2/code", api_code_add, ACCESS_USER, .media = HTTP_MEDIA_TAR, .spool = true,
     .help = "send a tar archive of code, plain or by gzip or zstd; a job names it by extras.drover.code (ours)",
     .takes = "CodeArchive", .reply = "201 Code"},
    {HTTP_GET, JOB "/code", api_job_code, ACCESS_JOB_READ, .help = "the archive of code that came with a job (ours)",
     .reply = "200 Bytes"},
    {HTTP_GET, JOB "/code/files", api_job_code_files, ACCESS_JOB_READ,
     .help = "what is in that archive, up to 1,000 entries (ours)", .reply = "200 CodeFileList"},
    {HTTP_GET, JOB, api_job_get, ACCESS_JOB_READ, .help = "a job with its tasks", .reply = "200 Job"},
    {HTTP_DELETE, JOB, api_job_archive, ACCESS_JOB_CHANGE,
     .help = "archive an ended job: its name is free again, its UUID stays (owner or admin; ours)",
     .reply = "200 Message"},
    {HTTP_GET, JOB "/attempts/{attempt}", api_job_attempt, ACCESS_JOB_READ, .help = "one attempt of a job",
     .reply = "200 Job"},
    {HTTP_GET, JOB "/config", api_job_config, ACCESS_JOB_READ, .help = "the job's YAML, secrets masked",
     .reply = "200 JobYaml 304"},
    {HTTP_GET, JOB "/ssh", api_job_ssh, ACCESS_USER, .help = "always 404, as OpenPAI", .reply = "404 Problem"},
    {HTTP_GET, JOB "/explain", api_job_explain, ACCESS_JOB_READ,
     .help = "why a job waits, and what would let it start (ours)", .reply = "200 Explanation"},
    {HTTP_GET, JOB "/events", api_job_events, ACCESS_JOB_READ, .help = "what happened to a job",
     .query = "JobEventListQuery", .reply = "200 JobEventList"},
    {HTTP_PUT, JOB "/executionType", api_job_execution, ACCESS_JOB_STOP, .help = "stop a job (owner or admin)",
     .takes = "JobExecution", .reply = "202 Message"},
    {HTTP_PUT, JOB "/hold", api_job_hold, ACCESS_JOB_STOP,
     .help = "hold a waiting job: it is not considered until it is released (owner or admin; ours)",
     .reply = "200 Message"},
    {HTTP_DELETE, JOB "/hold", api_job_release, ACCESS_JOB_STOP,
     .help = "release a held job; what an admin holds, an admin releases (ours)", .reply = "200 Message"},
    {HTTP_PUT, JOB "/tag", api_job_tag_put, ACCESS_JOB_CHANGE, .help = "add a tag (owner or admin)",
     .takes = "JobTag", .reply = "200 Message"},
    {HTTP_DELETE, JOB "/tag", api_job_tag_drop, ACCESS_JOB_CHANGE, .help = "drop a tag (owner or admin)",
     .takes = "JobTag", .reply = "200 Message"},
    {HTTP_GET, JOB "/job-attempts/healthz", api_job_attempts_healthz, ACCESS_USER,
     .help = "whether attempts can be asked for; OpenPAI's older clients ask", .reply = "200 Text"},
    {HTTP_GET, JOB "/job-attempts", api_job_attempts, ACCESS_JOB_READ, .help = "the attempts, in OpenPAI's older shape",
     .reply = "200 JobAttemptList"},
    {HTTP_GET, JOB "/job-attempts/{attempt}", api_job_attempts_one, ACCESS_JOB_READ, .help = "one of them",
     .reply = "200 JobAttempt"},
    {HTTP_GET, JOB "/logs/search", api_log_search, ACCESS_JOB_READ,
     .help = "lines of the logs of all its attempts that fit an expression (ours)", .query = "LogSearchQuery",
     .reply = "200 LogSearch"},
    {HTTP_GET, TASK, api_task_attempts, ACCESS_JOB_READ, .help = "the attempts of one task", .reply = "200 TaskHistory"},
    {HTTP_GET, TASK "/{taskAttempt}/logs", api_log_list, ACCESS_JOB_READ, .help = "where a task attempt's logs are",
     .reply = "200 LogList"},
    {HTTP_GET, TASK "/{taskAttempt}/logs/{log}", api_log_read, ACCESS_JOB_READ,
     .help = "bytes of a log; offset, limit, tail-mode, follow (ours)", .query = "LogQuery", .reply = "200 Text"},
    {HTTP_GET, TASK "/{taskAttempt}/files", api_file_list, ACCESS_JOB_READ,
     .help = "a folder of what a task attempt left where it worked (ours)", .query = "FileListQuery",
     .reply = "200 FileList"},
    {HTTP_GET, TASK "/{taskAttempt}/files/content", api_file_read, ACCESS_JOB_READ,
     .help = "bytes of one of these files; offset, limit (ours)", .query = "FileQuery", .reply = "200 Bytes"},
    {HTTP_GET, TASK "/{taskAttempt}/shell", api_shell, ACCESS_JOB_CHANGE,
     .help = "a shell or a command in the running task, by WebSocket and with a token (owner or admin; ours)",
     .query = "ShellQuery", .reply = "101"},

    /* cluster */
    {HTTP_GET, "/api/v2/virtual-clusters", api_vcs, ACCESS_USER, .help = "virtual clusters and their use",
     .query = "VirtualClusterListQuery", .reply = "200 VirtualClusterList"},
    {HTTP_GET, "/api/v2/virtual-clusters/{vc}", api_vc, ACCESS_USER, .help = "one virtual cluster",
     .reply = "200 VirtualCluster"},
    {HTTP_PUT, "/api/v2/virtual-clusters/{vc}", api_vc_put, ACCESS_VC_MANAGE,
     .help = "make or change a virtual cluster", .takes = "VirtualClusterChange", .reply = "201 Message"},
    {HTTP_PUT, "/api/v2/virtual-clusters/{vc}/status", api_vc_status, ACCESS_ADMIN,
     .help = "stop it (it accepts no jobs) or start it again", .takes = "VirtualClusterStatus", .reply = "201 Message"},
    {HTTP_DELETE, "/api/v2/virtual-clusters/{vc}", api_vc_remove, ACCESS_ADMIN,
     .help = "remove it when it has no unfinished jobs", .reply = "201 Message"},
    {HTTP_GET, "/api/v2/cluster/sku-types", api_sku_types, ACCESS_USER, .help = "units of GPU, CPU and memory",
     .query = "SkuTypeListQuery", .reply = "200 SkuTypeList"},

    /* storages */
    {HTTP_GET, "/api/v2/storages", api_storages, ACCESS_USER, .help = "storages that the caller may mount",
     .query = "StorageListQuery", .reply = "200 StorageList"},
    {HTTP_GET, "/api/v2/storages/{storage}", api_storage, ACCESS_USER, .help = "one of them", .reply = "200 Storage"},
    {HTTP_PUT, "/api/v2/storages/{storage}", api_storage_put, ACCESS_ADMIN, .help = "make or change a storage (ours)",
     .takes = "StorageChange", .reply = "201 Message"},
    {HTTP_DELETE, "/api/v2/storages/{storage}", api_storage_remove, ACCESS_ADMIN,
     .help = "forget a storage and its grants; its files stay (ours)", .reply = "200 Message"},
    {HTTP_GET, "/api/v2/storage/config", api_storage_configs, ACCESS_USER, .help = "the same, as OpenPAI's older clients ask",
     .reply = "200 StorageConfigList"},
    {HTTP_GET, "/api/v2/storage/config/{storage}", api_storage_config, ACCESS_USER, .help = "one of them",
     .reply = "200 StorageConfig"},
    {HTTP_GET, "/api/v2/storage/server", api_storage_servers, ACCESS_USER, .help = "the same, as OpenPAI's older clients ask",
     .reply = "200 StorageServerList"},
    {HTTP_GET, "/api/v2/storage/server/{storage}", api_storage_server, ACCESS_USER, .help = "one of them",
     .reply = "200 StorageServer"},

    /* templates (ours) */
    {HTTP_GET, "/api/v2/templates", api_templates, ACCESS_USER, .help = "one's own, shared and public templates",
     .reply = "200 TemplateList"},
    {HTTP_POST, "/api/v2/templates", api_template_add, ACCESS_NOT_APPLICATION, .body_limit = SUBMIT_LIMIT * 2,
     .help = "keep a job's config for later, or share it", .takes = "TemplateNew", .reply = "201 Message"},
    {HTTP_GET, "/api/v2/templates/{template}", api_template, ACCESS_USER, .help = "one template with its config",
     .reply = "200 Template"},
    {HTTP_PUT, "/api/v2/templates/{template}", api_template_put, ACCESS_NOT_APPLICATION,
     .body_limit = SUBMIT_LIMIT * 2, .help = "change it (owner or admin)", .takes = "TemplateChange",
     .reply = "201 Message"},
    {HTTP_DELETE, "/api/v2/templates/{template}", api_template_remove, ACCESS_NOT_APPLICATION,
     .help = "remove it (owner or admin)", .reply = "200 Message"},

    /* the site (ours) */
    {HTTP_GET, "/api/v2/settings", api_settings, ACCESS_USER, .help = "the portal's name, logo, menu entries and links",
     .reply = "200 Settings"},
    {HTTP_PUT, "/api/v2/settings", api_settings_put, ACCESS_ADMIN, .body_limit = 128 << 10,
     .help = "set them; open pages hear of it by the live event `settings`", .takes = "SettingsChange",
     .reply = "200 Message"},

    /* alerts */
    {HTTP_GET, "/api/v2/alerts", api_alerts, ACCESS_USER, .help = "what is wrong now; about nodes, for admins",
     .reply = "200 AlertList"},

    /* nodes (ours) */
    {HTTP_GET, "/api/v2/nodes", api_nodes, ACCESS_USER, .help = "nodes and their use", .reply = "200 NodeList"},
    {HTTP_GET, "/api/v2/nodes/{node}", api_node, ACCESS_USER, .help = "one node with its devices",
     .reply = "200 NodeDetail"},
    {HTTP_GET, "/api/v2/nodes/{node}/tasks", api_node_tasks, ACCESS_USER, .help = "what is placed on a node",
     .reply = "200 NodeTaskList"},
    {HTTP_PUT, "/api/v2/nodes/{node}/state", api_node_state, ACCESS_ADMIN,
     .help = "cordon (nothing new starts), drain (to be emptied), uncordon", .takes = "NodeState",
     .reply = "200 Message"},
    {HTTP_PUT, "/api/v2/nodes/{node}/labels", api_node_labels, ACCESS_ADMIN, .help = "set all its labels",
     .takes = "NodeLabels", .reply = "200 Message"},

    /* images (ours) */
    {HTTP_GET, "/api/v2/images", api_images, ACCESS_USER, .help = "images that jobs can run in, and imports",
     .reply = "200 ImageList"},
    {HTTP_POST, "/api/v2/images", api_image_add, ACCESS_ADMIN,
     .help = "import a root or an OCI image layout from a path of the server", .takes = "ImageNew",
     .reply = "202 Message"},
    {HTTP_GET, "/api/v2/images/{image}", api_image, ACCESS_USER,
     .help = "one of them; in its name, + stands for / and = for :", .reply = "200 Image"},
    {HTTP_DELETE, "/api/v2/images/{image}", api_image_remove, ACCESS_ADMIN,
     .help = "remove an image that no task runs in", .reply = "200 Message"},

    /* events (ours) */
    {HTTP_GET, "/api/v2/stream", api_stream, ACCESS_USER, .help = "live events as text/event-stream (ours)",
     .query = "StreamQuery", .reply = "200 EventStream"},

    /* reports (ours) */
    {HTTP_GET, "/api/v2/reports/gpu", api_report_gpu, ACCESS_USER,
     .help = "where the GPU hours went: everybody's for admins, else one's own and those of virtual clusters one manages (ours)",
     .query = "GpuReportQuery", .reply = "200 GpuReport"},

    /* for who watches (ours) */
    {HTTP_GET, "/metrics", api_metrics, ACCESS_USER,
     .help = "nodes, virtual clusters and the server for Prometheus, or by Accept as OpenMetrics (ours)",
     .reply = "200 Metrics 200 OpenMetrics"},

    /* the API itself */
    {HTTP_GET, "/api/v2/audit", api_audit, ACCESS_ADMIN, .help = "who changed what, newest first (ours)",
     .query = "AuditQuery", .reply = "200 AuditList"},
    {HTTP_GET, "/api/v2/openapi.json", api_openapi, ACCESS_USER, .help = "this description, OpenAPI 3.1 (ours)",
     .reply = "200 OpenApi"},
};
/* clang-format on */

const struct route *api_routes(size_t *count)
{
    *count = sizeof routes / sizeof *routes;
    return routes;
}
