/* SPDX-License-Identifier: MIT
 *
 * scalars: what a job's tasks report to TensorBoard: a line a tag, or with --points a line a value.
 */
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/num.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/verbs.h"

#define SCALARS_CALLS 200 /* as long as each has read more */
#define SCALARS_COUNT(a) (sizeof(a) / sizeof *(a))

static const struct table_column scalars_tags[] = {
    {"TAG", "tag", 0, 12, false},       {"LAST", "last", 0, 0, true},       {"STEP", "step", 0, 0, true},
    {"MIN", "min", 1, 0, true},         {"AT STEP", "minStep", 3, 0, true}, {"MAX", "max", 2, 0, true},
    {"AT STEP", "maxStep", 4, 0, true}, {"VALUES", "values", 5, 0, true},   {"WRITTEN", "written", 2, 0, false},
    {"TASK", "task", 1, 0, false},      {"FOLDER", "folder", 2, 6, false},
};
static const struct table_column scalars_points[] = {
    {"TAG", "tag", 0, 12, false},        {"STEP", "step", 0, 0, true},  {"VALUE", "value", 0, 0, true},
    {"WRITTEN", "written", 2, 0, false}, {"TASK", "task", 1, 0, false}, {"FOLDER", "folder", 2, 6, false},
};

/* A table under way. */
struct scalars_table {
    struct cli *cli;
    struct output *o;
    size_t columns, row;
    int64_t now;
};

/* A number or the name of what is none; "" for null. */
static const char *scalars_text(struct cli *cli, const cJSON *value)
{
    char text[NUM_SIZE];

    if (cJSON_IsString(value))
        return arena_strdup(cli->arena, value->valuestring);
    if (!cJSON_IsNumber(value))
        return "";
    num_format(value->valuedouble, text);
    return arena_strdup(cli->arena, text);
}

static const char *scalars_member(struct cli *cli, const cJSON *o, const char *key)
{
    return scalars_text(cli, cJSON_GetObjectItemCaseSensitive(o, key));
}

static const char *scalars_time(const struct scalars_table *t, const cJSON *at)
{
    return cJSON_IsNumber(at) ? cli_time_cell(t->cli, t->now, (int64_t)at->valuedouble) : "";
}

static void scalars_row(struct scalars_table *t, const char *const *cells)
{
    for (size_t c = 0; t->o && c < t->columns; c++)
        output_cell(t->o, t->row, c, cells[c], COLOUR_DEFAULT);
    t->row++;
}

/* "main-0", and the attempt where it is not the first. */
static const char *scalars_task(struct cli *cli, const cJSON *run)
{
    const char *role = "";
    int64_t index = 0, job_attempt = 0, attempt = 0;

    (void)json_get_string(run, "taskRoleName", &role, NULL);
    (void)json_get_int(run, "taskIndex", &index, NULL);
    (void)json_get_int(run, "jobAttempt", &job_attempt, NULL);
    (void)json_get_int(run, "taskAttempt", &attempt, NULL);
    if (job_attempt || attempt)
        return arena_printf(cli->arena, "%s-%lld#%lld.%lld", role, (long long)index, (long long)job_attempt,
                            (long long)attempt);
    return arena_printf(cli->arena, "%s-%lld", role, (long long)index);
}

/* A line for the tag. */
static void scalars_tag(struct scalars_table *t, const char *task, const char *folder, const cJSON *tag)
{
    struct cli *cli = t->cli;
    const char *const cells[SCALARS_COUNT(scalars_tags)] = {
        scalars_member(cli, tag, "tag"),
        scalars_member(cli, tag, "value"),
        scalars_member(cli, tag, "step"),
        scalars_member(cli, tag, "min"),
        scalars_member(cli, tag, "minStep"),
        scalars_member(cli, tag, "max"),
        scalars_member(cli, tag, "maxStep"),
        scalars_member(cli, tag, "count"),
        scalars_time(t, cJSON_GetObjectItemCaseSensitive(tag, "time")),
        task,
        folder};

    scalars_row(t, cells);
}

/* A line for each of its values. */
static void scalars_curve(struct scalars_table *t, const char *task, const char *folder, const cJSON *tag)
{
    const cJSON *points = cJSON_GetObjectItemCaseSensitive(tag, "points");
    const cJSON *step = cJSON_GetObjectItemCaseSensitive(points, "step");
    const cJSON *time = cJSON_GetObjectItemCaseSensitive(points, "time");
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(points, "value");
    const char *name = scalars_member(t->cli, tag, "tag");

    step = step ? step->child : NULL;
    time = time ? time->child : NULL;
    for (value = value ? value->child : NULL; value && step && time; value = value->next) {
        const char *const cells[SCALARS_COUNT(scalars_points)] = {
            name, scalars_text(t->cli, step), scalars_text(t->cli, value), scalars_time(t, time), task, folder};

        scalars_row(t, cells);
        step = step->next;
        time = time->next;
    }
}

