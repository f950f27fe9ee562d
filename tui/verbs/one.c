/* SPDX-License-Identifier: MIT
 *
 * The verbs about one job: job, explain, config, stop, wait.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "base/utf8.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/verbs/one.h"
#include "tui/verbs/verbs.h"
#include "tui/watch.h"

/* "✖ Failed" in its colour, made for `cli->out`. */
static void one_say_state(struct cli *cli, const struct model_job *j, struct buf *out)
{
    const struct word *w = words_get(j->state);

    if (cli->term.tty && cli->term.utf8) {
        output_coloured(&cli->term, w->colour, w->glyph, out);
        (void)buf_addc(out, ' ');
    }
    output_coloured(&cli->term, w->colour, w->text, out);
}

/* Text of the server's: made harmless. */
static void one_add(struct buf *out, const char *text)
{
    (void)utf8_safe(out, text, strlen(text), false, false);
}

/* A diagnosis that is less sure is called a guess. */
#define ONE_SURE 60

/* How it ended, and what to do. */
static void one_say_failure(struct cli *cli, const struct model_detail *d, FILE *f)
{
    if (*d->exit_reason)
        cli_say(cli, f, "%s\n", d->exit_reason);
    if (*d->proof)
        cli_say(cli, f, "%s\n", d->proof);
    if (d->confidence && d->confidence < ONE_SURE)
        cli_say(cli, f, "This is a guess from the log; look at its end.\n");
    if (*d->trigger)
        cli_say(cli, f, "%s\n", d->trigger);
    if (*d->diagnostics && strcmp(d->diagnostics, d->trigger))
        cli_say(cli, f, "%s\n", d->diagnostics);
    for (size_t i = 0; i < 3 && d->solutions[i]; i++)
        cli_say(cli, f, "Try: %s\n", d->solutions[i]);
}

/* Sentences under the headline: why it waits, what is kept of it, or how it ended. */
static void one_say_why(struct cli *cli, const struct model_detail *d, FILE *f)
{
    const char *why = model_why(cli->arena, &d->job);

    if (*why)
        cli_say(cli, f, "%s\n", why);
    if (*d->avoids)
        cli_say(cli, f, "It keeps away from %s after a fault of the platform there.\n", d->avoids);
    if (*d->kept_on)
        cli_say(cli, f, "What is left of it is kept on %s, until %s.\n", d->kept_on,
                cli_time(cli, clock_read().wall, d->kept_until));
    if (d->job.state == WORD_STOPPED && *d->trigger)
        cli_say(cli, f, "%s\n", d->trigger);
    if (d->job.state == WORD_FAILED)
        one_say_failure(cli, d, f);
}

static const char *one_gpus(struct cli *cli, const struct model_task *t)
{
    if (!*t->gpus)
        return NULL;
    return arena_printf(cli->arena, "%s%s", t->gpus, t->simulated ? " (simulated)" : "");
}

static const char *one_task_exit(struct cli *cli, const struct model_task *t)
{
    if (!t->has_exit)
        return NULL;
    return arena_printf(cli->arena, "%d%s%s", t->exit_code, *t->exit_phrase && t->exit_code ? " " : "",
                        t->exit_code ? t->exit_phrase : "");
}

static int one_tasks(struct cli *cli, const struct model_detail *d)
{
    static const struct table_column columns[] = {
        {"TASK", "task", 0, 8, false},      {"STATE", "state", 0, 0, false},  {"NODE", "node", 1, 8, false},
        {"GPUS", "gpus", 2, 4, false},      {"EXIT", "exit", 1, 4, false},    {"RAN", "ran", 3, 0, true},
        {"RETRIES", "retries", 5, 0, true}, {"PORTS", "ports", 10, 0, false}, {"UUIDS", "uuids", 10, 0, false},
        {"IP", "ip", 10, 0, false},         {"IMAGE", "image", 4, 0, false},  {"ISOLATION", "isolation", 10, 0, false},
    };
    size_t count = sizeof columns / sizeof *columns;
    struct output *o = output_create(cli->arena, columns, count, d->task_count);
    int64_t now = clock_read().wall;

    for (size_t i = 0; o && i < d->task_count; i++) {
        const struct model_task *t = &d->tasks[i];
        int64_t end = t->completed ? t->completed : now;
        char ran[FORMAT_SIZE];
        const char *cells[] = {
            arena_printf(cli->arena, "%s-%d", t->role, t->index),
            words_get(t->state)->text,
            t->node,
            one_gpus(cli, t),
            one_task_exit(cli, t),
            t->launched ? arena_strdup(cli->arena, format_duration(end - t->launched, ran)) : NULL,
            arena_printf(cli->arena, "%d", t->retries),
            t->ports,
            t->uuids,
            t->ip,
            t->on_host ? "not run: on the host" : "",
            t->isolation,
        };

        for (size_t c = 0; c < count; c++)
            output_cell(o, i, c, cells[c], c == 1 ? words_get(t->state)->colour : COLOUR_DEFAULT);
    }
    return cli_table(cli, o);
}

