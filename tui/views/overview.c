/* SPDX-License-Identifier: MIT
 *
 * The cluster at a glance: GPUs by SKU, what each virtual cluster has and who waits in it, what has waited longest, and
 * what is wrong. Every row leads somewhere.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "tui/app.h"
#include "tui/bars.h"
#include "tui/format.h"
#include "tui/model.h"
#include "tui/model_cluster.h"
#include "tui/views/cursor.h"
#include "tui/views/reply.h"
#include "tui/views/views.h"

#define OVERVIEW_SKUS 64
#define OVERVIEW_WAITING 200 /* jobs that are asked for, the oldest first */
#define OVERVIEW_OLDEST 5    /* of them on the screen */
#define OVERVIEW_ALERTS 100
#define OVERVIEW_ROWS 512
#define OVERVIEW_NAME 18
#define OVERVIEW_NUMBER 8 /* columns of one */

/* What a row shows. */
enum row_kind { ROW_BLANK, ROW_HEAD, ROW_SKU, ROW_VC, ROW_JOB, ROW_ALERT, ROW_NOTE };

struct row {
    enum row_kind kind;
    size_t at;        /* of the list of its kind */
    const char *text; /* of heads and notes */
};

struct overview {
    struct view view;
    struct reply fleet_reply, vcs_reply, jobs_reply, alerts_reply;
    struct model_fleet fleet;
    struct model_vcs vcs;
    struct model_jobs waiting;
    struct model_alerts alerts;
    struct model_sum sums[OVERVIEW_SKUS];
    size_t sum_count;
    struct row rows[OVERVIEW_ROWS];
    size_t row_count;
    struct cursor cursor; /* of the rows */
};

enum { OVERVIEW_OPEN = 1, OVERVIEW_VCS, OVERVIEW_NODES, OVERVIEW_GPUS };

static const struct keys_row overview_keys[] = {
    {KEYS_ENTER, 'd', "Enter, d", "open", "Open what the row shows", OVERVIEW_OPEN, false},
    {'v', 0, "v", "VCs", "The virtual clusters", OVERVIEW_VCS, false},
    {'n', 0, "n", "nodes", "The nodes", OVERVIEW_NODES, false},
    {'M', 0, "M", "GPU map", "The map of all GPUs", OVERVIEW_GPUS, false},
    CURSOR_KEYS,
};

static struct overview *overview_of(const struct view *v)
{
    return (struct overview *)v;
}

static struct view *overview_create(struct app *app, const char *arg)
{
    struct overview *v = calloc(1, sizeof *v);

    (void)arg;
    if (v)
        v->view = (struct view){overview_view(), app};
    return v ? &v->view : NULL;
}

static void overview_destroy(struct view *view)
{
    struct overview *v = overview_of(view);

    reply_fini(&v->fleet_reply, view->app);
    reply_fini(&v->vcs_reply, view->app);
    reply_fini(&v->jobs_reply, view->app);
    reply_fini(&v->alerts_reply, view->app);
    free(v);
}

static void overview_fetch(struct view *view)
{
    struct overview *v = overview_of(view);
    char path[128];

    snprintf(path, sizeof path, "/api/v2/jobs?withTotalCount=true&limit=%d&order=submissionTime,ASC&state=WAITING",
             OVERVIEW_WAITING);
    reply_want(&v->fleet_reply, view->app, "/api/v2/gpus");
    reply_want(&v->vcs_reply, view->app, "/api/v2/virtual-clusters");
    reply_want(&v->jobs_reply, view->app, path);
    reply_want(&v->alerts_reply, view->app, "/api/v2/alerts");
}

/* ---- rows ---- */

static void add(struct overview *v, enum row_kind kind, size_t at, const char *text)
{
    if (v->row_count < OVERVIEW_ROWS)
        v->rows[v->row_count++] = (struct row){kind, at, text};
}

/* A head, then so many rows, or why there are none. */
static void section(struct overview *v, const char *head, enum row_kind kind, size_t count, const struct reply *of)
{
    if (v->row_count)
        add(v, ROW_BLANK, 0, "");
    add(v, ROW_HEAD, kind, head);
    for (size_t i = 0; i < count; i++)
        add(v, kind, i, "");
    if (!count)
        add(v, ROW_NOTE, kind, *of->problem ? of->problem : of->loaded ? "none" : "Asking the server ...");
}

static bool leads(const struct row *r)
{
    return r->kind == ROW_SKU || r->kind == ROW_VC || r->kind == ROW_JOB || r->kind == ROW_ALERT;
}

