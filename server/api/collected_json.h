/* SPDX-License-Identifier: MIT
 *
 * All that was collected of a debug reservation's sandbox, as JSON.
 */
#ifndef DROVER_SERVER_API_COLLECTED_JSON_H
#define DROVER_SERVER_API_COLLECTED_JSON_H

#include <stddef.h>

struct api;
struct arena;
struct err;
struct json_out;
struct lease;

/* Of which. Borrowed, but what comes into the arena. */
struct collected_of {
    struct arena *arena;
    const struct lease *lease;
    const void *sealed; /* the job's secrets; NULL = none */
    size_t sealed_len;
};

/* Writes the object: what the row knows of the end, what the shim wrote down, the end of the log, and the GPUs as they
 * are now. No value of a secret is in it. What is not there any more is null. 0, or -1 with `e`; then `j` is not to be
 * used. Reads files, so no thread that others wait for. */
int collected_json(struct json_out *j, struct api *a, const struct collected_of *of, struct err *e);

#endif