/* State, span, GPUs, VC and attempt in one line. */
static void one_say_head(struct cli *cli, const struct model_detail *d, struct buf *out)
{
    const struct model_job *j = &d->job;
    const char *dot = cli->term.utf8 ? " · " : " - ";
    int64_t now = clock_read().wall;
    char text[FORMAT_SIZE];

    one_add(out, j->full);
    one_add(out, "  ");
    one_say_state(cli, j, out);
    one_add(out, dot);
    one_add(out, !j->completed ? "for " : j->launched ? "ran " : "never ran");
    if (!j->completed || j->launched)
        one_add(out, format_duration(model_span(j, now), text));
    (void)buf_addf(out, "%s%d task%s%svc ", dot, j->tasks, j->tasks == 1 ? "" : "s", dot);
    one_add(out, j->vc && *j->vc ? j->vc : "-");
    if (d->attempt || j->retries)
        (void)buf_addf(out, "%sattempt %d", dot, d->attempt + 1);
    (void)buf_addf(out, "%ssubmitted %s\n", dot, cli_time(cli, now, j->submitted));
}

/* What it may use, for each task alike or (of several roles) by role, and the code that came with it. */
static void one_say_limits(struct cli *cli, const struct model_detail *d)
{
    const char *dot = cli->term.utf8 ? " · " : " - ";

    for (size_t i = 0; i < d->task_count; i++) {
        const struct model_task *t = &d->tasks[i];
        const char *limits = model_limits(cli->arena, d, t, dot);

        if (*limits && (i == 0 || strcmp(t->role, d->tasks[i - 1].role) != 0))
            cli_say(cli, cli->out, "Limits of %s: %s\n", t->role, limits);
    }
    if (*d->code)
        cli_say(cli, cli->out, "Code came with it: drover code %s\n", d->job.full);
}

/* What the newest attempt made of its GPUs, where they are sampled; a server that does not tell is no error. */
static void one_say_use(struct cli *cli, const struct model_detail *d)
{
    char most[FORMAT_SIZE], all[FORMAT_SIZE];
    struct err e = {0};
    bool real = false;

    for (size_t i = 0; i < d->task_count; i++)
        real |= *d->tasks[i].gpus && !d->tasks[i].simulated;
    cJSON *reply = real ? cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/metrics", d->job.full), NULL, &e) : NULL;
    const cJSON *last = cJSON_GetObjectItemCaseSensitive(reply, "lastAttempt");
    const cJSON *mean = cJSON_GetObjectItemCaseSensitive(last, "utilization");
    int64_t peak = 0, sampled = 0, idle = 0, used = 0, total = 0;

    if (cJSON_IsNumber(mean) && !json_get_int(last, "utilizationMax", &peak, NULL) &&
        !json_get_int(last, "sampledMs", &sampled, NULL) && !json_get_int(last, "idleMs", &idle, NULL) &&
        !json_get_int(last, "memoryMax", &used, NULL) && !json_get_int(last, "memoryTotal", &total, NULL) &&
        sampled > 0)
        cli_say(cli, cli->out,
                "GPUs: %.0f %% busy on average, %lld %% at most; idle %.0f %% of the time; memory up to %s of %s\n",
                mean->valuedouble, (long long)peak, 100.0 * (double)idle / (double)sampled, format_bytes(used, most),
                format_bytes(total, all));
    cJSON_Delete(reply);
}

/* What kind of work it does, what holds it up and how far it is, in a line; a server that does not tell is no error. */
static void one_say_profile(struct cli *cli, const struct model_detail *d)
{
    char text[FORMAT_SIZE];
    struct err e = {0};
    bool real = false;

    for (size_t i = 0; i < d->task_count; i++)
        real |= *d->tasks[i].gpus && !d->tasks[i].simulated;
    cJSON *reply = real ? cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/profile", d->job.full), NULL, &e) : NULL;
    const cJSON *progress = cJSON_GetObjectItemCaseSensitive(reply, "progress");
    const cJSON *done = cJSON_GetObjectItemCaseSensitive(progress, "done");
    const cJSON *left = cJSON_GetObjectItemCaseSensitive(progress, "leftMs");
    const char *kind = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "kind"));
    const char *sentence = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(reply, "sentence"));

    if (kind && sentence && strcmp(kind, "unknown") != 0)
        cli_say(cli, cli->out, "Work: %s%s%s\n", kind, *sentence ? ". " : "", sentence);
    if (cJSON_IsNumber(done))
        cli_say(cli, cli->out, "Done: %.0f %%", 100 * done->valuedouble);
    if (cJSON_IsNumber(done) && cJSON_IsNumber(left))
        cli_say(cli, cli->out, ", about %s left", format_duration((int64_t)left->valuedouble, text));
    if (cJSON_IsNumber(done))
        cli_say(cli, cli->out, "\n");
    cJSON_Delete(reply);
}

