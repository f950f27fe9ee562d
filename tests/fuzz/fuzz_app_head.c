/* SPDX-License-Identifier: MIT
 *
 * What an app may answer to the proxy, as a head and as each header that the proxy reads: what is taken is within its
 * bounds, and nothing of it can end a line of ours.
 */
// link: drover_server
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "server/app_head.h"
#include "server/app_headers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_headers(const struct app_head *h)
{
    const struct app_place place = {.prefix = "/jobs/a~b/apps/c", .host = "h:1"};

    for (size_t i = 0; i < h->count; i++) {
        const char *value = h->fields[i].value;
        char secret[65];
        struct buf out;

        if (!*h->fields[i].name || strpbrk(h->fields[i].name, "\r\n :") || strpbrk(value, "\r\n"))
            abort();
        (void)app_headers_reply(h->fields[i].name, value);
        (void)app_headers_same_origin(value, place.host);
        if (app_headers_secret(value, true, secret, sizeof secret) && strlen(secret) >= sizeof secret)
            abort();
        buf_init(&out, 0);
        if (app_headers_set_cookie(value, &place, &out) && !strstr(buf_str(&out), "; Path=/jobs/a~b/apps/c/"))
            abort();
        buf_reset(&out);
        app_headers_cookie(value, &out);
        if (strstr(buf_str(&out), "__Host-drover="))
            abort();
        buf_reset(&out);
        app_headers_location(value, &place, &out);
        buf_fini(&out);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct app_head h;
    size_t end = app_head_end((const char *)data, size);
    char *copy = malloc(size + 1);

    if (end > size || !copy)
        abort();
    if (size)
        memcpy(copy, data, size);
    if (!app_head_parse(copy, size, &h)) {
        if (size > APP_HEAD_MAX || h.status < 100 || h.status > 599 || h.count > APP_HEAD_FIELDS || end != size)
            abort();
        check_headers(&h);
    }
    free(copy);
    return 0;
}
