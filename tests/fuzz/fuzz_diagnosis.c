// link: drover_jobs
/* SPDX-License-Identifier: MIT
 *
 * A log of any bytes, held against the shipped catalogue: the first byte is the exit status, the second says where
 * stdout ends and stderr begins. The proof must be a place in the log, and what is stored of it JSON within its bounds.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pattern.h"
#include "jobs/diagnosis.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
    if (!what)
        abort();
}

static void check_guess(const struct diagnosis_guess *g, const size_t sizes[])
{
    must(g->entry && g->confidence >= 1 && g->confidence <= 100);
    must(strlen(g->proof.text) < DIAGNOSIS_PROOF);
    if (g->proof.stream != EXIT_STREAM_ANY)
        must(g->proof.offset >= 0 && (size_t)g->proof.offset < sizes[g->proof.stream]);
}

static void check_stored(const struct diagnosis *d)
{
    struct err e = {.code = ERR_NONE};
    struct buf out;

    buf_init(&out, DIAGNOSIS_BYTES);
    diagnosis_write(d, &out);
    must(!out.bad);
    cJSON *o = json_parse(out.data, out.len, 0, &e);
    must(o != NULL);
    cJSON_Delete(o);
    buf_fini(&out);
}

static void check_lines(const struct log_text *t)
{
    for (size_t i = 0; i < t->count; i++) {
        must(t->lines[i].len >= 1 && t->lines[i].len <= LOG_TEXT_LINE);
        must(t->lines[i].at + t->lines[i].len < t->len);
        must(log_text_line(t, t->lines[i].at) == i);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {.code = ERR_NONE};
    struct exit_catalogue *c = size >= 2 && size <= LOG_TEXT_MAX ? exit_catalogue_shipped(&e) : NULL;
    struct pattern_scratch *s = pattern_scratch_create();
    struct log_text logs[EXIT_STREAM_STDERR + 1] = {{0}};
    struct diagnosis d;

    if (!c || !s)
        goto out;
    const char *text = (const char *)data + 2;
    const size_t rest = size - 2, cut = rest * data[1] / 255;
    const size_t sizes[] = {[EXIT_STREAM_STDOUT] = cut, [EXIT_STREAM_STDERR] = rest - cut};
    must(!log_text_init(&logs[EXIT_STREAM_STDOUT], text, cut, 0));
    must(!log_text_init(&logs[EXIT_STREAM_STDERR], text + cut, rest - cut, 0));
    check_lines(&logs[EXIT_STREAM_STDOUT]);
    check_lines(&logs[EXIT_STREAM_STDERR]);
    must(!diagnosis_make(c, s, &(struct diagnosis_end){.code = data[0], .logs = logs}, &d));
    check_guess(&d.best, sizes);
    for (size_t i = 0; i < d.next_count; i++)
        check_guess(&d.next[i], sizes);
    check_stored(&d);
out:
    log_text_fini(&logs[EXIT_STREAM_STDOUT]);
    log_text_fini(&logs[EXIT_STREAM_STDERR]);
    pattern_scratch_destroy(s);
    exit_catalogue_destroy(c);
    return 0;
}