/* Moves the cursor to the next row in its direction that leads somewhere. */
static void settle(struct overview *v, int step)
{
    for (int turn = 0; turn < 2; turn++, step = -step) {
        for (size_t at = v->cursor.at; at < v->row_count; at += (size_t)step) {
            if (leads(&v->rows[at])) {
                v->cursor.at = at;
                return;
            }
        }
    }
}

static void layout(struct overview *v)
{
    size_t oldest = v->waiting.count < OVERVIEW_OLDEST ? v->waiting.count : OVERVIEW_OLDEST;
    size_t alerts = v->alerts.count < OVERVIEW_ALERTS ? v->alerts.count : OVERVIEW_ALERTS;

    v->row_count = 0;
    section(v, "GPUS", ROW_SKU, v->sum_count, &v->fleet_reply);
    section(v, "VIRTUAL CLUSTERS", ROW_VC, v->vcs.count, &v->vcs_reply);
    section(v, "WAITING LONGEST", ROW_JOB, oldest, &v->jobs_reply);
    section(v, "ALERTS", ROW_ALERT, alerts, &v->alerts_reply);
    v->cursor.length = v->row_count;
    if (v->cursor.at >= v->row_count)
        v->cursor.at = v->row_count - 1;
    settle(v, 1);
}

static int read_waiting(struct arena *a, const struct cJSON *json, void *into)
{
    return model_read_jobs(a, json, into, NULL);
}

