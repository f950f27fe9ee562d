/* SPDX-License-Identifier: MIT
 *
 * squeue and scancel, for the habit. Columns and their widths are Slurm's, but for the id, which is a name here and is
 * never cut: it is what scancel wants.
 */
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tui/cli.h"
#include "tui/model.h"
#include "tui/verbs/one.h"
#include "tui/verbs/verbs.h"
#include "tui/watch.h"

#define MOST_JOBS 1000
#define ID_WIDTH 18

/* Slurm's states and the API's. */
static const struct {
    const char *code, *word, *wire;
    enum word_state state;
} states[] = {
    {"PD", "PENDING", "WAITING", WORD_WAITING},      {"R", "RUNNING", "RUNNING", WORD_RUNNING},
    {"CG", "COMPLETING", "STOPPING", WORD_STOPPING}, {"CD", "COMPLETED", "SUCCEEDED", WORD_SUCCEEDED},
    {"F", "FAILED", "FAILED", WORD_FAILED},          {"CA", "CANCELLED", "STOPPED", WORD_STOPPED},
};

static const char *state_code(enum word_state state)
{
    for (size_t i = 0; i < sizeof states / sizeof *states; i++)
        if (states[i].state == state)
            return states[i].code;
    return state == WORD_STARTING ? "CF" : "R";
}

/* "PD,RUNNING" as the API's words, "" for all; NULL with `e`. */
static const char *wire_states(struct cli *cli, const char *typed, struct err *e)
{
    const char *all = "";

    if (!strcasecmp(typed, "all"))
        return "";
    for (;; typed++) {
        size_t len = strcspn(typed, ","), i = 0;

        while (i < sizeof states / sizeof *states &&
               !((strlen(states[i].code) == len && !strncasecmp(states[i].code, typed, len)) ||
                 (strlen(states[i].word) == len && !strncasecmp(states[i].word, typed, len))))
            i++;
        if (i == sizeof states / sizeof *states) {
            (void)err_set(e, ERR_INVALID_PARAMETERS, "--states: \"%.*s\" is none of PD R CG CD F CA.",
                          (int)(len < 40 ? len : 40), typed);
            return NULL;
        }
        all = arena_printf(cli->arena, "%s%s%s", all, *all ? "," : "", states[i].wire);
        typed += len;
        if (!*typed)
            return all;
    }
}

static void add_query(struct buf *path, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    (void)buf_addf(path, "&%s=", name);
    transfer_escape(path, value);
}

/* Whether `word` stands in the comma list. */
static bool listed(const char *list, const char *word)
{
    for (; *list; list += *list == ',') {
        size_t len = strcspn(list, ",");

        if (strlen(word) == len && !strncmp(list, word, len))
            return true;
        list += len;
    }
    return false;
}

/* Which jobs the options choose. Strings are the arguments', or in the arena. */
struct choice {
    const char *user, *vc, *wire; /* what the server looks at; "" or NULL: any */
    const char *names, *ids;      /* what is looked at here; NULL: any */
    bool every;                   /* page after page to the end, or one page */
    size_t room;                  /* for jobs, in what was chosen */
};

/* An empty value would choose everything: "scancel -u $NOBODY". */
static int refuse_empty(struct cli *cli, struct err *e)
{
    static const char *const options[] = {"user", "partition", "name", "states", "jobs"};

    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        const char *value = args_get(&cli->args, options[i]);

        if (value && !value[strspn(value, ", ")])
            return err_set(e, ERR_INVALID_PARAMETERS, "--%s needs a value, not an empty one.", options[i]);
    }
    return 0;
}

/* The user of --user or --me; without either "" for everybody, or the caller where `own`. NULL with `e`. */
static const char *chosen_user(struct cli *cli, bool own, struct err *e)
{
    const char *user = args_get(&cli->args, "user"), *full;

    if (!args_has(&cli->args, "me") && (user || !own))
        return user ? user : "";
    full = cli_full_name(cli, "x", e);
    return full ? arena_strndup(cli->arena, full, strcspn(full, "~")) : NULL;
}

static int read_choice(struct cli *cli, bool stops, struct choice *c, struct err *e)
{
    const char *typed = args_get(&cli->args, "states");

    if (refuse_empty(cli, e))
        return -1;
    *c = (struct choice){.vc = args_get(&cli->args, "partition"),
                         .names = args_get(&cli->args, "name"),
                         .ids = args_get(&cli->args, "jobs")};
    c->every = stops || c->names || c->ids;
    c->wire = wire_states(cli, typed ? typed : "PD,R,CG", e);
    c->user = c->wire ? chosen_user(cli, stops, e) : NULL;
    return c->user ? 0 : -1;
}

