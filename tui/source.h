/* SPDX-License-Identifier: MIT
 *
 * Where the TUI's data come from, without ever waiting: the server (fetch.h) or recorded replies (demo.h). One asks and
 * gets a number; results carry it.
 */
#ifndef DROVER_TUI_SOURCE_H
#define DROVER_TUI_SOURCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A question. Strings are copied, but for `type`, which is static. */
struct source_request {
    const char *method;
    const char *path;
    const char *body; /* or NULL */
    const char *type; /* of the body; NULL: JSON */
    bool stream;      /* results come piece by piece until one is `last` */
};

/* An answer, or a piece of one. */
struct source_result {
    uint64_t id;
    bool last;   /* nothing more comes for this id */
    bool failed; /* `err` says why; always last */
    struct err err;
    char *data; /* the bytes, NUL-terminated; may be NULL when len is 0 */
    size_t len;
    int64_t log_size; /* X-Drover-Log-Size, -1 when not told */
};

struct source;

/* What a kind of source does. */
struct source_ops {
    uint64_t (*ask)(struct source *s, const struct source_request *r);
    void (*cancel)(struct source *s, uint64_t id);
    bool (*take)(struct source *s, struct source_result *out);
    int (*fd)(const struct source *s);
    void (*destroy)(struct source *s);
};

/* First member of every source. */
struct source {
    const struct source_ops *ops;
};

/* Asks; the number of the question, 0 when out of memory. UI thread, as all of these. */
uint64_t source_ask(struct source *s, const struct source_request *r);
/* Forgets a question: no further result of it comes. 0 and unknown numbers are fine. */
void source_cancel(struct source *s, uint64_t id);
/* The next result that has come, if any. The caller frees it with source_result_fini. Never waits. */
bool source_take(struct source *s, struct source_result *out);
/* A descriptor that is readable when there are results. */
int source_fd(const struct source *s);
/* Ends it. NULL ok. */
void source_destroy(struct source *s);
/* Frees the bytes. */
void source_result_fini(struct source_result *r);

#endif