static size_t scalars_lines(const cJSON *runs, bool points)
{
    const cJSON *run, *tag;
    size_t lines = 0;

    cJSON_ArrayForEach(run, runs) cJSON_ArrayForEach(tag, cJSON_GetObjectItemCaseSensitive(run, "tags"))
    {
        const cJSON *curve = cJSON_GetObjectItemCaseSensitive(tag, "points");

        lines += points ? (size_t)cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(curve, "value")) : 1;
    }
    return lines;
}

/* Exit status. */
static int scalars_print(struct cli *cli, const cJSON *reply, bool points)
{
    const cJSON *runs = cJSON_GetObjectItemCaseSensitive(reply, "runs"), *run, *tag;
    struct scalars_table t = {.cli = cli,
                              .now = clock_read().wall,
                              .columns = points ? SCALARS_COUNT(scalars_points) : SCALARS_COUNT(scalars_tags)};

    t.o = output_create(cli->arena, points ? scalars_points : scalars_tags, t.columns, scalars_lines(runs, points));
    cJSON_ArrayForEach(run, runs)
    {
        const char *task = scalars_task(cli, run), *folder = "";

        (void)json_get_string(run, "folder", &folder, NULL);
        folder = *folder ? folder : ".";
        cJSON_ArrayForEach(tag, cJSON_GetObjectItemCaseSensitive(run, "tags"))
        {
            if (points)
                scalars_curve(&t, task, folder, tag);
            else
                scalars_tag(&t, task, folder, tag);
        }
    }
    int status = cli_table(cli, t.o);

    if (!cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "complete")))
        cli_say(cli, cli->err, "drover: This is not all: some files are too many, too large, or just being read.\n");
    return status;
}

/* The query by the options; NULL when out of memory. */
static const char *scalars_path(struct cli *cli, const char *full)
{
    static const char *const names[] = {"tag", "points", "role", "index", "attempt"};
    const char *path = cli_path(cli, "/api/v2/jobs/%s/scalars", full);

    for (size_t i = 0, given = 0; i < SCALARS_COUNT(names) && path; i++) {
        const char *value = args_get(&cli->args, names[i]);
        const char *field = value ? cli_path(cli, given++ ? "&%s=%s" : "?%s=%s", names[i], value) : "";

        path = field ? arena_printf(cli->arena, "%s%s", path, field) : NULL;
    }
    return path;
}

/* Lets the server read on to the end of the files, as long as each call gets further. 0 or -1. */
static int scalars_read_on(struct cli *cli, const char *full, struct err *e)
{
    int64_t before = -1;

    for (int i = 0; i < SCALARS_CALLS; i++) {
        cJSON *reply = cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/scalars", full), NULL, e);
        const cJSON *run;
        int64_t sum = 0;
        bool all = true;

        if (!reply)
            return -1;
        cJSON_ArrayForEach(run, cJSON_GetObjectItemCaseSensitive(reply, "runs"))
        {
            int64_t bytes = 0;

            (void)json_get_int(run, "bytes", &bytes, NULL);
            sum += bytes;
            all = all && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(run, "complete"));
        }
        cJSON_Delete(reply);
        if (all || sum <= before)
            return 0;
        before = sum;
    }
    return 0;
}

int scalars_run(struct cli *cli)
{
    struct err e = {0};
    bool printed = false;
    int64_t number = 0, ignored = 0;

    if (args_int(&cli->args, "points", (int64_t[]){0, 1000}, &number, &e) ||
        args_int(&cli->args, "index", (int64_t[]){0, INT32_MAX}, &ignored, &e) ||
        args_int(&cli->args, "attempt", (int64_t[]){0, INT32_MAX}, &ignored, &e))
        return cli_usage(cli, "%s", e.text);
    if (cli_connect(cli, &e))
        return cli_fail(cli, NULL, &e);
    const char *full = cli_full_name(cli, cli->args.rest[0], &e);

    if (!full || scalars_read_on(cli, full, &e))
        return cli_fail(cli, NULL, &e);
    cJSON *reply = cli_get(cli, scalars_path(cli, full), &printed, &e);

    if (!reply)
        return cli_fail(cli, NULL, &e);
    int status = printed ? CLI_OK : scalars_print(cli, reply, number > 0);

    cJSON_Delete(reply);
    return status;
}
