/* SPDX-License-Identifier: MIT
 *
 * Look-ups in a parsed document.
 */
#include "base/doc.h"

#include <string.h>

const struct doc *doc_get(const struct doc *m, const char *key)
{
    const struct doc *c;

    if (!m || m->type != DOC_MAP)
        return NULL;
    for (c = m->first; c; c = c->next) {
        if (c->key[0] == key[0] && strcmp(c->key, key) == 0) /* most keys differ in their first byte */
            return c;
    }
    return NULL;
}

const char *doc_type_name(enum doc_type type)
{
    static const char *const names[] = {
        [DOC_NULL] = "null",     [DOC_BOOL] = "boolean", [DOC_INT] = "integer", [DOC_FLOAT] = "number",
        [DOC_STRING] = "string", [DOC_LIST] = "list",    [DOC_MAP] = "map",
    };

    return (unsigned)type < sizeof(names) / sizeof(names[0]) ? names[type] : "unknown";
}
