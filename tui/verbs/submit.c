/* SPDX-License-Identifier: MIT
 *
 * submit: sends the document byte by byte, or, where name or parameters are given, the same tree with those changed
 * (then without its comments). Three lines and no more: what, where or why not yet, and what to do next.
 */
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/model.h"
#include "tui/verbs/code.h"
#include "tui/verbs/logs.h"
#include "tui/verbs/submit.h"
#include "tui/verbs/verbs.h"
#include "tui/watch.h"

int submit_read(const char *file, struct buf *out, struct err *e)
{
    char piece[8192];
    ssize_t n;

    if (strcmp(file, "-"))
        return fs_read(file, SUBMIT_MAX, out, e);
    while ((n = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
        if (buf_add(out, piece, (size_t)n))
            return err_set(e, ERR_TOO_LARGE, "A job's file has at most 1 MiB.");
    }
    return 0;
}

static struct doc *submit_child(struct arena *a, struct doc *map, const char *key)
{
    struct doc **end = &map->first;

    for (; *end; end = &(*end)->next) {
        if ((*end)->key && !strcmp((*end)->key, key))
            return *end;
    }
    *end = arena_alloc(a, sizeof **end);
    if (*end) {
        (*end)->type = DOC_NULL;
        (*end)->key = key;
        map->count++;
    }
    return *end;
}

static void submit_set(struct doc *d, const char *text)
{
    const char *key = d->key;
    struct doc *next = d->next;

    *d = (struct doc){.type = DOC_STRING, .key = key, .text = text, .text_len = strlen(text), .next = next};
}

static int submit_parameter(struct arena *a, struct doc *root, const char *given, struct err *e)
{
    const char *equals = strchr(given, '=');
    struct doc *map;
    struct doc *slot;
    struct doc *value;
    const char *key;

    if (!equals || equals == given)
        return err_set(e, ERR_INVALID_PARAMETERS, "-p takes KEY=VALUE, not \"%s\".", given);
    key = arena_strndup(a, given, (size_t)(equals - given));
    map = submit_child(a, root, "parameters");
    if (map && map->type == DOC_NULL)
        map->type = DOC_MAP;
    if (!map || map->type != DOC_MAP || !key)
        return err_set(e, ERR_INVALID_PARAMETERS, "The file's parameters are not a map.");
    slot = submit_child(a, map, key);
    if (!slot)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    /* The value has the type that it would have in the file: 20 is a number, "a: b" is not a map. */
    value = equals[1] ? doc_parse_yaml(a, equals + 1, strlen(equals + 1), NULL, NULL) : NULL;
    submit_set(slot, equals + 1);
    if (value && value->type != DOC_LIST && value->type != DOC_MAP && value->type != DOC_STRING) {
        value->key = slot->key;
        value->next = slot->next;
        *slot = *value;
    }
    return 0;
}

static int submit_name(struct cli *cli, struct doc *root, struct err *e)
{
    const char *name = args_get(&cli->args, "name");
    const struct doc *old = doc_get(root, "name");
    struct doc *slot = submit_child(cli->arena, root, "name");
    char random[5];

    if (!name && old)
        name = old->text;
    if (!slot || !name)
        return err_set(e, ERR_INVALID_PROTOCOL, "The file has no name; give one with --name.");
    if (args_has(&cli->args, "suffix")) {
        id_random_hex(random, 2);
        name = arena_printf(cli->arena, "%s-%s", name, random);
    }
    if (!name)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    submit_set(slot, name);
    return 0;
}

/* extras.drover.code, of what is sent now. */
static int submit_code(struct cli *cli, struct doc *root, struct err *e)
{
    static const char *const steps[] = {"extras", "drover"};
    const char *id = code_send(cli, args_get(&cli->args, "code"), e);
    struct doc *map = root;

    if (!id)
        return -1;
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        map = submit_child(cli->arena, map, steps[i]);
        if (map && map->type == DOC_NULL)
            map->type = DOC_MAP;
        if (!map || map->type != DOC_MAP)
            return err_set(e, ERR_INVALID_PROTOCOL, "The file's %s is not a map.", steps[i]);
    }
    map = submit_child(cli->arena, map, "code");
    if (!map)
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    submit_set(map, id);
    return 0;
}

/* Changes the document where the options say so. */
static int submit_rewrite(struct cli *cli, struct buf *text, struct err *e)
{
    const struct args *args = &cli->args;
    bool rename = args_has(args, "name") || args_has(args, "suffix");
    struct doc_limits limits = {.bytes = SUBMIT_MAX};
    const char *given;
    struct doc *root;
    size_t pos = 0;

    if (!rename && !args_has(args, "parameter") && !args_has(args, "code"))
        return 0;
    root = doc_parse_yaml(cli->arena, buf_str(text), text->len, &limits, e);
    if (!root)
        return -1;
    if (root->type != DOC_MAP)
        return err_set(e, ERR_INVALID_PROTOCOL, "A job's file is a map.");
    if (rename && submit_name(cli, root, e))
        return -1;
    while ((given = args_each(args, "parameter", &pos))) {
        if (submit_parameter(cli->arena, root, given, e))
            return -1;
    }
    if (args_has(args, "code") && submit_code(cli, root, e))
        return -1;
    buf_reset(text);
    return doc_write_yaml(text, root) ? err_set(e, ERR_TOO_LARGE, "A job's file has at most 1 MiB.") : 0;
}

