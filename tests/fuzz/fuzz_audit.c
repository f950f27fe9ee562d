/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what the audit log takes from outside: paths of requests, of which no segment as long as a secret may be left,
 * and the head that `droverd audit verify --head` is given, which must come out as it went in.
 */
// link: drover_server
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "server/audit_store.h"
#include "server/http/mask.h"

/* The masked path has the slashes of the path, and between them the same text or a star for a long one. */
static void check_path(const char *path)
{
    char *shown = malloc(strlen(path) + 1);
    const char *s = shown;

    if (!shown)
        return;
    mask_path(path, true, shown);
    assert(strlen(shown) <= strlen(path));
    mask_path(path, false, shown);
    while (*path || *s) {
        size_t n = strcspn(path, "/"), m = strcspn(s, "/");

        assert(m <= MASK_SEGMENT_MAX);
        if (n > MASK_SEGMENT_MAX)
            assert(m == 1 && *s == '*');
        else
            assert(m == n && !memcmp(path, s, n));
        path += n;
        s += m;
        assert(*path == *s);
        path += *path == '/';
        s += *s == '/';
    }
    free(shown);
}

static void check_head(const char *text)
{
    struct audit_head head, again;
    struct err e = {0};
    char out[AUDIT_HEAD_TEXT];

    if (audit_store_parse_head(text, &head, &e)) {
        assert(e.code == ERR_INVALID_PARAMETERS && e.text[0]);
        return;
    }
    audit_store_format_head(&head, out);
    assert(audit_store_parse_head(out, &again, NULL) == 0);
    assert(again.id == head.id && !memcmp(again.hash, head.hash, sizeof head.hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_path(text);
    check_head(text);
    free(text);
    return 0;
}