/* Of jobs that ended the newest first: there may be any number of them. */
static bool asks_ended(const char *wire)
{
    return !*wire || listed(wire, "SUCCEEDED") || listed(wire, "FAILED") || listed(wire, "STOPPED");
}

/* The path of the page behind `cursor` ("": the first). NULL: out of memory. In the arena. */
static const char *page_path(struct cli *cli, const struct choice *c, const char *cursor)
{
    const char *text = NULL;
    struct buf path;

    buf_init(&path, 65536);
    (void)buf_addf(&path, "/api/v2/jobs?limit=%d&withTotalCount=true&order=submissionTime,%s", MOST_JOBS,
                   asks_ended(c->wire) ? "DESC" : "ASC");
    add_query(&path, "username", c->user);
    add_query(&path, "vc", c->vc);
    add_query(&path, "state", c->wire);
    add_query(&path, "cursor", cursor);
    if (!path.bad)
        text = arena_strdup(cli->arena, buf_str(&path));
    buf_fini(&path);
    return text;
}

/* Adds those of a page that the names choose. 0, or -1: out of memory. */
static int keep(struct cli *cli, struct choice *c, const struct model_jobs *page, struct model_jobs *jobs)
{
    if (jobs->count + page->count > c->room) {
        size_t room = 2 * (jobs->count + page->count);
        struct model_job *all = arena_calloc(cli->arena, room, sizeof *all);

        if (!all)
            return -1;
        if (jobs->count)
            memcpy(all, jobs->items, jobs->count * sizeof *all);
        jobs->items = all;
        c->room = room;
    }
    for (size_t i = 0; i < page->count; i++) {
        const struct model_job *j = &page->items[i];

        if ((!c->names || listed(c->names, j->name)) && (!c->ids || listed(c->ids, j->full) || listed(c->ids, j->name)))
            jobs->items[jobs->count++] = *j;
    }
    return 0;
}

/* The jobs that the options choose, in `jobs`; its total is the server's, before names are looked at. 0 or -1. */
static int choose(struct cli *cli, struct choice *c, struct model_jobs *jobs, struct err *e)
{
    const char *cursor = "";
    int rc = 0;

    *jobs = (struct model_jobs){.total = -1};
    do {
        const char *path = page_path(cli, c, cursor);
        cJSON *reply = cli_get(cli, path, NULL, e);
        struct model_jobs page;

        cursor = "";
        rc = reply ? model_read_jobs(cli->arena, reply, &page, e) : -1;
        if (!rc) {
            cursor = page.count ? model_text(cli->arena, reply, "nextCursor") : "";
            jobs->total = page.total;
            if (keep(cli, c, &page, jobs))
                rc = err_set(e, ERR_INTERNAL, "Out of memory.");
        }
        cJSON_Delete(reply);
    } while (!rc && c->every && *cursor);
    return rc;
}

/* ---- squeue ---- */

/* [DAYS-][HOURS:]MINUTES:SECONDS */
static const char *span(struct cli *cli, const struct model_job *j, int64_t now)
{
    int64_t s = j->launched ? ((j->completed ? j->completed : now) - j->launched) / 1000 : 0;
    int64_t days = s / 86400, hours = s / 3600 % 24, minutes = s / 60 % 60;

    s = s < 0 ? 0 : s % 60;
    if (days > 0)
        return arena_printf(cli->arena, "%lld-%02lld:%02lld:%02lld", (long long)days, (long long)hours,
                            (long long)minutes, (long long)s);
    if (hours > 0)
        return arena_printf(cli->arena, "%lld:%02lld:%02lld", (long long)hours, (long long)minutes, (long long)s);
    return arena_printf(cli->arena, "%lld:%02lld", (long long)(minutes < 0 ? 0 : minutes), (long long)s);
}

/* The nodes of a job that runs, or in brackets why it does not. */
static const char *where(struct cli *cli, const struct model_job *j)
{
    struct model_detail d;
    struct err e = {0};
    const char *all = "";

    if (j->state == WORD_WAITING)
        return arena_printf(cli->arena, "(%s)", *j->wait_reason ? j->wait_reason : "None");
    if (words_get(j->state)->final)
        return arena_printf(cli->arena, "(%s)", *model_why(cli->arena, j) ? model_why(cli->arena, j) : "None");
    if (watch_fetch(cli, j->full, &d, &e))
        return "";
    for (size_t i = 0; i < d.task_count; i++)
        if (*d.tasks[i].node && !listed(all, d.tasks[i].node))
            all = arena_printf(cli->arena, "%s%s%s", all, *all ? "," : "", d.tasks[i].node);
    return all;
}

