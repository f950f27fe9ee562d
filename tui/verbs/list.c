/* SPDX-License-Identifier: MIT
 *
 * The verbs that print tables: jobs, nodes, events.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/verbs/verbs.h"

static const struct table_column list_job_columns[] = {
    {"JOB", "job", 0, 12, false},
    {"STATE", "state", 0, 0, false},
    {"USER", "user", 4, 6, false},
    {"VC", "vc", 6, 6, false},
    {"GPUS", "gpus", 5, 0, true},
    {"TASKS", "tasks", 7, 0, true},
    {"SUBMITTED", "submitted", 3, 0, false},
    {"WAIT/RUN", "span", 2, 0, true},
    {"WHY", "why", 1, 12, false},
    {"PRIORITY", "priority", 10, 0, false},
    {"RETRIES", "retries", 10, 0, true},
    {"EXIT", "exit", 10, 0, true},
    {"TAGS", "tags", 10, 0, false},
    {"ID", "id", 10, 0, false},
};

/* State with its glyph where the terminal has it. */
static const char *list_state(struct cli *cli, enum word_state state)
{
    const struct word *w = words_get(state);

    if (cli->term.tty && cli->term.utf8 && cli->format == OUTPUT_TABLE)
        return arena_printf(cli->arena, "%s %s", w->glyph, w->text);
    return w->text;
}

static const char *list_number(struct cli *cli, int64_t n)
{
    return arena_printf(cli->arena, "%lld", (long long)n);
}

/* Text for a machine (CSV) is exact where text for a person is round. */
static const char *list_span(struct cli *cli, const struct model_job *j, int64_t now)
{
    char text[FORMAT_SIZE];

    if (cli->format == OUTPUT_CSV)
        return list_number(cli, model_span(j, now) / 1000);
    return arena_strdup(cli->arena, format_duration(model_span(j, now), text));
}

static int list_print_jobs(struct cli *cli, const struct model_jobs *jobs)
{
    size_t columns = sizeof list_job_columns / sizeof *list_job_columns;
    struct output *o = output_create(cli->arena, list_job_columns, columns, jobs->count);
    int64_t now = clock_read().wall;

    for (size_t i = 0; o && i < jobs->count; i++) {
        const struct model_job *j = &jobs->items[i];
        const char *cells[] = {
            j->full,
            list_state(cli, j->state),
            j->user,
            j->vc,
            list_number(cli, j->gpus),
            list_number(cli, j->tasks),
            cli_time_cell(cli, now, j->submitted),
            list_span(cli, j, now),
            model_why(cli->arena, j),
            *j->priority ? j->priority : NULL,
            list_number(cli, j->retries),
            j->has_exit ? list_number(cli, j->exit_code) : NULL,
            j->tags,
            j->id,
        };

        for (size_t c = 0; c < columns; c++)
            output_cell(o, i, c, cells[c], c == 1 ? words_get(j->state)->colour : COLOUR_DEFAULT);
    }
    return cli_table(cli, o);
}

/* "waiting,failed" as the API's "WAITING,FAILED"; NULL with `e` when a word is no state. */
static const char *list_states(struct cli *cli, const char *typed, struct err *e)
{
    const char *all = "";

    while (*typed) {
        size_t len = strcspn(typed, ",");
        const char *word = arena_strndup(cli->arena, typed, len);
        const char *wire = word ? words_to_wire(word) : NULL;

        if (!wire) {
            (void)err_set(e, ERR_INVALID_PARAMETERS,
                          "There is no state \"%s\"; it is one of: waiting running stopping succeeded failed stopped.",
                          word ? word : "");
            return NULL;
        }
        all = arena_printf(cli->arena, "%s%s%s", all, *all ? "," : "", wire);
        typed += len + (typed[len] == ',');
    }
    return all;
}

static void list_param(struct buf *path, const char *name, const char *value)
{
    if (!value)
        return;
    (void)buf_addf(path, "&%s=", name);
    transfer_escape(path, value);
}

