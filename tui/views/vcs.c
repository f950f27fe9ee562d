/* SPDX-License-Identifier: MIT
 *
 * The virtual clusters as a tree, each with a bar of what it has: of its own in use, borrowed, free. A quota is changed
 * in a form, by the members that differ only, so that what is a VC admin's to change can be changed by one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/bars.h"
#include "tui/format.h"
#include "tui/model_cluster.h"
#include "tui/quota.h"
#include "tui/transfer.h"
#include "tui/views/cursor.h"
#include "tui/views/reply.h"
#include "tui/views/views.h"

#define VCS_NAME 20
#define VCS_NUMBERS 6
#define VCS_STRIP 3

enum { FIELD_GUARANTEE, FIELD_BORROW, FIELD_CAP };

struct vcs {
    struct view view;
    struct reply reply;
    struct model_vcs list;
    struct cursor cursor;
    char wanted[128]; /* where the cursor is to begin, "" = done */
    char edited[128]; /* whose quota the form is about */
    char was[3][256]; /* its fields as they were */
    uint64_t save;    /* the call under way */
};

enum { VCS_OPEN = 1, VCS_EDIT };

static const struct keys_row vcs_keys[] = {
    {KEYS_ENTER, 'd', "Enter, d", "its jobs", "The jobs of the virtual cluster", VCS_OPEN, false},
    {'e', 0, "e", "edit quota", "Change its quota: guarantee, how much it may borrow, the cap of a user", VCS_EDIT,
     true},
    CURSOR_KEYS,
};

static struct vcs *vcs_of(const struct view *v)
{
    return (struct vcs *)v;
}

static struct view *vcs_create(struct app *app, const char *arg)
{
    struct vcs *v = calloc(1, sizeof *v);

    if (!v)
        return NULL;
    v->view = (struct view){vcs_view(), app};
    snprintf(v->wanted, sizeof v->wanted, "%s", arg ? arg : "");
    return &v->view;
}

static void vcs_destroy(struct view *view)
{
    reply_fini(&vcs_of(view)->reply, view->app);
    free(view);
}

static void vcs_fetch(struct view *view)
{
    reply_want(&vcs_of(view)->reply, view->app, "/api/v2/virtual-clusters");
}

static const struct model_vc *under(const struct vcs *v)
{
    return v->cursor.at < v->list.count ? &v->list.items[v->cursor.at] : NULL;
}

/* Puts the cursor on the virtual cluster of this name. */
static void find(struct vcs *v, const char *name)
{
    for (size_t i = 0; *name && i < v->list.count; i++) {
        if (!strcmp(v->list.items[i].name, name))
            v->cursor.at = i;
    }
}

static unsigned saved(struct vcs *v, const struct source_result *r)
{
    struct app *app = v->view.app;

    v->save = 0;
    if (r->failed && app->inputs.open) {
        inputs_refuse(&app->inputs, r->err.text);
    } else if (r->failed) {
        app_say(app, COLOUR_VERMILLION, "%s: %s", v->edited, r->err.text);
    } else {
        inputs_close(&app->inputs);
        app_say(app, COLOUR_DEFAULT, "The quota of %s is changed.", v->edited);
    }
    return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
}

