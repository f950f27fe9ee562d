/* SPDX-License-Identifier: MIT
 *
 * Look-ups of JSON members that may be only one of a few things, as those of base/json.h else; apart from it, as root's
 * programs read that one.
 */
#ifndef DROVER_BASE_JSON_BOUNDS_H
#define DROVER_BASE_JSON_BOUNDS_H

#include "base/json.h"

/* A whole number of 0 to `most`; and the number of the word that the member is, of a NULL-terminated list of two or
 * more. Others are ERR_INVALID_PARAMETERS that say what may stand there. 0 or -1; what is absent leaves `out`. */
int json_get_up_to(const cJSON *o, const char *key, int most, int *out, struct err *e);
int json_get_choice(const cJSON *o, const char *key, const char *const *words, int *out, struct err *e);

#endif