static void list_order(struct cli *cli, struct buf *path)
{
    static const struct {
        const char *word;
        const char *field;
        bool falling; /* the order that people expect first */
    } orders[] = {
        {"submitted", "submissionTime", true}, {"name", "jobName", false},
        {"user", "username", false},           {"vc", "vc", false},
        {"retries", "retries", true},          {"tasks", "totalTaskNumber", true},
        {"gpus", "totalGpuNumber", true},      {"state", "state", false},
        {"completed", "completionTime", true}, {"priority", "jobPriority", false},
    };
    const char *sort = args_get(&cli->args, "sort");
    bool reverse = args_has(&cli->args, "reverse");

    for (size_t i = 0; i < sizeof orders / sizeof *orders; i++) {
        if (strcmp(sort ? sort : "submitted", orders[i].word))
            continue;
        (void)buf_addf(path, "&order=%s,%s", orders[i].field, orders[i].falling != reverse ? "DESC" : "ASC");
    }
}

/* The own name, for "my jobs". */
static const char *list_me(struct cli *cli, struct err *e)
{
    const char *full = cli_full_name(cli, "x", e);

    return full ? arena_strndup(cli->arena, full, strcspn(full, "~")) : NULL;
}

static int list_jobs_path(struct cli *cli, struct buf *path, struct err *e)
{
    const char *user = args_get(&cli->args, "user");
    const char *state = args_get(&cli->args, "state");
    int64_t limit = 50;

    if (args_int(&cli->args, "limit", (int64_t[2]){1, 50000}, &limit, e))
        return -1;
    if (!user && !args_has(&cli->args, "all") && !(user = list_me(cli, e)))
        return -1;
    if (state && !(state = list_states(cli, state, e)))
        return -1;
    (void)buf_addf(path, "/api/v2/jobs?limit=%lld&withTotalCount=true", (long long)limit);
    list_param(path, "username", user);
    list_param(path, "vc", args_get(&cli->args, "vc"));
    list_param(path, "state", state);
    list_param(path, "keyword", args_get(&cli->args, "keyword"));
    list_order(cli, path);
    return 0;
}

/* Prints the jobs, or how to get some. */
static int list_show_jobs(struct cli *cli, const struct model_jobs *jobs)
{
    bool all = args_has(&cli->args, "all");
    int status;

    if (!jobs->count && cli->term.tty && cli->format <= OUTPUT_WIDE) {
        cli_say(cli, cli->err, "No jobs here. Submit one with: drover submit FILE%s\n",
                all ? "" : "; those of everybody: drover jobs --all");
        return CLI_OK;
    }
    status = list_print_jobs(cli, jobs);
    if (!status && cli->err_term.tty && jobs->total > (int64_t)jobs->count)
        cli_say(cli, cli->err, "%zu of %lld jobs; more with --limit.\n", jobs->count, (long long)jobs->total);
    return status;
}

int list_jobs(struct cli *cli)
{
    struct err e = {0};
    struct model_jobs jobs;
    struct buf path;
    cJSON *reply = NULL;
    bool printed = false;
    int status;

    buf_init(&path, 16384);
    if (cli_connect(cli, &e))
        status = cli_fail(cli, NULL, &e);
    else if (list_jobs_path(cli, &path, &e))
        status = e.code == ERR_INVALID_PARAMETERS ? cli_usage(cli, "%s", e.text) : cli_fail(cli, NULL, &e);
    else if (!(reply = cli_get(cli, buf_str(&path), &printed, &e)))
        status = cli_fail(cli, NULL, &e);
    else if (printed)
        status = CLI_OK;
    else if (model_read_jobs(cli->arena, reply, &jobs, &e))
        status = cli_fail(cli, NULL, &e);
    else
        status = list_show_jobs(cli, &jobs);
    cJSON_Delete(reply);
    buf_fini(&path);
    return status;
}

/* The model, whether the GPUs are simulated, once, and how many more there are that nobody may have. */
static const char *list_gpu(struct cli *cli, const struct model_node *n)
{
    const char *model = n->gpu_model;

    if (n->simulated && strcmp(model, "simulated"))
        model = arena_printf(cli->arena, "%s%s(simulated)", model, *model ? " " : "");
    if (n->quarantined > 0)
        model = arena_printf(cli->arena, "%s, %lld quarantined", model, (long long)n->quarantined);
    return model;
}

