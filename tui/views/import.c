/* SPDX-License-Identifier: MIT
 *
 * Users from a CSV file: what the server would do with each row, then, after a question, what it did.
 *
 *     file ─► dry run ─► looked at ─► the same bytes again, for good ─► looked at ─► taken back, if need be
 *
 * The bytes are kept, so that what is applied is what was looked at; they may hold passwords and are wiped.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fs.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/transfer.h"
#include "tui/views/cursor.h"
#include "tui/views/views.h"

enum { IMPORT_FILE_MAX = 2 << 20 };

static const char *const actions[] = {"create", "update", "disable", "delete"};
static const char *const modes[] = {"all", "rows"};
static const char *const invites[] = {"none", "mail"};

/* One row of the report: what is done, or what is wrong. */
struct import_row {
    int line;
    bool bad;
    const char *user, *what, *text;
};

struct import {
    struct view view;
    char file[512];
    struct buf table;
    char problem[256];
    bool unreadable; /* the file: there is nothing to send */
    size_t action, mode, invite;
    bool undoing;  /* what the dialog asks about */
    bool for_good; /* the call under way is no dry run */
    uint64_t ask;  /* the import under way */
    uint64_t undo;
    struct arena *arena; /* of the report */
    struct import_row *rows;
    size_t count;
    struct cursor cursor; /* of the rows */
    bool dry, applied;
    int good, bad;
    char id[80]; /* of an import that was applied */
};

enum { IMPORT_BAD = 1, IMPORT_ACTION, IMPORT_MODE, IMPORT_INVITE, IMPORT_APPLY, IMPORT_UNDO };

static const struct keys_row import_keys[] = {
    {'w', 0, "w", "write", "Do it, after a question", IMPORT_APPLY, true},
    {'n', 0, "n", "next refused", "The next row that is refused", IMPORT_BAD, false},
    {'a', 0, "a", "action", "For rows that do not say: create, update, disable or delete", IMPORT_ACTION, false},
    {'o', 0, "o", "all/rows", "All or nothing, or the good rows only", IMPORT_MODE, false},
    {'i', 0, "i", "invite", "New users without a password: nothing, or an invitation by mail", IMPORT_INVITE, false},
    {'U', 0, "U", NULL, "Take it back once it is done", IMPORT_UNDO, true},
    CURSOR_KEYS,
};

static struct import *import_of(const struct view *v)
{
    return (struct import *)v;
}

static struct view *import_create(struct app *app, const char *arg)
{
    struct import *v = calloc(1, sizeof *v);
    struct err e = {0};

    if (!v)
        return NULL;
    v->view = (struct view){import_view(), app};
    v->dry = true;
    snprintf(v->file, sizeof v->file, "%s", arg);
    buf_init(&v->table, IMPORT_FILE_MAX + 1);
    if (fs_read(arg, IMPORT_FILE_MAX, &v->table, &e))
        snprintf(v->problem, sizeof v->problem, "%s", e.text);
    if (!*v->problem && v->table.len && strlen(v->table.data) != v->table.len)
        snprintf(v->problem, sizeof v->problem, "%.180s is no text.", arg);
    v->unreadable = *v->problem != '\0';
    return &v->view;
}

static void import_destroy(struct view *view)
{
    struct import *v = import_of(view);

    /* What is being done goes on: cut, nobody would know what was done. */
    if (!v->for_good)
        source_cancel(view->app->config.source, v->ask);
    if (v->table.data)
        explicit_bzero(v->table.data, v->table.cap);
    buf_fini(&v->table);
    arena_destroy(v->arena);
    free(v);
}

static void import_send(struct import *v, bool dry)
{
    struct source_request r = {.method = "POST", .body = buf_str(&v->table), .type = "text/csv"};
    char path[200];

    snprintf(path, sizeof path, "/api/v2/users/import?dryRun=%s&action=%s&mode=%s&invite=%s", dry ? "true" : "false",
             actions[v->action], modes[v->mode], invites[v->invite]);
    r.path = path;
    v->for_good = !dry;
    v->ask = app_send(v->view.app, &r);
}

/* The preview is asked for once, and again where an option changes; never when something was done. */
static void import_fetch(struct view *view)
{
    struct import *v = import_of(view);

    if (!v->ask && !v->arena && !*v->problem)
        import_send(v, true);
}

/* ---- the report ---- */

static const char *import_text(const cJSON *o, const char *key)
{
    const char *s = cJSON_GetStringValue(cJSON_GetObjectItemCaseSensitive(o, key));

    return s ? s : "";
}

static int import_number(const cJSON *o, const char *key)
{
    int64_t n = 0;

    (void)json_get_int(o, key, &n, NULL);
    return (int)n;
}

static int import_by_line(const void *a, const void *b)
{
    const struct import_row *x = a, *y = b;

    return (x->line > y->line) - (x->line < y->line);
}

