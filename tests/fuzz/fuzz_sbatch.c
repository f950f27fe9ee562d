/* SPDX-License-Identifier: MIT
 *
 * Batch scripts of Slurm (sbatch.h): whatever the bytes, a script is refused with a sentence and a line of it, or
 * becomes a document that the YAML gate reads, with the script in it byte by byte.
 */
// link: drover_tui
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "tui/sbatch.h"

static void check(int ok)
{
    if (!ok)
        abort();
}

static int lines(const char *text, size_t len)
{
    int n = 1;

    for (size_t i = 0; i < len; i++)
        n += text[i] == '\n';
    return n;
}

/* The job's one command. */
static const struct doc *command(const struct doc *job)
{
    const struct doc *role = doc_get(doc_get(job, "taskRoles"), "batch"), *list = doc_get(role, "commands");

    return list ? list->first : NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct doc_limits limits = {.bytes = 1 << 20};
    struct arena *a = arena_create(64u << 20);
    const char *text = (const char *)data;
    const struct doc *job, *found;
    const struct sbatch_run how = {.image = "image", .argv = NULL, .environment = NULL};
    struct err e = {0};
    struct sbatch s;
    struct buf out;
    int rc;

    check(a != NULL);
    buf_init(&out, 1 << 20);
    sbatch_init(&s, a);
    rc = sbatch_read(&s, text, size, &e);
    if (!rc) {
        s.name = s.name ? s.name : "fuzz";
        rc = sbatch_write(&s, &how, &out, &e);
    }
    if (rc) {
        check(e.text[0] && e.line >= 0 && e.line <= lines(text, size));
    } else {
        job = doc_parse_yaml(a, buf_str(&out), out.len, &limits, &e);
        found = command(job);
        check(found && found->type == DOC_STRING && memmem(found->text, found->text_len, text, size) != NULL);
    }
    buf_fini(&out);
    arena_destroy(a);
    return 0;
}