static unsigned overview_result(struct view *view, const struct source_result *r)
{
    struct overview *v = overview_of(view);

    if (reply_result(&v->fleet_reply, r, model_read_fleet, &v->fleet, sizeof v->fleet))
        v->sum_count = model_sums(&v->fleet, v->sums, OVERVIEW_SKUS);
    else if (!reply_result(&v->vcs_reply, r, model_read_vcs, &v->vcs, sizeof v->vcs) &&
             !reply_result(&v->jobs_reply, r, read_waiting, &v->waiting, sizeof v->waiting) &&
             !reply_result(&v->alerts_reply, r, model_read_alerts, &v->alerts, sizeof v->alerts))
        return VIEW_IGNORED;
    layout(v);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- keys ---- */

static void open_row(struct overview *v, const struct row *r)
{
    struct app *app = v->view.app;
    const struct model_alert *alert = r->kind == ROW_ALERT ? &v->alerts.items[r->at] : NULL;

    if (r->kind == ROW_SKU)
        app_push(app, fleet_view(), v->sums[r->at].sku);
    else if (r->kind == ROW_VC)
        app_push(app, vcs_view(), v->vcs.items[r->at].name);
    else if (r->kind == ROW_JOB)
        app_push(app, detail_view(), v->waiting.items[r->at].full);
    else if (alert && *alert->job)
        app_push(app, detail_view(), alert->job);
    else if (alert && *alert->node)
        app_push(app, node_view(), alert->node);
    else if (alert)
        app_push(app, alerts_view(), NULL);
}

static unsigned overview_act(struct view *view, int action)
{
    struct overview *v = overview_of(view);
    bool back = action == CURSOR_UP || action == CURSOR_PAGE_UP || action == CURSOR_LAST;

    if (cursor_act(&v->cursor, action)) {
        settle(v, back ? -1 : 1);
        /* The first row's head is worth seeing again. */
        if (action == CURSOR_FIRST || v->cursor.at <= 1)
            v->cursor.top = 0;
    } else if (action == OVERVIEW_VCS) {
        app_push(view->app, vcs_view(), NULL);
    } else if (action == OVERVIEW_NODES) {
        app_push(view->app, nodes_view(), NULL);
    } else if (action == OVERVIEW_GPUS) {
        app_push(view->app, fleet_view(), NULL);
    } else if (v->cursor.at < v->row_count) {
        open_row(v, &v->rows[v->cursor.at]);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- drawing ---- */

static int bar_width(const struct canvas *c)
{
    int width = c->cols - 3 - OVERVIEW_NAME - 1 - 6 * OVERVIEW_NUMBER;

    return width < 8 ? 8 : width > 60 ? 60 : width;
}

/* How many of the columns of numbers fit whole: half a number is a wrong one. */
static int columns(const struct canvas *c)
{
    int fit = (c->cols - 3 - OVERVIEW_NAME - 1 - bar_width(c)) / OVERVIEW_NUMBER;

    return fit < 0 ? 0 : fit > 6 ? 6 : fit;
}

static void numbers(struct canvas *c, struct canvas_pen *pen, const int64_t values[6], const unsigned styles[6])
{
    char text[FORMAT_SIZE];

    for (int i = 0; i < columns(c); i++) {
        pen->style = values[i] ? styles[i] : 0;
        canvas_fit(c, pen, values[i] < 0 ? "?" : format_count(values[i], text), OVERVIEW_NUMBER, true);
    }
    pen->style = 0;
}

static void draw_sku(const struct overview *v, struct canvas *c, struct canvas_pen *pen, size_t at)
{
    const struct model_sum *s = &v->sums[at];
    const struct bars_part parts[4] = {
        {BARS_USED, s->busy}, {BARS_IDLE, s->idle}, {BARS_BAD, s->out}, {BARS_FREE, s->free_}};

    canvas_fit(c, pen, *s->sku ? s->sku : "?", OVERVIEW_NAME, false);
    canvas_put(c, pen, " ");
    bars_draw(c, pen, bar_width(c), parts, s->total);
    numbers(c, pen, (const int64_t[6]){s->total, s->busy, s->idle, s->free_, s->out, s->wrong},
            (const unsigned[6]){0, 0, COLOUR_ORANGE, 0, COLOUR_VERMILLION, COLOUR_VERMILLION});
}

/* How many of the jobs that wait are of a virtual cluster, of the oldest that were asked for; -1 = not known yet. */
static int64_t waiting_in(const struct overview *v, const char *vc)
{
    int64_t n = v->jobs_reply.loaded ? 0 : -1;

    for (size_t i = 0; i < v->waiting.count; i++)
        n += !strcmp(v->waiting.items[i].vc, vc);
    return n;
}

static void draw_vc(const struct overview *v, struct canvas *c, struct canvas_pen *pen, size_t at)
{
    const struct model_vc *vc = &v->vcs.items[at];
    const struct bars_part parts[4] = {
        {BARS_USED, vc->used}, {BARS_BORROWED, vc->borrowed}, {BARS_FREE, vc->free_}, {BARS_NOTHING, 0}};
    bool more = v->waiting.total > (int64_t)v->waiting.count && columns(c) > 4;
    char text[64];

    snprintf(text, sizeof text, "%*s%s", vc->depth < 8 ? vc->depth * 2 : 16, "", vc->name);
    canvas_fit(c, pen, text, OVERVIEW_NAME, false);
    canvas_put(c, pen, " ");
    bars_draw(c, pen, bar_width(c), parts, 0);
    numbers(
        c, pen,
        (const int64_t[6]){vc->guaranteed, vc->used, vc->borrowed, vc->free_, waiting_in(v, vc->name), vc->unfinished},
        (const unsigned[6]){0, 0, COLOUR_PURPLE, 0, COLOUR_ORANGE, 0});
    /* "at least", when more wait than were asked for. */
    if (more) {
        struct canvas_pen plus = {pen->row, 3 + OVERVIEW_NAME + 1 + bar_width(c) + 5 * OVERVIEW_NUMBER, c->cols, 0};

        canvas_put(c, &plus, "+");
    }
}

static void draw_job(const struct overview *v, struct canvas *c, struct canvas_pen *pen, size_t at)
{
    const struct model_job *j = &v->waiting.items[at];
    char text[FORMAT_SIZE];

    pen->style = COLOUR_ORANGE;
    canvas_putf(c, pen, "%s ", canvas_glyph(c, words_get(j->state)->glyph, words_get(j->state)->ascii));
    pen->style = 0;
    canvas_fit(c, pen, j->full, c->cols > 110 ? 40 : 26, false);
    canvas_put(c, pen, " ");
    canvas_fit(c, pen, j->vc, 10, false);
    canvas_fit(c, pen, format_coarse(model_span(j, v->view.app->now.wall), text), 8, true);
    canvas_putf(c, pen, "  %s", j->wait_reason);
}

static void draw_alert(const struct overview *v, struct canvas *c, struct canvas_pen *pen, size_t at)
{
    const struct model_alert *a = &v->alerts.items[at];
    bool bad = !strcmp(a->severity, "critical") || !strcmp(a->severity, "fatal") || !strcmp(a->severity, "error");

    pen->style = a->silenced ? COLOUR_GREY : bad ? COLOUR_VERMILLION : COLOUR_ORANGE;
    canvas_putf(c, pen, "%s ", a->silenced ? canvas_glyph(c, "◌", "o") : canvas_glyph(c, "▲", "!"));
    canvas_fit(c, pen, *a->severity ? a->severity : "alert", 9, false);
    pen->style = 0;
    canvas_fit(c, pen, a->name, c->cols > 110 ? 28 : 20, false);
    canvas_put(c, pen, " ");
    canvas_fit(c, pen, a->about, c->cols > 110 ? 28 : 16, false);
    canvas_putf(c, pen, " %s%s", a->silenced ? "(silenced) " : "", a->summary);
}

static void draw_head(const struct overview *v, struct canvas *c, struct canvas_pen *pen, const struct row *r)
{
    static const char *const skus[] = {"TOTAL", "BUSY", "IDLE", "FREE", "OUT", "FAULTS"};
    static const char *const vcs[] = {"OWN", "USED", "BORROW", "FREE", "WAIT", "JOBS"};
    const char *const *titles = r->at == ROW_SKU ? skus : r->at == ROW_VC ? vcs : NULL;

    pen->style = CANVAS_BOLD;
    canvas_put(c, pen, r->text);
    pen->style = CANVAS_DIM;
    if (r->at == ROW_JOB && v->jobs_reply.loaded && v->waiting.total >= 0)
        canvas_putf(c, pen, "  %lld in all", (long long)v->waiting.total);
    if (r->at == ROW_ALERT && v->alerts_reply.loaded)
        canvas_putf(c, pen, "  %zu firing, %zu silenced", v->alerts.firing, v->alerts.count - v->alerts.firing);
    pen->col = 3 + OVERVIEW_NAME + 1 + bar_width(c);
    for (int i = 0; titles && i < columns(c); i++)
        canvas_fit(c, pen, titles[i], OVERVIEW_NUMBER, true);
}

static void draw_row(const struct overview *v, struct canvas *c, int at, const struct row *r)
{
    struct canvas_pen pen = canvas_row(c, at, 0);

    pen.col = 3;
    switch (r->kind) {
    case ROW_HEAD:
        draw_head(v, c, &pen, r);
        break;
    case ROW_SKU:
        draw_sku(v, c, &pen, r->at);
        break;
    case ROW_VC:
        draw_vc(v, c, &pen, r->at);
        break;
    case ROW_JOB:
        draw_job(v, c, &pen, r->at);
        break;
    case ROW_ALERT:
        draw_alert(v, c, &pen, r->at);
        break;
    default:
        canvas_put(c, &pen, r->text);
        break;
    }
}

/* What the parts of the bars mean, in the last row. */
static void draw_legend(struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, 0);

    pen.col = 3;
    bars_legend(c, &pen, BARS_USED, "busy");
    bars_legend(c, &pen, BARS_IDLE, "held, idle");
    bars_legend(c, &pen, BARS_BORROWED, "borrowed");
    bars_legend(c, &pen, BARS_FREE, "free");
    bars_legend(c, &pen, BARS_BAD, "out: faulty, or its node takes nothing");
}

static void overview_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct overview *v = overview_of(view);

    if (!v->row_count)
        layout(v);
    cursor_fit(&v->cursor, v->row_count, (size_t)area.rows - 1);
    for (size_t i = 0; i < v->cursor.height && v->cursor.top + i < v->row_count; i++) {
        const struct row *r = &v->rows[v->cursor.top + i];
        bool here = v->cursor.top + i == v->cursor.at && leads(r);
        struct canvas_pen pen = canvas_row(c, area.top + (int)i, 0);

        draw_row(v, c, area.top + (int)i, r);
        if (here) {
            canvas_put(c, &pen, canvas_glyph(c, "▸", ">"));
            canvas_mark_row(c, area.top + (int)i, CANVAS_REVERSE);
        }
    }
    draw_legend(c, area.top + area.rows - 1);
}

static void overview_crumb(const struct view *view, char *out, size_t size)
{
    (void)view;
    if (size)
        out[0] = '\0';
}

const struct view_ops *overview_view(void)
{
    static const struct view_ops ops = {
        .name = "overview",
        .keys = {overview_keys, sizeof overview_keys / sizeof *overview_keys},
        .create = overview_create,
        .destroy = overview_destroy,
        .fetch = overview_fetch,
        .act = overview_act,
        .result = overview_result,
        .draw = overview_draw,
        .crumb = overview_crumb,
        .refresh_ms = 5000,
    };

    return &ops;
}
