/* SPDX-License-Identifier: MIT */
/* Lines become marks: an epoch, a step, a time. What they mean is found when it is asked for, because only many of them
 * tell whether steps count within epochs and whether epochs begin at 0.
 *
 * The time that is left is that of the whole run so far, which has had its share of evaluations and checkpoints; where
 * the second half went at another pace, that half's. Without any times between, the begin and the last word are all. */
#include "metrics/progress.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "metrics/progress_line.h"

enum { MARKS_MAX = 2048, TOTALS_MAX = 16, DECLARED_MAX = 65536 };

#define PACE_DIFFERS 0.15   /* of the second half, from the whole */
#define STALLED_MS 300000   /* at least */
#define STALLED_SHARE 0.2   /* of the time that it has run */
#define STALLED_INTERVALS 8 /* between words */
#define ANSI_MAX 32

struct mark {
    double at; /* ms by some clock; NAN: not known */
    double epoch, step, steps, done;
};

/* Where it was in all there is to do, 0..1, and when. */
struct point {
    double at; /* as a mark's */
    double position;
};

/* How often steps were counted to a total: an evaluation's are counted, too, but less often. */
struct total {
    double steps;
    int marks;
};

struct progress {
    struct progress_lines *lines;
    char line[PROGRESS_LINE_MAX];
    size_t len;
    int escape; /* bytes of a terminal's sequence so far; 0: none */
    size_t declared;

    struct mark mark[MARKS_MAX];
    int count;
    struct total total[TOTALS_MAX];
    int total_count;
    double epoch, epochs, epoch_least; /* as last told */
    double epoch_steps, all_steps, declared_epochs;
    double loss;
    bool steps_seen, requests;

    struct point point[MARKS_MAX]; /* while it is told */
    int points;
};

struct progress *progress_create(struct err *e)
{
    struct progress *p = calloc(1, sizeof *p);

    if (!p) {
        err_set(e, ERR_INTERNAL, "Out of memory.");
        return NULL;
    }
    p->lines = progress_lines_create(e);
    if (!p->lines) {
        free(p);
        return NULL;
    }
    p->epoch = p->epochs = p->epoch_least = p->epoch_steps = p->all_steps = p->declared_epochs = p->loss = (double)NAN;
    return p;
}

void progress_destroy(struct progress *p)
{
    if (!p)
        return;
    progress_lines_destroy(p->lines);
    free(p);
}

/* ---- marks ---- */

/* Every second one goes when there is no more room. */
static void add_mark(struct progress *p, const struct mark *m)
{
    if (p->count == MARKS_MAX) {
        for (int i = 0; i < MARKS_MAX / 2; i++)
            p->mark[i] = p->mark[2 * i + 1];
        p->count = MARKS_MAX / 2;
    }
    p->mark[p->count++] = *m;
}

static void count_total(struct progress *p, double steps)
{
    int least = 0;

    for (int i = 0; i < p->total_count; i++) {
        if (p->total[i].steps == steps) {
            p->total[i].marks++;
            return;
        }
        if (p->total[i].marks < p->total[least].marks)
            least = i;
    }
    if (p->total_count < TOTALS_MAX)
        least = p->total_count++;
    p->total[least] = (struct total){steps, 1};
}

/* The total that steps are mostly counted to; NAN: there is none. */
static double usual_total(const struct progress *p)
{
    const struct total *best = NULL;

    for (int i = 0; i < p->total_count; i++) {
        const struct total *t = &p->total[i];

        if (!best || t->marks > best->marks || (t->marks == best->marks && t->steps > best->steps))
            best = t;
    }
    return best ? best->steps : (double)NAN;
}

static void take_epoch(struct progress *p, double epoch, double epochs)
{
    if (!isnan(epoch)) {
        p->epoch = epoch;
        p->epoch_least = isnan(p->epoch_least) ? epoch : fmin(p->epoch_least, epoch);
    }
    if (epochs > 0)
        p->epochs = epochs;
}

void progress_take(struct progress *p, const struct progress_event *event)
{
    take_epoch(p, event->epoch, event->epochs);
    if (!isnan(event->loss))
        p->loss = event->loss;
    if (isnan(event->step) && isnan(event->epoch) && isnan(event->done))
        return;
    if (!isnan(event->step) && event->steps > 0 && event->step <= event->steps)
        count_total(p, event->steps);
    p->steps_seen |= !isnan(event->step) || !isnan(event->done) || event->epochs > 0;
    add_mark(p, &(struct mark){.at = event->at_ms >= 0 ? (double)event->at_ms : (double)NAN,
                               .epoch = p->epoch,
                               .step = event->step,
                               .steps = event->steps,
                               .done = event->done});
}

