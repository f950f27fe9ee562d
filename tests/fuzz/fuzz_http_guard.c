/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the request guard. An input is a request head as text: first line "METHOD VERSION PATH", then "NAME:VALUE"
 * lines. What the guard lets through is checked here by simpler means: one framing, one host, no dot segments.
 */
// link: drover_server
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/err.h"
#include "server/http/guard.h"

#define MAX 80

static void check_accepted(const struct guard_input *in, const struct guard_body *body)
{
    unsigned lengths = 0;
    unsigned transfers = 0;
    unsigned hosts = 0;

    for (size_t i = 0; i < in->header_count; i++) {
        lengths += !strcasecmp(in->headers[i].name, "content-length");
        transfers += !strcasecmp(in->headers[i].name, "transfer-encoding");
        hosts += !strcasecmp(in->headers[i].name, "host");
        assert(!strpbrk(in->headers[i].name, " \t:\r\n"));
    }
    assert(hosts == 1);
    assert(lengths + transfers <= 1);
    assert(body->chunked == (transfers == 1));
    assert(body->has_length == (lengths == 1));
    assert(in->path[0] == '/');
    assert(!strstr(in->path, "/../"));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct guard_header headers[MAX];
    struct guard_input in = {.headers = headers};
    struct guard_body body = {0};
    struct err e = {0};
    char *text = malloc(size + 1);
    char *rest = text;
    char *line;

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    line = strsep(&rest, "\n");
    in.method = strsep(&line, " ");
    in.version = strsep(&line, " ");
    in.path = line;
    while (in.header_count < MAX && (line = strsep(&rest, "\n")) != NULL) {
        headers[in.header_count].name = strsep(&line, ":");
        headers[in.header_count++].value = line;
    }
    if (guard_check(&in, &body, &e) == GUARD_OK)
        check_accepted(&in, &body);
    else
        assert(e.code != ERR_NONE && e.text[0]);
    free(text);
    return 0;
}
