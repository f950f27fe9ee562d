/* SPDX-License-Identifier: MIT */
/* The table, and numbers out of its groups. A field that an earlier rule has found stays, so that what is sure stands
 * before what is usual. Expressions have no nested repetitions, and pcre2's limits are behind them (base/pattern.h). */
#include "metrics/progress_line.h"

#include <ctype.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/err.h"
#include "base/pattern.h"

/* What a group is, beside the fields. */
enum { NOTHING = -1, DATE = PROGRESS_FIELDS, PACE /* seconds a step */ };

/* What a rule is for. */
enum use {
    COUNTS,   /* numbers */
    ASIDE,    /* the line counts something else */
    REQUESTS, /* an answer */
    SETTING   /* numbers of what is to do */
};

struct rule {
    enum use use;
    int field[3]; /* of group 1.. ; DATE has six groups */
    const char *text;
};

#define NUMBER "([-+]?\\d{1,12}(?:\\.\\d{0,12})?(?:[eE][-+]?\\d{1,3})?)"
#define OF "\\s{0,8}(?:/|of)\\s{0,8}"
#define SEPARATOR "['\"]?\\s{0,4}(?:=|:|\\s)\\s{0,4}"

static const struct rule rules[] = {
    {ASIDE, {NOTHING}, "(?i)^\\W{0,8}(?:valid|eval|test|sanity|download|fetch|load|map|filter|token|extract|saving)"},
    /* DeepSpeed's timer, whose epochs begin at 0 where those of its other lines begin at 1 */
    {ASIDE, {NOTHING}, "RunningAvgSamplesPerSec"},
    {REQUESTS, {NOTHING}, "\"(?:GET|POST|PUT) /[^\"]{0,300} HTTP/\\d"},
    {COUNTS, {DATE, NOTHING, NOTHING}, "\\b(\\d{4})[-/](\\d\\d)[-/](\\d\\d)[ T](\\d\\d):(\\d\\d):(\\d\\d)"},
    /* "Step [100/500]", "iteration  100/ 5000", "step=100/4000", "drover: step 10/200" */
    {COUNTS,
     {PROGRESS_STEP, PROGRESS_STEPS, NOTHING},
     "(?i)\\b(?:global[_ ]step|step|iter|iteration|batch)s?\\s{0,4}[:=]?\\s{0,4}[\\[(]?\\s{0,10}(\\d{1,12})" OF
     "(\\d{1,12})"},
    /* tqdm: " 33%|###   | 400/1200 [05:10<10:12,  1.31it/s]"; of bytes it is a download */
    {COUNTS,
     {PROGRESS_STEP, PROGRESS_STEPS, PROGRESS_RATE},
     "\\d%\\|[^|]{0,300}\\| (\\d{1,12})/(\\d{1,12}) \\[[\\d:]{1,12}<[\\d:?]{1,12}, "
     "{1,4}([\\d.]{1,12})(?!s/)[a-zA-Z]{1,9}/s"},
    {COUNTS,
     {PROGRESS_STEP, PROGRESS_STEPS, PACE},
     "\\d%\\|[^|]{0,300}\\| (\\d{1,12})/(\\d{1,12}) \\[[\\d:]{1,12}<[\\d:?]{1,12}, {1,4}([\\d.]{1,12})s/"},
    /* Keras: "  32/1875 [=>......] - ETA: 1:12" and, from version 3 on, a line for a bar */
    {COUNTS, {PROGRESS_STEP, PROGRESS_STEPS, NOTHING}, "^\\s{0,12}(\\d{1,12})/(\\d{1,12}) (?:\\[[=>.]|\xe2\x94\x81)"},
    /* "[ 10/500]", but not "Epoch [3/10]" */
    {COUNTS,
     {PROGRESS_STEP, PROGRESS_STEPS, NOTHING},
     "(?i)(?<!epoch)(?<!epoch:)(?<!epoch )(?<!epoch: )\\[\\s{0,10}(\\d{1,12})/\\s{0,10}(\\d{1,12})\\]"},
    {COUNTS,
     {PROGRESS_EPOCH, PROGRESS_EPOCHS, NOTHING},
     "(?i)\\bepoch\\s{0,4}[:=#]?\\s{0,4}[\\[(]?\\s{0,8}(\\d{1,9})" OF "(\\d{1,9})"},
    {COUNTS, {PROGRESS_EPOCH_DONE, NOTHING, NOTHING}, "['\"]epoch['\"]:\\s{0,4}(\\d{1,9}\\.\\d{1,9})"},
    {COUNTS,
     {PROGRESS_EPOCH, NOTHING, NOTHING},
     "(?i)\\bepoch(?:\\(train\\))?['\"]?\\s{0,4}[:=#]?\\s{0,4}[\\[(]?\\s{0,8}(\\d{1,9})(?![\\d.])"},
    {COUNTS, {PROGRESS_EPOCH_STEPS, NOTHING, NOTHING}, "Total Micro Batches (\\d{1,12})"},
    /* "step=1200", "iter 100: loss", "global_step: 7" */
    {COUNTS,
     {PROGRESS_STEP, NOTHING, NOTHING},
     "(?i)\\b(?:global_step|step|iter|iteration)\\s{0,4}[:=]?\\s{0,10}(\\d{1,12})(?![\\d./])"},
    {COUNTS,
     {PROGRESS_LOSS, NOTHING, NOTHING},
     "(?i)(?<![a-z_])(?:lm |train[_ ]|total[_ ])?loss['\"]?\\s{0,4}[:=]?\\s{0,4}" NUMBER},
    {COUNTS, {PROGRESS_RATE, NOTHING, NOTHING}, "([\\d.]{1,12}) ?(?:it|iter|step)s?/s\\b"},
    {SETTING,
     {PROGRESS_EPOCHS, NOTHING, NOTHING},
     "(?i)(?<![a-z])(?:(?:max|num|n|total)[_ -])?(?:train[_-])?epochs" SEPARATOR "(\\d{1,9})\\b"},
    {SETTING,
     {PROGRESS_ALL_STEPS, NOTHING, NOTHING},
     "(?i)\\b(?:max|num|total|train)[_ -](?:train[_-]|training[_-]|optimization )?(?:steps|iters|iterations)" SEPARATOR
     "(\\d{1,12})\\b"},
};
enum { RULES = sizeof rules / sizeof *rules };

