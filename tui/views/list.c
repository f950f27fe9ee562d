/* SPDX-License-Identifier: MIT
 *
 * The list: what it holds, and what keys do to it. How it looks is in list_draw.c.
 *
 *     reply ─► cells ─► those that fit the filter, in the order of a column ─► the screen
 */
#include "tui/views/list.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "tui/app.h"
#include "tui/cells.h"
#include "tui/output.h"
#include "tui/transfer.h"
#include "tui/verbs/objects_tables.h"
#include "tui/views/views.h"

struct list *list_of(const struct view *v)
{
    return (struct list *)v;
}

struct view *list_create(struct app *app, const struct list_kind *kind, const struct view_ops *ops, const char *arg)
{
    struct list *l = calloc(1, sizeof *l);
    size_t count;
    const struct listing *all = objects_listings(&count);

    if (!l)
        return NULL;
    l->view = (struct view){ops, app};
    l->kind = kind;
    for (size_t i = 0; i < count; i++)
        if (!strcmp(all[i].verb, kind->verb))
            l->listing = &all[i];
    assert(l->listing);
    l->sort = l->listing->count;
    snprintf(l->about, sizeof l->about, "%s", arg ? arg : "");
    snprintf(l->asked, sizeof l->asked, "%s", kind->begin ? kind->begin : "");
    return &l->view;
}

void list_destroy(struct view *view)
{
    struct list *l = list_of(view);

    source_cancel(view->app->config.source, l->ask);
    filter_fini(&l->words);
    filter_fini(&l->members);
    marks_clear(&l->marks);
    calls_fini(&l->calls);
    arena_destroy(l->arena);
    cJSON_Delete(l->reply);
    free(l);
}

/* ---- questions ---- */

/* The word "option:..." in a text of words: its value in `out`; false when it is not there. */
static bool list_word(const char *text, const char *option, char *out, size_t size)
{
    size_t len = strlen(option);

    for (; *text; text += strcspn(text, " "), text += strspn(text, " ")) {
        size_t word = strcspn(text, " ");

        if (word <= len + 1 || strncmp(text, option, len) || text[len] != ':')
            continue;
        snprintf(out, size, "%.*s", (int)(word - len - 1), text + len + 1);
        return true;
    }
    return false;
}

void list_answer(const struct list *l, const char *option, char *out, size_t size)
{
    if (!list_word(l->typed, option, out, size) && !list_word(l->asked, option, out, size))
        *out = '\0';
}

unsigned list_question(struct list *l, const char *option, const char *value)
{
    char rest[sizeof l->asked] = "";
    size_t at = 0, len = strlen(option);

    for (const char *t = l->asked; *t; t += strcspn(t, " "), t += strspn(t, " ")) {
        size_t word = strcspn(t, " ");

        if ((word > len && !strncmp(t, option, len) && t[len] == ':') || at + word + 2 > sizeof rest)
            continue;
        at += (size_t)snprintf(rest + at, sizeof rest - at, "%s%.*s", at ? " " : "", (int)word, t);
    }
    snprintf(l->asked, sizeof l->asked, "%s%s%s:%s", rest, at ? " " : "", option, value);
    l->cursor.at = l->cursor.top = 0;
    return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
}

/* Whether a word of the filter begins with the name of a question, or with that of a column. */
static bool list_is_question(const struct list *l, const char *word)
{
    for (const struct question *q = l->listing->questions; q && q->option; q++) {
        size_t len = strlen(q->option);

        if (!strncmp(word, q->option, len) && word[len] == ':' && word[len + 1])
            return true;
    }
    return false;
}

static bool list_is_member(const struct list *l, const char *word)
{
    word += *word == '!';
    for (size_t i = 0; i < l->listing->count; i++) {
        const char *key = l->listing->columns[i].key;
        size_t len = strlen(key);

        if (!strncmp(word, key, len) && word[len] == ':')
            return true;
    }
    return false;
}

