/* SPDX-License-Identifier: MIT
 *
 * The store of images: a folder DATA/images/NAME for each, NAME being the image's URI with "+" for "/" and "=" for ":",
 * which mean something in paths and in options of mounts.
 *
 *   rootfs       what becomes the task's /
 *   image.json   its URI, size, time, and the environment that it asks for
 *
 * Beside them `.import-*`, under way, and `.gone-*`, on its way out: images_sweep removes what a kill left of those. A
 * task holds a shared lock (flock) on its image's folder. Any thread.
 */
#ifndef DROVER_ENGINES_LOCAL_IMAGES_H
#define DROVER_ENGINES_LOCAL_IMAGES_H

#include <limits.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

struct arena;
struct err;

#define IMAGES_URI_MAX 200u
#define IMAGES_ENTRIES_MAX 4000000u           /* files, folders and links of one image */
#define IMAGES_BYTES_MAX (INT64_C(1) << 38)   /* of one image, unpacked: 256 GiB */
#define IMAGES_SPARE_BYTES (INT64_C(1) << 30) /* stay free on the disk */

/* One image of the store. Plain data, strings in the arena of who asked. */
struct image {
    const char *uri;
    int64_t bytes; /* of its files; of layers, all that they brought */
    int64_t entries;
    int64_t created_ms;
    const char **env; /* "KEY=value" that the image asks for, NULL-terminated */
};

/* What is to be imported. */
struct images_order {
    const char *data; /* the data folder, a real path */
    const char *uri;  /* its name */
    const char
        *source; /* absolute path: a folder or a tar (plain, gzip, zstd, xz) of a root or of an OCI image layout */
    const char
        *ref; /* which image of a layout that has several (its org.opencontainers.image.ref.name); NULL: the one */
    const atomic_bool *stop; /* gives up soon after it is set; NULL: never */
};

/* The folder's name for an image's URI. 0, or -1 with ERR_INVALID_PARAMETERS for what is no name of an image. */
int images_name(const char *uri, char out[NAME_MAX + 1], struct err *e);
/* The image of that URI. 0, or -1: ERR_NO_IMAGE. */
int images_get(const char *data, const char *uri, struct arena *a, struct image *out, struct err *e);
/* All of them, in the order of their names. 0 or -1. */
int images_list(const char *data, struct arena *a, struct image **out, size_t *count, struct err *e);
/* Puts an image into the store, all of it or nothing; takes as long as its bytes do. 0, or -1: ERR_CONFLICT_IMAGE where
 * the store has one of that URI, ERR_INVALID_PARAMETERS for a source that is none, ERR_TOO_LARGE, ERR_NO_SPACE. */
int images_import(const struct images_order *o, struct err *e);
/* Takes an image out of the store; its files go with the next images_sweep. 0, or -1: ERR_NO_IMAGE, ERR_CONFLICT_IMAGE
 * while tasks run in it. */
int images_remove(const char *data, const char *uri, struct err *e);
/* Removes what broken-off imports and removals left. Not while an import runs. */
void images_sweep(const char *data);

#endif
