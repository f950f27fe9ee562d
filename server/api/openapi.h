/* SPDX-License-Identifier: MIT
 *
 * The API's description, OpenAPI 3.1: made from the route table, and from the schemas in server/api/schema/ that its
 * rows name. Made once, at start.
 */
#ifndef DROVER_SERVER_API_OPENAPI_H
#define DROVER_SERVER_API_OPENAPI_H

#include <stdbool.h>
#include <stddef.h>

#include "server/http/route.h"
#include "server/http/static_files.h"

struct err;
struct openapi;

/* One success that a row's `reply` names. */
struct openapi_reply {
    int status;
    char schema[64]; /* "" = no body */
};

/* The schemas' files, embedded at build time. Never NULL. Any thread. */
const struct static_file *schema_files(size_t *count);

/* Writes the description of the rows. Fails, naming the row, when a row has no `reply`, or names a schema that no file
 * describes. NULL on error. */
struct openapi *openapi_create(const struct route *rows, size_t count, struct err *e);
/* NULL ok. */
void openapi_destroy(struct openapi *o);
/* The document. Borrowed. Any thread. */
const char *openapi_text(const struct openapi *o, size_t *len);
/* Reads the next success of a row's `reply` from *at, which moves on. False at the end, and where the text is not of
 * that form (then *at is not at the end). */
bool openapi_next_reply(const char **at, struct openapi_reply *out);

#endif
