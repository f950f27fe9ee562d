/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the mask of secrets: the input is a secret, a NUL and a text. The secret is in nothing that is shown, whole
 * or, where the text was cut, by its beginning at the end.
 */
// link: drover_jobs
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"
#include "jobs/secret_mask.h"

/* The value is in the text for another reason: it is a part of what stands for it. */
static bool hidden_by_chance(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (value[i] == '*')
            return true;
    return false;
}

static void check(const struct secret_mask *m, const struct doc *value, const char *text, size_t len)
{
    const char *from = value->text;
    size_t n = value->text_len;
    struct buf out;

    while (n > 0 && strchr(" \t\n\v\f\r", from[n - 1]))
        n--;
    while (n > 0 && strchr(" \t\n\v\f\r", *from))
        from++, n--;
    buf_init(&out, 0);
    assert(secret_mask_add(m, text, len, true, &out) == 0);
    if (n > 0 && !hidden_by_chance(from, n)) {
        assert(!memmem(buf_str(&out), out.len, from, n));
        assert(out.len == 0 || buf_str(&out)[out.len - 1] != *from || n == 1 || *from == '*');
    }
    buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *nul = memchr(data, '\0', size);
    size_t len = nul ? (size_t)(nul - data) : size;
    struct arena *a = arena_create(0);
    struct err e = {0};
    struct doc top = {.type = DOC_MAP, .count = 1}, value = {.type = DOC_STRING, .key = "s", .text_len = len};
    struct buf yaml;

    buf_init(&yaml, 0);
    value.text = a ? arena_strndup(a, (const char *)data, len) : NULL;
    top.first = &value;
    if (value.text && doc_write_yaml(&yaml, &top) == 0 && yaml.len > 0) {
        const struct doc *again = doc_parse_yaml(a, buf_str(&yaml), yaml.len, NULL, NULL);
        struct secret_mask *m = secret_mask_create(a, buf_str(&yaml), yaml.len, &e);

        if (m && again && again->first && again->first->text && nul)
            check(m, again->first, (const char *)nul + 1, size - len - 1);
        secret_mask_wipe(m);
    }
    buf_fini(&yaml);
    arena_destroy(a);
    return 0;
}
