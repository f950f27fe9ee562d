/* SPDX-License-Identifier: MIT
 *
 * Members of the server's objects as cells of a table, for the CLI's lists and the screen's alike, and what a person
 * asks a list for as parameters of its query.
 */
#ifndef DROVER_TUI_CELLS_H
#define DROVER_TUI_CELLS_H

#include <stdbool.h>
#include <stdint.h>

struct arena;
struct buf;
struct cJSON;
struct err;
struct field;
struct question;

/* How times are written. */
enum cells_time {
    CELLS_AGO,
    CELLS_LOCAL,
    CELLS_ISO,
    CELLS_COARSE, /* without seconds, so that a screen changes once a minute at most */
};

/* What cells are made with. `arena` owns the texts. */
struct cells {
    struct arena *arena;
    int64_t now; /* ms since 1970 */
    enum cells_time time;
};

/* A moment in ms since 1970; NULL for none, or when out of memory. In the arena. */
const char *cells_moment(const struct cells *c, int64_t at);
/* The cell of a field; NULL when the object has no such member. Borrowed of `item`, or in the arena. */
const char *cells_text(const struct cells *c, const struct cJSON *item, const struct field *f);
/* The member at "a.b.c"; NULL when there is none. Borrowed. */
const struct cJSON *cells_member(const struct cJSON *item, const char *place);
/* Puts a value at "a.b.c", which it takes over whatever happens; members on the way are made. 0 or -1. */
int cells_put(struct cJSON *into, const char *place, struct cJSON *value);
/* Midnight (UTC) at the begin of a date like 2027-03-31, in ms since 1970. 0, or -1 when there is no such day. */
int cells_date(const char *text, int64_t *out);
/* Appends "user=ana" for what was typed to a question. 0, or -1 with a text that begins with the option's name. */
int cells_ask(const struct question *q, const char *text, int64_t now, struct buf *path, struct err *e);

#endif
