// link: drover_jobs
/* SPDX-License-Identifier: MIT
 *
 * An exit catalogue of any bytes. What is taken must keep its bounds, answer for every code, and be usable.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/pattern.h"
#include "jobs/diagnosis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
    if (!what)
        abort();
}

static void use(const struct exit_catalogue *c)
{
    static const char log[] = "KeyError: 'a'\nstep 1\nCUDA out of memory\n";
    struct pattern_scratch *s = pattern_scratch_create();
    struct log_text logs[EXIT_STREAM_STDERR + 1] = {{0}};
    struct diagnosis d;

    must(s && !log_text_init(&logs[EXIT_STREAM_STDERR], log, sizeof log - 1, 0));
    must(!diagnosis_make(c, s, &(struct diagnosis_end){.code = 1, .logs = logs}, &d));
    must(d.best.entry && d.best.confidence >= 1 && d.best.confidence <= 100);
    log_text_fini(&logs[EXIT_STREAM_STDERR]);
    pattern_scratch_destroy(s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {.code = ERR_NONE};
    struct exit_catalogue *c = exit_catalogue_parse((const char *)data, size, &e);

    if (!c) {
        must(e.code != ERR_NONE && e.text[0]);
        return 0;
    }
    must(c->entry_count >= 4 && c->entry_count <= EXIT_CATALOGUE_ENTRIES);
    for (size_t i = 0; i < c->entry_count; i++)
        must(c->entries[i].phrase[0] && strlen(c->entries[i].phrase) <= EXIT_PHRASE_MAX && c->entries[i].reason[0]);
    for (size_t i = 0; i < c->match_count; i++)
        must((c->matches[i].log || c->matches[i].status_count) && c->matches[i].confidence >= 1);
    for (int code = -8001; code < 300; code += 7)
        must(exit_catalogue_fallback(c, code));
    use(c);
    exit_catalogue_destroy(c);
    return 0;
}
