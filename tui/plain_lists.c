/* SPDX-License-Identifier: MIT
 *
 * Lists in line mode. The words are those of the screen's views.
 */
#include "tui/plain_lists.h"

#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cells.h"
#include "tui/cli.h"
#include "tui/verbs/objects_tables.h"

static const struct {
    const char *word, *verb;
} words[] = {
    {"users", "users"},   {"groups", "groups"},      {"members", "group members"}, {"reservations", "reservations"},
    {"alerts", "alerts"}, {"reports", "report gpu"}, {"audit", "audit"},
};

const struct listing *plain_listing(const char *word)
{
    size_t count;
    const struct listing *all = objects_listings(&count);

    for (size_t w = 0; w < sizeof words / sizeof *words; w++)
        for (size_t i = 0; i < count && !strcmp(words[w].word, word); i++)
            if (!strcmp(all[i].verb, words[w].verb))
                return &all[i];
    return NULL;
}

const char *plain_listings(void)
{
    return "users, groups, members GROUP, reservations [state:all], alerts, reports [by:user days:30], "
           "audit [user:NAME status:403]";
}

/* Adds the question that a word "option:value" asks. 0 or -1. */
static int plain_question(const struct cells *c, const struct listing *l, const char *word, struct buf *path,
                          struct err *e)
{
    for (const struct question *q = l->questions; q && q->option; q++) {
        size_t len = strlen(q->option);

        if (strncmp(word, q->option, len) != 0 || word[len] != ':')
            continue;
        (void)buf_addc(path, strchr(buf_str(path), '?') ? '&' : '?');
        return cells_ask(q, word + len + 1, c->now, path, e);
    }
    return err_set(e, ERR_INVALID_PARAMETERS, "\"%.60s\" is nothing that this list can be asked.", word);
}

const char *plain_path(const struct cells *c, const struct listing *l, const char *typed, struct err *e)
{
    const char *place = strstr(l->path, "%s"), *out = NULL;
    struct buf path;
    char word[200];
    int rc = 0;

    buf_init(&path, 16384);
    (void)buf_add(&path, l->path, place ? (size_t)(place - l->path) : strlen(l->path));
    if (place && *typed) {
        transfer_escape(&path, typed);
        (void)buf_adds(&path, place + 2);
    } else if (place) {
        rc = err_set(e, ERR_INVALID_PARAMETERS, "Say whose.");
    }
    for (const char *at = typed; !rc && !place && *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");

        snprintf(word, sizeof word, "%.*s", (int)len, at);
        rc = len ? plain_question(c, l, word, &path, e) : 0;
        at += len;
    }
    if (!rc && !path.bad)
        out = arena_strdup(c->arena, buf_str(&path));
    buf_fini(&path);
    return out;
}

/* "1. ana: admin yes, disabled no, groups default, vision" */
static void plain_row(struct cli *cli, const struct cells *c, const struct listing *l, const cJSON *item)
{
    const char *gap = ": ", *name = cells_text(c, item, &l->fields[0]);

    cli_say(cli, cli->out, "%s", name ? name : "-");
    for (size_t i = 1; i < l->count; i++) {
        const char *text = l->columns[i].rank < 10 ? cells_text(c, item, &l->fields[i]) : NULL;

        if (!text)
            continue;
        cli_say(cli, cli->out, "%s%s %s", gap, l->columns[i].key, text);
        gap = ", ";
    }
    cli_say(cli, cli->out, "\n");
}

void plain_rows(struct cli *cli, const struct cells *c, const struct listing *l, const cJSON *reply)
{
    const cJSON *list = l->inside ? cJSON_GetObjectItemCaseSensitive(reply, l->inside) : reply, *item;
    int n = 0;

    cli_say(cli, cli->out, "%d in all.\n", cJSON_GetArraySize(list));
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item))
            continue;
        cli_say(cli, cli->out, "%d. ", ++n);
        plain_row(cli, c, l, item);
    }
}