static int list_print_nodes(struct cli *cli, const struct model_nodes *nodes)
{
    static const struct table_column columns[] = {
        {"NODE", "node", 0, 8, false},           {"STATE", "state", 0, 0, false}, {"CPUS", "cpus", 1, 0, true},
        {"MEMORY", "memory", 2, 0, true},        {"GPUS", "gpus", 0, 0, true},    {"GPU", "gpu", 3, 8, false},
        {"ISOLATION", "isolation", 4, 8, false},
    };
    struct output *o = output_create(cli->arena, columns, 7, nodes->count);

    for (size_t i = 0; o && i < nodes->count; i++) {
        const struct model_node *n = &nodes->items[i];

        output_cell(o, i, 0, n->name, COLOUR_DEFAULT);
        output_cell(o, i, 1, n->state, COLOUR_DEFAULT);
        output_cell(o, i, 2, arena_printf(cli->arena, "%lld/%lld", (long long)n->cpus_used, (long long)n->cpus),
                    COLOUR_DEFAULT);
        output_cell(
            o, i, 3,
            arena_printf(cli->arena, "%.1f/%.1f GiB", (double)n->memory_used_mb / 1024, (double)n->memory_mb / 1024),
            COLOUR_DEFAULT);
        output_cell(o, i, 4, arena_printf(cli->arena, "%lld/%lld", (long long)n->gpus_used, (long long)n->gpus),
                    COLOUR_DEFAULT);
        output_cell(o, i, 5, list_gpu(cli, n), COLOUR_DEFAULT);
        output_cell(o, i, 6, n->isolation, COLOUR_DEFAULT);
    }
    return cli_table(cli, o);
}

int list_nodes(struct cli *cli)
{
    struct err e = {0};
    struct model_nodes nodes;
    cJSON *reply = NULL;
    bool printed = false;
    int status;

    if (!cli_connect(cli, &e))
        reply = cli_get(cli, "/api/v2/nodes", &printed, &e);
    if (!reply || (!printed && model_read_nodes(cli->arena, reply, &nodes, &e)))
        status = cli_fail(cli, NULL, &e);
    else
        status = printed ? CLI_OK : list_print_nodes(cli, &nodes);
    cJSON_Delete(reply);
    return status;
}

static int list_print_events(struct cli *cli, const struct model_events *events)
{
    static const struct table_column columns[] = {
        {"TIME", "time", 0, 0, false}, {"TYPE", "type", 2, 0, false},        {"REASON", "reason", 1, 10, false},
        {"TASK", "task", 3, 6, false}, {"MESSAGE", "message", 0, 12, false}, {"COUNT", "count", 4, 0, true},
    };
    struct output *o = output_create(cli->arena, columns, 6, events->count);

    for (size_t i = 0; o && i < events->count; i++) {
        const struct model_event *ev = &events->items[i];
        bool warning = !strcmp(ev->type, "Warning");

        output_cell(o, i, 0, ev->time, COLOUR_DEFAULT);
        output_cell(o, i, 1, ev->type, warning ? COLOUR_VERMILLION : COLOUR_DEFAULT);
        output_cell(o, i, 2, ev->reason, COLOUR_DEFAULT);
        output_cell(o, i, 3, ev->task, COLOUR_DEFAULT);
        output_cell(o, i, 4, ev->message, COLOUR_DEFAULT);
        output_cell(o, i, 5, list_number(cli, ev->times), COLOUR_DEFAULT);
    }
    return cli_table(cli, o);
}

int list_events(struct cli *cli)
{
    const char *type = args_get(&cli->args, "type");
    struct err e = {0};
    struct model_events events;
    const char *full = NULL;
    cJSON *reply = NULL;
    bool printed = false;
    int status;

    if (!cli_connect(cli, &e))
        full = cli_full_name(cli, cli->args.rest[0], &e);
    if (full)
        reply = cli_get(cli,
                        type ? cli_path(cli, "/api/v2/jobs/%s/events?type=%s", full, type)
                             : cli_path(cli, "/api/v2/jobs/%s/events", full),
                        &printed, &e);
    if (!reply || (!printed && model_read_events(cli->arena, reply, &events, &e)))
        status = cli_fail(cli, NULL, &e);
    else
        status = printed ? CLI_OK : list_print_events(cli, &events);
    cJSON_Delete(reply);
    return status;
}
