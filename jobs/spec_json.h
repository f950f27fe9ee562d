/* SPDX-License-Identifier: MIT
 *
 * What JSON has and YAML has not.
 */
#ifndef DROVER_JOBS_SPEC_JSON_H
#define DROVER_JOBS_SPEC_JSON_H

#include <stddef.h>

struct arena;

/* If the text begins as a JSON object: a copy in the arena in which each pair of surrogate escapes ("\ud83d\ude00") is
 * the character itself, with the new *len. The text as it is when there is nothing to do. NULL on out of memory. */
const char *spec_json_join(struct arena *a, const char *text, size_t *len);

#endif
