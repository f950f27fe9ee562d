/* SPDX-License-Identifier: MIT
 *
 * Contexts: which server, as whom. `$XDG_CONFIG_HOME/drover/config.yaml` (0600) names them, one file a token lies
 * beside it in `tokens/` (0600).
 *
 * Which one: --context, else DROVER_URL (with DROVER_TOKEN), else DROVER_CONTEXT, else the current one of the file.
 * DROVER_TOKEN replaces the stored token in any case. Main thread.
 */
#ifndef DROVER_TUI_CONTEXT_H
#define DROVER_TUI_CONTEXT_H

#include <stddef.h>

struct arena;
struct err;

/* One context. Strings live in the arena. */
struct context {
    const char *name;
    const char *url;
    const char *user;  /* "" when not known */
    const char *token; /* NULL = not logged in; only context_load fills it */
};

/* All of the file, in its order. */
struct context_list {
    struct context *items;
    size_t count;
    const char *current; /* "" when none */
};

/* The folder of our files, in the arena; NULL when neither XDG_CONFIG_HOME nor HOME is set. */
const char *context_folder(struct arena *a, struct err *e);
/* Reads the file; a missing one is an empty list. -1 names file, line and column. */
int context_read(struct arena *a, struct context_list *out, struct err *e);
/* Writes the list, atomically. 0 or -1. */
int context_write(struct arena *a, const struct context_list *list, struct err *e);
/* Adds or replaces `c` in the file, makes it current and stores its token (NULL removes the token). 0 or -1. */
int context_store(struct arena *a, const struct context *c, struct err *e);
/* The context to use with its token; `wanted` is the value of --context or NULL. -1 says how to log in. */
int context_load(struct arena *a, const char *wanted, struct context *out, struct err *e);
/* The item of that name, or NULL. Borrowed. */
struct context *context_find(const struct context_list *list, const char *name);
/* Whether a name may be one: 1 to 64 of letters, digits and . _ : - , not beginning with a dot. */
int context_check_name(const char *name, struct err *e);

#endif
