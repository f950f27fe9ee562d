/* SPDX-License-Identifier: MIT
 *
 * Templates: configs of jobs that users keep and share (table template). Private ones are their owner's alone, those of
 * a group its members' too, public ones everybody's; owners and admins change them. Secrets are masked before a config
 * comes here.
 */
#ifndef DROVER_JOBS_TEMPLATE_STORE_H
#define DROVER_JOBS_TEMPLATE_STORE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/clock.h"

struct err;
struct store;

#define TEMPLATE_NAME_MAX 64
#define TEMPLATE_TITLE_MAX 128
#define TEMPLATE_DESCRIPTION_MAX 4096
#define TEMPLATES_PER_USER 200

/* A row. Strings are borrowed. In a change NULL leaves the column as it is. */
struct template
{
    const char *name, *owner;
    const char *visibility; /* "private", "group", "public" */
    const char *group;      /* of visibility "group"; else NULL */
    const char *title, *description;
    const char *config; /* YAML; NULL in lists */
    int64_t created_ms, updated_ms;
};

/* Who asks. */
struct template_reader {
    const char *user;
    bool admin;
};

/* 1 to 64 letters, digits, '_', '-' and '.', not a dot first. */
bool template_name_ok(const char *name);
bool template_visibility_ok(const char *visibility);

/* What a writer is given. */
struct template_write {
    struct template row; /* its owner is `by` when it is added */
    struct template_reader by;
};

/* Functions for command_write (core/command.h): `what` is a struct template_write. ERR_CONFLICT_TEMPLATE;
 * ERR_NO_TEMPLATE also for one that `by` may not see; ERR_FORBIDDEN for one that is another's; ERR_NO_GROUP for sharing
 * with a group that `by` is not in. 0 or -1. */
int template_store_add(struct store *s, void *what, struct clock_now now, struct err *e);
int template_store_change(struct store *s, void *what, struct clock_now now, struct err *e);
int template_store_remove(struct store *s, void *what, struct clock_now now, struct err *e);

/* Told a template; non-zero stops and is returned. */
typedef int template_store_fn(void *ctx, const struct template *t);
struct template_sink {
    template_store_fn *row;
    void *ctx;
};
/* Those that a reader may see, by name, without their configs. 0, -1, or what `row` returned. */
int template_store_list(struct store *s, const struct template_reader *who, const struct template_sink *sink,
                        struct err *e);
/* One, whole. ERR_NO_TEMPLATE, also when the reader may not see it. */
int template_store_get(struct store *s, const struct template_reader *who, const char *name,
                       const struct template_sink *sink, struct err *e);

#endif
