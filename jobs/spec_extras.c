/* SPDX-License-Identifier: MIT
 *
 * OpenPAI's extras. Honoured: gangAllocation, priorities of hivedScheduler, tags, the runtime plugins `cmd` and
 * `tensorboard` (spec_apps.c), the keys of users in `ssh`, and jobStatusChangeNotification. The other runtime plugins,
 * storages and SKU wishes are checked and kept with the job's text.
 */
#include "jobs/spec_extras.h"

#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/ssh_key.h"
#include "inventory/sku.h"
#include "jobs/protocol_extras.h"
#include "jobs/spec_build.h"
#include "jobs/spec_place.h"
#include "jobs/spec_storages.h"
#include "jobs/spec_tables.h"

#define MAX_TEXT 4096
#define PLUGINS_KEY "com.microsoft.pai.runtimeplugin"

#define PRIORITY_DEFAULT 10

static const struct {
    const char *name;
    int value;
} priorities[] = {{"crit", 120}, {"prod", 100}, {"test", 10}, {"oppo", -1}};

/* ---- tables ---- */

static const char *const words_priority[] = {"crit", "prod", "test", "oppo", NULL};
static const char *const words_failure[] = {"ignore", "fail", NULL};
static const char *const words_plugin[] = {"ssh", "tensorboard", "teamwise_storage", "cmd", "git", NULL};
static const char *const words_userssh[] = {"custom", "none", NULL};

static const struct spec_field a_string = {.key = "string", .kind = SPEC_STRING, .max = MAX_TEXT};

static const struct spec_object storage = {
    .what = "storage",
    .fields = (const struct spec_field[]){{.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = 255},
                                          {.key = "mountPath", .kind = SPEC_STRING, .min = 1, .max = MAX_TEXT},
                                          {.key = NULL}}};
static const struct spec_field a_storage = {.key = "storage", .kind = SPEC_OBJECT, .object = &storage};

static const struct spec_object notification = {.what = "jobStatusChangeNotification",
                                                .fields =
                                                    (const struct spec_field[]){{.key = "running", .kind = SPEC_BOOL},
                                                                                {.key = "succeeded", .kind = SPEC_BOOL},
                                                                                {.key = "stopped", .kind = SPEC_BOOL},
                                                                                {.key = "failed", .kind = SPEC_BOOL},
                                                                                {.key = "retried", .kind = SPEC_BOOL},
                                                                                {.key = NULL}}};

static const struct spec_object hived_role = {
    .what = "task role",
    .fields = (const struct spec_field[]){{.key = "skuType", .kind = SPEC_STRING, .max = 255},
                                          {.key = "skuNum", .kind = SPEC_INT, .min = 1, .max = 1000000},
                                          {.key = "pinnedCellId", .kind = SPEC_STRING, .max = 255},
                                          {.key = "affinityGroupName", .kind = SPEC_STRING, .max = 255},
                                          {.key = "gangReleaseEnable", .kind = SPEC_BOOL},
                                          {.key = "lazyPreemptionEnable", .kind = SPEC_BOOL},
                                          {.key = "ignoreK8sSuggestedNodes", .kind = SPEC_BOOL},
                                          {.key = NULL}}};
static const struct spec_field a_hived_role = {.key = "task role", .kind = SPEC_OBJECT, .object = &hived_role};

static const struct spec_object hived = {
    .what = "hivedScheduler",
    .fields = (const struct spec_field[]){{.key = "jobPriorityClass", .kind = SPEC_STRING, .words = words_priority},
                                          {.key = "taskRoles", .kind = SPEC_DICT, .of = &a_hived_role},
                                          {.key = "gangReleaseEnable", .kind = SPEC_BOOL},
                                          {.key = "lazyPreemptionEnable", .kind = SPEC_BOOL},
                                          {.key = "ignoreK8sSuggestedNodes", .kind = SPEC_BOOL},
                                          {.key = NULL}}};

