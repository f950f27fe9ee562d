/* SPDX-License-Identifier: MIT
 *
 * The frame of the TUI. A key goes to the dialog, else the prompt, else the top view's table, else the global table.
 *
 *     row 0        head: context, user, counts, GPUs, clock
 *     row 1        crumbs and the view's filter and count
 *     2 .. n-2     the view
 *     row n-1      keys, or the prompt, or a message; the data's age at its right end
 */
#include "tui/app.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/utf8.h"
#include "tui/format.h"
#include "tui/views/views.h"

#define APP_MESSAGE_MS 6000
#define APP_MESSAGE_ROWS 3

static struct view *app_top(const struct app *a)
{
    return a->depth ? a->stack[a->depth - 1] : NULL;
}

uint64_t app_get(struct app *a, const char *path)
{
    struct source_request r = {.method = "GET", .path = path};

    return source_ask(a->config.source, &r);
}

void app_say(struct app *a, enum word_colour colour, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(a->message, sizeof a->message, fmt, ap);
    va_end(ap);
    a->message_colour = colour;
    a->message_until = a->now.mono + APP_MESSAGE_MS;
    a->dirty = true;
}

uint64_t app_send(struct app *a, const struct source_request *r)
{
    uint64_t id = source_ask(a->config.source, r);

    if (!id)
        app_say(a, COLOUR_VERMILLION, "Nothing was sent: out of memory.");
    return id;
}

void app_confirm(struct app *a, const char *text, const char *verb, size_t count)
{
    dialog_ask(&a->dialog, text, verb, count);
    a->dirty = true;
}

void app_ask(struct app *a, const char *label, const char *text)
{
    prompt_ask(&a->prompt, label, text);
    a->dirty = true;
}

void app_inputs(struct app *a)
{
    a->inputs.open = true;
    a->dirty = true;
}

void app_open_shell(struct app *a, const char *job, const char *role, int index)
{
    if (a->config.recorded) {
        app_say(a, COLOUR_DEFAULT, "A recording has no tasks to open a shell in.");
        return;
    }
    a->shell = (struct app_shell){.wanted = true, .index = index};
    snprintf(a->shell.job, sizeof a->shell.job, "%s", job);
    snprintf(a->shell.role, sizeof a->shell.role, "%s", role);
}

static void app_pop(struct app *a)
{
    struct view *v;

    if (a->depth < 2)
        return;
    v = a->stack[--a->depth];
    v->ops->destroy(v);
    app_top(a)->ops->fetch(app_top(a));
    a->dirty = true;
}

void app_push(struct app *a, const struct view_ops *ops, const char *arg)
{
    struct view *v;

    if (a->depth == APP_DEPTH) {
        app_say(a, COLOUR_ORANGE, "Too many views are open; go back with Esc.");
        return;
    }
    v = ops->create(a, arg);
    if (!v) {
        app_say(a, COLOUR_VERMILLION, "Out of memory.");
        return;
    }
    a->stack[a->depth++] = v;
    a->refreshed = a->now.mono;
    ops->fetch(v);
    a->dirty = true;
}

