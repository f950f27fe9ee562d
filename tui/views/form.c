/* SPDX-License-Identifier: MIT
 *
 * The view of a form. Its data come once, so that no refresh undoes what was typed.
 */
#include "tui/views/form.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/transfer.h"
#include "tui/views/views.h"

struct form {
    struct view view;
    struct form_state state;
    bool loaded;
    size_t cursor;
    uint64_t ask;  /* for what it begins with */
    uint64_t sent; /* the call */
    char problem[256];
};

enum { FORM_UP = 1, FORM_DOWN, FORM_EDIT, FORM_SAVE };

static const struct keys_row form_keys[] = {
    {KEYS_ENTER, 'e', "Enter, e", "change", "Change the field under the cursor", FORM_EDIT, true},
    {'w', 0, "w", "write", "Send the changes to the server, after a question", FORM_SAVE, true},
    {KEYS_UP, 'k', "Up, k", NULL, "Field up", FORM_UP, false},
    {KEYS_DOWN, 'j', "Down, j", NULL, "Field down", FORM_DOWN, false},
};

static struct form *form_of(const struct view *v)
{
    return (struct form *)v;
}

/* "user ana": the kind's word and what it is about. */
static struct view *form_create(struct app *app, const char *arg)
{
    struct form *v = calloc(1, sizeof *v);
    size_t len = strcspn(arg, " ");
    char word[32];

    if (!v)
        return NULL;
    v->view = (struct view){form_view(), app};
    snprintf(word, sizeof word, "%.*s", (int)len, arg);
    v->state.kind = forms_find(word);
    snprintf(v->state.about, sizeof v->state.about, "%s", arg + len + strspn(arg + len, " "));
    if (!v->state.kind || !*v->state.about) {
        snprintf(v->problem, sizeof v->problem, "There is no form for \"%.100s\"; try :edit user NAME.", arg);
        v->state.kind = NULL;
        return &v->view;
    }
    v->loaded = !v->state.kind->path;
    for (size_t i = 0; i < v->state.kind->count; i++)
        forms_read(&v->state.kind->fields[i], NULL, v->state.now[i], FORM_TEXT);
    return &v->view;
}

static void form_destroy(struct view *view)
{
    source_cancel(view->app->config.source, form_of(view)->ask);
    free(view);
}

static void form_fetch(struct view *view)
{
    struct form *v = form_of(view);
    const char *pattern = v->state.kind ? v->state.kind->path : NULL;
    struct buf path;

    if (v->loaded || v->ask || !pattern)
        return;
    buf_init(&path, 4096);
    (void)buf_add(&path, pattern, strcspn(pattern, "%"));
    transfer_escape(&path, v->state.about);
    v->ask = app_get(view->app, buf_str(&path));
    buf_fini(&path);
}

static unsigned form_loaded(struct form *v, const struct source_result *r)
{
    struct err e = {0};
    cJSON *reply = r->failed ? NULL : json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, &e);

    v->ask = 0;
    v->loaded = cJSON_IsObject(reply);
    v->problem[0] = '\0';
    if (!v->loaded)
        snprintf(v->problem, sizeof v->problem, "%s", r->failed ? r->err.text : "The server's answer is unusable.");
    for (size_t i = 0; v->loaded && i < v->state.kind->count; i++) {
        forms_read(&v->state.kind->fields[i], reply, v->state.now[i], FORM_TEXT);
        memcpy(v->state.old[i], v->state.now[i], FORM_TEXT);
    }
    cJSON_Delete(reply);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned form_result(struct view *view, const struct source_result *r)
{
    struct form *v = form_of(view);

    if (v->ask && r->id == v->ask)
        return form_loaded(v, r);
    if (!v->sent || r->id != v->sent)
        return VIEW_IGNORED;
    v->sent = 0;
    if (r->failed) {
        snprintf(v->problem, sizeof v->problem, "%s", r->err.text);
        return VIEW_HANDLED | VIEW_DRAW;
    }
    /* Another view may be on top, and this one stays: what is there now is what was sent. */
    memcpy(v->state.old, v->state.now, sizeof v->state.old);
    app_say(view->app, COLOUR_GREEN, "%.150s %s", v->state.about, v->state.kind->done);
    return VIEW_HANDLED | VIEW_DRAW | VIEW_BACK;
}

static bool form_changed(const struct form *v, size_t i)
{
    return strcmp(v->state.old[i], v->state.now[i]) != 0;
}

static unsigned form_edit(struct form *v)
{
    const struct form_field *f = &v->state.kind->fields[v->cursor];
    char *now = v->state.now[v->cursor], label[64];

    if (f->kind == FORM_YES_NO) {
        snprintf(now, FORM_TEXT, "%s", strcmp(now, "yes") ? "yes" : "no");
        return VIEW_HANDLED | VIEW_DRAW;
    }
    if (strlen(now) + 1 >= FORM_TEXT) {
        app_say(v->view.app, COLOUR_ORANGE, "This is too long to be changed here; the commands of drover can.");
        return VIEW_HANDLED | VIEW_DRAW;
    }
    snprintf(label, sizeof label, " %s: ", f->label);
    app_ask(v->view.app, label, now);
    return VIEW_HANDLED | VIEW_DRAW;
}

