/* SPDX-License-Identifier: MIT
 *
 * A reply that a view asked for: which one it is, and its JSON with an arena for what is read from it.
 */
#ifndef DROVER_TUI_VIEWS_REPLY_H
#define DROVER_TUI_VIEWS_REPLY_H

#include <stdbool.h>
#include <stdint.h>

struct app;
struct arena;
struct cJSON;
struct source_result;

/* Decodes into what `into` points at, with memory of the arena; 0, or -1 when the reply is of another kind. */
typedef int reply_read(struct arena *a, const struct cJSON *json, void *into);

/* What a view holds of one address. Zero-initialise; embedded. */
struct reply {
    struct arena *arena; /* of what was read last */
    uint64_t ask;        /* the question under way, 0 = none */
    bool loaded;         /* something was read */
    char problem[256];   /* why the last answer was none, "" = it was one */
};

/* Asks, unless that is under way. */
void reply_want(struct reply *r, struct app *app, const char *path);
/* Whether the result is its own. Then it is decoded into `into` (of `size` bytes, kept as it was when that fails). */
bool reply_result(struct reply *r, const struct source_result *from, reply_read *read, void *into, unsigned size);
/* Forgets question and memory. */
void reply_fini(struct reply *r, struct app *app);

#endif
