/* SPDX-License-Identifier: MIT
 *
 * The verbs that change one thing, or several of a kind, by one call each: a row says the call, where in its body the
 * options go, and what to say afterwards. What needs more than that has a file of its own.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/cells.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/values.h"
#include "tui/verbs/verbs.h"

enum { FILE_MAX = 512 << 10 };

/* How the text of an option becomes a value. */
enum value {
    VALUE_TEXT,
    VALUE_NUMBER,
    VALUE_HOURS,  /* as minutes */
    VALUE_JSON,   /* a file with an object, or "none": null */
    VALUE_LIST,   /* "a,b" */
    VALUE_GPUS,   /* "sku=4,other=8" */
    VALUE_DAYS,   /* from now: a moment */
    VALUE_END,    /* the same; 0: never */
    VALUE_SECRET, /* the first line of a file */
    VALUE_YES_NO, /* "yes", "no" */
    VALUE_MOMENT, /* a point in time */
    VALUE_ON,     /* a switch: true */
    VALUE_OFF,    /* a switch: false */
};

/* An option and its place in the body: "data.path" is a member of a member. */
struct member {
    const char *option, *place;
    enum value kind;
};

struct change {
    const char *verb, *method;
    const char *path;             /* %s: the argument it is about */
    const char *body;             /* the whole of it, where it is always the same */
    const char *name_at;          /* the first argument's place in the body */
    const char *file_at;          /* the place of the text of the file that is the second argument */
    const char *true_at;          /* what is always true in the body */
    const char *value;            /* the body's "value", where it is always the same */
    const char *pairs_at;         /* the place of an object of the KEY=VALUE that follow the first argument */
    const char *asks;             /* what to ask on the terminal when the option of a secret is not given */
    const struct member *members; /* up to a row of zeros */
    const char *prints;           /* a member of the reply that goes to standard output */
    const char *done;             /* what to say: %s is the argument */
    bool jobs;                    /* the arguments are jobs */
    bool others;                  /* the call is about the arguments behind the first, each */
    bool sends_file;              /* the body is the file that the first argument names */
};

static const struct member vc_members[] = {
    {"gpus", "guarantee", VALUE_GPUS},
    {"pin", "pins", VALUE_LIST},
    {"borrow", "borrow", VALUE_NUMBER},
    {"user-cap", "userCap", VALUE_NUMBER},
    {"cpus", "cpus", VALUE_NUMBER},
    {"max-time", "maxTime", VALUE_NUMBER},
    {"max-gpus", "maxGpus", VALUE_NUMBER},
    {"max-jobs", "maxJobs", VALUE_NUMBER},
    {"keep-logs", "keepLogsDays", VALUE_NUMBER},
    {"user-disk", "userDiskMB", VALUE_NUMBER},
    {"debug", "debugReservations", VALUE_TEXT},
    {"debug-minutes", "debugMaxMinutes", VALUE_NUMBER},
    {"debug-per-user", "debugPerUser", VALUE_NUMBER},
    {"debug-total", "debugTotal", VALUE_NUMBER},
    {"debug-reclaim", "debugReclaim", VALUE_TEXT},
    {"idle-file", "idle", VALUE_JSON},
    {"parent", "parent", VALUE_TEXT},
    {"read", "read", VALUE_TEXT},
    {"preemption", "preemption", VALUE_TEXT},
    {"description", "description", VALUE_TEXT},
    {0},
};

static const struct member storage_members[] = {
    {"kind", "kind", VALUE_TEXT},
    {"path", "data.path", VALUE_TEXT},
    {"server", "data.server", VALUE_TEXT},
    {"address", "data.address", VALUE_TEXT},
    {"endpoint", "data.endpoint", VALUE_TEXT},
    {"bucket", "data.bucket", VALUE_TEXT},
    {"prefix", "data.prefix", VALUE_TEXT},
    {"host-path", "hostPath", VALUE_TEXT},
    {"read-only", "readOnly", VALUE_ON},
    {"own-folders", "share", VALUE_OFF},
    {0},
};

static const struct member template_members[] = {
    {"title", "title", VALUE_TEXT},
    {"description", "description", VALUE_TEXT},
    {"visibility", "visibility", VALUE_TEXT},
    {"group", "group", VALUE_TEXT},
    {0},
};

