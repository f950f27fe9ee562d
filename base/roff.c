/* SPDX-License-Identifier: MIT
 *
 * Escapes of roff.
 */
#include "base/roff.h"

void roff_text(FILE *f, const char *text)
{
    if (*text == '.' || *text == '\'')
        (void)fputs("\\&", f);
    for (; *text; text++) {
        if (*text == '\\')
            (void)fputs("\\e", f);
        else if (*text == '-')
            (void)fputs("\\-", f);
        else
            (void)fputc(*text, f);
    }
}
