/* SPDX-License-Identifier: MIT
 *
 * From the storages that a job names to folders of its nodes: what its user may use, and where it is.
 */
#ifndef DROVER_SERVER_MOUNTS_H
#define DROVER_SERVER_MOUNTS_H

#include <stddef.h>

#include "engines/engine.h"

struct arena;
struct err;
struct spec;
struct store;

struct mounts {
    struct arena *arena; /* the caller's: list and strings are in it */
    struct engine_mount *list;
    size_t count;
};

/* The folders of a job. Asked when the job is submitted, and again at each launch: what was taken from
 * the user in the meantime is not mounted. ERR_FORBIDDEN for a storage that none of the user's groups grants (admins
 * may use all), ERR_NO_STORAGE, ERR_INVALID_PARAMETERS for one that the nodes have not mounted. 0 or -1. Any thread,
 * with a connection of its own. */
int mounts_of(struct store *s, const struct spec *spec, const char *user, struct mounts *out, struct err *e);

#endif
