/* SPDX-License-Identifier: MIT
 *
 * Digits and signs in turn; the C library only counts days.
 */
#include "base/clock_parse.h"

#include <string.h>
#include <time.h>

/* `n` digits, as a number; -1: they are none. Moves on. */
static int digits(const char **at, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return -1;
        v = v * 10 + (**at - '0');
    }
    return v;
}

static int expect(const char **at, const char *any)
{
    if (!**at || !strchr(any, **at))
        return -1;
    (*at)++;
    return 0;
}

/* Minutes east of Greenwich behind a time; 0 or -1. */
static int offset_of(const char **at, int *minutes)
{
    const char sign = **at;
    int h, m;
    *minutes = 0;
    if (expect(at, "Zz+-"))
        return -1;
    if (sign == 'Z' || sign == 'z')
        return 0;
    if ((h = digits(at, 2)) < 0 || h > 23 || expect(at, ":") || (m = digits(at, 2)) < 0 || m > 59)
        return -1;
    *minutes = (sign == '-' ? -1 : 1) * (h * 60 + m);
    return 0;
}

/* The date and the time of day, in turn. 0 or -1. */
static int fields_of(const char **at, int f[6])
{
    static const char *const between[] = {"-", "-", "Tt ", ":", ":", NULL};
    static const int low[] = {1970, 1, 1, 0, 0, 0}, high[] = {9999, 12, 31, 23, 59, 60};
    for (int i = 0; i < 6; i++) {
        f[i] = digits(at, i ? 2 : 4);
        if (f[i] < low[i] || f[i] > high[i] || (between[i] && expect(at, between[i])))
            return -1;
    }
    return 0;
}

/* Milliseconds of the fraction, if there is one; -1: it has no digit. */
static int fraction_of(const char **at)
{
    int ms = 0;
    if (**at != '.')
        return 0;
    const char *from = ++*at;
    for (int unit = 100; **at >= '0' && **at <= '9'; (*at)++, unit /= 10)
        ms += (**at - '0') * unit;
    return *at == from ? -1 : ms;
}

int clock_parse(const char *text, int64_t *wall_ms)
{
    int f[6], minutes;
    const char *at = text;
    if (fields_of(&at, f))
        return -1;
    const int ms = fraction_of(&at);
    if (ms < 0 || offset_of(&at, &minutes) || *at)
        return -1;
    struct tm tm = {
        .tm_year = f[0] - 1900, .tm_mon = f[1] - 1, .tm_mday = f[2], .tm_hour = f[3], .tm_min = f[4], .tm_sec = f[5]};
    const int64_t seconds = (int64_t)timegm(&tm) - (int64_t)minutes * 60;
    if (seconds < 0 || (tm.tm_mday != f[2] && f[5] < 60)) /* the 31st of a month that has 30 */
        return -1;
    *wall_ms = seconds * 1000 + ms;
    return 0;
}
