/* SPDX-License-Identifier: MIT
 *
 * The classifier and the reader of progress as a program, for worlds.py: cases on stdin, a line of figures each on
 * stdout. A case is lines of words and numbers ("-": a sample is missing), then the bytes of its log:
 *
 *   case NAME PERIOD_MS COUNT GPUS POWER_LIMIT
 *   gpu SERIES v v v ...       four lines a GPU, in the order of enum profile_series
 *   host SERIES v v v ...      none, or one each
 *   log BEGUN_MS LAST_MS NOW_MS BYTES
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "metrics/profile.h"
#include "metrics/progress.h"

enum { HEAD = 65536, TAIL = 262144 }; /* as the API reads a log */

struct reading {
    char name[64];
    struct profile_input in;
    struct profile_gpu gpus[PROFILE_GPUS_MAX];
    float values[PROFILE_GPUS_MAX * PROFILE_SERIES + PROFILE_HOSTS][PROFILE_SAMPLES_MAX];
    int rows; /* of values */
    char *log;
    size_t log_len;
    struct progress_times times;
};

static void fail(const char *what)
{
    (void)fprintf(stderr, "profile_cases: %s\n", what);
    exit(2);
}

/* The next number of a line. */
static double next(char **at)
{
    char *end;
    const double v = strtod(*at, &end);

    if (end == *at)
        fail("a number is missing");
    *at = end;
    return v;
}

/* Reads the numbers of a line into the next row. */
static const float *read_row(struct reading *r, char *text)
{
    float *row = r->values[r->rows++];
    char *at = text;

    for (int i = 0; i < r->in.count; i++) {
        while (*at == ' ')
            at++;
        if (*at == '-') {
            row[i] = NAN;
            at++;
        } else {
            row[i] = strtof(at, &at);
        }
    }
    return row;
}

static void read_log(struct reading *r, char *at)
{
    r->times.begun_ms = (int64_t)next(&at);
    r->times.last_ms = (int64_t)next(&at);
    r->times.now_ms = (int64_t)next(&at);
    r->log_len = (size_t)next(&at);
    r->log = malloc(r->log_len + 1);
    if (!r->log || fread(r->log, 1, r->log_len, stdin) != r->log_len)
        fail("bytes of a log");
}

static void read_head(struct reading *r, char *at)
{
    const size_t len = strcspn(at, " ");

    memcpy(r->name, at, len < sizeof r->name ? len : sizeof r->name - 1);
    at += len;
    r->in.period_ms = (int64_t)next(&at);
    r->in.count = (int)next(&at);
    r->in.gpu_count = (int)next(&at);
    r->gpus[0].power_limit = next(&at);
    if (r->in.count > PROFILE_SAMPLES_MAX || r->in.gpu_count > PROFILE_GPUS_MAX)
        fail("too many");
    for (int i = 1; i < r->in.gpu_count; i++)
        r->gpus[i].power_limit = r->gpus[0].power_limit;
}

/* False at the end. */
static bool read_case(struct reading *r)
{
    char *line = NULL;
    size_t room = 0;
    int gpu = 0;
    bool done = false;

    memset(r, 0, sizeof *r);
    while (!done && getline(&line, &room, stdin) > 0) {
        const int series = !strncmp(line, "gpu ", 4) || !strncmp(line, "host ", 5) ? strchr(line, ' ')[1] - '0' : -1;

        if (!strncmp(line, "case ", 5)) {
            read_head(r, line + 5);
        } else if (line[0] == 'g' && series >= 0 && series < PROFILE_SERIES && gpu < r->in.gpu_count) {
            r->gpus[gpu].series[series] = read_row(r, line + 5);
            gpu += series == PROFILE_SERIES - 1;
        } else if (line[0] == 'h' && series >= 0 && series < PROFILE_HOSTS) {
            r->in.host[series] = read_row(r, line + 6);
        } else if (!strncmp(line, "log ", 4)) {
            read_log(r, line + 4);
            done = true;
        } else {
            fail(line);
        }
    }
    free(line);
    r->in.gpus = r->gpus;
    return done;
}

static void read_progress(const struct reading *r, struct progress *p, struct progress_told *told)
{
    const size_t head = r->log_len > HEAD ? HEAD : r->log_len, rest = r->log_len - head;

    progress_read(p, -1, r->log, head);
    if (rest > TAIL)
        progress_gap(p);
    progress_read(p, -1, r->log + (rest > TAIL ? r->log_len - TAIL : head), rest > TAIL ? TAIL : rest);
    progress_gap(p);
    progress_tell(p, &r->times, told);
}

int main(void)
{
    static struct reading r;
    static struct profile_scratch scratch;
    struct profile out;
    struct progress_told told;

    while (read_case(&r)) {
        struct err e = {.code = ERR_NONE};
        struct progress *p = progress_create(&e);

        if (!p)
            fail(e.text);
        read_progress(&r, p, &told);
        r.in.hint = (struct profile_hint){.learns = told.tells_loss || !isnan(told.epoch),
                                          .steps = told.tells_steps,
                                          .unfinished = told.tells_steps && !(told.done >= 1),
                                          .requests = told.tells_requests,
                                          .silent_ms = r.log_len ? told.silent_ms : -1};
        profile_make(&r.in, &scratch, &out);
        printf("%s %s %s %.1f %.2f %d %d %lld %.4f", r.name, profile_kind_name(out.kind),
               profile_bottleneck_name(out.bottleneck), out.period_s, out.cycle.strength, out.kind_confidence,
               out.confidence, (long long)told.left_ms, told.done);
        for (int f = 0; f < PROFILE_FIGURES; f++)
            printf(" %s=%.0f", profile_figure_name((enum profile_figure)f), out.figures[f]);
        printf("\n");
        progress_destroy(p);
        free(r.log);
    }
    return 0;
}
