/* SPDX-License-Identifier: MIT
 *
 * The portal from the embedded table: entity tags, gzip where accepted, long caching for names with a hash.
 */
#ifndef DROVER_SERVER_HTTP_STATIC_H
#define DROVER_SERVER_HTTP_STATIC_H

#include <stdbool.h>
#include <stddef.h>

struct request;
struct static_file;

/* The file for a decoded path: itself, or /index.html for "/". NULL when there is none. `files` sorted by path. Any
 * thread. */
const struct static_file *static_find(const struct static_file *files, size_t count, const char *path);
/* Answers with it: 200, or 304 when If-None-Match names its tag. */
void static_reply(struct request *r, const struct static_file *f);
/* Whether an Accept-Encoding value (may be NULL) allows gzip. */
bool static_accepts_gzip(const char *accept_encoding);
/* Whether an If-None-Match value (may be NULL) matches the tag (weak comparison, "*" matches). */
bool static_tag_matches(const char *if_none_match, const char *etag);

#endif
