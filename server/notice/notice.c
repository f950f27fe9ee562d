/* SPDX-License-Identifier: MIT
 *
 * The table of kinds. By mail goes what always went: what becomes of a job only where the job or its owner asks.
 */
#include "server/notice/notice.h"

#include <string.h>

static const struct {
    const char *name;
    bool usual, urgent;
} kinds[NOTICE_KINDS] = {
    [NOTICE_STARTED] = {"started", false, false},
    [NOTICE_SUCCEEDED] = {"succeeded", false, false},
    [NOTICE_FAILED] = {"failed", false, false},
    [NOTICE_STOPPED] = {"stopped", false, false},
    [NOTICE_RETRIED] = {"retried", false, false},
    [NOTICE_PREEMPTED] = {"preempted", false, false},
    [NOTICE_IDLE] = {"idle", true, false},
    [NOTICE_LIMIT_NEAR] = {"limitNear", false, true},
    [NOTICE_RESERVATION] = {"reservation", true, true},
    [NOTICE_RESERVATION_ENDING] = {"reservationEnding", true, true},
    [NOTICE_ALERT] = {"alert", false, false},
    [NOTICE_TEST] = {"test", true, true},
};

const char *notice_kind_name(enum notice_kind k)
{
    return kinds[k].name;
}

enum notice_kind notice_kind_find(const char *name)
{
    for (int k = 0; k < NOTICE_TEST; k++)
        if (strcmp(kinds[k].name, name) == 0)
            return (enum notice_kind)k;
    return NOTICE_KINDS;
}

unsigned notice_kinds_usual(void)
{
    unsigned bits = 0;
    for (int k = 0; k < NOTICE_TEST; k++)
        bits |= (unsigned)kinds[k].usual << k;
    return bits;
}

bool notice_kind_urgent(enum notice_kind k)
{
    return kinds[k].urgent;
}