#define GROUP_MEMBERS(in)                                                                                              \
    {"description", in "description", VALUE_TEXT}, {"vcs", in "extension.acls.virtualClusters", VALUE_LIST},           \
        {"manages", in "extension.acls.managedVirtualClusters", VALUE_LIST},                                           \
        {"storages", in "extension.acls.storageConfigs", VALUE_LIST},                                                  \
        {"admin", in "extension.acls.admin", VALUE_YES_NO}, {0},

static const struct member group_add_members[] = {GROUP_MEMBERS("")};
static const struct member group_set_members[] = {GROUP_MEMBERS("data.")};

static const struct member token_members[] = {
    {"days", "expires", VALUE_DAYS},
    {"read-only", "readOnly", VALUE_ON},
    {0},
};

#define USER_MEMBERS(in)                                                                                               \
    {"password-file", in "password", VALUE_SECRET}, {"email", in "email", VALUE_TEXT},                                 \
        {"groups", in "grouplist", VALUE_LIST}, {"vcs", in "virtualCluster", VALUE_LIST},                              \
        {"admin", in "admin", VALUE_YES_NO}, {"days", in "expires", VALUE_END},                                        \
        {"user-disk", in "userDiskMB", VALUE_NUMBER},

static const struct member user_add_members[] = {USER_MEMBERS(""){0}};
static const struct member user_set_members[] = {USER_MEMBERS("data."){"disabled", "data.disabled", VALUE_YES_NO}, {0}};
static const struct member snooze_members[] = {
    {"hours", "minutes", VALUE_HOURS}, {"reason", "reason", VALUE_TEXT}, {0}};
static const struct member mark_members[] = {{"reason", "reason", VALUE_TEXT}, {0}};
static const struct member maintenance_members[] = {
    {"node", "nodes", VALUE_LIST},
    {"all", "all", VALUE_ON},
    {"start", "start", VALUE_MOMENT},
    {"end", "end", VALUE_MOMENT},
    {"on-start", "onStart", VALUE_TEXT},
    {"reason", "reason", VALUE_TEXT},
    {0},
};
static const struct member reservation_members[] = {{"minutes", "minutes", VALUE_NUMBER}, {0}};

#define NODE(word) .method = "PUT", .path = "/api/v2/nodes/%s/state", .value = (word), .members = mark_members
#define RESERVATION "/api/v2/jobs/%s/reservation"
#define VC "/api/v2/virtual-clusters/%s"
#define MEMBERSHIP "/api/v2/users/%s/group"
#define SSH_KEY "/api/v2/ssh-keys/%s"

