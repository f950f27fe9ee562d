// link: drover_metrics
/* SPDX-License-Identifier: MIT
 *
 * A log of any bytes, read in two pieces, the first byte says where it is cut: what is told of it stays within bounds.
 */
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/err.h"
#include "metrics/progress.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool what)
{
    if (!what)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct err e = {.code = ERR_NONE};
    struct progress *p = size >= 1 && size <= 65536 ? progress_create(&e) : NULL;
    struct progress_told told;

    if (!p)
        return 0;
    const char *text = (const char *)data + 1;
    const size_t rest = size - 1, cut = rest * data[0] / 255;
    progress_declare(p, text, cut);
    progress_read(p, -1, text, cut);
    progress_read(p, 5000, text + cut, rest - cut);
    progress_gap(p);
    progress_tell(p, &(struct progress_times){0, 60000, 90000}, &told);
    must(isnan(told.done) || (told.done >= 0 && told.done <= 1));
    must(told.left_ms >= -1 && told.silent_ms == 30000);
    must(isnan(told.loss) || isfinite(told.loss));
    must(isnan(told.steps_a_second) || told.steps_a_second >= 0);
    progress_destroy(p);
    return 0;
}
