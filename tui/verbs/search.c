/* SPDX-License-Identifier: MIT
 *
 * search: the lines of a job's logs that fit an expression, as the server finds them, piece by piece.
 */
#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/verbs/verbs.h"

/* "main-0#1 all:12: text": the attempt is named where it is not the first. */
static void search_say(struct cli *cli, const cJSON *hit)
{
    const char *role = "", *text = "";
    int64_t index = 0, line = 0, job_attempt = 0, attempt = 0;
    char which[64] = "";

    (void)json_get_string(hit, "taskRole", &role, NULL);
    (void)json_get_string(hit, "text", &text, NULL);
    (void)json_get_int(hit, "taskIndex", &index, NULL);
    (void)json_get_int(hit, "line", &line, NULL);
    (void)json_get_int(hit, "jobAttempt", &job_attempt, NULL);
    (void)json_get_int(hit, "taskAttempt", &attempt, NULL);
    if (job_attempt || attempt)
        snprintf(which, sizeof which, "#%lld.%lld", (long long)job_attempt, (long long)attempt);
    cli_say(cli, cli->out, "%s-%lld%s:%lld: %s\n", role, (long long)index, which, (long long)line, text);
}

/* One piece: prints its hits. The next cursor in the arena, NULL at the end. 0 or -1. */
static int search_piece(struct cli *cli, const char *path, const char **cursor, int64_t *hits, struct err *e)
{
    cJSON *reply = cli_get(cli, path, NULL, e);
    const cJSON *hit;
    const char *next = NULL;

    if (!reply)
        return -1;
    cJSON_ArrayForEach(hit, cJSON_GetObjectItemCaseSensitive(reply, "hits"))
    {
        search_say(cli, hit);
        ++*hits;
    }
    if (!cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(reply, "cursor")))
        (void)json_get_string(reply, "cursor", &next, NULL);
    *cursor = next ? arena_strdup(cli->arena, next) : NULL;
    cJSON_Delete(reply);
    return 0;
}

int search_run(struct cli *cli)
{
    const char *full, *cursor = "";
    struct err e = {0};
    int64_t hits = 0;

    if (cli_connect(cli, &e))
        return cli_fail(cli, NULL, &e);
    full = cli_full_name(cli, cli->args.rest[0], &e);
    while (full && cursor) {
        const char *path =
            *cursor ? cli_path(cli, "/api/v2/jobs/%s/logs/search?q=%s&cursor=%s", full, cli->args.rest[1], cursor)
                    : cli_path(cli, "/api/v2/jobs/%s/logs/search?q=%s", full, cli->args.rest[1]);
        if (!path)
            (void)err_set(&e, ERR_INTERNAL, "Out of memory.");
        if (!path || search_piece(cli, path, &cursor, &hits, &e))
            return cli_fail(cli, NULL, &e);
    }
    if (!full)
        return cli_fail(cli, NULL, &e);
    return hits ? CLI_OK : CLI_FAILED;
}
