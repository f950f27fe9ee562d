/* SPDX-License-Identifier: MIT */
/* Columns stand beside their fields, in the same order. */
#include "tui/verbs/objects_tables.h"

/* Columns and their fields, side by side. */
static const struct table_column vc_columns[] = {
    {"VC", "vc", 0, 8, false},
    {"STATUS", "status", 0, 0, false},
    {"GUARANTEE", "guarantee", 1, 8, false},
    {"USED", "used", 0, 0, true},
    {"BORROWED", "borrowed", 3, 0, true},
    {"FREE", "free", 0, 0, true},
    {"JOBS", "jobs", 2, 0, true},
    {"READ", "read", 5, 0, false},
    {"DESCRIPTION", "description", 4, 8, false},
    {"USER CAP", "userCap", 10, 0, true},
    {"PARENT", "parent", 10, 0, false},
};
static const struct field vc_fields[] = {
    {"", 0},
    {"status", 0},
    {"guarantee", CELL_GPUS},
    {"gpus.used", 0},
    {"gpus.borrowed", 0},
    {"gpus.free", 0},
    {"unfinishedJobs", 0},
    {"read", 0},
    {"description", 0},
    {"userCap", 0},
    {"parent", 0},
};

static const struct table_column storage_columns[] = {
    {"STORAGE", "storage", 0, 8, false},
    {"DEFAULT", "default", 0, 0, false},
    {"SHARED", "shared", 0, 0, false},
};
static const struct field storage_fields[] = {{"name", 0}, {"default", 0}, {"share", 0}};

static const struct table_column template_columns[] = {
    {"TEMPLATE", "template", 0, 8, false}, {"OWNER", "owner", 0, 6, false},     {"VISIBLE", "visible", 0, 0, false},
    {"GROUP", "group", 2, 0, false},       {"CHANGED", "changed", 1, 0, false}, {"TITLE", "title", 0, 10, false},
};
static const struct field template_fields[] = {
    {"name", 0}, {"owner", 0}, {"visibility", 0}, {"group", 0}, {"updatedTime", CELL_TIME}, {"title", 0}};

static const struct table_column group_columns[] = {
    {"GROUP", "group", 0, 8, false},       {"ADMIN", "admin", 0, 0, false},
    {"VCS", "vcs", 0, 8, false},           {"MANAGES", "manages", 1, 8, false},
    {"STORAGES", "storages", 1, 8, false}, {"DESCRIPTION", "description", 2, 10, false},
};
static const struct field group_fields[] = {{"groupname", 0},
                                            {"extension.acls.admin", 0},
                                            {"extension.acls.virtualClusters", 0},
                                            {"extension.acls.managedVirtualClusters", 0},
                                            {"extension.acls.storageConfigs", 0},
                                            {"description", 0}};

static const struct table_column token_columns[] = {
    {"TOKEN", "token", 0, 8, false},    {"KIND", "kind", 0, 0, false},     {"READ ONLY", "readOnly", 0, 0, false},
    {"ENDS WITH", "hint", 2, 0, false}, {"ISSUED", "issued", 1, 0, false}, {"EXPIRES", "expires", 0, 0, false},
    {"LAST USED", "used", 3, 0, false},
};
static const struct field token_fields[] = {{"id", 0},
                                            {"kind", 0},
                                            {"readOnly", 0},
                                            {"hint", 0},
                                            {"issued", CELL_TIME},
                                            {"expires", CELL_TIME},
                                            {"lastUsed", CELL_TIME}};

static const struct table_column key_columns[] = {
    {"KEY", "key", 0, 8, false},
    {"FINGERPRINT", "fingerprint", 0, 8, false},
    {"SET", "set", 1, 0, false},
    {"VALUE", "value", 10, 8, false},
};
static const struct field key_fields[] = {{"title", 0}, {"fingerprint", 0}, {"time", CELL_TIME}, {"value", 0}};

