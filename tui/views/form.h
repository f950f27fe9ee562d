/* SPDX-License-Identifier: MIT
 *
 * A form: what there is, field by field, changed one at a time and sent in one call, after a question that shows what
 * would change. The kinds are in forms.c.
 */
#ifndef DROVER_TUI_VIEWS_FORM_H
#define DROVER_TUI_VIEWS_FORM_H

#include <stddef.h>
#include <stdint.h>

struct cJSON;
struct err;
struct form_kind;

#define FORM_FIELDS 8
#define FORM_TEXT 256

enum form_value {
    FORM_STRING,
    FORM_LIST,   /* "a, b" */
    FORM_YES_NO, /* Enter changes it */
    FORM_DATE,   /* the begin of a day in UTC; empty: null */
    FORM_NUMBER,
};

/* One field. Constant. */
struct form_field {
    const char *label;
    const char *place; /* in the reply that it begins with; NULL: none */
    const char *sent;  /* in the body */
    enum form_value kind;
    const char *begin; /* what it is without a reply; NULL: empty */
    const char *help;
};

/* What a form holds while a body is made of it. */
struct form_state {
    const struct form_kind *kind;
    char about[256];
    char old[FORM_FIELDS][FORM_TEXT];
    char now[FORM_FIELDS][FORM_TEXT];
    int64_t wall; /* ms since 1970 */
};

/* A kind of form. Constant. */
struct form_kind {
    const char *word; /* "user": what `:edit` calls it */
    const char *path; /* of what it begins with, %s: the name; NULL: it begins empty */
    const char *method, *target;
    const char *name_at;  /* where the name stands in the body; NULL: nowhere */
    const char *patch_at; /* where `true` says that what is not sent stays; NULL: all fields are sent */
    const char *verb;     /* of the question: "Change user" */
    const char *done;     /* behind the name: "is changed." */
    struct form_field fields[FORM_FIELDS];
    size_t count;
    /* More of the body. 0, or -1 with words. NULL: nothing. */
    int (*more)(const struct form_state *s, struct cJSON *body, struct err *e);
};

/* The kind of a word, or NULL. */
const struct form_kind *forms_find(const char *word);
/* The text of a field from the reply, into `out`. */
void forms_read(const struct form_field *f, const struct cJSON *reply, char *out, size_t size);
/* The body of the call; the caller frees it with cJSON_Delete. NULL with words. */
struct cJSON *forms_body(const struct form_state *s, struct err *e);

#endif
