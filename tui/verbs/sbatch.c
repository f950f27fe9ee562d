/* SPDX-License-Identifier: MIT
 *
 * sbatch: a batch script of Slurm becomes a job. Its output is Slurm's, so that scripts around sbatch go on working.
 */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/model.h"
#include "tui/sbatch.h"
#include "tui/sbatch_values.h"
#include "tui/verbs/submit.h"
#include "tui/verbs/verbs.h"
#include "tui/watch.h"

#define IMAGE "debian:12-slim"

static bool is_global(const struct command_option *o)
{
    for (const struct command_option *g = commands_global(); g->name; g++)
        if (g == o)
            return true;
    return false;
}

/* The options of the command line: each replaces what the script says. Those of sbatch.c only. */
static int take_options(struct cli *cli, struct sbatch *s, struct err *e)
{
    for (size_t i = 0; i < cli->args.count; i++) {
        const struct command_option *o = cli->args.given[i].option;

        /* -o json before the verb is another --output */
        if (!is_global(o) && sbatch_values_known(o->name) && sbatch_option(s, o->name, cli->args.given[i].value, 0, e))
            return -1;
    }
    return 0;
}

/* The script's name with what a job's name cannot have replaced, as sbatch names a job that has no --job-name. */
static const char *default_name(struct cli *cli, const char *file)
{
    const char *base = strrchr(file, '/');
    char *name = arena_strdup(cli->arena, !strcmp(file, "-") ? "sbatch" : base ? base + 1 : file);

    for (char *c = name; c && *c; c++)
        if (!strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_", *c))
            *c = '-';
    return name && *name ? name : "sbatch";
}

/* Mail goes to the address that the server has: another would be told nothing. */
static int check_mail(struct cli *cli, const struct sbatch *s, struct err *e)
{
    const char *full, *mine, *path = NULL;
    cJSON *user;
    int rc = 0;

    if (!s->mail_user)
        return 0;
    full = cli_full_name(cli, "x", e);
    if (full)
        path = cli_path(cli, "/api/v2/users/%s", arena_strndup(cli->arena, full, strcspn(full, "~")));
    user = path ? client_get(&cli->server, path, NULL, e) : NULL;
    if (!user)
        return -1;
    mine = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(user, "email"));
    if (!mine || strcmp(mine, s->mail_user) != 0) {
        (void)err_set(e, ERR_INVALID_PROTOCOL, "--mail-user=%.80s: mail goes to your own address, which is %.80s.",
                      s->mail_user, mine && *mine ? mine : "not set");
        e->line = s->mail_user_line;
        rc = -1;
    }
    cJSON_Delete(user);
    return rc;
}

static const char *environment(const char *name)
{
    return getenv(name);
}

/* The job of the script, in `job`. 0 or -1. */
static int make(struct cli *cli, const char *file, struct sbatch *s, struct buf *job, struct err *e)
{
    const char *image = args_get(&cli->args, "image");
    struct sbatch_run run = {.argv = cli->args.rest_count ? cli->args.rest + 1 : NULL, .environment = environment};
    char random[5];
    struct buf text;
    int rc;

    buf_init(&text, SUBMIT_MAX);
    rc = submit_read(file, &text, e);
    if (!rc)
        rc = sbatch_read(s, buf_str(&text), text.len, e);
    buf_fini(&text);
    if (rc || take_options(cli, s, e))
        return -1;
    if (!s->name)
        s->name = default_name(cli, file);
    id_random_hex(random, 2);
    s->suffix = arena_printf(cli->arena, "-%s", random);
    if (!image)
        image = getenv("DROVER_IMAGE");
    run.image = image && *image ? image : IMAGE;
    return sbatch_write(s, &run, job, e);
}

static int await(struct cli *cli, const char *full)
{
    struct watch w = {.full = full, .quiet = true};
    struct model_detail d;
    struct err e = {0};

    if (watch_job(cli, &w, &d, &e))
        return cli_fail(cli, NULL, &e);
    return watch_exit(&d, true);
}

static int submit(struct cli *cli, const struct sbatch *s, const struct buf *job)
{
    struct err e = {0};
    const char *full = submit_post(cli, job, &e);

    if (!full)
        return cli_fail(cli, NULL, &e);
    cli_say(cli, cli->out, args_has(&cli->args, "parsable") ? "%s\n" : "Submitted batch job %s\n", full);
    (void)fflush(cli->out);
    if (s->nodes > 1)
        cli_say(cli, cli->err, "The script runs in each of its %lld tasks.\n", (long long)s->nodes);
    return args_has(&cli->args, "wait") ? await(cli, full) : CLI_OK;
}

int sbatch_run(struct cli *cli)
{
    const char *file = cli->args.rest_count ? cli->args.rest[0] : "-";
    const char *shown = strcmp(file, "-") != 0 ? file : "standard input";
    struct err e = {0};
    struct sbatch s;
    struct buf job;
    int status;

    sbatch_init(&s, cli->arena);
    buf_init(&job, SUBMIT_MAX);
    if (make(cli, file, &s, &job, &e))
        status = e.line || e.code != ERR_INVALID_PROTOCOL ? cli_fail(cli, shown, &e) : cli_usage(cli, "%s", e.text);
    else if (args_has(&cli->args, "print-job"))
        status = output_foreign(&cli->term, buf_str(&job), job.len, cli->out) ? CLI_FAILED : CLI_OK;
    else if (cli_connect(cli, &e) || check_mail(cli, &s, &e))
        status = cli_fail(cli, shown, &e);
    else
        status = submit(cli, &s, &job);
    buf_fini(&job);
    return status;
}
