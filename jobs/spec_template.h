/* SPDX-License-Identifier: MIT
 *
 * Templates in commands: `<% $parameters.rate %>`, `<% $data.uri[0] %>` (openpai.md 2.4).
 */
#ifndef DROVER_JOBS_SPEC_TEMPLATE_H
#define DROVER_JOBS_SPEC_TEMPLATE_H

#include <stddef.h>

struct buf;
struct doc;

#define SPEC_TEMPLATE_ROOTS 8

/* The names that templates may use. Plain data; the documents are borrowed. */
struct spec_template {
    struct {
        const char *name; /* "$parameters" */
        const struct doc *value;
    } roots[SPEC_TEMPLATE_ROOTS];
    size_t count;
    size_t steps;     /* keys and entries looked at so far, by all fills */
    size_t max_steps; /* from here on nothing is looked up, and templates stay as they are; 0 = no bound */
};

/* Adds a name; a NULL value adds nothing. At most SPEC_TEMPLATE_ROOTS. */
void spec_template_add(struct spec_template *t, const char *name, const struct doc *value);

/* Appends `text` to `out` with every known name filled in: scalars as they were written, null as nothing, a list of
 * scalars joined by commas. What is not known, is a map, or is no template stays as it is. Values are not templates
 * themselves. Time grows with the text and with t->steps. 0, or -1 when `out` is bad. Any
 * thread. */
int spec_template_fill(struct spec_template *t, const char *text, struct buf *out);
/* Adds to t->steps what the look-ups of a fill would cost. */
void spec_template_count(struct spec_template *t, const char *text);

#endif
