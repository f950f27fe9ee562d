/* SPDX-License-Identifier: MIT
 *
 * The portal's files, embedded at build time (cmake/embed_files.py writes the implementation).
 */
#ifndef DROVER_SERVER_HTTP_STATIC_FILES_H
#define DROVER_SERVER_HTTP_STATIC_FILES_H

#include <stddef.h>

/* One file. Constant data. */
struct static_file {
    const char *path;          /* "/index.html", "/assets/app-3fa9c1d2.js" */
    const char *mime;          /* value of Content-Type */
    const char *etag;          /* strong entity tag of `data`, with its quotes; the gzip form needs its own suffix */
    const unsigned char *data; /* as it is */
    size_t len;                /* bytes */
    const unsigned char *gzip; /* the same, gzip; NULL where it would not be smaller */
    size_t gzip_len;           /* bytes; 0 with NULL */
    int immutable;             /* 1: the name carries a hash, so it may be cached for ever */
};

/* The table, sorted by path (byte order), and its number of rows, 0 when nothing was embedded. Never NULL. Any
 * thread. */
const struct static_file *static_files(size_t *count);

#endif