static int list_path(const struct list *l, struct buf *path, struct err *e)
{
    const char *place = strstr(l->listing->path, "%s");
    char value[160], mark = '?';

    (void)buf_add(path, l->listing->path, place ? (size_t)(place - l->listing->path) : strlen(l->listing->path));
    if (place) {
        transfer_escape(path, l->about);
        (void)buf_adds(path, place + 2);
    }
    for (const struct question *q = l->listing->questions; q && q->option; q++) {
        bool more = l->listing->more_option && !strcmp(q->option, l->listing->more_option) && *l->page;

        if (more)
            snprintf(value, sizeof value, "%s", l->page);
        else
            list_answer(l, q->option, value, sizeof value);
        if (!*value)
            continue;
        (void)buf_addc(path, mark);
        mark = '&';
        if (cells_ask(q, value, l->view.app->now.wall, path, e))
            return -1;
    }
    return 0;
}

void list_fetch(struct view *view)
{
    struct list *l = list_of(view);
    struct err e = {0};
    struct buf path;

    if (l->ask) {
        l->again = true;
        return;
    }
    buf_init(&path, 16384);
    if (list_path(l, &path, &e))
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
    else
        l->ask = app_get(view->app, buf_str(&path));
    buf_fini(&path);
}

/* ---- the reply ---- */

static const char *list_cell(const struct list *l, size_t row, size_t column)
{
    return l->cells[row * l->listing->count + column];
}

static bool list_fits(const struct list *l, size_t row, struct buf *text)
{
    buf_reset(text);
    for (size_t c = 0; c < l->listing->count; c++)
        (void)buf_addf(text, "%s%s", c ? " " : "", list_cell(l, row, c));
    if (!filter_matches(&l->words, buf_str(text)))
        return false;
    buf_reset(text);
    for (size_t c = 0; c < l->listing->count; c++)
        (void)buf_addf(text, "%s%s:%s", c ? " " : "", l->listing->columns[c].key, list_cell(l, row, c));
    return filter_matches(&l->members, buf_str(text));
}

static int list_compare(const void *left, const void *right, void *ctx)
{
    const struct list *l = ctx;
    const size_t a = *(const size_t *)left, b = *(const size_t *)right;
    const char *place = l->listing->fields[l->sort].place;
    const cJSON *x = *place ? cells_member(l->items[a], place) : NULL;
    const cJSON *y = *place ? cells_member(l->items[b], place) : NULL;
    int c;

    if (cJSON_IsNumber(x) || cJSON_IsNumber(y)) {
        double m = x && cJSON_IsNumber(x) ? x->valuedouble : -1, n = y && cJSON_IsNumber(y) ? y->valuedouble : -1;

        c = (m > n) - (m < n);
    } else {
        c = strcasecmp(list_cell(l, a, l->sort), list_cell(l, b, l->sort));
    }
    c = l->reverse ? -c : c;
    return c ? c : (a > b) - (a < b);
}

static void list_arrange(struct list *l)
{
    struct buf text;

    l->shown_count = 0;
    buf_init(&text, 1 << 16);
    for (size_t i = 0; l->shown && i < l->count; i++)
        if (list_fits(l, i, &text))
            l->shown[l->shown_count++] = i;
    buf_fini(&text);
    if (l->shown_count && l->sort < l->listing->count)
        qsort_r(l->shown, l->shown_count, sizeof *l->shown, list_compare, l);
    else if (l->reverse)
        for (size_t i = 0; i < l->shown_count / 2; i++) {
            size_t swap = l->shown[i];

            l->shown[i] = l->shown[l->shown_count - 1 - i];
            l->shown[l->shown_count - 1 - i] = swap;
        }
    cursor_fit(&l->cursor, l->shown_count, l->cursor.height);
}

/* Makes the cells of a reply in the arena. 0 or -1. */
static int list_fill(struct list *l, const cJSON *list)
{
    const struct listing *g = l->listing;
    struct cells made = {.arena = l->arena, .now = l->view.app->now.wall, .time = CELLS_COARSE};
    size_t n = (size_t)cJSON_GetArraySize(list), row = 0;
    const cJSON *item;

    l->items = arena_calloc(l->arena, n + 1, sizeof *l->items);
    l->cells = arena_calloc(l->arena, n * g->count + 1, sizeof *l->cells);
    l->shown = arena_calloc(l->arena, n + 1, sizeof *l->shown);
    memset(l->used, 0, sizeof l->used);
    for (size_t c = 0; c < g->count; c++)
        l->want[c] = canvas_width(g->columns[c].title);
    l->count = 0;
    if (!l->items || !l->cells || !l->shown)
        return -1;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsObject(item))
            continue;
        l->items[row] = item;
        for (size_t c = 0; c < g->count; c++) {
            const char *text = cells_text(&made, item, &g->fields[c]);

            l->cells[row * g->count + c] = text ? text : "";
            if (text && canvas_width(text) > l->want[c])
                l->want[c] = canvas_width(text);
            l->used[c] = l->used[c] || (text && g->columns[c].rank < 10);
        }
        row++;
    }
    l->count = row;
    return 0;
}

