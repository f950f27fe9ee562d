/* SPDX-License-Identifier: MIT
 *
 * Polling with back-off from 0.1 s to 1 s; a change of state makes it quick again. Each poll has an arena of its own,
 * because a wait may last for days.
 */
#include "tui/watch.h"

#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/model.h"

#define WATCH_FIRST_MS 100
#define WATCH_MOST_MS 1000
#define WATCH_AWAY_MS 60000

int watch_fetch(struct cli *cli, const char *full, struct model_detail *out, struct err *e)
{
    const char *path = cli_path(cli, "/api/v2/jobs/%s", full);
    cJSON *reply = path ? client_get(&cli->server, path, NULL, e) : NULL;
    int rc = reply ? model_read_detail(cli->arena, reply, out, e) : -1;

    cJSON_Delete(reply);
    return rc;
}

static void watch_say(struct cli *cli, const struct model_detail *d, int64_t started)
{
    const struct word *w = words_get(d->job.state);
    char span[FORMAT_SIZE];
    const char *more = "";

    if (d->job.state == WORD_WAITING)
        more = d->job.wait_reason;
    else if (d->job.state == WORD_RUNNING && d->task_count == 1)
        more = d->tasks[0].node;
    cli_say(cli, cli->err, "%s %s%s%s (%s)\n", cli->err_term.utf8 && cli->err_term.tty ? w->glyph : "-", w->text,
            *more ? ": " : "", more, format_duration(clock_read().mono - started, span));
    (void)fflush(cli->err);
}

static void watch_sleep(int64_t ms)
{
    struct timespec t = {ms / 1000, ms % 1000 * 1000000};

    (void)nanosleep(&t, NULL);
}

/* Whether a failed poll may be tried again: the server is away or slow, and not for too long yet. */
static bool watch_may_retry(struct cli *cli, const struct err *e, int64_t *away, int64_t now)
{
    if (e->code != ERR_BUSY && e->code != ERR_TIMEOUT)
        return false;
    if (!*away) {
        *away = now;
        cli_say(cli, cli->err, "drover: %s Trying again for a minute.\n", e->text);
    }
    return now - *away < WATCH_AWAY_MS;
}

/* What is remembered from one poll to the next. */
struct watch_state {
    int64_t started;
    int64_t away; /* mono ms when the server went away, 0 = it is there */
    int64_t pause;
    enum word_state last;
    bool seen;
};

/* What an answer says: whether the wait is over. */
static bool watch_judge(struct cli *cli, const struct watch *w, struct watch_state *s, const struct model_detail *d)
{
    s->away = 0;
    if (!s->seen || d->job.state != s->last) {
        s->pause = WATCH_FIRST_MS;
        if (!w->quiet && !words_get(d->job.state)->final)
            watch_say(cli, d, s->started);
    }
    s->seen = true;
    s->last = d->job.state;
    return words_get(d->job.state)->final || (w->until_started && d->job.state != WORD_WAITING) ||
           (w->until & 1u << d->job.state);
}

/* One poll: 1 when the wait is over, with the answer that ended it in `out`; 0 when not, -1 on error. */
static int watch_step(struct cli *cli, const struct watch *w, struct watch_state *s, struct model_detail *out,
                      struct err *e)
{
    const char *path = cli_path(cli, "/api/v2/jobs/%s", w->full);
    struct arena *a = arena_create(0);
    struct model_detail d;
    cJSON *reply;
    int over = 0;

    *e = (struct err){0};
    if (!a || !path) {
        arena_destroy(a);
        return err_set(e, ERR_INTERNAL, "Out of memory.");
    }
    reply = client_get(&cli->server, path, NULL, e);
    if (!reply || model_read_detail(a, reply, &d, e))
        over = watch_may_retry(cli, e, &s->away, clock_read().mono) ? 0 : -1;
    else if (watch_judge(cli, w, s, &d))
        over = model_read_detail(cli->arena, reply, out, e) ? -1 : 1;
    cJSON_Delete(reply);
    arena_destroy(a);
    return over;
}

int watch_job(struct cli *cli, const struct watch *w, struct model_detail *out, struct err *e)
{
    struct watch_state s = {.started = clock_read().mono, .pause = WATCH_FIRST_MS};

    for (;;) {
        int over = watch_step(cli, w, &s, out, e);

        if (over)
            return over < 0 ? -1 : 0;
        if (w->timeout_ms && clock_read().mono - s.started >= w->timeout_ms)
            return err_set(e, ERR_TIMEOUT, "%s has not ended in time; it goes on.", w->full);
        watch_sleep(s.pause);
        s.pause = s.pause * 3 / 2 < WATCH_MOST_MS ? s.pause * 3 / 2 : WATCH_MOST_MS;
    }
}

int watch_exit(const struct model_detail *d, bool propagate)
{
    if (d->job.state == WORD_SUCCEEDED)
        return CLI_OK;
    if (propagate && d->job.has_exit && d->job.exit_code > 0 && d->job.exit_code < 256)
        return d->job.exit_code;
    return CLI_JOB_FAILED;
}

void watch_say_end(struct cli *cli, const struct model_detail *d)
{
    const struct word *w = words_get(d->job.state);
    const char *why = model_why(cli->arena, &d->job);
    char span[FORMAT_SIZE];

    cli_say(cli, cli->err, "%s%s%s %s%s%s (%s)\n", cli->err_term.utf8 && cli->err_term.tty ? w->glyph : "",
            cli->err_term.utf8 && cli->err_term.tty ? " " : "", d->job.full, w->text, *why ? ": " : "", why,
            format_duration(model_span(&d->job, clock_read().wall), span));
    if (d->job.state != WORD_FAILED)
        return;
    if (*d->exit_reason)
        cli_say(cli, cli->err, "%s\n", d->exit_reason);
    for (size_t i = 0; i < 3 && d->solutions[i]; i++)
        cli_say(cli, cli->err, "Try: %s\n", d->solutions[i]);
}
