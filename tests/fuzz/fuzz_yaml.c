/* SPDX-License-Identifier: MIT
 *
 * The YAML gate with any bytes; what it lets in must keep the limits, and be equal after a way through the writer.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/doc.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool same(const struct doc *a, const struct doc *b)
{
    const struct doc *x, *y;

    if (a->type != b->type || a->count != b->count || (a->key == NULL) != (b->key == NULL))
        return false;
    if (a->key && strcmp(a->key, b->key) != 0)
        return false;
    if (a->type == DOC_STRING && (a->text_len != b->text_len || strcmp(a->text, b->text) != 0))
        return false;
    if (a->integer != b->integer || memcmp(&a->number, &b->number, sizeof(a->number)) != 0) /* NOLINT: bit for bit */
        return false;
    for (x = a->first, y = b->first; x && y; x = x->next, y = y->next) {
        if (!same(x, y))
            return false;
    }
    return !x && !y;
}

static size_t count(const struct doc *d, int depth)
{
    const struct doc *c;
    size_t n = 1;

    if (depth > 32)
        abort();
    for (c = d->first; c; c = c->next)
        n += count(c, depth + (c->type == DOC_LIST || c->type == DOC_MAP));
    return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct doc_limits wide = {.bytes = 1u << 26};
    struct arena *a = arena_create(64u << 20);
    struct err e = {0};
    struct doc *again;
    struct doc *d = a ? doc_parse_yaml(a, (const char *)data, size, NULL, &e) : NULL;
    struct buf b;

    buf_init(&b, 0);
    if (!d) {
        if (e.code == ERR_NONE)
            abort();
        goto out;
    }
    if (count(d, 1) > 10000)
        abort();
    if (doc_write_yaml(&b, d))
        abort();
    again = doc_parse_yaml(a, buf_str(&b), b.len, &wide, &e);
    if (!again || !same(d, again))
        abort();
out:
    buf_fini(&b);
    arena_destroy(a);
    return 0;
}