/* Connects and fetches; with -o json or yaml the reply is printed already. 0, or the exit status. */
static int one_open(struct cli *cli, struct model_detail *d, bool *printed)
{
    struct err e = {0};
    const char *full = NULL;
    cJSON *reply = NULL;
    int status = CLI_OK;

    if (!cli_connect(cli, &e))
        full = cli_full_name(cli, cli->args.rest[0], &e);
    if (full)
        reply = cli_get(cli, cli_path(cli, "/api/v2/jobs/%s", full), printed, &e);
    if (!reply || (!*printed && model_read_detail(cli->arena, reply, d, &e)))
        status = cli_fail(cli, NULL, &e);
    cJSON_Delete(reply);
    return status;
}

int one_show(struct cli *cli)
{
    struct model_detail d = {0};
    bool printed = false;
    int status = one_open(cli, &d, &printed);
    struct buf out;

    if (status || printed || !d.job.full)
        return status;
    if (cli->format == OUTPUT_NAME) {
        cli_say(cli, cli->out, "%s\n", d.job.full);
        return CLI_OK;
    }
    if (cli->format != OUTPUT_CSV) {
        buf_init(&out, 0);
        one_say_head(cli, &d, &out);
        (void)fwrite(buf_str(&out), 1, out.len, cli->out);
        buf_fini(&out);
        one_say_why(cli, &d, cli->out);
        one_say_limits(cli, &d);
        one_say_use(cli, &d);
        one_say_profile(cli, &d);
        cli_say(cli, cli->out, "\n");
    }
    return one_tasks(cli, &d);
}

/* The jobs in the way, as far as the server lists them. */
static void one_say_blockers(struct cli *cli, const cJSON *reply)
{
    const cJSON *list = cJSON_GetObjectItemCaseSensitive(reply, "blockedBy"), *item;
    int64_t all = 0;
    int listed = 0;

    (void)json_get_int(reply, "blockers", &all, NULL);
    cJSON_ArrayForEach(item, list)
    {
        if (cJSON_IsString(item))
            cli_say(cli, cli->out, "%s%s", listed++ ? ", " : "In the way: ", item->valuestring);
    }
    if (listed && all > listed)
        cli_say(cli, cli->out, " and %lld more", (long long)(all - listed));
    if (listed)
        cli_say(cli, cli->out, "\n");
}

/* What stands in a sentence about a help: the amount where there is one, else the name. */
static const char *one_amount(struct cli *cli, const char *name, int64_t amount)
{
    if (amount > 1 || (amount && !name))
        return arena_printf(cli->arena, "%lld", (long long)amount);
    return amount ? "1" : name ? name : "";
}

/* What would let it start now: a sentence a kind; %s is the amount or the name. */
static void one_say_helps(struct cli *cli, const cJSON *reply)
{
    static const struct {
        const char *kind, *before, *after, *after_one; /* of one; NULL: the same */
    } sentences[] = {
        {"release", "if it were released (held by ", ")", NULL},
        {"retry", "but that its next try is due in ", " s", NULL},
        {"nodeReturns", "with this node up: ", "", NULL},
        {"moreQuota", "with a guarantee of its virtual cluster larger by ", " GPUs", " GPU"},
        {"moreBorrow", "if its virtual cluster could borrow ", " GPUs more", " GPU more"},
        {"moreUserCap", "if its user could hold ", " GPUs more", " GPU more"},
        {"moreNodes", "with ", " nodes more", " node more"},
        {"fewerTasks", "with ", " tasks", " task"},
        {"fewerGpusPerTask", "with ", " GPUs in each task", " GPU in each task"},
        {"fewerCpusPerTask", "with ", " CPUs for each task", " CPU for each task"},
        {"shorterTimeLimit", "with a time limit of ", " s", NULL},
        {"anyNode", "without its wishes for nodes (", ")", NULL},
        {"otherSku", "on GPUs of SKU ", "", NULL},
        {"otherVirtualCluster", "in virtual cluster ", "", NULL},
        {"priorityClass", "as priority class ", ", which may be stopped at any time", NULL},
    };
    const cJSON *item;
    const char *lead = cJSON_GetObjectItemCaseSensitive(reply, "then") ? "It would then start" : "It would start now";
    if (cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(reply, "helpTogether")))
        lead = "All at once:";

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(reply, "help"))
    {
        const char *kind = "", *name = NULL;
        int64_t amount = 0;
        (void)json_get_string(item, "kind", &kind, NULL);
        (void)json_get_string(item, "name", &name, NULL);
        (void)json_get_int(item, "amount", &amount, NULL);
        for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
            if (!strcmp(sentences[i].kind, kind))
                cli_say(cli, cli->out, "%s %s%s%s%s%s.\n", lead, sentences[i].before, one_amount(cli, name, amount),
                        amount == 1 && sentences[i].after_one ? sentences[i].after_one : sentences[i].after,
                        name && amount ? " of SKU " : "", name && amount ? name : "");
    }
}