static const struct change changes[] = {
    {.verb = "archive",
     .method = "DELETE",
     .path = "/api/v2/jobs/%s",
     .jobs = true,
     .done = "%s is put away; its name is free again."},
    {.verb = "hold",
     .method = "PUT",
     .path = "/api/v2/jobs/%s/hold",
     .jobs = true,
     .done = "%s is held: it does not start until it is released."},
    {.verb = "release", .method = "DELETE", .path = "/api/v2/jobs/%s/hold", .jobs = true, .done = "%s is released."},
    {.verb = "tag",
     .method = "PUT",
     .path = "/api/v2/jobs/%s/tag",
     .name_at = "value",
     .jobs = true,
     .others = true,
     .done = "%s has the tag."},
    {.verb = "untag",
     .method = "DELETE",
     .path = "/api/v2/jobs/%s/tag",
     .name_at = "value",
     .jobs = true,
     .others = true,
     .done = "%s has the tag no more."},
    {.verb = "snooze",
     .method = "PUT",
     .path = "/api/v2/jobs/%s/snooze",
     .jobs = true,
     .members = snooze_members,
     .done = "%s is snoozed: no rule about GPUs that are not used looks at it."},
    {.verb = "reservation extend",
     .method = "PUT",
     .path = RESERVATION,
     .jobs = true,
     .members = reservation_members,
     .done = "The debug reservation of %s is extended."},
    {.verb = "reservation release", .method = "DELETE", .path = RESERVATION, .jobs = true, .done = "%s is released."},
    {.verb = "silence expire", .method = "DELETE", .path = "/api/v2/silences/%s", .done = "%s has ended."},
    {.verb = "node cordon", NODE("cordon"), .done = "Nothing new starts on %s."},
    {.verb = "node drain", NODE("drain"), .done = "%s is being emptied: nothing new starts there."},
    {.verb = "node uncordon", NODE("uncordon"), .done = "%s takes tasks again."},
    {.verb = "maintenance add",
     .method = "POST",
     .path = "/api/v2/maintenance",
     .members = maintenance_members,
     .prints = "message"},
    {.verb = "maintenance remove",
     .method = "DELETE",
     .path = "/api/v2/maintenance/%s",
     .done = "Maintenance window %s is removed."},
    {.verb = "node label",
     .method = "PUT",
     .path = "/api/v2/nodes/%s/labels",
     .pairs_at = "labels",
     .done = "The labels of %s are set."},
    {.verb = "vc set", .method = "PUT", .path = VC, .members = vc_members, .done = "Virtual cluster %s is set."},
    {.verb = "vc stop",
     .method = "PUT",
     .path = VC "/status",
     .body = "{\"vcStatus\":\"stopped\"}",
     .done = "Virtual cluster %s accepts no jobs."},
    {.verb = "vc start",
     .method = "PUT",
     .path = VC "/status",
     .body = "{\"vcStatus\":\"running\"}",
     .done = "Virtual cluster %s accepts jobs again."},
    {.verb = "vc delete", .method = "DELETE", .path = VC, .done = "Virtual cluster %s is gone."},
    {.verb = "storage set",
     .method = "PUT",
     .path = "/api/v2/storages/%s",
     .members = storage_members,
     .done = "Storage %s is set."},
    {.verb = "storage delete",
     .method = "DELETE",
     .path = "/api/v2/storages/%s",
     .done = "Storage %s is forgotten; its files stay."},
    {.verb = "template save",
     .method = "POST",
     .path = "/api/v2/templates",
     .members = template_members,
     .name_at = "name",
     .file_at = "config",
     .done = "Template %s is kept."},
    {.verb = "template set",
     .method = "PUT",
     .path = "/api/v2/templates/%s",
     .members = template_members,
     .file_at = "config",
     .done = "Template %s is changed."},
    {.verb = "template show", .method = "GET", .path = "/api/v2/templates/%s", .prints = "config"},
    {.verb = "template delete", .method = "DELETE", .path = "/api/v2/templates/%s", .done = "Template %s is gone."},
    {.verb = "settings set",
     .method = "PUT",
     .path = "/api/v2/settings",
     .sends_file = true,
     .done = "The settings are those of %s."},
    {.verb = "user add",
     .method = "POST",
     .path = "/api/v2/users",
     .members = user_add_members,
     .name_at = "username",
     .asks = "Password of the new user: ",
     .done = "User %s is made."},
    {.verb = "user set",
     .method = "PUT",
     .path = "/api/v2/users",
     .members = user_set_members,
     .name_at = "data.username",
     .true_at = "patch",
     .done = "User %s is changed."},
    {.verb = "user delete", .method = "DELETE", .path = "/api/v2/users/%s", .done = "User %s is removed."},
    {.verb = "users invite", .method = "POST", .path = "/api/v2/users/%s/invitation", .prints = "invitation"},
    {.verb = "group add",
     .method = "POST",
     .path = "/api/v2/groups",
     .members = group_add_members,
     .name_at = "groupname",
     .done = "Group %s is made."},
    {.verb = "group set",
     .method = "PUT",
     .path = "/api/v2/groups",
     .members = group_set_members,
     .name_at = "data.groupname",
     .true_at = "patch",
     .done = "Group %s is changed."},
    {.verb = "group delete", .method = "DELETE", .path = "/api/v2/groups/%s", .done = "Group %s is gone."},
    {.verb = "group join",
     .method = "PUT",
     .path = MEMBERSHIP,
     .name_at = "groupname",
     .others = true,
     .done = "%s is a member."},
    {.verb = "group leave",
     .method = "DELETE",
     .path = MEMBERSHIP,
     .name_at = "groupname",
     .others = true,
     .done = "%s is no member any more."},
    {.verb = "token create",
     .method = "POST",
     .path = "/api/v2/tokens/application",
     .members = token_members,
     .prints = "token"},
    {.verb = "ssh-key add", .method = "PUT", .path = SSH_KEY, .file_at = "value", .done = "Your tasks let in %s."},
    {.verb = "ssh-key delete", .method = "DELETE", .path = SSH_KEY, .done = "Your tasks let %s in no more."},
    {.verb = "webhook delete",
     .method = "DELETE",
     .path = "/api/v2/users/me/webhooks/%s",
     .done = "Webhook %s is gone."},
    {.verb = "token revoke", .method = "DELETE", .path = "/api/v2/tokens/%s", .done = "Token %s is revoked."},
};

/* ---- the body ---- */

