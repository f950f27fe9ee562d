/* SPDX-License-Identifier: MIT
 *
 * OCI image layouts (image-spec 1.0 and 1.1): from index.json by way of manifests to layers. Every blob is held against
 * its digest before it is believed; no link of the layout is followed.
 */
#ifndef DROVER_ENGINES_LOCAL_IMAGE_OCI_H
#define DROVER_ENGINES_LOCAL_IMAGE_OCI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/tarball.h"

struct arena;
struct err;

#define IMAGE_OCI_LAYERS_MAX 256u
#define IMAGE_OCI_ENV_MAX 256u
#define IMAGE_OCI_JSON_MAX (4u << 20)

/* What the unpacking of a layout gives. */
struct image_oci {
    struct arena *arena;        /* given: where strings go */
    const char *ref;            /* given: which of several, or NULL */
    struct tarball_rules rules; /* given: bounds of all layers together */
    struct tarball found;
    const char *env[IMAGE_OCI_ENV_MAX + 1]; /* "KEY=value", NULL-terminated */
};

/* Whether the open folder is the top of a layout. */
bool image_oci_is(int layout);
/* Unpacks the layout's image for this machine into the open folder `root`, layer by layer. 0, or -1 with an error that
 * names the blob and the place. */
int image_oci_unpack(int layout, int root, struct image_oci *o, struct err *e);

#endif
