/* SPDX-License-Identifier: MIT
 *
 * profile: what kind of work a job does, what holds it up with the figures that prove it, and how far it is.
 */
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/cli.h"
#include "tui/client.h"
#include "tui/format.h"
#include "tui/verbs/verbs.h"

#define PROFILE_COUNT(a) (sizeof(a) / sizeof *(a))

static const struct table_column profile_columns[] = {
    {"FIGURE", "figure", 0, 8, false},
    {"VALUE", "value", 0, 0, true},
    {"SPEAKS FOR IT IF", "limit", 1, 0, false},
    {"WHAT", "what", 2, 16, false},
};

/* The figures of the API in words. One that this client does not know is shown without. */
static const struct profile_word {
    const char *figure, *unit, *what;
} profile_words[] = {
    {"busy", "%", "of the time the GPUs compute (median)"},
    {"duty", "%", "of the samples have any work at all"},
    {"memoryBusy", "%", "of the time their memory is read or written"},
    {"intensity", "%", "of the power that such use would need is drawn"},
    {"power", "%", "of the power limit is drawn (mean)"},
    {"balance", "%", "of the busiest GPU's work is done by the least busy one"},
    {"cpu", "%", "of the job's cores are busy"},
    {"ioWait", "%", "of the time something waits for a disk"},
    {"stillSeconds", "s", "at the end without work"},
    {"idleStretchSeconds", "s", "without work between work (mean)"},
};

static double profile_number(const cJSON *o, const char *key, bool *known)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(o, key);

    *known = cJSON_IsNumber(v);
    return *known ? v->valuedouble : 0;
}

static const char *profile_text(const cJSON *o, const char *key)
{
    const char *text = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return text ? text : "";
}

static const struct profile_word *profile_word(const char *figure)
{
    static const struct profile_word none = {"", "", ""};

    for (size_t i = 0; i < PROFILE_COUNT(profile_words); i++)
        if (!strcmp(profile_words[i].figure, figure))
            return &profile_words[i];
    return &none;
}

/* "at least 80 %" of a proof; NULL where the figure proves nothing. */
static const char *profile_limit(struct cli *cli, const cJSON *proofs, const char *figure, const char *unit)
{
    const cJSON *proof;

    cJSON_ArrayForEach(proof, proofs)
    {
        bool least, below;
        const double from = profile_number(proof, "atLeast", &least), to = profile_number(proof, "below", &below);

        if (!strcmp(profile_text(proof, "figure"), figure) && (least || below))
            return arena_printf(cli->arena, "%s %.0f %s", least ? "at least" : "below", least ? from : to, unit);
    }
    return NULL;
}

static size_t profile_known(const cJSON *figures)
{
    const cJSON *figure;
    size_t known = 0;

    cJSON_ArrayForEach(figure, figures) known += (size_t) !!cJSON_IsNumber(figure);
    return known;
}

/* A line for each figure that is known, those that prove something first. Exit status. */
static int profile_figures(struct cli *cli, const cJSON *reply)
{
    const cJSON *figures = cJSON_GetObjectItemCaseSensitive(reply, "figures"), *figure;
    const cJSON *proofs = cJSON_GetObjectItemCaseSensitive(reply, "proofs");
    struct output *o =
        output_create(cli->arena, profile_columns, PROFILE_COUNT(profile_columns), profile_known(figures));
    size_t row = 0;

    for (int pass = 0; pass < 2 && o; pass++) {
        cJSON_ArrayForEach(figure, figures)
        {
            const struct profile_word *word = profile_word(figure->string);
            const char *limit = profile_limit(cli, proofs, figure->string, word->unit);

            if (!cJSON_IsNumber(figure) || (limit != NULL) != (pass == 0))
                continue;
            output_cell(o, row, 0, figure->string, COLOUR_DEFAULT);
            output_cell(o, row, 1, arena_printf(cli->arena, "%.1f %s", figure->valuedouble, word->unit),
                        COLOUR_DEFAULT);
            output_cell(o, row, 2, limit, COLOUR_DEFAULT);
            output_cell(o, row++, 3, word->what, COLOUR_DEFAULT);
        }
    }
    return cli_table(cli, o);
}

/* "step 30 of 100": nothing where the log does not tell it. */
static void profile_add_of(struct cli *cli, struct buf *line, const cJSON *progress, const char *const keys[3])
{
    const char *dot = cli->term.utf8 ? " · " : " - ";
    bool told, of;
    const double at = profile_number(progress, keys[1], &told), all = profile_number(progress, keys[2], &of);

    if (told)
        (void)buf_addf(line, "%s%s %.10g", line->len ? dot : "", keys[0], at);
    if (told && of)
        (void)buf_addf(line, " of %.10g", all);
}