static void take_line(struct progress *p, int64_t at_ms)
{
    struct progress_line line;

    progress_lines_read(p->lines, p->line, p->len, &line);
    if (p->declared < DECLARED_MAX)
        progress_declare(p, p->line, p->len);
    p->requests |= line.request;
    if (line.aside)
        return;
    if (line.field[PROGRESS_EPOCH_STEPS] > 0)
        p->epoch_steps = line.field[PROGRESS_EPOCH_STEPS];
    const double clock_ms = 1000 * line.field[PROGRESS_CLOCK];
    progress_take(p, &(struct progress_event){.at_ms = at_ms >= 0        ? at_ms
                                                       : isnan(clock_ms) ? -1
                                                                         : (int64_t)clock_ms,
                                              .step = line.field[PROGRESS_STEP],
                                              .steps = line.field[PROGRESS_STEPS],
                                              .epoch = line.field[PROGRESS_EPOCH],
                                              .epochs = line.field[PROGRESS_EPOCHS],
                                              .done = line.field[PROGRESS_EPOCH_DONE],
                                              .loss = line.field[PROGRESS_LOSS]});
}

/* ---- bytes ---- */

void progress_declare(struct progress *p, const char *text, size_t len)
{
    struct progress_line set;

    for (size_t from = 0; from < len && p->declared < DECLARED_MAX;) {
        const char *end = memchr(text + from, '\n', len - from);
        const size_t line = end ? (size_t)(end - text) - from : len - from;

        progress_lines_declared(p->lines, text + from, line, &set);
        if (isnan(p->declared_epochs) && set.field[PROGRESS_EPOCHS] > 0)
            p->declared_epochs = set.field[PROGRESS_EPOCHS];
        if (isnan(p->all_steps) && set.field[PROGRESS_ALL_STEPS] > 0)
            p->all_steps = set.field[PROGRESS_ALL_STEPS];
        p->declared += line + 1;
        from += line + 1;
    }
}

static void end_line(struct progress *p, int64_t at_ms)
{
    if (p->len)
        take_line(p, at_ms);
    p->len = 0;
    p->escape = 0;
}

void progress_read(struct progress *p, int64_t at_ms, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char c = text[i];

        if (c == '\n' || c == '\r') {
            end_line(p, at_ms);
        } else if (p->escape) { /* ESC [ ... letter: colours, and where to draw a bar */
            p->escape = (c >= '@' && c <= '~' && c != '[') || p->escape >= ANSI_MAX ? 0 : p->escape + 1;
        } else if (c == '\033') {
            p->escape = 1;
        } else if (p->len < sizeof p->line) {
            p->line[p->len++] = c;
        }
    }
}

void progress_gap(struct progress *p)
{
    end_line(p, -1);
}

/* ---- what they mean ---- */

/* How steps are to be read. */
struct meaning {
    double total;       /* that steps are counted to; NAN: none */
    double epochs;      /* NAN: not known */
    double first_epoch; /* 0 or 1 */
    bool within;        /* steps begin anew with each epoch */
    bool epochs_only;   /* there are no steps */
    double all;         /* steps in all, where they do not begin anew; NAN: not known */
};

/* Whether a mark counts what is counted mostly. */
static bool is_main(const struct mark *m, const struct meaning *how)
{
    if (how->epochs_only)
        return !isnan(m->done) || !isnan(m->epoch);
    return !isnan(m->step) && (isnan(how->total) || m->steps == how->total);
}

/* Looks whether steps begin anew with epochs. */
static void find_within(const struct progress *p, struct meaning *how)
{
    const struct mark *last = NULL;
    int anew = 0, on = 0, steps = 0;

    for (int i = 0; i < p->count; i++) {
        const struct mark *m = &p->mark[i];

        if (!is_main(m, how))
            continue;
        steps++;
        if (last && m->epoch > last->epoch)
            *(m->step < last->step ? &anew : &on) += 1;
        last = m;
    }
    how->epochs_only = !steps;
    how->within = anew > on || (anew == on && !isnan(how->total) && !isnan(how->epochs) && !isnan(p->epoch));
}

static struct meaning find_meaning(const struct progress *p)
{
    struct meaning how = {.total = usual_total(p)};

    how.epochs = isnan(p->epochs) ? p->declared_epochs : p->epochs;
    how.first_epoch = p->epoch_least == 0 ? 0 : 1;
    find_within(p, &how);
    if (!isnan(how.total))
        how.all = how.total;
    else
        how.all = p->all_steps > 0 ? p->all_steps : how.epochs * p->epoch_steps;
    if (how.within && isnan(how.total))
        how.total = p->epoch_steps;
    return how;
}