static const struct spec_object plugin = {
    .what = "plugin",
    .fields =
        (const struct spec_field[]){{.key = "plugin", .kind = SPEC_STRING, .required = true, .words = words_plugin},
                                    {.key = "parameters", .kind = SPEC_MAP},
                                    {.key = "failurePolicy", .kind = SPEC_STRING, .words = words_failure},
                                    {.key = NULL}}};
static const struct spec_field a_plugin = {.key = "plugin", .kind = SPEC_OBJECT, .object = &plugin};

static const struct spec_object userssh = {
    .what = "userssh",
    .fields = (const struct spec_field[]){{.key = "type", .kind = SPEC_STRING, .words = words_userssh},
                                          {.key = "value", .kind = SPEC_STRING, .max = MAX_TEXT * 4},
                                          {.key = NULL}}};

static const struct spec_object plugin_ssh = {
    .what = "parameters",
    .fields = (const struct spec_field[]){{.key = "jobssh", .kind = SPEC_BOOL},
                                          {.key = "sshbarrier", .kind = SPEC_BOOL},
                                          {.key = "sshbarrierTimeout", .kind = SPEC_INT, .min = 0, .max = 1000000},
                                          {.key = "userssh", .kind = SPEC_OBJECT, .object = &userssh},
                                          {.key = NULL}}};

static const struct spec_object plugin_tensorboard = {
    .what = "parameters",
    .fields = (const struct spec_field[]){{.key = "port", .kind = SPEC_INT, .min = 1, .max = 65535},
                                          {.key = "logdir", .kind = SPEC_DICT, .of = &a_string},
                                          {.key = NULL}}};

static const struct spec_object plugin_teamwise = {
    .what = "parameters",
    .fields =
        (const struct spec_field[]){{.key = "storageConfigNames", .kind = SPEC_LIST, .of = &a_string}, {.key = NULL}}};

static const struct spec_object plugin_cmd = {
    .what = "parameters",
    .fields = (const struct spec_field[]){{.key = "preCommands", .kind = SPEC_LIST, .of = &spec_tables_command},
                                          {.key = "postCommands", .kind = SPEC_LIST, .of = &spec_tables_command},
                                          {.key = NULL}}};

static const struct spec_object plugin_git = {
    .what = "parameters",
    .fields = (const struct spec_field[]){
        {.key = "repo_uri", .kind = SPEC_STRING, .required = true, .min = 1, .max = MAX_TEXT},
        {.key = "options", .kind = SPEC_STRING, .max = MAX_TEXT},
        {.key = "clone_dir", .kind = SPEC_STRING, .max = MAX_TEXT},
        {.key = NULL}}};

static const struct {
    const char *name;
    const struct spec_object *parameters;
} plugins[] = {
    {"ssh", &plugin_ssh},
    {"tensorboard", &plugin_tensorboard},
    {"teamwise_storage", &plugin_teamwise},
    {"cmd", &plugin_cmd},
    {"git", &plugin_git},
};

static const struct spec_object extras = {
    .what = "extras",
    .open = true,
    .fields = (const struct spec_field[]){
        {.key = "submitFrom", .kind = SPEC_STRING, .max = 255},
        {.key = "storages", .kind = SPEC_LIST, .of = &a_storage},
        {.key = "jobStatusChangeNotification", .kind = SPEC_OBJECT, .object = &notification},
        {.key = "hivedScheduler", .kind = SPEC_OBJECT, .object = &hived},
        {.key = PLUGINS_KEY, .kind = SPEC_LIST, .of = &a_plugin},
        {.key = "tags", .kind = SPEC_LIST, .max = 100, .of = &a_string},
        {.key = "drover", .kind = SPEC_MAP},
        {.key = NULL}}};

static const struct spec_place in_extras = {.key = "extras"};

/* ---- hivedScheduler ---- */

static int check_hived_role(struct spec_build *b, const struct doc *role, const struct spec_place *place)
{
    const struct doc *pinned = spec_schema_get(role, "pinnedCellId");
    struct spec_place in_pinned = {.up = place, .key = "pinnedCellId"};

    if (!doc_get(doc_get(b->root, "taskRoles"), role->key))
        return spec_place_fail_key(place, role, b->e, "there is no task role \"%.100s\"", role->key);
    if (pinned && spec_schema_get(role, "skuType"))
        return spec_place_fail(&in_pinned, pinned, b->e,
                               "task role \"%.100s\" has both \"skuType\" and \"pinnedCellId\"; give one of them",
                               role->key);
    return 0;
}

