/* SPDX-License-Identifier: MIT
 *
 * A list of the server's objects, made from a row of objects_tables.c: the columns, cells and questions that the CLI's
 * list of the same things has. A view adds its own keys and actions.
 *
 *     static const struct keys_row keys[] = {{'e', ...}, LIST_KEYS};
 *     static const struct view_ops ops = {.name = "users", .keys = ..., .create = users_create, .act = users_act,
 *                                         LIST_OPS};
 */
#ifndef DROVER_TUI_VIEWS_LIST_H
#define DROVER_TUI_VIEWS_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tui/filter.h"
#include "tui/table.h"
#include "tui/view.h"
#include "tui/views/calls.h"
#include "tui/views/cursor.h"
#include "tui/words.h"

struct arena;
struct cJSON;
struct listing;

#define LIST_NAME 256
#define LIST_LINES 2 /* of words in the strip below the list */

/* What kind of things they are. Constant. */
struct list_kind {
    const char *verb;  /* of objects_listings: "users" */
    const char *empty; /* when there are none: what that means, and what to do */
    const char *begin; /* questions that it begins with: "by:vc days:30"; NULL: none */
    /* The name that marks and calls go by, into `out`; NULL: rows cannot be marked. */
    void (*name)(const struct cJSON *item, char *out, size_t size);
    enum word_colour (*colour)(const struct cJSON *item); /* of the first column; NULL: the usual one */
    /* A line of words about the row, 0 to LIST_LINES - 1; "" for none. NULL: no strip. */
    void (*line)(const struct view *v, const struct cJSON *item, int line, char *out, size_t size);
};

/* A view of this kind. Embedded as its first member, or used as it is. */
struct list {
    struct view view;
    const struct list_kind *kind;
    const struct listing *listing;
    char about[LIST_NAME]; /* the argument: whose members */
    char asked[256];       /* questions in force: "by:vc days:30" */
    char typed[256];       /* the filter as it was typed */
    struct filter words;   /* looked for in a row's cells */
    struct filter members; /* looked for in "user:ana groups:a, b" */
    struct marks marks;
    struct calls calls;
    struct arena *arena; /* of the reply's cells */
    struct cJSON *reply;
    const struct cJSON **items;
    const char **cells; /* count x columns, "" for none */
    size_t count;
    size_t *shown; /* rows that fit the filter, in order */
    size_t shown_count;
    bool used[TABLE_MAX_COLUMNS]; /* a column that is empty in every row is not shown */
    int want[TABLE_MAX_COLUMNS];  /* the widest cell of each */
    struct cursor cursor;         /* among those shown */
    size_t sort;                  /* a column, or the number of columns: as the server sorts */
    uint64_t ask;
    bool reverse, loaded, again;
    char problem[192]; /* why there is nothing, in the server's words; "" */
    char next[32];     /* where the next page begins, "" = this is the last */
    char page[32];     /* where this one began, "" = the first */
};

/* Actions of every list, beside those of its cursor; those of a view begin at LIST_OWN. */
enum {
    LIST_MARK = 1,
    LIST_UNMARK,
    LIST_SORT_LEFT,
    LIST_SORT_RIGHT,
    LIST_REVERSE,
    LIST_OPEN,
    LIST_OLDER,
    LIST_NEWEST,
    LIST_OWN,
};

#define LIST_KEYS_OPEN                                                                                                 \
    {                                                                                                                  \
        KEYS_ENTER, 'd', "Enter, d", "open", "All that is known of the row", LIST_OPEN, false                          \
    }
#define LIST_KEYS_MARK                                                                                                 \
    {' ', 0, "space", "mark", "Mark or unmark the row", LIST_MARK, false},                                             \
    {                                                                                                                  \
        'u', 0, "u", NULL, "Unmark all", LIST_UNMARK, false                                                            \
    }
#define LIST_KEYS                                                                                                      \
    {'y', 0, "y", NULL, "The row as YAML", LIST_OPEN, false},                                                          \
        {'<', 0, "<", NULL, "Sort by the column before", LIST_SORT_LEFT, false},                                       \
        {'>', 0, ">", "sort", "Sort by the next column", LIST_SORT_RIGHT, false},                                      \
        {'S', 'r', "S, r", NULL, "Sort the other way round", LIST_REVERSE, false}, CURSOR_KEYS

#define LIST_OPS                                                                                                       \
    .destroy = list_destroy, .fetch = list_fetch, .result = list_result, .draw = list_draw, .crumb = list_crumb,       \
    .filter = list_filter, .filter_text = list_filter_text, .confirmed = list_confirmed, .sort = list_sort,            \
    .click = list_click

/* Makes one; `arg` is what the list is about, or NULL. NULL when out of memory. */
struct view *list_create(struct app *app, const struct list_kind *kind, const struct view_ops *ops, const char *arg);
/* The members of view_ops. */
void list_destroy(struct view *v);
void list_fetch(struct view *v);
unsigned list_act(struct view *v, int action);
unsigned list_result(struct view *v, const struct source_result *r);
void list_draw(struct view *v, struct canvas *c, struct view_area area);
void list_crumb(const struct view *v, char *out, size_t size);
unsigned list_filter(struct view *v, const char *text);
const char *list_filter_text(const struct view *v);
unsigned list_confirmed(struct view *v, bool yes);
bool list_sort(struct view *v, const char *field);
unsigned list_click(struct view *v, int row, bool again);

/* The view as a list. */
struct list *list_of(const struct view *v);
/* The object under the cursor, or NULL; and its name, "" when it has none. */
const struct cJSON *list_item(const struct list *l);
void list_name(const struct list *l, char out[LIST_NAME]);
/* Sets a question ("days", "7") in place of what it was, and says that it is to be fetched. Reactions. */
unsigned list_question(struct list *l, const char *option, const char *value);
/* What a question is set to, into `out`; "" when it is not. */
void list_answer(const struct list *l, const char *option, char *out, size_t size);
/* Asks whether to do this to the marked rows, or the one under the cursor. Reactions. */
unsigned list_call(struct list *l, const struct calls_kind *kind, const char *arg);

#endif
