/* SPDX-License-Identifier: MIT
 *
 * What a check of the doctor found.
 */
#include "server/doctor_say.h"

#include <stdarg.h>
#include <stdio.h>

enum doctor_verdict doctor_say(char text[DOCTOR_TEXT_MAX], enum doctor_verdict v, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, DOCTOR_TEXT_MAX, fmt, ap);
    va_end(ap);
    return v;
}
