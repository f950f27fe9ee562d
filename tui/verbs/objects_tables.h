/* SPDX-License-Identifier: MIT
 *
 * What there is to be listed and shown: a row says where it is, which members become columns, and what the options of
 * the verb ask for.
 */
#ifndef DROVER_TUI_VERBS_OBJECTS_TABLES_H
#define DROVER_TUI_VERBS_OBJECTS_TABLES_H

#include <stddef.h>

#include "tui/table.h"

/* How a member becomes a cell. */
enum cell { CELL_PLAIN, CELL_TIME, CELL_GPUS, CELL_HOURS, CELL_WAIT, CELL_BYTES, CELL_MILLI, CELL_TENTHS };

struct field {
    const char *place; /* "gpus.used": a member of a member; "": the key of an object of objects */
    enum cell kind;
};

/* How what was given to an option stands in the query. */
enum ask { ASK_TEXT, ASK_NUMBER, ASK_DAYS_AGO, ASK_DATE };

struct question {
    const char *option, *field;
    enum ask kind;
};

struct listing {
    const char *verb, *path;          /* %s: the first argument */
    const char *inside;               /* the member that holds the list; NULL: the reply itself */
    const struct question *questions; /* up to a row of zeros; NULL: none */
    const char *more;                 /* the member that says that there is more, and the option that leads there */
    const char *more_option;
    const struct table_column *columns;
    const struct field *fields;
    size_t count;
};

/* One thing by its name, or the only one of its kind. */
struct showing {
    const char *verb, *path; /* %s: the first argument */
};

/* All of them; static. */
const struct listing *objects_listings(size_t *count);
const struct showing *objects_showings(size_t *count);

#endif
