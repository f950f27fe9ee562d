/* SPDX-License-Identifier: MIT
 *
 * pcre2 with limits. Compiled to machine code where that may be done (a service with MemoryDenyWriteExecute may not),
 * else interpreted: the same matches, some five times as slow.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "base/pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/err.h"

/* Steps of one try at one place; a sane expression takes some hundred. Heap in KiB, for the interpreter. */
#define PATTERN_STEPS 20000
#define PATTERN_DEPTH 2000
#define PATTERN_HEAP_KB 2048

struct pattern {
    pcre2_code *code;
};

struct pattern_scratch {
    pcre2_match_data *match;
    pcre2_match_context *context;
};

struct pattern *pattern_create(const char *text, size_t len, struct err *e)
{
    const uint32_t options = PCRE2_MULTILINE | PCRE2_NEVER_UTF | PCRE2_NEVER_UCP | PCRE2_NEVER_BACKSLASH_C;
    struct pattern *p = NULL;
    pcre2_compile_context *context = pcre2_compile_context_create(NULL);
    PCRE2_UCHAR why[128];
    PCRE2_SIZE at = 0;
    int number = 0;

    if (len > PATTERN_MAX) {
        err_set(e, ERR_INVALID_PARAMETERS, "the expression is longer than %d bytes", PATTERN_MAX);
        goto out;
    }
    p = calloc(1, sizeof *p);
    if (!p || !context) {
        err_set(e, ERR_INTERNAL, "out of memory");
        goto fail;
    }
    pcre2_set_newline(context, PCRE2_NEWLINE_LF);
    pcre2_set_parens_nest_limit(context, 50);
    p->code = pcre2_compile((PCRE2_SPTR)text, len, options, &number, &at, context);
    if (!p->code) {
        pcre2_get_error_message(number, why, sizeof why);
        err_set(e, ERR_INVALID_PARAMETERS, "the expression is wrong at its character %zu: %s", (size_t)at + 1,
                (const char *)why);
        goto fail;
    }
    (void)pcre2_jit_compile(p->code, PCRE2_JIT_COMPLETE); /* the interpreter will do */
    goto out;
fail:
    free(p);
    p = NULL;
out:
    pcre2_compile_context_free(context);
    return p;
}

void pattern_destroy(struct pattern *p)
{
    if (!p)
        return;
    pcre2_code_free(p->code);
    free(p);
}

struct pattern_scratch *pattern_scratch_create(void)
{
    struct pattern_scratch *s = calloc(1, sizeof *s);

    if (!s)
        return NULL;
    s->match = pcre2_match_data_create(PATTERN_GROUPS, NULL);
    s->context = pcre2_match_context_create(NULL);
    if (!s->match || !s->context) {
        pattern_scratch_destroy(s);
        return NULL;
    }
    pcre2_set_match_limit(s->context, PATTERN_STEPS);
    pcre2_set_depth_limit(s->context, PATTERN_DEPTH);
    pcre2_set_heap_limit(s->context, PATTERN_HEAP_KB);
    return s;
}

void pattern_scratch_destroy(struct pattern_scratch *s)
{
    if (!s)
        return;
    pcre2_match_data_free(s->match);
    pcre2_match_context_free(s->context);
    free(s);
}

int pattern_find(const struct pattern *p, struct pattern_scratch *s, const struct pattern_text *in,
                 struct pattern_span *out)
{
    int rc = pcre2_match(p->code, (PCRE2_SPTR)in->text, in->len, in->from, 0, s->match, s->context);

    if (rc < 0)
        return rc == PCRE2_ERROR_NOMATCH ? 0 : -1;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->match);
    /* \K may put the start behind the end */
    *out = (struct pattern_span){.start = at[0] < at[1] ? at[0] : at[1], .end = at[0] < at[1] ? at[1] : at[0]};
    return 1;
}

int pattern_groups(const struct pattern *p, struct pattern_scratch *s, const struct pattern_text *in,
                   struct pattern_span out[PATTERN_GROUPS])
{
    int found = pattern_find(p, s, in, &out[0]);

    if (found <= 0)
        return found;
    const PCRE2_SIZE *at = pcre2_get_ovector_pointer(s->match);
    uint32_t count = 0;
    (void)pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &count);
    for (uint32_t i = 1; i < PATTERN_GROUPS; i++) { /* those behind the expression's own are not written */
        const bool set = i <= count && at[2 * i] != PCRE2_UNSET && at[2 * i] <= at[2 * i + 1];

        out[i].start = set ? at[2 * i] : SIZE_MAX;
        out[i].end = set ? at[2 * i + 1] : SIZE_MAX;
    }
    return found;
}
