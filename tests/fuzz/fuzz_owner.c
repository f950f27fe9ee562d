/* SPDX-License-Identifier: MIT
 *
 * Fuzzes what says whose a process is: a file `cgroup` and a file `environ`. An attempt that is named is an id, and
 * stands there.
 */
// link: drover_engines
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engines/local/owner.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), attempt[ID_SIZE];

    if (!text)
        return 0;
    memcpy(text, data, size);
    text[size] = '\0';
    if (owner_in_group(text, attempt))
        assert(id_valid(attempt) && strstr(text, attempt));
    if (owner_in_environment(text, size, attempt))
        assert(id_valid(attempt) && memmem(text, size, attempt, ID_SIZE - 1));
    free(text);
    return 0;
}
