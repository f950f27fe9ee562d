/* SPDX-License-Identifier: MIT
 *
 * UTF-8 helpers with any bytes: nothing read past the end, nothing left in utf8_safe's output that a terminal obeys.
 */
#include <stdint.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *s = (const char *)data;
    struct buf b;
    size_t i, fit;
    int used = 0;

    buf_init(&b, 0);
    if (utf8_safe(&b, s, size, false, false) || !utf8_valid(buf_str(&b), b.len))
        abort();
    for (i = 0; i < b.len; i++) {
        if ((unsigned char)b.data[i] < 0x20 || b.data[i] == 0x7f)
            abort();
    }
    fit = utf8_fit(s, size, 10, &used);
    if (fit > size || used > 10 || utf8_width(s, fit) != used)
        abort();
    buf_fini(&b);
    return 0;
}
