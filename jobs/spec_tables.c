/* SPDX-License-Identifier: MIT
 *
 * Job protocol v2 as tables. What a table cannot say (references, sums) is in spec_refs.c and spec_roles.c.
 */
#include "jobs/spec_tables.h"

#include <string.h>

#include "inventory/node.h"
#include "jobs/job.h"

#define MAX_COUNT 1000000
#define MAX_MB (1024 * 1024 * 1024)
#define MAX_TEXT 4096
#define PLUGIN_CMD "com.microsoft.pai.runtimeplugin.cmd"

static const char *const words_version[] = {"2", NULL};
static const char *const words_job[] = {"job", NULL};
static const char *const words_type[] = {"dockerimage", "script", "data", "output", NULL};
static const char *const words_failure[] = {"ignore", "fail", NULL};
static const char *const words_event[] = {"taskStarts", "taskSucceeds", NULL};
static const char *const words_plugin[] = {PLUGIN_CMD, NULL};

const struct spec_field spec_tables_command = {.key = "command", .kind = SPEC_STRING};
static const struct spec_field a_name = {.key = "name", .kind = SPEC_STRING, .min = 1, .max = MAX_TEXT};
static const struct spec_field a_uri = {.key = "uri", .kind = SPEC_STRING, .min = 1, .max = MAX_TEXT};

/* ---- prerequisites ---- */

#define PREREQUISITE_FIELDS                                                                                            \
    {.key = "protocolVersion", .kind = SPEC_TEXT},                                                                     \
        {.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = 255, .rule = spec_schema_name},        \
        {.key = "type", .kind = SPEC_STRING, .required = true, .words = words_type},                                   \
        {.key = "version", .kind = SPEC_TEXT}, {.key = "contributor", .kind = SPEC_STRING},                            \
    {                                                                                                                  \
        .key = "description", .kind = SPEC_STRING                                                                      \
    }

static const struct spec_object prerequisite = {
    .what = "prerequisite", .open = true, .fields = (const struct spec_field[]){PREREQUISITE_FIELDS, {.key = NULL}}};

static const struct spec_object auth = {.what = "auth",
                                        .fields =
                                            (const struct spec_field[]){{.key = "username", .kind = SPEC_STRING},
                                                                        {.key = "password", .kind = SPEC_STRING},
                                                                        {.key = "registryuri", .kind = SPEC_STRING},
                                                                        {.key = NULL}}};

static const struct spec_object callback = {
    .what = "callback",
    .fields = (const struct spec_field[]){
        {.key = "event", .kind = SPEC_STRING, .required = true, .words = words_event},
        {.key = "commands", .kind = SPEC_LIST, .required = true, .min = 1, .of = &spec_tables_command},
        {.key = NULL}}};
static const struct spec_field a_callback = {.key = "callback", .kind = SPEC_OBJECT, .object = &callback};

#define PLUGIN_FIELDS                                                                                                  \
    {.key = "plugin", .kind = SPEC_STRING, .words = words_plugin},                                                     \
        {.key = "require", .kind = SPEC_LIST, .of = &a_name},                                                          \
        {.key = "failurePolicy", .kind = SPEC_STRING, .words = words_failure},                                         \
    {                                                                                                                  \
        .key = "callbacks", .kind = SPEC_LIST, .of = &a_callback                                                       \
    }

static const struct spec_object dockerimage = {
    .what = "prerequisite",
    .fields =
        (const struct spec_field[]){PREREQUISITE_FIELDS,
                                    {.key = "uri", .kind = SPEC_STRING, .required = true, .min = 1, .max = MAX_TEXT},
                                    {.key = "auth", .kind = SPEC_OBJECT, .object = &auth},
                                    {.key = NULL}}};

static const struct spec_object script_or_output = {
    .what = "prerequisite",
    .open = true, /* a plugin's own keys */
    .fields = (const struct spec_field[]){PREREQUISITE_FIELDS,
                                          PLUGIN_FIELDS,
                                          {.key = "uri", .kind = SPEC_STRING, .min = 1, .max = MAX_TEXT},
                                          {.key = NULL}}};

static const struct spec_object data = {
    .what = "prerequisite",
    .open = true,
    .fields = (const struct spec_field[]){
        PREREQUISITE_FIELDS, PLUGIN_FIELDS, {.key = "uri", .kind = SPEC_LIST, .of = &a_uri}, {.key = NULL}}};

const struct spec_object *spec_tables_prerequisite(const char *type)
{
    if (!strcmp(type, "dockerimage"))
        return &dockerimage;
    return strcmp(type, "data") ? &script_or_output : &data;
}

/* ---- task roles ---- */

static const struct spec_object completion = {
    .what = "completion",
    .fields = (const struct spec_field[]){
        {.key = "minFailedInstances", .kind = SPEC_INT, .minus_one = true, .min = 1, .max = MAX_COUNT},
        {.key = "minSucceededInstances", .kind = SPEC_INT, .minus_one = true, .min = 1, .max = MAX_COUNT},
        {.key = NULL}}};

static const struct spec_object container_options = {
    .what = "extraContainerOptions",
    .fields = (const struct spec_field[]){{.key = "shmMB", .kind = SPEC_INT, .min = 1, .max = MAX_MB},
                                          {.key = "infiniband", .kind = SPEC_BOOL},
                                          {.key = NULL}}};

