/* SPDX-License-Identifier: MIT
 *
 * Reading the clocks and writing a moment as ISO 8601. The calendar is computed here (proleptic Gregorian, UTC), so the
 * result depends on no locale, no time zone and no library state.
 */
#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <time.h>

#include "base/failpoint.h"

#define MS_PER_DAY INT64_C(86400000)
/* 0000-01-01 and 9999-12-31T23:59:59.999: what four year digits can hold. */
#define ISO_FIRST_MS (INT64_C(-719528) * MS_PER_DAY)
#define ISO_LAST_MS (INT64_C(2932897) * MS_PER_DAY - 1)

static int64_t clock_ms(clockid_t id)
{
    struct timespec ts = {0};

    (void)clock_gettime(id, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

struct clock_now clock_read(void)
{
    return (struct clock_now){.wall = clock_ms(CLOCK_REALTIME) + FAILPOINT_VALUE("clock"),
                              .mono = clock_ms(CLOCK_BOOTTIME)};
}

/* Days since 1970-01-01 to year, month, day; the 400-year era method, counting years from March. */
static void clock_civil(int64_t days, int *year, int *month, int *day)
{
    int64_t z = days + 719468;
    int64_t era = (z >= 0 ? z : z - 146096) / 146097;
    int64_t doe = z - era * 146097;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t mp = (5 * doy + 2) / 153;

    *day = (int)(doy - (153 * mp + 2) / 5 + 1);
    *month = (int)(mp < 10 ? mp + 3 : mp - 9);
    *year = (int)(yoe + era * 400 + (*month <= 2));
}

void clock_iso(int64_t wall_ms, char out[CLOCK_ISO_SIZE])
{
    int64_t days, in_day;
    int year, month, day, ms;

    if (wall_ms < ISO_FIRST_MS)
        wall_ms = ISO_FIRST_MS;
    if (wall_ms > ISO_LAST_MS)
        wall_ms = ISO_LAST_MS;
    days = wall_ms / MS_PER_DAY;
    in_day = wall_ms % MS_PER_DAY;
    if (in_day < 0) {
        in_day += MS_PER_DAY;
        days--;
    }
    clock_civil(days, &year, &month, &day);
    ms = (int)in_day;
    /* The remainders change nothing; they tell the compiler how long each field can get. */
    (void)snprintf(out, CLOCK_ISO_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u.%03uZ", (unsigned)year % 10000u,
                   (unsigned)month % 100u, (unsigned)day % 100u, (unsigned)ms / 3600000u % 24u,
                   (unsigned)ms / 60000u % 60u, (unsigned)ms / 1000u % 60u, (unsigned)ms % 1000u);
}