static const struct table_column webhook_columns[] = {
    {"WEBHOOK", "webhook", 0, 8, false}, {"SHAPE", "shape", 0, 0, false}, {"ENABLED", "enabled", 0, 0, false},
    {"KINDS", "kinds", 1, 8, false},     {"QUIET", "quiet", 2, 0, false}, {"URL", "url", 0, 10, false},
};
static const struct field webhook_fields[] = {{"name", 0},  {"shape", 0},      {"enabled", 0},
                                              {"kinds", 0}, {"quietHours", 0}, {"url", 0}};

static const struct table_column delivery_columns[] = {
    {"KIND", "kind", 0, 0, false}, {"STATE", "state", 0, 0, false},     {"TRIES", "tries", 1, 0, true},
    {"TIME", "time", 1, 0, false}, {"ENDED", "ended", 0, 0, false},     {"STATUS", "status", 1, 0, true},
    {"ID", "id", 2, 8, false},     {"PROBLEM", "problem", 0, 8, false},
};
static const struct field delivery_fields[] = {
    {"kind", 0},   {"state", 0}, {"tries", 0},  {"time", CELL_TIME}, {"endedTime", CELL_TIME},
    {"status", 0}, {"id", 0},    {"problem", 0}};

static const struct table_column user_columns[] = {
    {"USER", "user", 0, 6, false},        {"ADMIN", "admin", 0, 0, false}, {"DISABLED", "disabled", 1, 0, false},
    {"EXPIRES", "expires", 2, 0, false},  {"EMAIL", "email", 1, 8, false}, {"GROUPS", "groups", 0, 8, false},
    {"MANAGES", "manages", 10, 8, false}, {"VCS", "vcs", 10, 8, false},    {"STORAGES", "storages", 10, 8, false},
};
static const struct field user_fields[] = {{"username", 0},
                                           {"admin", 0},
                                           {"disabled", 0},
                                           {"expires", CELL_TIME},
                                           {"email", 0},
                                           {"grouplist", 0},
                                           {"managedVirtualCluster", 0},
                                           {"virtualCluster", 0},
                                           {"storageConfig", 0}};

static const struct table_column member_columns[] = {{"USER", "user", 0, 6, false}, {"ADMIN", "admin", 0, 0, false}};
static const struct field member_fields[] = {{"username", 0}, {"clusterAdmin", 0}};

static const struct table_column sku_columns[] = {{"SKU", "sku", 0, 8, false},
                                                  {"GPUS", "gpus", 0, 0, true},
                                                  {"CPUS", "cpus", 0, 0, true},
                                                  {"MEMORY MB", "memory", 0, 0, true}};
static const struct field sku_fields[] = {{"", 0}, {"gpu", 0}, {"cpu", 0}, {"memory", 0}};

static const struct table_column gpu_columns[] = {
    {"GPU", "gpu", 0, 0, true},       {"STATE", "state", 0, 6, false}, {"BUSY %", "busy", 0, 0, true},
    {"MEMORY", "used", 0, 0, true},   {"OF", "memory", 1, 0, true},    {"WATTS", "watts", 1, 0, true},
    {"C", "temperature", 1, 0, true}, {"XID", "xid", 2, 0, true},      {"USER", "user", 0, 6, false},
    {"JOB", "job", 0, 8, false},      {"MODEL", "model", 3, 8, false}, {"HEALTH", "health", 1, 8, false},
};
static const struct field gpu_fields[] = {{"index", 0},
                                          {"state", 0},
                                          {"sample.utilization", 0},
                                          {"sample.memoryUsed", CELL_BYTES},
                                          {"sample.memoryTotal", CELL_BYTES},
                                          {"sample.powerMilliwatts", CELL_MILLI},
                                          {"sample.temperature", 0},
                                          {"sample.xid", 0},
                                          {"task.username", 0},
                                          {"task.name", 0},
                                          {"model", 0},
                                          {"health.reason", 0}};