/* "on vm and n2 (and 3 more) by its guarantee, after 4 s; score 3: left 3". */
static void one_say_place(struct cli *cli, const cJSON *record, struct buf *out)
{
    const char *right = "";
    int64_t waited = 0;
    int named = 0;
    char text[FORMAT_SIZE];
    const cJSON *term;
    const cJSON *places = cJSON_GetObjectItemCaseSensitive(record, "places"), *place, *last = NULL;

    (void)json_get_string(record, "right", &right, NULL);
    (void)json_get_int(record, "waitedMs", &waited, NULL);
    cJSON_ArrayForEach(place, places)
    {
        const cJSON *node = cJSON_GetObjectItemCaseSensitive(place, "node");
        if (!cJSON_IsString(node) || (last && !strcmp(last->valuestring, node->valuestring)))
            continue;
        if (named < 4)
            one_add(out, arena_printf(cli->arena, "%s%s", named ? ", " : " on ", node->valuestring));
        named++;
        last = node;
    }
    if (named > 4)
        (void)buf_addf(out, " and %d more", named - 4);
    (void)buf_addf(out, " (%s), after %s", right, format_duration(waited, text));
    cJSON_ArrayForEach(term, cJSON_GetObjectItemCaseSensitive(record, "score"))
    {
        if (cJSON_IsNumber(term) && term->valuedouble != 0)
            (void)buf_addf(out, "; %s %.0f", term->string, term->valuedouble);
    }
}

/* What was decided about it, the newest first. */
static void one_say_decisions(struct cli *cli, const cJSON *reply)
{
    enum { SHOWN = 10 };
    const cJSON *item;
    int64_t now = clock_read().wall;
    int shown = 0;

    cJSON_ArrayForEach(item, cJSON_GetObjectItemCaseSensitive(reply, "decisions"))
    {
        const char *kind = "", *by = NULL, *then = "";
        int64_t time = 0, attempt = 0;
        struct buf out;
        const cJSON *record = cJSON_GetObjectItemCaseSensitive(item, "record");
        if (shown++ == SHOWN)
            break;
        (void)json_get_string(item, "kind", &kind, NULL);
        (void)json_get_int(item, "time", &time, NULL);
        (void)json_get_int(item, "attempt", &attempt, NULL);
        (void)json_get_string(record, "by", &by, NULL);
        (void)json_get_string(record, "then", &then, NULL);
        buf_init(&out, 4096);
        (void)buf_addf(&out, "Attempt %lld, %s: ", (long long)attempt + 1, cli_time(cli, now, time));
        one_add(&out, kind);
        if (!strcmp(kind, "placed"))
            one_say_place(cli, record, &out);
        else if (by)
            one_add(&out, arena_printf(cli->arena, " by %s: it %s", by, then));
        cli_say(cli, cli->out, "%s.\n", buf_str(&out));
        buf_fini(&out);
    }
}

/* More than the sentence: servers before this one have no such route, and then there is no more. */
static void one_say_explanation(struct cli *cli, const char *full)
{
    struct err e = {0};
    bool printed = false;
    cJSON *reply = cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/explain", full), &printed, &e);

    if (!reply)
        return;
    one_say_blockers(cli, reply);
    one_say_helps(cli, reply);
    one_say_decisions(cli, reply);
    cJSON_Delete(reply);
}