/* Asks with what would change; a body that cannot be made is said instead. */
static unsigned form_save(struct form *v)
{
    struct err e = {0};
    struct buf text;
    size_t changes = 0;
    cJSON *body = forms_body(&v->state, &e);

    v->problem[0] = '\0';
    if (!body) {
        snprintf(v->problem, sizeof v->problem, "%s", e.text);
        return VIEW_HANDLED | VIEW_DRAW;
    }
    cJSON_Delete(body);
    buf_init(&text, 8192);
    (void)buf_addf(&text, "%s %.60s?\n", v->state.kind->verb, v->state.about);
    for (size_t i = 0; i < v->state.kind->count; i++) {
        if (!form_changed(v, i))
            continue;
        changes++;
        (void)buf_addf(&text, "  %s: %.100s\n", v->state.kind->fields[i].label,
                       *v->state.now[i] ? v->state.now[i] : "nothing");
        if (v->state.kind->path)
            (void)buf_addf(&text, "    was %.100s\n", *v->state.old[i] ? v->state.old[i] : "nothing");
    }
    if (changes)
        app_confirm(v->view.app, buf_str(&text), "Write", 1);
    else
        app_say(v->view.app, COLOUR_DEFAULT, "Nothing is changed yet.");
    buf_fini(&text);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned form_act(struct view *view, int action)
{
    struct form *v = form_of(view);

    if (!v->state.kind || !v->loaded || v->sent)
        return VIEW_HANDLED;
    if (action == FORM_EDIT)
        return form_edit(v);
    if (action == FORM_SAVE)
        return form_save(v);
    if (action == FORM_UP)
        v->cursor -= v->cursor > 0;
    else
        v->cursor += v->cursor + 1 < v->state.kind->count;
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned form_answered(struct view *view, const char *text)
{
    struct form *v = form_of(view);

    snprintf(v->state.now[v->cursor], FORM_TEXT, "%s", text);
    return VIEW_DRAW;
}

static unsigned form_confirmed(struct view *view, bool yes)
{
    struct form *v = form_of(view);
    struct source_request r = {.method = v->state.kind->method, .path = v->state.kind->target};
    struct err e = {0};
    cJSON *body;
    char *text = NULL;

    if (!yes) {
        app_say(view->app, COLOUR_DEFAULT, "Nothing was sent; the changes are still here.");
        return VIEW_DRAW;
    }
    v->state.wall = view->app->now.wall;
    body = forms_body(&v->state, &e);
    text = body ? cJSON_PrintUnformatted(body) : NULL;
    r.body = text;
    if (text)
        v->sent = app_send(view->app, &r);
    else
        app_say(view->app, COLOUR_VERMILLION, "Nothing was sent: %s", e.code ? e.text : "out of memory.");
    cJSON_free(text);
    cJSON_Delete(body);
    return VIEW_DRAW;
}

static void form_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct form *v = form_of(view);
    const struct form_kind *k = v->state.kind;
    struct canvas_pen pen = canvas_row(c, area.top, COLOUR_VERMILLION);
    int row = area.top;

    pen.col = 3;
    if (*v->problem)
        canvas_put(c, &pen, v->problem);
    else if (!v->loaded) {
        pen.style = 0;
        canvas_put(c, &pen, "Asking the server ...");
    }
    for (size_t i = 0; v->loaded && i < k->count; i++) {
        pen = canvas_row(c, row += 2, form_changed(v, i) ? CANVAS_BOLD : 0);
        canvas_put(c, &pen, i == v->cursor ? canvas_glyph(c, "▸", ">") : " ");
        canvas_put(c, &pen, form_changed(v, i) ? "*" : " ");
        pen.col = 3;
        canvas_fit(c, &pen, k->fields[i].label, 14, false);
        canvas_put(c, &pen, v->state.now[i]);
        if (i == v->cursor)
            canvas_mark_row(c, row, CANVAS_REVERSE);
        pen = canvas_row(c, row + 1, COLOUR_GREY);
        pen.col = 17;
        canvas_put(c, &pen, k->fields[i].help);
    }
}

static void form_crumb(const struct view *view, char *out, size_t size)
{
    const struct form *v = form_of(view);

    snprintf(out, size, "%s %s%s", v->state.kind ? v->state.kind->word : "", v->state.about,
             v->sent ? "  sending ..." : "");
}

const struct view_ops *form_view(void)
{
    static const struct view_ops ops = {
        .name = "edit",
        .keys = {form_keys, sizeof form_keys / sizeof *form_keys},
        .create = form_create,
        .destroy = form_destroy,
        .fetch = form_fetch,
        .act = form_act,
        .result = form_result,
        .draw = form_draw,
        .crumb = form_crumb,
        .confirmed = form_confirmed,
        .answered = form_answered,
    };

    return &ops;
}
