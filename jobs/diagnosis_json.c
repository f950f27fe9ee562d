/* SPDX-License-Identifier: MIT
 *
 * A diagnosis as it is stored and shown. It holds all words of its entry: the catalogue may say something else
 * tomorrow.
 */
#include "base/buf.h"
#include "base/json.h"
#include "jobs/diagnosis.h"

static void write_proof(struct json_out *j, const struct diagnosis_proof *p)
{
    json_out_key(j, "proof");
    if (p->stream == EXIT_STREAM_ANY) {
        json_out_null(j);
        return;
    }
    json_out_object(j);
    json_out_kstring(j, "stream", p->stream == EXIT_STREAM_STDOUT ? "stdout" : "stderr");
    json_out_kint(j, "offset", p->offset);
    json_out_key(j, "line");
    if (p->line)
        json_out_int(j, p->line);
    else
        json_out_null(j);
    json_out_kstring(j, "text", p->text);
    json_out_object_end(j);
}

static void write_guess(struct json_out *j, const struct diagnosis_guess *g)
{
    json_out_kstring(j, "category", exits_category_name(g->entry->category));
    json_out_kint(j, "confidence", g->confidence);
    write_proof(j, &g->proof);
}

void diagnosis_write(const struct diagnosis *d, struct buf *out)
{
    struct json_out j;

    json_out_init(&j, out);
    json_out_object(&j);
    json_out_key(&j, "spec");
    exits_write(&j, d->best.entry);
    write_guess(&j, &d->best);
    json_out_key(&j, "next");
    json_out_array(&j);
    for (size_t i = 0; i < d->next_count; i++) {
        json_out_object(&j);
        json_out_kint(&j, "code", d->next[i].entry->code);
        json_out_kstring(&j, "phrase", d->next[i].entry->phrase);
        json_out_kstring(&j, "reason", d->next[i].entry->reason);
        write_guess(&j, &d->next[i]);
        json_out_object_end(&j);
    }
    json_out_array_end(&j);
    json_out_object_end(&j);
}