/* What was given to an option, as JSON; NULL with `e`. */
static cJSON *value_of(struct cli *cli, const struct change *c, const struct member *m, struct err *e)
{
    const char *text = args_get(&cli->args, m->option);

    switch (m->kind) {
    case VALUE_ON:
        return cJSON_CreateTrue();
    case VALUE_OFF:
        return cJSON_CreateFalse();
    case VALUE_YES_NO:
        return cJSON_CreateBool(!strcmp(text, "yes"));
    case VALUE_LIST:
        return values_list(cli, text);
    case VALUE_GPUS:
        return values_gpus(cli, text, e);
    case VALUE_NUMBER:
        return values_number(cli, m->option, (int64_t[3]){0, 1000000000, 1}, e);
    case VALUE_HOURS:
        return values_number(cli, m->option, (int64_t[3]){1, 720, 60}, e);
    case VALUE_MOMENT:
        return values_moment(m->option, text, e);
    case VALUE_JSON:
        return values_file(text, e);
    case VALUE_DAYS:
        return values_days(cli, m->option, 1, e);
    case VALUE_END:
        return values_days(cli, m->option, 0, e);
    case VALUE_SECRET:
        return values_secret(cli, m->option, c->asks, e);
    case VALUE_TEXT:
        break;
    }
    return cJSON_CreateString(text);
}

/* Puts a value at "a.b.c", which it takes over. 0 or -1. */
static int put(cJSON *body, const char *place, cJSON *value, struct err *e)
{
    return cells_put(body, place, value) ? err_set(e, ERR_INTERNAL, "Out of memory.") : 0;
}

static int put_file(cJSON *body, const char *place, const char *file, struct err *e)
{
    struct buf text;
    int rc;

    buf_init(&text, FILE_MAX + 1);
    rc = fs_read(file, FILE_MAX, &text, e);
    if (!rc)
        rc = put(body, place, cJSON_CreateString(buf_str(&text)), e);
    buf_fini(&text);
    return rc;
}

