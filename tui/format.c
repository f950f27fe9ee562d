/* SPDX-License-Identifier: MIT
 *
 * Numbers and times for people.
 */
#include "tui/format.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const char *format_two(int64_t a, const char *unit_a, int64_t b, const char *unit_b, char *out)
{
    snprintf(out, FORMAT_SIZE, "%lld%s%02lld%s", (long long)a, unit_a, (long long)b, unit_b);
    return out;
}

const char *format_duration(int64_t ms, char out[FORMAT_SIZE])
{
    int64_t s = ms > 0 ? ms / 1000 : 0;

    if (s >= 3600)
        return format_coarse(ms, out);
    if (s >= 60)
        return format_two(s / 60, "m", s % 60, "s", out);
    snprintf(out, FORMAT_SIZE, "%llds", (long long)s);
    return out;
}

const char *format_coarse(int64_t ms, char out[FORMAT_SIZE])
{
    int64_t minutes = ms > 0 ? ms / 60000 : 0;

    if (minutes >= 1440)
        return format_two(minutes / 1440, "d", minutes / 60 % 24, "h", out);
    if (minutes >= 60)
        return format_two(minutes / 60, "h", minutes % 60, "m", out);
    if (minutes == 0)
        snprintf(out, FORMAT_SIZE, "<1m");
    else
        snprintf(out, FORMAT_SIZE, "%lldm", (long long)minutes);
    return out;
}

const char *format_ago(int64_t now_ms, int64_t at_ms, char out[FORMAT_SIZE])
{
    bool ahead = at_ms - now_ms > 5000; /* less is two clocks that differ */
    int64_t s = (ahead ? at_ms - now_ms : now_ms > at_ms ? now_ms - at_ms : 0) / 1000;
    const char *in = ahead ? "in " : "", *ago = ahead ? "" : " ago";

    if (!at_ms)
        snprintf(out, FORMAT_SIZE, "-");
    else if (s < 60)
        snprintf(out, FORMAT_SIZE, "%s%lld s%s", in, (long long)s, ago);
    else if (s < 3600)
        snprintf(out, FORMAT_SIZE, "%s%lld min%s", in, (long long)(s / 60), ago);
    else if (s < 2 * 86400)
        snprintf(out, FORMAT_SIZE, "%s%lld h%s", in, (long long)(s / 3600), ago);
    else
        snprintf(out, FORMAT_SIZE, "%s%lld d%s", in, (long long)(s / 86400), ago);
    return out;
}

/* Local time taken apart; false for time 0. */
static bool format_fields(int64_t at_ms, struct tm *tm)
{
    time_t t = (time_t)(at_ms / 1000);

    return at_ms != 0 && localtime_r(&t, tm) != NULL;
}

const char *format_local(int64_t at_ms, char out[FORMAT_SIZE])
{
    struct tm tm;

    if (!format_fields(at_ms, &tm) || !strftime(out, FORMAT_SIZE, "%Y-%m-%d %H:%M:%S", &tm))
        snprintf(out, FORMAT_SIZE, "-");
    return out;
}

const char *format_clock(int64_t at_ms, char out[FORMAT_SIZE])
{
    struct tm tm;

    if (!format_fields(at_ms, &tm) || !strftime(out, FORMAT_SIZE, "%H:%M", &tm))
        snprintf(out, FORMAT_SIZE, "-");
    return out;
}

const char *format_count(int64_t n, char out[FORMAT_SIZE])
{
    char digits[24];
    size_t len;
    size_t at = 0;

    snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
    len = strlen(digits);
    if (n < 0)
        out[at++] = '-';
    for (size_t i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            out[at++] = ',';
        out[at++] = digits[i];
    }
    out[at] = '\0';
    return out;
}

const char *format_bytes(int64_t n, char out[FORMAT_SIZE])
{
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
    double value = (double)n;
    size_t unit = 0;

    while (value >= 1024 && unit + 1 < sizeof units / sizeof *units) {
        value /= 1024;
        unit++;
    }
    snprintf(out, FORMAT_SIZE, unit ? "%.1f %s" : "%.0f %s", value, units[unit]);
    return out;
}