static void submit_print(struct cli *cli, const struct buf *reply)
{
    (void)output_foreign(&cli->term, buf_str(reply), reply->len, cli->out);
    (void)fputc('\n', cli->out);
}

const char *submit_post(struct cli *cli, const struct buf *text, struct err *e)
{
    struct transfer_request r = {
        .method = "POST", .path = "/api/v2/jobs", .type = "text/yaml", .body = buf_str(text), .body_len = text->len};
    struct buf reply;
    const char *name = NULL;
    cJSON *value = NULL;

    buf_init(&reply, 65536);
    if (!client_call(&cli->server, &r, &reply, e))
        value = json_parse(buf_str(&reply), reply.len, 0, e);
    name = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(value, "name"));
    if (value && !name)
        (void)err_set(e, ERR_INTERNAL, "The server took the job but did not say its name; see: drover jobs");
    if (name && cli->format == OUTPUT_JSON)
        submit_print(cli, &reply);
    name = name ? arena_strdup(cli->arena, name) : NULL;
    cJSON_Delete(value);
    buf_fini(&reply);
    return name;
}

/* The name as its owner types it: without "user~" where that is who asks. */
static const char *submit_short(const struct cli *cli, const char *full)
{
    const char *mine = cli->context.user ? cli->context.user : "";
    size_t len = strlen(mine);

    return len && !strncmp(full, mine, len) && full[len] == '~' ? full + len + 1 : full;
}

/* The second line: where it runs, or why not yet. */
static void submit_say_state(struct cli *cli, const struct model_detail *d)
{
    const struct word *w = words_get(d->job.state);
    const char *node = d->task_count ? d->tasks[0].node : "";
    bool waits = d->job.state == WORD_WAITING && *d->job.wait_reason;
    struct buf line;

    buf_init(&line, 0);
    output_coloured(&cli->term, w->colour, w->text, &line);
    if (waits)
        (void)buf_adds(&line, ": ");
    else if (*node)
        (void)buf_adds(&line, " on ");
    output_coloured(&cli->term, COLOUR_DEFAULT, waits ? d->job.wait_reason : node, &line);
    (void)buf_addc(&line, '\n');
    (void)fwrite(buf_str(&line), 1, line.len, cli->out);
    buf_fini(&line);
}

/* The three lines. */
static void submit_say(struct cli *cli, const char *full, bool waits)
{
    struct model_detail d;
    struct err e = {0};

    if (cli->format == OUTPUT_NAME)
        cli_say(cli, cli->out, "%s\n", full);
    if (cli->format != OUTPUT_TABLE && cli->format != OUTPUT_WIDE)
        return;
    cli_say(cli, cli->out, "%s submitted\n", full);
    if (waits || watch_fetch(cli, full, &d, &e))
        return;
    submit_say_state(cli, &d);
    cli_say(cli, cli->out, "Follow it with: drover logs -f %s\n", submit_short(cli, full));
}

/* After the submission: nothing, or until the end. */
static int submit_await(struct cli *cli, const char *full, int64_t seconds)
{
    struct watch w = {.full = full, .timeout_ms = seconds * 1000};
    struct logs_choice choice = {.full = full, .index = -1, .attempt = -1, .task_attempt = -1, .stream = "all"};
    bool follow = args_has(&cli->args, "follow");
    bool propagate = args_has(&cli->args, "propagate-exit-code");
    struct model_detail d;
    struct err e = {0};

    if (!follow && !args_has(&cli->args, "wait") && !propagate)
        return CLI_OK;
    if (follow && logs_follow(cli, &choice, &e))
        return cli_fail(cli, NULL, &e);
    w.quiet = follow;
    if (watch_job(cli, &w, &d, &e))
        return cli_fail(cli, NULL, &e);
    watch_say_end(cli, &d);
    return watch_exit(&d, propagate);
}

int submit_run(struct cli *cli)
{
    const char *file = cli->args.rest[0];
    const char *shown = strcmp(file, "-") ? file : "standard input";
    const char *full = NULL;
    struct buf text;
    struct err e = {0};
    int64_t seconds = 0;
    int status;

    if (args_int(&cli->args, "wait-timeout", (int64_t[2]){1, 100000000}, &seconds, &e))
        return cli_usage(cli, "%s", e.text);
    buf_init(&text, SUBMIT_MAX);
    if (cli_connect(cli, &e))
        status = cli_fail(cli, NULL, &e);
    else if (submit_read(file, &text, &e) || submit_rewrite(cli, &text, &e))
        status = cli_fail(cli, shown, &e);
    else if (!(full = submit_post(cli, &text, &e))) {
        status = cli_fail(cli, e.line || e.code == ERR_INVALID_PROTOCOL ? shown : NULL, &e);
        if (e.code == ERR_CONFLICT_JOB)
            cli_say(cli, cli->err, "Give it another name with --name NAME, or let one be made with --suffix.\n");
    } else {
        submit_say(cli, full, args_has(&cli->args, "wait") || args_has(&cli->args, "follow"));
        (void)fflush(cli->out);
        status = submit_await(cli, full, seconds);
    }
    buf_fini(&text);
    return status;
}