/* The arguments behind the first, KEY=VALUE each, as an object's members. 0 or -1. */
static int put_pairs(struct cli *cli, cJSON *body, const char *place, struct err *e)
{
    cJSON *pairs = cJSON_AddObjectToObject(body, place);

    for (int i = 1; i < cli->args.rest_count; i++) {
        const char *typed = cli->args.rest[i], *mark = strchr(typed, '=');
        const char *key = mark ? arena_strndup(cli->arena, typed, (size_t)(mark - typed)) : NULL;

        if (!mark || mark == typed)
            return err_set(e, ERR_INVALID_PARAMETERS, "A label is written KEY=VALUE, not \"%s\".", typed);
        if (!key || !cJSON_AddStringToObject(pairs, key, mark + 1))
            return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    return pairs ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* What is in the body whatever the options. 0 or -1. */
static int put_fixed(struct cli *cli, const struct change *c, cJSON *body, struct err *e)
{
    if (c->true_at && put(body, c->true_at, cJSON_CreateTrue(), e))
        return -1;
    if (c->value && put(body, "value", cJSON_CreateString(c->value), e))
        return -1;
    if (c->name_at && put(body, c->name_at, cJSON_CreateString(cli->args.rest[0]), e))
        return -1;
    if (c->pairs_at && put_pairs(cli, body, c->pairs_at, e))
        return -1;
    if (c->file_at && cli->args.rest_count > 1)
        return put_file(body, c->file_at, cli->args.rest[1], e);
    return 0;
}

static int put_options(struct cli *cli, const struct change *c, cJSON *body, struct err *e)
{
    for (const struct member *m = c->members; m && m->option; m++) {
        bool wanted = args_has(&cli->args, m->option) || (m->kind == VALUE_SECRET && c->asks);
        cJSON *value = wanted ? value_of(cli, c, m, e) : NULL;

        if (e->code || (value && put(body, m->place, value, e)))
            return -1;
    }
    return 0;
}

/* The file that is the body, checked to be JSON so that the place of an error is named; NULL with `e`. */
static char *read_body(const char *file, struct err *e)
{
    struct buf text;
    char *copy = NULL;
    cJSON *o = NULL;

    buf_init(&text, FILE_MAX + 1);
    if (!fs_read(file, FILE_MAX, &text, e))
        o = json_parse(buf_str(&text), text.len, FILE_MAX, e);
    if (o) {
        copy = cJSON_PrintUnformatted(o);
        if (!copy)
            err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    cJSON_Delete(o);
    buf_fini(&text);
    return copy;
}

/* The body, to be freed with cJSON_free; NULL when there is none, or with `e`. */
static char *make_body(struct cli *cli, const struct change *c, struct err *e)
{
    cJSON *body = c->members || c->name_at || c->pairs_at || c->file_at ? cJSON_CreateObject() : NULL;
    char *text = NULL;

    if (c->sends_file)
        return read_body(cli->args.rest[0], e);
    if (!body)
        return NULL;
    if (!put_fixed(cli, c, body, e) && !put_options(cli, c, body, e)) {
        text = cJSON_PrintUnformatted(body);
        if (!text)
            err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    cJSON_Delete(body);
    return text;
}

/* ---- the call ---- */

/* The row's sentence, about this one. */
static void say_done(struct cli *cli, const struct change *c, const char *about)
{
    const char *mark = strstr(c->done, "%s");

    if (mark)
        cli_say(cli, cli->err, "%.*s%s%s\n", (int)(mark - c->done), c->done, about, mark + 2);
}

/* Prints what was asked for: the reply, one member of it, or a word about what was done. */
static int tell(struct cli *cli, const struct change *c, const char *about, const struct buf *reply, struct err *e)
{
    cJSON *o;
    const char *text;

    if (cli->format == OUTPUT_JSON) {
        (void)fprintf(cli->out, "%s\n", buf_str(reply));
        return 0;
    }
    if (!c->prints) {
        if (cli->format == OUTPUT_NAME)
            cli_say(cli, cli->out, "%s\n", about);
        else
            say_done(cli, c, about);
        return 0;
    }
    o = json_parse(buf_str(reply), reply->len, TRANSFER_MAX_BODY, e);
    text = o ? cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, c->prints)) : NULL;
    if (text && output_foreign(&cli->term, text, strlen(text), cli->out))
        err_set(e, ERR_INTERNAL, "Cannot write the output.");
    else if (text && *text && text[strlen(text) - 1] != '\n')
        (void)fputc('\n', cli->out);
    else if (!text && !e->code)
        err_set(e, ERR_INTERNAL, "The server's answer has no \"%s\".", c->prints);
    cJSON_Delete(o);
    return e->code ? -1 : 0;
}

/* About one argument, or about none. Exit status. */
static int call(struct cli *cli, const struct change *c, const char *typed, const char *body)
{
    struct transfer_request r = {.method = c->method, .type = body ? "application/json" : NULL, .body = body};
    struct err e = {0};
    struct buf reply;
    const char *about = typed && c->jobs ? cli_full_name(cli, typed, &e) : typed;
    int status = CLI_OK;

    buf_init(&reply, TRANSFER_MAX_BODY + 1);
    r.body_len = body ? strlen(body) : 0;
    r.path = e.code ? NULL : cli_path(cli, c->path, about ? about : "");
    if (!r.path || client_call(&cli->server, &r, &reply, &e) || tell(cli, c, about, &reply, &e))
        status = cli_fail(cli, cli->args.rest_count > 1 ? typed : NULL, &e);
    if (reply.data)
        explicit_bzero(reply.data, reply.len);
    buf_fini(&reply);
    return status;
}

static const struct change *find(const char *verb)
{
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++)
        if (!strcmp(changes[i].verb, verb))
            return &changes[i];
    return NULL;
}

/* About each argument that it is about. The first failure's exit status, or CLI_OK. */
static int call_each(struct cli *cli, const struct change *c, const char *body)
{
    int first = c->others ? 1 : 0;
    int last = c->pairs_at || c->file_at || cli->args.rest_count <= first ? first : cli->args.rest_count - 1;
    int status = CLI_OK;

    for (int i = first; i <= last; i++) {
        int one = call(cli, c, i < cli->args.rest_count ? cli->args.rest[i] : NULL, body);

        status = status ? status : one;
    }
    return status;
}

int change_run(struct cli *cli)
{
    const struct change *c = find(cli->command->name);
    struct err e = {0};
    char *body;
    int status;

    if (!c)
        return cli_usage(cli, "%s is no command that changes something.", cli->command->name);
    body = make_body(cli, c, &e);
    if (c->sends_file && e.code)
        status = cli_fail(cli, e.line ? cli->args.rest[0] : NULL, &e);
    else if (e.code == ERR_INVALID_PARAMETERS)
        status = cli_usage(cli, "%s", e.text);
    else if (e.code || cli_connect(cli, &e))
        status = cli_fail(cli, NULL, &e);
    else
        status = call_each(cli, c, body ? body : c->body);
    if (body)
        explicit_bzero(body, strlen(body));
    cJSON_free(body);
    return status;
}
