/* SPDX-License-Identifier: MIT
 *
 * Numbers up to a bound, and words out of a list.
 */
#include "base/json_bounds.h"

#include <stdio.h>
#include <string.h>

#include "base/err.h"

int json_get_up_to(const cJSON *o, const char *key, int most, int *out, struct err *e)
{
    int64_t v = *out;

    if (json_get_int(o, key, &v, e))
        return -1;
    if (v < 0 || v > most)
        return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be between 0 and %d.", key, most);
    *out = (int)v;
    return 0;
}

int json_get_choice(const cJSON *o, const char *key, const char *const *words, int *out, struct err *e)
{
    const char *s = NULL;
    char all[256] = "";

    if (json_get_string(o, key, &s, e))
        return -1;
    if (!s)
        return 0;
    for (int i = 0; words[i]; i++) {
        const char *before = !i ? "" : words[i + 1] ? ", " : " or ";
        size_t n = strlen(all);

        if (!strcmp(s, words[i])) {
            *out = i;
            return 0;
        }
        snprintf(all + n, sizeof all - n, "%s\"%s\"", before, words[i]);
    }
    return err_set(e, ERR_INVALID_PARAMETERS, "\"%s\" must be %s.", key, all);
}