struct progress_lines {
    struct pattern *pattern[RULES];
    struct pattern_scratch *scratch;
};

struct progress_lines *progress_lines_create(struct err *e)
{
    struct progress_lines *l = calloc(1, sizeof *l);

    if (!l || !(l->scratch = pattern_scratch_create())) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        goto fail;
    }
    for (int i = 0; i < RULES; i++)
        if (!(l->pattern[i] = pattern_create(rules[i].text, strlen(rules[i].text), e)))
            goto fail;
    return l;
fail:
    progress_lines_destroy(l);
    return NULL;
}

void progress_lines_destroy(struct progress_lines *l)
{
    if (!l)
        return;
    for (int i = 0; i < RULES; i++)
        pattern_destroy(l->pattern[i]);
    pattern_scratch_destroy(l->scratch);
    free(l);
}

/* The number in a span, NAN where there is none. */
static double number(const char *text, const struct pattern_span *span)
{
    char copy[40];

    if (span->start == SIZE_MAX || span->end - span->start >= sizeof copy)
        return (double)NAN;
    const size_t len = span->end - span->start;
    memcpy(copy, text + span->start, len);
    copy[len] = '\0';
    char *end;
    const double v = strtod(copy, &end);
    return end == copy || !isfinite(v) ? (double)NAN : v;
}

/* Seconds since 1970 of a date in groups 1 to 6. */
static double date(const char *text, const struct pattern_span *groups)
{
    int part[6];

    for (int i = 0; i < 6; i++)
        part[i] = (int)number(text, &groups[i + 1]);
    struct tm tm = {.tm_year = part[0] - 1900,
                    .tm_mon = part[1] - 1,
                    .tm_mday = part[2],
                    .tm_hour = part[3],
                    .tm_min = part[4],
                    .tm_sec = part[5]};
    const time_t at = timegm(&tm);
    return at < 0 ? (double)NAN : (double)at;
}

static void take_groups(const struct rule *r, const char *text, const struct pattern_span *groups,
                        struct progress_line *out)
{
    for (int i = 0; i < 3; i++) {
        int field = r->field[i];
        double v = field == NOTHING ? (double)NAN : field == DATE ? date(text, groups) : number(text, &groups[i + 1]);

        if (field == PACE)
            v = v > 0 ? 1 / v : (double)NAN;
        if (isnan(v))
            continue;
        field = field == DATE ? PROGRESS_CLOCK : field == PACE ? PROGRESS_RATE : field;
        if (isnan(out->field[field]))
            out->field[field] = v;
    }
}

static void read_rules(struct progress_lines *l, enum use from, const struct pattern_text *in,
                       struct progress_line *out)
{
    struct pattern_span groups[PATTERN_GROUPS];

    for (int i = 0; i < RULES; i++) {
        const struct rule *r = &rules[i];

        /* both numbers of a count come out of one place */
        if (r->use < from || (r->field[0] == PROGRESS_STEP && !isnan(out->field[PROGRESS_STEP])) ||
            pattern_groups(l->pattern[i], l->scratch, in, groups) != 1)
            continue;
        if (r->use == ASIDE) {
            out->aside = 1;
            return;
        }
        if (r->use == REQUESTS)
            out->request = 1;
        else
            take_groups(r, in->text, groups, out);
    }
}

static void clear(struct progress_line *out)
{
    *out = (struct progress_line){.request = 0};
    for (int f = 0; f < PROGRESS_FIELDS; f++)
        out->field[f] = (double)NAN;
}

void progress_lines_read(struct progress_lines *l, const char *text, size_t len, struct progress_line *out)
{
    size_t i = 0;

    clear(out);
    if (len > PROGRESS_LINE_MAX)
        len = PROGRESS_LINE_MAX;
    while (i < len && !isdigit((unsigned char)text[i]))
        i++;
    if (i < len) /* where there is no digit there is no number */
        read_rules(l, COUNTS, &(struct pattern_text){text, len, 0}, out);
}

void progress_lines_declared(struct progress_lines *l, const char *text, size_t len, struct progress_line *out)
{
    clear(out);
    read_rules(l, SETTING, &(struct pattern_text){text, len < PROGRESS_LINE_MAX ? len : PROGRESS_LINE_MAX, 0}, out);
}
