/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the way of a path: decoding, the guard's rules, the router; and the readers of header values that clients send
 * with it (cookie, Accept-Encoding, If-None-Match). Captured segments must be single, decoded once, and clean.
 */
// link: drover_server
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "auth/session.h"
#include "base/utf8.h"
#include "server/http/guard.h"
#include "server/http/route.h"
#include "server/http/static.h"

static int handler(struct request *r, void *context, struct err *e)
{
    (void)r;
    (void)context;
    (void)e;
    return 0;
}

static const struct route rows[] = {
    {HTTP_GET, "/api/v2/jobs", handler, ACCESS_USER, .help = ""},
    {HTTP_GET, "/api/v2/jobs/{job}", handler, ACCESS_USER, .help = ""},
    {HTTP_GET, "/api/v2/jobs/{job}/attempts/{attempt}/taskRoles/{role}", handler, ACCESS_USER, .help = ""},
    {HTTP_GET, "/{a}/{b}/{c}/{d}/x", handler, ACCESS_USER, .help = ""},
    {HTTP_PUT, "/api/v2/users/me", handler, ACCESS_USER, .help = ""},
};

static void check_path(const char *text)
{
    struct guard_header host = {"Host", "x"};
    struct guard_input in = {.method = "GET", .version = "HTTP/1.1", .headers = &host, .header_count = 1};
    struct router *r = route_compile(rows, sizeof(rows) / sizeof(rows[0]), NULL);
    struct route_match m;
    char *path = strdup(text);

    if (!r || !path)
        abort();
    if (guard_decode_path(path) == 0) {
        assert(strlen(path) <= strlen(text));
        assert(utf8_valid(path, strlen(path)));
        in.path = path;
        if (guard_check(&in, NULL, NULL) == GUARD_OK) {
            assert(!strstr(path, "/../"));
            route_match(r, HTTP_GET, path, &m);
            for (size_t i = 0; i < m.param_count; i++) {
                const char *v = m.params[i].value;

                assert(*v && !strchr(v, '/') && strcmp(v, "..") != 0 && strcmp(v, ".") != 0);
                for (; *v; v++)
                    assert((unsigned char)*v >= 0x20 && *v != 0x7f);
            }
        }
    }
    free(path);
    route_destroy(r);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char id[SESSION_ID_SIZE];
    char *text = malloc(size + 1);

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    check_path(text);
    if (session_parse_cookie(text, false, id))
        assert(strlen(id) == SESSION_ID_SIZE - 1);
    static_accepts_gzip(text);
    static_tag_matches(text, "\"0123\"");
    guard_decode_field(text);
    free(text);
    return 0;
}
