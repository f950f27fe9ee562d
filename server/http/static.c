/* SPDX-License-Identifier: MIT
 *
 * Static files: look-up by binary search in the embedded table, entity tags, gzip. No file system is involved.
 */
#include "server/http/static.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "server/http/reply.h"
#include "server/http/request.h"
#include "server/http/request_impl.h"
#include "server/http/static_files.h"

static int compare(const void *key, const void *row)
{
    return strcmp(key, ((const struct static_file *)row)->path);
}

static const struct static_file *find(const struct static_file *files, size_t count, const char *path)
{
    return count ? bsearch(path, files, count, sizeof(*files), compare) : NULL;
}

const struct static_file *static_find(const struct static_file *files, size_t count, const char *path)
{
    /* The portal is one page: its own routes are in the fragment, which never comes here. */
    return find(files, count, strcmp(path, "/") ? path : "/index.html");
}

/* The next element of a comma list: *len bytes at the returned place, trimmed; NULL at the end. */
static const char *next_item(const char **s, size_t *len)
{
    const char *start;
    const char *end;

    *s += strspn(*s, " \t,");
    if (!**s)
        return NULL;
    start = *s;
    *s += strcspn(*s, ",");
    end = *s;
    while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *len = (size_t)(end - start);
    return start;
}

/* Whether the parameters of a coding say q=0 (in any spelling of zero). */
static bool weight_is_zero(const char *params, size_t len)
{
    for (size_t i = 0; i + 1 < len; i++) {
        if ((params[i] == 'q' || params[i] == 'Q') && params[i + 1] == '=')
            return strspn(params + i + 2, "0.") >= len - i - 2;
    }
    return false;
}

bool static_accepts_gzip(const char *accept_encoding)
{
    const char *s = accept_encoding ? accept_encoding : "";
    const char *item;
    size_t len;

    while ((item = next_item(&s, &len)) != NULL) {
        size_t name = strcspn(item, "; \t,");

        if (name > len)
            name = len;
        if ((name == 4 && !strncasecmp(item, "gzip", 4)) || (name == 1 && *item == '*'))
            return !weight_is_zero(item + name, len - name);
    }
    return false;
}

bool static_tag_matches(const char *if_none_match, const char *etag)
{
    const char *s = if_none_match ? if_none_match : "";
    size_t tag_len = strlen(etag);
    const char *item;
    size_t len;

    while ((item = next_item(&s, &len)) != NULL) {
        if (len == 1 && *item == '*')
            return true;
        if (len > 2 && !strncmp(item, "W/", 2)) {
            item += 2;
            len -= 2;
        }
        if (len == tag_len && !memcmp(item, etag, len))
            return true;
    }
    return false;
}

/* The gzip form is other bytes, so it has its own tag: the quoted tag with "-gz" before the closing quote. */
static void form_tag(const struct static_file *f, bool gzip, char *out, size_t size)
{
    size_t n = strlen(f->etag);

    if (n + 4 > size)
        n = 0;
    memcpy(out, f->etag, n);
    out[n] = '\0';
    if (gzip && n >= 2)
        memcpy(out + n - 1, "-gz\"", 5);
}

void static_reply(struct request *r, const struct static_file *f)
{
    bool gzip = f->gzip && static_accepts_gzip(request_header(r, "Accept-Encoding"));
    char tag[96];

    form_tag(f, gzip, tag, sizeof(tag));
    reply_header(r, "ETag", tag);
    reply_header(r, "Cache-Control", f->immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (f->gzip)
        reply_header(r, "Vary", "Accept-Encoding");
    if (static_tag_matches(request_header(r, "If-None-Match"), tag)) {
        reply_empty(r, 304);
        return;
    }
    if (gzip)
        reply_header(r, "Content-Encoding", "gzip");
    request_impl_constant(r, f->mime, gzip ? f->gzip : f->data, gzip ? f->gzip_len : f->len);
}
