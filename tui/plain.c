/* SPDX-License-Identifier: MIT
 *
 * Line mode. It asks the same source as the screen and waits for each answer with a time-out.
 */
#include "tui/plain.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/cells.h"
#include "tui/cli.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/plain_cluster.h"
#include "tui/plain_io.h"
#include "tui/plain_lists.h"
#include "tui/verbs/away.h"

#define PLAIN_WAIT_MS 30000

int64_t plain_now(const struct plain *p)
{
    return p->config->recorded ? p->config->now.wall : clock_read().wall;
}

int plain_ask(struct plain *p, const struct source_request *r, struct source_result *out)
{
    struct source *s = p->config->source;
    int64_t until = clock_read().mono + PLAIN_WAIT_MS;
    uint64_t id = source_ask(s, r);

    while (clock_read().mono < until) {
        struct pollfd fd = {.fd = source_fd(s), .events = POLLIN};

        (void)poll(&fd, 1, 200);
        while (source_take(s, out)) {
            if (out->id == id && !out->failed)
                return 0;
            if (out->id == id)
                cli_say(p->cli, p->cli->out, "Error: %s\n", out->err.text);
            source_result_fini(out);
            if (out->id == id)
                return -1;
        }
    }
    source_cancel(s, id);
    cli_say(p->cli, p->cli->out, "Error: no answer in %d seconds.\n", PLAIN_WAIT_MS / 1000);
    return -1;
}

cJSON *plain_get(struct plain *p, const char *path)
{
    struct source_request r = {.method = "GET", .path = path};
    struct source_result out;
    struct err e = {0};
    cJSON *value;

    if (!path || plain_ask(p, &r, &out))
        return NULL;
    value = json_parse(out.data ? out.data : "", out.len, TRANSFER_MAX_BODY, &e);
    source_result_fini(&out);
    if (!value)
        cli_say(p->cli, p->cli->out, "Error: the answer is unusable: %s\n", e.text);
    return value;
}

static void plain_list(struct plain *p, const char *keyword)
{
    const char *path = cli_path(p->cli,
                                *keyword ? "/api/v2/jobs?withTotalCount=true&limit=20&keyword=%s"
                                         : "/api/v2/jobs?withTotalCount=true&limit=20",
                                keyword);
    cJSON *reply = plain_get(p, path);
    char span[FORMAT_SIZE];

    if (!reply)
        return;
    arena_destroy(p->arena);
    p->jobs.count = 0;
    p->arena = arena_create(0);
    if (p->arena && !model_read_jobs(p->arena, reply, &p->jobs, NULL)) {
        cli_say(p->cli, p->cli->out, "%zu of %lld jobs, newest first.\n", p->jobs.count, (long long)p->jobs.total);
        for (size_t i = 0; i < p->jobs.count; i++) {
            const struct model_job *j = &p->jobs.items[i];
            const char *why = model_why(p->arena, j);

            cli_say(p->cli, p->cli->out, "%zu. %s: %s for %s, %d GPUs, %s.%s%s\n", i + 1, j->full,
                    words_get(j->state)->text, format_duration(model_span(j, plain_now(p)), span), j->gpus, j->vc,
                    *why ? " " : "", why);
        }
    }
    cJSON_Delete(reply);
}

/* A number of the last list, or a name. */
static const char *plain_name(const struct plain *p, const char *arg)
{
    char *end;
    unsigned long n = strtoul(arg, &end, 10);

    return *arg && !*end && n > 0 && n <= p->jobs.count ? p->jobs.items[n - 1].full : arg;
}

static void plain_open(struct plain *p, const char *name)
{
    cJSON *reply = plain_get(p, cli_path(p->cli, "/api/v2/jobs/%s", name));
    struct arena *a = arena_create(0);
    struct model_detail d;

    if (reply && a && !model_read_detail(a, reply, &d, NULL)) {
        const char *why = model_why(a, &d.job);

        cli_say(p->cli, p->cli->out, "%s is %s.%s%s\n", d.job.full, words_get(d.job.state)->text, *why ? " " : "", why);
        if (*d.exit_reason)
            cli_say(p->cli, p->cli->out, "%s\n", d.exit_reason);
        for (size_t i = 0; i < 3 && d.solutions[i]; i++)
            cli_say(p->cli, p->cli->out, "Try: %s\n", d.solutions[i]);
        for (size_t i = 0; i < d.task_count; i++)
            cli_say(p->cli, p->cli->out, "Task %s-%d: %s%s%s.\n", d.tasks[i].role, d.tasks[i].index,
                    words_get(d.tasks[i].state)->text, *d.tasks[i].node ? " on " : "", d.tasks[i].node);
    }
    cJSON_Delete(reply);
    arena_destroy(a);
}

/* The end of the first task's log. */
static void plain_log(struct plain *p, const char *name)
{
    cJSON *reply = plain_get(p, cli_path(p->cli, "/api/v2/jobs/%s", name));
    struct arena *a = arena_create(0);
    struct source_request r = {.method = "GET"};
    struct source_result out;
    struct model_detail d;
    struct term lines = {.tty = true};

    if (reply && a && !model_read_detail(a, reply, &d, NULL) && d.task_count) {
        r.path = arena_printf(a, "%s/attempts/%d/taskRoles/%s/taskIndex/%d/attempts/%d/logs/all?tailMode=true",
                              cli_path(p->cli, "/api/v2/jobs/%s", name), d.attempt, d.tasks[0].role, d.tasks[0].index,
                              d.tasks[0].attempt);
        if (r.path && !plain_ask(p, &r, &out)) {
            (void)output_foreign(&lines, out.data ? out.data : "", out.len, p->cli->out);
            source_result_fini(&out);
        }
    }
    cJSON_Delete(reply);
    arena_destroy(a);
}

