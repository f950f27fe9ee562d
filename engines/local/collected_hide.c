/* SPDX-License-Identifier: MIT
 *
 * Names of variables that say that their values are secret: a file of its own, for the shim needs nothing else of
 * collected.h.
 */
#include <string.h>
#include <strings.h>

#include "engines/local/collected.h"

bool collected_hides(const char *name)
{
    static const char *const words[] = {"TOKEN",  "SECRET",  "PASSW",  "CREDENTIAL", "NONCE",
                                        "APIKEY", "PRIVATE", "COOKIE", "_KEY",       "AUTH"};

    /* Of the job and its roles, whose names are anybody's words. */
    if (strncmp(name, "PAI_", 4) == 0)
        return false;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
        if (strcasestr(name, words[i]))
            return true;
    return false;
}