/* Roles of one affinity group must ask for the same SKU type. */
static int check_affinity(struct spec_build *b, const struct doc *role, const struct spec_place *place)
{
    const char *group = spec_schema_string(role, "affinityGroupName", NULL);
    const char *sku = spec_schema_string(role, "skuType", "");
    struct spec_place in_group = {.up = place, .key = "affinityGroupName"};

    for (const struct doc *c = role->next; group && c; c = c->next)
        if (!strcmp(spec_schema_string(c, "affinityGroupName", ""), group) &&
            strcmp(spec_schema_string(c, "skuType", ""), sku) != 0)
            return spec_place_fail(&in_group, doc_get(role, "affinityGroupName"), b->e,
                                   "affinity group \"%.100s\" mixes SKU types: \"%.60s\" and \"%.60s\"", group, sku,
                                   spec_schema_string(c, "skuType", ""));
    return 0;
}

/* The SKU or the node that a role asks for. Both are the whole job's: its tasks are placed as one gang. */
static int read_wish(struct spec_build *b, const struct doc *role, const struct spec_place *place)
{
    const struct doc *wanted = spec_schema_get(role, "skuType");
    const char *pin = spec_schema_string(role, "pinnedCellId", NULL);
    struct spec_place in_sku = {.up = place, .key = "skuType"};
    char *sku = wanted ? arena_alloc(b->arena, SKU_NAME_MAX) : NULL;
    const char **list = wanted ? arena_calloc(b->arena, 2, sizeof(char *)) : NULL;

    if (pin)
        b->spec->pin = pin;
    if (spec_schema_bool(role, "lazyPreemptionEnable", false))
        b->spec->lazy = true;
    if (!wanted)
        return 0;
    if (!sku || !list)
        return err_set(b->e, ERR_INTERNAL, "Out of memory.");
    sku_of_model(wanted->text, sku);
    if (b->spec->skus && strcmp(b->spec->skus[0], sku) != 0)
        return spec_place_fail(&in_sku, wanted, b->e, "all task roles of a job must ask for the same SKU type");
    list[0] = sku;
    b->spec->skus = list;
    return 0;
}

static int read_hived(struct spec_build *b)
{
    const struct doc *h = spec_schema_get(b->extras, "hivedScheduler");
    const struct doc *roles = spec_schema_get(h, "taskRoles");
    struct spec_place in_hived = {.up = &in_extras, .key = "hivedScheduler"};
    struct spec_place in_roles = {.up = &in_hived, .key = "taskRoles"};
    const char *class = spec_schema_string(h, "jobPriorityClass", NULL);

    b->spec->lazy = spec_schema_bool(h, "lazyPreemptionEnable", false);
    b->spec->priority_class = class;
    b->spec->priority = PRIORITY_DEFAULT;
    for (size_t i = 0; class && i < sizeof(priorities) / sizeof(priorities[0]); i++)
        if (!strcmp(priorities[i].name, class))
            b->spec->priority = priorities[i].value;
    for (const struct doc *c = roles ? roles->first : NULL; c; c = c->next) {
        struct spec_place here = spec_place_step(&in_roles, c, 0);

        if (check_hived_role(b, c, &here) || check_affinity(b, c, &here) || read_wish(b, c, &here))
            return -1;
    }
    return 0;
}

/* ---- ssh ---- */