static const struct table_column alert_columns[] = {
    {"ALERT", "alert", 0, 8, false}, {"SEVERITY", "severity", 1, 0, false}, {"NODE", "node", 0, 6, false},
    {"SINCE", "since", 2, 0, false}, {"SUMMARY", "summary", 0, 12, false},
};
static const struct field alert_fields[] = {{"labels.alertname", 0},
                                            {"labels.severity", 0},
                                            {"labels.node_name", 0},
                                            {"startsAt", 0},
                                            {"annotations.summary", 0}};

static const struct table_column placed_columns[] = {
    {"JOB", "job", 0, 8, false},   {"USER", "user", 0, 6, false},       {"VC", "vc", 1, 6, false},
    {"ROLE", "role", 0, 6, false}, {"TASK", "task", 0, 0, true},        {"STATE", "state", 0, 0, false},
    {"GPUS", "gpus", 1, 4, false}, {"STARTED", "started", 1, 0, false}, {"ID", "id", 10, 0, false},
};
static const struct field placed_fields[] = {
    {"name", 0},      {"username", 0}, {"virtualCluster", 0},       {"taskRoleName", 0}, {"taskIndex", 0},
    {"taskState", 0}, {"gpus", 0},     {"launchedTime", CELL_TIME}, {"jobId", 0}};

static const struct table_column reservation_columns[] = {
    {"JOB", "job", 0, 8, false},     {"USER", "user", 0, 6, false},   {"VC", "vc", 1, 6, false},
    {"ROLE", "role", 2, 6, false},   {"TASK", "task", 2, 0, true},    {"NODE", "node", 0, 6, false},
    {"HOLDS", "hold", 1, 0, false},  {"GPUS", "gpus", 0, 0, true},    {"STATE", "state", 0, 0, false},
    {"SINCE", "since", 1, 0, false}, {"UNTIL", "until", 0, 0, false}, {"ENDED BY", "endedBy", 3, 0, false},
    {"WHY", "why", 1, 8, false},     {"ID", "id", 10, 0, false},
};
static const struct field reservation_fields[] = {{"jobName", 0},
                                                  {"username", 0},
                                                  {"virtualCluster", 0},
                                                  {"taskRoleName", 0},
                                                  {"taskIndex", 0},
                                                  {"node", 0},
                                                  {"hold", 0},
                                                  {"gpus", 0},
                                                  {"state", 0},
                                                  {"createdTime", CELL_TIME},
                                                  {"expiresTime", CELL_TIME},
                                                  {"endedBy", 0},
                                                  {"collected.reason", 0},
                                                  {"id", 0}};
static const struct question reservation_questions[] = {{"state", "state", ASK_TEXT}, {0}};

static const struct table_column node_event_columns[] = {
    {"EVENT", "event", 2, 0, true}, {"TIME", "time", 0, 0, false},      {"WHAT", "what", 0, 6, false},
    {"USER", "user", 0, 6, false},  {"REASON", "reason", 0, 12, false},
};
static const struct field node_event_fields[] = {
    {"id", 0}, {"time", CELL_TIME}, {"kind", 0}, {"username", 0}, {"reason", 0}};
static const struct question node_event_questions[] = {{"before", "before", ASK_NUMBER}, {0}};

static const struct table_column window_columns[] = {
    {"WINDOW", "window", 0, 0, true}, {"STATE", "state", 0, 0, false}, {"START", "start", 0, 0, false},
    {"END", "end", 0, 0, false},      {"ALL", "all", 1, 0, false},     {"NODES", "nodes", 0, 8, false},
    {"ON START", "on", 1, 0, false},  {"USER", "user", 1, 6, false},   {"REASON", "reason", 0, 10, false},
};
static const struct field window_fields[] = {{"id", 0},          {"state", 0},    {"start", CELL_TIME},
                                             {"end", CELL_TIME}, {"all", 0},      {"nodes", 0},
                                             {"onStart", 0},     {"username", 0}, {"reason", 0}};