int one_explain(struct cli *cli)
{
    struct model_detail d = {0};
    bool printed = false;
    int status = one_open(cli, &d, &printed);
    struct buf out;

    if (status || printed || !d.job.full)
        return status;
    /* The server's sentence first, the numbers under it. */
    one_say_why(cli, &d, cli->out);
    one_say_explanation(cli, d.job.full);
    buf_init(&out, 0);
    one_say_head(cli, &d, &out);
    (void)fwrite(buf_str(&out), 1, out.len, cli->out);
    buf_fini(&out);
    return CLI_OK;
}

int one_config(struct cli *cli)
{
    struct transfer_request r = {.method = "GET"};
    struct err e = {0};
    const char *full = NULL;
    struct buf body;
    int status = CLI_OK;

    buf_init(&body, TRANSFER_MAX_BODY + 1);
    if (!cli_connect(cli, &e))
        full = cli_full_name(cli, cli->args.rest[0], &e);
    r.path = full ? cli_path(cli, "/api/v2/jobs/%s/config", full) : NULL;
    if (!r.path || client_call(&cli->server, &r, &body, &e))
        status = cli_fail(cli, NULL, &e);
    else if (output_foreign(&cli->term, buf_str(&body), body.len, cli->out))
        status = CLI_FAILED;
    buf_fini(&body);
    return status;
}

/* What became of a stop that the server took: a waiting job is stopped at once, an ended one stays as it ended. */
static void one_say_stop(struct cli *cli, const char *full)
{
    struct model_detail d;
    struct err e = {0};
    bool known = !watch_fetch(cli, full, &d, &e);

    if (known && d.job.state == WORD_STOPPED)
        cli_say(cli, cli->err, "%s is stopped.\n", full);
    else if (known && words_get(d.job.state)->final)
        cli_say(cli, cli->err, "%s had ended already: %s.\n", full, words_get(d.job.state)->text);
    else
        cli_say(cli, cli->err, "%s is being stopped.\n", full);
}

int one_stop_job(struct cli *cli, const char *typed, bool quiet)
{
    struct transfer_request r = {.method = "PUT", .type = "application/json", .body = "{\"value\":\"STOP\"}"};
    struct err e = {0};
    const char *full = cli_full_name(cli, typed, &e);

    r.body_len = strlen(r.body);
    r.path = full ? cli_path(cli, "/api/v2/jobs/%s/executionType", full) : NULL;
    if (!r.path || client_call(&cli->server, &r, NULL, &e))
        return cli_fail(cli, cli->args.rest_count == 1 ? NULL : typed, &e);
    if (cli->format == OUTPUT_NAME)
        cli_say(cli, cli->out, "%s\n", full);
    else if (!quiet)
        one_say_stop(cli, full);
    return CLI_OK;
}

int one_stop(struct cli *cli)
{
    struct err e = {0};
    int status = CLI_OK;

    if (cli_connect(cli, &e))
        return cli_fail(cli, NULL, &e);
    for (int i = 0; i < cli->args.rest_count; i++) {
        int one = one_stop_job(cli, cli->args.rest[i], false);

        status = status ? status : one;
    }
    return status;
}

/* "state=running,failed", or without "state=", as bits; -1 where a word is no state. */
static int one_wanted(struct cli *cli, const char *typed, unsigned *out)
{
    if (!strncmp(typed, "state=", 6))
        typed += 6;
    for (*out = 0;; typed++) {
        size_t len = strcspn(typed, ",");
        const char *wire = words_to_wire(arena_strndup(cli->arena, typed, len));

        if (!wire)
            return -1;
        *out |= 1u << words_from_wire(wire, NULL, NULL);
        typed += len;
        if (!*typed)
            return 0;
    }
}

int one_wait(struct cli *cli)
{
    const char *wanted = args_get(&cli->args, "for");
    struct watch w = {.timeout_ms = 0};
    struct model_detail d = {0};
    struct err e = {0};
    int64_t seconds = 0;

    if (args_int(&cli->args, "wait-timeout", (int64_t[2]){1, 100000000}, &seconds, &e))
        return cli_usage(cli, "%s", e.text);
    if (wanted && one_wanted(cli, wanted, &w.until))
        return cli_usage(cli, "--for takes states: waiting running stopping succeeded failed stopped.");
    w.timeout_ms = seconds * 1000;
    if (!cli_connect(cli, &e))
        w.full = cli_full_name(cli, cli->args.rest[0], &e);
    if (!w.full || watch_job(cli, &w, &d, &e))
        return cli_fail(cli, NULL, &e);
    watch_say_end(cli, &d);
    if (w.until & 1u << d.job.state)
        return CLI_OK;
    return w.until && d.job.state == WORD_SUCCEEDED ? CLI_JOB_FAILED
                                                    : watch_exit(&d, args_has(&cli->args, "propagate-exit-code"));
}
