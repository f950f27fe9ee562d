/* SPDX-License-Identifier: MIT
 *
 * Text frames of a shell with any bytes: what is accepted is within its bounds.
 */
// link: drover_server
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "server/shell_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct shell_frame f;
    struct err e = {0};

    if (shell_frame_read((const char *)data, size, &f, &e)) {
        if (e.code != ERR_INVALID_PARAMETERS)
            abort();
        return 0;
    }
    if (size > SHELL_FRAME_TEXT_MAX)
        abort();
    if (f.kind == SHELL_FRAME_RESIZE &&
        (f.rows < 1 || f.rows > SHELL_SIDE_MAX || f.columns < 1 || f.columns > SHELL_SIDE_MAX))
        abort();
    if (f.kind == SHELL_FRAME_SIGNAL && (f.signal < 1 || f.signal >= NSIG))
        abort();
    return 0;
}