static const struct spec_field port_count = {.key = "port label", .kind = SPEC_INT, .min = 1, .max = SPEC_MAX_PORTS};

static const struct spec_object resources = {
    .what = "resourcePerInstance",
    .fields = (const struct spec_field[]){
        {.key = "cpu", .kind = SPEC_INT, .required = true, .min = 1, .max = MAX_COUNT},
        {.key = "memoryMB", .kind = SPEC_INT, .required = true, .min = 1, .max = MAX_MB},
        {.key = "gpu", .kind = SPEC_INT, .required = true, .min = 0, .max = NODE_GPU_MAX},
        {.key = "ports", .kind = SPEC_DICT, .rule = spec_schema_identifier, .of = &port_count},
        {.key = NULL}}};

static const struct spec_object task_role = {
    .what = "task role",
    .fields = (const struct spec_field[]){
        {.key = "instances", .kind = SPEC_INT, .min = 1, .max = SPEC_MAX_TASKS},
        {.key = "completion", .kind = SPEC_OBJECT, .object = &completion},
        {.key = "taskRetryCount", .kind = SPEC_INT, .min = 0, .max = MAX_COUNT},
        {.key = "dockerImage", .kind = SPEC_STRING, .required = true, .min = 1, .max = 255},
        {.key = "data", .kind = SPEC_STRING, .min = 1, .max = 255},
        {.key = "output", .kind = SPEC_STRING, .min = 1, .max = 255},
        {.key = "script", .kind = SPEC_STRING, .min = 1, .max = 255},
        {.key = "prerequisites", .kind = SPEC_LIST, .max = SPEC_MAX_PREREQUISITES, .of = &a_name},
        {.key = "extraContainerOptions", .kind = SPEC_OBJECT, .object = &container_options},
        {.key = "resourcePerInstance", .kind = SPEC_OBJECT, .required = true, .object = &resources},
        {.key = "commands", .kind = SPEC_LIST, .required = true, .min = 1, .of = &spec_tables_command},
        {.key = NULL}}};

/* ---- deployments, defaults, the job ---- */

static const struct spec_object deployment_role = {
    .what = "task role",
    .fields =
        (const struct spec_field[]){{.key = "preCommands", .kind = SPEC_LIST, .min = 1, .of = &spec_tables_command},
                                    {.key = "postCommands", .kind = SPEC_LIST, .min = 1, .of = &spec_tables_command},
                                    {.key = NULL}}};
static const struct spec_field a_deployment_role = {
    .key = "task role", .kind = SPEC_OBJECT, .object = &deployment_role};

static const struct spec_object deployment = {
    .what = "deployment",
    .fields = (const struct spec_field[]){
        {.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = 255, .rule = spec_schema_name},
        {.key = "taskRoles", .kind = SPEC_DICT, .required = true, .min = 1, .of = &a_deployment_role},
        {.key = NULL}}};

static const struct spec_object defaults = {
    .what = "defaults",
    .fields = (const struct spec_field[]){{.key = "virtualCluster", .kind = SPEC_STRING, .min = 1, .max = 255},
                                          {.key = "deployment", .kind = SPEC_STRING, .min = 1, .max = 255},
                                          {.key = NULL}}};

static const struct spec_field a_prerequisite = {.key = "prerequisite", .kind = SPEC_OBJECT, .object = &prerequisite};
static const struct spec_field a_task_role = {.key = "task role", .kind = SPEC_OBJECT, .object = &task_role};
static const struct spec_field a_deployment = {.key = "deployment", .kind = SPEC_OBJECT, .object = &deployment};

const struct spec_object spec_tables_job = {
    .what = "job",
    .fields = (const struct spec_field[]){
        {.key = "protocolVersion", .kind = SPEC_TEXT, .required = true, .words = words_version},
        {.key = "name", .kind = SPEC_STRING, .required = true, .min = 1, .max = JOB_NAME_MAX, .rule = spec_schema_name},
        {.key = "type", .kind = SPEC_STRING, .required = true, .words = words_job},
        {.key = "version", .kind = SPEC_TEXT},
        {.key = "contributor", .kind = SPEC_STRING},
        {.key = "description", .kind = SPEC_STRING},
        {.key = "prerequisites", .kind = SPEC_LIST, .min = 1, .max = SPEC_MAX_PREREQUISITES, .of = &a_prerequisite},
        {.key = "parameters", .kind = SPEC_MAP},
        {.key = "secrets", .kind = SPEC_MAP},
        {.key = "jobRetryCount", .kind = SPEC_INT, .min = 0, .max = MAX_COUNT},
        {.key = "taskRoles",
         .kind = SPEC_DICT,
         .required = true,
         .min = 1,
         .max = SPEC_MAX_ROLES,
         .rule = spec_schema_identifier,
         .of = &a_task_role},
        {.key = "deployments", .kind = SPEC_LIST, .min = 1, .of = &a_deployment},
        {.key = "defaults", .kind = SPEC_OBJECT, .object = &defaults},
        {.key = "extras", .kind = SPEC_MAP},
        {.key = NULL}}};
