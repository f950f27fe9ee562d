/* SPDX-License-Identifier: MIT
 *
 * Imports of images, one at a time, on a thread of their own: they read gigabytes. What becomes of one is asked for; of
 * those that failed the last ones are remembered, until the server ends.
 */
#ifndef DROVER_SERVER_IMAGE_IMPORT_H
#define DROVER_SERVER_IMAGE_IMPORT_H

#include <stdbool.h>
#include <stdint.h>

#include "engines/local/images.h"

struct err;
struct image_importer;

#define IMAGE_IMPORTS_KEPT 16

/* One import that is under way or has failed. Plain data. */
struct image_import {
    char uri[IMAGES_URI_MAX + 1];
    bool failed;
    int64_t begun_ms;
    char problem[512]; /* why it failed */
};

/* Starts the thread, which first removes what earlier imports left. `data` is borrowed for the importer's life. NULL
 * with the error. */
struct image_importer *image_importer_create(const char *data, struct err *e);
/* Breaks off what is under way and ends the thread. NULL ok. */
void image_importer_destroy(struct image_importer *x);
/* Begins an import; `ref` may be NULL. 0, or -1: ERR_CONFLICT_IMAGE while another is under way. Any thread. */
int image_importer_begin(struct image_importer *x, const char *uri, const char *source, const char *ref, struct err *e);
/* Has the files of removed images removed. Any thread. */
void image_importer_sweep(struct image_importer *x);
/* The import under way and those that failed, newest first; how many. Any thread. */
int image_importer_get(struct image_importer *x, struct image_import out[IMAGE_IMPORTS_KEPT]);

#endif
