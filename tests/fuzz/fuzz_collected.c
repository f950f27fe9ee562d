/* SPDX-License-Identifier: MIT
 *
 * Fuzzes the reader of what a shim wrote down of a sandbox: a file in a folder that a task may write to. What is read
 * keeps to the bounds, and all of it is there.
 */
// link: drover_engines
#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "engines/local/collected.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *a = arena_create(0);
    struct collected found;
    struct err e = {0};

    if (!a)
        return 0;
    if (collected_parse(a, (const char *)data, size, &found, &e)) {
        assert(e.code);
    } else {
        assert(found.variable_count <= COLLECTED_VARIABLES && found.process_count <= COLLECTED_PROCESSES);
        assert(found.core_count <= COLLECTED_CORES && found.core_pattern);
        for (size_t i = 0; i < found.variable_count; i++)
            assert(found.variables[i].name);
        for (size_t i = 0; i < found.process_count; i++)
            assert(found.processes[i].state && found.processes[i].command);
        for (size_t i = 0; i < found.core_count; i++)
            assert(found.cores[i].name);
    }
    arena_destroy(a);
    return 0;
}
