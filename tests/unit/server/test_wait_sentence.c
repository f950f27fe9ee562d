/* SPDX-License-Identifier: MIT
 *
 * What is said of maintenance that keeps a job waiting: whose machines, from when, until when.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/buf.h"
#include "core/explain.h"
#include "jobs/spec.h"
#include "scheduler/explain.h"
#include "server/api/wait_reason.h"

static void expect(const struct explanation *x, int64_t limit_ms, const char *sentence)
{
    const struct spec spec = {.time_limit_ms = limit_ms};
    const struct core_question q = {.spec = &spec, .user = "ana", .full_name = "ana~a"};
    struct explanation whole = *x;
    struct buf out;
    whole.reason = whole.then = EXPLAIN_MAINTENANCE;
    buf_init(&out, 1000);
    wait_reason_sentence(&whole, &q, &out);
    assert_string_equal(buf_str(&out), sentence);
    buf_fini(&out);
}

static void test_machines_of_its_own_are_told(void **state)
{
    (void)state;
    expect(&(struct explanation){.closed = 1, .opens_ms = 1764590400000}, 0,
           "1 node that it could use is in maintenance; the first returns at 2025-12-01 12:00 UTC.");
    expect(&(struct explanation){.closed = 2, .closes_ms = 1764576000000, .opens_ms = 1764590400000}, 3600000,
           "2 nodes that it could use will be in maintenance from 2025-12-01 08:00 UTC on, before its time limit is "
           "over; the first returns at 2025-12-01 12:00 UTC.");
    expect(
        &(struct explanation){.closed = 1, .closes_ms = 1764576000000}, 0,
        "1 node that it could use will be in maintenance from 2025-12-01 08:00 UTC on, and the job has no time limit.");
}

/* Its own machines have room, but what is left of the cluster is promised to others while some are away. */
static void test_machines_of_others_are_told_as_such(void **state)
{
    (void)state;
    expect(
        &(struct explanation){.closed = 2, .closed_others = true, .opens_ms = 1764590400000}, 0,
        "2 other nodes are in maintenance, and what it would take is promised to others meanwhile; the first returns "
        "at 2025-12-01 12:00 UTC.");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_machines_of_its_own_are_told),
        cmocka_unit_test(test_machines_of_others_are_told_as_such),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