/* Where a mark is in all there is to do, 0..1; NAN: not known. */
static double position(const struct mark *m, const struct meaning *how)
{
    double at = (double)NAN;

    if (!isnan(m->done) && isnan(m->step))
        at = m->done / how->epochs;
    else if (how->epochs_only)
        at = (m->epoch - how->first_epoch) / how->epochs;
    else if (how->within)
        at = (m->epoch - how->first_epoch + fmin(1, m->step / how->total)) / how->epochs;
    else
        at = m->step / how->all;
    return at >= 0 && at <= 1 ? at : (double)NAN;
}

/* ---- pace ---- */

/* Marks that count, in positions that only grow (a program that was set back has begun anew there). How many. */
static int find_points(struct progress *p, const struct meaning *how)
{
    int n = 0;

    for (int i = 0; i < p->count; i++) {
        const double at = is_main(&p->mark[i], how) ? position(&p->mark[i], how) : (double)NAN;

        if (isnan(at))
            continue;
        while (n && p->point[n - 1].position > at)
            n--;
        p->point[n++] = (struct point){p->mark[i].at, at};
    }
    p->points = n;
    return n;
}

/* Share of all a millisecond, from the first mark with a time that has at least that position to the last. NAN. */
static double pace_from(const struct progress *p, double least)
{
    int first = 0, last = p->points - 1;

    while (first < p->points && (isnan(p->point[first].at) || p->point[first].position < least))
        first++;
    while (last > first && isnan(p->point[last].at))
        last--;
    if (first >= last)
        return (double)NAN;
    const double took = p->point[last].at - p->point[first].at,
                 moved = p->point[last].position - p->point[first].position;
    return took > 0 && moved > 0 ? moved / took : (double)NAN;
}

/* Where it was when it began: a run that goes on from a checkpoint does not begin at 0. */
static double first_position(const struct progress *p)
{
    if (p->points < 2)
        return 0;
    const double interval = p->point[1].position - p->point[0].position;
    return p->point[0].position <= 2 * interval + 0.02 ? 0 : fmax(0, p->point[0].position - interval);
}

static double find_pace(const struct progress *p, const struct progress_times *t)
{
    const double first = p->point[0].position, last = p->point[p->points - 1].position;
    double whole = pace_from(p, 0), half = pace_from(p, first + (last - first) / 2);

    if (isnan(whole)) {
        const double took = (double)(t->last_ms - t->begun_ms), moved = last - first_position(p);

        return took > 0 && moved > 0 ? moved / took : (double)NAN;
    }
    return !isnan(half) && fabs(half / whole - 1) > PACE_DIFFERS ? half : whole;
}

static void tell_time(const struct progress *p, const struct meaning *how, const struct progress_times *t,
                      struct progress_told *out)
{
    const double pace = find_pace(p, t), ran = (double)(t->last_ms - t->begun_ms);

    out->done = p->point[p->points - 1].position;
    out->stalled = out->done < 1 && (double)out->silent_ms > fmax(STALLED_MS, STALLED_SHARE * ran) &&
                   (double)out->silent_ms > STALLED_INTERVALS * ran / p->points;
    if (isnan(pace))
        return;
    const double steps = how->within ? how->total * how->epochs : how->all;
    out->steps_a_second = how->epochs_only ? (double)NAN : pace * 1000 * steps;
    const double left = (1 - out->done) / pace - (double)out->silent_ms;
    if (!out->stalled && left < 1e15)
        out->left_ms = left > 0 ? (int64_t)left : 0;
}

void progress_tell(struct progress *p, const struct progress_times *t, struct progress_told *out)
{
    const struct meaning how = find_meaning(p);

    *out = (struct progress_told){.step = (double)NAN,
                                  .steps = how.within || !isnan(how.total) ? how.total : how.all,
                                  .epoch = p->epoch,
                                  .epochs = how.epochs,
                                  .loss = p->loss,
                                  .done = (double)NAN,
                                  .steps_a_second = (double)NAN,
                                  .left_ms = -1,
                                  .silent_ms = t->now_ms > t->last_ms ? t->now_ms - t->last_ms : 0,
                                  .tells_loss = !isnan(p->loss),
                                  .tells_steps = p->steps_seen,
                                  .tells_requests = p->requests};
    for (int i = 0; i < p->count; i++)
        if (is_main(&p->mark[i], &how))
            out->step = p->mark[i].step;
    if (find_points(p, &how))
        tell_time(p, &how, t, out);
}