/* A line of the person's; false at the end. What is longer is no line: its rest must not be the next command. */
static bool plain_line(struct cli *cli, char *line, int size)
{
    int c = 0;

    if (!fgets(line, size, stdin))
        return false;
    if (strchr(line, '\n') || feof(stdin))
        return true;
    while (c != '\n' && c != EOF)
        c = getc(stdin);
    cli_say(cli, cli->out, "The line is too long.\n");
    line[0] = '\0';
    return true;
}

bool plain_confirm(struct plain *p, const char *question, const char *name, const char *not_done)
{
    char answer[16] = "";

    if (p->config->readonly) {
        cli_say(p->cli, p->cli->out, "This session is read-only.\n");
        return false;
    }
    cli_say(p->cli, p->cli->out, "%s %s? Type yes to confirm: ", question, name);
    (void)fflush(p->cli->out);
    if (plain_line(p->cli, answer, sizeof answer) && !strcmp(answer, "yes\n"))
        return true;
    cli_say(p->cli, p->cli->out, "%s\n", not_done);
    return false;
}

static void plain_stop(struct plain *p, const char *name)
{
    struct source_request r = {.method = "PUT", .body = "{\"value\":\"STOP\"}"};
    struct source_result out;

    if (!plain_confirm(p, "Stop", name, "Nothing was stopped."))
        return;
    r.path = cli_path(p->cli, "/api/v2/jobs/%s/executionType", name);
    if (r.path && !plain_ask(p, &r, &out)) {
        cli_say(p->cli, p->cli->out, "%s is being stopped.\n", name);
        source_result_fini(&out);
    }
}

static void plain_things(struct plain *p, const struct listing *l, const char *arg)
{
    struct arena *a = arena_create(64u << 20);
    struct cells made = {.arena = a, .now = plain_now(p), .time = CELLS_AGO};
    struct err e = {0};
    const char *path = a ? plain_path(&made, l, arg, &e) : NULL;
    cJSON *reply = path ? plain_get(p, path) : NULL;

    if (!path)
        cli_say(p->cli, p->cli->out, "Error: %s\n", e.code ? e.text : "out of memory.");
    else if (reply)
        plain_rows(p->cli, &made, l, reply);
    cJSON_Delete(reply);
    arena_destroy(a);
}

/* The shell's own process speaks to the terminal; what was said before it comes first. */
static void plain_shell(struct plain *p, const char *name)
{
    struct app_shell to = {.wanted = true};

    snprintf(to.job, sizeof to.job, "%s", name);
    if (p->config->readonly || p->config->recorded)
        cli_say(p->cli, p->cli->out,
                p->config->readonly ? "This session is read-only.\n"
                                    : "A recording has no tasks to open a shell in.\n");
    else
        away_shell(p->cli, &to);
}

/* Commands on a job; false when it is none of these, or nothing follows it. */
static bool plain_job(struct plain *p, const char *command, const char *arg)
{
    static const struct {
        const char *word;
        void (*run)(struct plain *p, const char *name);
    } commands[] = {{"open", plain_open}, {"log", plain_log}, {"stop", plain_stop}, {"shell", plain_shell}};

    for (size_t i = 0; *arg && i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(command, commands[i].word) != 0)
            continue;
        commands[i].run(p, plain_name(p, arg));
        return true;
    }
    return false;
}

static bool plain_command(struct plain *p, char *line)
{
    char *arg;

    line[strcspn(line, "\r\n")] = '\0';
    arg = line + strcspn(line, " ");
    if (*arg)
        *arg++ = '\0';
    if (!strcmp(line, "quit") || !strcmp(line, "q"))
        return false;
    if (!strcmp(line, "list") || !strcmp(line, ""))
        plain_list(p, arg);
    else if (plain_job(p, line, arg) || plain_cluster(p, line, arg))
        return true;
    else if (plain_listing(line))
        plain_things(p, plain_listing(line), arg);
    else
        cli_say(p->cli, p->cli->out,
                "Commands: list [TEXT], open N, log N, stop N, shell N, %squit. N is a number of the last "
                "list, or a job's name.\nOthers: %s. The commands of drover change what these show.\n",
                plain_cluster_help(), plain_listings());
    return true;
}

int plain_run(struct cli *cli, const struct app_config *config)
{
    struct plain p = {.cli = cli, .config = config};
    char line[600] = "list";

    cli_say(cli, cli->out, "drover, plain mode: %s. Commands: list, open N, log N, stop N, help, quit.\n",
            config->context);
    while (plain_command(&p, line)) {
        cli_say(cli, cli->out, "> ");
        (void)fflush(cli->out);
        if (!plain_line(cli, line, sizeof line))
            break;
    }
    arena_destroy(p.arena);
    return CLI_OK;
}