/* "create" as what would be done, or was. */
static const char *import_words(const char *action, bool applied)
{
    static const char *const words[][3] = {{"create", "would be created", "created"},
                                           {"update", "would be changed", "changed"},
                                           {"disable", "would be disabled", "disabled"},
                                           {"delete", "would be deleted", "deleted"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (!strcmp(words[i][0], action))
            return words[i][1 + applied];
    return action;
}

static int import_read(struct import *v, struct arena *a, const cJSON *report)
{
    const cJSON *users = cJSON_GetObjectItemCaseSensitive(report, "users");
    const cJSON *errors = cJSON_GetObjectItemCaseSensitive(report, "errors");
    size_t room = (size_t)cJSON_GetArraySize(users) + (size_t)cJSON_GetArraySize(errors), n = 0;
    bool applied = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(report, "applied")) != 0;
    struct import_row *rows = arena_calloc(a, room + 1, sizeof *rows);
    const cJSON *m;

    if (!rows || !cJSON_IsArray(users) || !cJSON_IsArray(errors))
        return -1;
    cJSON_ArrayForEach(m, users)
    {
        rows[n++] = (struct import_row){import_number(m, "line"), false, arena_strdup(a, import_text(m, "username")),
                                        import_words(import_text(m, "action"), applied), ""};
    }
    v->good = (int)n;
    cJSON_ArrayForEach(m, errors)
    {
        const char *field = import_text(m, "field");

        rows[n++] =
            (struct import_row){import_number(m, "line"), true, "", "refused",
                                arena_printf(a, "%s%s%s", field, *field ? ": " : "", import_text(m, "message"))};
    }
    for (size_t i = 0; i < n; i++)
        if (!rows[i].user || !rows[i].text)
            return -1;
    qsort(rows, n, sizeof *rows, import_by_line);
    arena_destroy(v->arena);
    v->arena = a;
    v->rows = rows;
    v->count = n;
    v->cursor.at = v->cursor.top = 0;
    v->bad = import_number(report, "badRows");
    v->applied = applied;
    v->dry = !v->for_good;
    snprintf(v->id, sizeof v->id, "%s", import_text(report, "importId"));
    return 0;
}

static unsigned import_report(struct import *v, const struct source_result *r)
{
    struct arena *a = arena_create(64u << 20);
    struct err e = {0};
    cJSON *report = NULL;

    v->ask = 0;
    if (!r->failed)
        report = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, &e);
    if (r->failed)
        snprintf(v->problem, sizeof v->problem, "%s", r->err.text);
    else if (!a || !report || import_read(v, a, report)) {
        snprintf(v->problem, sizeof v->problem, "The server's answer is unusable: %s", e.text);
    } else {
        v->problem[0] = '\0';
        a = NULL;
    }
    arena_destroy(a);
    cJSON_Delete(report);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned import_result(struct view *view, const struct source_result *r)
{
    struct import *v = import_of(view);

    if (v->ask && r->id == v->ask)
        return import_report(v, r);
    if (!v->undo || r->id != v->undo)
        return VIEW_IGNORED;
    v->undo = 0;
    if (r->failed) {
        app_say(view->app, COLOUR_VERMILLION, "%s", r->err.text);
    } else {
        v->id[0] = '\0';
        app_say(view->app, COLOUR_GREEN, "The users are as they were before.");
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- keys ---- */

/* An option changed: what was looked at is not what would be done any more. */
static unsigned import_option(struct import *v, size_t *option, size_t count)
{
    if (v->unreadable)
        return VIEW_HANDLED; /* the problem stays on the screen */
    if (v->id[0] || v->ask || v->applied) {
        app_say(v->view.app, COLOUR_ORANGE, v->ask ? "The server has not answered yet." : "This is done already.");
        return VIEW_HANDLED | VIEW_DRAW;
    }
    *option = (*option + 1) % count;
    v->problem[0] = '\0';
    import_send(v, true);
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned import_ask(struct import *v)
{
    char text[512];

    if (v->applied || v->ask || *v->problem || !v->count)
        app_say(v->view.app, COLOUR_ORANGE, v->applied ? "This is done already." : "There is nothing to do yet.");
    else if (!v->good || (v->bad && !v->mode))
        app_say(v->view.app, COLOUR_ORANGE, "%d row%s refused; with o only the good rows are taken.", v->bad,
                v->bad == 1 ? " is" : "s are");
    else {
        snprintf(text, sizeof text, "Change %d user%s?\n  by %.100s\n  %d row%s refused and left out\n", v->good,
                 v->good == 1 ? "" : "s", v->file, v->bad, v->bad == 1 ? " is" : "s are");
        v->undoing = false;
        app_confirm(v->view.app, text, "Change", (size_t)v->good);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned import_undo(struct import *v)
{
    char text[160];

    if (!*v->id || v->undo) {
        app_say(v->view.app, COLOUR_ORANGE, "There is nothing to take back.");
        return VIEW_HANDLED | VIEW_DRAW;
    }
    snprintf(text, sizeof text, "Put %d user%s back as they were?\n", v->good, v->good == 1 ? "" : "s");
    v->undoing = true;
    app_confirm(v->view.app, text, "Put back", (size_t)v->good);
    return VIEW_HANDLED | VIEW_DRAW;
}

static void import_send_undo(struct import *v)
{
    struct source_request r = {.method = "POST"};
    char path[160];

    snprintf(path, sizeof path, "/api/v2/user-imports/%s/undo", v->id);
    r.path = path;
    v->undo = app_send(v->view.app, &r);
}

static void import_next_bad(struct import *v)
{
    for (size_t i = 1; i <= v->count; i++) {
        size_t at = (v->cursor.at + i) % v->count;

        if (v->rows[at].bad) {
            v->cursor.at = at;
            return;
        }
    }
}

static unsigned import_act(struct view *view, int action)
{
    struct import *v = import_of(view);

    if (cursor_act(&v->cursor, action))
        return VIEW_HANDLED | VIEW_DRAW;
    switch (action) {
    case IMPORT_BAD:
        import_next_bad(v);
        break;
    case IMPORT_ACTION:
        return import_option(v, &v->action, sizeof actions / sizeof *actions);
    case IMPORT_MODE:
        return import_option(v, &v->mode, sizeof modes / sizeof *modes);
    case IMPORT_INVITE:
        return import_option(v, &v->invite, sizeof invites / sizeof *invites);
    case IMPORT_APPLY:
        return import_ask(v);
    default:
        return import_undo(v);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

static unsigned import_confirmed(struct view *view, bool yes)
{
    struct import *v = import_of(view);

    if (yes && v->undoing)
        import_send_undo(v);
    else if (yes)
        import_send(v, false);
    else
        app_say(view->app, COLOUR_DEFAULT, "Nothing was changed.");
    return VIEW_DRAW;
}

/* ---- drawing ---- */

static void import_summary(const struct import *v, struct canvas *c, int row)
{
    struct canvas_pen pen = canvas_row(c, row, CANVAS_BOLD);

    pen.col = 3;
    if (*v->problem) {
        pen.style |= COLOUR_VERMILLION;
        canvas_put(c, &pen, v->problem);
    } else if (v->ask || !v->arena) {
        canvas_put(c, &pen, v->for_good ? "The server is at it ..." : "The server looks at it ...");
    } else {
        canvas_putf(c, &pen, "%s: %d good, %d refused.",
                    v->applied ? "Done"
                    : v->dry   ? "A preview"
                               : "Nothing was done",
                    v->good, v->bad);
        pen.style = 0;
        canvas_put(c, &pen,
                   *v->id                ? " U takes it back."
                   : !v->dry || !v->good ? ""
                   : v->bad && !v->mode  ? " o takes the good rows only."
                                         : " w does it.");
    }
    pen = canvas_row(c, row + 1, COLOUR_GREY);
    pen.col = 3;
    canvas_putf(c, &pen, "Rows that do not say: %s. %s. Invitations: %s.", actions[v->action],
                v->mode ? "The good rows only" : "All rows or none", v->invite ? "by mail" : "none");
}

static void import_draw(struct view *view, struct canvas *c, struct view_area area)
{
    struct import *v = import_of(view);
    int user = 8;

    import_summary(v, c, area.top);
    cursor_fit(&v->cursor, v->count, (size_t)(area.rows - 3));
    for (size_t i = 0; i < v->count; i++) {
        int w = canvas_width(v->rows[i].user);

        user = w > user ? (w > 30 ? 30 : w) : user;
    }
    for (size_t i = 0; i < v->cursor.height && v->cursor.top + i < v->count; i++) {
        const struct import_row *m = &v->rows[v->cursor.top + i];
        struct canvas_pen pen = canvas_row(c, area.top + 3 + (int)i, 0);
        char line[24];

        canvas_put(c, &pen, v->cursor.top + i == v->cursor.at ? canvas_glyph(c, "▸", ">") : " ");
        pen.col = 3;
        snprintf(line, sizeof line, "%d", m->line);
        canvas_fit(c, &pen, line, 5, true);
        pen.col += 2;
        canvas_fit(c, &pen, m->user, user, false);
        pen.col += 2;
        pen.style = m->bad ? COLOUR_VERMILLION : COLOUR_GREEN;
        canvas_fit(c, &pen, m->what, 17, false);
        pen.style = 0;
        canvas_put(c, &pen, m->text);
        if (v->cursor.top + i == v->cursor.at)
            canvas_mark_row(c, area.top + 3 + (int)i, CANVAS_REVERSE);
    }
}

static void import_crumb(const struct view *view, char *out, size_t size)
{
    const struct import *v = import_of(view);

    snprintf(out, size, "%s [%zu/%zu]", v->file, v->count ? v->cursor.at + 1 : 0, v->count);
}

const struct view_ops *import_view(void)
{
    static const struct view_ops ops = {
        .name = "import",
        .keys = {import_keys, sizeof import_keys / sizeof *import_keys},
        .create = import_create,
        .destroy = import_destroy,
        .fetch = import_fetch,
        .act = import_act,
        .result = import_result,
        .draw = import_draw,
        .crumb = import_crumb,
        .confirmed = import_confirmed,
    };

    return &ops;
}