/* How far it is, in a line; nothing where its log tells nothing. */
static void profile_progress(struct cli *cli, const cJSON *progress)
{
    const char *dot = cli->term.utf8 ? " · " : " - ";
    char text[FORMAT_SIZE];
    struct buf line;
    bool told;

    buf_init(&line, 1024);
    profile_add_of(cli, &line, progress, (const char *const[]){"step", "step", "steps"});
    profile_add_of(cli, &line, progress, (const char *const[]){"epoch", "epoch", "epochs"});
    const double loss = profile_number(progress, "loss", &told);
    if (told)
        (void)buf_addf(&line, "%sloss %.6g", line.len ? dot : "", loss);
    const double rate = profile_number(progress, "stepsPerSecond", &told);
    if (told)
        (void)buf_addf(&line, "%s%.3g steps/s", line.len ? dot : "", rate);
    const double done = profile_number(progress, "done", &told);
    if (told)
        (void)buf_addf(&line, "%s%.0f %% done", line.len ? dot : "", 100 * done);
    const double left = profile_number(progress, "leftMs", &told);
    if (told)
        (void)buf_addf(&line, "%sabout %s left", line.len ? dot : "", format_duration((int64_t)left, text));
    if (line.len)
        cli_say(cli, cli->out, "Progress:   %s\n", buf_str(&line));
    buf_fini(&line);
    const double silent = profile_number(progress, "silentMs", &told);
    if (told && cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(progress, "stalled")))
        cli_say(cli, cli->out, "Its log has been silent for %s, much longer than it used to be.\n",
                format_duration((int64_t)silent, text));
}

/* Kind, bottleneck, what to try and how far it is. */
static void profile_say(struct cli *cli, const cJSON *reply)
{
    const char *kind = profile_text(reply, "kind"), *sentence = profile_text(reply, "sentence");
    const cJSON *try;
    bool sure, repeats;
    const double confidence = profile_number(reply, "kindConfidence", &sure);
    const double period = profile_number(reply, "periodSeconds", &repeats);

    if (!strcmp(kind, "unknown")) {
        cli_say(cli, cli->out, "Kind:       unknown: its GPUs have too few samples\n");
    } else {
        cli_say(cli, cli->out, "Kind:       %s (%.0f %% sure)", kind, confidence);
        if (repeats)
            cli_say(cli, cli->out, ", repeats each %.3g s", period);
        cli_say(cli, cli->out, "\n");
    }
    /* Of what waits for people or requests nothing is the bottleneck, and the server has no sentence. */
    if (*sentence && strcmp(kind, "idle") != 0)
        cli_say(cli, cli->out, "Bottleneck: %s (%.0f %% sure)\n", profile_text(reply, "bottleneck"),
                profile_number(reply, "confidence", &sure));
    profile_progress(cli, cJSON_GetObjectItemCaseSensitive(reply, "progress"));
    if (*sentence)
        cli_say(cli, cli->out, "%s\n", sentence);
    cJSON_ArrayForEach(try, cJSON_GetObjectItemCaseSensitive(reply, "advice"))
    {
        if (cJSON_IsString(try))
            cli_say(cli, cli->out, "Try: %s\n", try->valuestring);
    }
}

int profile_run(struct cli *cli)
{
    struct err e = {0};
    const char *full = NULL;
    bool printed = false;

    if (!cli_connect(cli, &e))
        full = cli_full_name(cli, cli->args.rest[0], &e);
    cJSON *reply = full ? cli_get(cli, cli_path(cli, "/api/v2/jobs/%s/profile", full), &printed, &e) : NULL;
    int status = CLI_OK;

    if (!reply) {
        status = cli_fail(cli, NULL, &e);
    } else if (!printed) {
        const bool figures = profile_known(cJSON_GetObjectItemCaseSensitive(reply, "figures")) > 0;
        const bool sentences = cli->format == OUTPUT_TABLE || cli->format == OUTPUT_WIDE;

        if (sentences)
            profile_say(cli, reply);
        if (sentences && figures)
            cli_say(cli, cli->out, "\n");
        if (!sentences || figures)
            status = profile_figures(cli, reply);
    }
    cJSON_Delete(reply);
    return status;
}