static unsigned vcs_result(struct view *view, const struct source_result *r)
{
    struct vcs *v = vcs_of(view);
    char name[128];

    if (v->save && r->id == v->save)
        return saved(v, r);
    snprintf(name, sizeof name, "%s", *v->wanted ? v->wanted : under(v) ? under(v)->name : "");
    if (!reply_result(&v->reply, r, model_read_vcs, &v->list, sizeof v->list))
        return VIEW_IGNORED;
    find(v, name);
    if (v->reply.loaded)
        v->wanted[0] = '\0';
    cursor_fit(&v->cursor, v->list.count, v->cursor.height);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- the quota ---- */

static void edit(struct vcs *v, const struct model_vc *vc)
{
    struct inputs *f = &v->view.app->inputs;
    char title[160];

    if (strlen(vc->guarantee) >= sizeof v->was[0]) {
        app_say(v->view.app, COLOUR_ORANGE, "Its guarantee is too long to be edited here; use drover vc set %s.",
                vc->name);
        return;
    }
    snprintf(v->edited, sizeof v->edited, "%s", vc->name);
    snprintf(v->was[FIELD_GUARANTEE], sizeof v->was[0], "%s", vc->guarantee);
    snprintf(v->was[FIELD_BORROW], sizeof v->was[0], "%" PRId64, vc->borrow);
    snprintf(v->was[FIELD_CAP], sizeof v->was[0], "%" PRId64, vc->user_cap);
    snprintf(title, sizeof title, "Quota of %s", vc->name);
    inputs_begin(f, title, "Save");
    (void)inputs_add(f, "Guarantee", "GPUs by SKU: a100=16, v100=2 nodes", v->was[FIELD_GUARANTEE]);
    (void)inputs_add(f, "Borrow", "GPUs of others at most; 0 = none", v->was[FIELD_BORROW]);
    (void)inputs_add(f, "User cap", "GPUs of one user at most; 0 = no cap", v->was[FIELD_CAP]);
    app_inputs(v->view.app);
}

/* Writes what differs. 0, or -1 with what is wrong with it. */
static int write_change(const struct vcs *v, const struct inputs *f, struct buf *body, struct err *e)
{
    struct json_out j;
    int rc = 0;

    json_out_init(&j, body);
    json_out_object(&j);
    if (strcmp(f->fields[FIELD_GUARANTEE].text, v->was[FIELD_GUARANTEE]) != 0) {
        json_out_key(&j, "guarantee");
        rc = quota_write(f->fields[FIELD_GUARANTEE].text, &j, e);
    }
    if (!rc && strcmp(f->fields[FIELD_BORROW].text, v->was[FIELD_BORROW]) != 0)
        rc = quota_number(&j, "borrow", f->fields[FIELD_BORROW].text, e);
    if (!rc && strcmp(f->fields[FIELD_CAP].text, v->was[FIELD_CAP]) != 0)
        rc = quota_number(&j, "userCap", f->fields[FIELD_CAP].text, e);
    json_out_object_end(&j);
    return rc;
}

static unsigned vcs_submitted(struct view *view)
{
    struct vcs *v = vcs_of(view);
    struct inputs *f = &view->app->inputs;
    struct source_request r = {.method = "PUT"};
    struct buf path, body;
    struct err e = {0};

    buf_init(&path, 1024);
    buf_init(&body, 16384);
    (void)buf_adds(&path, "/api/v2/virtual-clusters/");
    transfer_escape(&path, v->edited);
    if (write_change(v, f, &body, &e)) {
        inputs_refuse(f, e.text);
    } else if (!strcmp(buf_str(&body), "{}")) {
        inputs_close(f);
        app_say(view->app, COLOUR_DEFAULT, "Nothing was changed.");
    } else {
        r.path = buf_str(&path);
        r.body = buf_str(&body);
        v->save = app_send(view->app, &r);
        if (!v->save)
            inputs_refuse(f, "Nothing was sent: out of memory.");
    }
    buf_fini(&path);
    buf_fini(&body);
    return VIEW_DRAW;
}

static unsigned vcs_act(struct view *view, int action)
{
    struct vcs *v = vcs_of(view);
    const struct model_vc *vc = under(v);
    char filter[160];

    if (cursor_act(&v->cursor, action) || !vc)
        return VIEW_HANDLED | VIEW_DRAW;
    if (action == VCS_EDIT && v->save) {
        /* Its answer would land in the new form. */
        app_say(view->app, COLOUR_ORANGE, "The quota of %s is still being saved.", v->edited);
    } else if (action == VCS_EDIT) {
        edit(v, vc);
    } else {
        snprintf(filter, sizeof filter, "vc:%s", vc->name);
        app_push(view->app, jobs_view(), filter);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- drawing ---- */

static const char *const numbers[VCS_NUMBERS] = {"USED", "OWN", "BORROWED", "MAY", "OPPO", "JOBS"};

static int bar_width(const struct canvas *c)
{
    int width = c->cols - VCS_NAME - 4 - VCS_NUMBERS * 7 - 3;

    return width < 6 ? 6 : width > 80 ? 80 : width;
}

/* Columns of a number, and how many of the numbers fit whole. */
static int number_width(int i)
{
    return i == 2 ? 10 : 7;
}

static int columns(const struct canvas *c)
{
    int at = 3 + VCS_NAME + 1 + bar_width(c);
    int n = 0;

    while (n < VCS_NUMBERS && at + number_width(n) <= c->cols)
        at += number_width(n++);
    return n;
}

/* The largest share of the list, which all bars are drawn to the scale of. */
static int64_t largest(const struct vcs *v)
{
    int64_t most = 0;

    for (size_t i = 0; i < v->list.count; i++) {
        const struct model_vc *vc = &v->list.items[i];
        int64_t sum = vc->guaranteed + vc->borrowed;

        most = sum > most ? sum : most;
    }
    return most;
}

static void draw_row(const struct vcs *v, struct canvas *c, int row, const struct model_vc *vc)
{
    const struct bars_part parts[4] = {
        {BARS_USED, vc->used}, {BARS_BORROWED, vc->borrowed}, {BARS_FREE, vc->free_}, {BARS_NOTHING, 0}};
    const int64_t values[VCS_NUMBERS] = {vc->used,   vc->guaranteed,    vc->borrowed,
                                         vc->borrow, vc->opportunistic, vc->unfinished};
    struct canvas_pen pen = canvas_row(c, row, 0);
    char text[160];

    pen.col = 3;
    snprintf(text, sizeof text, "%*s%s%s", vc->depth < 8 ? (vc->depth ? vc->depth - 1 : 0) * 2 : 14, "",
             vc->depth ? canvas_glyph(c, "└ ", "+ ") : "", vc->name);
    canvas_fit(c, &pen, text, VCS_NAME, false);
    canvas_put(c, &pen, " ");
    bars_draw(c, &pen, bar_width(c), parts, largest(v));
    for (int i = 0; i < columns(c); i++) {
        pen.style = i == 2 && values[i] ? COLOUR_PURPLE : 0;
        canvas_fit(c, &pen, format_count(values[i], text), number_width(i), true);
    }
    pen.style = COLOUR_VERMILLION;
    canvas_put(c, &pen, vc->stopped ? "  stopped" : "");
}

static void draw_strip(struct canvas *c, int row, const struct model_vc *vc)
{
    struct canvas_pen pen = canvas_row(c, row, COLOUR_GREY);
    const char *dot = canvas_glyph(c, " · ", " - ");

    canvas_fill(c, &pen, canvas_glyph(c, "─", "-"));
    if (!vc)
        return;
    pen = canvas_row(c, row + 1, CANVAS_BOLD);
    canvas_putf(c, &pen, " %s", vc->name);
    pen.style = 0;
    canvas_putf(c, &pen, "  guarantee: %s%smay borrow %" PRId64, *vc->guarantee ? vc->guarantee : "none", dot,
                vc->borrow);
    if (vc->user_cap)
        canvas_putf(c, &pen, "%sat most %" PRId64 " GPUs a user", dot, vc->user_cap);
    pen = canvas_row(c, row + 2, 0);
    canvas_putf(c, &pen, " %s%s", vc->description, *vc->description ? "   " : "");
    bars_legend(c, &pen, BARS_USED, "own, in use");
    bars_legend(c, &pen, BARS_BORROWED, "borrowed");
    bars_legend(c, &pen, BARS_FREE, "own, free");
}

static void vcs_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct vcs *v = vcs_of(view);
    struct canvas_pen pen = canvas_row(c, area.top, CANVAS_DIM);

    pen.col = 3;
    if (!v->reply.loaded) {
        canvas_put(c, &pen, *v->reply.problem ? v->reply.problem : "Asking the server ...");
        return;
    }
    canvas_fit(c, &pen, "VIRTUAL CLUSTER", VCS_NAME + 1 + bar_width(c), false);
    for (int i = 0; i < columns(c); i++)
        canvas_fit(c, &pen, numbers[i], number_width(i), true);
    cursor_fit(&v->cursor, v->list.count, (size_t)(area.rows - 1 - VCS_STRIP));
    for (size_t i = 0; i < v->cursor.height && v->cursor.top + i < v->list.count; i++) {
        int row = area.top + 1 + (int)i;

        draw_row(v, c, row, &v->list.items[v->cursor.top + i]);
        if (v->cursor.top + i != v->cursor.at)
            continue;
        pen = canvas_row(c, row, 0);
        canvas_put(c, &pen, canvas_glyph(c, "▸", ">"));
        canvas_mark_row(c, row, CANVAS_REVERSE);
    }
    draw_strip(c, area.top + area.rows - VCS_STRIP, under(v));
}

static void vcs_crumb(const struct view *view, char *out, size_t size)
{
    const struct vcs *v = vcs_of(view);

    snprintf(out, size, "[%zu/%zu]", v->list.count ? v->cursor.at + 1 : 0, v->list.count);
}

const struct view_ops *vcs_view(void)
{
    static const struct view_ops ops = {
        .name = "vcs",
        .keys = {vcs_keys, sizeof vcs_keys / sizeof *vcs_keys},
        .create = vcs_create,
        .destroy = vcs_destroy,
        .fetch = vcs_fetch,
        .act = vcs_act,
        .result = vcs_result,
        .draw = vcs_draw,
        .crumb = vcs_crumb,
        .submitted = vcs_submitted,
        .refresh_ms = 5000,
    };

    return &ops;
}
