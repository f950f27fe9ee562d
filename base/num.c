/* SPDX-License-Identifier: MIT
 *
 * strtod and printf with the locale's decimal point swapped for '.' and back.
 */
#include "base/num.h"

#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NUM_LONGEST 512u

int num_parse(const char *text, size_t len, double *out)
{
    char copy[NUM_LONGEST + 8];
    const char *point = localeconv()->decimal_point;
    size_t point_len = strlen(point);
    size_t i, o = 0;

    if (len > NUM_LONGEST || point_len > 7)
        return -1;
    for (i = 0; i < len; i++) {
        if (text[i] == '.') {
            memcpy(copy + o, point, point_len);
            o += point_len;
        } else {
            copy[o++] = text[i];
        }
    }
    copy[o] = '\0';
    *out = strtod(copy, NULL);
    return isfinite(*out) ? 0 : -1;
}

/* A point for whatever the locale has. */
static void set_point(char *out)
{
    const char *point = localeconv()->decimal_point;
    const size_t point_len = strlen(point);
    char *at = strstr(out, point);

    if (at && point_len) {
        *at = '.';
        memmove(at + 1, at + point_len, strlen(at + point_len) + 1);
    }
}

void num_format(double v, char out[NUM_SIZE])
{
    (void)snprintf(out, NUM_SIZE, "%.15g", v);
    /* Bit for bit: 15 digits are enough for what people write, 17 are enough for every double. */
    if (memcmp(&(double){strtod(out, NULL)}, &v, sizeof(v)) != 0) /* NOLINT */
        (void)snprintf(out, NUM_SIZE, "%.17g", v);
    set_point(out);
}

void num_format_float(float v, char out[NUM_SIZE])
{
    for (int digits = 6; digits <= 9; digits++) {
        (void)snprintf(out, NUM_SIZE, "%.*g", digits, (double)v);
        if (memcmp(&(float){strtof(out, NULL)}, &v, sizeof(v)) == 0) /* NOLINT */
            break;
    }
    set_point(out);
}