/* Adds a line of the plugin's to the job's keys; an empty one is none. 0 or -1. */
static int add_ssh_key(struct spec_build *b, const char *line, size_t *count, struct err *e)
{
    const char *before = b->spec->ssh_keys ? b->spec->ssh_keys : "";
    char key[SSH_KEY_SIZE];

    if (!line)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    if (!line[strspn(line, " \t\r")])
        return 0;
    if (ssh_key_read(line, key, e))
        return -1;
    if (++*count > SPEC_SSH_KEYS_MAX)
        return err_set(e, ERR_INVALID_PARAMETERS, "There are more than %d keys.", SPEC_SSH_KEYS_MAX);
    b->spec->ssh_keys = arena_printf(b->arena, "%s%s\n", before, key);
    return b->spec->ssh_keys ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* The keys that userssh brings: one, or one a line. */
static int read_userssh(struct spec_build *b, const struct doc *parameters, const struct spec_place *place)
{
    const struct doc *user = spec_schema_get(parameters, "userssh"), *value = spec_schema_get(user, "value");
    struct spec_place in_user = {.up = place, .key = "userssh"}, in_value = {.up = &in_user, .key = "value"};
    struct err why = {0};
    size_t count = 0;

    if (!value || !strcmp(spec_schema_string(user, "type", ""), "none"))
        return 0;
    for (const char *line = value->text; *line && !why.code; line += strcspn(line, "\n"), line += *line == '\n')
        (void)add_ssh_key(b, arena_strndup(b->arena, line, strcspn(line, "\n")), &count, &why);
    return why.code ? spec_place_fail(&in_value, value, b->e, "%s", why.text) : 0;
}

/* ---- the rest ---- */

static int read_plugins(struct spec_build *b)
{
    const struct doc *list = spec_schema_get(b->extras, PLUGINS_KEY);
    struct spec_place in_plugins = {.up = &in_extras, .key = PLUGINS_KEY};
    size_t i = 0;

    b->plugins = list;
    for (const struct doc *c = list ? list->first : NULL; c; c = c->next, i++) {
        const struct doc *parameters = spec_schema_get(c, "parameters");
        struct spec_place here = spec_place_step(&in_plugins, c, i);
        struct spec_place below = {.up = &here, .key = "parameters"};

        for (size_t k = 0; parameters && k < sizeof(plugins) / sizeof(plugins[0]); k++)
            if (!strcmp(plugins[k].name, spec_schema_string(c, "plugin", "")) &&
                spec_schema_check(plugins[k].parameters, parameters, &below, b->e))
                return -1;
        if (!strcmp(spec_schema_string(c, "plugin", ""), "ssh") && read_userssh(b, parameters, &below))
            return -1;
    }
    return 0;
}

/* A boolean, or one in quotes: OpenPAI's own examples have both. */
static int read_gang(struct spec_build *b)
{
    const struct doc *d = spec_schema_get(b->extras, "gangAllocation");
    struct spec_place here = {.up = &in_extras, .key = "gangAllocation"};

    b->spec->gang = true;
    if (!d)
        return 0;
    if (d->type != DOC_BOOL && !(d->type == DOC_STRING && (!strcmp(d->text, "true") || !strcmp(d->text, "false"))))
        return spec_place_fail(&here, d, b->e, "\"gangAllocation\" must be true or false");
    b->spec->gang = d->text[0] == 't' || d->text[0] == 'T';
    return 0;
}

static void read_notification(struct spec_build *b)
{
    const struct doc *n = spec_schema_get(b->extras, "jobStatusChangeNotification");

    b->spec->notify = (struct spec_notify){
        .said = n != NULL,
        .running = spec_schema_bool(n, "running", false),
        .succeeded = spec_schema_bool(n, "succeeded", false),
        .stopped = spec_schema_bool(n, "stopped", false),
        .failed = spec_schema_bool(n, "failed", false),
        .retried = spec_schema_bool(n, "retried", false),
    };
}

int spec_extras_read(struct spec_build *b)
{
    struct spec_place in_drover = {.up = &in_extras, .key = "drover"};

    b->extras = spec_schema_get(b->root, "extras");
    if (b->extras && spec_schema_check(&extras, b->extras, &in_extras, b->e))
        return -1;
    if (read_gang(b) || read_hived(b) || read_plugins(b) || spec_storages_read(b))
        return -1;
    read_notification(b);
    b->spec->tags = spec_schema_get(b->extras, "tags");
    return protocol_extras_read(b->arena, b->spec, spec_schema_get(b->extras, "drover"), &in_drover, b->e);
}