/* Where the page behind this one begins. */
static void list_next(struct list *l)
{
    const cJSON *next = l->listing->more ? cJSON_GetObjectItemCaseSensitive(l->reply, l->listing->more) : NULL;

    l->next[0] = '\0';
    if (next && cJSON_IsNumber(next))
        snprintf(l->next, sizeof l->next, "%.0f", next->valuedouble);
}

static void list_take(struct list *l, const struct source_result *r)
{
    struct err e = {0};
    struct arena *a = arena_create(64u << 20);
    cJSON *reply = json_parse(r->data ? r->data : "", r->len, TRANSFER_MAX_BODY, &e);
    const cJSON *list =
        reply && l->listing->inside ? cJSON_GetObjectItemCaseSensitive(reply, l->listing->inside) : reply;
    char anchor[LIST_NAME], name[LIST_NAME];

    if (!a || !list || !(cJSON_IsArray(list) || (cJSON_IsObject(list) && !*l->listing->fields[0].place))) {
        app_say(l->view.app, COLOUR_VERMILLION, "The server's answer is unusable%s%s", *e.text ? ": " : ".", e.text);
        cJSON_Delete(reply);
        arena_destroy(a);
        return;
    }
    list_name(l, anchor);
    arena_destroy(l->arena);
    cJSON_Delete(l->reply);
    l->arena = a;
    l->reply = reply;
    l->loaded = true;
    l->problem[0] = '\0';
    if (list_fill(l, list))
        app_say(l->view.app, COLOUR_VERMILLION, "The list is too long for the memory that it may take.");
    list_next(l);
    list_arrange(l);
    /* The cursor stays on its row, except on the first, which stays the first. */
    for (size_t i = 0; *anchor && l->cursor.at && i < l->shown_count; i++) {
        l->kind->name(l->items[l->shown[i]], name, sizeof name);
        if (!strcmp(name, anchor)) {
            l->cursor.at = i;
            break;
        }
    }
}

unsigned list_result(struct view *view, const struct source_result *r)
{
    struct list *l = list_of(view);
    unsigned bits = VIEW_HANDLED | VIEW_DRAW;
    bool over = false;

    if (calls_result(&l->calls, view->app, r, &over)) {
        if (over && !l->calls.failed)
            marks_clear(&l->marks);
        return over ? bits | VIEW_FETCH : bits;
    }
    if (!l->ask || r->id != l->ask)
        return VIEW_IGNORED;
    l->ask = 0;
    if (!r->failed)
        list_take(l, r);
    else if (!view->app->live.failing)
        snprintf(l->problem, sizeof l->problem, "%s", r->err.text);
    if (l->again)
        bits |= VIEW_FETCH;
    l->again = false;
    return bits;
}

/* ---- keys ---- */

const cJSON *list_item(const struct list *l)
{
    return l->cursor.at < l->shown_count ? l->items[l->shown[l->cursor.at]] : NULL;
}

void list_name(const struct list *l, char out[LIST_NAME])
{
    const cJSON *item = list_item(l);

    *out = '\0';
    if (item && l->kind->name)
        l->kind->name(item, out, LIST_NAME);
}

unsigned list_call(struct list *l, const struct calls_kind *kind, const char *arg)
{
    char name[LIST_NAME];

    list_name(l, name);
    calls_ask(&l->calls, l->view.app, &(struct calls_question){kind, &l->marks, *name ? name : NULL, arg});
    return VIEW_HANDLED | VIEW_DRAW;
}

/* The next column to sort by, among those that are shown; the number of columns is the server's order. */
static void list_turn(struct list *l, int action)
{
    size_t n = l->listing->count + 1;

    if (action == LIST_REVERSE) {
        l->reverse = !l->reverse;
    } else {
        do
            l->sort = (l->sort + (action == LIST_SORT_RIGHT ? 1 : n - 1)) % n;
        while (l->sort < l->listing->count && !l->used[l->sort]);
        l->reverse = false;
    }
    list_arrange(l);
}