/* Exactly `width` columns, right-aligned; longer text is cut unless `whole`. */
static void column(struct buf *out, const char *text, int width, bool whole)
{
    struct buf safe;
    int used = 0;
    size_t n;

    buf_init(&safe, 65536);
    (void)utf8_safe(&safe, text, strlen(text), false, false);
    n = utf8_fit(buf_str(&safe), safe.len, width, &used);
    for (int i = used; i < width && (!whole || n == safe.len); i++)
        (void)buf_addc(out, ' ');
    (void)buf_add(out, buf_str(&safe), whole ? safe.len : n);
    buf_fini(&safe);
}

static void line(struct buf *out, const char *const cells[8], int id_width)
{
    static const int widths[] = {ID_WIDTH, 9, 8, 8, 2, 10, 6};

    column(out, cells[0], id_width, true);
    for (int i = 1; i < 7; i++) {
        (void)buf_addc(out, ' ');
        column(out, cells[i], widths[i], false);
    }
    (void)buf_addc(out, ' ');
    (void)utf8_safe(out, cells[7], strlen(cells[7]), false, false);
    (void)buf_addc(out, '\n');
}

static int print_queue(struct cli *cli, const struct model_jobs *jobs)
{
    static const char *const titles[8] = {"JOBID", "PARTITION", "NAME",  "USER",
                                          "ST",    "TIME",      "NODES", "NODELIST(REASON)"};
    int64_t now = clock_read().wall;
    int width = ID_WIDTH, rc;
    struct buf out;

    for (size_t i = 0; i < jobs->count; i++) {
        int w = utf8_width(jobs->items[i].full, strlen(jobs->items[i].full));

        width = w > width ? w : width;
    }
    buf_init(&out, 64u << 20);
    if (!args_has(&cli->args, "noheader"))
        line(&out, titles, width);
    for (size_t i = 0; i < jobs->count; i++) {
        const struct model_job *j = &jobs->items[i];
        const char *const cells[8] = {j->full,
                                      j->vc,
                                      j->name,
                                      j->user,
                                      state_code(j->state),
                                      span(cli, j, now),
                                      arena_printf(cli->arena, "%d", j->tasks),
                                      where(cli, j)};

        line(&out, cells, width);
    }
    rc = out.bad || fwrite(buf_str(&out), 1, out.len, cli->out) != out.len ? CLI_FAILED : CLI_OK;
    buf_fini(&out);
    return rc;
}

int squeue_run(struct cli *cli)
{
    struct err e = {0};
    struct model_jobs jobs;
    struct choice c;

    if (cli_connect(cli, &e) || read_choice(cli, false, &c, &e) || choose(cli, &c, &jobs, &e))
        return e.code == ERR_INVALID_PARAMETERS ? cli_usage(cli, "%s", e.text) : cli_fail(cli, NULL, &e);
    if (!c.every && jobs.total > (int64_t)jobs.count)
        cli_say(cli, cli->err, "drover: %zu of %lld jobs are listed.\n", jobs.count, (long long)jobs.total);
    return print_queue(cli, &jobs);
}

/* ---- scancel ---- */

static int stop_chosen(struct cli *cli)
{
    struct err e = {0};
    struct model_jobs jobs;
    struct choice c;
    int status = CLI_OK;

    if (cli_connect(cli, &e) || read_choice(cli, true, &c, &e) || choose(cli, &c, &jobs, &e))
        return e.code == ERR_INVALID_PARAMETERS ? cli_usage(cli, "%s", e.text) : cli_fail(cli, NULL, &e);
    for (size_t i = 0; i < jobs.count; i++) {
        int one = one_stop_job(cli, jobs.items[i].full, true);

        status = status ? status : one;
    }
    return status;
}

int scancel_run(struct cli *cli)
{
    static const char *const filters[] = {"user", "me", "partition", "name", "states"};
    struct err e = {0};
    bool filtered = false;
    int status = CLI_OK;

    for (size_t i = 0; i < sizeof filters / sizeof *filters; i++)
        filtered |= args_has(&cli->args, filters[i]);
    if (!filtered && !cli->args.rest_count)
        return cli_usage(cli, "Name jobs, or which ones to stop.");
    if (filtered && cli->args.rest_count)
        return cli_usage(cli, "Name jobs, or which ones to stop, not both.");
    if (filtered)
        return stop_chosen(cli);
    if (cli_connect(cli, &e))
        return cli_fail(cli, NULL, &e);
    for (int i = 0; i < cli->args.rest_count; i++) {
        int one = one_stop_job(cli, cli->args.rest[i], true);

        status = status ? status : one;
    }
    return status;
}
