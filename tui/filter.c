/* SPDX-License-Identifier: MIT
 *
 * Filters. A regular expression sees the text of a row as it is on the screen; letters match in either case.
 */
#include "tui/filter.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "tui/transfer.h"
#include "tui/words.h"

#define FILTER_STEPS 100000

static bool filter_is_plain(const char *word)
{
    return strspn(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-~") == strlen(word);
}

static int filter_compile(struct filter *f, const char *pattern, bool inverse, struct err *e)
{
    struct filter_term *t = &f->terms[f->term_count];
    PCRE2_SIZE where;
    int code;

    if (f->term_count == FILTER_TERMS)
        return err_set(e, ERR_INVALID_PARAMETERS, "At most %d expressions in a filter.", FILTER_TERMS);
    t->code = pcre2_compile((PCRE2_SPTR)pattern, PCRE2_ZERO_TERMINATED,
                            PCRE2_UTF | PCRE2_CASELESS | PCRE2_NEVER_BACKSLASH_C, &code, &where, NULL);
    if (!t->code) {
        unsigned char words[128] = "";

        pcre2_get_error_message(code, words, sizeof words);
        return err_set(e, ERR_INVALID_PARAMETERS, "%s: %s at character %zu.", pattern, (const char *)words, where + 1);
    }
    t->match = pcre2_match_data_create_from_pattern(t->code, NULL);
    t->inverse = inverse;
    f->term_count++;
    return t->match ? 0 : err_set(e, ERR_INTERNAL, "Out of memory.");
}

/* "failed,waiting" as "FAILED,WAITING". */
static int filter_states(struct filter *f, const char *typed, struct err *e)
{
    char word[32];
    size_t at = 0;

    while (*typed) {
        size_t len = strcspn(typed, ",");
        const char *wire;

        snprintf(word, sizeof word, "%.*s", (int)len, typed);
        wire = words_to_wire(word);
        if (!wire)
            return err_set(e, ERR_INVALID_PARAMETERS, "There is no state \"%s\".", word);
        at += (size_t)snprintf(f->state + at, sizeof f->state - at, "%s%s", at ? "," : "", wire);
        if (at >= sizeof f->state)
            return err_set(e, ERR_INVALID_PARAMETERS, "Too many states.");
        typed += len + (typed[len] == ',');
    }
    return 0;
}

static int filter_expression(struct filter *f, const char *word, struct err *e)
{
    if (*word == '!')
        return word[1] ? filter_compile(f, word + 1, true, e) : 0;
    return filter_compile(f, word, false, e);
}

static int filter_word(struct filter *f, const char *word, struct err *e)
{
    if (!strncmp(word, "vc:", 3))
        snprintf(f->vc, sizeof f->vc, "%s", word + 3);
    else if (!strncmp(word, "user:", 5))
        snprintf(f->user, sizeof f->user, "%s", word + 5);
    else if (!strncmp(word, "state:", 6))
        return filter_states(f, word + 6, e);
    else if (!*f->keyword && filter_is_plain(word))
        snprintf(f->keyword, sizeof f->keyword, "%s", word);
    else
        return filter_expression(f, word, e);
    return 0;
}

/* Each word of the text goes through `take`. */
static int filter_read(struct filter *f, const char *text, int (*take)(struct filter *, const char *, struct err *),
                       struct err *e)
{
    struct filter fresh = {.term_count = 0};
    char word[256];

    snprintf(fresh.text, sizeof fresh.text, "%s", text);
    for (const char *at = fresh.text; *at;) {
        size_t len = strcspn(at, " ");

        snprintf(word, sizeof word, "%.*s", (int)len, at);
        if (len && take(&fresh, word, e)) {
            filter_fini(&fresh);
            return -1;
        }
        at += len + (at[len] == ' ');
    }
    filter_fini(f);
    *f = fresh;
    return 0;
}

int filter_set(struct filter *f, const char *text, struct err *e)
{
    return filter_read(f, text, filter_word, e);
}

int filter_set_words(struct filter *f, const char *text, struct err *e)
{
    return filter_read(f, text, filter_expression, e);
}

int filter_set_expression(struct filter *f, const char *text, struct err *e)
{
    struct filter fresh = {.term_count = 0};

    snprintf(fresh.text, sizeof fresh.text, "%s", text);
    if (*text && filter_compile(&fresh, text, false, e)) {
        filter_fini(&fresh);
        return -1;
    }
    filter_fini(f);
    *f = fresh;
    return 0;
}

void filter_fini(struct filter *f)
{
    for (size_t i = 0; i < FILTER_TERMS; i++) {
        pcre2_match_data_free(f->terms[i].match);
        pcre2_code_free(f->terms[i].code);
    }
    *f = (struct filter){.term_count = 0};
}

bool filter_matches(const struct filter *f, const char *row)
{
    pcre2_match_context *limits = pcre2_match_context_create(NULL);
    bool fits = true;

    if (!limits)
        return true;
    pcre2_set_match_limit(limits, FILTER_STEPS);
    pcre2_set_depth_limit(limits, 1000);
    for (size_t i = 0; fits && i < f->term_count; i++) {
        const struct filter_term *t = &f->terms[i];
        int rc = pcre2_match(t->code, (PCRE2_SPTR)row, PCRE2_ZERO_TERMINATED, 0, 0, t->match, limits);

        fits = (rc >= 0) != t->inverse;
    }
    pcre2_match_context_free(limits);
    return fits;
}

static void filter_param(struct buf *path, const char *name, const char *value)
{
    if (!*value)
        return;
    (void)buf_addf(path, "&%s=", name);
    transfer_escape(path, value);
}

void filter_query(const struct filter *f, struct buf *path)
{
    filter_param(path, "username", f->user);
    filter_param(path, "vc", f->vc);
    filter_param(path, "state", f->state);
    filter_param(path, "keyword", f->keyword);
}