/* The whole object, on a page of its own. */
static void list_open(struct list *l)
{
    const cJSON *item = list_item(l);
    char name[LIST_NAME];
    struct buf text;

    if (!item)
        return;
    list_name(l, name);
    buf_init(&text, 1 << 20);
    (void)buf_addf(&text, "%s\n", *name ? name : l->kind->verb);
    if (!output_yaml(item, &text))
        app_push(l->view.app, text_view(), buf_str(&text));
    buf_fini(&text);
}

static unsigned list_page(struct list *l, int action)
{
    if (action == LIST_OLDER && !*l->next) {
        app_say(l->view.app, COLOUR_DEFAULT, "There is nothing older.");
        return VIEW_HANDLED | VIEW_DRAW;
    }
    snprintf(l->page, sizeof l->page, "%s", action == LIST_OLDER ? l->next : "");
    l->cursor.at = l->cursor.top = 0;
    return VIEW_HANDLED | VIEW_DRAW | VIEW_FETCH;
}

unsigned list_act(struct view *view, int action)
{
    struct list *l = list_of(view);
    char name[LIST_NAME];

    list_name(l, name);
    if (cursor_act(&l->cursor, action))
        return VIEW_HANDLED | VIEW_DRAW;
    if (action == LIST_UNMARK)
        marks_clear(&l->marks);
    else if (action == LIST_OPEN)
        list_open(l);
    else if (action == LIST_OLDER || action == LIST_NEWEST)
        return list_page(l, action);
    else if (action != LIST_MARK)
        list_turn(l, action);
    else if (*name) {
        (void)marks_toggle(&l->marks, name);
        (void)cursor_act(&l->cursor, CURSOR_DOWN);
    }
    return VIEW_HANDLED | VIEW_DRAW;
}

unsigned list_confirmed(struct view *view, bool yes)
{
    calls_answer(&list_of(view)->calls, view->app, yes);
    return VIEW_DRAW;
}

unsigned list_click(struct view *view, int row, bool again)
{
    struct list *l = list_of(view);
    size_t place = l->cursor.top + (size_t)(row > 0 ? row - 1 : 0);

    if (row < 1 || (size_t)row > l->cursor.height || place >= l->shown_count)
        return VIEW_HANDLED;
    l->cursor.at = place;
    if (again)
        return view->ops->act(view, keys_action(&view->ops->keys, KEYS_ENTER, true));
    return VIEW_HANDLED | VIEW_DRAW;
}

/* ---- filter and order ---- */

/* Takes the typed words apart: questions are the server's, the others go to one of two filters. */
unsigned list_filter(struct view *view, const char *text)
{
    struct list *l = list_of(view);
    struct filter fresh[2] = {{.term_count = 0}, {.term_count = 0}};
    struct buf words, members;
    struct err e = {0};
    char word[sizeof l->typed];

    buf_init(&words, sizeof l->typed);
    buf_init(&members, sizeof l->typed);
    for (const char *t = text; *t; t += strspn(t, " ")) {
        size_t len = strcspn(t, " ");

        snprintf(word, sizeof word, "%.*s", (int)len, t);
        t += len;
        if (!list_is_question(l, word))
            (void)buf_addf(list_is_member(l, word) ? &members : &words, "%s ", word);
    }
    if (filter_set_words(&fresh[0], buf_str(&words), &e) || filter_set_words(&fresh[1], buf_str(&members), &e)) {
        app_say(view->app, COLOUR_ORANGE, "%s", e.text);
        filter_fini(&fresh[0]);
    } else {
        filter_fini(&l->words);
        filter_fini(&l->members);
        l->words = fresh[0];
        l->members = fresh[1];
        snprintf(l->typed, sizeof l->typed, "%s", text);
        l->page[0] = '\0';
        l->cursor.at = l->cursor.top = 0;
        list_arrange(l);
    }
    buf_fini(&words);
    buf_fini(&members);
    return VIEW_DRAW | VIEW_FETCH;
}

const char *list_filter_text(const struct view *view)
{
    return list_of(view)->typed;
}

bool list_sort(struct view *view, const char *field)
{
    struct list *l = list_of(view);

    for (size_t i = 0; i < l->listing->count; i++) {
        if (strcmp(field, l->listing->columns[i].key))
            continue;
        l->reverse = l->sort == i && !l->reverse;
        l->sort = i;
        list_arrange(l);
        return true;
    }
    return false;
}