static const struct table_column audit_columns[] = {
    {"RECORD", "record", 0, 0, true},  {"TIME", "time", 0, 0, false},        {"USER", "user", 0, 6, false},
    {"METHOD", "method", 1, 0, false}, {"OBJECT", "object", 0, 12, false},   {"STATUS", "status", 0, 0, true},
    {"CODE", "code", 1, 6, false},     {"CALLS", "calls", 2, 0, true},       {"IP", "ip", 3, 6, false},
    {"ROUTE", "route", 10, 8, false},  {"REQUEST", "request", 10, 0, false},
};
static const struct field audit_fields[] = {{"id", 0},     {"time", CELL_TIME}, {"actor", 0},    {"method", 0},
                                            {"object", 0}, {"status", 0},       {"code", 0},     {"count", 0},
                                            {"ip", 0},     {"route", 0},        {"requestId", 0}};
static const struct question audit_questions[] = {
    {"user", "actor", ASK_TEXT},     {"ip", "ip", ASK_TEXT},
    {"method", "method", ASK_TEXT},  {"route", "route", ASK_TEXT},
    {"code", "code", ASK_TEXT},      {"status", "status", ASK_NUMBER},
    {"days", "since", ASK_DAYS_AGO}, {"before", "cursor", ASK_NUMBER},
    {"limit", "limit", ASK_NUMBER},  {0},
};

static const struct table_column report_columns[] = {
    {"VC", "vc", 0, 6, false},
    {"USER", "user", 0, 6, false},
    {"JOB", "job", 0, 8, false},
    {"NODE", "node", 0, 6, false},
    {"MODEL", "model", 0, 6, false},
    {"DAY", "day", 0, 0, false},
    {"GPU HOURS", "gpuHours", 0, 0, true},
    {"SUCCEEDED", "succeeded", 1, 0, true},
    {"FAILED", "failed", 1, 0, true},
    {"PLATFORM", "platform", 4, 0, true},
    {"STOPPED", "stopped", 3, 0, true},
    {"PREEMPTED", "preempted", 3, 0, true},
    {"RUNNING", "running", 2, 0, true},
    {"RESERVED", "reserved", 4, 0, true},
    {"WASTED", "wasted", 1, 0, true},
    {"BUSY", "busy", 1, 0, true},
    {"IDLE", "idle", 1, 0, true},
    {"BUSY %", "utilization", 2, 0, true},
    {"GOODPUT %", "goodput", 3, 0, true},
    {"MEMORY GIB", "memory", 6, 0, true},
    {"ENERGY KWH", "energy", 6, 0, true},
    {"JOBS", "jobs", 2, 0, true},
    {"WELL", "well", 5, 0, true},
    {"PREEMPTIONS", "preemptions", 6, 0, true},
    {"WAIT P50", "waitP50", 6, 0, true},
    {"WAIT P95", "waitP95", 5, 0, true},
};
static const struct field report_fields[] = {
    {"vc", 0},
    {"user", 0},
    {"job", 0},
    {"node", 0},
    {"model", 0},
    {"day", 0},
    {"gpuHours.all", CELL_HOURS},
    {"gpuHours.succeeded", CELL_HOURS},
    {"gpuHours.failed", CELL_HOURS},
    {"gpuHours.platform", CELL_HOURS},
    {"gpuHours.stopped", CELL_HOURS},
    {"gpuHours.preempted", CELL_HOURS},
    {"gpuHours.running", CELL_HOURS},
    {"gpuHours.reserved", CELL_HOURS},
    {"gpuHours.wasted", CELL_HOURS},
    {"sampled.busy", CELL_HOURS},
    {"sampled.idle", CELL_HOURS},
    {"sampled.utilization", CELL_TENTHS},
    {"goodput", CELL_TENTHS},
    {"sampled.memoryGiB", CELL_TENTHS},
    {"sampled.energyKWh", CELL_TENTHS},
    {"jobs.ended", 0},
    {"jobs.succeeded", 0},
    {"jobs.preempted", 0},
    {"waitMs.p50", CELL_WAIT},
    {"waitMs.p95", CELL_WAIT},
};
static const struct question report_questions[] = {
    {"by", "by", ASK_TEXT},
    {"days", "from", ASK_DAYS_AGO},
    {"from", "from", ASK_DATE},
    {"to", "to", ASK_DATE},
    {"sort", "sort", ASK_TEXT},
    {"top", "top", ASK_NUMBER},
    {0},
};

