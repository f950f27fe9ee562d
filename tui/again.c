/* SPDX-License-Identifier: MIT
 *
 * The verb prints into memory; what it printed last time is compared. Each round has an arena of its own, because it
 * may go on for days.
 */
#include "tui/again.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "tui/cli.h"

#define AGAIN_PAUSE_MS 2000
#define AGAIN_SCREEN "\033[H\033[2J"

/* Whether the `len` bytes are a line of `text`. */
static int has_line(const char *text, const char *line, size_t len)
{
    while (*text) {
        size_t n = strcspn(text, "\n");

        if (n == len && !memcmp(text, line, len))
            return 1;
        text += n + (text[n] == '\n');
    }
    return 0;
}

void again_print_new(const char *before, const char *now, FILE *f)
{
    while (*now) {
        size_t n = strcspn(now, "\n");

        if (!has_line(before, now, n))
            (void)fprintf(f, "%.*s\n", (int)n, now);
        now += n + (now[n] == '\n');
    }
}

static void show(struct cli *cli, const char *before, const char *now)
{
    if (cli->term.tty)
        (void)fprintf(cli->out, AGAIN_SCREEN "%s", now);
    else if (cli->format == OUTPUT_JSON || cli->format == OUTPUT_YAML)
        (void)fputs(now, cli->out);
    else
        again_print_new(before, now, cli->out);
    (void)fflush(cli->out);
}

/* A server that is away may come back. */
static bool is_away(int status)
{
    return status == CLI_UNREACHABLE || status == CLI_TIMEOUT;
}

/* One round, whose status comes after that of the round before: what it printed, to be freed; NULL when out of memory.
 */
static char *once(const struct cli *cli, int *status)
{
    struct cli inner = *cli;
    char *text = NULL, *said = NULL;
    size_t len = 0, said_len = 0;
    int before = *status;

    inner.arena = arena_create(512u << 20);
    inner.out = open_memstream(&text, &len);
    inner.err = open_memstream(&said, &said_len);
    *status = inner.arena && inner.out && inner.err ? inner.command->run(&inner) : CLI_FAILED;
    /* While a server is away, once is enough. */
    if (inner.err && !fclose(inner.err) && (!is_away(*status) || !is_away(before)))
        (void)fwrite(said, 1, said_len, cli->err);
    (void)fflush(cli->err);
    free(said);
    if (inner.out && fclose(inner.out)) {
        free(text);
        text = NULL;
    }
    arena_destroy(inner.arena);
    return text;
}

int again_run(struct cli *cli)
{
    static const struct timespec pause = {AGAIN_PAUSE_MS / 1000, AGAIN_PAUSE_MS % 1000 * 1000000L};
    char *before = NULL;
    int status = CLI_OK;

    for (int round = 0;; round++) {
        char *now = once(cli, &status);

        if (!now || (status != CLI_OK && !is_away(status)) || (round == 0 && status != CLI_OK)) {
            free(now);
            break;
        }
        if (status == CLI_OK && (!before || strcmp(before, now) != 0)) {
            show(cli, before ? before : "", now);
            free(before);
            before = now;
        } else {
            free(now);
        }
        if (ferror(cli->out)) {
            status = CLI_FAILED;
            break;
        }
        (void)nanosleep(&pause, NULL);
    }
    free(before);
    return status;
}