int app_init(struct app *a, const struct app_config *config, struct err *e)
{
    const struct views_row *row = config->begin ? views_find(config->begin) : NULL;

    *a = (struct app){
        .config = *config, .now = config->now, .mouse = !config->no_mouse, .dirty = true, .undecided = config->by_role};
    a->canvas.ascii = config->ascii;
    head_init(&a->head, config->context, config->user);
    live_init(&a->live, config->source, config->recorded, config->now.mono);
    head_fetch(&a->head, config->source);
    app_push(a, jobs_view(), config->all ? "all" : NULL);
    if (row && row->ops() != jobs_view())
        app_push(a, row->ops(), NULL);
    return a->depth ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

void app_fini(struct app *a)
{
    while (a->depth) {
        struct view *v = a->stack[--a->depth];

        v->ops->destroy(v);
    }
    live_fini(&a->live);
    canvas_fini(&a->canvas);
}

void app_resize(struct app *a, int rows, int cols)
{
    (void)canvas_resize(&a->canvas, rows, cols);
    a->dirty = true;
    a->redraw = true;
}

/* Performs what a view asked for. */
static void app_react(struct app *a, struct view *v, unsigned bits)
{
    if (bits & VIEW_DRAW)
        a->dirty = true;
    if ((bits & VIEW_BACK) && v == app_top(a))
        app_pop(a);
    else if (bits & VIEW_FETCH)
        v->ops->fetch(v);
}

static void app_open_prompt(struct app *a, char mark, const char *text)
{
    prompt_open(&a->prompt, mark, text, mark == ':' ? views_words() : NULL);
    a->dirty = true;
}

/* Opens a kind of view as the only one above the job list, or goes back to the list itself. */
static void app_go(struct app *a, const struct view_ops *ops, const char *arg)
{
    while (a->depth > 1)
        app_pop(a);
    if (ops != jobs_view())
        app_push(a, ops, arg);
    else if (app_top(a)->ops->filter)
        app_react(a, app_top(a), app_top(a)->ops->filter(app_top(a), arg) | VIEW_FETCH);
}

static void app_theme(struct app *a, const char *name)
{
    if (strcmp(name, "default") && strcmp(name, "light") && strcmp(name, "contrast") && strcmp(name, "mono")) {
        app_say(a, COLOUR_ORANGE, "The themes are: default light contrast mono.");
        return;
    }
    snprintf(a->theme, sizeof a->theme, "%s", name);
    a->redraw = true;
    a->dirty = true;
}

static void app_sort(struct app *a, const char *field)
{
    struct view *v = app_top(a);

    if (!v->ops->sort || !v->ops->sort(v, field))
        app_say(a, COLOUR_ORANGE, "This view cannot be sorted by \"%s\".", field);
    else
        app_react(a, v, VIEW_FETCH | VIEW_DRAW);
}

/* A word that is a view's. */
static bool app_view(struct app *a, const char *word, const char *arg)
{
    const struct views_row *row = views_find(word);

    if (!row)
        return false;
    if (row->needs && !*arg)
        app_say(a, COLOUR_ORANGE, ":%s wants %s behind it.", word, row->needs);
    else
        app_go(a, row->ops(), arg);
    return true;
}

/* "job ana~x": the word and what follows it. */
static void app_command(struct app *a, const char *line)
{
    char word[32];
    size_t len;
    const char *arg;

    line += strspn(line, " ");
    len = strcspn(line, " ");
    snprintf(word, sizeof word, "%.*s", (int)len, line);
    arg = line + len + strspn(line + len, " ");
    if (!*word)
        return;
    if (!strcmp(word, "q") || !strcmp(word, "quit"))
        a->quit = true;
    else if (!strcmp(word, "sort"))
        app_sort(a, arg);
    else if (!strcmp(word, "theme"))
        app_theme(a, arg);
    else if (!strcmp(word, "help"))
        app_push(a, keyhelp_view(), NULL);
    else if (!app_view(a, word, arg))
        app_say(a, COLOUR_ORANGE, "There is no command \"%s\"; press : and Tab.", line);
}

static void app_prompt_key(struct app *a, int key)
{
    struct view *v = app_top(a);
    enum prompt_end end = prompt_key(&a->prompt, key);
    char mark = a->prompt.mark;
    char text[sizeof a->prompt.text];

    a->dirty = true;
    if (end == PROMPT_GOES_ON)
        return;
    a->prompt.mark = 0;
    snprintf(text, sizeof text, "%s", a->prompt.text);
    if (end == PROMPT_DONE && mark == '/' && v->ops->filter)
        app_react(a, v, v->ops->filter(v, text));
    else if (end == PROMPT_DONE && mark == PROMPT_ANSWER && v->ops->answered)
        app_react(a, v, v->ops->answered(v, text));
    else if (end == PROMPT_DONE && mark == ':') {
        while (strlen(text) && text[strlen(text) - 1] == ' ')
            text[strlen(text) - 1] = '\0';
        app_command(a, text);
    }
}

/* Esc: a filter first, then the view. */
static void app_back(struct app *a)
{
    struct view *v = app_top(a);

    if (v->ops->filter_text && *v->ops->filter_text(v))
        app_react(a, v, v->ops->filter(v, ""));
    else
        app_pop(a);
}

static void app_global_key(struct app *a, int key)
{
    switch (keys_action(keys_global(), key, a->config.readonly)) {
    case KEYS_DO_HELP:
        app_push(a, keyhelp_view(), NULL);
        break;
    case KEYS_DO_COMMAND:
        app_open_prompt(a, ':', "");
        break;
    case KEYS_DO_BACK:
        app_back(a);
        break;
    case KEYS_DO_QUIT:
        a->quit = true;
        break;
    case KEYS_DO_REDRAW:
        a->redraw = true;
        a->dirty = true;
        break;
    case KEYS_DO_MOUSE:
        a->mouse = !a->mouse;
        app_say(a, COLOUR_DEFAULT, a->mouse ? "The mouse is on." : "The mouse is off: the terminal selects text.");
        break;
    default:
        break;
    }
}

static void app_dialog_key(struct app *a, int key)
{
    struct view *v = app_top(a);
    enum dialog_end end = dialog_key(&a->dialog, key);

    a->dirty = true;
    if (end != DIALOG_GOES_ON && v->ops->confirmed)
        app_react(a, v, v->ops->confirmed(v, end == DIALOG_YES));
}

static void app_inputs_key(struct app *a, int key)
{
    struct view *v = app_top(a);

    a->dirty = true;
    if (inputs_key(&a->inputs, key) == INPUTS_SUBMITTED && v->ops->submitted)
        app_react(a, v, v->ops->submitted(v));
}

void app_key(struct app *a, int key)
{
    struct view *v = app_top(a);
    int action;

    a->undecided = false;
    if (a->inputs.open) {
        app_inputs_key(a, key);
        return;
    }
    if (a->dialog.open) {
        app_dialog_key(a, key);
        return;
    }
    if (a->prompt.mark) {
        app_prompt_key(a, key);
        return;
    }
    if (key == '/' && v->ops->filter) {
        app_open_prompt(a, '/', v->ops->filter_text(v));
        return;
    }
    action = keys_action(&v->ops->keys, key, a->config.readonly);
    if (action)
        app_react(a, v, v->ops->act(v, action));
    else
        app_global_key(a, key);
}

void app_click(struct app *a, int row, bool again)
{
    struct view *v = app_top(a);

    a->undecided = false;
    if (a->dialog.open || a->inputs.open || a->prompt.mark || row < 2 || row >= a->canvas.rows - 1 || !v->ops->click)
        return;
    app_react(a, v, v->ops->click(v, row - 2, again));
}

/* Once it is known who looks: admins begin with the overview, unless a key was quicker. */
static void app_begin(struct app *a)
{
    if (!a->undecided || !a->head.known)
        return;
    a->undecided = false;
    if (a->head.admin)
        app_push(a, overview_view(), NULL);
}

static void app_result(struct app *a, const struct source_result *r)
{
    bool changed = false;

    if (live_result(&a->live, r, a->now.mono))
        return;
    live_note(&a->live, r, a->now.mono);
    if (head_result(&a->head, r, &changed)) {
        a->dirty = a->dirty || changed;
        app_begin(a);
        return;
    }
    for (size_t i = a->depth; i-- > 0;) {
        unsigned bits = a->stack[i]->ops->result(a->stack[i], r);

        app_react(a, a->stack[i], bits);
        if (bits & VIEW_HANDLED)
            return;
    }
}

void app_take(struct app *a)
{
    struct source_result r;
    bool failing = a->live.failing;

    while (source_take(a->config.source, &r)) {
        app_result(a, &r);
        source_result_fini(&r);
    }
    if (failing != a->live.failing)
        a->dirty = true;
}

void app_tick(struct app *a, struct clock_now now)
{
    int every = app_top(a)->ops->refresh_ms;

    a->now = now;
    if (live_due(&a->live, now.mono)) {
        head_fetch(&a->head, a->config.source);
        a->refreshed = now.mono;
        app_top(a)->ops->fetch(app_top(a));
    } else if (every && !a->config.recorded && now.mono - a->refreshed >= every) {
        a->refreshed = now.mono;
        app_top(a)->ops->fetch(app_top(a));
    }
    if (now.wall / 60000 != a->drawn_minute || live_age(&a->live, now.mono) / 1000 != a->drawn_age)
        a->dirty = true;
    if (a->message_until && now.mono >= a->message_until) {
        a->message_until = 0;
        a->dirty = true;
    }
}

static void app_draw_crumbs(struct app *a)
{
    struct canvas *c = &a->canvas;
    struct canvas_pen pen = canvas_row(c, 1, 0);
    char text[512] = "";

    canvas_put(c, &pen, " ");
    for (size_t i = 0; i < a->depth; i++) {
        bool top = i + 1 == a->depth;

        pen.style = top ? CANVAS_BOLD : COLOUR_GREY;
        if (i)
            canvas_put(c, &pen, canvas_glyph(c, " › ", " > "));
        canvas_put(c, &pen, a->stack[i]->ops->name);
    }
    pen.style = 0;
    app_top(a)->ops->crumb(app_top(a), text, sizeof text);
    canvas_put(c, &pen, " ");
    canvas_put(c, &pen, text);
}

/* "?help  /filter  l log ...": a word for each key that has one. */
static void app_draw_keys(struct app *a, struct canvas_pen *pen, const struct keys *keys)
{
    for (size_t i = 0; i < keys->count; i++) {
        const struct keys_row *row = &keys->rows[i];
        bool enter = row->key == KEYS_ENTER;

        if (!row->word || (row->writes && a->config.readonly))
            continue;
        if (pen->col + canvas_width(row->label) + canvas_width(row->word) + 3 > pen->end)
            return;
        pen->style = CANVAS_BOLD;
        canvas_put(&a->canvas, pen, enter ? canvas_glyph(&a->canvas, "⏎", "Enter") : row->label);
        pen->style = COLOUR_GREY;
        canvas_putf(&a->canvas, pen, " %s  ", row->word);
    }
}

/* A message that one line has no room for takes the rows above as well: what a server refuses is read to its end. */
static void app_draw_message(struct app *a, struct canvas_pen last)
{
    struct canvas *c = &a->canvas;
    const char *starts[APP_MESSAGE_ROWS], *at;
    size_t lens[APP_MESSAGE_ROWS];
    struct buf safe;
    int rows = 0;

    buf_init(&safe, 4096);
    (void)utf8_safe(&safe, a->message, strlen(a->message), false, false);
    for (at = buf_str(&safe); *at && rows < APP_MESSAGE_ROWS; rows++) {
        size_t n = utf8_fit(at, strlen(at), last.end - 2, NULL), cut = n;

        while (at[n] && cut > 0 && at[cut - 1] != ' ')
            cut--;
        n = at[n] && cut ? cut : n ? n : 1;
        starts[rows] = at;
        lens[rows] = n;
        at += n;
    }
    for (int i = 0; i < rows; i++) {
        struct canvas_pen pen = canvas_row(c, c->rows - rows + i, 0);

        pen.end = last.end;
        canvas_fill(c, &pen, " ");
        pen.col = 0;
        pen.style = (unsigned)a->message_colour | CANVAS_BOLD;
        canvas_putf(c, &pen, " %.*s", (int)lens[i], starts[i]);
    }
    buf_fini(&safe);
}

static void app_draw_bottom(struct app *a)
{
    struct canvas *c = &a->canvas;
    struct canvas_pen pen = canvas_row(c, c->rows - 1, 0);
    struct view *v = app_top(a);
    static const struct keys_row filter_row = {'/', 0, "/", "filter", "", 1, false};
    static const struct keys filter_keys = {&filter_row, 1};
    int64_t age = live_age(&a->live, a->now.mono);
    char old[64] = "";

    a->drawn_age = age / 1000;
    if (age)
        snprintf(old, sizeof old, "%lld s old ", (long long)(age / 1000));
    pen.col = c->cols - canvas_width(old);
    pen.style = CANVAS_REVERSE;
    canvas_put(c, &pen, old);
    pen = canvas_row(c, c->rows - 1, 0);
    pen.end -= canvas_width(old);
    if (a->prompt.mark) {
        prompt_draw(&a->prompt, c, c->rows - 1);
    } else if (a->message_until) {
        app_draw_message(a, pen);
    } else if (a->live.failing) {
        pen.style = COLOUR_VERMILLION | CANVAS_BOLD;
        canvas_put(c, &pen, " ");
        canvas_put(c, &pen, a->live.problem);
    } else {
        canvas_put(c, &pen, " ");
        app_draw_keys(a, &pen, keys_global());
        if (v->ops->filter)
            app_draw_keys(a, &pen, &filter_keys);
        app_draw_keys(a, &pen, &v->ops->keys);
    }
}

void app_draw(struct app *a)
{
    struct canvas *c = &a->canvas;
    struct view_area area = {2, c->rows - 3};
    struct canvas_pen pen;

    canvas_clear(c);
    a->dirty = false;
    a->drawn_minute = a->now.wall / 60000;
    a->drawn_age = live_age(&a->live, a->now.mono) / 1000;
    if (c->rows < APP_MIN_ROWS || c->cols < APP_MIN_COLS) {
        pen = canvas_row(c, 0, 0);
        canvas_putf(c, &pen, "drover needs %dx%d; this is %dx%d.", APP_MIN_COLS, APP_MIN_ROWS, c->cols, c->rows);
        return;
    }
    head_draw(&a->head, c, a->now.wall);
    app_top(a)->ops->draw(app_top(a), c, area);
    app_draw_crumbs(a); /* after the view, which knows by now what is on the screen */
    app_draw_bottom(a);
    if (a->inputs.open)
        inputs_draw(&a->inputs, c);
    if (a->dialog.open)
        dialog_draw(&a->dialog, c);
}

int app_wait(const struct app *a)
{
    int64_t minute = 60000 - a->now.wall % 60000;
    int64_t wait = live_wait(&a->live, a->now.mono);

    if (a->message_until && a->message_until - a->now.mono < wait)
        wait = a->message_until - a->now.mono;
    if (minute < wait)
        wait = minute;
    return wait < 0 ? 0 : (int)wait;
}
