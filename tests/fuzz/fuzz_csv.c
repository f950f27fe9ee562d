/* SPDX-License-Identifier: MIT
 *
 * The CSV gate with any bytes: rows stay within their caps, and what it accepts comes back the same when written again.
 */
// link: drover_base
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/csv.h"
#include "base/err.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct pass {
    struct buf text;  /* the rows, written again */
    struct buf plain; /* and with lengths, to compare */
};

static int take(void *ctx, const struct csv_row *row)
{
    struct pass *p = ctx;

    if (!row->count || row->count > CSV_MAX_FIELDS || row->line < 1)
        abort();
    for (size_t i = 0; i < row->count; i++) {
        size_t len = strlen(row->fields[i]);

        if (len > CSV_MAX_FIELD)
            abort();
        if (i)
            buf_addc(&p->text, ',');
        buf_addc(&p->text, '"'); /* always quoted, so that every field comes back as it is */
        for (const char *c = row->fields[i]; *c; c++)
            buf_adds(&p->text, *c == '"' ? "\"\"" : (const char[]){*c, '\0'});
        buf_addc(&p->text, '"');
        buf_addf(&p->plain, "%zu:%s,", len, row->fields[i]);
    }
    buf_addc(&p->text, '\n');
    buf_addc(&p->plain, '\n');
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_create(0);
    struct pass first = {0}, second = {0};
    struct err e = {0};

    buf_init(&first.text, 0);
    buf_init(&first.plain, 0);
    buf_init(&second.text, 0);
    buf_init(&second.plain, 0);
    if (a && !csv_read(a, (const char *)data, size, &(struct csv_sink){take, &first}, &e)) {
        if (csv_read(a, buf_str(&first.text), first.text.len, &(struct csv_sink){take, &second}, &e) ||
            strcmp(buf_str(&first.plain), buf_str(&second.plain)) != 0)
            abort();
    } else if (e.code != ERR_INVALID_PARAMETERS) {
        abort();
    }
    buf_fini(&first.text);
    buf_fini(&first.plain);
    buf_fini(&second.text);
    buf_fini(&second.plain);
    arena_destroy(a);
    return 0;
}
