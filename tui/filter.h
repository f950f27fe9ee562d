/* SPDX-License-Identifier: MIT
 *
 * What a person types behind `/` in a list of jobs:
 *
 *     vc:vision user:ana state:failed    asked of the server, any of them may be a comma list
 *     train                              a plain word: part of name, user or virtual cluster, asked of the server
 *     ^ana~.*-1[0-9]$                    anything else is a regular expression over the row's text, here
 *     !oppo                              with ! in front: rows that do not match
 *
 * Matching has a limit of steps, so no expression can hang the screen.
 */
#ifndef DROVER_TUI_FILTER_H
#define DROVER_TUI_FILTER_H

#include <stdbool.h>
#include <stddef.h>

struct buf;
struct err;

#define FILTER_TERMS 8

/* One expression over the row's text. */
struct filter_term {
    void *code;  /* pcre2_code */
    void *match; /* pcre2_match_data */
    bool inverse;
};

/* A parsed filter. Zero-initialise; embedded. */
struct filter {
    char text[256]; /* as typed */
    char user[128];
    char vc[128];
    char state[128]; /* the API's words */
    char keyword[128];
    struct filter_term terms[FILTER_TERMS];
    size_t term_count;
};

/* Replaces the filter by what `text` says; on -1 (with `e`) it keeps what it was. */
int filter_set(struct filter *f, const char *text, struct err *e);
/* The same, but every word is an expression: for lists that the server does not filter. */
int filter_set_words(struct filter *f, const char *text, struct err *e);
/* Replaces it by one expression, the whole text (for a search in a log); "" = none. */
int filter_set_expression(struct filter *f, const char *text, struct err *e);
/* Frees it and makes it empty. */
void filter_fini(struct filter *f);
/* Whether a row of this text is to be shown. */
bool filter_matches(const struct filter *f, const char *row);
/* Appends the server's part as query parameters ("&vc=vision"). */
void filter_query(const struct filter *f, struct buf *path);

#endif