#define TABLE(name)                                                                                                    \
    .columns = name##_columns, .fields = name##_fields, .count = sizeof name##_fields / sizeof *name##_fields

static const struct listing listings[] = {
    {.verb = "vcs", .path = "/api/v2/virtual-clusters", TABLE(vc)},
    {.verb = "storages", .path = "/api/v2/storages", .inside = "storages", TABLE(storage)},
    {.verb = "templates", .path = "/api/v2/templates", TABLE(template)},
    {.verb = "groups", .path = "/api/v2/groups", TABLE(group)},
    {.verb = "tokens", .path = "/api/v2/tokens", .inside = "details", TABLE(token)},
    {.verb = "ssh-keys", .path = "/api/v2/ssh-keys", TABLE(key)},
    {.verb = "webhooks", .path = "/api/v2/users/me/webhooks", TABLE(webhook)},
    {.verb = "webhook log", .path = "/api/v2/users/me/webhooks/%s/deliveries", TABLE(delivery)},
    {.verb = "users", .path = "/api/v2/users", TABLE(user)},
    {.verb = "group members", .path = "/api/v2/groups/%s/userlist", TABLE(member)},
    {.verb = "skus", .path = "/api/v2/cluster/sku-types", TABLE(sku)},
    {.verb = "alerts", .path = "/api/v2/alerts", TABLE(alert)},
    {.verb = "node gpus", .path = "/api/v2/nodes/%s/gpus", TABLE(gpu)},
    {.verb = "node tasks", .path = "/api/v2/nodes/%s/tasks", TABLE(placed)},
    {.verb = "node events", .path = "/api/v2/nodes/%s/events", .questions = node_event_questions, TABLE(node_event)},
    {.verb = "maintenance list", .path = "/api/v2/maintenance", .questions = reservation_questions, TABLE(window)},
    {.verb = "reservations", .path = "/api/v2/reservations", .questions = reservation_questions, TABLE(reservation)},
    {.verb = "audit",
     .path = "/api/v2/audit",
     .inside = "data",
     .questions = audit_questions,
     .more = "next",
     .more_option = "before",
     TABLE(audit)},
    {.verb = "report gpu",
     .path = "/api/v2/reports/gpu",
     .inside = "rows",
     .questions = report_questions,
     TABLE(report)},
};

static const struct showing showings[] = {
    {"vc show", "/api/v2/virtual-clusters/%s"},
    {"group show", "/api/v2/groups/%s"},
    {"storage show", "/api/v2/storages/%s"},
    {"silence show", "/api/v2/silences/%s"},
    {"attempts", "/api/v2/jobs/%s/job-attempts"},
    {"use", "/api/v2/jobs/%s/metrics"},
    {"audit chain", "/api/v2/audit/chain"},
    {"user show", "/api/v2/users/%s"},
    {"node show", "/api/v2/nodes/%s"},
    {"reservation show", "/api/v2/jobs/%s/reservation"},
    {"settings", "/api/v2/settings"},
    {"notify show", "/api/v2/users/me/notifications"},
};

const struct listing *objects_listings(size_t *count)
{
    *count = sizeof listings / sizeof *listings;
    return listings;
}

const struct showing *objects_showings(size_t *count)
{
    *count = sizeof showings / sizeof *showings;
    return showings;
}
